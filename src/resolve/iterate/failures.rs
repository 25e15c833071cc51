//! [`Failures`]: what could not be found out lately, so that it is not tried
//! again for every asker ([RFC 9520]).
//!
//! [RFC 9520]: https://www.rfc-editor.org/rfc/rfc9520

use std::time::Duration;
use std::time::Instant;

use quick_cache::sync::Cache;

use super::trouble::Trouble;
use crate::resolve::stats::Limit;
use crate::resolve::upstream::Question;

/// How many failures are remembered.
const MAX_FAILURES: usize = 4_096;

/// How long a first failure is remembered.
const FIRST: Duration = Duration::from_secs(5);

/// And the longest (RFC 9520 section 3.2).
const LONGEST: Duration = Duration::from_mins(5);

//----------- Failures ---------------------------------------------------------

/// What could not be found out lately.
#[derive(Debug)]
pub(super) struct Failures(Cache<Question, Remembered>);

/// A failure.
#[derive(Clone, Debug)]
struct Remembered {
    /// What happened.
    trouble: Trouble,
    /// Until when it is not tried again.
    until: Instant,
    /// How long that was.
    pause: Duration,
}

impl Default for Failures {
    fn default() -> Self {
        Self(Cache::new(MAX_FAILURES))
    }
}

impl Failures {
    /// Returns why a question cannot be answered, if that is known.
    pub(super) fn get(&self, question: &Question, now: Instant) -> Option<Trouble> {
        self.0.get(question).filter(|known| now < known.until).map(|known| known.trouble)
    }

    /// Notes why a question could not be answered.
    pub(super) fn put(&self, question: &Question, trouble: &Trouble, now: Instant) {
        let before = self.0.get(question).filter(|known| now < known.until + LONGEST);
        let pause = match (trouble, before) {
            // When the line is back, so are we.
            (Trouble::Silence | Trouble::Unreachable | Trouble::Limit(Limit::Time), _) | (_, None) => FIRST,
            (_, Some(before)) => (before.pause * 2).min(LONGEST),
        };
        let remembered = Remembered { trouble: trouble.clone(), until: now + pause, pause };
        self.0.insert(question.clone(), remembered);
    }

    /// Forgets a failure.
    pub(super) fn forget(&self, question: &Question) {
        self.0.remove(question);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Clock;
    use crate::base::time::ManualClock;
    use crate::query::Rtype;

    #[test]
    fn pauses_grow_unless_it_is_the_line() {
        let (failures, clock) = (Failures::default(), ManualClock::at(0));
        let question = Question { name: "a.de".parse().unwrap(), rtype: Rtype::A, checking_disabled: false };
        let tries = |trouble: &Trouble| {
            let mut tries = 0;
            for _ in 0..60 {
                if failures.get(&question, clock.now().instant).is_none() {
                    failures.put(&question, trouble, clock.now().instant);
                    tries += 1;
                }
                clock.advance(Duration::from_secs(1));
            }
            tries
        };
        assert_eq!(tries(&Trouble::Lame), 4);
        failures.forget(&question);
        assert_eq!(tries(&Trouble::Silence), 12);
    }
}
