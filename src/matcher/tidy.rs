//! [`tidy`]: mentions in order, in small pieces between which others have the
//! processor.
//!
//! Apart from `sink`, which decides when: a million mentions sorted at a stretch
//! take 25 ms, and somebody may be waiting for an answer.

use super::mention::Mention;
use crate::base::way::give_way;

/// How many pieces there are: one for each octet that hashes begin with, which are
/// spread evenly.
const PIECES: usize = 1 << u8::BITS;

/// How many mentions are looked at, or moved, in one go: a tenth of a millisecond.
pub(super) const TURN: usize = 1 << 14;

/// Sorts mentions and leaves out those that do not count.
pub(super) fn tidy(mentions: &mut Vec<Mention>) {
    let mut kept = 0;
    let mut from = 0;
    for to in gather(mentions) {
        mentions[from..to].sort_unstable();
        for at in from..to {
            let mention = mentions[at];
            if at == from || !mention.is_about(mentions[kept - 1]) {
                mentions[kept] = mention;
                kept += 1;
            }
        }
        from = to;
        give_way();
    }
    mentions.truncate(kept);
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
    let mut moved = 0usize;
    for at_hand in 0..PIECES {
        while next[at_hand] < ends[at_hand] {
            let at = next[at_hand];
            let home = piece(mentions[at]);
            // It is where it belongs then; whoever was there is here.
            mentions.swap(at, next[home]);
            next[home] += 1;
            moved += 1;
            if moved.is_multiple_of(TURN) {
                give_way();
            }
        }
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
        fn mentions_are_in_order_and_all_that_count_are_there(
            said in prop::collection::vec(
                (prop_oneof![any::<u64>(), 0..4u64, Just(u64::MAX)], any::<u64>(), 0..4u64),
                0..600,
            ),
        ) {
            let low = [0, 1, 1 << 24, 1 << 25];
            let mut mentions: Vec<_> = said
                .iter()
                .map(|&(hash, rest, few)| {
                    Mention::any(hash, if hash < 4 { low[usize::try_from(few).unwrap()] } else { rest })
                })
                .collect();
            let mut expected = mentions.clone();
            expected.sort();
            expected.dedup_by(|next, first| next.is_about(*first));
            tidy(&mut mentions);
            prop_assert_eq!(mentions, expected);
        }
    }
}
