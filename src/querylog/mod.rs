//! The query log: who asked for what, and what came of it.
//!
//! It is a profile of the household, so it forgets: it is a ring in memory,
//! bounded in octets and in time, and is on disk only where the config asks for
//! it.  No address is in it, and of a device only what the config says may be.
//!
//! ```text
//!   threads that answer ─▶ notes ─▶ keeper ─▶ ring ─▶ disk, now and then
//!                                              │       │
//!                                              └───┬───┘
//!                                                  ▼
//!                                 sordino log, sordino report
//! ```
//!
//! Nothing on the road waits for it: what a thread noted lies in a buffer of its
//! own ([`pipeline::scribe`](crate::pipeline::scribe)), and a disk that is slow,
//! full or gone costs rows of the log and no answer.
//!
//! Start at [`QueryLog`] for the log of a Sordino that runs.  What one that does
//! not run has left on disk is read by [`left`] and erased by [`erase_left`].

mod asker;
mod disk;
mod fault;
mod keeper;
mod log;
mod memory;
mod ring;
mod row;
mod settings;

use std::path::Path;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

use disk::Disk;

pub use asker::Asker;
pub use asker::Askers;
pub use fault::DiskError;
pub use log::QueryLog;
pub use memory::Facts;
pub use row::Filter;
pub use row::Row;
pub use settings::Level;
pub use settings::Place;
pub use settings::Settings;

/// The name of the database in the state folder.
const FILE: &str = "query-log.db";

/// Most rows that are read at once.
pub const PAGE: usize = 5_000;

/// Returns whether a Sordino has left a log in `state`.
pub fn is_left(state: &Path) -> bool {
    state.join(FILE).exists()
}

/// Reads the log that a Sordino which does not run has left in `state`: rows that
/// fit, the oldest first, those after `after`, [`PAGE`] at most.
pub fn left(state: &Path, filter: &Filter, after: i64) -> Result<Vec<Row>, DiskError> {
    Disk::open_left(&state.join(FILE))?.rows(filter, after)
}

/// Erases it, or what it knows of a device.  Returns how many rows there were.
pub fn erase_left(state: &Path, device: Option<&str>) -> Result<u64, DiskError> {
    Disk::open_left(&state.join(FILE))?.erase(device)
}

/// Locks what no fault leaves half done.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
