//! The config file: text to [`Config`], or all that is wrong with it.
//!
//! ```text
//!   text ─▶ version ─▶ v1::Spec (as typed) ─▶ Config (as used)
//! ```
//!
//! Faults are collected, not first-only, and each names line and column.  Only
//! this room knows that there is a file; the others get their settings.

mod read;
mod read_date;
mod read_identify;
mod read_listen;
mod read_lists;
mod read_log;
mod read_rooms;
mod v1;

use std::fmt::Write;
use std::net::IpAddr;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;
use serde::Deserialize;
use toml::Spanned;

use crate::answer::Blocked;
use crate::base::ClientId;
use crate::base::Diagnostic;
use crate::base::Domain;
use crate::base::MacAddr;
use crate::base::Place;
use crate::catalog::Purpose;
use crate::catalog::foreign::Format;
use crate::device::PolicyId;
use crate::policy::Exception;
use crate::policy::Policy;
use crate::querylog;
use crate::resolve::Settings;

/// The largest config, in octets.  A house with a thousand devices has 100 KiB.
pub const MAX_CONFIG: usize = 1 << 20;

/// Most threads of the fast path on one address.
pub const MOST_THREADS: usize = 64;

//----------- Config -----------------------------------------------------------

/// What the config says, defaults filled in and references resolved, as far as
/// that can be done without reading other files.
#[derive(Debug)]
pub struct Config {
    /// The text, for complaints that only other files bring to light.
    pub text: Arc<ConfigText>,
    /// What is odd and does no harm.
    pub warnings: Vec<Diagnostic>,
    /// `[listen]`
    pub listen: Listen,
    /// `[resolve]` and `[cache]`; the files named in it are not read yet.
    pub resolve: Settings,
    /// The file with root servers, as written.
    pub root_hints: Option<Written<PathBuf>>,
    /// The file with trust anchors, as written.
    pub trust_anchor: Option<Written<PathBuf>>,
    /// The file of authorities for the servers in `forward-to`.
    pub forward_ca: Option<Written<PathBuf>>,
    /// The built-in policies and `[policy.NAME]`, by [`PolicyId`].
    pub policies: Vec<Policy>,
    /// `[device.NAME]`
    pub devices: Vec<Device>,
    /// `[unlisted]`
    pub unlisted: crate::device::Unlisted,
    /// `[[exception]]`
    pub exceptions: Vec<Exception>,
    /// `[blocked]`
    pub blocked: Blocked,
    /// `[list.NAME]`
    pub lists: Vec<List>,
    /// `[download]`
    pub download: Download,
    /// `[identify]`
    pub identify: Identify,
    /// `[query-log]`
    pub query_log: querylog::Settings,
    /// `[metrics]`
    pub metrics: Metrics,
    /// `[web]`
    pub web: Web,
}

/// `[listen]`
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Listen {
    /// Where queries come in.
    pub dns: Vec<SocketAddr>,
    /// Threads of the fast path on each address; one for each core without it.
    pub threads: Option<usize>,
    /// Who may ask.
    pub allow: Vec<IpNet>,
    /// How many queries a second each address may send over UDP.
    pub rate_limit: Option<NonZeroU32>,
    /// Where queries come in over TLS.
    pub tls: Vec<SocketAddr>,
    /// Where they come in over HTTPS.
    pub https: Vec<SocketAddr>,
    /// Our name, for those two.
    pub name: Option<Domain>,
    /// The file with our certificate, as written.
    pub certificate: Option<Written<PathBuf>>,
    /// The file with its key, as written.
    pub key: Option<Written<PathBuf>>,
    /// Who answered, for those who ask that.
    pub nsid: Option<String>,
    /// The networks of proxies.
    pub proxies: Vec<IpNet>,
}

/// `[identify]`
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Identify {
    /// Forwarders whose hints about their clients are believed.
    pub forwarders: Vec<IpNet>,
    /// How long a first query waits at most for its client to be found.
    pub wait: Duration,
    /// Lease files of DHCP servers, as written.
    pub leases: Vec<Written<PathBuf>>,
    /// The file with the token of those who may push over HTTP, as written.
    pub push_token: Option<Written<PathBuf>>,
    /// The router that is asked what addresses are called.
    pub names_from: Option<SocketAddr>,
    /// The FRITZ!Box to ask.
    pub fritzbox: Option<FritzBox>,
}

/// `[identify.fritzbox]`
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct FritzBox {
    /// Where it is.
    pub address: SocketAddr,
    /// The user, one of the box's own.
    pub user: String,
    /// The file with the password, as written.
    pub password_file: PathBuf,
    /// How often it is asked.
    pub every: Duration,
}

/// `[metrics]`
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Metrics {
    /// Where Prometheus finds `/metrics`.
    pub listen: SocketAddr,
}

/// `[web]`
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Web {
    /// Where `/healthz` and `/readyz` are.
    pub listen: SocketAddr,
}

