//! [`Client`]: the address a query came from and, where known, its MAC.

use std::net::IpAddr;

use super::mac::MacAddr;

/// Where a query came from.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Client {
    /// The address; an IPv4-mapped IPv6 address is kept as IPv4.
    pub addr: IpAddr,

    /// The MAC address behind it, where the network shows it.
    pub mac: Option<MacAddr>,
}

impl Client {
    /// Returns a client known by its address only.
    pub fn new(addr: IpAddr) -> Self {
        Self { addr: addr.to_canonical(), mac: None }
    }

    /// Returns the same client with what is known of its MAC address.
    pub fn with_mac(self, mac: Option<MacAddr>) -> Self {
        Self { mac, ..self }
    }
}
