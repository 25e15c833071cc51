//! [`Gate`]: names become addresses through our own resolver, and only
//! addresses of the outside come through.
//!
//! Apart because this is what keeps a list server from making Sordino ask a
//! router, a printer or itself: the check is of the very addresses that are
//! connected to, so a name that changes its mind gains nothing.

use std::fmt;
use std::io;
use std::net::IpAddr;
use std::net::Ipv4Addr;
use std::net::Ipv6Addr;
use std::net::SocketAddr;
use std::sync::Arc;

use ipnet::IpNet;
use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::ResolvedSocketAddrs;
use ureq::unversioned::resolver::Resolver;
use ureq::unversioned::transport::NextTimeout;

use crate::policy::review::is_inside;

/// How many addresses of a host are tried; as many as the library holds.
const MOST_ADDRESSES: usize = 16;

//----------- Lookup -----------------------------------------------------------

/// Finds the addresses of a host.
///
/// The household's own resolver stands behind it.  It ends by itself within
/// seconds, found or not; it may be called from any thread that may wait.
pub trait Lookup: Send + Sync {
    /// Returns the addresses of a host, IPv4 and IPv6, in the order to try.
    fn lookup(&self, host: &str) -> io::Result<Vec<IpAddr>>;
}

//----------- Gate -------------------------------------------------------------

/// What stands between the HTTP library and the network.
pub(super) struct Gate {
    /// Who knows addresses.
    pub(super) lookup: Arc<dyn Lookup>,
    /// Networks that are fine although they are inside.
    pub(super) allow: Arc<[IpNet]>,
}

impl Gate {
    /// Returns the addresses of `host` that may be connected to.
    fn addresses(&self, host: &str) -> Result<Vec<IpAddr>, Shut> {
        let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        let found = match bare.parse() {
            Ok(address) => vec![address],
            Err(_) => {
                self.lookup.lookup(host).map_err(|why| Shut::Unknown(host.to_owned(), why.to_string()))?
            }
        };
        let may = |address: &IpAddr| {
            is_outside(*address) || self.allow.iter().any(|net| net.contains(&address.to_canonical()))
        };
        match (found.iter().copied().filter(may).collect::<Vec<_>>(), found.first()) {
            (_, None) => Err(Shut::Unknown(host.to_owned(), "it has no address".to_owned())),
            (may, Some(first)) if may.is_empty() => Err(Shut::Inside(host.to_owned(), *first)),
            (may, Some(_)) => Ok(may),
        }
    }
}

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gate").field("allow", &self.allow).finish_non_exhaustive()
    }
}

impl Resolver for Gate {
    fn resolve(&self, uri: &Uri, _: &Config, _: NextTimeout) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let host = uri.host().unwrap_or_default();
        let default = if uri.scheme_str() == Some("http") { 80 } else { 443 };
        let port = uri.port_u16().unwrap_or(default);
        let addresses = self.addresses(host).map_err(|shut| ureq::Error::Other(Box::new(shut)))?;
        let mut sockets = self.empty();
        for address in addresses.into_iter().take(MOST_ADDRESSES) {
            sockets.push(SocketAddr::new(address, port));
        }
        Ok(sockets)
    }
}

//----------- Shut -------------------------------------------------------------

/// Why nobody comes through the gate.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Shut {
    /// This host has no address that we could find, for this reason.
    Unknown(String, String),
    /// This host has only addresses like this one, of the inside.
    Inside(String, IpAddr),
}

impl fmt::Display for Shut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown(host, why) => write!(f, "the host {host} was not found: {why}"),
            Self::Inside(host, address) => {
                write!(f, "the host {host} leads to {address}, which is not on the internet")
            }
        }
    }
}

impl std::error::Error for Shut {}

//----------- Outside ----------------------------------------------------------

/// Returns whether an address is one of the open internet.
///
/// [`is_inside`] knows what a packet of the house could reach; here all the
/// rest of the IANA special-purpose registries ([RFC 6890]), multicast and
/// what is not yet given to anybody stays out as well.
///
/// [RFC 6890]: https://www.rfc-editor.org/rfc/rfc6890
fn is_outside(address: IpAddr) -> bool {
    let address = address.to_canonical();
    if is_inside(address) {
        return false;
    }
    match address {
        IpAddr::V4(v4) => is_outside_v4(v4),
        IpAddr::V6(v6) => is_outside_v6(v6),
    }
}

