//! What a table looks like as a file: its header, and where everything is.
//!
//! Apart from `table`, which asks one, and `build`, which writes one.
//
//  All numbers are little-endian.  Right after each other, without gaps:
//
//    header   1216 octets: the numbers of `Header`, zeros, and their CRC
//    slots    64 octets for each bucket: eight slots of tag << 20 | set
//    lines    24 octets for each bucket: three for each slot
//    extras   4 octets for each line of names with more than one word
//    sets     the words of each set
//    facts    what whoever built it wants to know later
//
//  A name is put into the bucket its hash says, or the next with a free slot.
//  There are a few buckets more than hashes can say, for what is put past the
//  end, and the very last slot is free.
//
//  The CRCs are against torn files and tired flash, not against people.

use std::fmt;
use std::io;
use std::io::ErrorKind;
use std::io::Read;

use flate2::Crc;

use super::hash::Key;
use super::hash::hash_of;
use super::sets::MOST_LISTS;
use super::sets::MOST_SETS;

/// The octets of a bucket: a cache line.
pub(super) const BUCKET: usize = 64;
/// The slots of a bucket.
pub(super) const SLOTS: u64 = 8;
/// The octets of the line of a slot.
pub(super) const LINE: usize = 3;
/// The octets of a line of a name with more than one word.
pub(super) const EXTRA: usize = 4;
/// Most buckets, so that the number of a slot has 31 bits.
pub(super) const MOST_BUCKETS: u64 = 1 << 28;
/// The largest line, and the largest place of an extra line: three octets.
pub(super) const MOST_LINE: u32 = (1 << 24) - 1;
/// The bits of a slot that say which set it is.
pub(super) const SET_BITS: u32 = 20;

/// The octets of the header: a multiple of 64, so that no bucket lies in two
/// cache lines of a mapped file.
pub(super) const HEADER: usize = 1216;
/// How a table begins.
const MAGIC: [u8; 8] = *b"sordtab\n";
/// The version of all of this.
const VERSION: u32 = 1;
/// The name whose hash is in the header, so that a table from another hash
/// function is known for one.
const CANARY: &[u8] = b"\x06canary\x18in-the-mine-of-the-hashes\x04test\x00";
/// How much of a file is read at once.
const PIECE: usize = 64 << 10;

//----------- Header -----------------------------------------------------------

/// The header of a table.
#[derive(Clone, Debug)]
pub(super) struct Header {
    /// The key of its hashes.
    pub(super) key: Key,
    /// What it was made of, in words of whoever built it.
    pub(super) fingerprint: [u8; 16],
    /// How many lists there are.
    pub(super) lists: u32,
    /// How many sets of words.
    pub(super) sets: u32,
    /// How many names.
    pub(super) names: u64,
    /// How many buckets hashes can say.
    pub(super) homes: u64,
    /// How many labels names have: bit `n` for `n` labels.
    pub(super) depths: u128,
    /// How large the sections are.
    pub(super) sizes: Sizes,
    /// The CRC32 of each section, in order.
    pub(super) crcs: [u32; 5],
    /// How many rules each list has.
    pub(super) rules: [u64; MOST_LISTS],
}

/// The sizes of the sections.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sizes {
    /// Buckets.
    pub(super) buckets: u64,
    /// Lines of names with more than one word.
    pub(super) extras: u64,
    /// Octets of all sets.
    pub(super) sets: u32,
    /// Octets of the facts.
    pub(super) facts: u32,
}

impl Sizes {
    /// Returns the octets of each section, in order; at most 2^35 each.
    pub(super) fn octets(self) -> [u64; 5] {
        [
            self.buckets * BUCKET as u64,
            self.buckets * SLOTS * LINE as u64,
            self.extras * EXTRA as u64,
            u64::from(self.sets),
            u64::from(self.facts),
        ]
    }

    /// Returns where each section begins, and where the last one ends.
    pub(super) fn starts(self) -> [u64; 6] {
        let mut at = HEADER as u64;
        let mut starts = [at; 6];
        for (start, octets) in starts.iter_mut().skip(1).zip(self.octets()) {
            at += octets;
            *start = at;
        }
        starts
    }
}