/// `[download]`
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Download {
    /// Networks of the house in which list servers may be, all the same.
    pub allow: Vec<IpNet>,
    /// Whether `http://` is fine as well.
    pub http: bool,
    /// The file of certificate authorities to trust instead of the public ones.
    pub ca_file: Option<Written<PathBuf>>,
}

/// `[device.NAME]`
#[derive(Clone, Debug)]
pub struct Device {
    /// Its name.
    pub name: Arc<str>,
    /// Where it is listed.
    pub place: Place,
    /// Its MAC addresses.
    pub macs: Vec<Written<MacAddr>>,
    /// The id that a forwarder gives it.
    pub id: Option<ClientId>,
    /// Its addresses and networks.
    pub networks: Vec<Written<IpNet>>,
    /// Its family's name.
    pub family: Option<Written<String>>,
    /// Its policy.
    pub policy: Option<PolicyId>,
    /// Whether the query log may hold what it asks.
    pub log: bool,
}

/// `[list.NAME]`
#[derive(Clone, Debug)]
pub struct List {
    /// Its name.
    pub name: Arc<str>,
    /// Its file, as written; a list has this or a URL.
    pub path: Option<Written<PathBuf>>,
    /// Where it is downloaded from.
    pub url: Option<Written<String>>,
    /// How long from one download to the next.
    pub refresh: Duration,
    /// Its syntax, where the config says so.
    pub format: Option<Format>,
    /// The family it is for.
    pub family: Option<Written<String>>,
    /// What its names are for.
    pub purpose: Purpose,
}

//----------- ConfigText -------------------------------------------------------

/// The text of a config and the name of its file.
#[derive(Debug, Eq, PartialEq)]
pub struct ConfigText {
    /// The file, as the user would name it.
    pub file: Arc<str>,
    /// What it says.
    pub text: String,
}

impl ConfigText {
    /// Complains about a part of the text.
    pub fn fault(&self, span: &Range<usize>, say: impl Into<String>) -> Diagnostic {
        Diagnostic::at(Arc::clone(&self.file), &self.text, span.start, span.end, say)
    }

    /// Returns the line of a part of the text.
    pub fn place(&self, span: &Range<usize>) -> Place {
        Place::new(Arc::clone(&self.file), self.fault(span, "").line)
    }
}

/// Something that was written in the config, and where.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Written<T> {
    /// What.
    pub value: T,
    /// Where, in octets of the text.
    pub span: Range<usize>,
}

//----------- load -------------------------------------------------------------

/// The one version there is.
const VERSION: i64 = 1;

/// The version alone.  Read first, so that a file of a later version is not
/// met with complaints about words that are right there.
#[derive(Deserialize)]
struct Version {
    /// Missing means 1.
    version: Option<Spanned<i64>>,
}

/// Reads a config.  `file` is how the user would name it.
pub fn load(file: &str, text: &str) -> Result<Config, Vec<Diagnostic>> {
    if text.len() > MAX_CONFIG {
        return Err(vec![Diagnostic::of_file(file, format!("a config larger than {MAX_CONFIG} octets"))]);
    }
    let text = Arc::new(ConfigText { file: Arc::from(file), text: text.to_owned() });
    let syntax = |error: toml::de::Error| {
        let span = error.span().unwrap_or(0..0);
        let mut say = error.message().replace('\n', "; ");
        if let Some(bare) = bare_address(&text.text, span.start) {
            let _ = write!(say, "; write it in quotes: \"{bare}\"");
        }
        vec![text.fault(&span, say)]
    };
    let Version { version } = toml::from_str(&text.text).map_err(syntax)?;
    if let Some(version) = version.filter(|version| *version.get_ref() != VERSION) {
        let say = format!(
            "version {} is not known to this Sordino, which reads version {VERSION}",
            version.get_ref()
        );
        return Err(vec![text.fault(&version.span(), say)]);
    }
    let spec: v1::Spec = toml::from_str(&text.text).map_err(syntax)?;
    read::config(&text, spec)
}

/// Returns the address without quotes that is the value on the line of an octet, which
/// is taken for a date or a number that is wrong.
fn bare_address(text: &str, at: usize) -> Option<&str> {
    let line = text.get(..at)?.rfind('\n').map_or(0, |end| end + 1);
    let (_, value) = text.get(line..)?.lines().next()?.split_once('=')?;
    let value = value.split('#').next()?.trim();
    let is_address = value.parse::<MacAddr>().is_ok()
        || value.parse::<IpAddr>().is_ok()
        || value.parse::<IpNet>().is_ok()
        || value.parse::<SocketAddr>().is_ok();
    is_address.then_some(value)
}

/// The config of a trial run.
pub const TRIAL: &str = include_str!("../../config/trial.toml");

/// How the config of a trial run is named.
pub const TRIAL_FILE: &str = "config/trial.toml (built in)";
