//! `[listen]`: where queries come in, and who may send them.

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;

use toml::Spanned;

use super::Listen;
use super::MOST_THREADS;
use super::Written;
use super::read::Reader;
use super::read::network;
use super::read::socket;
use super::v1;
use crate::base::Domain;

/// The port of DNS.
pub(super) const DNS_PORT: u16 = 53;

/// The port of DNS over TLS (RFC 7858 section 3.1).
const TLS_PORT: u16 = 853;

/// The port of HTTPS.
const HTTPS_PORT: u16 = 443;

/// Where queries come in: everywhere.
const LISTEN: [&str; 2] = ["0.0.0.0:53", "[::]:53"];

/// Who may ask: this machine, private networks (RFC 1918, RFC 4193) and the
/// link itself.  Whoever answers strangers is a weapon in their hands.
const ALLOW: [&str; 8] = [
    "127.0.0.0/8",
    "10.0.0.0/8",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "169.254.0.0/16",
    "::1/128",
    "fc00::/7",
    "fe80::/10",
];

/// How many queries a second an address may send over UDP: what no device of a
/// house needs, and a router that forwards for all of them just might.
const RATE_LIMIT: u32 = 1_000;

/// The longest NSID, in octets: it has to fit into every response.
const MOST_NSID: usize = 64;

impl Reader {
    /// `[listen]`
    pub(super) fn listen(&mut self, spec: &v1::Listen) -> Listen {
        let threads = spec.threads.as_ref().map(|threads| usize::from(*threads.get_ref()));
        if let Some(many) = spec.threads.as_ref().filter(|_| threads > Some(MOST_THREADS)) {
            self.fault(&many.span(), format!("at most {MOST_THREADS} threads on each address"));
        }
        let dns = match &spec.dns {
            Some(texts) => self.parse_all(texts.get_ref(), |text| socket(text, DNS_PORT)),
            None => LISTEN.iter().filter_map(|text| text.parse().ok()).collect(),
        };
        if let Some(none) = spec.dns.as_ref().filter(|texts| texts.get_ref().is_empty()) {
            self.fault(&none.span(), "no address to listen on; leave `dns` out for the default");
        }
        let allow = match &spec.allow {
            Some(texts) => self.parse_all(texts, network),
            None => ALLOW.iter().filter_map(|text| text.parse().ok()).collect(),
        };
        self.check_encrypted(spec);
        let file = |text: &v1::Text| Written { value: PathBuf::from(text.get_ref()), span: text.span() };
        let nsid = spec.nsid.as_ref().and_then(|text| self.parse(text, nsid));
        let proxies = self.parse_all(&spec.proxy_protocol_from, network);
        Listen {
            dns,
            threads,
            allow,
            rate_limit: NonZeroU32::new(spec.rate_limit.unwrap_or(RATE_LIMIT)),
            tls: self.sockets(spec.tls.as_ref(), TLS_PORT),
            https: self.sockets(spec.https.as_ref(), HTTPS_PORT),
            name: spec.name.as_ref().and_then(|text| self.parse(text, str::parse::<Domain>)),
            certificate: spec.certificate.as_ref().map(file),
            key: spec.key.as_ref().map(file),
            nsid,
            proxies,
        }
    }

    /// Reads addresses to listen on, of which there may be none.
    fn sockets(&mut self, spec: Option<&Spanned<Vec<v1::Text>>>, port: u16) -> Vec<SocketAddr> {
        spec.map_or_else(Vec::new, |texts| self.parse_all(texts.get_ref(), |text| socket(text, port)))
    }

    /// Complains about what encrypted listeners need and do not have.
    fn check_encrypted(&mut self, spec: &v1::Listen) {
        let some = |texts: &&Spanned<Vec<v1::Text>>| !texts.get_ref().is_empty();
        let Some(listeners) = spec.tls.as_ref().filter(some).or_else(|| spec.https.as_ref().filter(some))
        else {
            return;
        };
        if spec.certificate.is_none() || spec.key.is_none() {
            let say = "this takes `certificate` and `key`; `sordino cert` makes some";
            self.fault(&listeners.span(), say);
        }
    }
}

/// Reads an NSID.
fn nsid(text: &str) -> Result<String, String> {
    if text.len() > MOST_NSID {
        return Err(format!("longer than {MOST_NSID} octets"));
    }
    Ok(text.to_owned())
}