impl Header {
    /// Returns the header of a table without names.
    pub(super) fn empty(key: Key) -> Self {
        Self {
            key,
            fingerprint: [0; 16],
            lists: 0,
            sets: 0,
            names: 0,
            homes: 0,
            depths: 0,
            sizes: Sizes { buckets: 0, extras: 0, sets: 0, facts: 0 },
            crcs: [0; 5],
            rules: [0; MOST_LISTS],
        }
    }

    /// Returns it in octets.
    pub(super) fn to_bytes(&self) -> [u8; HEADER] {
        let mut octets = Vec::with_capacity(HEADER);
        octets.extend(MAGIC);
        octets.extend(VERSION.to_le_bytes());
        octets.extend(self.lists.to_le_bytes());
        octets.extend(self.key.to_bytes());
        octets.extend(canary(self.key).to_le_bytes());
        octets.extend(self.fingerprint);
        octets.extend(self.names.to_le_bytes());
        octets.extend(self.homes.to_le_bytes());
        octets.extend(self.depths.to_le_bytes());
        octets.extend(self.sizes.buckets.to_le_bytes());
        octets.extend(self.sizes.extras.to_le_bytes());
        octets.extend(self.sizes.sets.to_le_bytes());
        octets.extend(self.sizes.facts.to_le_bytes());
        octets.extend(self.sets.to_le_bytes());
        octets.extend(self.crcs.iter().flat_map(|crc| crc.to_le_bytes()));
        octets.extend(self.rules.iter().flat_map(|rules| rules.to_le_bytes()));
        let mut all = [0; HEADER];
        if let Some((body, end)) = all.split_last_chunk_mut::<4>() {
            for (slot, octet) in body.iter_mut().zip(octets) {
                *slot = octet;
            }
            *end = crc(body).to_le_bytes();
        }
        all
    }

    /// Reads it from the front of a table.  What it says is possible, and not
    /// more than that.
    pub(super) fn read(image: &[u8]) -> Result<Self, TableError> {
        if !image.starts_with(&MAGIC) {
            return Err(TableError::NoTable);
        }
        let all = image.first_chunk::<HEADER>().ok_or(TableError::Cut)?;
        let (body, end) = all.split_last_chunk::<4>().ok_or(TableError::Cut)?;
        let mut cursor = Cursor(body.get(MAGIC.len()..).unwrap_or_default());
        let version = cursor.u32()?;
        if version != VERSION {
            return Err(TableError::Version(version));
        }
        if crc(body) != u32::from_le_bytes(*end) {
            return Err(TableError::Torn("header"));
        }
        let lists = cursor.u32()?;
        let key = Key::from_bytes(cursor.take()?);
        if cursor.u64()? != canary(key) {
            return Err(TableError::OtherHash);
        }
        let mut header = Self {
            key,
            fingerprint: cursor.take()?,
            lists,
            names: cursor.u64()?,
            homes: cursor.u64()?,
            depths: u128::from_le_bytes(cursor.take()?),
            sizes: Sizes {
                buckets: cursor.u64()?,
                extras: cursor.u64()?,
                sets: cursor.u32()?,
                facts: cursor.u32()?,
            },
            sets: cursor.u32()?,
            crcs: [0; 5],
            rules: [0; MOST_LISTS],
        };
        for crc in &mut header.crcs {
            *crc = cursor.u32()?;
        }
        for rules in &mut header.rules {
            *rules = cursor.u64()?;
        }
        if header.is_possible() { Ok(header) } else { Err(TableError::Torn("header")) }
    }

    /// Returns whether all numbers are in their ranges.
    fn is_possible(&self) -> bool {
        self.lists as usize <= MOST_LISTS
            && self.sets as usize <= MOST_SETS
            && self.homes <= self.sizes.buckets
            && self.sizes.buckets <= MOST_BUCKETS
            && self.sizes.extras <= u64::from(MOST_LINE)
    }
}

