//! [`Sum`]: all tallies together, for whoever shows them.
//
//  Apart from the tally, which threads that answer write.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::BUCKETS;
use super::GROUNDS;
use super::KINDS;
use super::PURPOSES;
use super::RCODES;
use super::Tally;
use super::slot;
use crate::catalog::Purpose;
use crate::pipeline::Dropped;
use crate::query::Transport;
use crate::resolve::Origin;

//----------- Sum --------------------------------------------------------------

/// All tallies together, at one moment.
pub struct Sum<'a>(pub &'a [Arc<Tally>]);

impl Sum<'_> {
    /// Returns what was counted of a device, if anything was.
    pub fn page(&self, number: u16) -> Option<PageSum> {
        let mut pages =
            self.0.iter().filter_map(|tally| tally.pages.get(usize::from(number))?.get()).peekable();
        pages.peek()?;
        let mut sum = PageSum::default();
        for page in pages {
            for (total, counter) in sum.queries.iter_mut().zip(&page.queries) {
                *total += load(counter);
            }
            for (total, counter) in sum.retries.iter_mut().zip(&page.retries) {
                *total += load(counter);
            }
            sum.last = sum.last.later(Last {
                asked: page.asked.load(Ordering::Relaxed),
                blocked: page.blocked.load(Ordering::Relaxed),
                tracked: page.tracked.load(Ordering::Relaxed),
            });
        }
        Some(sum)
    }

    /// Returns the responses with an RCODE; from 17 on, all others.
    pub fn responses(&self, transport: Transport, rcode: usize) -> u64 {
        let of = |tally: &Arc<Tally>| tally.responses[transport as usize].get(rcode).map_or(0, load);
        self.0.iter().map(of).sum()
    }

    /// Returns how many packets were not answered for a reason.
    pub fn dropped(&self, reason: Dropped) -> u64 {
        self.0.iter().filter_map(|tally| tally.dropped.get(reason as usize)).map(load).sum()
    }

    /// Returns how many answers of an origin took how long: by bucket, the last
    /// for those above all bounds; and all of it together, in seconds.
    pub fn times(&self, origin: Origin) -> ([u64; BUCKETS.len() + 1], f64) {
        let mut buckets = [0; BUCKETS.len() + 1];
        let mut sum = Duration::ZERO;
        for times in self.0.iter().filter_map(|tally| tally.times.get(origin as usize)) {
            for (total, bucket) in buckets.iter_mut().zip(&times.buckets) {
                *total += load(bucket);
            }
            sum += Duration::from_nanos(load(&times.sum));
        }
        (buckets, sum.as_secs_f64())
    }

    /// Returns the number of RCODEs that are counted apart.
    pub fn rcodes() -> std::ops::Range<usize> {
        0..RCODES
    }
}

//----------- PageSum ----------------------------------------------------------

/// All that was counted of one device.
#[derive(Debug)]
pub struct PageSum {
    /// Queries by purpose, ground and kind.
    queries: [u64; PURPOSES * GROUNDS * KINDS],
    /// Queries that asked again for what was blocked, by purpose.
    retries: [u64; PURPOSES],
    /// When it last did something.
    pub last: Last,
}

impl Default for PageSum {
    fn default() -> Self {
        Self { queries: [0; PURPOSES * GROUNDS * KINDS], retries: [0; PURPOSES], last: Last::default() }
    }
}

impl PageSum {
    /// Returns what was counted for a purpose on a ground.
    pub fn queries(&self, purpose: Purpose, ground: usize) -> Queries {
        let of_kind = |kind| self.queries.get(slot(purpose.nth(), ground, kind)).copied().unwrap_or(0);
        Queries { allowed: of_kind(0), blocked: of_kind(1), held_back: of_kind(2) }
    }

    /// Returns how often it asked again for what was blocked, for a purpose.
    pub fn retries(&self, purpose: Purpose) -> u64 {
        self.retries.get(purpose.nth()).copied().unwrap_or(0)
    }
}

//----------- Queries, Last ----------------------------------------------------

/// What was counted of a device, a purpose and a ground.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Queries {
    /// Allowed.
    pub allowed: u64,
    /// Blocked.
    pub blocked: u64,
    /// Allowed although a list would have blocked them; not among the others.
    pub held_back: u64,
}

impl Queries {
    /// Adds others to them.
    pub fn add(&mut self, other: Self) {
        self.allowed += other.allowed;
        self.blocked += other.blocked;
        self.held_back += other.held_back;
    }

    /// Returns how many were allowed, for whatever reason.
    pub fn passed(self) -> u64 {
        self.allowed + self.held_back
    }
}

/// When a device last did something, in seconds since 1970; 0 for never.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Last {
    /// Asked.
    pub asked: i64,
    /// Was kept from reporting.
    pub blocked: i64,
    /// Reported, as far as names tell.
    pub tracked: i64,
}

impl Last {
    /// Returns when either of two did something last.
    #[must_use]
    pub fn later(self, other: Self) -> Self {
        Self {
            asked: self.asked.max(other.asked),
            blocked: self.blocked.max(other.blocked),
            tracked: self.tracked.max(other.tracked),
        }
    }
}

/// Reads a counter.
fn load(counter: &AtomicU64) -> u64 {
    counter.load(Ordering::Relaxed)
}
