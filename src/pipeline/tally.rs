//! [`Tally`]: what one thread counts, so that counting costs it no more than
//! adding one.
//!
//! Each thread that answers has a tally of its own and is the only one that
//! writes it; whoever shows the counts adds up all tallies.  What is counted
//! of a query is a [`Mark`], made after its answer has left.
//
//  Here and not in `observe`, because threads of `listen` write what `observe`
//  reads, and the two do not know each other.

mod sum;

use std::sync::OnceLock;
use std::sync::atomic::AtomicI64;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::Dropped;
use crate::catalog::Purpose;
use crate::pipeline::storms::Retry;
use crate::policy::Ground;
use crate::policy::Judged;
use crate::query::Transport;
use crate::resolve::Origin;
pub use sum::Last;
pub use sum::PageSum;
pub use sum::Queries;
pub use sum::Sum;

/// Most devices that are counted apart; whoever comes later shares the last
/// page.
pub const PAGES: usize = 256;

/// How many purposes there are.
const PURPOSES: usize = 21;

/// How many grounds there are.
const GROUNDS: usize = Ground::WORDS.len();

/// For each ground what is allowed, what is blocked, and what was held back.
const KINDS: usize = 3;

/// RCODEs that are counted apart: those of one octet's half, BADVERS, and all
/// others.
const RCODES: usize = 18;

/// Upper bounds of the buckets of answer times, in seconds: from a blocked
/// answer to the client's patience.
pub const BUCKETS: [f64; 12] = [0.0001, 0.0005, 0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0];

/// [`BUCKETS`] in nanoseconds.
const BUCKETS_NANOS: [u64; 12] = [
    100_000,
    500_000,
    1_000_000,
    5_000_000,
    10_000_000,
    25_000_000,
    50_000_000,
    100_000_000,
    250_000_000,
    500_000_000,
    1_000_000_000,
    5_000_000_000,
];

//----------- Mark -------------------------------------------------------------

/// What is counted of one query.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Mark {
    /// The page of the device that asked.
    pub page: u16,
    /// Whether the query log may hold what it asks.
    pub logged: bool,
    /// What the name is for.
    pub purpose: Purpose,
    /// What the verdict rests on, by [`Ground::nth`].
    pub ground: u8,
    /// Whether it was blocked.
    pub blocked: bool,
    /// Whether a list would have blocked it and was held back.
    pub held_back: bool,
    /// Whether it asked again for what was blocked.
    pub retry: Retry,
    /// Where the answer came from.
    pub origin: Origin,
    /// The RCODE of the response.
    pub rcode: u16,
    /// How it came in.
    pub transport: Transport,
}

impl Mark {
    /// Makes the mark of a query that was judged, of the device with this page.
    pub fn new(
        page: u16,
        logged: bool,
        judged: &Judged,
        retry: Retry,
        origin: Origin,
        rcode: u16,
        transport: Transport,
    ) -> Self {
        Self {
            page,
            logged,
            purpose: judged.purpose,
            ground: u8::try_from(judged.ground.nth()).unwrap_or(0),
            blocked: judged.is_block(),
            held_back: matches!(judged.ground, Ground::Function { held_back: Some(_), .. }),
            retry,
            origin,
            rcode,
            transport,
        }
    }
}

//----------- Tally ------------------------------------------------------------

/// The counts of one thread.  Only that thread adds; everybody may read.
#[derive(Debug)]
pub struct Tally {
    /// The counts of devices, by page.
    pages: Box<[OnceLock<Box<PageTally>>]>,
    /// Responses by transport and RCODE.
    responses: [[AtomicU64; RCODES]; Transport::ALL.len()],
    /// Answer times by origin.
    times: [Times; Origin::ALL.len()],
    /// Packets that were not answered, by reason.
    dropped: [AtomicU64; Dropped::ALL.len()],
}

/// What is counted of one device.
#[derive(Debug)]
struct PageTally {
    /// Queries by purpose, ground and kind.
    queries: [AtomicU64; PURPOSES * GROUNDS * KINDS],
    /// Queries that asked again for what was blocked, by purpose.
    retries: [AtomicU64; PURPOSES],
    /// When it last asked, in seconds since 1970.
    asked: AtomicI64,
    /// When advertising, analytics and the like were last blocked for it.
    blocked: AtomicI64,
    /// When such a name was last allowed.
    tracked: AtomicI64,
}

/// Answer times of one origin.
#[derive(Debug)]
struct Times {
    /// How many fell into each bucket; the last is for those above all bounds.
    buckets: [AtomicU64; BUCKETS.len() + 1],
    /// All of them together, in nanoseconds.
    sum: AtomicU64,
}

/// Adds to a counter that nobody else adds to.
fn add(counter: &AtomicU64, by: u64) {
    counter.store(counter.load(Ordering::Relaxed).wrapping_add(by), Ordering::Relaxed);
}

impl Default for Tally {
    fn default() -> Self {
        Self {
            pages: (0..PAGES).map(|_| OnceLock::new()).collect(),
            responses: std::array::from_fn(|_| std::array::from_fn(|_| AtomicU64::new(0))),
            times: std::array::from_fn(|_| Times {
                buckets: std::array::from_fn(|_| AtomicU64::new(0)),
                sum: AtomicU64::new(0),
            }),
            dropped: std::array::from_fn(|_| AtomicU64::new(0)),
        }
    }
}

