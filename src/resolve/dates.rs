//! [`Dates`]: whether the date can be right, and which names are needed to set
//! it.
//!
//! A machine without a battery starts in the past, where signatures of today are
//! not valid yet; and it learns the date from servers whose names have to be
//! resolved first.  So as long as the clock shows what cannot be, names of time
//! servers are resolved although their signatures look wrong.  Everything else
//! stays as it is, and so do they once the date can be right.
//!
//! A clock may as well be ahead, and nothing that is kept tells how far.  But the
//! root signs its keys anew every few days: where even those signatures have
//! expired, it is the clock that is wrong.

use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicI64;
use std::sync::atomic::Ordering;

use super::AnswerData;
use super::Failure;
use super::FailureKind;
use super::Flaw;
use super::Resolved;
use super::Resolver;
use super::upstream::Question;
use crate::base::Domain;
use crate::base::DomainRef;
use crate::base::Now;
use crate::query::Rtype;

/// Names at and below which time servers are: those that systems come with.
const TIME_NAMES: [&str; 9] = [
    "ntp.org",
    "ntp.ubuntu.com",
    "time.android.com",
    "time.apple.com",
    "time.aws.com",
    "time.cloudflare.com",
    "time.google.com",
    "time.nist.gov",
    "time.windows.com",
];

/// What becomes of everything that is signed when the clock is ahead.
const EXPIRED: FailureKind = FailureKind::Bogus(Flaw::Expired);

//----------- Dates ------------------------------------------------------------

/// What is known of the date.
#[derive(Debug)]
pub(super) struct Dates {
    /// When it is at least, in seconds since 1970.
    earliest: AtomicI64,
    /// Whether the root's keys were not signed for any more, by the clock, when
    /// they were last looked at.
    ahead: AtomicBool,
    /// Names at and below which time servers are.
    names: Vec<Domain>,
}

impl Dates {
    /// Returns that nothing is known but names of time servers.
    pub(super) fn new(more: &[Domain]) -> Self {
        let known = TIME_NAMES.iter().filter_map(|name| name.parse().ok());
        let names = known.chain(more.iter().cloned()).collect();
        Self { earliest: AtomicI64::new(i64::MIN), ahead: AtomicBool::new(false), names }
    }

    /// Notes what is known elsewhere.
    pub(super) fn learn(&self, other: &Self) {
        self.set_earliest(other.earliest());
        self.ahead.store(other.is_ahead(), Ordering::Relaxed);
    }

    /// Notes that it is `unix` seconds since 1970, or later.
    pub(super) fn set_earliest(&self, unix: i64) {
        self.earliest.store(unix, Ordering::Relaxed);
    }

    /// Returns when it is at least, in seconds since 1970.
    pub(super) fn earliest(&self) -> i64 {
        self.earliest.load(Ordering::Relaxed)
    }

    /// Returns whether the clock shows less than it can.
    pub(super) fn is_behind(&self, now: Now) -> bool {
        now.unix < self.earliest()
    }

    /// Returns whether the clock seems to show more than it can.
    pub(super) fn is_ahead(&self) -> bool {
        self.ahead.load(Ordering::Relaxed)
    }

    /// Notes what became of the root's keys.
    fn look(&self, keys: Result<bool, &Failure>) {
        match keys {
            Ok(true) => self.ahead.store(false, Ordering::Relaxed),
            Err(failure) if failure.kind == EXPIRED => self.ahead.store(true, Ordering::Relaxed),
            // Nobody answered, or nobody checked.
            _ => {}
        }
    }

    /// Returns whether a name is that of a time server.
    pub(super) fn is_of_time(&self, name: DomainRef<'_>) -> bool {
        self.names.iter().any(|above| name.is_at_or_below(above))
    }
}

//----------- Resolver ---------------------------------------------------------

impl Resolver {
    /// Notes that it is `unix` seconds since 1970, or later.
    pub fn set_earliest(&self, unix: i64) {
        self.0.dates.set_earliest(unix);
    }

    /// Returns whether the clock shows less than it can.
    pub fn is_behind(&self, now: Now) -> bool {
        self.0.dates.is_behind(now)
    }

    /// Returns whether the clock seemed to show more than it can when that was last
    /// looked at.
    pub fn is_ahead(&self) -> bool {
        self.0.dates.is_ahead()
    }

    /// Returns whether the clock shows what cannot be.
    pub fn is_clock_wrong(&self, now: Now) -> bool {
        self.is_behind(now) || self.is_ahead()
    }

    /// Looks at the signatures of the root's keys, whether the clock is ahead.
    pub async fn look_at_clock(&self, now: Now) {
        let question = keys_of_root();
        let way = self.0.ways.of(question.name.borrowed()).1;
        let keys = way.upstream.fetch(&question, now).await;
        self.0.dates.look(keys.as_ref().map(|data: &AnswerData| data.secure));
    }

    /// Resolves a question; if it is about a time server and the clock shows what
    /// cannot be, even if signatures look wrong.
    pub(super) async fn answer_at_any_date(
        &self,
        question: Question,
        for_time: bool,
        now: Now,
    ) -> Result<Resolved, Failure> {
        let dates = &self.0.dates;
        if !for_time && !dates.is_of_time(question.name.borrowed()) {
            return self.answer(question, now).await;
        }
        let failure = match self.answer(question.clone(), now).await {
            Err(failure) if failure.is_bogus() => failure,
            result => return result,
        };
        if failure.kind == EXPIRED && !self.is_clock_wrong(now) {
            // From the cache, or the failures that are remembered, if it was asked
            // for lately.
            let keys = self.answer(keys_of_root(), now).await;
            dates.look(keys.as_ref().map(|resolved| resolved.data.secure));
        }
        if !self.is_clock_wrong(now) {
            return Err(failure);
        }
        self.answer(Question { checking_disabled: true, ..question }, now).await
    }
}

/// Returns the question for the root's keys.
fn keys_of_root() -> Question {
    Question { name: Domain::root(), rtype: Rtype::DNSKEY, checking_disabled: false }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_servers_are_known_by_name_and_no_others() {
        let dates = Dates::new(&["ntp.example".parse().unwrap()]);
        assert_eq!(dates.names.len(), TIME_NAMES.len() + 1);
        for (name, expected) in [
            ("2.debian.pool.ntp.org", true),
            ("time1.google.com", false),
            ("time.google.com", true),
            ("a.ntp.example", true),
            ("google.com", false),
            ("org", false),
        ] {
            let name: Domain = name.parse().unwrap();
            assert_eq!(dates.is_of_time(name.borrowed()), expected, "{name}");
        }
    }
}
