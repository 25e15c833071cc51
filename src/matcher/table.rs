//! [`Table`]: what all foreign lists say of millions of names, asked where it
//! lies in a file.
//
//  Names are not kept, only 44 bits of their hashes in the bucket that other
//  bits say.  So one name in some 2^41 that are asked for is taken for another
//  one, and nobody can find such a name without the key.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use super::error::TableError;
use super::hash::Key;
use super::header::Header;
use super::header::crc;
use super::layout::BUCKET;
use super::layout::EXTRA;
use super::layout::LINE;
use super::layout::SET_BITS;
use super::layout::SLOTS;
use super::sets::ListSet;
use super::sets::Masks;
use super::trail::Trail;
use super::trail::depth;

/// Octets that somebody holds: read into memory, or a mapped file.
type Image = Arc<dyn AsRef<[u8]> + Send + Sync>;

/// A bucket as it lies in the image.
type Bucket = [u8; BUCKET];

//----------- Table ------------------------------------------------------------

/// What all foreign lists say, in one table.
#[derive(Clone)]
pub struct Table {
    /// The octets.
    image: Image,
    /// What its header says.
    header: Arc<Header>,
    /// Where the sections are: slots, lines, extras, sets, facts.
    sections: [Range<usize>; 5],
    /// The sets of words; the first has number 1.
    sets: Arc<[Masks]>,
}

/// A list that blocks a name, and where in the table it says so.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Hit {
    /// The position of the list.
    pub list: u8,
    /// Which word of the name it is.
    word: u8,
    /// The slot of the name.
    slot: u32,
}

impl Table {
    /// Returns the table in which there is no name.
    pub fn empty() -> Self {
        let image = Arc::new(Vec::new());
        let header = Arc::new(Header::empty(Key::ours()));
        Self { image, header, sections: Default::default(), sets: Arc::default() }
    }

    /// Opens a table: an image that [`build`](super::build()) wrote with the
    /// key of this process.
    ///
    /// What is large is not looked at, since it would all have to be read
    /// from a disk; [`verify`](super::verify) does that.  An image that is
    /// damaged there gives wrong answers and nothing worse.
    pub fn open(image: Image) -> Result<Self, TableError> {
        let octets: &[u8] = (*image).as_ref();
        let header = Header::read(octets)?;
        if header.key != Key::ours() {
            return Err(TableError::OtherKey);
        }
        let starts = header.sizes.starts();
        let end = starts.last().copied().unwrap_or_default();
        if end > octets.len() as u64 {
            return Err(TableError::Cut);
        }
        if end < octets.len() as u64 {
            return Err(TableError::Long);
        }
        let mut sections: [Range<usize>; 5] = Default::default();
        let bounds = starts.iter().zip(starts.iter().skip(1));
        for (section, (&from, &to)) in sections.iter_mut().zip(bounds) {
            let at = |at| usize::try_from(at).map_err(|_| TableError::Cut);
            *section = at(from)?..at(to)?;
        }
        let [_, _, _, sets, facts] = sections.clone().map(|section| octets.get(section).unwrap_or_default());
        let [_, _, _, sets_crc, facts_crc] = header.crcs;
        if crc(facts) != facts_crc {
            return Err(TableError::Torn("facts"));
        }
        let read = Masks::read(sets, header.sets as usize).filter(|_| crc(sets) == sets_crc);
        let sets = read.ok_or(TableError::Torn("sets"))?.into();
        Ok(Self { image, header: Arc::new(header), sections, sets })
    }

    /// Asks whether one of the lists in `wanted` blocks a name; the trail is
    /// of this process's key.
    ///
    /// Each list speaks for itself: its most specific word about the name
    /// counts, the one about the name itself first, and if that lets the name
    /// pass, the list has no more to say.  Of several lists that block, the
    /// one with the most specific word is returned, and of those that are as
    /// specific the one with the lowest position.
    pub fn find(&self, trail: &Trail<'_>, wanted: ListSet) -> Option<Hit> {
        let mut open = wanted;
        if open.is_empty() || self.is_empty() {
            return None;
        }
        let buckets = self.section(|[slots, ..]| slots).as_chunks().0;
        for step in trail.steps() {
            if self.header.depths & depth(step.labels) == 0 {
                continue;
            }
            let Some((slot, masks)) = self.probe(buckets, step.hash) else { continue };
            if step.whole {
                let passed = masks.pass_exact.without(masks.block_exact);
                let subtree = masks.block_subtree.without(passed);
                let block = open.intersection(masks.block_exact.union(subtree));
                if let Some(list) = block.first() {
                    return hit(slot, masks, list, !masks.block_exact.contains(list));
                }
                open = open.without(passed);
            } else if let Some(list) = open.intersection(masks.block_subtree).first() {
                return hit(slot, masks, list, true);
            }
            open = open.without(masks.pass_subtree);
            if open.is_empty() {
                return None;
            }
        }
        None
    }

