//! [`Names`]: from a name to what somebody said about it, in memory.
//!
//! For rules that carry a value each and are few; what lists of millions say
//! is in a [`Table`](super::Table).
//
//  One map by the hash of the name, exact word and word for the subtree
//  together, so a lookup is one probe per suffix.
//
//  Patterns with `#` are found by shape: every run of digits in the name is
//  replaced by one `#`, and what is found under that shape is then compared
//  in full.  So they cost one more probe per label and no search, and nothing
//  where a name has no digit.

use std::collections::HashMap;
use std::hash::BuildHasherDefault;
use std::hash::Hasher;
use std::iter;

use crate::base::Domain;
use crate::base::DomainRef;
use crate::base::labels::MAX_NAME;

use super::hash::Key;
use super::hash::hash_and_labels;
use super::name_matches;
use super::tails::Tails;
use super::trail::Marks;
use super::trail::Step;
use super::trail::Trail;
use super::trail::depth;

//----------- Names ------------------------------------------------------------

/// A table from names to values.  Asked with a [`Trail`] of this process's key.
#[derive(Clone, Debug)]
pub struct Names<V> {
    /// Names without `#`, by their hash.
    literal: HashMap<u64, Said<V>, Through>,
    /// Names whose hash another name has; one in a lifetime, if ever.
    met: Vec<Said<V>>,
    /// How many labels names without `#` have: bit `n` for `n` labels.
    depths: u128,
    /// Names with `#`, by the hash of their shape, in the order they came.
    digits: HashMap<u64, Vec<Digits<V>>, Through>,
    /// How many labels names with `#` have.
    digit_depths: u128,
    /// How all these names end.
    tails: Tails,
    /// How many words there are.
    count: usize,
}

/// What was said about a name without `#`.
#[derive(Clone, Debug)]
struct Said<V> {
    /// The name.
    name: Domain,
    /// About the name itself.
    exact: Option<V>,
    /// About the name and all below.
    subtree: Option<V>,
}

impl<V> Said<V> {
    /// Nothing yet.
    fn nothing(name: Domain) -> Self {
        Self { name, exact: None, subtree: None }
    }
}

/// What was said about a name with `#`.
#[derive(Clone, Debug)]
struct Digits<V> {
    /// The name.
    name: Domain,
    /// Whether all below is meant too.
    subtree: bool,
    /// The word.
    value: V,
}

/// What is said about one suffix of a name, in order.
type Words<V> = iter::Flatten<std::array::IntoIter<Option<V>, 4>>;

impl<V> Default for Names<V> {
    fn default() -> Self {
        Self {
            literal: HashMap::default(),
            met: Vec::new(),
            depths: 0,
            digits: HashMap::default(),
            digit_depths: 0,
            tails: Tails::default(),
            count: 0,
        }
    }
}

impl<V: Copy> Names<V> {
    /// Adds a name of at most [`MOST_LABELS`](super::MOST_LABELS); `#` in it stands for a run of
    /// digits.  The first value said about a name stays; the one that was there
    /// is returned.
    pub fn insert(&mut self, name: Domain, subtree: bool, value: V) -> Option<V> {
        let literal = self.literal.values().chain(&self.met).map(|said| said.name.as_wire());
        let digits = self.digits.values().flatten().map(|digits| digits.name.as_wire());
        self.tails.add(name.as_wire(), literal.chain(digits));
        if name.labels().any(|label| label.contains(&b'#')) {
            return self.insert_digits(name, subtree, value);
        }
        let word = self.word(name, subtree);
        if word.is_none() {
            *word = Some(value);
            self.count += 1;
            return None;
        }
        *word
    }

    /// Adds a name with `#`.
    fn insert_digits(&mut self, name: Domain, subtree: bool, value: V) -> Option<V> {
        let shape = Shape::of(name.borrowed());
        let labels = u8::try_from(name.labels().count()).ok()?;
        let first = shape.marks.step(&shape.wire, labels)?;
        let same = self.digits.entry(first.hash).or_default();
        if let Some(there) = same.iter().find(|there| there.name == name && there.subtree == subtree) {
            return Some(there.value);
        }
        same.push(Digits { name, subtree, value });
        self.digit_depths |= depth(first.labels);
        self.count += 1;
        None
    }

    /// Returns where the word about a name without `#` is kept.
    fn word(&mut self, name: Domain, subtree: bool) -> &mut Option<V> {
        let (hash, labels) = hash_and_labels(Key::ours(), name.as_wire());
        self.depths |= depth(labels);
        let said = self.said(hash, name);
        if subtree { &mut said.subtree } else { &mut said.exact }
    }

