//! The header with which a proxy says for whom it asks: [PROXY protocol], version
//! 2, before a datagram or at the beginning of a stream.
//!
//! It is believed from the networks in `listen.proxy-protocol-from` and nobody
//! else, and from those it has to be there: a query without it would be judged as
//! the proxy's own.
//!
//! [PROXY protocol]: https://www.haproxy.org/download/3.0/doc/proxy-protocol.txt
//
//  Our own, because it is thirty lines on fixed positions, and the crates for it
//  bring the text form and builders along.

use std::io;
use std::net::Ipv4Addr;
use std::net::Ipv6Addr;
use std::net::SocketAddr;

use tokio::io::AsyncRead;
use tokio::io::AsyncReadExt;

/// What a header begins with.  Never a query: it would have the opcode 1.
const SIGNATURE: &[u8; 12] = b"\r\n\r\n\0\r\nQUIT\n";

/// The length of a header up to its addresses, in octets.
const HEAD: usize = 16;

/// The longest that follows, in octets: addresses, and what proxies add to them.
const LONGEST: usize = 1024;

/// What a header says.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Header {
    /// Who asks, and which address was asked; none where the proxy asks for
    /// itself, as it does to see whether we are well.
    pub addresses: Option<(SocketAddr, SocketAddr)>,
    /// Its length, in octets.
    pub length: usize,
}

/// Returns whether octets begin like a header.
pub(super) fn is_header(octets: &[u8]) -> bool {
    octets.starts_with(SIGNATURE)
}

/// Reads the header that octets begin with; none if it is not whole or makes no
/// sense.
pub fn read(octets: &[u8]) -> Option<Header> {
    let length = HEAD + body(octets.first_chunk()?)?;
    let body = octets.get(HEAD..length)?;
    let addresses = match (octets[12] & 15, octets[13] >> 4) {
        // LOCAL; or an address that is none of the Internet's.
        (0, _) | (1, 0 | 3) => None,
        (1, 1) => {
            let at = |at: usize| Some(Ipv4Addr::from(*body.get(at..)?.first_chunk::<4>()?));
            Some((socket(at(0)?, body, 8)?, socket(at(4)?, body, 10)?))
        }
        (1, 2) => {
            let at = |at: usize| Some(Ipv6Addr::from(*body.get(at..)?.first_chunk::<16>()?));
            Some((socket(at(0)?, body, 32)?, socket(at(16)?, body, 34)?))
        }
        _ => return None,
    };
    Some(Header { addresses, length })
}

/// Reads the header that a stream begins with.
pub(super) async fn read_from(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<Header> {
    let nonsense = || io::Error::new(io::ErrorKind::InvalidData, "no PROXY header, version 2");
    let mut octets = [0; HEAD + LONGEST];
    let (head, rest) = octets.split_first_chunk_mut::<HEAD>().ok_or_else(nonsense)?;
    stream.read_exact(head).await?;
    let length = body(head).ok_or_else(nonsense)?;
    stream.read_exact(rest.get_mut(..length).ok_or_else(nonsense)?).await?;
    read(&octets).ok_or_else(nonsense)
}

/// Returns how many octets follow the head of a header; none if it is none.
fn body(head: &[u8; HEAD]) -> Option<usize> {
    let length = usize::from(u16::from_be_bytes([head[14], head[15]]));
    (is_header(head) && head[12] >> 4 == 2 && length <= LONGEST).then_some(length)
}

/// Joins an address with the port at `at`.
fn socket(address: impl Into<std::net::IpAddr>, body: &[u8], at: usize) -> Option<SocketAddr> {
    let port = u16::from_be_bytes(*body.get(at..)?.first_chunk()?);
    Some(SocketAddr::new(address.into().to_canonical(), port))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn header(command: u8, family: u8, body: &[u8]) -> Vec<u8> {
        let length = u16::try_from(body.len()).unwrap().to_be_bytes();
        [&SIGNATURE[..], &[command, family], &length, body].concat()
    }

    fn v6(address: &str, port: u16) -> SocketAddr {
        SocketAddr::new(address.parse().unwrap(), port)
    }

    #[test]
    fn who_asks_is_read_and_what_proxies_add_is_passed_over() {
        let mut v4 = header(0x21, 0x12, &[192, 0, 2, 1, 198, 51, 100, 2, 0x30, 0x39, 0, 53, 1, 0, 1, 9]);
        let length = v4.len();
        v4.extend(b"a query");
        let addresses = Some(("192.0.2.1:12345".parse().unwrap(), "198.51.100.2:53".parse().unwrap()));
        assert_eq!(read(&v4), Some(Header { addresses, length }));
        let ends = [v6("fd00::1", 0), v6("fd00::2", 0)].map(|end| match end.ip() {
            std::net::IpAddr::V6(v6) => v6.octets(),
            std::net::IpAddr::V4(_) => unreachable!(),
        });
        let body = [&ends.concat()[..], &[0, 7, 0, 53]].concat();
        let addresses = Some((v6("fd00::1", 7), v6("fd00::2", 53)));
        assert_eq!(read(&header(0x21, 0x22, &body)), Some(Header { addresses, length: 52 }));
        assert_eq!(read(&header(0x20, 0, &[])), Some(Header { addresses: None, length: 16 }));
    }

    #[test]
    fn what_is_not_whole_or_of_another_version_is_no_header() {
        let whole = header(0x21, 0x12, &[192, 0, 2, 1, 198, 51, 100, 2, 0x30, 0x39, 0, 53]);
        assert!((0..whole.len()).all(|end| read(&whole[..end]).is_none()));
        for (command, family, body) in [
            (0x11, 0x12, &[0; 12][..]),
            (0x22, 0x12, &[0; 12]),
            (0x21, 0x12, &[0; 11]),
            (0x21, 0x22, &[0; 35]),
            (0x21, 0x42, &[0; 40]),
        ] {
            assert_eq!(read(&header(command, family, body)), None, "{command:x} {family:x}");
        }
        assert_eq!(read(&header(0x20, 0, &[0; LONGEST + 1])), None);
    }

    proptest! {
        #[test]
        fn any_octets_are_a_header_or_none(
            command in any::<u8>(),
            family in any::<u8>(),
            body in proptest::collection::vec(any::<u8>(), 0..64),
            cut in 0usize..80,
        ) {
            let mut octets = header(command, family, &body);
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            let streamed = runtime.block_on(read_from(&mut &octets[..])).ok();
            prop_assert_eq!(read(&octets), streamed);
            octets.truncate(cut);
            prop_assert!(read(&octets).is_none_or(|header| header.length <= octets.len()));
        }
    }
}
