//! `sordino check`: is everything right?  Changes nothing.

use std::io;
use std::io::Write;

use serde::Serialize;

use crate::app::load;
use crate::app::load::Options;
use crate::base::Diagnostic;
use crate::resolve::Resolver;
use crate::resolve::SettingsError;

/// A fault as JSON.
#[derive(Serialize)]
struct Row<'a> {
    /// The file.
    file: &'a str,
    /// The line, from 1; 0 for the whole file.
    line: u32,
    /// The column, from 1; 0 for the whole line.
    column: u32,
    /// `fault` or `warning`.
    severity: &'static str,
    /// What is wrong, and what there is instead.
    message: &'a str,
}

/// Reads everything as `run` would and shows every fault.
pub fn check(options: &Options, json: bool, out: &mut dyn Write) -> io::Result<u8> {
    let (remarks, summary) = match load::load(options) {
        Err(faults) => (faults, None),
        Ok(loaded) => match Resolver::new(&loaded.config.resolve) {
            Err(SettingsError::File(fault)) => (vec![*fault], None),
            Err(SettingsError::Setting(say)) => {
                (vec![Diagnostic::of_file(std::sync::Arc::clone(&loaded.config.text.file), say)], None)
            }
            Ok(_) => {
                let house = &loaded.house;
                let rules: usize = house.catalog.families().iter().map(|family| family.rules().len()).sum();
                let names: u64 = house.policies.lists.all().iter().map(|list| list.rules).sum();
                let summary = format!(
                    "{} is fine: {} devices, {} policies, {} families with {rules} rules, {} lists with {names} names",
                    loaded.config.text.file,
                    house.devices.listings().len(),
                    house.policies.policies.len(),
                    house.catalog.families().len(),
                    house.policies.lists.all().len(),
                );
                (loaded.warnings, Some(summary))
            }
        },
    };
    if json {
        let rows: Vec<_> = remarks.iter().map(row).collect();
        serde_json::to_writer_pretty(&mut *out, &rows)?;
        writeln!(out)?;
    } else {
        for remark in &remarks {
            writeln!(out, "{remark}")?;
        }
        if let Some(summary) = summary {
            writeln!(out, "{summary}")?;
        }
    }
    Ok(u8::from(remarks.iter().any(Diagnostic::is_fault)))
}

/// Makes a row of a fault.
fn row(fault: &Diagnostic) -> Row<'_> {
    Row {
        file: &fault.file,
        line: fault.line,
        column: fault.column,
        severity: if fault.is_fault() { "fault" } else { "warning" },
        message: &fault.say,
    }
}
