//! [`Budget`]: how much work one question may cause, all told.
//!
//! One budget for everything: delegations, addresses of name servers, aliases,
//! keys, retries.  Limits per sub-question multiply, and that is what work
//! amplification lives on (CAMP, USENIX Security 2024).

use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering;
use std::time::Duration;
use std::time::Instant;

use tokio::time::timeout_at;

use super::trouble::Trouble;
use crate::base::time::moment;
use crate::resolve::stats::Limit;

/// How long a question may be worked on.  Its asker has given up by then.
pub(in crate::resolve) const WALL_CLOCK: Duration = Duration::from_secs(5);

/// The most aliases that are followed.
pub(in crate::resolve) const MAX_ALIASES: usize = 11;

/// How deep one question may lead to another: the name server of the name
/// server of the name server.
pub(in crate::resolve) const MAX_DEPTH: usize = 8;

//----------- Budget -----------------------------------------------------------

/// What is left for a question.
#[derive(Debug)]
pub(in crate::resolve) struct Budget {
    /// What is left of each kind of work, in the order of [`Limit::ALL`].
    left: [AtomicU32; Limit::ALL.len()],
    /// When its time is up.
    until: Instant,
}

impl Default for Budget {
    fn default() -> Self {
        Self::lasting(WALL_CLOCK)
    }
}

/// Returns how much of a kind of work a question may cause.
fn allowed(limit: Limit) -> u32 {
    match limit {
        Limit::Packets => 100,
        Limit::Octets => 128 * 1024,
        Limit::Lookups => 10,
        Limit::Signatures => 32,
        Limit::BadSignatures => 4,
        Limit::Hashes => 256,
        // Limited where they are followed, and here only named.
        Limit::Time | Limit::Depth | Limit::Aliases | Limit::Records => u32::MAX,
    }
}

impl Budget {
    /// Returns the budget of a question that may be worked on for so long.
    pub(in crate::resolve) fn lasting(clock: Duration) -> Self {
        Self { left: Limit::ALL.map(|limit| AtomicU32::new(allowed(limit))), until: moment() + clock }
    }

    /// Returns whether the time of the question is up.
    pub(in crate::resolve) fn is_over(&self) -> bool {
        moment() >= self.until
    }

    /// Waits for something, but no longer than until the time of the question is
    /// up.
    pub(in crate::resolve) async fn in_time<T>(&self, what: impl Future<Output = T>) -> Option<T> {
        timeout_at(self.until.into(), what).await.ok()
    }

    /// Takes a query to a server, if there is one left and the time is not up.
    pub(in crate::resolve) fn take_packet(&self) -> Result<(), Trouble> {
        if self.is_over() { Err(Trouble::Limit(Limit::Time)) } else { self.take(Limit::Packets, 1) }
    }

    /// Takes from what is left, if there is enough.
    pub(in crate::resolve) fn take(&self, limit: Limit, amount: usize) -> Result<(), Trouble> {
        let amount = u32::try_from(amount).unwrap_or(u32::MAX);
        let less = |left: u32| left.checked_sub(amount);
        let taken = self.left[limit as usize].fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
        taken.map(|_| ()).map_err(|_| Trouble::Limit(limit))
    }

    /// Returns how much of a kind of work is used up.
    #[cfg(test)]
    pub(in crate::resolve) fn used(&self, limit: Limit) -> u32 {
        allowed(limit) - self.left[limit as usize].load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_work_has_its_own_end() {
        let budget = Budget::default();
        for _ in 0..100 {
            assert!(budget.take(Limit::Packets, 1).is_ok());
        }
        assert!(matches!(budget.take(Limit::Packets, 1), Err(Trouble::Limit(Limit::Packets))));
        assert!(budget.take(Limit::Octets, 128 * 1024).is_ok());
        assert!(budget.take(Limit::Octets, 1).is_err());
        assert_eq!(budget.used(Limit::Packets), 100);
        assert_eq!(budget.used(Limit::Hashes), 0);
    }
}
