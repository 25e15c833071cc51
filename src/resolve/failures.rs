//! [`Failures`]: what could not be found out lately, so that it is not tried
//! again for every asker ([RFC 9520]).
//!
//! [RFC 9520]: https://www.rfc-editor.org/rfc/rfc9520

use std::sync::Arc;
use std::time::Duration;
use std::time::Instant;

use quick_cache::sync::Cache;

use super::Failure;
use super::FailureKind;
use super::cache::Key;
use super::cache::KeyRef;

/// How many failures are remembered.
const MAX_FAILURES: usize = 4_096;

/// How long a first failure is remembered.
const FIRST: Duration = Duration::from_secs(5);

/// And the longest (RFC 9520 section 3.2).
const LONGEST: Duration = Duration::from_mins(5);

/// How long data that failed validation is remembered to have (RFC 4035
/// section 4.7).
const BOGUS: Duration = Duration::from_mins(1);

//----------- Failures ---------------------------------------------------------

/// What could not be found out lately.
#[derive(Debug)]
pub(super) struct Failures(Cache<Key, Remembered>);

/// A failure.
#[derive(Clone, Debug)]
struct Remembered {
    /// What happened.
    failure: Arc<Failure>,
    /// Until when it is not tried again.
    until: Instant,
    /// How long that was.
    pause: Duration,
    /// The [`epoch`](super::line::Line::epoch) in which it happened.
    epoch: u32,
}

/// What is known of a question that failed.
#[derive(Clone, Debug)]
pub(super) enum Failed {
    /// It is not to be tried again yet.
    Lately(Arc<Failure>),
    /// It may be tried again.
    Before,
}

impl Default for Failures {
    fn default() -> Self {
        Self(Cache::new(MAX_FAILURES))
    }
}

impl Remembered {
    /// Returns what it means now.
    fn at(self, now: Instant, epoch: u32) -> Option<Failed> {
        // What happened on another network, or before the line was back, does
        // not happen here.
        if self.epoch != epoch {
            return None;
        }
        if now < self.until {
            return Some(Failed::Lately(self.failure));
        }
        (now < self.until + LONGEST).then_some(Failed::Before)
    }
}

impl Failures {
    /// Returns whether a question failed.
    pub(super) fn get(&self, key: KeyRef<'_>, now: Instant, epoch: u32) -> Option<Failed> {
        self.0.get(&key)?.at(now, epoch)
    }

    /// Like [`get`](Self::get), but gives up rather than wait for somebody who
    /// writes at this moment.
    pub(super) fn glance(&self, key: KeyRef<'_>, now: Instant, epoch: u32) -> Option<Failed> {
        self.0.try_get(&key).ok()??.at(now, epoch)
    }

    /// Notes that a question failed.  With `grows` the pauses double each time,
    /// up to five minutes.
    pub(super) fn put(&self, key: &Key, failure: Failure, now: Instant, epoch: u32, grows: bool) {
        let before = self.0.get(&key.borrowed());
        let before = before.filter(|known| known.epoch == epoch && now < known.until + LONGEST);
        let pause = match (failure.kind, before) {
            (FailureKind::Bogus(_), _) => BOGUS,
            (_, Some(before)) if grows => (before.pause * 2).min(LONGEST),
            _ => FIRST,
        };
        let remembered = Remembered { failure: Arc::new(failure), until: now + pause, pause, epoch };
        self.0.insert(key.clone(), remembered);
    }

    /// Notes that a question takes longer than its asker waits: not yet a
    /// failure, but until it is answered or fails all others are told the same.
    pub(super) fn late(&self, key: &Key, failure: Failure, now: Instant, epoch: u32) {
        let remembered =
            Remembered { failure: Arc::new(failure), until: now + FIRST, pause: FIRST / 2, epoch };
        self.0.insert(key.clone(), remembered);
    }

    /// Forgets a failure.
    pub(super) fn forget(&self, key: KeyRef<'_>) {
        self.0.remove(&key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Clock;
    use crate::base::time::ManualClock;
    use crate::query::Rtype;
    use crate::resolve::Flaw;
    use crate::resolve::Origin;
    use crate::resolve::Question;

    fn key() -> Key {
        let question = Question { name: "a.de".parse().unwrap(), rtype: Rtype::A, checking_disabled: false };
        Key { realm: 0, question }
    }

    /// Returns how often a question is tried that is asked every second.
    fn tries(failures: &Failures, seconds: u32, kind: FailureKind, grows: bool) -> usize {
        let (clock, key) = (ManualClock::at(0), key());
        let mut tries = 0;
        for _ in 0..seconds {
            let now = clock.now().instant;
            if !matches!(failures.get(key.borrowed(), now, 0), Some(Failed::Lately(_))) {
                let failure = Failure { kind, detail: String::new(), origin: Origin::Recursion };
                failures.put(&key, failure, now, 0, grows);
                tries += 1;
            }
            clock.advance(Duration::from_secs(1));
        }
        tries
    }

    #[test]
    fn pauses_grow_to_five_minutes_unless_it_is_the_line() {
        let tries = |seconds, kind, grows| tries(&Failures::default(), seconds, kind, grows);
        // After 0, 5, 15, 35, 75, 155, 315 s, and then every 300.
        assert_eq!(tries(60, FailureKind::Unreachable, true), 4);
        assert_eq!(tries(315 + 600, FailureKind::Unreachable, true), 8);
        assert_eq!(tries(60, FailureKind::Timeout, false), 12);
        assert_eq!(tries(180, FailureKind::Bogus(Flaw::Other), true), 3);
    }

    #[test]
    fn what_failed_before_the_line_was_back_is_not_held_against_it() {
        let (failures, now, key) = (Failures::default(), ManualClock::at(0).now().instant, key());
        let failure =
            Failure { kind: FailureKind::Timeout, detail: String::new(), origin: Origin::Recursion };
        failures.put(&key, failure, now, 0, true);
        assert!(matches!(failures.get(key.borrowed(), now, 0), Some(Failed::Lately(_))));
        assert!(failures.get(key.borrowed(), now, 1).is_none());
        assert!(matches!(failures.glance(key.borrowed(), now + FIRST, 0), Some(Failed::Before)));
        assert!(failures.get(key.borrowed(), now + FIRST + LONGEST, 0).is_none());
    }
}
