//! Netlink messages: written, cut apart, and read as far as they matter.
//
//  Apart from `linux`, which says when to ask what.

use std::net::IpAddr;

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

use crate::base::MacAddr;

/// Writes a request.
pub(super) fn request(message: RouteNetlinkMessage, flags: u16, sequence: u32) -> Vec<u8> {
    let mut header = NetlinkHeader::default();
    header.flags = NLM_F_REQUEST | flags;
    header.sequence_number = sequence;
    let mut packet = NetlinkMessage::new(header, NetlinkPayload::from(message));
    packet.finalize();
    let mut bytes = vec![0; packet.buffer_len()];
    packet.serialize(&mut bytes);
    bytes
}

/// Hands every message in `bytes` to `each`.
pub(in crate::listen) fn each_message(
    bytes: &[u8],
    mut each: impl FnMut(NetlinkPayload<RouteNetlinkMessage>),
) {
    each_numbered(bytes, |_, message| each(message));
}

/// Hands every message in `bytes` and its sequence number to `each`.  What
/// can't be read is passed over.
pub(super) fn each_numbered(bytes: &[u8], mut each: impl FnMut(u32, NetlinkPayload<RouteNetlinkMessage>)) {
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
pub(super) fn family(address: IpAddr) -> AddressFamily {
    if address.is_ipv4() { AddressFamily::Inet } else { AddressFamily::Inet6 }
}

/// Returns the address an entry is about.
pub(super) fn address_of(entry: &NeighbourMessage) -> Option<IpAddr> {
    entry.attributes.iter().find_map(|attribute| match attribute {
        NeighbourAttribute::Destination(NeighbourAddress::Inet(v4)) => Some(IpAddr::V4(*v4)),
        NeighbourAttribute::Destination(NeighbourAddress::Inet6(v6)) => Some(IpAddr::V6(*v6)),
        _ => None,
    })
}

/// Returns the MAC address in an entry, if the entry is worth believing: not
/// failed, not still being asked for, and of one device.
pub(super) fn mac_of(entry: &NeighbourMessage) -> Option<MacAddr> {
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
    let mac = MacAddr(bytes);
    mac.is_one_device().then_some(mac)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

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
