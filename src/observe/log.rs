//! Logs: for people on a terminal, JSON for everything else.
//!
//! One line for each change of state and none for a query: who reads names in
//! a log reads what people in the house do.

use std::io;
use std::io::IsTerminal;

use tracing_subscriber::filter::{ParseError, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::base::Diagnostic;
use crate::device::Recognition;

/// What is logged unless `SORDINO_LOG` says otherwise.  hickory logs names and
/// addresses of queries below `error`.
const DEFAULT: &str = "info,hickory_server=error,hickory_net=error,hickory_proto=error";

/// Starts logging to standard error.
///
/// `SORDINO_LOG` takes the directives of [`Targets`], like `sordino=debug`;
/// with others in it the logs stay as they are, and say so.
pub fn start() {
    let wish = std::env::var("SORDINO_LOG").unwrap_or_default();
    let (filter, refused) = filter(&wish);
    let all = tracing_subscriber::registry().with(filter);
    let lines = tracing_subscriber::fmt::layer().with_writer(io::stderr).with_target(false);
    let terminal = io::stderr().is_terminal();
    // Fails only if somebody else, as in a test, started logging before.
    let _ = if terminal {
        all.with(lines.compact()).try_init()
    } else {
        all.with(lines.json().flatten_event(true)).try_init()
    };
    if let Some(error) = refused {
        tracing::warn!(%error, SORDINO_LOG = wish, "not the form of a filter of logs, like sordino=debug");
    }
}

/// The default with `wish` over it, and why the wish could not be read.
fn filter(wish: &str) -> (Targets, Option<ParseError>) {
    let default = || DEFAULT.parse::<Targets>().unwrap_or_default();
    match format!("{DEFAULT},{wish}").trim_end_matches(',').parse() {
        Ok(filter) => (filter, None),
        Err(error) => (default(), Some(error)),
    }
}

/// Says what is wrong with files of the household.
pub fn complain(faults: &[Diagnostic]) {
    for fault in faults {
        if fault.is_fault() {
            tracing::error!("{fault}");
        } else {
            tracing::warn!("{fault}");
        }
    }
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

#[cfg(test)]
mod tests {
    use tracing::Level;

    use super::*;

    #[test]
    fn a_wish_goes_over_the_default() {
        let (filter, refused) = filter("sordino=debug");
        assert!(refused.is_none());
        assert!(filter.would_enable("sordino::listen", &Level::DEBUG));
        assert!(!filter.would_enable("hickory_net", &Level::WARN));
        assert!(!filter.would_enable("hyper", &Level::DEBUG));
    }

    #[test]
    fn without_a_wish_names_stay_out_of_the_logs() {
        let (filter, refused) = filter("");
        assert!(refused.is_none());
        assert!(filter.would_enable("sordino", &Level::INFO));
        assert!(!filter.would_enable("sordino", &Level::DEBUG));
        assert!(!filter.would_enable("hickory_server", &Level::INFO));
    }

    #[test]
    fn a_wish_that_cannot_be_read_changes_nothing() {
        let (filter, refused) = filter("sordino=loudly");
        assert!(refused.is_some());
        assert!(filter.would_enable("sordino", &Level::INFO));
        assert!(!filter.would_enable("hickory_net", &Level::WARN));
    }
}
