//! `sordino report`: what the speakers asked for, as a page, pictures or text.

use std::io;
use std::io::Write;

use jiff::tz::TimeZone;

use super::args::Report;
use super::args::ReportFormat;
use super::args::ReportLang;
use super::logged;
use crate::app::load::Options;
use crate::base::Clock;
use crate::base::time::SystemClock;
use crate::querylog::Filter;
use crate::querylog::Row;
use crate::report;
use crate::report::Format;
use crate::report::Lang;
use crate::report::Settings;
use crate::report::Span;

/// Carries out `sordino report`.
pub fn report(options: &Options, wanted: &Report, out: &mut dyn Write) -> io::Result<u8> {
    let now = SystemClock::new(options.clock_offset).now().unix;
    let seconds = i64::try_from(wanted.since.as_secs()).unwrap_or(i64::MAX);
    let span = Span::new(now, seconds, TimeZone::system());
    let lang = match wanted.lang {
        ReportLang::De => Lang::De,
        ReportLang::En => Lang::En,
    };
    let format = match wanted.format {
        ReportFormat::Html => Format::Html,
        ReportFormat::Svg => Format::Svg,
        ReportFormat::Text => Format::Text,
    };
    match read(options, wanted, &span) {
        Ok((begins, rows)) => {
            let settings = Settings { span, lang, begins };
            out.write_all(report::report(&rows, &settings, format).as_bytes())?;
            Ok(0)
        }
        Err(fault) => {
            // What is written goes into a file, most often.
            writeln!(io::stderr(), "{fault}")?;
            Ok(1)
        }
    }
}

/// Reads the rows, and since when there are any.
fn read(options: &Options, wanted: &Report, span: &Span) -> Result<(Option<i64>, Vec<Row>), String> {
    let first = logged::rows(options, Filter::default()).next().transpose()?;
    let filter = Filter { device: wanted.device.clone(), since: Some(span.start()), blocked: false };
    let rows = logged::rows(options, filter).collect::<Result<_, _>>()?;
    Ok((first.map(|row| row.unix), rows))
}
