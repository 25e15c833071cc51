//! [`Now`]: a moment, on both clocks; and [`Clock`], who may make one.
//!
//! Nobody on the road reads a clock.  A query carries the moment it arrived,
//! and everything that asks what time it is asks the query.

use std::sync::Mutex;
use std::time::Duration;
use std::time::Instant;
use std::time::SystemTime;

//----------- Now --------------------------------------------------------------

/// A moment.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Now {
    /// For measuring: never set back.
    pub instant: Instant,

    /// For dates: seconds since 1970, as the wall clock has them.
    pub unix: i64,
}

impl Now {
    /// Returns the moment `later` after this one.
    pub fn plus(self, later: Duration) -> Self {
        Self { instant: self.instant + later, unix: self.unix.saturating_add_unsigned(later.as_secs()) }
    }
}

//----------- Clock ------------------------------------------------------------

/// Who tells the time.  Used at the edges only; the road gets a [`Now`].
pub trait Clock: Send + Sync {
    /// Returns the present moment.
    fn now(&self) -> Now;
}

/// The clock of the machine, its date shifted by a fixed number of seconds
/// (`--clock-offset`, for tests of DNSSEC and lists).
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock {
    /// Seconds added to the wall clock.
    pub offset: i64,
}

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the clock")]
    fn now(&self) -> Now {
        let unix = match SystemTime::now().duration_since(SystemTime::UNIX_EPOCH) {
            Ok(since) => i64::try_from(since.as_secs()).unwrap_or(i64::MAX),
            Err(before) => -i64::try_from(before.duration().as_secs()).unwrap_or(i64::MAX),
        };
        Now { instant: Instant::now(), unix: unix.saturating_add(self.offset) }
    }
}

/// A clock that stands still until it is moved.
#[derive(Debug)]
pub struct ManualClock(Mutex<Now>);

impl ManualClock {
    /// Returns a clock that shows `unix` seconds since 1970.
    pub fn at(unix: i64) -> Self {
        let Now { instant, .. } = SystemClock::default().now();
        Self(Mutex::new(Now { instant, unix }))
    }

    /// Moves the clock on.
    pub fn advance(&self, by: Duration) {
        let mut now = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        *now = now.plus(by);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Now {
        *self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}
