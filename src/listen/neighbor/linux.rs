//! The neighbor table of the Linux kernel, over netlink ([rtnetlink(7)]).
//!
//! The kernel is asked for the one entry, at 15 to 20 µs: by what route it would
//! answer the client, and who is the neighbor at that address.  A route by way of
//! a gateway means that the client is off-link and its MAC cannot be seen.
//! Besides, every change of the table is an event, which [`follow`] hands on.
//!
//! Needs no capability.
//!
//! [rtnetlink(7)]: https://man7.org/linux/man-pages/man7/rtnetlink.7.html

use std::io;
use std::net::IpAddr;
use std::net::Ipv4Addr;
use std::net::Ipv6Addr;
use std::net::SocketAddr;
use std::net::UdpSocket;
use std::time::Duration;

use futures_util::FutureExt;
use netlink_packet_core::NLM_F_DUMP;
use netlink_packet_core::NetlinkPayload;
use netlink_packet_route::RouteNetlinkMessage;
use netlink_packet_route::neighbour::NeighbourMessage;
use netlink_sys::AsyncSocket;
use netlink_sys::AsyncSocketExt;
use netlink_sys::SocketAddr as NetlinkAddr;
use netlink_sys::TokioSocket;
use netlink_sys::protocols::NETLINK_ROUTE;

use super::Neighbor;
use super::Neighbors;
use super::Sight;
use super::asking;
use super::asking::Asking;
use super::message::address_of;
use super::message::each_message;
use super::message::mac_of;
use super::message::request;

/// The multicast group of neighbor events (`RTNLGRP_NEIGH`).
const NEIGHBOR_EVENTS: u32 = 3;

/// Room for events that wait to be read, in octets: some thousands.
const EVENT_BUFFER: i32 = 1 << 20;

/// Most events that are handed over at once.
const AT_ONCE: usize = 512;

/// The pause after many events at once: whoever makes up addresses takes no
/// more than a part of one processor.
const BREATH: Duration = Duration::from_millis(5);

/// How many are many.
const MANY: usize = 32;

/// The discard port (RFC 863), to which a datagram is sent that means nothing.
const DISCARD: u16 = 9;

//----------- KernelNeighbors --------------------------------------------------

/// The kernel's neighbor table.
#[derive(Debug)]
pub struct KernelNeighbors {
    /// For datagrams that have the kernel look for somebody, where there is
    /// IPv4 and IPv6.
    poking: [Option<UdpSocket>; 2],
}

impl KernelNeighbors {
    /// Opens the table, or says why it can't be read.
    pub fn open() -> io::Result<Self> {
        Asking::open()?;
        let socket = |address: IpAddr| {
            let socket = UdpSocket::bind((address, 0)).ok()?;
            socket.set_nonblocking(true).ok()?;
            Some(socket)
        };
        Ok(Self { poking: [socket(Ipv4Addr::UNSPECIFIED.into()), socket(Ipv6Addr::UNSPECIFIED.into())] })
    }
}

impl Neighbors for KernelNeighbors {
    fn look(&self, peer: SocketAddr) -> Sight {
        asking::look(peer)
    }

    fn poke(&self, peer: SocketAddr) {
        let [v4, v6] = &self.poking;
        let socket = if peer.is_ipv4() { v4 } else { v6 };
        let mut to = peer;
        to.set_port(DISCARD);
        // What can't be sent finds nobody.
        let _ = socket.as_ref().map(|socket| socket.send_to(&[], to));
    }
}

//----------- follow -----------------------------------------------------------

/// Reads the whole table once and then every change of it, for ever.  All that
/// came by then is handed over at once.
///
/// Comes back only with an error: the caller logs it and calls again.
pub async fn follow(hear: impl Fn(&[Neighbor])) -> io::Result<()> {
    let mut socket = TokioSocket::new(NETLINK_ROUTE)?;
    socket.socket_mut().bind_auto()?;
    let _ = socket.socket_mut().set_rx_buf_sz(EVENT_BUFFER);
    socket.socket_mut().add_membership(NEIGHBOR_EVENTS)?;
    let dump = request(RouteNetlinkMessage::GetNeighbour(NeighbourMessage::default()), NLM_F_DUMP, 1);
    socket.send_to(&dump, &NetlinkAddr::new(0, 0)).await?;
    let mut heard = Vec::new();
    loop {
        // Fails with ENOBUFS if events were lost; the caller starts anew.
        let mut next = Some(socket.recv_from_full().await);
        while let Some(received) = next {
            let (bytes, from) = received?;
            // Anybody may send to a netlink socket; only port 0 is the kernel.
            if from.port_number() == 0 {
                each_message(&bytes, |message| heard.extend(neighbor(message)));
            }
            let more = heard.len() < AT_ONCE;
            next = if more { socket.recv_from_full().now_or_never() } else { None };
        }
        hear(&heard);
        if heard.len() > MANY {
            tokio::time::sleep(BREATH).await;
        }
        heard.clear();
    }
}

/// Reads the table once, for the command line.
pub fn read_once() -> io::Result<Vec<Neighbor>> {
    let mut all = Vec::new();
    Asking::open()?.dump(|message| all.extend(neighbor(message)))?;
    Ok(all)
}

/// Returns who has which MAC address, if a message says so.  That an entry was
/// deleted says nothing of the kind.
fn neighbor(message: NetlinkPayload<RouteNetlinkMessage>) -> Option<Neighbor> {
    let NetlinkPayload::InnerMessage(RouteNetlinkMessage::NewNeighbour(entry)) = message else {
        return None;
    };
    let (addr, mac) = (address_of(&entry)?, mac_of(&entry)?);
    let link = match addr {
        IpAddr::V6(v6) if v6.is_unicast_link_local() => entry.header.ifindex,
        _ => 0,
    };
    Some(Neighbor { addr, link, mac })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_can_be_asked_without_any_capability() {
        let neighbors = KernelNeighbors::open().unwrap();
        assert_eq!(neighbors.look("127.0.0.1:53".parse().unwrap()), Sight::Away);
        // Whoever is in the table when it is read whole is found when asked for.
        for Neighbor { addr, mac, .. } in read_once().unwrap() {
            if addr.is_ipv4() {
                assert_eq!(neighbors.look(SocketAddr::new(addr, 53)), Sight::Here(mac));
            }
        }
    }
}
