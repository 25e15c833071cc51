//! [`Writer`]: sorted mentions to the octets of a table, through three small
//! buffers.
//
//  Apart from `build`, which decides what is asked for and when.

use std::io;

use flate2::Crc;

use super::hash::Key;
use super::header::Header;
use super::header::Sizes;
use super::header::crc;
use super::layout::EXTRA;
use super::layout::HEADER;
use super::layout::LINE;
use super::layout::MOST_BUCKETS;
use super::layout::MOST_LINE;
use super::layout::SET_BITS;
use super::layout::SLOTS;
use super::mention::Mention;
use super::plan::Plan;
use super::sets::MOST_LISTS;
use super::sets::Word;
use super::sets::Words;
use super::sink::Fault;
use super::table::front;
use super::table::home;
use super::table::tag;
use crate::base::way::give_way;

/// How much is written at once.
const PIECE: usize = 64 << 10;

//----------- Out --------------------------------------------------------------

/// Where an image is written.
pub trait Out {
    /// Writes octets so many octets from the front.  What was not written
    /// before that place is written later.
    fn write_at(&mut self, at: u64, octets: &[u8]) -> io::Result<()>;
}

impl Out for Vec<u8> {
    fn write_at(&mut self, at: u64, octets: &[u8]) -> io::Result<()> {
        let large = || io::Error::from(io::ErrorKind::FileTooLarge);
        let at = usize::try_from(at).map_err(|_| large())?;
        let end = at.checked_add(octets.len()).ok_or_else(large)?;
        if end > self.len() {
            self.resize(end, 0);
        }
        self.get_mut(at..end).ok_or_else(large)?.copy_from_slice(octets);
        Ok(())
    }
}

//----------- Stream -----------------------------------------------------------

/// A section that is written from its front to its end.
struct Stream {
    /// Where the next octet goes.
    at: u64,
    /// What is not written yet.
    piece: Vec<u8>,
    /// The CRC of what is written.
    crc: Crc,
}

impl Stream {
    /// Starts a section.
    fn new(at: u64) -> Self {
        Self { at, piece: Vec::with_capacity(PIECE), crc: Crc::new() }
    }

    /// Adds a few octets.
    fn put(&mut self, out: &mut impl Out, octets: &[u8]) -> io::Result<()> {
        if self.piece.len() + octets.len() > PIECE {
            self.flush(out)?;
        }
        self.piece.extend_from_slice(octets);
        Ok(())
    }

    /// Writes what is not written yet, and returns the CRC of all.
    fn flush(&mut self, out: &mut impl Out) -> io::Result<u32> {
        if !self.piece.is_empty() {
            out.write_at(self.at, &self.piece)?;
            give_way();
        }
        self.at += self.piece.len() as u64;
        self.crc.update(&self.piece);
        self.piece.clear();
        Ok(self.crc.sum())
    }
}

//----------- Writer -----------------------------------------------------------

/// Writes a table.
pub(super) struct Writer {
    /// How many buckets hashes can say.
    homes: u64,
    /// How many lists there are.
    lists: usize,
    /// The first slot that nothing was decided about.
    next: u64,
    /// How many names were written.
    names: u64,
    /// How large the sections are, as far as that is known.
    sizes: Sizes,
    /// The sets of words.
    words: Words,
    /// How many rules each list has.
    rules: [u64; MOST_LISTS],
    /// The slots.
    slots: Stream,
    /// A line for each slot.
    lines: Stream,
    /// The lines of names with more than one word.
    extras: Stream,
    /// The words about the name at hand.
    at_hand: Vec<Word>,
}

impl Writer {
    /// Starts a table; none if it would be too large.
    pub(super) fn new(plan: &Plan, lists: usize) -> Option<Self> {
        let buckets = plan.homes.checked_add(plan.spare).filter(|&buckets| buckets <= MOST_BUCKETS)?;
        let sizes = Sizes { buckets, extras: 0, sets: 0, facts: 0 };
        let [slots, lines, extras, ..] = sizes.starts();
        Some(Self {
            homes: plan.homes,
            lists,
            next: 0,
            names: 0,
            sizes,
            words: Words::default(),
            rules: [0; MOST_LISTS],
            slots: Stream::new(slots),
            lines: Stream::new(lines),
            extras: Stream::new(extras),
            at_hand: Vec::new(),
        })
    }

