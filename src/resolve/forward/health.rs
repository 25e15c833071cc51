//! [`Health`]: how quick a server is, and whether it answers at all.

use std::sync::atomic::AtomicU32;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// What a server that did not answer is taken to need, at least, in microseconds.
const LATE: u32 = 1_500_000;

/// How many questions in a row have to fail for a server to rest: one that is
/// slow may be so for a name that is dead.
const FEW: u32 = 3;

/// How long it rests first.
const FIRST_REST: Duration = Duration::from_secs(1);

/// And at most: when it is back, so are we.
const LONGEST_REST: Duration = Duration::from_secs(4);

//----------- Health -----------------------------------------------------------

/// What is known of a server.  Moments are durations since the start.
#[derive(Debug, Default)]
pub(super) struct Health {
    /// How long it takes to answer, smoothed, in microseconds; 0 at first, so
    /// that everyone is tried.
    srtt: AtomicU32,
    /// How many questions in a row have failed.
    failed: AtomicU32,
    /// Until when it rests, in milliseconds.
    rests_until: AtomicU64,
}

/// Returns a moment in milliseconds.
fn milliseconds(at: Duration) -> u64 {
    u64::try_from(at.as_millis()).unwrap_or(u64::MAX)
}

impl Health {
    /// Notes that it answered, and how long that took.  Returns whether it is
    /// well again.
    pub(super) fn answered(&self, took: Duration) -> bool {
        self.took(u32::try_from(took.as_micros()).unwrap_or(LATE));
        self.failed.swap(0, Ordering::Relaxed) >= FEW
    }

    /// Notes that it did not answer.  Returns whether it is not well from now on.
    pub(super) fn failed(&self, took: Duration, now: Duration) -> bool {
        let before = self.failed.fetch_add(1, Ordering::Relaxed);
        if let Some(doublings) = (before + 1).checked_sub(FEW) {
            let rest = FIRST_REST.saturating_mul(1 << doublings.min(8)).min(LONGEST_REST);
            self.rests_until.store(milliseconds(now + rest), Ordering::Relaxed);
        }
        self.took(u32::try_from(took.as_micros()).unwrap_or(LATE).max(LATE));
        before + 1 == FEW
    }

    /// Notes that it had not answered after so long, when somebody else did.
    pub(super) fn slow(&self, waited: Duration) {
        self.took(u32::try_from(waited.as_micros()).unwrap_or(LATE));
    }

    /// Forgets everything.
    pub(super) fn forget(&self) {
        self.srtt.store(0, Ordering::Relaxed);
        self.failed.store(0, Ordering::Relaxed);
    }

    /// Takes a measurement in, in microseconds.
    fn took(&self, took: u32) {
        let smooth = |old: u32| Some(if old == 0 { took } else { old - old / 8 + took / 8 }.max(1));
        // The closure always returns something.
        let _ = self.srtt.fetch_update(Ordering::Relaxed, Ordering::Relaxed, smooth);
    }

    /// Forgives a little: somebody else was asked.
    pub(super) fn forgive(&self) {
        let forgive = |old: u32| Some(old - old / 64);
        // The closure always returns something.
        let _ = self.srtt.fetch_update(Ordering::Relaxed, Ordering::Relaxed, forgive);
    }

    /// Returns how long it takes to answer, in microseconds.
    pub(super) fn srtt(&self) -> u32 {
        self.srtt.load(Ordering::Relaxed)
    }

    /// Returns whether it answers.
    pub(super) fn is_well(&self) -> bool {
        self.failed.load(Ordering::Relaxed) < FEW
    }

    /// Returns true to the one who is to try whether it answers again.
    pub(super) fn take(&self, now: Duration) -> bool {
        let until = self.rests_until.load(Ordering::Relaxed);
        let next = milliseconds(now + LONGEST_REST);
        milliseconds(now) >= until
            && self.rests_until.compare_exchange(until, next, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_fails_thrice_rests_and_is_tried_by_one() {
        let (health, second) = (Health::default(), Duration::from_secs(1));
        assert!(!health.failed(second, second) && !health.failed(second, second));
        assert!(health.is_well());
        assert!(health.failed(second, second), "this is when it is said");
        assert!(!health.is_well() && !health.take(second));
        assert!(health.take(second * 2) && !health.take(second * 2));
        assert!(!health.failed(second, second * 3));
        assert!(!health.take(second * 4) && health.take(second * 5));
        for _ in 0..100 {
            health.failed(second, second * 6);
        }
        assert!(health.take(second * 10));
        assert!(health.answered(second) && !health.answered(second));
        assert!(health.is_well() && health.srtt() > 1_000_000);
    }
}