impl PageTally {
    /// Returns a page on which nothing is written.
    fn new() -> Box<Self> {
        Box::new(Self {
            queries: std::array::from_fn(|_| AtomicU64::new(0)),
            retries: std::array::from_fn(|_| AtomicU64::new(0)),
            asked: AtomicI64::new(0),
            blocked: AtomicI64::new(0),
            tracked: AtomicI64::new(0),
        })
    }
}

/// Returns where a query is counted on its page.
fn slot(purpose: usize, ground: usize, kind: usize) -> usize {
    (purpose * GROUNDS + ground) * KINDS + kind
}

impl Tally {
    /// Counts a query whose answer has left, at `unix` seconds since 1970 and
    /// so long after it came.
    pub fn served(&self, mark: &Mark, unix: i64, took: Duration) {
        // The first query of a device on this thread allocates its page.
        if let Some(page) =
            self.pages.get(usize::from(mark.page)).map(|page| page.get_or_init(PageTally::new))
        {
            let kind = if mark.held_back { 2 } else { usize::from(mark.blocked) };
            if let Some(counter) = page.queries.get(slot(mark.purpose.nth(), mark.ground.into(), kind)) {
                add(counter, 1);
            }
            if let Some(counter) = page.retries.get(mark.purpose.nth()).filter(|_| mark.retry != Retry::No) {
                add(counter, 1);
            }
            page.asked.store(unix, Ordering::Relaxed);
            if !matches!(mark.purpose, Purpose::Function(_) | Purpose::EncryptedDns | Purpose::Unknown) {
                let last = if mark.blocked { &page.blocked } else { &page.tracked };
                last.store(unix, Ordering::Relaxed);
            }
        }
        self.responded(mark.rcode, mark.transport);
        let nanos = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        let Some(times) = self.times.get(mark.origin as usize) else { return };
        let bucket = BUCKETS_NANOS.iter().position(|bound| nanos <= *bound).unwrap_or(BUCKETS.len());
        if let Some(bucket) = times.buckets.get(bucket) {
            add(bucket, 1);
        }
        add(&times.sum, nanos);
    }

    /// Counts a packet that was not answered.
    pub fn dropped(&self, reason: Dropped) {
        if let Some(counter) = self.dropped.get(reason as usize) {
            add(counter, 1);
        }
    }

    /// Counts a response.
    pub fn responded(&self, rcode: u16, transport: Transport) {
        let of_transport = &self.responses[transport as usize];
        if let Some(counter) = of_transport.get(usize::from(rcode).min(RCODES - 1)) {
            add(counter, 1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    fn mark(page: u16, purpose: Purpose, blocked: bool) -> Mark {
        Mark {
            page,
            logged: true,
            purpose,
            ground: 4,
            blocked,
            held_back: false,
            retry: if blocked { Retry::Again } else { Retry::No },
            origin: Origin::Cache,
            rcode: 3,
            transport: Transport::Udp,
        }
    }

    #[test]
    fn every_purpose_and_ground_has_a_place_of_its_own() {
        let mut slots = std::collections::BTreeSet::new();
        for purpose in Purpose::all() {
            for ground in 0..GROUNDS {
                for kind in 0..KINDS {
                    assert!(slots.insert(slot(purpose.nth(), ground, kind)));
                }
            }
        }
        assert_eq!(slots.last(), Some(&(PURPOSES * GROUNDS * KINDS - 1)));
        assert_eq!(BUCKETS.map(Duration::from_secs_f64), BUCKETS_NANOS.map(Duration::from_nanos));
        let origins: Vec<_> = Origin::ALL.into_iter().map(|origin| origin as usize).collect();
        assert!(origins.into_iter().eq(0..Origin::ALL.len()));
        assert!(Transport::ALL.into_iter().map(|transport| transport as usize).eq(0..Transport::ALL.len()));
        assert!(Dropped::ALL.into_iter().map(|reason| reason as usize).eq(0..Dropped::ALL.len()));
    }

    #[test]
    fn what_threads_count_adds_up() {
        let tallies = [Arc::new(Tally::default()), Arc::new(Tally::default())];
        tallies[0].served(&mark(7, Purpose::Analytics, true), 100, Duration::from_micros(50));
        tallies[1].served(&mark(7, Purpose::Analytics, true), 90, Duration::from_secs(9));
        tallies[1].served(&mark(7, Purpose::Analytics, false), 95, Duration::from_micros(200));
        let sum = Sum(&tallies);
        let page = sum.page(7).unwrap();
        let queries = page.queries(Purpose::Analytics, 4);
        assert_eq!(queries, Queries { allowed: 1, blocked: 2, held_back: 0 });
        assert_eq!(page.retries(Purpose::Analytics), 2);
        assert_eq!(page.last, Last { asked: 100, blocked: 100, tracked: 95 });
        assert_eq!(sum.responses(Transport::Udp, 3), 3);
        let (buckets, seconds) = sum.times(Origin::Cache);
        assert_eq!((buckets[0], buckets[1], buckets[BUCKETS.len()]), (1, 1, 1));
        assert!((seconds - 9.000_25).abs() < 1e-9);
        assert!(sum.page(8).is_none());
    }
}
