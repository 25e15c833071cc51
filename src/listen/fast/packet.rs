//! Reads a query where it lies.
//!
//! Understands the queries that nearly everybody sends and nothing else: what
//! is odd in any way is none of this file's business, and the slow road says
//! what there is to say about it.

use crate::base::Client;
use crate::base::DomainRef;
use crate::base::Now;
use crate::base::labels::MAX_NAME;
use crate::query::Edns;
use crate::query::QueryRef;
use crate::query::Rtype;
use crate::query::Transport;

/// The length of a header, in octets (RFC 1035 section 4.1.1).
const HEADER: usize = 12;

/// The flags of a usual query: RD, and AD and CD or not.
const RD: u16 = 0x0100;

/// AD (RFC 6840 section 5.7).
const AD: u16 = 0x0020;

/// CD (RFC 4035 section 3.2.2).
const CD: u16 = 0x0010;

/// DO, in the flags of an OPT record (RFC 3225).
const DO: u16 = 0x8000;

/// EDNS options that mean nothing to us: cookies (RFC 7873), which we do not
/// return, and padding (RFC 7830), which is to be ignored.
const IGNORED: [u16; 2] = [10, 12];

/// Reads a query.  Its name, in lower case, lies in `room` then.
pub(super) fn read<'a>(
    packet: &'a [u8],
    client: Client,
    received: Now,
    room: &'a mut [u8; MAX_NAME],
) -> Option<QueryRef<'a>> {
    let word = |at: usize| Some(u16::from_be_bytes(*packet.get(at..)?.first_chunk()?));
    let flags = word(2)?;
    let additionals = word(10)?;
    // A standard query with RD, one question, and at most an OPT record.
    if flags & !(AD | CD) != RD || word(4)? != 1 || word(6)? != 0 || word(8)? != 0 || additionals > 1 {
        return None;
    }
    let qname = DomainRef::read(packet.get(HEADER..)?, room).ok()?;
    let after = HEADER + qname.as_wire().len();
    let (qtype, class) = (word(after)?, word(after + 2)?);
    // Type 0, OPT and the meta-types have ways of their own.
    if class != 1 || qtype == 0 || qtype == 41 || (128..=255).contains(&qtype) {
        return None;
    }
    let rest = packet.get(after + 4..)?;
    let edns = if additionals == 1 { Some(read_opt(rest)?) } else { None };
    if edns.is_none() && !rest.is_empty() {
        return None;
    }
    Some(QueryRef {
        client,
        received,
        transport: Transport::Udp,
        id: word(0)?,
        recursion_desired: true,
        checking_disabled: flags & CD != 0,
        authentic_data: flags & AD != 0,
        edns,
        qname,
        qname_as_asked: packet.get(HEADER..after)?,
        qtype: Rtype(qtype),
    })
}

/// Reads the name, in lower case into `room`, and the type that a packet asks for
/// which was read before.
pub(super) fn question<'a>(packet: &[u8], room: &'a mut [u8; MAX_NAME]) -> Option<(DomainRef<'a>, Rtype)> {
    let qname = DomainRef::read(packet.get(HEADER..)?, room).ok()?;
    let qtype = packet.get(HEADER + qname.as_wire().len()..)?.first_chunk()?;
    Some((qname, Rtype(u16::from_be_bytes(*qtype))))
}

/// Reads an OPT record that ends the message (RFC 6891 section 6.1.2).
fn read_opt(record: &[u8]) -> Option<Edns> {
    let word = |at: usize| Some(u16::from_be_bytes(*record.get(at..)?.first_chunk()?));
    // The root, OPT, then the size; upper RCODE bits and version are zero.
    if *record.first()? != 0 || word(1)? != 41 || word(5)? != 0 {
        return None;
    }
    let flags = word(7)?;
    let mut options = record.get(11..)?;
    if flags & !DO != 0 || options.len() != usize::from(word(9)?) {
        return None;
    }
    while !options.is_empty() {
        let (head, after) = options.split_first_chunk::<4>()?;
        let [code_high, code_low, length_high, length_low] = *head;
        if !IGNORED.contains(&u16::from_be_bytes([code_high, code_low])) {
            return None;
        }
        options = after.get(usize::from(u16::from_be_bytes([length_high, length_low]))..)?;
    }
    Some(Edns { udp_size: word(3)?, dnssec_ok: flags & DO != 0 })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Clock;
    use crate::base::time::ManualClock;
    use proptest::prelude::*;

    fn read_it(packet: &[u8]) -> Option<(String, u16, Option<Edns>, bool, bool)> {
        let client = Client::new("192.0.2.1".parse().unwrap());
        let mut room = [0; MAX_NAME];
        let query = read(packet, client, ManualClock::at(0).now(), &mut room)?;
        assert_eq!(query.qname_as_asked.to_ascii_lowercase(), query.qname.as_wire());
        let (ad, cd) = (query.authentic_data, query.checking_disabled);
        Some((query.qname.to_string(), query.qtype.0, query.edns, ad, cd))
    }

    const QUESTION: &[u8] = b"\x03WwW\x02De\x00\x00\x1c\x00\x01";

    fn packet(flags: u16, opt: &[u8]) -> Vec<u8> {
        let head = [7, flags, 1, 0, 0, u16::from(!opt.is_empty())];
        let head: Vec<u8> = head.into_iter().flat_map(u16::to_be_bytes).collect();
        [&head, QUESTION, opt].concat()
    }

    #[test]
    fn usual_queries_are_read() {
        assert_eq!(read_it(&packet(0x0100, b"")), Some(("www.de".into(), 28, None, false, false)));
        let opt = b"\0\0\x29\x04\xd0\0\0\x80\0\0\x0c\0\x0a\0\x08cookies!";
        let edns = Some(Edns { udp_size: 1232, dnssec_ok: true });
        assert_eq!(read_it(&packet(0x0130, opt)), Some(("www.de".into(), 28, edns, true, true)));
    }

    #[test]
    fn what_is_odd_is_left_to_the_slow_road() {
        for flags in [0x8100, 0x0900, 0x0000, 0x0300, 0x0140, 0x0101] {
            assert_eq!(read_it(&packet(flags, b"")), None, "{flags:x}");
        }
        for opt in [
            &b"\0\0\x29\x04\xd0\0\x01\0\0\0\0"[..],        // version 1
            b"\0\0\x29\x04\xd0\x01\0\0\0\0\0",             // an upper RCODE
            b"\0\0\x29\x04\xd0\0\0\0\x01\0\0",             // another flag
            b"\0\0\x29\x04\xd0\0\0\0\0\0\x04\0\x08\0\0",   // client subnet
            b"\0\0\x29\x04\xd0\0\0\0\0\0\x05\0\x0a\0\x09", // cut
            b"\0\0\x29\x04\xd0\0\0\0\0\0\0\0",             // more behind it
            b"\0\0\x01\0\x01\0\0\0\0\0\0",                 // no OPT record
        ] {
            assert_eq!(read_it(&packet(0x0100, opt)), None, "{opt:x?}");
        }
        let mut chaos = packet(0x0100, b"");
        *chaos.last_mut().unwrap() = 3;
        assert_eq!(read_it(&chaos), None);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_left(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
            let _ = read_it(&bytes);
            let _ = read_it(&packet(0x0100, &bytes));
        }
    }
}
