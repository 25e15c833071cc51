//! [`follow`]: whether the house has another way out than before.
//!
//! What is learned of servers outside, who is slow, silent, or lame, holds for
//! one way out: when the line comes back or a router takes over, it is wrong.
//! The kernel tells of every address and route that comes and goes
//! ([rtnetlink(7)]); only global addresses and default routes matter here, and
//! only if they are others than before: router advertisements repeat what is
//! known every few minutes.
//!
//! Needs no capability.
//!
//! [rtnetlink(7)]: https://man7.org/linux/man-pages/man7/rtnetlink.7.html
//
//  Apart from `neighbor`, which is about who is on our links.

use std::collections::HashSet;
use std::io;
use std::net::IpAddr;

use netlink_packet_core::NetlinkPayload;
use netlink_packet_route::RouteNetlinkMessage;
use netlink_packet_route::address::AddressAttribute;
use netlink_packet_route::address::AddressHeaderFlags;
use netlink_packet_route::address::AddressMessage;
use netlink_packet_route::address::AddressScope;
use netlink_packet_route::route::RouteAttribute;
use netlink_packet_route::route::RouteMessage;
use netlink_sys::AsyncSocket;
use netlink_sys::AsyncSocketExt;
use netlink_sys::TokioSocket;
use netlink_sys::protocols::NETLINK_ROUTE;

use super::neighbor::message::each_message;

/// The multicast groups of events about addresses and routes, IPv4 and IPv6
/// (`RTNLGRP_IPV4_IFADDR`, `_IPV4_ROUTE`, `_IPV6_IFADDR`, `_IPV6_ROUTE`).
const EVENTS: [u32; 4] = [5, 7, 9, 11];

/// The most addresses and routes that are remembered.
const MOST_KEPT: usize = 1_024;

/// Calls `changed` whenever the way out is another one, for ever.
///
/// Comes back only with an error: the caller logs it and calls again.
pub async fn follow(mut changed: impl FnMut()) -> io::Result<()> {
    let mut socket = TokioSocket::new(NETLINK_ROUTE)?;
    socket.socket_mut().bind_auto()?;
    for group in EVENTS {
        socket.socket_mut().add_membership(group)?;
    }
    let mut known = HashSet::new();
    loop {
        // Fails with ENOBUFS if events were lost; the caller starts anew.
        let (bytes, from) = socket.recv_from_full().await?;
        // Anybody may send to a netlink socket; only port 0 is the kernel.
        if from.port_number() == 0 {
            let mut is_new = false;
            each_message(&bytes, |message| is_new |= hear(&mut known, message));
            if is_new {
                changed();
            }
        }
    }
}

/// A part of the way out.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
enum Part {
    /// An address of ours.
    Address(IpAddr),
    /// A default route: its table, its metric, and where it leads.
    Route(u32, u32, String),
}

/// Takes in an event; returns whether it says something new.
fn hear(known: &mut HashSet<Part>, message: NetlinkPayload<RouteNetlinkMessage>) -> bool {
    let NetlinkPayload::InnerMessage(message) = message else { return false };
    let (part, is_there) = match &message {
        RouteNetlinkMessage::NewAddress(message) => (address(message), true),
        RouteNetlinkMessage::DelAddress(message) => (address(message), false),
        RouteNetlinkMessage::NewRoute(message) => (route(message), true),
        RouteNetlinkMessage::DelRoute(message) => (route(message), false),
        _ => return false,
    };
    let Some(part) = part else { return false };
    if is_there {
        if known.len() >= MOST_KEPT {
            known.clear();
        }
        known.insert(part)
    } else {
        known.remove(&part);
        // What was there from the start was never told.
        true
    }
}

/// Returns the address in a message, if it can be used to go out.
fn address(message: &AddressMessage) -> Option<Part> {
    // Whether nobody else has it is still being found out (RFC 4862 section 5.4).
    let tentative = message.header.flags.contains(AddressHeaderFlags::Tentative);
    if message.header.scope != AddressScope::Universe || tentative {
        return None;
    }
    message.attributes.iter().find_map(|attribute| match attribute {
        AddressAttribute::Local(address) | AddressAttribute::Address(address) => {
            Some(Part::Address(*address))
        }
        _ => None,
    })
}

/// Returns the route in a message, if it is a default route.
fn route(message: &RouteMessage) -> Option<Part> {
    if message.header.destination_prefix_length != 0 {
        return None;
    }
    let mut table = u32::from(message.header.table);
    let mut metric = 0;
    let mut to = format!("{:?}", message.header.address_family);
    for attribute in &message.attributes {
        match attribute {
            RouteAttribute::Table(number) => table = *number,
            RouteAttribute::Priority(number) => metric = *number,
            RouteAttribute::Gateway(_)
            | RouteAttribute::Via(_)
            | RouteAttribute::Oif(_)
            | RouteAttribute::MultiPath(_) => to = format!("{to} {attribute:?}"),
            _ => {}
        }
    }
    Some(Part::Route(table, metric, to))
}

#[cfg(test)]
mod tests {
    use super::*;
    use netlink_packet_route::route::RouteAddress;

    fn default_route(gateway: &str) -> RouteMessage {
        let mut message = RouteMessage::default();
        let gateway = RouteAddress::from(gateway.parse::<IpAddr>().unwrap());
        message.attributes.push(RouteAttribute::Gateway(gateway));
        message
    }

    fn told(known: &mut HashSet<Part>, message: RouteNetlinkMessage) -> bool {
        hear(known, NetlinkPayload::InnerMessage(message))
    }

    #[test]
    fn only_another_way_out_is_news() {
        let mut known = HashSet::new();
        let route = |gateway| RouteNetlinkMessage::NewRoute(default_route(gateway));
        assert!(told(&mut known, route("192.0.2.1")));
        assert!(!told(&mut known, route("192.0.2.1")));
        assert!(told(&mut known, route("192.0.2.2")));
        assert!(told(&mut known, RouteNetlinkMessage::DelRoute(default_route("192.0.2.1"))));
        assert!(told(&mut known, route("192.0.2.1")));
        let mut of_a_network = default_route("192.0.2.1");
        of_a_network.header.destination_prefix_length = 24;
        assert!(!told(&mut known, RouteNetlinkMessage::NewRoute(of_a_network)));
    }

    #[test]
    fn an_address_counts_once_it_can_be_used() {
        let mut known = HashSet::new();
        let mut message = AddressMessage::default();
        message.attributes.push(AddressAttribute::Address("2001:db8::1".parse().unwrap()));
        message.header.flags = AddressHeaderFlags::Tentative;
        assert!(!told(&mut known, RouteNetlinkMessage::NewAddress(message.clone())));
        message.header.flags = AddressHeaderFlags::empty();
        assert!(told(&mut known, RouteNetlinkMessage::NewAddress(message.clone())));
        assert!(!told(&mut known, RouteNetlinkMessage::NewAddress(message.clone())));
        message.header.scope = AddressScope::Link;
        assert!(!told(&mut known, RouteNetlinkMessage::DelAddress(message)));
    }
}
