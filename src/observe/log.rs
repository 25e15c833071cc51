//! Logs: for people on a terminal, JSON for everything else.
//!
//! One line for each change of state and none for a query: who reads names in
//! a log reads what people in the house do.

use std::io;
use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

use crate::device::Recognition;

/// What is logged unless `SORDINO_LOG` says otherwise.  hickory logs names and
/// addresses of queries below `error`.
const DEFAULT: &str = "info,hickory_server=error,hickory_net=error,hickory_proto=error";

/// Starts logging to standard error.
///
/// `SORDINO_LOG` takes the directives of
/// [`EnvFilter`](tracing_subscriber::EnvFilter), like `sordino=debug`.
pub fn start() {
    let wish = std::env::var("SORDINO_LOG").unwrap_or_default();
    let filter =
        if wish.is_empty() { EnvFilter::new(DEFAULT) } else { EnvFilter::new(format!("{DEFAULT},{wish}")) };
    let terminal = io::stderr().is_terminal();
    let logs = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr).with_target(false);
    // Fails only if somebody else, as in a test, started logging before.
    let _ = if terminal { logs.compact().try_init() } else { logs.json().flatten_event(true).try_init() };
}

/// Says that a device turned out to be a speaker, or not to be one after all.
pub fn recognized(found: &Recognition) {
    let Recognition { family, confidence, decides, .. } = found;
    let signs: Vec<_> = found.signs.iter().map(|sign| sign.place.to_string()).collect();
    if *decides {
        tracing::info!(%family, confidence, ?signs, "a device that is not listed is recognized");
    } else {
        tracing::info!(%family, confidence, ?signs, "a device is not recognized any more");
    }
}
