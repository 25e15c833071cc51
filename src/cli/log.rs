//! `sordino log show`, `export`, `erase`.

use std::collections::VecDeque;
use std::io;
use std::io::Write;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::args::Log;
use super::args::LogFormat;
use super::args::Which;
use super::logged;
use crate::app::load::Options;
use crate::base::Clock;
use crate::base::time::SystemClock;
use crate::querylog::Filter;
use crate::querylog::Row;

/// Carries out `sordino log …`.
pub fn log(options: &Options, command: &Log, out: &mut dyn Write) -> io::Result<u8> {
    let fault = match command {
        Log::Show { which, last } => show(options, which, *last, out)?,
        Log::Export { which, format } => export(options, which, *format, out)?,
        Log::Erase { device, all: _ } => match logged::erase(options, device.as_deref()) {
            Ok(count) => {
                writeln!(out, "{count} rows erased")?;
                None
            }
            Err(fault) => Some(fault),
        },
    };
    let Some(fault) = fault else { return Ok(0) };
    // Not among rows that go to a file.
    writeln!(io::stderr(), "{fault}")?;
    Ok(1)
}

/// Returns which rows are wanted.
fn filter(options: &Options, which: &Which) -> Filter {
    let now = SystemClock::new(options.clock_offset).now().unix;
    let since = which.since.map(|since| now.saturating_sub_unsigned(since.as_secs()));
    Filter { device: which.device.clone(), since, blocked: which.blocked }
}

/// Returns a moment as date and time where we are.
fn date(unix: i64) -> String {
    let moment = Timestamp::from_second(unix).unwrap_or(Timestamp::UNIX_EPOCH);
    moment.to_zoned_datetime(TimeZone::system()).strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// Returns the word for a verdict.
fn verdict(row: &Row) -> &'static str {
    if row.blocked { "block" } else { "allow" }
}

/// Writes the last rows as a table.  Returns why it came to nothing, if it did.
fn show(options: &Options, which: &Which, last: usize, out: &mut dyn Write) -> io::Result<Option<String>> {
    let mut rows = VecDeque::new();
    for row in logged::rows(options, filter(options, which)) {
        match row {
            Ok(row) => rows.push_back(row),
            Err(fault) => return Ok(Some(fault)),
        }
        if rows.len() > last {
            rows.pop_front();
        }
    }
    writeln!(
        out,
        "{:<20} {:<20} {:>5} {:<7} {:<13} {:<14} NAME",
        "TIME", "DEVICE", "TIMES", "VERDICT", "PURPOSE", "GROUND"
    )?;
    for row in rows {
        let (time, verdict) = (date(row.unix), verdict(&row));
        let Row { device, name, purpose, ground, times, .. } = &row;
        let device = if device.is_empty() { "-" } else { device };
        writeln!(out, "{time:<20} {device:<20} {times:>5} {verdict:<7} {purpose:<13} {ground:<14} {name}")?;
    }
    Ok(None)
}

/// Writes all rows for programs.  Returns why it came to an end too soon, if it
/// did.
fn export(
    options: &Options,
    which: &Which,
    format: LogFormat,
    out: &mut dyn Write,
) -> io::Result<Option<String>> {
    let mut rows = logged::rows(options, filter(options, which)).peekable();
    if matches!((format, rows.peek()), (LogFormat::Csv, None | Some(Ok(_)))) {
        writeln!(out, "time,device,family,name,type,purpose,verdict,ground,origin,rcode,times,again")?;
    }
    for row in rows {
        match (row, format) {
            (Err(fault), _) => return Ok(Some(fault)),
            (Ok(row), LogFormat::Json) => {
                serde_json::to_writer(&mut *out, &row)?;
                writeln!(out)?;
            }
            (Ok(row), LogFormat::Csv) => write_csv(&row, out)?,
        }
    }
    Ok(None)
}

/// Writes a row as a line of CSV (RFC 4180).
fn write_csv(row: &Row, out: &mut dyn Write) -> io::Result<()> {
    let Row { qtype, purpose, ground, origin, rcode, times, again, .. } = row;
    let [device, family, name] = [&row.device, &row.family, &row.name].map(|text| cell(text));
    let (time, verdict) = (date(row.unix), verdict(row));
    writeln!(
        out,
        "{time},{device},{family},{name},{qtype},{purpose},{verdict},{ground},{origin},{rcode},{times},{again}"
    )
}

/// Returns a text as a cell of CSV that a spreadsheet takes for text.
///
/// Strangers choose names, and what begins like a formula would be one: as OWASP
/// advises of CSV injection, an apostrophe goes before it.
fn cell(text: &str) -> String {
    let formula = text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']);
    format!("\"{}{}\"", if formula { "'" } else { "" }, text.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_no_formula_and_stays_in_its_cell() {
        for (name, expected) in [
            ("a.example", "\"a.example\""),
            ("=cmd|'/c calc'!A1", "\"'=cmd|'/c calc'!A1\""),
            ("+1.example", "\"'+1.example\""),
            ("-1.example", "\"'-1.example\""),
            ("@sum.example", "\"'@sum.example\""),
            ("\t=1", "\"'\t=1\""),
            ("a\",=1.example", "\"a\"\",=1.example\""),
            ("", "\"\""),
        ] {
            assert_eq!(cell(name), expected, "{name}");
        }
    }
}
