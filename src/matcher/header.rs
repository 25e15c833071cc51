//! [`Header`]: what stands at the front of a table, in octets and in numbers.
//!
//! Apart from `layout`, which says where everything else is.

use flate2::Crc;

use super::error::TableError;
use super::hash::Key;
use super::hash::hash_of;
use super::layout::BUCKET;
use super::layout::EXTRA;
use super::layout::HEADER;
use super::layout::LINE;
use super::layout::MOST_BUCKETS;
use super::layout::MOST_LINE;
use super::layout::SLOTS;
use super::layout::VERSION;
use super::sets::MOST_LISTS;
use super::sets::MOST_SETS;

/// How a table begins.
const MAGIC: [u8; 8] = *b"sordtab\n";
/// The name whose hash is in the header, so that a table from another hash
/// function is known for one.
const CANARY: &[u8] = b"\x06canary\x18in-the-mine-of-the-hashes\x04test\x00";

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