    /// Writes names: mentions in order, each that counts once.
    pub(super) fn take(&mut self, out: &mut impl Out, mentions: &[Mention]) -> Result<(), Fault> {
        for of_name in mentions.chunk_by(|one, next| one.hash() == next.hash()) {
            let Some(first) = of_name.first() else { continue };
            self.at_hand.clear();
            self.at_hand.extend(of_name.iter().map(|mention| mention.word()));
            for word in &self.at_hand {
                if let Some(rules) = self.rules.get_mut(usize::from(word.list)) {
                    *rules += 1;
                }
            }
            let set = self.words.number(&self.at_hand).ok_or(Fault::Sets)?;
            let line = if of_name.len() == 1 { first.line() } else { self.put_extras(out, of_name)? };
            self.put_name(out, first.hash(), set, line)?;
        }
        Ok(())
    }

    /// Writes the lines of a name with more than one word.  Returns the place
    /// of the first, from 1 on; 0 if no more can be kept, and then nobody is
    /// told the lines of this name.
    fn put_extras(&mut self, out: &mut impl Out, of_name: &[Mention]) -> Result<u32, Fault> {
        let end = self.sizes.extras + of_name.len() as u64;
        if end > u64::from(MOST_LINE) {
            return Ok(0);
        }
        let place = u32::try_from(self.sizes.extras + 1).unwrap_or_default();
        for mention in of_name {
            let octets: [u8; EXTRA] = mention.line().to_le_bytes();
            self.extras.put(out, &octets)?;
        }
        self.sizes.extras = end;
        Ok(place)
    }

    /// Writes a name into its bucket, or into the next with a free slot.
    fn put_name(&mut self, out: &mut impl Out, hash: u64, set: u32, line: u32) -> Result<(), Fault> {
        let at = self.next.max(front(home(hash, self.homes)));
        // The very last slot stays free, so that every search comes to an end.
        if at + 1 >= self.sizes.buckets * SLOTS {
            return Err(Fault::Crowded);
        }
        self.fill(out, at)?;
        self.put_slot(out, tag(hash) << SET_BITS | u64::from(set), line)?;
        self.names += 1;
        Ok(())
    }

    /// Leaves the slots before this one free.
    fn fill(&mut self, out: &mut impl Out, before: u64) -> io::Result<()> {
        while self.next < before {
            self.put_slot(out, 0, 0)?;
        }
        Ok(())
    }

    /// Writes a slot and its line.
    fn put_slot(&mut self, out: &mut impl Out, slot: u64, line: u32) -> io::Result<()> {
        self.slots.put(out, &slot.to_le_bytes())?;
        let [first, second, third, _] = line.to_le_bytes();
        let line: [u8; LINE] = [first, second, third];
        self.lines.put(out, &line)?;
        self.next += 1;
        Ok(())
    }

    /// Returns how many names were written.
    pub(super) fn names(&self) -> u64 {
        self.names
    }

    /// Writes the rest, and the header last: until then it is no table.
    /// Returns how many rules each list has, and how large the table is.
    pub(super) fn finish(
        mut self,
        out: &mut impl Out,
        key: Key,
        fingerprint: [u8; 16],
        depths: u128,
        facts: &[u8],
    ) -> Result<(Vec<u64>, u64), Fault> {
        self.fill(out, self.sizes.buckets * SLOTS)?;
        let sets = self.words.to_bytes();
        self.sizes.sets = u32::try_from(sets.len()).map_err(|_| Fault::Large)?;
        self.sizes.facts = u32::try_from(facts.len()).map_err(|_| Fault::Large)?;
        let streams = [&mut self.slots, &mut self.lines, &mut self.extras];
        let mut crcs = [0, 0, 0, crc(&sets), crc(facts)];
        for (stream, crc) in streams.into_iter().zip(&mut crcs) {
            *crc = stream.flush(out)?;
        }
        let [.., sets_at, facts_at, end] = self.sizes.starts();
        out.write_at(sets_at, &sets)?;
        out.write_at(facts_at, facts)?;
        let header = Header {
            key,
            fingerprint,
            lists: u32::try_from(self.lists).unwrap_or_default(),
            sets: u32::try_from(self.words.len()).map_err(|_| Fault::Sets)?,
            names: self.names,
            homes: self.homes,
            depths,
            sizes: self.sizes,
            crcs,
            rules: self.rules,
        };
        let header: [u8; HEADER] = header.to_bytes();
        out.write_at(0, &header)?;
        Ok((self.rules.into_iter().take(self.lists).collect(), end))
    }
}
