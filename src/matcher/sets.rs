//! [`ListSet`]: some of the lists; and what all lists together say of a name.
//!
//! Most names are in one list or in the same few, so what is said of a name is
//! one of a few thousand sets of [`Word`]s, and a table keeps its number.

use std::collections::HashMap;
use std::fmt;

/// Most lists, since a set of them is a number of 128 bits.
pub const MOST_LISTS: usize = 128;

/// Most different sets of words, since a table has 20 bits for which one.
pub(super) const MOST_SETS: usize = (1 << 20) - 1;

//----------- ListSet ----------------------------------------------------------

/// A set of lists, each by its position, which is below [`MOST_LISTS`].
#[derive(Clone, Copy, Default, Eq, Hash, PartialEq)]
pub struct ListSet(u128);

impl ListSet {
    /// No list.
    pub const EMPTY: Self = Self(0);

    /// Adds a list.  Returns whether there can be one at this position.
    pub fn insert(&mut self, list: usize) -> bool {
        let one = Self::one(list);
        *self = self.union(one);
        !one.is_empty()
    }

    /// Returns the set of one list, or of none if there can be none at this
    /// position.
    fn one(list: usize) -> Self {
        let bit = u32::try_from(list).ok().and_then(|list| 1u128.checked_shl(list));
        Self(bit.unwrap_or_default())
    }

    /// Returns whether a list is in it.
    pub fn contains(self, list: usize) -> bool {
        !self.intersection(Self::one(list)).is_empty()
    }

    /// Returns the lists that are in either.
    pub fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Returns the lists that are in both.
    pub fn intersection(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Returns the lists that are in this and not in the other.
    pub fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Returns whether no list is in it.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Returns how many lists are in it.
    pub fn len(self) -> usize {
        self.0.count_ones() as usize
    }

    /// Returns the list with the lowest position.
    pub fn first(self) -> Option<usize> {
        (self.0 != 0).then(|| self.0.trailing_zeros() as usize)
    }

    /// Returns the lists, the lowest position first.
    pub fn iter(self) -> impl Iterator<Item = usize> {
        let mut rest = self;
        std::iter::from_fn(move || {
            let first = rest.first()?;
            rest = rest.without(Self::one(first));
            Some(first)
        })
    }

    /// Returns the lists before a position.
    fn before(self, list: usize) -> Self {
        Self(self.0 & Self::one(list).0.saturating_sub(1))
    }
}

impl FromIterator<usize> for ListSet {
    /// Collects lists.  Positions at which there can be none are left out.
    fn from_iter<I: IntoIterator<Item = usize>>(lists: I) -> Self {
        lists.into_iter().fold(Self::EMPTY, |set, list| set.union(Self::one(list)))
    }
}

impl fmt::Debug for ListSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

//----------- Word -------------------------------------------------------------

/// What a list says of a name.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Word {
    /// The position of the list, below [`MOST_LISTS`].
    pub list: u8,
    /// Whether all names below are meant too.
    pub subtree: bool,
    /// Whether to leave the name alone; else it is blocked.
    pub pass: bool,
}

impl Word {
    /// Returns it as two octets.
    fn to_bytes(self) -> [u8; 2] {
        [self.list, u8::from(self.subtree) | u8::from(self.pass) << 1]
    }

    /// Reads it from two octets.
    fn from_bytes([list, flags]: [u8; 2]) -> Option<Self> {
        let word = Self { list, subtree: flags & 1 == 1, pass: flags & 2 == 2 };
        (usize::from(list) < MOST_LISTS && flags < 4).then_some(word)
    }
}

//----------- Words ------------------------------------------------------------

/// Sets of words, each once and with a number from 1 on.
#[derive(Debug, Default)]
pub(super) struct Words {
    /// The numbers of the sets.
    numbers: HashMap<Box<[Word]>, u32>,
    /// The sets, in order.
    sets: Vec<Box<[Word]>>,
    /// The set that was asked for last; it is often the next one too.
    last: (Vec<Word>, u32),
}

impl Words {
    /// Returns the number of a set, whose words are in order; none if there
    /// are too many sets.
    pub(super) fn number(&mut self, words: &[Word]) -> Option<u32> {
        if self.last.0 == words && !words.is_empty() {
            return Some(self.last.1);
        }
        let number = match self.numbers.get(words) {
            Some(&number) => number,
            None => self.add(words)?,
        };
        self.last.0.clear();
        self.last.0.extend_from_slice(words);
        self.last.1 = number;
        Some(number)
    }

    /// Adds a set.
    fn add(&mut self, words: &[Word]) -> Option<u32> {
        if self.sets.len() >= MOST_SETS {
            return None;
        }
        self.sets.push(words.into());
        let number = u32::try_from(self.sets.len()).ok()?;
        self.numbers.insert(words.into(), number);
        Some(number)
    }

    /// Returns how many sets there are.
    pub(super) fn len(&self) -> usize {
        self.sets.len()
    }

    /// Writes them: for each the number of its words, less one, in one octet,
    /// and then the words.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let mut octets = Vec::new();
        for set in &self.sets {
            octets.push(u8::try_from(set.len().saturating_sub(1)).unwrap_or(u8::MAX));
            octets.extend(set.iter().flat_map(|word| word.to_bytes()));
        }
        octets
    }
}

