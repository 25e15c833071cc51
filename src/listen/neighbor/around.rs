//! What is around this machine: neighbors that are there, routers, and addresses
//! of its own.  For looking at the network, not for queries.

use std::io;
use std::net::IpAddr;
use std::net::SocketAddr;

use crate::base::MacAddr;
use crate::device::addresses::Key;

/// What is around.
#[derive(Clone, Debug, Default)]
pub struct Around {
    /// Neighbors that were not asked for in vain.
    pub neighbors: Vec<(IpAddr, MacAddr)>,
    /// Routers that packets to elsewhere are sent to, each with the interface if it
    /// takes that to tell it from another.
    pub gateways: Vec<Key>,
    /// The interfaces they are behind.
    pub outward: Vec<u32>,
    /// Addresses of this machine that can be used.
    pub own: Vec<Own>,
}

impl Around {
    /// Returns the addresses by which others reach this machine: none of the loopback
    /// interface, where those are as well in whose place it answers (`sordino claim`).
    pub fn reachable(&self) -> Vec<Own> {
        let loopbacks = self.own.iter().filter(|own| own.address.is_loopback());
        let loopbacks: Vec<u32> = loopbacks.map(|own| own.link).collect();
        self.own.iter().filter(|own| !loopbacks.contains(&own.link)).copied().collect()
    }
}

/// An address of this machine.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Own {
    /// The address.
    pub address: IpAddr,
    /// The interface it is on.
    pub link: u32,
    /// Whether it stays: it was not lent for some time, as by DHCP.
    pub permanent: bool,
}

/// Looks around.
#[cfg(target_os = "linux")]
pub fn look() -> io::Result<Around> {
    use super::asking::Asking;
    use super::message::address_of;
    use super::message::mac_of;
    use netlink_packet_route::RouteNetlinkMessage;
    use netlink_packet_route::address::AddressAttribute;
    use netlink_packet_route::address::AddressHeaderFlags;
    use netlink_packet_route::address::AddressMessage;
    use netlink_packet_route::neighbour::NeighbourMessage;
    use netlink_packet_route::route::RouteAddress;
    use netlink_packet_route::route::RouteAttribute;
    use netlink_packet_route::route::RouteMessage;

    let mut asking = Asking::open()?;
    let mut around = Around::default();
    asking.table(RouteNetlinkMessage::GetNeighbour(NeighbourMessage::default()), |message| {
        if let RouteNetlinkMessage::NewNeighbour(entry) = message {
            around.neighbors.extend(address_of(&entry).zip(mac_of(&entry)));
        }
    })?;
    asking.table(RouteNetlinkMessage::GetRoute(RouteMessage::default()), |message| {
        let RouteNetlinkMessage::NewRoute(route) = message else { return };
        if route.header.destination_prefix_length != 0 {
            return;
        }
        let link = route.attributes.iter().find_map(|attribute| match attribute {
            RouteAttribute::Oif(link) => Some(*link),
            _ => None,
        });
        around.outward.extend(link);
        around.gateways.extend(route.attributes.iter().filter_map(|attribute| match attribute {
            RouteAttribute::Gateway(RouteAddress::Inet(v4)) => Some((IpAddr::V4(*v4), 0)),
            RouteAttribute::Gateway(RouteAddress::Inet6(v6)) => {
                // Routers announce themselves by such an address (RFC 4861 section 4.2).
                let link = link.filter(|_| v6.is_unicast_link_local());
                Some((IpAddr::V6(*v6), link.unwrap_or(0)))
            }
            _ => None,
        }));
    })?;
    around.gateways.sort_unstable();
    around.gateways.dedup();
    asking.table(RouteNetlinkMessage::GetAddress(AddressMessage::default()), |message| {
        let RouteNetlinkMessage::NewAddress(own) = message else { return };
        if own.header.flags.contains(AddressHeaderFlags::Tentative) {
            return;
        }
        let permanent = own.header.flags.contains(AddressHeaderFlags::Permanent);
        // On a point-to-point link `Address` is the other end.
        let local = own.attributes.iter().find_map(|attribute| match attribute {
            AddressAttribute::Local(address) => Some(*address),
            _ => None,
        });
        let address = own.attributes.iter().find_map(|attribute| match attribute {
            AddressAttribute::Address(address) => Some(*address),
            _ => None,
        });
        let link = own.header.index;
        around.own.extend(local.or(address).map(|address| Own { address, link, permanent }));
    })?;
    Ok(around)
}

/// Sees nothing: only Linux is asked.
#[cfg(not(target_os = "linux"))]
pub fn look() -> io::Result<Around> {
    Ok(Around::default())
}

/// Has the system find out whether somebody is at an address, whatever its port:
/// sends an empty datagram to its port for throwing things away (RFC 863).
pub fn poke(mut at: SocketAddr) {
    const DISCARD: u16 = 9;
    at.set_port(DISCARD);
    let any: IpAddr = if at.is_ipv4() { [0; 4].into() } else { [0; 16].into() };
    // That it can't be sent is an answer as well.
    let _ = std::net::UdpSocket::bind((any, 0)).and_then(|socket| socket.send_to(&[], at));
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn what_is_claimed_is_not_where_others_reach_us() {
        let own =
            |(address, link): (&str, u32)| Own { address: address.parse().unwrap(), link, permanent: true };
        let own = [("127.0.0.1", 1), ("8.8.8.8", 1), ("192.168.178.2", 2)].map(own).to_vec();
        let around = Around { own, ..Around::default() };
        assert_eq!(around.reachable(), around.own[2..]);
    }

    #[test]
    fn this_machine_has_an_address_that_stays() {
        let around = look().unwrap();
        let is_loopback = |own: &Own| own.address == IpAddr::from([127, 0, 0, 1]) && own.permanent;
        assert!(around.own.iter().any(is_loopback), "{around:?}");
    }
}
