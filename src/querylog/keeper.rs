//! The thread that reads notes and writes rows.
//
//  It sleeps until somebody notes something, and then a moment longer; a house in
//  which nobody asks it wakes up for to forget only.

use std::sync::Arc;
use std::sync::Weak;
use std::thread;
use std::time::Duration;

use super::QueryLog;

/// How long notes gather until they are read.
const GATHER: Duration = Duration::from_millis(200);

/// How often rows are written to disk: memory cards wear out by writing, and each
/// time whole pages are written.
pub(super) const WRITE: Duration = Duration::from_mins(5);

/// How often it is looked whether there is something to forget, where nobody asks
/// anything.
const FORGET: Duration = Duration::from_mins(9);

/// Starts it, with what it does first.  It ends with the log.
pub(super) fn start(log: &Arc<QueryLog>, first: fn()) -> std::io::Result<()> {
    let weak = Arc::downgrade(log);
    let work = move || {
        first();
        keep(&weak);
    };
    let thread = thread::Builder::new().name("query-log".to_owned()).spawn(work)?;
    log.desk.read_by(thread.thread().clone());
    Ok(())
}

/// Reads, writes and forgets.
fn keep(log: &Weak<QueryLog>) {
    let mut due = None;
    loop {
        let Some(log) = log.upgrade() else { return };
        let now = log.clock.now();
        let next = *due.get_or_insert_with(|| now.plus(WRITE));
        if log.desk.has_rung() {
            thread::park_timeout(GATHER);
            log.desk.reading();
            log.drain();
            if log.has_unwritten() && next.instant > now.plus(WRITE).instant {
                due = Some(now.plus(WRITE));
            }
        } else if next.instant <= now.instant {
            log.drain();
            log.write();
            // What came in the present minute is written the next time.
            due = Some(now.plus(if log.has_unwritten() { WRITE } else { FORGET }));
        } else {
            drop(log);
            thread::park_timeout(next.instant.saturating_duration_since(now.instant));
        }
    }
}
