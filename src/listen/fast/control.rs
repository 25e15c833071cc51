//! Addresses as the kernel writes them, read and written as octets.
//
//  Apart from `batch`, so that nothing in here needs `unsafe`.

use std::net::IpAddr;
use std::net::Ipv4Addr;
use std::net::Ipv6Addr;
use std::net::SocketAddr;
use std::net::SocketAddrV6;

/// A socket address: `sockaddr_in` or `sockaddr_in6`.
#[derive(Clone, Copy)]
#[repr(C, align(8))]
pub(super) struct Name([u8; Self::SIZE]);

impl Name {
    /// The longest, in octets.
    pub(super) const SIZE: usize = 28;

    /// No address.
    pub(super) const EMPTY: Self = Self([0; Self::SIZE]);

    /// Returns the octets that are in use.
    pub(super) fn octets(&self, length: usize) -> &[u8] {
        self.0.get(..length).unwrap_or_default()
    }
}

/// Control messages; ours are one `IP_PKTINFO` or `IPV6_PKTINFO`.
#[derive(Clone, Copy)]
#[repr(C, align(8))]
pub(super) struct Control([u8; Self::SIZE]);

impl Control {
    /// Room for them, in octets.
    pub(super) const SIZE: usize = 64;

    /// No control message.
    pub(super) const EMPTY: Self = Self([0; Self::SIZE]);

    /// Returns the octets that are in use.
    pub(super) fn octets(&mut self, length: usize) -> &mut [u8] {
        self.0.get_mut(..length).unwrap_or_default()
    }
}

/// Reads an address.
pub(super) fn peer(name: &[u8]) -> Option<SocketAddr> {
    let family = libc::c_int::from(u16::from_ne_bytes(*name.first_chunk()?));
    let port = u16::from_be_bytes(*name.get(2..)?.first_chunk()?);
    match family {
        libc::AF_INET => {
            let octets: [u8; 4] = *name.get(4..)?.first_chunk()?;
            Some(SocketAddr::from((octets, port)))
        }
        libc::AF_INET6 => {
            let octets: [u8; 16] = *name.get(8..)?.first_chunk()?;
            let scope = u32::from_ne_bytes(*name.get(24..)?.first_chunk()?);
            Some(SocketAddrV6::new(octets.into(), port, 0, scope).into())
        }
        _ => None,
    }
}

/// The length of the header of a control message, in octets.
const HEAD: usize = size_of::<libc::cmsghdr>();

/// The word that lengths of control messages are multiples of, in octets.
const WORD: usize = size_of::<usize>();

/// Returns what the first control message is about: its level, its type and
/// where its data begins and ends.
fn about(control: &[u8]) -> Option<(libc::c_int, libc::c_int, std::ops::Range<usize>)> {
    let length = usize::from_ne_bytes(*control.first_chunk()?);
    let level = libc::c_int::from_ne_bytes(*control.get(WORD..)?.first_chunk()?);
    let kind = libc::c_int::from_ne_bytes(*control.get(WORD + 4..)?.first_chunk()?);
    (length >= HEAD && length <= control.len()).then_some((level, kind, HEAD..length))
}

/// Returns which address of ours a datagram came to.
pub(super) fn asked(control: &[u8]) -> Option<IpAddr> {
    let (level, kind, data) = about(control)?;
    let data = control.get(data)?;
    match (level, kind) {
        // in_pktinfo: interface, our address, address in the header.
        (libc::IPPROTO_IP, libc::IP_PKTINFO) => {
            let octets: [u8; 4] = *data.get(4..)?.first_chunk()?;
            Some(Ipv4Addr::from(octets).into())
        }
        // in6_pktinfo: address, interface.
        (libc::IPPROTO_IPV6, libc::IPV6_PKTINFO) => {
            let octets: [u8; 16] = *data.first_chunk()?;
            Some(Ipv6Addr::from(octets).to_canonical())
        }
        _ => None,
    }
}

/// Makes of the control message of a datagram the one of its answer: from the
/// same address, by whatever interface leads there.  Returns its length.
pub(super) fn answer_from(control: &mut [u8]) -> usize {
    let Some((level, kind, data)) = about(control) else { return 0 };
    // The room a message takes is a multiple of a word (CMSG_SPACE).
    let length = data.end.next_multiple_of(WORD);
    let Some(data) = control.get_mut(data) else { return 0 };
    // fe80::/10 means something on one interface only.
    let link_local = matches!(data, [0xfe, 0x80..=0xbf, ..]);
    let interface = match (level, kind) {
        (libc::IPPROTO_IP, libc::IP_PKTINFO) => data.get_mut(..4),
        (libc::IPPROTO_IPV6, libc::IPV6_PKTINFO) if link_local => None,
        (libc::IPPROTO_IPV6, libc::IPV6_PKTINFO) => data.get_mut(16..20),
        _ => return 0,
    };
    if let Some(interface) = interface {
        interface.fill(0);
    }
    length.min(Control::SIZE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn message(level: libc::c_int, kind: libc::c_int, data: &[u8]) -> Vec<u8> {
        let mut octets = (HEAD + data.len()).to_ne_bytes().to_vec();
        octets.extend(level.to_ne_bytes());
        octets.extend(kind.to_ne_bytes());
        octets.extend(data);
        octets
    }

    #[test]
    fn the_address_that_was_asked_is_the_one_that_answers() {
        let mut v4 = message(libc::IPPROTO_IP, libc::IP_PKTINFO, &[2, 0, 0, 0, 192, 0, 2, 1, 192, 0, 2, 255]);
        assert_eq!(asked(&v4), Some("192.0.2.1".parse().unwrap()));
        assert_eq!(answer_from(&mut v4), 32);
        assert_eq!(v4[HEAD..], [0, 0, 0, 0, 192, 0, 2, 1, 192, 0, 2, 255]);
        for (address, kept) in [("2001:db8::1", 0), ("fe80::1", 7)] {
            let octets = address.parse::<Ipv6Addr>().unwrap().octets();
            let mut v6 =
                message(libc::IPPROTO_IPV6, libc::IPV6_PKTINFO, &[&octets[..], &[7, 0, 0, 0]].concat());
            assert_eq!(asked(&v6), Some(address.parse().unwrap()));
            assert_eq!(answer_from(&mut v6), 40);
            assert_eq!(v6[HEAD + 16], kept, "the interface matters for link-local addresses only");
        }
    }

    proptest! {
        #[test]
        fn any_octets_are_read_or_passed_over(mut octets in proptest::collection::vec(any::<u8>(), 0..64)) {
            let _ = peer(&octets);
            let _ = asked(&octets);
            prop_assert!(answer_from(&mut octets) <= Control::SIZE);
        }
    }
}
