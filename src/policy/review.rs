//! [`Reached`]: what an answer leads to; and which addresses are inside.

use std::net::IpAddr;
use std::net::Ipv4Addr;
use std::net::Ipv6Addr;

use crate::base::Domain;

/// What an answer leads to.  Kept beside the answer in the cache, so that
/// reviewing it for each asker costs no parsing.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Reached {
    /// The names it passes through or points at: targets of CNAME and DNAME,
    /// and of SVCB and HTTPS records.
    pub names: Vec<Domain>,
    /// Its addresses that are [inside](is_inside), each with the name that has
    /// it: A, AAAA, and the hints of SVCB and HTTPS records.
    pub inside: Vec<(Domain, IpAddr)>,
}

impl Reached {
    /// Takes down that a name has an address, if that is of any interest.
    pub fn note(&mut self, name: &Domain, address: IpAddr) {
        if is_inside(address) {
            self.inside.push((name.clone(), address));
        }
    }
}

/// Returns whether an address is one that no name of the outside should have:
/// this host, this link, private networks, and what embeds one of these.
///
/// The networks are those of the IANA special-purpose registries (RFC 6890)
/// that a packet of the house could reach.
pub fn is_inside(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => is_inside_v4(v4),
        IpAddr::V6(v6) => is_inside_v6(v6),
    }
}

/// See [`is_inside`].
fn is_inside_v4(address: Ipv4Addr) -> bool {
    let [a, b, ..] = address.octets();
    address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || a == 0
        || (a == 100 && (64..128).contains(&b))
}

/// See [`is_inside`].
fn is_inside_v6(address: Ipv6Addr) -> bool {
    if let Some(v4) = embedded_v4(address) {
        return is_inside_v4(v4);
    }
    address.is_loopback()
        || address.is_unspecified()
        || address.is_unique_local()
        || address.is_unicast_link_local()
}

/// Returns the IPv4 address in a mapped, NAT64 (RFC 6052) or 6to4 address.
fn embedded_v4(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let s = address.segments();
    let v4 = |high: u16, low: u16| Ipv4Addr::from((u32::from(high) << 16) | u32::from(low));
    match s {
        [0, 0, 0, 0, 0, 0xffff, high, low]
        | [0x64, 0xff9b, 0, 0, 0, 0, high, low]
        | [0x2002, high, low, ..] => Some(v4(high, low)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inside_is_told_from_outside() {
        for inside in [
            "192.168.178.1",
            "10.0.0.1",
            "172.16.0.1",
            "127.0.0.1",
            "169.254.1.1",
            "0.0.0.0",
            "100.64.0.1",
            "::1",
            "::",
            "fe80::1",
            "fd00::1",
            "::ffff:192.168.1.1",
            "64:ff9b::10.0.0.1",
            "2002:a00:1::",
        ] {
            assert!(is_inside(inside.parse().unwrap()), "{inside}");
        }
        for outside in
            ["1.1.1.1", "172.32.0.1", "100.128.0.1", "2606:4700::1", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8"]
        {
            assert!(!is_inside(outside.parse().unwrap()), "{outside}");
        }
    }
}