    /// Looks for a hash: its slot, and what is said of its name.
    fn probe(&self, buckets: &[Bucket], hash: u64) -> Option<(usize, &Masks)> {
        let home = usize::try_from(home(hash, self.header.homes)).ok()?;
        let tag = tag(hash);
        for (at, bucket) in (home..).zip(buckets.get(home..)?) {
            let (slots, _) = bucket.as_chunks::<8>();
            // All eight are compared, without a branch: most are not it.
            let (mut same, mut last) = (0u32, 0);
            for (nth, slot) in slots.iter().enumerate() {
                last = u64::from_le_bytes(*slot);
                same |= u32::from(last >> SET_BITS == tag) << nth;
            }
            if same != 0 {
                let nth = same.trailing_zeros() as usize;
                let set = set(u64::from_le_bytes(*slots.get(nth)?));
                // A free slot looks like tag 0, and has set 0.
                let masks = self.sets.get(set.checked_sub(1)?)?;
                return Some((at * slots.len() + nth, masks));
            }
            if last == 0 {
                return None;
            }
        }
        None
    }

    /// Returns the line of the list at which a name is blocked, if that was
    /// kept.
    pub fn line(&self, hit: Hit) -> Option<u32> {
        let slot = hit.slot as usize;
        let slots = self.section(|[slots, ..]| slots).as_chunks::<8>().0;
        let set = set(u64::from_le_bytes(*slots.get(slot)?));
        let masks = self.sets.get(set.checked_sub(1)?)?;
        let lines = self.section(|[_, lines, ..]| lines).as_chunks::<LINE>().0;
        let [first, second, third] = *lines.get(slot)?;
        let mut line = u32::from_le_bytes([first, second, third, 0]);
        if masks.len() > 1 {
            // It is the place of the first of several lines, from 1 on.
            let place = (line as usize).checked_sub(1)? + usize::from(hit.word);
            let extras = self.section(|[_, _, extras, ..]| extras).as_chunks::<EXTRA>().0;
            line = u32::from_le_bytes(*extras.get(place)?);
        }
        (line > 0).then_some(line)
    }

    /// Returns how many rules a list has: words about a name, each name with
    /// its subtree or without.
    pub fn rules(&self, list: usize) -> u64 {
        self.header.rules.get(list).copied().unwrap_or_default()
    }

    /// Returns how many names something is said of.
    pub fn len(&self) -> u64 {
        self.header.names
    }

    /// Returns whether nothing is said of anything.
    pub fn is_empty(&self) -> bool {
        self.header.names == 0
    }

    /// Returns what it was made of, as it was given when it was built.
    pub fn fingerprint(&self) -> [u8; 16] {
        self.header.fingerprint
    }

    /// Returns what whoever built it wanted to know later.
    pub fn facts(&self) -> &[u8] {
        self.section(|[_, _, _, _, facts]| facts)
    }

    /// Returns a section of the image.
    fn section(&self, which: impl FnOnce(&[Range<usize>; 5]) -> &Range<usize>) -> &[u8] {
        let octets: &[u8] = (*self.image).as_ref();
        octets.get(which(&self.sections).clone()).unwrap_or_default()
    }
}

impl Default for Table {
    fn default() -> Self {
        Self::empty()
    }
}

impl fmt::Debug for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Table")
            .field("names", &self.len())
            .field("lists", &self.header.lists)
            .finish_non_exhaustive()
    }
}

/// Makes a hit.
fn hit(slot: usize, masks: &Masks, list: usize, subtree: bool) -> Option<Hit> {
    let word = u8::try_from(masks.position(list, subtree)).ok()?;
    Some(Hit { list: u8::try_from(list).ok()?, word, slot: u32::try_from(slot).ok()? })
}

//----------- Slots ------------------------------------------------------------

/// Returns the bucket in which a hash is looked for first.
pub(super) fn home(hash: u64, homes: u64) -> u64 {
    hash.carrying_mul(homes, 0).1
}

/// Returns the 44 bits of a hash that are kept.
pub(super) fn tag(hash: u64) -> u64 {
    hash & (u64::MAX >> SET_BITS)
}

/// Returns the number of the set in a slot; 0 if it is free.
fn set(slot: u64) -> usize {
    usize::try_from(slot & ((1 << SET_BITS) - 1)).unwrap_or_default()
}

/// Returns the slot of a bucket's front.
pub(super) fn front(bucket: u64) -> u64 {
    bucket * SLOTS
}

//----------- Tests ------------------------------------------------------------

#[cfg(test)]
mod tests;
