//! The neighbor table of the Linux kernel, over netlink ([rtnetlink(7)]).
//!
//! Two ways lead to a MAC address.  The first is to ask the kernel for the one
//! entry, at 15 to 20 µs: by what route it would answer the client, and who is
//! the neighbor at that address.  A route by way of a gateway means that the
//! client is off-link and its MAC cannot be seen.  The second, for entries
//! that the kernel has forgotten, is what it told us before: every change of
//! the table is an event, and the last word about an address is kept.
//!
//! Needs no capability.
//!
//! [rtnetlink(7)]: https://man7.org/linux/man-pages/man7/rtnetlink.7.html
//
//  The kernel comes first because it can't be stale: a device that takes over
//  another's address has to solicit for us before it can ask, and so its own
//  entry is there, while an event about it may still be under way.

use std::collections::HashMap;
use std::io;
use std::net::IpAddr;
use std::net::SocketAddr;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

use netlink_packet_core::NLM_F_DUMP;
use netlink_packet_core::NLM_F_REQUEST;
use netlink_packet_core::NetlinkHeader;
use netlink_packet_core::NetlinkMessage;
use netlink_packet_core::NetlinkPayload;
use netlink_packet_route::AddressFamily;
use netlink_packet_route::RouteNetlinkMessage;
use netlink_packet_route::neighbour::NeighbourAddress;
use netlink_packet_route::neighbour::NeighbourAttribute;
use netlink_packet_route::neighbour::NeighbourMessage;
use netlink_packet_route::neighbour::NeighbourState;
use netlink_packet_route::route::RouteAddress;
use netlink_packet_route::route::RouteAttribute;
use netlink_packet_route::route::RouteMessage;
use netlink_packet_route::route::RouteType;
use netlink_sys::AsyncSocket;
use netlink_sys::AsyncSocketExt;
use netlink_sys::Socket;
use netlink_sys::SocketAddr as NetlinkAddr;
use netlink_sys::TokioSocket;
use netlink_sys::protocols::NETLINK_ROUTE;

use super::Neighbors;
use crate::base::MacAddr;

/// The multicast group of neighbor events (`RTNLGRP_NEIGH`).
const NEIGHBOR_EVENTS: u32 = 3;

/// Most addresses that are kept from events.  A house has tens; an attacker on
/// the link may make up any number.
const MOST_KEPT: usize = 4096;

/// The largest netlink message the kernel sends, in octets.
const LARGEST: usize = 64 * 1024;

//----------- KernelNeighbors --------------------------------------------------

/// The kernel's neighbor table.
#[derive(Debug)]
pub struct KernelNeighbors {
    /// For asking about one client.
    asking: Mutex<Asking>,
    /// What events said, by address and interface.
    told: Mutex<HashMap<(IpAddr, u32), MacAddr>>,
    /// How often that has changed.
    changes: AtomicU64,
}

impl KernelNeighbors {
    /// Opens the table.
    pub fn open() -> io::Result<Self> {
        let mut socket = Socket::new(NETLINK_ROUTE)?;
        socket.bind_auto()?;
        socket.connect(&NetlinkAddr::new(0, 0))?;
        socket.set_non_blocking(true)?;
        let asking = Asking { socket, sequence: 0, buffer: Vec::with_capacity(LARGEST) };
        Ok(Self { asking: Mutex::new(asking), told: Mutex::default(), changes: AtomicU64::new(0) })
    }

    /// Reads the whole table once and then every change of it, for ever.
    ///
    /// Comes back only with an error: the caller logs it and calls again.
    pub async fn follow(&self) -> io::Result<()> {
        let mut socket = TokioSocket::new(NETLINK_ROUTE)?;
        socket.socket_mut().bind_auto()?;
        socket.socket_mut().add_membership(NEIGHBOR_EVENTS)?;
        let dump = request(RouteNetlinkMessage::GetNeighbour(NeighbourMessage::default()), NLM_F_DUMP, 1);
        socket.send_to(&dump, &NetlinkAddr::new(0, 0)).await?;
        loop {
            // Fails with ENOBUFS if events were lost; the caller starts anew.
            let (bytes, from) = socket.recv_from_full().await?;
            // Anybody may send to a netlink socket; only port 0 is the kernel.
            if from.port_number() == 0 {
                each_message(&bytes, |message| self.hear(message));
            }
        }
    }

    /// Takes in one message about the table.
    fn hear(&self, message: NetlinkPayload<RouteNetlinkMessage>) {
        // A deleted entry is kept: nobody else can use the address without an
        // entry of its own, and until then the last word is the best there is.
        let NetlinkPayload::InnerMessage(RouteNetlinkMessage::NewNeighbour(entry)) = message else {
            return;
        };
        let (Some(address), Some(mac)) = (address_of(&entry), mac_of(&entry)) else {
            return;
        };
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (address, scope(address, entry.header.ifindex));
        let known = told.get(&key).copied();
        if known != Some(mac) {
            self.changes.fetch_add(1, Ordering::Release);
            if known.is_some() || told.len() < MOST_KEPT {
                told.insert(key, mac);
            }
        }
    }
}

