//! [`Key`], which makes the hash of a name ours, and that hash.
//!
//! The hash is our own, because no library's is chained over labels from the
//! right, so that the suffixes cost nothing beyond the name (`trail.rs`).  It is
//! the same on every machine, since tables are files.
//
//  It is a folded multiply, as in wyhash: 64 by 64 bits, and the halves of the
//  product are xored.  Whoever does not know the key cannot make names that
//  meet in one bucket, and an answer does not tell the key.

use std::fmt;
use std::hash::BuildHasher;
use std::hash::RandomState;
use std::sync::OnceLock;

/// One more than the most labels a name has: 127 of them and the root fit in
/// 255 octets (RFC 1035 section 2.3.4).
pub(super) const MOST: usize = 128;

/// The most labels of a name that something can be said about; of a longer one,
/// only what stands above it.  An IPv6 address has 34 in `ip6.arpa`.
pub const MOST_LABELS: u8 = 40;

/// How many hashes a trail has: the root's, and one for each number of labels.
pub(super) const HASHES: usize = MOST_LABELS as usize + 1;

/// Makes the state at the root of a key; digits of pi, as the next two.
const ROOT: u64 = 0x243f_6a88_85a3_08d3;
/// Makes the factor for lanes of a key.
const LANE: u64 = 0x1319_8a2e_0370_7344;
/// Makes the factor for the end of a key.
const END: u64 = 0xa409_3822_299f_31d0;

/// The key of this process.
static OURS: OnceLock<Key> = OnceLock::new();

//----------- Key --------------------------------------------------------------

/// The secret that is hashed along.  A process has one, for ever.
#[derive(Clone, Copy, Eq, PartialEq)]
pub struct Key([u64; 2]);

impl Key {
    /// Returns the key of this process, a random one unless another was
    /// adopted before.
    pub fn ours() -> Self {
        *OURS.get_or_init(|| {
            let random = RandomState::new();
            Self([random.hash_one(0), random.hash_one(1)])
        })
    }

    /// Makes `key` the one of this process, if it has none yet.  Returns
    /// whether it has this one now.
    pub fn adopt(key: Self) -> bool {
        *OURS.get_or_init(|| key) == key
    }

    /// Returns it as it is kept in files.
    pub fn to_bytes(self) -> [u8; 16] {
        let [first, second] = self.0;
        (u128::from(second) << 64 | u128::from(first)).to_le_bytes()
    }

    /// Reads it from a file.
    pub fn from_bytes(octets: [u8; 16]) -> Self {
        let mut halves = octets.as_chunks::<8>().0.iter().map(|half| u64::from_le_bytes(*half));
        Self([halves.next().unwrap_or_default(), halves.next().unwrap_or_default()])
    }

    /// Returns the hash state of the root.
    pub(super) fn root(self) -> u64 {
        self.0[0] ^ ROOT
    }

    /// Returns the factor for lanes; odd, so that no octet of a lane is lost.
    fn lane(self) -> u64 {
        (self.0[1] ^ LANE) | 1
    }

    /// Makes a hash of a state.  A state is kept to go on from; this mixes it
    /// once more, so that high bits and low bits are equally good.
    pub(super) fn end(self, state: u64) -> u64 {
        let [first, second] = self.0;
        fold(state ^ second, (first.rotate_left(32) ^ END) | 1)
    }
}

impl fmt::Debug for Key {
    /// Writes that there is one and not which.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(…)")
    }
}

//----------- Names whole ------------------------------------------------------

/// Returns the hash of a whole name in wire form, lower case: the one of the
/// first step of its [`Trail`](super::Trail).
pub fn hash_of(key: Key, wire: &[u8]) -> u64 {
    hash_and_labels(key, wire).0
}

/// Returns a hash of `octets` as a whole and of a number beside them: where
/// suffixes do not matter, this is quicker.
#[inline]
pub fn mix(key: Key, number: u128, octets: &[u8]) -> u64 {
    let mut state = key.root();
    for half in number.to_le_bytes().as_chunks::<8>().0 {
        state = fold(state ^ u64::from_le_bytes(*half), key.lane());
    }
    let mut at = 0;
    while at + 8 < octets.len() {
        state = fold(state ^ lane(octets, at, at + 8), key.lane());
        at += 8;
    }
    key.end(fold(state ^ lane(octets, at, octets.len()), key.lane()) ^ octets.len() as u64)
}

/// Returns the hash of a whole name in wire form, lower case, and how many
/// labels it has.
#[inline]
pub(super) fn hash_and_labels(key: Key, wire: &[u8]) -> (u64, u8) {
    let (starts, labels, mut end) = cuts(wire);
    let mut state = key.root();
    for start in right_to_left(&starts, labels) {
        state = step(key, state, wire, start, end);
        end = start;
    }
    (key.end(state), labels)
}

//----------- Labels -----------------------------------------------------------

/// Finds where the labels of a name in wire form begin, the leftmost first, and
/// then the root's; how many there are without the root's, up to 127; and where
/// the root's begins.  What is no name ends where it stops to be one.
#[inline]
pub(super) fn cuts(wire: &[u8]) -> ([u8; MOST], u8, usize) {
    let (mut starts, mut labels, mut end) = ([0; MOST], 0, 0);
    for slot in &mut starts {
        let Ok(start) = u8::try_from(end) else { break };
        *slot = start;
        match wire.get(end) {
            Some(&len) if len > 0 && usize::from(labels) < MOST - 1 => {
                end += 1 + usize::from(len);
                labels += 1;
            }
            _ => break,
        }
    }
    (starts, labels, end)
}

/// Returns where labels begin, the rightmost first, without the root's.
#[inline]
pub(super) fn right_to_left(starts: &[u8; MOST], labels: u8) -> impl Iterator<Item = usize> {
    starts.iter().take(usize::from(labels)).rev().map(|&start| usize::from(start))
}

//----------- The hash ---------------------------------------------------------

/// Takes in one label, `wire[start..end]`, its length octet included, eight
/// octets at a time.
//
//  The length comes first and says how many lanes there are, so no two names
//  are the same row of lanes.
#[inline]
pub(super) fn step(key: Key, mut state: u64, wire: &[u8], start: usize, end: usize) -> u64 {
    let mut at = start;
    while at + 8 < end {
        state = fold(state ^ lane(wire, at, at + 8), key.lane());
        at += 8;
    }
    fold(state ^ lane(wire, at, end), key.lane())
}

/// Returns `wire[at..end]`, which is eight octets or fewer, as a number; the
/// missing octets are zero.
#[inline]
fn lane(wire: &[u8], at: usize, end: usize) -> u64 {
    let missing = 8 * (8 - end.saturating_sub(at).min(8));
    let eight = |from: usize| wire.get(from..)?.first_chunk::<8>();
    // All eight are read at once wherever there are eight to read: first the
    // ones that end where the lane ends, then those that begin where it does.
    if missing < 64 {
        if let Some(chunk) = end.checked_sub(8).and_then(eight) {
            return u64::from_le_bytes(*chunk) >> missing;
        }
        if let Some(chunk) = eight(at) {
            return u64::from_le_bytes(*chunk) & (u64::MAX >> missing);
        }
    }
    let octets = wire.get(at..end).unwrap_or_default();
    octets.iter().rev().fold(0, |lane, &octet| lane << 8 | u64::from(octet))
}

/// Multiplies, and xors the halves of the product.
#[inline]
fn fold(one: u64, other: u64) -> u64 {
    let (low, high) = one.carrying_mul(other, 0);
    low ^ high
}

//----------- Tests ------------------------------------------------------------

#[cfg(test)]
mod tests;
