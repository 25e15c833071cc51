//! [`Watch`]: one line in the log when a storm begins, and one when it is over.
//
//  The line names the device and what the name is for, not the name: who reads
//  names in a log reads what people do.  The query log has them.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::Weak;
use std::time::Duration;

use crate::answer::Blocked;
use crate::base::Now;
use crate::catalog::Purpose;
use crate::pipeline::Storms;

/// How often it is looked whether a storm goes on; never, while there is none.
pub(super) const LOOK: Duration = Duration::from_mins(1);

/// Most storms that are followed; of others nothing is said, so that nobody can
/// fill the log with them.
const MOST: usize = 64;

/// A storm that goes on.
#[derive(Debug)]
pub(super) struct Storm {
    /// Who asks.
    pub(super) device: Arc<str>,
    /// What the name is for.
    pub(super) purpose: Purpose,
    /// Where it is seen whether it goes on; gone after a reload.
    pub(super) storms: Weak<Storms>,
    /// How blocked queries are answered.
    pub(super) blocked: Blocked,
}

/// The storms that go on.
#[derive(Debug)]
pub(super) struct Watch {
    /// By what they are known by, with how often was asked again so far.
    open: HashMap<u64, (Storm, u32)>,
    /// When they were last looked at.
    looked: Now,
}

impl Watch {
    /// Returns a watch that nothing was reported to.
    pub(super) fn new(now: Now) -> Self {
        Self { open: HashMap::new(), looked: now }
    }

    /// Returns whether there is nothing to watch.
    pub(super) fn is_idle(&self) -> bool {
        self.open.is_empty()
    }

    /// Says that a storm began.
    pub(super) fn began(&mut self, id: u64, storm: Storm) {
        if self.open.len() >= MOST || self.open.contains_key(&id) {
            return;
        }
        let Storm { device, purpose, .. } = &storm;
        tracing::info!(%device, %purpose, "a storm: it asks again and again for a name that is blocked");
        self.open.insert(id, (storm, crate::pipeline::storms::STORM));
    }

    /// Looks, if it is time to, which storms are over, and says so.
    pub(super) fn look(&mut self, now: Now) {
        if now.instant.saturating_duration_since(self.looked.instant) < LOOK {
            return;
        }
        self.looked = now;
        self.open.retain(|id, (storm, again)| {
            let there = storm.storms.upgrade();
            if let Some(count) = there.and_then(|storms| storms.goes_on(*id, now.unix, storm.blocked)) {
                *again = count;
                return true;
            }
            let Storm { device, purpose, .. } = storm;
            tracing::info!(%device, %purpose, again = *again, "the storm is over");
            false
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::BlockedAnswer;
    use crate::base::Clock;
    use crate::base::time::ManualClock;

    #[test]
    fn a_storm_is_followed_until_its_table_is_gone() {
        let clock = ManualClock::at(1_000);
        let storms = Arc::new(Storms::default());
        let mut watch = Watch::new(clock.now());
        let blocked = Blocked { answer: BlockedAnswer::NxDomain, ttl: 10, max_ttl: 3_600 };
        for id in 0..100 {
            let storms = Arc::downgrade(&storms);
            watch.began(
                id,
                Storm { device: Arc::from("kitchen"), purpose: Purpose::Analytics, storms, blocked },
            );
        }
        assert_eq!(watch.open.len(), MOST);
        clock.advance(LOOK / 2);
        drop(storms);
        watch.look(clock.now());
        assert!(!watch.is_idle(), "it is looked once a minute");
        clock.advance(LOOK / 2);
        watch.look(clock.now());
        assert!(watch.is_idle());
    }
}
