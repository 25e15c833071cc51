//! The signals that a running Sordino obeys.

use std::io;

use tokio::signal::unix::Signal;
use tokio::signal::unix::SignalKind;
use tokio::signal::unix::signal;

/// The signals we obey.
pub(super) struct Signals {
    /// SIGHUP: read everything anew.
    pub(super) hangup: Signal,
    /// SIGTERM: stop.
    pub(super) terminate: Signal,
    /// SIGINT (Ctrl-C): stop.
    pub(super) interrupt: Signal,
}

impl Signals {
    /// Catches them from now on.
    pub(super) fn catch() -> io::Result<Self> {
        Ok(Self {
            hangup: signal(SignalKind::hangup())?,
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }
}