/// See [`is_outside`].
fn is_outside_v4(address: Ipv4Addr) -> bool {
    match address.octets() {
        // IETF protocol assignments, documentation, 6to4 relays; benchmarking;
        // multicast, reserved and broadcast.
        [192, 0, 0 | 2, _]
        | [192, 88, 99, _]
        | [198, 51, 100, _]
        | [203, 0, 113, _]
        | [198, 18 | 19, ..]
        | [224..=255, ..] => false,
        _ => true,
    }
}

/// See [`is_outside`].
fn is_outside_v6(address: Ipv6Addr) -> bool {
    let embedded = |high: u16, low: u16| {
        let [a, b] = high.to_be_bytes();
        let [c, d] = low.to_be_bytes();
        is_outside(IpAddr::V4(Ipv4Addr::new(a, b, c, d)))
    };
    match address.segments() {
        // NAT64 with the well-known prefix: the only way to IPv4 in some houses.
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] | [0x2002, high, low, ..] => embedded(high, low),
        // IETF protocol assignments (Teredo, benchmarking, ORCHID, …); documentation.
        [0x2001, 0..=0x1ff | 0xdb8, ..] | [0x3fff, 0..=0xfff, ..] => false,
        // Global unicast; nothing else is given to anybody.
        [first, ..] => first & 0xe000 == 0x2000,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A resolver that says the same of every name.
    struct Says(Vec<IpAddr>);

    impl Lookup for Says {
        fn lookup(&self, _: &str) -> io::Result<Vec<IpAddr>> {
            Ok(self.0.clone())
        }
    }

    /// Returns a gate before a resolver that says `addresses`.
    fn gate(addresses: &[&str], allow: &[&str]) -> Gate {
        let addresses = addresses.iter().map(|text| text.parse().unwrap()).collect();
        let allow = allow.iter().map(|text| text.parse().unwrap()).collect();
        Gate { lookup: Arc::new(Says(addresses)), allow }
    }

    #[test]
    fn only_the_internet_is_outside() {
        for outside in
            ["1.1.1.1", "192.0.1.1", "223.255.255.255", "2606:4700::1", "64:ff9b::808:808", "2001:200::1"]
        {
            assert!(is_outside(outside.parse().unwrap()), "{outside}");
        }
        for inside in [
            "10.1.2.3",
            "127.0.0.1",
            "169.254.169.254",
            "192.168.0.1",
            "100.64.0.1",
            "0.0.0.0",
            "192.0.0.1",
            "192.0.2.1",
            "198.19.0.1",
            "224.0.0.251",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::127.0.0.1",
            "64:ff9b::7f00:1",
            "64:ff9b::e000:fb",
            "64:ff9b:1::1",
            "2002:7f00:1::",
            "2002:e000:fb::",
            "fe80::1",
            "fec0::1",
            "fd00::1",
            "ff02::fb",
            "2001::1",
            "2001:db8::1",
            "3fff::1",
            "5f00::1",
            "100::1",
        ] {
            assert!(!is_outside(inside.parse().unwrap()), "{inside}");
        }
    }

    #[test]
    fn a_name_comes_through_with_its_outer_addresses_only() {
        let gate = gate(&["192.168.0.1", "1.1.1.1", "::1"], &[]);
        assert_eq!(gate.addresses("a.example"), Ok(vec!["1.1.1.1".parse().unwrap()]));
    }

    #[test]
    fn an_address_written_into_the_url_is_checked_too() {
        let shut = gate(&["1.1.1.1"], &[]);
        for host in ["192.168.0.1", "[::1]", "[::ffff:10.0.0.1]"] {
            assert!(matches!(shut.addresses(host), Err(Shut::Inside(..))), "{host}");
        }
        assert!(shut.addresses("1.1.1.1").is_ok());
    }

    #[test]
    fn what_the_household_allows_is_open() {
        let gate = gate(&["192.168.0.7"], &["192.168.0.0/24", "::1/128"]);
        assert!(gate.addresses("nas.home").is_ok());
        assert!(gate.addresses("[::1]").is_ok());
        assert!(gate.addresses("[::ffff:192.168.0.9]").is_ok());
        assert!(gate.addresses("192.168.1.1").is_err());
    }

    #[test]
    fn a_name_without_addresses_is_not_found() {
        assert!(matches!(gate(&[], &[]).addresses("a.example"), Err(Shut::Unknown(..))));
    }
}
