//! Questions to the kernel about one address: by what route would it be
//! answered, and who is the neighbor there?
//
//  Each thread that asks has a socket of its own, so that none waits for another.

use std::cell::RefCell;
use std::io;
use std::net::IpAddr;
use std::net::SocketAddr;

use netlink_packet_core::NLM_F_DUMP;
use netlink_packet_core::NetlinkPayload;
use netlink_packet_route::RouteNetlinkMessage;
use netlink_packet_route::neighbour::NeighbourAddress;
use netlink_packet_route::neighbour::NeighbourAttribute;
use netlink_packet_route::neighbour::NeighbourMessage;
use netlink_packet_route::route::RouteAddress;
use netlink_packet_route::route::RouteAttribute;
use netlink_packet_route::route::RouteMessage;
use netlink_packet_route::route::RouteType;
use netlink_sys::Socket;
use netlink_sys::SocketAddr as NetlinkAddr;
use netlink_sys::protocols::NETLINK_ROUTE;

use super::Sight;
use super::message::each_numbered;
use super::message::family;
use super::message::mac_of;
use super::message::request;
use crate::base::MacAddr;

/// The largest netlink message the kernel sends, in octets.
const LARGEST: usize = 64 * 1024;

thread_local! {
    /// The socket of this thread, once it has asked.
    static OWN: RefCell<Option<Asking>> = const { RefCell::new(None) };
}

/// Asks about one address on this thread's socket.
pub(super) fn look(peer: SocketAddr) -> Sight {
    OWN.with_borrow_mut(|own| {
        if own.is_none() {
            *own = Asking::open().ok();
        }
        own.as_mut().map_or(Sight::Away, |asking| asking.look(peer))
    })
}

//----------- Asking -----------------------------------------------------------

/// A socket for questions.
#[derive(Debug)]
pub(super) struct Asking {
    /// Connected to the kernel, never blocks: the kernel's answer is there
    /// when sending returns.
    socket: Socket,
    /// Numbers the questions, so that a late answer is not taken for another.
    sequence: u32,
    /// For receiving.
    buffer: Vec<u8>,
}

impl Asking {
    /// Opens a socket.
    pub(super) fn open() -> io::Result<Self> {
        let mut socket = Socket::new(NETLINK_ROUTE)?;
        socket.bind_auto()?;
        socket.connect(&NetlinkAddr::new(0, 0))?;
        socket.set_non_blocking(true)?;
        Ok(Self { socket, sequence: 0, buffer: Vec::with_capacity(LARGEST) })
    }

    /// Returns what the kernel knows of an address.
    fn look(&mut self, peer: SocketAddr) -> Sight {
        let address = peer.ip().to_canonical();
        if address.is_loopback() {
            return Sight::Away;
        }
        let given = match peer {
            SocketAddr::V6(v6) if v6.ip().is_unicast_link_local() => v6.scope_id(),
            _ => 0,
        };
        let Some(link) = (if given > 0 { Some(given) } else { self.link_to(address) }) else {
            return Sight::Away;
        };
        self.neighbor(address, link).map_or(Sight::Silent, Sight::Here)
    }

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

    /// Hands every entry of the table to `each`.
    pub(super) fn dump(&mut self, each: impl FnMut(NetlinkPayload<RouteNetlinkMessage>)) -> io::Result<()> {
        self.ask(RouteNetlinkMessage::GetNeighbour(NeighbourMessage::default()), NLM_F_DUMP, each)
    }

    /// Hands every entry of the table that `question` is about to `each`.
    pub(super) fn table(
        &mut self,
        question: RouteNetlinkMessage,
        mut each: impl FnMut(RouteNetlinkMessage),
    ) -> io::Result<()> {
        self.ask(question, NLM_F_DUMP, |message| {
            if let NetlinkPayload::InnerMessage(message) = message {
                each(message);
            }
        })
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