/// Returns the hash that tells hash functions apart.
fn canary(key: Key) -> u64 {
    hash_of(key, CANARY)
}

/// Returns the CRC32 of some octets.
pub(super) fn crc(octets: &[u8]) -> u32 {
    let mut crc = Crc::new();
    crc.update(octets);
    crc.sum()
}

/// What is left to read of a header.
struct Cursor<'a>(&'a [u8]);

impl Cursor<'_> {
    /// Takes so many octets.
    fn take<const N: usize>(&mut self) -> Result<[u8; N], TableError> {
        let (taken, rest) = self.0.split_first_chunk::<N>().ok_or(TableError::Cut)?;
        self.0 = rest;
        Ok(*taken)
    }

    /// Takes a number.
    fn u32(&mut self) -> Result<u32, TableError> {
        self.take().map(u32::from_le_bytes)
    }

    /// Takes a number.
    fn u64(&mut self) -> Result<u64, TableError> {
        self.take().map(u64::from_le_bytes)
    }
}

//----------- Looking at a file ------------------------------------------------

/// Returns the key of a table, of which the front is enough, if its header is
/// what was written.
pub fn key_of(read: &mut impl Read) -> Option<Key> {
    let mut front = [0; HEADER];
    read.read_exact(&mut front).ok()?;
    Header::read(&front).ok().map(|header| header.key)
}

/// Reads a whole table, a piece at a time, and returns its key and its
/// fingerprint if it is what was written.
pub fn verify(read: &mut impl Read) -> Result<(Key, [u8; 16]), TableError> {
    let mut front = [0; HEADER];
    read.read_exact(&mut front)?;
    let header = Header::read(&front)?;
    let mut room = vec![0; PIECE];
    let names = ["slots", "lines", "extras", "sets", "facts"];
    for ((octets, expected), name) in header.sizes.octets().into_iter().zip(header.crcs).zip(names) {
        let mut crc = Crc::new();
        let mut left = octets;
        while left > 0 {
            let piece = usize::try_from(left).unwrap_or(PIECE).min(PIECE);
            let piece = room.get_mut(..piece).unwrap_or_default();
            read.read_exact(piece)?;
            crc.update(piece);
            left -= piece.len() as u64;
        }
        if crc.sum() != expected {
            return Err(TableError::Torn(name));
        }
    }
    match read.take(1).read_to_end(&mut Vec::new())? {
        0 => Ok((header.key, header.fingerprint)),
        _ => Err(TableError::Long),
    }
}

//----------- TableError -------------------------------------------------------

/// Why some file is no table that can be asked.
#[derive(Debug)]
pub enum TableError {
    /// It begins with something else.
    NoTable,
    /// It is written in another version of the format.
    Version(u32),
    /// It ends too early.
    Cut,
    /// There is something behind its end.
    Long,
    /// This part is not what was written.
    Torn(&'static str),
    /// Its names are hashed by another function than ours.
    OtherHash,
    /// Its names are hashed with another key than the one of this process.
    OtherKey,
    /// It cannot be read.
    Read(io::Error),
}

impl From<io::Error> for TableError {
    fn from(error: io::Error) -> Self {
        if error.kind() == ErrorKind::UnexpectedEof { Self::Cut } else { Self::Read(error) }
    }
}

impl fmt::Display for TableError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoTable => f.write_str("this is no table of names"),
            Self::Version(version) => {
                write!(f, "the table is of version {version}, and this program knows version {VERSION}")
            }
            Self::Cut => f.write_str("the table is cut off"),
            Self::Long => f.write_str("there is something behind the end of the table"),
            Self::Torn(what) => write!(f, "the table is damaged, in its {what}"),
            Self::OtherHash => {
                f.write_str("the table was written by a program that hashes names differently")
            }
            Self::OtherKey => f.write_str("the table was written with another key than the one in use"),
            Self::Read(error) => write!(f, "the table cannot be read: {error}"),
        }
    }
}

impl std::error::Error for TableError {}