//----------- Masks ------------------------------------------------------------

/// A set of words as it is looked at: which lists say what.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Masks {
    /// Lists that block the name itself.
    pub(super) block_exact: ListSet,
    /// Lists that let the name itself pass.
    pub(super) pass_exact: ListSet,
    /// Lists that block the name and all below.
    pub(super) block_subtree: ListSet,
    /// Lists that let the name and all below pass.
    pub(super) pass_subtree: ListSet,
}

impl Masks {
    /// Reads so many sets of words, which must be all there is.
    pub(super) fn read(octets: &[u8], sets: usize) -> Option<Vec<Self>> {
        let mut all = Vec::new();
        let mut rest = octets;
        while let Some((&count, after)) = rest.split_first() {
            let (words, next) = after.split_at_checked(2 * (usize::from(count) + 1))?;
            let mut masks = Self::default();
            for &word in words.as_chunks::<2>().0 {
                masks.add(Word::from_bytes(word)?)?;
            }
            all.push(masks);
            rest = next;
        }
        (all.len() == sets && sets <= MOST_SETS).then_some(all)
    }

    /// Adds a word; a list has one about the name and one about the subtree.
    fn add(&mut self, word: Word) -> Option<()> {
        let list = usize::from(word.list);
        let there = if word.subtree { self.subtree() } else { self.exact() };
        if there.contains(list) {
            return None;
        }
        let lists = match (word.subtree, word.pass) {
            (false, false) => &mut self.block_exact,
            (false, true) => &mut self.pass_exact,
            (true, false) => &mut self.block_subtree,
            (true, true) => &mut self.pass_subtree,
        };
        lists.insert(list).then_some(())
    }

    /// Returns the lists that have a word about the name itself.
    fn exact(&self) -> ListSet {
        self.block_exact.union(self.pass_exact)
    }

    /// Returns the lists that have a word about the subtree.
    fn subtree(&self) -> ListSet {
        self.block_subtree.union(self.pass_subtree)
    }

    /// Returns how many words there are.
    pub(super) fn len(&self) -> usize {
        self.exact().len() + self.subtree().len()
    }

    /// Returns where in the order of the words the one of a list is, from 0 on.
    //
    //  Words are in the order of lists, and of each list the one about the
    //  name comes first.
    pub(super) fn position(&self, list: usize, subtree: bool) -> usize {
        let before = self.exact().before(list).len() + self.subtree().before(list).len();
        before + usize::from(subtree && self.exact().contains(list))
    }
}

//----------- Tests ------------------------------------------------------------

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_set_has_the_lists_that_were_put_in() {
        let mut set: ListSet = [3, 0, 127, 128, usize::MAX].into_iter().collect();
        assert_eq!(set.iter().collect::<Vec<_>>(), [0, 3, 127]);
        assert_eq!((set.first(), set.len(), ListSet::EMPTY.first()), (Some(0), 3, None));
        assert!(set.insert(5) && !set.insert(128));
        assert!(set.contains(5) && !set.contains(4) && !set.contains(1000));
        assert_eq!(format!("{set:?}"), "{0, 3, 5, 127}");
        assert_eq!(set.before(5), [0, 3].into_iter().collect());
        assert_eq!(set.without(set.before(5)), [5, 127].into_iter().collect());
    }

    #[test]
    fn a_set_of_words_has_one_number() {
        let mut words = Words::default();
        let word = |list, subtree| Word { list, subtree, pass: false };
        assert_eq!(words.number(&[word(0, true)]), Some(1));
        assert_eq!(words.number(&[word(0, true), word(1, false)]), Some(2));
        assert_eq!(words.number(&[word(0, true)]), Some(1));
        assert_eq!(words.number(&[word(0, true)]), Some(1));
        assert_eq!(words.len(), 2);
    }

    #[test]
    fn sets_that_were_not_written_by_us_are_refused() {
        for (octets, sets) in [
            (&[0, 0, 0][..], 2),
            (&[0, 0], 1),
            (&[1, 0, 0], 1),
            (&[0, 128, 0], 1),
            (&[0, 0, 4], 1),
            (&[1, 0, 0, 0, 2], 1),
        ] {
            assert_eq!(Masks::read(octets, sets), None, "{octets:?}");
        }
    }

    proptest! {
        #[test]
        fn words_keep_their_places(mut all in proptest::collection::vec((0..128u8, any::<bool>(), any::<bool>()), 1..256)) {
            all.sort_unstable();
            all.dedup_by_key(|(list, subtree, _)| (*list, *subtree));
            let all: Vec<_> = all.into_iter().map(|(list, subtree, pass)| Word { list, subtree, pass }).collect();
            let mut words = Words::default();
            words.number(&all).unwrap();
            let masks = Masks::read(&words.to_bytes(), 1).unwrap()[0];
            prop_assert_eq!(masks.len(), all.len());
            for (at, word) in all.iter().enumerate() {
                prop_assert_eq!(masks.position(usize::from(word.list), word.subtree), at);
            }
        }
    }
}
