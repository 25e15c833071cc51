//! [`Mention`]: that a list says something of a name, in 16 octets.
//
//  Apart from `sink`, which holds mentions, and `tidy`, which sorts them.

use super::sets::Word;

//----------- Mention ----------------------------------------------------------

/// A mention: from the high bits to the low ones the hash of the name, the
/// list, whether the subtree is meant, whether it is blocked, and the line.
///
/// Sorted, mentions of a name are together, and of those about the same the
/// first is the one that counts: one for passing, and then the first line.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) struct Mention(u128);

/// The bits of the line.
const LINE_BITS: u32 = 24;

impl Mention {
    /// Makes one.  The line has at most 24 bits.
    pub(super) fn new(hash: u64, word: Word, line: u32) -> Self {
        let word = u64::from(word.list) << 2 | u64::from(word.subtree) << 1 | u64::from(!word.pass);
        Self(u128::from(hash) << 64 | u128::from(word << LINE_BITS | u64::from(line)))
    }

    /// Makes one that says anything of a name with this hash.
    #[cfg(test)]
    pub(super) fn any(hash: u64, rest: u64) -> Self {
        Self(u128::from(hash) << 64 | u128::from(rest))
    }

    /// Returns the hash of the name.
    pub(super) fn hash(self) -> u64 {
        u64::try_from(self.0 >> 64).unwrap_or_default()
    }

    /// Returns what is said of it.
    pub(super) fn word(self) -> Word {
        let [_, _, _, flags, list, ..] = (self.0 << 6).to_le_bytes();
        Word { list, subtree: flags >> 7 == 1, pass: flags >> 6 & 1 == 0 }
    }

    /// Returns the line.
    pub(super) fn line(self) -> u32 {
        let [first, second, third, ..] = self.0.to_le_bytes();
        u32::from_le_bytes([first, second, third, 0])
    }

    /// Returns whether both are about the same name and the same of it, by the
    /// same list.
    pub(super) fn is_about(self, other: Self) -> bool {
        (self.0 ^ other.0) >> (LINE_BITS + 1) == 0
    }
}
