//! The command line: its commands and options, with their help.

mod asked;

use std::net::IpAddr;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use clap::Parser;
use clap::Subcommand;

use crate::app::load::Options;
use crate::base::Domain;
use crate::policy::export::Target;

pub use asked::Log;
pub use asked::LogFormat;
pub use asked::Report;
pub use asked::ReportFormat;
pub use asked::ReportLang;
pub use asked::Which;

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
    /// The folder for what is to survive a restart; of an installed Sordino /var/lib/sordino
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
