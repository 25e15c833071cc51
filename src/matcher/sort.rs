//! Sorting mentions in small pieces, between which other threads have their turn.
//!
//! Apart from `sink`, which decides when: a million mentions sorted at a stretch
//! keep a processor for 25 ms, and somebody may be waiting for an answer.

use super::sink::Mention;
use crate::base::way::give_way;

/// How many pieces there are: one for each octet that hashes begin with, which are
/// spread evenly.
const PIECES: usize = 1 << u8::BITS;

/// How many mentions are looked at in one go: some 50 µs.
const TURN: usize = 1 << 14;

/// Sorts mentions.
pub(super) fn sort(mentions: &mut [Mention]) {
    let ends = gather(mentions);
    let mut rest = mentions;
    let mut from = 0;
    for to in ends {
        let (piece, behind) = rest.split_at_mut(to - from);
        piece.sort_unstable();
        give_way();
        (rest, from) = (behind, to);
    }
}

/// Brings those of each piece together, and the pieces in order.  Returns where
/// each ends.
fn gather(mentions: &mut [Mention]) -> [usize; PIECES] {
    let mut ends = [0; PIECES];
    for turn in mentions.chunks(TURN) {
        for mention in turn {
            ends[piece(*mention)] += 1;
        }
        give_way();
    }
    // Where the next of each piece belongs: at first where the piece begins.
    let mut next = [0; PIECES];
    let mut sum = 0;
    for (end, next) in ends.iter_mut().zip(&mut next) {
        *next = sum;
        sum += *end;
        *end = sum;
    }
    for at_hand in 0..PIECES {
        while next[at_hand] < ends[at_hand] {
            let at = next[at_hand];
            let home = piece(mentions[at]);
            mentions.swap(at, next[home]);
            // In its place now, whoever it was; if that is here, go on.
            next[home] += 1;
        }
        give_way();
    }
    ends
}

/// Returns the piece that a mention belongs to.
fn piece(mention: Mention) -> usize {
    usize::from(mention.hash().to_be_bytes()[0])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn mentions_are_sorted_and_none_is_lost(
            said in prop::collection::vec((prop_oneof![any::<u64>(), 0..4u64, Just(u64::MAX)], any::<u64>()), 0..600),
        ) {
            let mut mentions: Vec<_> = said.iter().map(|&(hash, rest)| Mention::any(hash, rest)).collect();
            let mut expected = mentions.clone();
            expected.sort();
            sort(&mut mentions);
            prop_assert_eq!(mentions, expected);
        }
    }
}
