//! [`Settings`]: how much is kept of a query, where, and for how long.

use std::time::Duration;

/// How much is logged of a query.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Level {
    /// All there is.
    #[default]
    Full,
    /// Not which device asked.
    NoClient,
    /// Nothing.
    Off,
}

/// Where it is kept.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Place {
    /// In memory only.
    #[default]
    Memory,
    /// On disk too.
    Disk,
}

/// `[query-log]`
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Settings {
    /// How much is logged.
    pub level: Level,
    /// Where it is kept.
    pub store: Place,
    /// How long.
    pub keep: Duration,
    /// The most memory that the ring takes, in octets.
    pub memory: usize,
}

impl Settings {
    /// Returns whether anything is to be on disk.
    pub(super) fn is_on_disk(&self) -> bool {
        self.store == Place::Disk && self.level != Level::Off
    }

    /// Returns the moment, in seconds since 1970, before which nothing is kept.
    pub(super) fn oldest(&self, now: i64) -> i64 {
        now.saturating_sub_unsigned(self.keep.as_secs())
    }
}

impl Default for Settings {
    fn default() -> Self {
        // A day shows what a speaker does at night; a house asks some 50,000
        // times in it, which repeats within a minute halve.
        Self { level: Level::Full, store: Place::Memory, keep: Duration::from_hours(24), memory: 4 << 20 }
    }
}
