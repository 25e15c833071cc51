//! What a blocked query is answered with, in each form and for every type.
//!
//! All negative forms carry an SOA record, or the client may not cache them
//! ([RFC 2308 section 5]) and asks again at once.
//!
//! [RFC 2308 section 5]: https://www.rfc-editor.org/rfc/rfc2308#section-5

use super::Blocked;
use super::BlockedAnswer;
use super::rcode::NXDOMAIN;
use super::rcode::REFUSED;
use super::wire::write_head;
use crate::query::QueryRef;
use crate::query::Rtype;
use crate::resolve::wire::HEADER;

/// The name at the front of the question, as a compression pointer (RFC 1035
/// section 4.1.4).
const QNAME: u16 = 0xc00c;

/// MNAME and RNAME of our SOA records: `localhost.` and `nobody.invalid.`.
const SOA_NAMES: &[u8] = b"\x09localhost\0\x06nobody\x07invalid\0";

/// SERIAL, REFRESH, RETRY and EXPIRE of our SOA records.
const SOA_TIMES: [u32; 4] = [1, 3_600, 1_200, 604_800];

/// Writes the blocked answer to `query`, without OPT record.  Returns the RCODE.
pub(super) fn write(query: QueryRef<'_>, blocked: Blocked, out: &mut Vec<u8>) -> u16 {
    match blocked.answer {
        BlockedAnswer::ZeroAddress => {
            let zeroes: &[Rtype] = match query.qtype {
                Rtype::A => &[Rtype::A],
                Rtype::AAAA => &[Rtype::AAAA],
                Rtype::ANY => &[Rtype::A, Rtype::AAAA],
                _ => return write_soa(query, 0, QNAME, blocked.ttl, out),
            };
            let count = if zeroes.len() == 1 { 1 } else { 2 };
            write_head(query, 0, [count, 0, 0], out);
            for &rtype in zeroes {
                let length = if rtype == Rtype::A { 4 } else { 16 };
                write_record(QNAME, rtype, blocked.ttl, length, out);
                out.resize(out.len() + usize::from(length), 0);
            }
            0
        }
        // The zone must be above the name that is said not to exist.
        BlockedAnswer::NxDomain => write_soa(query, NXDOMAIN, above(query), blocked.ttl, out),
        BlockedAnswer::NoData => write_soa(query, 0, QNAME, blocked.ttl, out),
        BlockedAnswer::Refused => {
            write_head(query, REFUSED, [0; 3], out);
            REFUSED
        }
    }
}

/// Returns a pointer to the name above the one asked for; to itself, if it is
/// the root.
fn above(query: QueryRef<'_>) -> u16 {
    let first = match query.qname_as_asked.first() {
        Some(&len) if len > 0 => u16::from(len) + 1,
        _ => 0,
    };
    QNAME + first
}

/// Writes a negative answer with the SOA record of `zone`, which holds for
/// `ttl` seconds.
fn write_soa(query: QueryRef<'_>, rcode: u16, zone: u16, ttl: u32, out: &mut Vec<u8>) -> u16 {
    /// The length of the record's data, in octets.
    #[expect(clippy::cast_possible_truncation, reason = "47")]
    const LENGTH: u16 = SOA_NAMES.len() as u16 + 20;
    write_head(query, rcode, [0, 1, 0], out);
    write_record(zone, Rtype::SOA, ttl, LENGTH, out);
    out.extend_from_slice(SOA_NAMES);
    for time in SOA_TIMES.into_iter().chain([ttl]) {
        out.extend_from_slice(&time.to_be_bytes());
    }
    rcode
}

/// Writes a record of class IN up to its data (RFC 1035 section 4.1.3).
fn write_record(owner: u16, rtype: Rtype, ttl: u32, length: u16, out: &mut Vec<u8>) {
    for word in [owner, rtype.0, 1] {
        out.extend_from_slice(&word.to_be_bytes());
    }
    out.extend_from_slice(&ttl.to_be_bytes());
    out.extend_from_slice(&length.to_be_bytes());
}

/// A pointer has 14 bits, which the longest question stays far below.
const _: () = assert!(HEADER + 255 < 0x4000);
