//! A list that is downloaded, and what is remembered of it.
//!
//! Apart from the refresher, which has many of them and decides.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::time::Duration;
use std::time::Instant;

use super::super::fetch::Validators;

/// A list that is downloaded.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Source {
    /// Its name in the config.
    pub name: Arc<str>,
    /// Where it is.
    pub url: Arc<str>,
    /// How long from one download to the next.
    pub interval: Duration,
}

/// What is to be shown of a list, in metrics and by `doctor`.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Facts {
    /// How many rules the copy in use has; `None` while there is none.
    pub rules: Option<u64>,
    /// When that copy was last known to be what the server has, in seconds
    /// since 1970.
    pub last_success: Option<i64>,
    /// How many downloads came to nothing, since the start.
    pub failures_total: u64,
    /// How many of them came after the last good one.
    pub failures_in_row: u32,
    /// Why the last download came to nothing, if it did.
    pub last_failure: Option<String>,
}

/// What is remembered of a list between two downloads.
#[derive(Clone, Debug)]
pub(super) struct State {
    /// What is shown of it.
    pub(super) facts: Facts,
    /// What to ask the server with, while the copy it belongs to is in use.
    pub(super) validators: Validators,
    /// The rules of the last good copy of this very URL, to compare with.
    pub(super) last_good: Option<u64>,
    /// When it is to be downloaded; `None` for at once.
    pub(super) next: Option<Instant>,
    /// How many delays were drawn.
    pub(super) draws: u64,
}

/// A list and its state.
pub(super) struct Entry {
    /// What the config says.
    pub(super) source: Source,
    /// What is remembered; never locked while waiting.
    pub(super) state: Mutex<State>,
    /// Held while the list is downloaded.
    pub(super) busy: Mutex<()>,
}

impl Entry {
    /// Locks the state.
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
