//! [`Settings`]: how names are resolved.

use std::fmt;
use std::net::SocketAddr;

use ipnet::IpNet;

use super::designated::Designated;
use super::file::File;
use super::forward::Choice;
use super::forward::Server;
use crate::base::Diagnostic;
use crate::base::Domain;

//----------- Settings ---------------------------------------------------------

/// How names are resolved.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
#[expect(clippy::struct_excessive_bools, reason = "they are switches of the config, each by its own name")]
pub struct Settings {
    /// From the root down, or by asking others.
    pub mode: Mode,
    /// Who is asked in forward mode.
    pub forward_to: Vec<Server>,
    /// In which order.
    pub choice: Choice,
    /// The authorities whose certificates are believed, in place of those of the
    /// Web.
    pub forward_ca: Option<File>,
    /// Names that others know, and the recursive resolvers that do.
    pub zones: Vec<(Domain, Vec<SocketAddr>)>,
    /// Names whose authoritative servers are not found from the root.
    pub stubs: Vec<(Domain, Vec<SocketAddr>)>,
    /// Whether signatures are checked.
    pub dnssec: bool,
    /// The root servers, in place of those that are built in.
    pub root_hints: Option<File>,
    /// The keys trusted without proof, in place of those that are built in.
    pub trust_anchor: Option<File>,
    /// Names at and below which signatures are not checked (RFC 7646).
    pub negative_trust_anchors: Vec<Domain>,
    /// Names at and below which time servers are, besides the well-known ones.
    pub time_names: Vec<Domain>,
    /// Special-purpose networks in which name servers may be, all the same.
    pub allow_servers: Vec<IpNet>,
    /// Whether servers see no more of a name than they need (RFC 9156).
    pub qname_minimisation: bool,
    /// Whether name servers are asked over IPv4.
    pub ipv4: bool,
    /// Whether name servers are asked over IPv6.
    pub ipv6: bool,
    /// How much the answer cache may hold, in octets.
    pub cache_size: u64,
    /// Whether answers are given after their time when no fresh one can be had.
    pub serve_stale: bool,
    /// Whether popular answers are fetched anew before their time is up.
    pub prefetch: bool,
    /// What clients are told of how else they may ask.
    pub designated: Option<Designated>,
}

/// The ways of resolving.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum Mode {
    /// From the root down.
    #[default]
    Recurse,
    /// By asking other recursive resolvers.
    Forward,
}

impl Settings {
    /// Returns the files that were read for them.
    pub fn files(&self) -> impl Iterator<Item = &File> {
        [&self.root_hints, &self.trust_anchor, &self.forward_ca].into_iter().flatten()
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            // Nobody else learns what the house asks for.
            mode: Mode::Recurse,
            forward_to: Vec::new(),
            // One that is down or slow is not felt.
            choice: Choice::Parallel,
            forward_ca: None,
            zones: Vec::new(),
            stubs: Vec::new(),
            // Forged answers are worse than none.
            dnssec: true,
            root_hints: None,
            trust_anchor: None,
            negative_trust_anchors: Vec::new(),
            time_names: Vec::new(),
            // A delegation to 192.168.178.1 is an attack on the house's router.
            allow_servers: Vec::new(),
            qname_minimisation: true,
            ipv4: true,
            // A house without IPv6 loses nothing but a moment: an unreachable
            // network is an error at once, and the next server is asked.
            ipv6: true,
            // Some 30 000 answers, which a house does not need in a day.
            cache_size: 32 << 20,
            // Most of yesterday's addresses are today's, and a house without
            // names is offline.
            serve_stale: true,
            // One query more for each answer that is used again and again, and
            // nobody waits for it.
            prefetch: true,
            // Nothing encrypted is offered.
            designated: None,
        }
    }
}

//----------- SettingsError ----------------------------------------------------

/// Why nothing can be resolved with these settings.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum SettingsError {
    /// There is a fault in a file.
    File(Box<Diagnostic>),
    /// The settings do not go together.
    Setting(String),
}

impl From<Diagnostic> for SettingsError {
    fn from(complaint: Diagnostic) -> Self {
        Self::File(Box::new(complaint))
    }
}

impl fmt::Display for SettingsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(complaint) => complaint.fmt(f),
            Self::Setting(say) => f.write_str(say),
        }
    }
}

impl std::error::Error for SettingsError {}