impl Neighbors for KernelNeighbors {
    fn mac(&self, peer: SocketAddr) -> Option<MacAddr> {
        let address = peer.ip().to_canonical();
        if address.is_loopback() {
            return None;
        }
        let given = match peer {
            SocketAddr::V6(v6) if v6.ip().is_unicast_link_local() => v6.scope_id(),
            _ => 0,
        };
        let link = {
            let mut asking = self.asking.lock().unwrap_or_else(PoisonError::into_inner);
            let link = if given > 0 { given } else { asking.link_to(address)? };
            if let Some(mac) = asking.neighbor(address, link) {
                return Some(mac);
            }
            link
        };
        let told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        told.get(&(address, scope(address, link))).copied()
    }

    fn all(&self) -> Vec<(IpAddr, MacAddr)> {
        let told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        told.iter().map(|((address, _), mac)| (*address, *mac)).collect()
    }

    fn changes(&self) -> u64 {
        self.changes.load(Ordering::Acquire)
    }
}

/// Reads the table once, for the command line.
pub fn read_once() -> io::Result<Vec<(IpAddr, MacAddr)>> {
    let neighbors = KernelNeighbors::open()?;
    let mut asking = neighbors.asking.lock().unwrap_or_else(PoisonError::into_inner);
    let dump = RouteNetlinkMessage::GetNeighbour(NeighbourMessage::default());
    asking.ask(dump, NLM_F_DUMP, |message| neighbors.hear(message))?;
    drop(asking);
    Ok(neighbors.all())
}

/// Returns the interface if it takes one to tell the address from another.
fn scope(address: IpAddr, link: u32) -> u32 {
    match address {
        IpAddr::V6(v6) if v6.is_unicast_link_local() => link,
        _ => 0,
    }
}

//----------- Asking -----------------------------------------------------------

/// A socket for questions.
#[derive(Debug)]
struct Asking {
    /// Connected to the kernel, never blocks: the kernel's answer is there
    /// when sending returns.
    socket: Socket,
    /// Numbers the questions, so that a late answer is not taken for another.
    sequence: u32,
    /// For receiving.
    buffer: Vec<u8>,
}

impl Asking {
    /// Returns the interface on which `address` is a neighbor; none if it is
    /// ourselves, off-link or nowhere.
    fn link_to(&mut self, address: IpAddr) -> Option<u32> {
        let mut route = RouteMessage::default();
        route.header.address_family = family(address);
        route.header.destination_prefix_length = if address.is_ipv4() { 32 } else { 128 };
        route.attributes.push(RouteAttribute::Destination(RouteAddress::from(address)));
        let mut link = None;
        self.ask(RouteNetlinkMessage::GetRoute(route), 0, |message| {
            if let NetlinkPayload::InnerMessage(RouteNetlinkMessage::NewRoute(route)) = message {
                let off_link = route
                    .attributes
                    .iter()
                    .any(|a| matches!(a, RouteAttribute::Gateway(_) | RouteAttribute::Via(_)));
                if !off_link && route.header.kind == RouteType::Unicast {
                    link = route.attributes.iter().find_map(|attribute| match attribute {
                        RouteAttribute::Oif(link) => Some(*link),
                        _ => None,
                    });
                }
            }
        })
        .ok()?;
        link
    }

    /// Returns the MAC address of the neighbor at `address`.
    fn neighbor(&mut self, address: IpAddr, link: u32) -> Option<MacAddr> {
        let mut entry = NeighbourMessage::default();
        entry.header.family = family(address);
        entry.header.ifindex = link;
        entry.attributes.push(NeighbourAttribute::Destination(match address {
            IpAddr::V4(v4) => NeighbourAddress::Inet(v4),
            IpAddr::V6(v6) => NeighbourAddress::Inet6(v6),
        }));
        let mut mac = None;
        self.ask(RouteNetlinkMessage::GetNeighbour(entry), 0, |message| {
            if let NetlinkPayload::InnerMessage(RouteNetlinkMessage::NewNeighbour(entry)) = message {
                mac = mac_of(&entry);
            }
        })
        .ok()?;
        mac
    }

