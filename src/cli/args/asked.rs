//! The commands about what was asked for: `sordino log` and `sordino report`.

use std::time::Duration;

use clap::ArgGroup;
use clap::Args;
use clap::Subcommand;
use clap::ValueEnum;

use crate::base::units;

/// Which rows of the query log.
#[derive(Args, Clone, Debug)]
pub struct Which {
    /// Those of one device, by its name
    #[arg(long, value_name = "NAME")]
    pub device: Option<String>,
    /// Those of the last time, like 30m, 24h or 7d
    #[arg(long, value_name = "TIME", value_parser = units::duration)]
    pub since: Option<Duration>,
    /// Those that were blocked
    #[arg(long)]
    pub blocked: bool,
}

/// `sordino log`
#[derive(Debug, Subcommand)]
pub enum Log {
    /// Show the last rows
    Show {
        /// Which
        #[command(flatten)]
        which: Which,
        /// How many
        #[arg(long, value_name = "COUNT", default_value_t = 50)]
        last: usize,
    },
    /// Write all rows for other programs: all that is known of a device
    Export {
        /// Which
        #[command(flatten)]
        which: Which,
        /// json (one object a line) or csv
        #[arg(long, value_enum, default_value_t = LogFormat::Json)]
        format: LogFormat,
    },
    /// Erase what is known of a device, or everything, in memory and on disk
    #[command(group(ArgGroup::new("what").required(true).args(["device", "all"])))]
    Erase {
        /// The device, by its name
        #[arg(long, value_name = "NAME")]
        device: Option<String>,
        /// Everything
        #[arg(long)]
        all: bool,
    },
}

/// How the query log is written for other programs.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum LogFormat {
    /// An object a line.
    Json,
    /// Comma-separated values (RFC 4180).
    Csv,
}

/// `sordino report`
#[derive(Args, Debug)]
pub struct Report {
    /// One device, by its name; all speakers without
    #[arg(long, value_name = "NAME")]
    pub device: Option<String>,
    /// The last time, from 1h to 31d
    #[arg(long, value_name = "TIME", value_parser = report_since, default_value = "24h")]
    pub since: Duration,
    /// html (a page with pictures and tables), svg (the pictures) or text
    #[arg(long, value_enum, default_value_t = ReportFormat::Text)]
    pub format: ReportFormat,
    /// English or German
    #[arg(long, value_enum, default_value_t = ReportLang::En)]
    pub lang: ReportLang,
}

/// Reads for how long a report can be.
fn report_since(text: &str) -> Result<Duration, &'static str> {
    let since = units::duration(text)?;
    let days = Duration::from_hours(1)..=Duration::from_hours(31 * 24);
    if days.contains(&since) { Ok(since) } else { Err("not from 1h to 31d") }
}

/// What a report is written as.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum ReportFormat {
    /// A page with pictures and tables.
    Html,
    /// The pictures in one.
    Svg,
    /// Text for a terminal.
    Text,
}

/// In which language.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum ReportLang {
    /// German.
    De,
    /// English.
    En,
}
