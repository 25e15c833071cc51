//! [`Hint`]: what a forwarder says of the client it asks for, in EDNS options.
//!
//! | option | says | who sends it |
//! |---|---|---|
//! | 65001 | MAC address, 6 octets | dnsmasq `add-mac`, dnsdist |
//! | 65073 | MAC address as text or in base64 | dnsmasq `add-mac=text`, `=base64` |
//! | 65074 | an id | dnsmasq `add-cpe-id` |
//! | 8 | address, as a subnet of one (RFC 7871) | dnsmasq `add-subnet=32,128`, dnsdist |
//
//  Reading it says nothing of whether it is believed; see the file above.

use std::net::IpAddr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use hickory_proto::rr::rdata::opt::EdnsOption;
use hickory_server::server::Request;

use crate::base::ClientId;
use crate::base::MacAddr;

/// MAC address in six octets.
const MAC: u16 = 65_001;

/// MAC address in ASCII.
const MAC_TEXT: u16 = 65_073;

/// An id.
const CPE_ID: u16 = 65_074;

/// What is said of a client.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Hint {
    /// Its MAC address.
    pub mac: Option<MacAddr>,
    /// Its id.
    pub id: Option<ClientId>,
    /// Its address.
    pub addr: Option<IpAddr>,
}

/// Reads what a request says of its client; none if nothing.
pub fn read(request: &Request) -> Option<Hint> {
    let options = &request.edns.as_ref()?.options().options;
    let macs = options.iter().filter_map(|(_, option)| match option {
        EdnsOption::Unknown(MAC, octets) => <[u8; 6]>::try_from(octets.as_slice()).ok().and_then(real),
        EdnsOption::Unknown(MAC_TEXT, text) => mac_in_text(text),
        _ => None,
    });
    let ids = options.iter().filter_map(|(_, option)| match option {
        EdnsOption::Unknown(CPE_ID, id) => ClientId::new(id),
        _ => None,
    });
    let addresses = options.iter().filter_map(|(_, option)| match option {
        // A subnet of more than one address says who the client is not.
        EdnsOption::Subnet(subnet) => {
            let whole = if subnet.addr().is_ipv4() { 32 } else { 128 };
            let address = subnet.addr().to_canonical();
            (subnet.source_prefix() == whole && is_somebody(address)).then_some(address)
        }
        _ => None,
    });
    let hint = Hint { mac: the_one(macs), id: the_one(ids), addr: the_one(addresses) };
    (hint != Hint::default()).then_some(hint)
}

/// Returns what all say; none if they do not agree, because then somebody else
/// than the forwarder has spoken.
fn the_one<T: Copy + PartialEq>(mut all: impl Iterator<Item = T>) -> Option<T> {
    let first = all.next()?;
    all.all(|other| other == first).then_some(first)
}

/// Reads a MAC address: 17 characters, or 8 of base64.
fn mac_in_text(text: &[u8]) -> Option<MacAddr> {
    // Six octets need no padding (RFC 4648 section 4).
    if text.len() == 8 {
        return real(STANDARD_NO_PAD.decode(text).ok()?.try_into().ok()?);
    }
    let mac: MacAddr = std::str::from_utf8(text).ok()?.parse().ok()?;
    real(mac.0)
}

/// Returns a MAC address that one device can have.
fn real(octets: [u8; 6]) -> Option<MacAddr> {
    let mac = MacAddr(octets);
    mac.is_one_device().then_some(mac)
}

/// Returns whether a client can have an address.
fn is_somebody(address: IpAddr) -> bool {
    !(address.is_unspecified() || address.is_multicast() || address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;
    use hickory_server::net::xfer::Protocol;
    use proptest::prelude::*;

    /// Returns a query with an OPT record that has these options.
    fn packet(options: &[u8]) -> Vec<u8> {
        let mut packet = b"\0\x07\x01\0\0\x01\0\0\0\0\0\x01\0\0\x01\0\x01\0\0\x29\x04\xd0\0\0\0\0".to_vec();
        packet.extend(u16::try_from(options.len()).unwrap().to_be_bytes());
        packet.extend(options);
        packet
    }

    fn hint(options: &[u8]) -> Option<Hint> {
        let peer = "192.0.2.1:53".parse().unwrap();
        read(&Request::from_bytes(packet(options), peer, Protocol::Udp).ok()?)
    }

    const RAW: &[u8] = b"\xfd\xe9\0\x06\x00\x71\x47\xaa\xbb\x01";

    #[test]
    fn every_form_of_a_hint_is_read() {
        let mac = Some(MacAddr([0x00, 0x71, 0x47, 0xaa, 0xbb, 0x01]));
        let text = b"\xfe\x31\0\x1100:71:47:aa:bb:01";
        // As dnsmasq 2.90 was seen to send it.
        let base64 = b"\xfe\x31\0\x08AHFHqrsB";
        for option in [RAW, text, base64] {
            assert_eq!(hint(option), Some(Hint { mac, ..Hint::default() }), "{option:x?}");
        }
        let all = [RAW, b"\xfe\x32\0\x05home1", b"\0\x08\0\x08\0\x01\x20\0\xc0\0\x02\x07", text].concat();
        let id = ClientId::new(b"home1");
        assert_eq!(hint(&all), Some(Hint { mac, id, addr: Some("192.0.2.7".parse().unwrap()) }));
        let v6 = [&b"\0\x08\0\x14\0\x02\x80\0"[..], &[0x20, 1, 0xd, 0xb8], &[0; 11], &[7]].concat();
        assert_eq!(hint(&v6).unwrap().addr, Some("2001:db8::7".parse().unwrap()));
    }

    #[test]
    fn what_names_nobody_is_no_hint() {
        for nobody in [
            &b""[..],
            b"\xfd\xe9\0\x05\x00\x71\x47\xaa\xbb",
            b"\xfd\xe9\0\x06\0\0\0\0\0\0",
            b"\xfd\xe9\0\x06\x01\0\x5e\0\0\x01",
            b"\xfe\x31\0\x08AHFH*rsB",
            b"\xfe\x31\0\x03abc",
            b"\xfe\x32\0\0",
            b"\0\x08\0\x07\0\x01\x18\0\xc0\0\x02",
            b"\0\x08\0\x04\0\x01\0\0",
            b"\0\x08\0\x08\0\x01\x20\0\0\0\0\0",
        ] {
            assert_eq!(hint(nobody), None, "{nobody:x?}");
        }
        // Two that do not agree: one is not the forwarder's.
        assert_eq!(hint(&[RAW, b"\xfd\xe9\0\x06\x00\x71\x47\xaa\xbb\x02"].concat()), None);
    }

    proptest! {
        #[test]
        fn any_options_are_read_or_passed_over(options in proptest::collection::vec(any::<u8>(), 0..80)) {
            let _ = hint(&options);
        }

        #[test]
        fn text_and_octets_say_the_same(octets in any::<[u8; 6]>()) {
            let mac = real(octets);
            prop_assert_eq!(mac_in_text(MacAddr(octets).to_string().as_bytes()), mac);
        }
    }
}
