//! [`Trail`]: a name with the hash of each of its suffixes, computed once and
//! then used by every table; and [`Key`], which makes the hash ours.
//!
//! The hash is our own, because no library's is chained over labels from the
//! right, so that the suffixes cost nothing beyond the name.  It is the same on
//! every machine, since tables are files.
//
//  It is a folded multiply, as in wyhash: 64 by 64 bits, and the halves of the
//  product are xored.  Whoever does not know the key cannot make names that
//  meet in one bucket, and an answer does not tell the key.

use std::fmt;
use std::hash::BuildHasher;
use std::hash::RandomState;
use std::sync::OnceLock;

use crate::base::DomainRef;

/// One more than the most labels a name has: 127 of them and the root fit in
/// 255 octets (RFC 1035 section 2.3.4).
const MOST: usize = 128;

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
    fn root(self) -> u64 {
        self.0[0] ^ ROOT
    }

    /// Returns the factor for lanes; odd, so that no octet of a lane is lost.
    fn lane(self) -> u64 {
        (self.0[1] ^ LANE) | 1
    }

    /// Makes a hash of a state.  A state is kept to go on from; this mixes it
    /// once more, so that high bits and low bits are equally good.
    fn end(self, state: u64) -> u64 {
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

//----------- Trail ------------------------------------------------------------

/// A name with the hash of each of its suffixes.  A bit more than 1 KiB, made
/// to stay where it is on the stack.
pub struct Trail<'n> {
    /// The name.
    name: DomainRef<'n>,
    /// Its hashes.
    marks: Marks,
}

impl<'n> Trail<'n> {
    /// Hashes a name with the key of this process.
    pub fn of(name: DomainRef<'n>) -> Self {
        Self::with(Key::ours(), name)
    }

    /// Hashes a name with another key.
    pub fn with(key: Key, name: DomainRef<'n>) -> Self {
        Self { name, marks: Marks::of(key, name.as_wire()) }
    }

    /// Returns the name.
    pub fn name(&self) -> DomainRef<'n> {
        self.name
    }

    /// Returns the name and all names above it but the root, itself first.
    pub fn steps(&self) -> impl Iterator<Item = Step<'n>> {
        self.marks.steps(self.name.as_wire()).take_while(|step| step.labels > 0)
    }

    /// Returns the same and then the root.
    pub(super) fn steps_to_root(&self) -> impl Iterator<Item = Step<'n>> {
        self.marks.steps(self.name.as_wire())
    }

    /// Returns the `level`th of them, from 0 on.
    pub(super) fn step(&self, level: usize) -> Option<Step<'n>> {
        self.marks.step(self.name.as_wire(), level)
    }
}

impl fmt::Debug for Trail<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Trail({})", self.name)
    }
}

/// A suffix of a name.
#[derive(Clone, Copy, Debug)]
pub struct Step<'n> {
    /// Its hash.
    pub hash: u64,
    /// The suffix in wire form, the root's empty label included.
    pub wire: &'n [u8],
    /// How many labels it has, without the root's: up to 127.
    pub labels: u8,
}

/// Returns the bit that stands for names of so many labels, at most 127.
pub(super) fn depth(labels: u8) -> u128 {
    1u128.checked_shl(u32::from(labels)).unwrap_or_default()
}

//----------- Marks ------------------------------------------------------------

/// The hashes of the suffixes of a name that is kept elsewhere.
#[derive(Clone)]
pub(super) struct Marks {
    /// The hash of each suffix, the whole name first, the root last.
    hashes: [u64; MOST],
    /// Where each suffix starts in the name.
    cuts: Cuts,
}

impl Marks {
    /// Hashes a name in wire form.
    #[inline]
    pub(super) fn of(key: Key, wire: &[u8]) -> Self {
        let cuts = Cuts::of(wire);
        let mut hashes = [0; MOST];
        let mut state = key.root();
        let mut end = cuts.end;
        let mut slots = hashes.iter_mut().take(usize::from(cuts.labels) + 1).rev();
        if let Some(slot) = slots.next() {
            *slot = key.end(state);
        }
        for (slot, start) in slots.zip(cuts.right_to_left()) {
            state = step(key, state, wire, start, end);
            *slot = key.end(state);
            end = start;
        }
        Self { hashes, cuts }
    }

    /// Returns the suffixes of `wire`, which must be what was hashed, the root
    /// last.
    #[inline]
    pub(super) fn steps<'n>(&self, wire: &'n [u8]) -> impl Iterator<Item = Step<'n>> {
        let labels = (0..=self.cuts.labels).rev();
        self.hashes.iter().zip(&self.cuts.starts).zip(labels).map(|((&hash, &start), labels)| Step {
            hash,
            wire: wire.get(usize::from(start)..).unwrap_or_default(),
            labels,
        })
    }

    /// Returns the `level`th of them, from 0 on.
    pub(super) fn step<'n>(&self, wire: &'n [u8], level: usize) -> Option<Step<'n>> {
        let labels = self.cuts.labels.checked_sub(u8::try_from(level).ok()?)?;
        let start = usize::from(*self.cuts.starts.get(level)?);
        Some(Step { hash: *self.hashes.get(level)?, wire: wire.get(start..)?, labels })
    }
}

/// Returns the hash of a whole name in wire form, lower case: the one of the
/// first step of its [`Trail`].
pub fn hash_of(key: Key, wire: &[u8]) -> u64 {
    hash_and_labels(key, wire).0
}

/// Returns the hash of a whole name in wire form, lower case, and how many
/// labels it has.
#[inline]
pub(super) fn hash_and_labels(key: Key, wire: &[u8]) -> (u64, u8) {
    let cuts = Cuts::of(wire);
    let mut state = key.root();
    let mut end = cuts.end;
    for start in cuts.right_to_left() {
        state = step(key, state, wire, start, end);
        end = start;
    }
    (key.end(state), cuts.labels)
}

//----------- Cuts -------------------------------------------------------------

/// Where the labels of a name begin.
#[derive(Clone)]
struct Cuts {
    /// Where each label begins, the leftmost first, and then the root's.
    starts: [u8; MOST],
    /// How many labels there are without the root's; up to 127.
    labels: u8,
    /// Where the root's label begins.
    end: usize,
}

impl Cuts {
    /// Finds the labels of a name in wire form.  What is no name ends where it
    /// stops to be one.
    #[inline]
    fn of(wire: &[u8]) -> Self {
        let mut cuts = Self { starts: [0; MOST], labels: 0, end: 0 };
        for slot in &mut cuts.starts {
            let Ok(start) = u8::try_from(cuts.end) else { break };
            *slot = start;
            match wire.get(cuts.end) {
                Some(&len) if len > 0 && usize::from(cuts.labels) < MOST - 1 => {
                    cuts.end += 1 + usize::from(len);
                    cuts.labels += 1;
                }
                _ => break,
            }
        }
        cuts
    }

    /// Returns where labels begin, the rightmost first, without the root's.
    #[inline]
    fn right_to_left(&self) -> impl Iterator<Item = usize> {
        self.starts.iter().take(usize::from(self.labels)).rev().map(|&start| usize::from(start))
    }
}

//----------- The hash ---------------------------------------------------------

/// Takes in one label, `wire[start..end]`, its length octet included, eight
/// octets at a time.
//
//  The length comes first and says how many lanes there are, so no two names
//  are the same row of lanes.
#[inline]
fn step(key: Key, mut state: u64, wire: &[u8], start: usize, end: usize) -> u64 {
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
