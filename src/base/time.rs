//! [`Now`]: a moment, on both clocks; and [`Clock`], who may make one.
//!
//! Nobody on the road reads a clock.  A query carries the moment it arrived,
//! and everything that asks what time it is asks the query.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
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
///
/// Where the wall clock jumps ahead, its instants do too: after a night in
/// suspend, or once a machine without a battery has learned the date, what was
/// cached is as old as the calendar says.  They never go back.
#[derive(Clone, Debug)]
pub struct SystemClock {
    /// Seconds added to the wall clock.
    offset: i64,
    /// Both clocks when this one was made.
    start: (Instant, SystemTime),
    /// How many seconds the wall clock has jumped ahead since.
    ahead: Arc<AtomicU64>,
}

/// Returns the present moment for those who measure how long others take: by
/// the clock that tells them when to stop waiting, which tests can move.
#[expect(clippy::disallowed_methods, reason = "for measuring only")]
pub fn moment() -> Instant {
    tokio::time::Instant::now().into_std()
}

/// By how much the wall clock has to be ahead for it to be a jump, in seconds;
/// slewing and rounding are less.
const JUMP: u64 = 2;

impl SystemClock {
    /// Returns a clock whose date is shifted by `offset` seconds.
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the clock")]
    pub fn new(offset: i64) -> Self {
        Self { offset, start: (Instant::now(), SystemTime::now()), ahead: Arc::default() }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new(0)
    }
}

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the clock")]
    fn now(&self) -> Now {
        let (instant, wall) = (Instant::now(), SystemTime::now());
        let unix = match wall.duration_since(SystemTime::UNIX_EPOCH) {
            Ok(since) => i64::try_from(since.as_secs()).unwrap_or(i64::MAX),
            Err(before) => -i64::try_from(before.duration().as_secs()).unwrap_or(i64::MAX),
        };
        let (first, date) = self.start;
        let by_date = wall.duration_since(date).unwrap_or_default();
        let ahead = by_date.saturating_sub(instant.saturating_duration_since(first)).as_secs();
        let known = self.ahead.load(Ordering::Relaxed);
        if ahead > known + JUMP {
            self.ahead.fetch_max(ahead, Ordering::Relaxed);
        }
        let ahead = Duration::from_secs(self.ahead.load(Ordering::Relaxed));
        let instant = instant.checked_add(ahead).unwrap_or(instant);
        Now { instant, unix: unix.saturating_add(self.offset) }
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

//----------- Tests ------------------------------------------------------------

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_follow_the_wall_clock_ahead_and_never_back() {
        let mut clock = SystemClock::default();
        let before = clock.now();
        // As if the date had been an hour less when the clock was made.
        clock.start.1 -= Duration::from_hours(1);
        let jumped = clock.now();
        assert!(jumped.instant - before.instant >= Duration::from_secs(3_599));
        // And as if it were set back by two hours.
        clock.start.1 += Duration::from_hours(2);
        assert!(clock.now().instant >= jumped.instant);
    }
}
