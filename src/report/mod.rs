//! The report: what speakers asked for, in pictures that people want to look at.
//!
//! ```text
//!   rows of the query log ─▶ Facts ─▶ pictures ─▶ page (HTML), sheet (SVG)
//!                              └────▶ tables ───▶ page, plain text
//! ```
//!
//! [`facts`] counts.  Each picture has a file, and knows no rows: [`house`],
//! [`flow`], [`stripe`], [`trend`], [`storms`]; [`axis`] is below all that go along
//! the time.  All words are in [`words`], in English and German.  What devices
//! asked for is written by strangers and goes through [`svg::Escaped`].
//!
//! What is counted are look-ups.  DNS does not know how much data follows one, so
//! there are no megabytes here, and a look-up that was prevented does not prove
//! that nothing left by another way.

mod axis;
mod company;
mod facts;
mod flow;
mod house;
mod lane;
mod page;
mod plain;
mod sheet;
mod span;
mod speaker;
mod storms;
mod stripe;
mod style;
mod svg;
mod tables;
mod trend;
mod words;

use crate::querylog::Row;

pub use span::Span;
pub use words::Lang;

/// What kind of file is made.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Format {
    /// A page with pictures and tables.
    Html,
    /// The pictures, one below the other.
    Svg,
    /// Text for a terminal.
    Text,
}

/// What a report is about.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The time it is about, where the house is.
    pub span: Span,
    /// In which language.
    pub lang: Lang,
    /// Since when there is a log, in seconds since 1970, if there is one.
    pub begins: Option<i64>,
}

/// Makes the report of rows.
pub fn report(rows: &[Row], settings: &Settings, format: Format) -> String {
    let facts = facts::Facts::of(rows, settings);
    match format {
        Format::Html => page::html(&facts, settings),
        Format::Svg => sheet::svg(&facts, settings),
        Format::Text => plain::text(&facts, settings),
    }
}

#[cfg(test)]
mod tests;
