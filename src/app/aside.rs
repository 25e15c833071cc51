//! Work that can wait: a thread of its own, which every other one goes before.
//!
//! Apart from the threads of the runtime that wait for a disk: those are on an
//! equal footing with threads that answer, and take turns that these wait for.

use std::io;
use std::thread;

use tokio::sync::oneshot;

use crate::listen::turns;

/// Does `work` on a thread of that name, and sends what comes of it.  Whoever
/// waits hears nothing if the thread panicked.
///
/// # Errors
///
/// The system has no thread for us; `work` is gone then.
pub(super) fn aside<T: Send + 'static>(
    name: &str,
    work: impl FnOnce() -> T + Send + 'static,
) -> io::Result<oneshot::Receiver<T>> {
    let (done, outcome) = oneshot::channel();
    let work = move || {
        turns::step_back();
        // Whether somebody waits is up to them.
        let _ = done.send(work());
    };
    thread::Builder::new().name(name.to_owned()).spawn(work)?;
    Ok(outcome)
}
