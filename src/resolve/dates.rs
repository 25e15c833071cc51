//! [`Dates`]: whether the date can be right, and which names are needed to set
//! it.
//!
//! A machine without a battery starts in the past, where signatures of today are
//! not valid yet; and it learns the date from servers whose names have to be
//! resolved first.  So as long as the clock shows what cannot be, names of time
//! servers are resolved although their signatures look wrong.  Everything else
//! stays as it is, and so do they once the date can be right.

use std::sync::atomic::AtomicI64;
use std::sync::atomic::Ordering;

use crate::base::Domain;
use crate::base::DomainRef;
use crate::base::Now;

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

//----------- Dates ------------------------------------------------------------

/// What is known of the date.
#[derive(Debug)]
pub(super) struct Dates {
    /// When it is at least, in seconds since 1970.
    earliest: AtomicI64,
    /// Names at and below which time servers are.
    names: Vec<Domain>,
}

impl Dates {
    /// Returns that nothing is known but names of time servers.
    pub(super) fn new(more: &[Domain]) -> Self {
        let known = TIME_NAMES.iter().filter_map(|name| name.parse().ok());
        Self { earliest: AtomicI64::new(i64::MIN), names: known.chain(more.iter().cloned()).collect() }
    }

    /// Notes that it is `unix` seconds since 1970, or later.
    pub(super) fn set_earliest(&self, unix: i64) {
        self.earliest.store(unix, Ordering::Relaxed);
    }

    /// Returns when it is at least, in seconds since 1970.
    pub(super) fn earliest(&self) -> i64 {
        self.earliest.load(Ordering::Relaxed)
    }

    /// Returns whether the clock shows what cannot be.
    pub(super) fn is_behind(&self, now: Now) -> bool {
        now.unix < self.earliest()
    }

    /// Returns whether a name is that of a time server.
    pub(super) fn is_of_time(&self, name: DomainRef<'_>) -> bool {
        self.names.iter().any(|above| name.is_at_or_below(above))
    }
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
