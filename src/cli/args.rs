//! The command line: its commands and options, with their help.

use std::net::IpAddr;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::ArgGroup;
use clap::Args;
use clap::Parser;
use clap::Subcommand;
use clap::ValueEnum;

use crate::app::load::Options;
use crate::base::Domain;
use crate::base::units;
use crate::policy::export::Target;

/// The DNS resolver of a home that knows its smart speakers.
///
/// Without a command it serves.  Without a config (--config, or
/// /etc/sordino/config.toml) it serves a trial on this machine, port 5300.
#[derive(Debug, Parser)]
#[command(name = "sordino", version, about, long_about)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// Where to find things.
    #[command(flatten)]
    pub common: Common,
}

/// Options of every command.
#[derive(Args, Clone, Debug, Default)]
pub struct Common {
    /// The config to read
    #[arg(long, value_name = "FILE", global = true)]
    pub config: Option<PathBuf>,
    /// Listen here instead of where the config says; may be given several times
    #[arg(long, value_name = "ADDR:PORT", global = true)]
    pub listen: Vec<SocketAddr>,
    /// The root servers to start from
    #[arg(long, value_name = "FILE", global = true)]
    pub root_hints: Option<PathBuf>,
    /// The keys to trust, as DS or DNSKEY lines
    #[arg(long, value_name = "FILE", global = true)]
    pub trust_anchor: Option<PathBuf>,
    /// The folder for what is to survive a restart
    #[arg(long, value_name = "DIR", global = true)]
    pub state_dir: Option<PathBuf>,
    /// The folder of lists to use instead of those that come with Sordino
    #[arg(long, value_name = "DIR", global = true)]
    pub blocklists: Option<PathBuf>,
    /// Shift the date that DNSSEC and lists see
    #[arg(long, value_name = "SECONDS", global = true, default_value_t = 0, allow_negative_numbers = true)]
    pub clock_offset: i64,
}

impl From<Common> for Options {
    fn from(common: Common) -> Self {
        Self {
            config: common.config,
            listen: common.listen,
            root_hints: common.root_hints,
            trust_anchor: common.trust_anchor,
            state_dir: common.state_dir,
            blocklists: common.blocklists,
            clock_offset: common.clock_offset,
            keep: false,
            known: Vec::new(),
            recognizer: Arc::default(),
        }
    }
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve
    Run,
    /// Read config and lists as `run` would, and show every fault; changes nothing
    Check {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Walk the road of a query aloud: who asks, what for, which line says so, and the answer
    Explain(Explain),
    /// Who is there, how each is known, under which policy
    Devices {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Look for what keeps Sordino from doing its work here, and say what to do about it
    Doctor {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Rules for a gateway that bring the queries of speakers here
    Firewall {
        /// What to do with them.
        #[command(subcommand)]
        command: Firewall,
    },
    /// Say how to answer in place of resolvers that speakers have built in
    Claim {
        /// Their addresses, like 8.8.8.8
        #[arg(required = true, value_name = "ADDRESS")]
        addresses: Vec<IpAddr>,
    },
    /// Make a certificate for encrypted queries, and an authority for this house
    Cert(Cert),
    /// Tell a running Sordino who has an address, for hooks of DHCP servers
    Identity {
        /// What to tell it.
        #[command(subcommand)]
        command: Identity,
    },
    /// What was asked for: show, export or erase the query log
    Log {
        /// What to do with it.
        #[command(subcommand)]
        command: Log,
    },
    /// What the speakers asked for, when, of whom, and what was prevented: pictures of a day
    Report(Report),
    /// Look after the lists of families
    Lists {
        /// What to do with them.
        #[command(subcommand)]
        command: Lists,
    },
}

/// `sordino explain`
#[derive(Args, Debug)]
pub struct Explain {
    /// The name asked for
    pub name: String,
    /// The device that asks, by its name in the config
    #[arg(long, value_name = "NAME", conflicts_with = "client")]
    pub device: Option<String>,
    /// The address that asks
    #[arg(long, value_name = "IP")]
    pub client: Option<IpAddr>,
    /// The type asked for, like A, AAAA, HTTPS or TYPE65
    #[arg(long = "type", value_name = "TYPE", default_value = "A")]
    pub rtype: String,
    /// As JSON
    #[arg(long)]
    pub json: bool,
}

/// `sordino firewall`
#[derive(Debug, Subcommand)]
pub enum Firewall {
    /// Print the rules; nothing is applied
    Print(FirewallPrint),
}

/// `sordino firewall print`
#[derive(Args, Debug)]
pub struct FirewallPrint {
    /// For what.
    #[command(flatten)]
    pub kind: FirewallKind,
    /// Only refuse other resolvers: for a gateway without a DNS server that asks us
    #[arg(long)]
    pub reject: bool,
}

/// The firewalls there are rules for.
#[derive(Args, Debug)]
#[group(required = true, multiple = false)]
pub struct FirewallKind {
    /// nftables: a file for `nft -f`
    #[arg(long)]
    pub nft: bool,
    /// iptables and ip6tables: a shell script
    #[arg(long)]
    pub iptables: bool,
    /// OpenWrt: a shell script of uci commands
    #[arg(long)]
    pub uci: bool,
}

/// `sordino cert`
#[derive(Args, Debug)]
pub struct Cert {
    /// The name that clients will ask for, like dns.home.example
    pub name: Domain,
    /// An address it is for as well; may be given several times, all of this machine without
    #[arg(long, value_name = "IP")]
    pub address: Vec<IpAddr>,
    /// Where to write it; here without
    #[arg(long, value_name = "DIR")]
    pub folder: Option<PathBuf>,
}

/// `sordino identity`
#[derive(Debug, Subcommand)]
pub enum Identity {
    /// A device has an address from now on
    Add {
        /// Its MAC address
        mac: String,
        /// The address
        address: IpAddr,
        /// What to call it, for showing
        #[arg(long)]
        name: Option<String>,
        /// How long it holds, as "12h"; or until when, in seconds since 1970
        #[arg(long, value_name = "TIME")]
        expires: Option<String>,
    },
    /// Nobody has an address any more
    Remove {
        /// The address
        address: IpAddr,
    },
}

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

/// `sordino lists`
#[derive(Debug, Subcommand)]
pub enum Lists {
    /// Show what a careful reader would remark; without files, of all lists
    Check {
        /// The lists to look at
        files: Vec<PathBuf>,
    },
    /// Download lists now
    Update {
        /// The lists, by their names in the config; all without
        names: Vec<String>,
        /// Take a list even if it lost half of its rules or has ten times as many
        #[arg(long)]
        force: bool,
    },
    /// Write what a policy blocks in the syntax of other resolvers
    Export {
        /// hosts, domains, adblock, rpz, dnsmasq or unbound
        #[arg(long, value_name = "FORMAT")]
        format: Target,
        /// A family; all without
        #[arg(long, value_name = "NAME")]
        family: Option<String>,
        /// The policy
        #[arg(long, value_name = "NAME", default_value = "balanced")]
        policy: String,
    },
    /// Bring lists into their canonical order and form
    Fmt {
        /// The lists to change
        #[arg(required = true)]
        files: Vec<PathBuf>,
        /// Change nothing; exit with 1 if something would be changed
        #[arg(long)]
        check: bool,
    },
}
