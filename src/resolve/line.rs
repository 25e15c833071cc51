//! [`Line`]: whether there is anybody at the other end of a way out.
//!
//! While nobody answers, whoever has an old answer gives it at once, and what is
//! tried again is one question a second, whatever is asked.
//
//  On the fast path it is only read, and only for answers whose time is up.

use std::hash::DefaultHasher;
use std::hash::Hash;
use std::hash::Hasher;
use std::sync::OnceLock;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Duration;
use std::time::Instant;

use crate::base::Domain;

/// The pause between two questions while the line is down.
const PROBE_PAUSE: Duration = Duration::from_secs(1);

//----------- Line -------------------------------------------------------------

/// Whether somebody answers.
///
/// It is down when two names have failed since a question was last answered:
/// one alone may well be the fault of those who serve it.  Moments are those at
/// which questions were asked.
#[derive(Debug, Default)]
pub(super) struct Line {
    /// Where moments are counted from.
    start: OnceLock<Instant>,
    /// When what was answered last had been asked.
    answered: AtomicU64,
    /// When what failed last had been asked, if it was the second name.
    silent: AtomicU64,
    /// The name that failed first, as a hash; 0 for none.
    first: AtomicU64,
    /// When something was last tried while it was down.
    probed: AtomicU64,
    /// How often it was back, or was another.
    epoch: AtomicU32,
}

impl Line {
    /// Returns a moment as a number, at least 1.
    fn at(&self, moment: Instant) -> u64 {
        let start = *self.start.get_or_init(|| moment);
        u64::try_from(moment.saturating_duration_since(start).as_millis()).unwrap_or(u64::MAX - 1) + 1
    }

    /// Notes that a question was answered that was asked at `asked`.
    pub(super) fn answered(&self, asked: Instant) {
        let was_down = self.is_down();
        self.answered.fetch_max(self.at(asked), Ordering::Relaxed);
        self.first.store(0, Ordering::Relaxed);
        if was_down && !self.is_down() {
            self.renew();
        }
    }

    /// Notes that nobody answered what was asked at `asked` about a name.
    pub(super) fn silent(&self, name: &Domain, asked: Instant) {
        let mut hasher = DefaultHasher::new();
        name.hash(&mut hasher);
        let name = hasher.finish().max(1);
        let first = self.first.compare_exchange(0, name, Ordering::Relaxed, Ordering::Relaxed);
        if first.is_err_and(|first| first != name) {
            self.silent.fetch_max(self.at(asked), Ordering::Relaxed);
        }
    }

    /// Returns whether nobody answers.
    pub(super) fn is_down(&self) -> bool {
        self.silent.load(Ordering::Relaxed) > self.answered.load(Ordering::Relaxed)
    }

    /// Returns whether it is time to try again.
    pub(super) fn is_due(&self, now: Instant) -> bool {
        let pause = u64::try_from(PROBE_PAUSE.as_millis()).unwrap_or(0);
        self.at(now) >= self.probed.load(Ordering::Relaxed).saturating_add(pause)
    }

    /// Returns true to the one who is to try again.
    pub(super) fn take(&self, now: Instant) -> bool {
        let before = self.probed.load(Ordering::Relaxed);
        self.is_due(now)
            && self
                .probed
                .compare_exchange(before, self.at(now), Ordering::Relaxed, Ordering::Relaxed)
                .is_ok()
    }

    /// Returns a number that is another whenever failures of before mean
    /// nothing any more.
    pub(super) fn epoch(&self) -> u32 {
        self.epoch.load(Ordering::Relaxed)
    }

    /// Notes that failures of before mean nothing any more.
    pub(super) fn renew(&self) {
        self.epoch.fetch_add(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Clock;
    use crate::base::time::ManualClock;

    #[test]
    fn two_names_that_fail_are_a_line_that_is_down_until_something_is_answered() {
        let (line, clock) = (Line::default(), ManualClock::at(0));
        let now = || clock.now().instant;
        let later = || clock.advance(Duration::from_millis(600));
        let (a, b): (Domain, Domain) = ("a.de".parse().unwrap(), "b.de".parse().unwrap());
        line.answered(now());
        later();
        line.silent(&a, now());
        line.silent(&a, now());
        assert!(!line.is_down());
        let asked = now();
        later();
        line.answered(now());
        // It was asked before that was answered.
        line.silent(&b, asked);
        line.silent(&a, asked);
        assert!(!line.is_down());
        later();
        line.silent(&b, now());
        line.silent(&a, now());
        assert!(line.is_down());
        assert!(line.is_due(now()) && line.take(now()) && !line.take(now()));
        later();
        assert!(!line.is_due(now()));
        later();
        assert!(line.take(now()));
        assert_eq!(line.epoch(), 0);
        line.answered(now());
        assert!(!line.is_down());
        assert_eq!(line.epoch(), 1);
    }
}
