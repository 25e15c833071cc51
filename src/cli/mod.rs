//! The commands other than `run`: what they print, and how they exit.
//!
//! Each takes what it needs and a place to write to, so that tests can read
//! what a user would see.

pub mod args;
pub mod cert;
pub mod check;
pub mod claim;
pub mod devices;
pub mod doctor;
pub mod explain;
pub mod firewall;
pub mod identity;
pub mod lists;
pub mod log;
mod logged;
pub mod report;

use std::io;
use std::io::Write;

use clap::Parser;

use crate::app;
use crate::app::load::Loaded;
use crate::app::load::Options;
use crate::app::run;
use crate::app::run::ExitError;
use args::Cli;
use args::Command;
use args::Firewall;

/// Carries out what the command line says.
pub fn main() -> Result<(), ExitError> {
    // A usage error exits with 2, help and version with 0, by clap's hand.
    let Cli { command, common } = Cli::parse();
    let options = Options::from(common);
    let out = &mut io::stdout().lock();
    let code = match command {
        None | Some(Command::Run) => return run::run(&options),
        Some(Command::Cert(cert)) => cert::cert(&options, &cert, out),
        Some(Command::Check { json }) => check::check(&options, json, out),
        Some(Command::Doctor { json }) => doctor::doctor(&options, json, out),
        Some(Command::Explain(explain)) => explain::explain(&options, &explain, out),
        Some(Command::Devices { json }) => devices::devices(&options, json, out),
        Some(Command::Firewall { command: Firewall::Print(ask) }) => firewall::print(&options, &ask, out),
        Some(Command::Claim { addresses }) => claim::claim(&options, &addresses, out),
        Some(Command::Identity { command }) => identity::identity(&options, command, out),
        Some(Command::Log { command }) => log::log(&options, &command, out),
        Some(Command::Report(wanted)) => report::report(&options, &wanted, out),
        Some(Command::Lists { command }) => lists::lists(&options, &command, out),
    };
    // A closed pipe (`| head`) is no fault of ours.
    let _ = out.flush();
    match code {
        Ok(0) => Ok(()),
        Ok(code) => Err(ExitError(code)),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        Err(error) => {
            let _ = writeln!(io::stderr(), "cannot write: {error}");
            Err(ExitError(1))
        }
    }
}

/// Reads everything as `run` would, or shows what is wrong with it.
fn load(options: &Options, out: &mut dyn Write) -> io::Result<Option<Loaded>> {
    match app::load::load(options) {
        Ok(loaded) => Ok(Some(loaded)),
        Err(faults) => {
            for fault in faults {
                writeln!(out, "{fault}")?;
            }
            Ok(None)
        }
    }
}