    /// Sends one question and hands every part of its answer to `each`.
    fn ask(
        &mut self,
        question: RouteNetlinkMessage,
        flags: u16,
        mut each: impl FnMut(NetlinkPayload<RouteNetlinkMessage>),
    ) -> io::Result<()> {
        self.sequence = self.sequence.wrapping_add(1).max(1);
        self.socket.send(&request(question, flags, self.sequence), 0)?;
        loop {
            self.buffer.clear();
            self.socket.recv(&mut self.buffer, 0)?;
            let mut ended = flags & NLM_F_DUMP == 0;
            let mut ours = false;
            let sequence = self.sequence;
            each_numbered(&self.buffer, |number, message| {
                if number == sequence {
                    ours = true;
                    ended |= matches!(message, NetlinkPayload::Done(_) | NetlinkPayload::Error(_));
                    each(message);
                }
            });
            if ours && ended {
                return Ok(());
            }
        }
    }
}

/// Writes a request.
fn request(message: RouteNetlinkMessage, flags: u16, sequence: u32) -> Vec<u8> {
    let mut header = NetlinkHeader::default();
    header.flags = NLM_F_REQUEST | flags;
    header.sequence_number = sequence;
    let mut packet = NetlinkMessage::new(header, NetlinkPayload::from(message));
    packet.finalize();
    let mut bytes = vec![0; packet.buffer_len()];
    packet.serialize(&mut bytes);
    bytes
}

/// Hands every message in `bytes` to `each`.  What can't be read is passed over.
pub(in crate::listen) fn each_message(
    bytes: &[u8],
    mut each: impl FnMut(NetlinkPayload<RouteNetlinkMessage>),
) {
    each_numbered(bytes, |_, message| each(message));
}

/// Hands every message in `bytes` and its sequence number to `each`.  What
/// can't be read is passed over.
fn each_numbered(bytes: &[u8], mut each: impl FnMut(u32, NetlinkPayload<RouteNetlinkMessage>)) {
    let mut rest = bytes;
    while let Some(length) = rest.first_chunk::<4>().map(|head| u32::from_ne_bytes(*head) as usize) {
        let Some(this) = rest.get(..length).filter(|this| this.len() >= 16) else {
            return;
        };
        if let Ok(message) = NetlinkMessage::<RouteNetlinkMessage>::deserialize(this) {
            each(message.header.sequence_number, message.payload);
        }
        // Messages are aligned to four octets (NLMSG_ALIGN).
        rest = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
    }
}

/// Returns the address family of an address.
fn family(address: IpAddr) -> AddressFamily {
    if address.is_ipv4() { AddressFamily::Inet } else { AddressFamily::Inet6 }
}

/// Returns the address an entry is about.
fn address_of(entry: &NeighbourMessage) -> Option<IpAddr> {
    entry.attributes.iter().find_map(|attribute| match attribute {
        NeighbourAttribute::Destination(NeighbourAddress::Inet(v4)) => Some(IpAddr::V4(*v4)),
        NeighbourAttribute::Destination(NeighbourAddress::Inet6(v6)) => Some(IpAddr::V6(*v6)),
        _ => None,
    })
}

/// Returns the MAC address in an entry, if the entry is worth believing: not
/// failed, not still being asked for, and of one device.
fn mac_of(entry: &NeighbourMessage) -> Option<MacAddr> {
    use NeighbourState::Delay;
    use NeighbourState::Permanent;
    use NeighbourState::Probe;
    use NeighbourState::Reachable;
    use NeighbourState::Stale;
    if !matches!(entry.header.state, Reachable | Stale | Delay | Probe | Permanent) {
        return None;
    }
    let bytes = entry.attributes.iter().find_map(|attribute| match attribute {
        NeighbourAttribute::LinkLayerAddress(bytes) => <[u8; 6]>::try_from(bytes.as_slice()).ok(),
        _ => None,
    })?;
    let group = bytes[0] & 1 != 0;
    (!group && bytes != [0; 6]).then_some(MacAddr(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_table_can_be_asked_without_any_capability() {
        let neighbors = KernelNeighbors::open().unwrap();
        assert_eq!(neighbors.mac("127.0.0.1:53".parse().unwrap()), None);
        // Whoever is in the table when it is read whole is found when asked for.
        for (address, mac) in read_once().unwrap() {
            if address.is_ipv4() {
                assert_eq!(neighbors.mac(SocketAddr::new(address, 53)), Some(mac));
            }
        }
    }

    #[test]
    fn an_entry_without_a_real_mac_is_not_believed() {
        let mut entry = NeighbourMessage::default();
        entry.header.state = NeighbourState::Stale;
        for (mac, believed) in
            [(vec![0; 6], false), (vec![1, 0, 0, 0, 0, 1], false), (vec![2; 5], false), (vec![2; 6], true)]
        {
            entry.attributes = vec![NeighbourAttribute::LinkLayerAddress(mac)];
            assert_eq!(mac_of(&entry).is_some(), believed);
        }
        entry.header.state = NeighbourState::Failed;
        assert_eq!(mac_of(&entry), None);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_passed_over(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            each_message(&bytes, |_| {});
        }
    }
}
