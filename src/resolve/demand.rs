//! [`Demand`]: whether an answer is wanted so much that it is fetched anew
//! before its time is up.
//!
//! The first who asks for a popular answer in the last tenth of its time is
//! sent down the slow road, is answered from the cache there like everybody
//! else, and leaves a task behind that fetches it.  So those on the fast road
//! read one octet, and write to it a few times in the life of an answer.

use std::sync::atomic::AtomicU8;
use std::sync::atomic::Ordering;

/// How often an answer has to be given from the cache to be popular: it was asked for
/// thrice then in its time, and a page asks for each type once.
const FEW: u8 = 2;

/// Somebody was sent to fetch it anew.
const CALLED: u8 = FEW + 1;

/// It is being fetched anew, or was.
const TAKEN: u8 = FEW + 2;

/// The shortest TTL, in seconds, of an answer that is fetched anew.  A tenth of
/// less is no time to do it in.
const SHORTEST: u32 = 10;

/// What is the end of an answer's time: one in so many seconds.
const END_PART: u32 = 10;

/// Returns whether an answer is in the last tenth of its time and may be fetched
/// anew.
pub(super) fn is_ending(ttl: u32, age: u32) -> bool {
    ttl >= SHORTEST && ttl.saturating_sub(age) <= ttl / END_PART
}

//----------- Demand -----------------------------------------------------------

/// How much an answer is asked for.
///
/// It counts to a few and then stands still, so that popular answers are not
/// written to by every thread all the time.
#[derive(Debug, Default)]
pub(super) struct Demand(AtomicU8);

impl Demand {
    /// Returns the demand for an answer that is popular.
    pub(super) fn popular() -> Self {
        Self(AtomicU8::new(FEW))
    }

    /// Notes that the answer was given from the cache.
    pub(super) fn note(&self) {
        let known = self.0.load(Ordering::Relaxed);
        if known < FEW {
            // Two at the same time may count as one.
            let _ = self.0.compare_exchange(known, known + 1, Ordering::Relaxed, Ordering::Relaxed);
        }
    }

    /// Returns whether it is asked for again and again.
    pub(super) fn is_popular(&self) -> bool {
        self.0.load(Ordering::Relaxed) >= FEW
    }

    /// Returns true to one asker, once the answer is popular.
    pub(super) fn call(&self) -> bool {
        self.0.load(Ordering::Relaxed) == FEW
            && self.0.compare_exchange(FEW, CALLED, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }

    /// Returns true to the one who is to have the answer fetched anew: the first
    /// to come here, which need not be the one that was called.
    pub(super) fn take(&self) -> bool {
        let known = self.0.load(Ordering::Relaxed);
        (FEW..TAKEN).contains(&known)
            && self.0.compare_exchange(known, TAKEN, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_tenth_is_the_end_of_all_but_short_answers() {
        for (ttl, age, ending) in
            [(300, 269, false), (300, 270, true), (10, 8, false), (10, 9, true), (9, 8, false), (0, 0, false)]
        {
            assert_eq!(is_ending(ttl, age), ending, "{age} of {ttl}");
        }
    }

    #[test]
    fn one_is_called_and_one_takes_it_once_it_is_popular() {
        let demand = Demand::default();
        for _ in 0..FEW {
            assert!(!demand.is_popular() && !demand.call() && !demand.take());
            demand.note();
        }
        assert!(demand.call() && !demand.call() && demand.is_popular());
        demand.note();
        assert!(demand.take() && !demand.take() && !demand.call() && demand.is_popular());
        // Nobody has to be called.
        assert!(Demand::popular().take());
    }
}
