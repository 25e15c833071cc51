//! [`Trail`]: a name with the hash of each of its suffixes, computed once and
//! then used by every table.
//!
//! Apart from the hash, because this is what others use of it.

use std::cell::OnceCell;
use std::fmt;

use super::hash::HASHES;
use super::hash::Key;
use super::hash::MOST;
use super::hash::MOST_LABELS;
use super::hash::cuts;
use super::hash::right_to_left;
use super::hash::step;
use crate::base::DomainRef;

//----------- Trail ------------------------------------------------------------

/// A name with the hash of each of its suffixes, which are computed when the
/// first one is asked for: many names are of interest to nobody.
pub struct Trail<'n> {
    /// The name.
    name: DomainRef<'n>,
    /// What its hashes are made with.
    key: Key,
    /// Its hashes.
    marks: OnceCell<Marks>,
}

impl<'n> Trail<'n> {
    /// Hashes a name with the key of this process.
    pub fn of(name: DomainRef<'n>) -> Self {
        Self::with(Key::ours(), name)
    }

    /// Hashes a name with another key.
    pub fn with(key: Key, name: DomainRef<'n>) -> Self {
        Self { name, key, marks: OnceCell::new() }
    }

    /// Returns the name.
    pub fn name(&self) -> DomainRef<'n> {
        self.name
    }

    /// Returns the name and all names above it but the root, itself first; those
    /// of more than [`MOST_LABELS`] are left out.
    pub fn steps(&self) -> impl Iterator<Item = Step<'n>> {
        self.steps_to_root().take_while(|step| step.labels > 0)
    }

    /// Returns the same and then the root.
    pub(super) fn steps_to_root(&self) -> impl Iterator<Item = Step<'n>> {
        let wire = self.name.as_wire();
        let marks = self.marks();
        (0..=marks.labels.min(MOST_LABELS)).rev().filter_map(move |labels| marks.step(wire, labels))
    }

    /// Returns the hashes.
    #[inline]
    fn marks(&self) -> &Marks {
        self.marks.get_or_init(|| Marks::of(self.key, self.name.as_wire()))
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
    /// How many labels it has, without the root's: up to [`MOST_LABELS`].
    pub labels: u8,
    /// Whether it is the whole name.
    pub whole: bool,
}

/// Returns the bit that stands for names of so many labels, at most 127.
pub(super) fn depth(labels: u8) -> u128 {
    1u128.checked_shl(u32::from(labels)).unwrap_or_default()
}

//----------- Marks ------------------------------------------------------------

/// The hashes of the suffixes of a name that is kept elsewhere.
#[derive(Clone)]
pub(super) struct Marks {
    /// The hash of each suffix, by the number of its labels.
    hashes: [u64; HASHES],
    /// Where each label of the name starts, the leftmost first, and then the
    /// root's.
    starts: [u8; MOST],
    /// How many labels the name has without the root's; up to 127.
    pub(super) labels: u8,
}

impl Marks {
    /// Hashes a name in wire form.
    #[inline]
    pub(super) fn of(key: Key, wire: &[u8]) -> Self {
        let (starts, labels, mut end) = cuts(wire);
        let mut hashes = [0; HASHES];
        let mut state = key.root();
        hashes[0] = key.end(state);
        for (slot, start) in hashes.iter_mut().skip(1).zip(right_to_left(&starts, labels)) {
            state = step(key, state, wire, start, end);
            *slot = key.end(state);
            end = start;
        }
        Self { hashes, starts, labels }
    }

    /// Returns the suffix of `wire`, which must be what was hashed, that has so
    /// many labels.
    #[inline]
    pub(super) fn step<'n>(&self, wire: &'n [u8], labels: u8) -> Option<Step<'n>> {
        let hash = *self.hashes.get(usize::from(labels))?;
        let start = usize::from(*self.starts.get(usize::from(self.labels.checked_sub(labels)?))?);
        Some(Step { hash, wire: wire.get(start..)?, labels, whole: labels == self.labels })
    }
}
