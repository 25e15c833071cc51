//! Asks a DNS server one question over UDP, as any client would.
//
//  By hand: of an answer no more is looked at than its header and whether some
//  octets are in it, and the library has no client that blocks.

use std::io;
use std::net::IpAddr;
use std::net::Ipv4Addr;
use std::net::Ipv6Addr;
use std::net::SocketAddr;
use std::net::UdpSocket;
use std::time::Duration;

use crate::base::Domain;
use crate::query::Rtype;

/// The name that only Sordino has data for, and its data.
const WHOAMI: (&str, &[u8]) = ("whoami.sordino.invalid", b"\x07sordino");

/// The RCODE for those who may not ask (RFC 1035 section 4.1.1).
const REFUSED: u8 = 5;

/// How long an answer may take: resolving may take longer than answering.
const PATIENCE: Duration = Duration::from_secs(2);

/// How often a query is sent.
const TRIES: usize = 3;

/// The largest answer that is read, in octets.
const LARGEST: usize = 4096;

/// What a server said.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Answer {
    /// The RCODE, without the bits that EDNS adds.
    pub(super) rcode: u8,
    /// How many records the answer section has.
    pub(super) records: u16,
    /// All of it.
    octets: Vec<u8>,
}

impl Answer {
    /// Reads the header of a response with this ID (RFC 1035 section 4.1.1).
    pub(super) fn read(octets: &[u8], id: u16) -> Option<Self> {
        let head: [u8; 12] = *octets.first_chunk()?;
        let [a, b, flags, low, _, _, c, d, ..] = head;
        let ours = u16::from_be_bytes([a, b]) == id && flags & 0x80 != 0;
        ours.then(|| Self { rcode: low & 15, records: u16::from_be_bytes([c, d]), octets: octets.to_vec() })
    }

    /// Returns whether it has records, and these octets somewhere behind its
    /// question.
    pub(super) fn holds(&self, data: &[u8]) -> bool {
        self.records > 0 && self.octets.windows(data.len()).any(|part| part == data)
    }
}

/// Asks.
pub(super) fn ask(at: SocketAddr, name: &Domain, rtype: Rtype) -> io::Result<Answer> {
    let any: IpAddr = if at.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
    let socket = UdpSocket::bind((any, 0))?;
    socket.connect(at)?;
    socket.set_read_timeout(Some(PATIENCE))?;
    // The port is as hard to guess, and nobody off this machine sees it first.
    let id = socket.local_addr()?.port();
    let mut query = id.to_be_bytes().to_vec();
    query.extend([1, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
    query.extend(name.as_wire());
    query.extend(rtype.0.to_be_bytes());
    query.extend([0, 1]);
    let mut room = [0; LARGEST];
    let mut last = io::Error::from(io::ErrorKind::TimedOut);
    for _ in 0..TRIES {
        socket.send(&query)?;
        match socket.recv(&mut room) {
            Ok(read) => {
                if let Some(answer) = Answer::read(room.get(..read).unwrap_or_default(), id) {
                    return Ok(answer);
                }
            }
            // The kernel says "would block" where the time is up.
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {}
            Err(error) => last = error,
        }
        if last.kind() == io::ErrorKind::ConnectionRefused {
            break;
        }
    }
    Err(last)
}

/// Who answers somewhere.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::app) enum Who {
    /// Sordino.
    Sordino,
    /// A server that answers, and not us.
    Refusing,
    /// Another server.
    Another,
    /// Nobody.
    Nobody,
}

/// Finds out who answers at an address.
pub(in crate::app) fn who_answers(at: SocketAddr) -> Who {
    let Ok(name) = WHOAMI.0.parse() else { return Who::Nobody };
    match ask(at, &name, Rtype::TXT) {
        Ok(answer) if answer.holds(WHOAMI.1) => Who::Sordino,
        Ok(answer) if answer.rcode == REFUSED => Who::Refusing,
        Ok(_) => Who::Another,
        Err(_) => Who::Nobody,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_answer_to_our_query_is_one() {
        let mut octets = vec![0x12, 0x34, 0x81, 0x83, 0, 1, 0, 2, 0, 0, 0, 0];
        octets.extend(b"\x07sordino");
        let answer = Answer::read(&octets, 0x1234).unwrap();
        assert_eq!((answer.rcode, answer.records), (3, 2));
        assert!(answer.holds(b"\x07sordino") && !answer.holds(b"\x07unbound"));
        assert_eq!(Answer::read(&octets, 0x1235), None);
        assert_eq!(Answer::read(&octets[..11], 0x1234), None);
        octets[2] = 1;
        assert_eq!(Answer::read(&octets, 0x1234), None, "a query");
    }
}
