//! [`Client`]: the address a query came from, what is known of the MAC behind
//! it, and who says so.

use std::fmt;
use std::net::IpAddr;

use super::mac::MacAddr;

//----------- Client -----------------------------------------------------------

/// Where a query came from.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Client {
    /// The address; an IPv4-mapped IPv6 address is kept as IPv4.
    pub addr: IpAddr,

    /// The MAC address behind it, where somebody knows.
    pub mac: Option<MacAddr>,

    /// The id that a forwarder gave it (EDNS option 65074).
    pub id: Option<ClientId>,

    /// Who says so.
    pub source: Source,

    /// The forwarder that spoke for it; the rest is a hint then.
    pub forwarder: Option<(IpAddr, Option<MacAddr>)>,
}

impl Client {
    /// Returns a client known by its address only.
    pub fn new(addr: IpAddr) -> Self {
        Self { addr: addr.to_canonical(), mac: None, id: None, source: Source::Address, forwarder: None }
    }

    /// Returns the same client with the MAC address that the network shows.
    pub fn with_mac(self, mac: Option<MacAddr>) -> Self {
        self.known(mac, Source::Neighbor)
    }

    /// Returns the same client with a MAC address, where there is one, and who
    /// says so.
    pub fn known(self, mac: Option<MacAddr>, by: Source) -> Self {
        if mac.is_some() { Self { mac, source: by, ..self } } else { self }
    }

    /// Returns the forwarder that spoke for the client, as a client; none if
    /// nobody did.
    pub fn without_hint(&self) -> Option<Self> {
        self.forwarder.map(|(addr, mac)| Self::new(addr).with_mac(mac))
    }
}

//----------- Source -----------------------------------------------------------

/// Who says which MAC address a client has, or which client it is.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Source {
    /// Nobody: it is known by its address alone.
    Address,
    /// The kernel's neighbor table.
    Neighbor,
    /// A lease file of a DHCP server.
    Lease,
    /// A FRITZ!Box.
    FritzBox,
    /// Whoever called `sordino identity add`.
    Pushed,
    /// A forwarder, by MAC address (EDNS options 65001 and 65073).
    EdnsMac,
    /// A forwarder, by an id (EDNS option 65074).
    EdnsCpe,
    /// A forwarder, by address (EDNS Client Subnet, RFC 7871).
    EdnsSubnet,
}

impl Source {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Address,
        Self::Neighbor,
        Self::Lease,
        Self::FritzBox,
        Self::Pushed,
        Self::EdnsMac,
        Self::EdnsCpe,
        Self::EdnsSubnet,
    ];

    /// Returns the word for it in metrics and on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Address => "address",
            Self::Neighbor => "neighbor",
            Self::Lease => "lease",
            Self::FritzBox => "fritzbox",
            Self::Pushed => "pushed",
            Self::EdnsMac => "edns-mac",
            Self::EdnsCpe => "edns-cpe",
            Self::EdnsSubnet => "edns-subnet",
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

//----------- ClientId ---------------------------------------------------------

/// A name that a forwarder gives a client: 1 to 32 visible ASCII characters.
//
//  Of fixed size, so that a client is copied and never allocated.
#[derive(Clone, Copy, Eq, Hash, PartialEq)]
pub struct ClientId {
    /// The characters, the rest zero.
    octets: [u8; Self::MOST],
}

impl ClientId {
    /// Most characters.
    pub const MOST: usize = 32;

    /// Reads an id; none if it is empty, too long or not visible.
    pub fn new(id: &[u8]) -> Option<Self> {
        let mut octets = [0; Self::MOST];
        octets.get_mut(..id.len())?.copy_from_slice(id);
        (!id.is_empty() && id.iter().all(u8::is_ascii_graphic)).then_some(Self { octets })
    }

    /// Returns it as text.
    pub fn as_str(&self) -> &str {
        let length = self.octets.iter().position(|octet| *octet == 0).unwrap_or(Self::MOST);
        self.octets.get(..length).and_then(|octets| std::str::from_utf8(octets).ok()).unwrap_or_default()
    }
}

impl fmt::Display for ClientId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for ClientId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ClientId({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_short_and_visible() {
        assert_eq!(ClientId::new(b"home1").unwrap().to_string(), "home1");
        assert_eq!(ClientId::new(&[b'x'; 32]).unwrap().as_str().len(), 32);
        for wrong in [&b""[..], &[b'x'; 33], b"a b", b"a\0", b"\xff"] {
            assert_eq!(ClientId::new(wrong), None, "{wrong:x?}");
        }
    }
}
