//! `sordino doctor`: what keeps Sordino from doing its work, and what to do
//! about it.

use std::io;
use std::io::Write;

use crate::app::doctor;
use crate::app::load::Options;

/// Shows what was looked at; exits with 1 if something is wrong.
pub fn doctor(options: &Options, json: bool, out: &mut dyn Write) -> io::Result<u8> {
    let checks = doctor::examine(options);
    if json {
        serde_json::to_writer_pretty(&mut *out, &checks)?;
        writeln!(out)?;
    } else {
        for check in &checks {
            writeln!(out, "{:<8} {:<10} {}", check.outcome.as_str(), check.check, check.says)?;
            if !check.fix.is_empty() {
                writeln!(out, "{:<8} {:<10} {}", "", "", check.fix)?;
            }
        }
    }
    Ok(u8::from(!doctor::is_well(&checks)))
}
