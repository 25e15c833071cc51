//! What keeps Sordino from doing its work on this machine and in this network,
//! and what to do about it.
//!
//! Works with or without a running Sordino: what only one that runs can know
//! (who asks, who is silent) is asked of it at `web.listen`.  Changes nothing.

pub(super) mod ask;
mod machine;
mod server;

use serde::Serialize;

use super::load::Loaded;
use super::load::Options;
use super::load::load;
use crate::base::Clock;
use crate::base::time::SystemClock;
use crate::listen::neighbor::around;

//----------- Check ------------------------------------------------------------

/// How a check went.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// All is well.
    Ok,
    /// Worth knowing.
    Warning,
    /// Something does not work.
    Wrong,
    /// It could not be looked at.
    Skipped,
}

impl Outcome {
    /// Returns the word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Wrong => "wrong",
            Self::Skipped => "skipped",
        }
    }
}

/// Something that was looked at.
#[derive(Clone, Debug, Serialize)]
pub struct Check {
    /// The word for it.
    pub check: &'static str,
    /// How it went.
    pub outcome: Outcome,
    /// What was seen.
    pub says: String,
    /// What to do about it; empty where there is nothing to do.
    pub fix: String,
}

impl Check {
    /// All is well.
    fn ok(check: &'static str, says: impl Into<String>) -> Self {
        Self { check, outcome: Outcome::Ok, says: says.into(), fix: String::new() }
    }

    /// Something is worth knowing.
    fn warning(check: &'static str, says: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { check, outcome: Outcome::Warning, says: says.into(), fix: fix.into() }
    }

    /// Something does not work.
    fn wrong(check: &'static str, says: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { check, outcome: Outcome::Wrong, says: says.into(), fix: fix.into() }
    }

    /// It could not be looked at.
    fn skipped(check: &'static str, says: impl Into<String>) -> Self {
        Self { check, outcome: Outcome::Skipped, says: says.into(), fix: String::new() }
    }
}

//----------- examine ----------------------------------------------------------

/// Looks at everything.
pub fn examine(options: &Options) -> Vec<Check> {
    let now = SystemClock::new(options.clock_offset).now();
    let mut checks = Vec::new();
    let loaded = match load(options) {
        Ok(loaded) => {
            checks.push(config(&loaded));
            Some(loaded)
        }
        Err(faults) => {
            let first = faults.first().map(ToString::to_string).unwrap_or_default();
            let says = format!("{} faults, the first: {first}", faults.len());
            checks.push(Check::wrong("config", says, "`sordino check` shows them all"));
            None
        }
    };
    checks.push(machine::clock(now.unix));
    match around::look() {
        Ok(around) => {
            let listen = loaded.as_ref().map(|loaded| &*loaded.config.listen.dns).unwrap_or_default();
            checks.extend(machine::addresses(&around, listen));
            checks.push(machine::container(&around));
            checks.push(machine::neighbors(around.neighbors.len()));
            if let Some(loaded) = &loaded {
                checks.extend(server::checks(loaded, &around, options));
            }
        }
        Err(error) => checks.push(Check::skipped("network", format!("the system does not tell: {error}"))),
    }
    checks.push(machine::files());
    checks
}

/// Says whether config and lists are fine.
fn config(loaded: &Loaded) -> Check {
    let name = &loaded.config.text.file;
    match loaded.warnings.first() {
        None => Check::ok("config", format!("{name} is fine")),
        Some(first) => {
            let says = format!("{} remarks on {name}, the first: {first}", loaded.warnings.len());
            Check::warning("config", says, "`sordino check` shows them all")
        }
    }
}

/// Returns whether nothing is wrong.
pub fn is_well(checks: &[Check]) -> bool {
    checks.iter().all(|check| check.outcome != Outcome::Wrong)
}
