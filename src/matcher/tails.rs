//! [`Tails`]: how the names of a table end, to pass by most others unread.
//!
//! Apart from [`Names`](super::Names), because it may err, on one side: what it
//! passes by is not in the table, and what it does not may be.  Most names that
//! a house asks for are of interest to no rule, and hashing all their suffixes
//! costs as much as the rest of their road.

/// How many bits there are: enough for some hundred ways to end.
const BITS: usize = 4096;

/// The last octets of the names of a table.
#[derive(Clone, Debug)]
pub(super) struct Tails {
    /// Which octets are looked at, of the last eight with the very last one on
    /// top: as many as the shortest name has behind its last `#`.
    mask: u64,
    /// Which tails there are, by their hash.
    seen: Box<[u64; BITS / 64]>,
}

impl Default for Tails {
    fn default() -> Self {
        Self { mask: u64::MAX, seen: Box::new([0; BITS / 64]) }
    }
}

impl Tails {
    /// Takes in one more name in wire form; `before` are those that it has.
    pub(super) fn add<'n>(&mut self, wire: &[u8], before: impl Iterator<Item = &'n [u8]>) {
        let fixed = wire.iter().rev().take_while(|&&octet| octet != b'#').take(8);
        let mask = self.mask & fixed.fold(0, |mask, _| mask >> 8 | 0xff << 56);
        if mask != self.mask {
            self.mask = mask;
            self.seen.fill(0);
            before.for_each(|name| self.set(name));
        }
        self.set(wire);
    }

    /// Returns whether a name that ends like `wire` may be in the table.
    #[inline]
    pub(super) fn may_hold(&self, wire: &[u8]) -> bool {
        let Some(last) = wire.last_chunk::<8>() else { return true };
        let (word, bit) = self.place(u64::from_le_bytes(*last));
        self.seen.get(word).is_none_or(|seen| seen & bit != 0)
    }

    /// Remembers the tail of a name.
    fn set(&mut self, wire: &[u8]) {
        // Where a name has no eight octets, the mask leaves the missing ones out.
        let tail = wire.iter().rev().take(8).zip((0..8).rev());
        let last = tail.fold(0, |last, (&octet, nth)| last | u64::from(octet) << (8 * nth));
        let (word, bit) = self.place(last);
        if let Some(seen) = self.seen.get_mut(word) {
            *seen |= bit;
        }
    }

    /// Returns the word and the bit in it that stand for these last octets.
    #[inline]
    fn place(&self, last: u64) -> (usize, u64) {
        let hash = (last & self.mask).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
        (hash as usize / 64 % (BITS / 64), 1 << (hash % 64))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::base::Domain;

    fn tails(names: &[Domain]) -> Tails {
        let mut tails = Tails::default();
        for (nth, name) in names.iter().enumerate() {
            tails.add(name.as_wire(), names[..nth].iter().map(Domain::as_wire));
        }
        tails
    }

    #[test]
    fn most_names_of_others_are_passed_by() {
        let names: Vec<Domain> = (0..200).map(|n| format!("a.vendor-{n}.example").parse().unwrap()).collect();
        let own = tails(&names);
        let others = (0..1000).filter(|n| {
            let name: Domain = format!("www.shop{n}.com").parse().unwrap();
            own.may_hold(name.as_wire())
        });
        assert!(others.count() < 100);
    }

    #[test]
    fn a_word_about_the_root_lets_everything_through() {
        let names = ["a-long-name.example".parse().unwrap(), Domain::root()];
        let other: Domain = "b.another".parse().unwrap();
        assert!(!tails(&names[..1]).may_hold(other.as_wire()));
        // The root's one octet is the last of every name.
        assert!(tails(&names).may_hold(other.as_wire()));
    }

    proptest! {
        #[test]
        fn nothing_that_is_there_is_passed_by(
            names in proptest::collection::vec("[a-c]{1,9}(\\.[a-c]{1,9}){0,2}(#[a-c]{0,9}(\\.[a-c]{1,9}){0,2})?", 1..20),
            below in "[a-c]{1,9}",
        ) {
            let names: Vec<Domain> = names.iter().map(|name| name.parse().unwrap()).collect();
            let tails = tails(&names);
            for name in &names {
                for asked in [name.to_string(), format!("{below}.{name}")] {
                    let asked: Domain = asked.replace('#', "12").parse().unwrap();
                    prop_assert!(tails.may_hold(asked.as_wire()), "{} by {:?}", asked, names);
                }
            }
        }
    }
}