    /// Returns what is said about a name that has this hash.
    fn said(&mut self, hash: u64, name: Domain) -> &mut Said<V> {
        let said = self.literal.entry(hash).or_insert_with(|| Said::nothing(name.clone()));
        if said.name == name {
            return said;
        }
        let at = self.met.iter().position(|said| said.name == name).unwrap_or(self.met.len());
        if at == self.met.len() {
            self.met.push(Said::nothing(name));
        }
        self.met.get_mut(at).unwrap_or(said)
    }

    /// Returns the most specific word about a name.
    pub fn first(&self, trail: &Trail<'_>) -> Option<V> {
        if !self.tails.may_hold(trail.name().as_wire()) {
            return None;
        }
        let shape = self.shape(trail);
        trail.steps_to_root().find_map(|step| self.at(step, shape.as_ref()).next())
    }

    /// Returns everything said about a name, the most specific first: the
    /// name itself, then its subtree, then the subtrees above it.  Where a
    /// literal name and one with `#` are equally long, the literal one leads.
    pub fn lookup_on(&self, trail: &Trail<'_>) -> impl Iterator<Item = V> {
        let may = self.tails.may_hold(trail.name().as_wire());
        let found = may.then(|| {
            let shape = self.shape(trail);
            trail.steps_to_root().flat_map(move |step| self.at(step, shape.as_ref()))
        });
        found.into_iter().flatten()
    }

    /// Returns whether nothing was said about anything.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Returns about how many names something was said.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Returns the shape of a name, if anything could be found under it.
    fn shape(&self, trail: &Trail<'_>) -> Option<Shape> {
        let name = trail.name();
        let wanted = self.digit_depths != 0 && name.as_wire().iter().any(u8::is_ascii_digit);
        wanted.then(|| Shape::of(name))
    }

    /// Returns what is said about one suffix.
    fn at(&self, step: Step<'_>, shape: Option<&Shape>) -> Words<V> {
        let depth = depth(step.labels);
        let (mut exact, mut subtree) = (None, None);
        if self.depths & depth != 0
            && let Some(said) = self.literal.get(&step.hash)
            && let Some(said) =
                iter::once(said).chain(&self.met).find(|said| said.name.as_wire() == step.wire)
        {
            (exact, subtree) = (said.exact, said.subtree);
        }
        let (mut exact_digits, mut subtree_digits) = (None, None);
        if self.digit_depths & depth != 0
            && let Some(same) = shape
                .and_then(|shape| shape.marks.step(&shape.wire, step.labels))
                .and_then(|shape| self.digits.get(&shape.hash))
        {
            let find = |subtree: bool| {
                same.iter()
                    .find(|own| own.subtree == subtree && name_matches(own.name.as_wire(), step.wire))
                    .map(|own| own.value)
            };
            (exact_digits, subtree_digits) = (find(false), find(true));
        }
        if !step.whole {
            (exact, exact_digits) = (None, None);
        }
        [exact, exact_digits, subtree, subtree_digits].into_iter().flatten()
    }
}

//----------- Shape ------------------------------------------------------------

/// A name with one `#` for every run of digits, and its hashes.
struct Shape {
    /// The name in wire form, and then whatever.
    wire: [u8; MAX_NAME],
    /// The hashes of its suffixes.
    marks: Marks,
}

impl Shape {
    /// Returns the shape of a name.  It has as many labels as the name.
    fn of(name: DomainRef<'_>) -> Self {
        let mut wire = [0; MAX_NAME];
        let mut start = 0;
        for label in name.labels() {
            let (mut end, mut length, mut last) = (start + 1, 0, 0);
            for &octet in label {
                let octet = if octet.is_ascii_digit() { b'#' } else { octet };
                // A shape is not longer than its name, so there is always room.
                if (octet, last) != (b'#', b'#')
                    && let Some(slot) = wire.get_mut(end)
                {
                    *slot = octet;
                    (end, length) = (end + 1, length + 1);
                }
                last = octet;
            }
            if let Some(slot) = wire.get_mut(start) {
                *slot = length;
            }
            start = end;
        }
        Self { wire, marks: Marks::of(Key::ours(), &wire) }
    }
}

//----------- Through ----------------------------------------------------------

/// How maps take in what is a hash already.
type Through = BuildHasherDefault<Hashed>;

/// A hash that was computed before.
#[derive(Clone, Default)]
struct Hashed(u64);

impl Hasher for Hashed {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, octets: &[u8]) {
        // Only `u64` are asked for, so this is never run.
        for &octet in octets {
            self.0 = self.0.rotate_left(8) ^ u64::from(octet);
        }
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}

//----------- Tests ------------------------------------------------------------

#[cfg(test)]
mod tests;
