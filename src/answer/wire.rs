//! Octets: headers, questions, kept answers made fresh, OPT records.

use super::ede;
use super::ede::Error;
use crate::base::labels::MAX_NAME;
use crate::query::QueryRef;
use crate::resolve::Origin;
use crate::resolve::Resolved;
use crate::resolve::wire::HEADER;

/// The largest datagram we send and take, in octets: one that is fragmented
/// nowhere (DNS flag day 2020; RFC 9715 section 3.2).
pub const UDP_SIZE: u16 = 1_232;

/// The largest datagram of DNS without EDNS, in octets (RFC 1035 section 2.3.4).
pub(super) const PLAIN_SIZE: usize = 512;

/// The TTL of stale data, in seconds (RFC 8767 section 5.2).
const STALE_TTL: u32 = 30;

/// An OPT record without options: its length in octets (RFC 6891 section 6.1.2).
const OPT: usize = 11;

/// QR, in the first word of flags (RFC 1035 section 4.1.1).
pub(super) const QR: u16 = 0x8000;

/// TC.
pub(super) const TC: u16 = 0x0200;

/// RD.
pub(super) const RD: u16 = 0x0100;

/// RA.
pub(super) const RA: u16 = 0x0080;

/// AD (RFC 4035 section 3.2.3).
const AD: u16 = 0x0020;

/// CD (RFC 4035 section 3.2.2).
pub(super) const CD: u16 = 0x0010;

/// Returns the most octets that may go to the client in a datagram.
pub(super) fn udp_limit(query: QueryRef<'_>) -> usize {
    query.edns.map_or(PLAIN_SIZE, |edns| usize::from(edns.udp_size.min(UDP_SIZE)).max(PLAIN_SIZE))
}

/// Returns the flags of a response: what came is returned, and RA.
fn flags(query: QueryRef<'_>, rcode: u16) -> u16 {
    let if_set = |set: bool, flag: u16| if set { flag } else { 0 };
    QR | RA | if_set(query.recursion_desired, RD) | if_set(query.checking_disabled, CD) | (rcode & 15)
}

/// Writes the header and the question; `counts` are those of the sections
/// after it, before there is an OPT record.
pub(super) fn write_head(query: QueryRef<'_>, rcode: u16, counts: [u16; 3], out: &mut Vec<u8>) {
    let [answers, authorities, additionals] = counts;
    for word in [query.id, flags(query, rcode), 1, answers, authorities, additionals] {
        out.extend_from_slice(&word.to_be_bytes());
    }
    out.extend_from_slice(query.qname_as_asked);
    out.extend_from_slice(&query.qtype.0.to_be_bytes());
    out.extend_from_slice(&1u16.to_be_bytes());
}

/// Sets the word at `at`.
fn set_word(out: &mut [u8], at: usize, word: u16) {
    if let Some(place) = out.get_mut(at..at + 2) {
        place.copy_from_slice(&word.to_be_bytes());
    }
}

//----------- Kept answers -----------------------------------------------------

/// Writes an answer as it is for this client and moment, without OPT record.
/// Returns the RCODE.
pub(super) fn write_resolved(
    query: QueryRef<'_>,
    resolved: &Resolved,
    limit: usize,
    out: &mut Vec<u8>,
) -> u16 {
    let data = &resolved.data;
    let rcode = u16::from(data.rcode);
    // RFC 6840 section 5.8: only those who asked for it see it.  Nobody vouches
    // for what is stale: its signatures may have had their time as well.
    let vouched = data.secure && resolved.origin != Origin::Stale;
    let secure = if vouched && (query.dnssec_ok() || query.authentic_data) { AD } else { 0 };
    let kept = data.wire(query.dnssec_ok());
    let bytes = kept.bytes();
    // The header says it if there was too much even for a stream.
    let cut = bytes.get(2).is_some_and(|flags| flags & TC.to_be_bytes()[0] != 0);
    let edns = if query.edns.is_some() { OPT } else { 0 };
    if cut || bytes.len() + edns > limit {
        write_head(query, rcode, [0; 3], out);
        set_word(out, 2, flags(query, rcode) | secure | TC);
        return rcode;
    }
    out.extend_from_slice(bytes);
    set_word(out, 0, query.id);
    set_word(out, 2, flags(query, rcode) | secure);
    if let Some(qname) = out.get_mut(HEADER..HEADER + query.qname_as_asked.len()) {
        qname.copy_from_slice(query.qname_as_asked);
    }
    for at in kept.ttls() {
        let Some(place) = out.get_mut(usize::from(at)..).and_then(<[u8]>::first_chunk_mut::<4>) else {
            continue;
        };
        let ttl = u32::from_be_bytes(*place);
        *place = shown_ttl(ttl, resolved).to_be_bytes();
    }
    rcode
}

/// Returns a TTL as it is shown now.
pub(super) fn shown_ttl(ttl: u32, resolved: &Resolved) -> u32 {
    match resolved.origin {
        Origin::Stale => STALE_TTL,
        // What is kept as long as the shortest TTL and is still fresh has at
        // least a second left; a TTL of 0 stays one.
        _ if ttl == 0 => 0,
        _ => ttl.saturating_sub(resolved.age).max(1),
    }
}

//----------- OPT --------------------------------------------------------------

/// Adds an OPT record for those who sent one (RFC 6891 section 7), and in it
/// the error as far as there is room.
pub(super) fn write_edns(
    query: QueryRef<'_>,
    rcode: u16,
    error: Option<&Error>,
    limit: usize,
    out: &mut Vec<u8>,
) {
    let Some(edns) = query.edns else { return };
    let room = limit.saturating_sub(out.len() + OPT);
    let options = error.filter(|error| error.len() <= room);
    let length = options.map_or(0, Error::len);
    write_opt(rcode, edns.dnssec_ok, u16::try_from(length).unwrap_or(0), out);
    if let Some(error) = options {
        error.write(out);
    }
    let count = out.get(10..12).map_or(0, |two| u16::from_be_bytes([two[0], two[1]]));
    set_word(out, 10, count + 1);
}

/// Writes an OPT record up to its options, which have so many octets.
fn write_opt(rcode: u16, dnssec_ok: bool, options: u16, out: &mut Vec<u8>) {
    // RFC 6891 section 6.1.2: the root, OPT, our size, the RCODE's upper bits,
    // version 0, DO.
    let [size_high, size_low] = UDP_SIZE.to_be_bytes();
    let upper = (rcode >> 4).to_be_bytes()[1];
    let dnssec_ok = if dnssec_ok { 0x80 } else { 0 };
    let [length_high, length_low] = options.to_be_bytes();
    out.extend_from_slice(&[0, 0, 41, size_high, size_low, upper, 0, dnssec_ok, 0, length_high, length_low]);
}

//----------- turn_away --------------------------------------------------------

/// Returns the response to a request that does not get as far as being a
/// [`Query`](crate::query::Query): it is malformed, not allowed, or of a kind
/// we do not speak.
///
/// `id` and `flags` are the first two words of the request as they came;
/// `question` its question section, if it could be read (uncompressed name,
/// type and class).  An OPT record is added if `edns` says that there was one,
/// and for RCODEs that need it, like BADVERS.
pub fn turn_away(id: u16, flags: u16, question: Option<&[u8]>, rcode: u16, edns: bool) -> Vec<u8> {
    /// The opcode, RD and CD go back as they came (RFC 1035 section 4.1.1).
    const KEPT: u16 = 0x7910;
    /// The longest question section: a name, its type and class.
    const LONGEST: usize = MAX_NAME + 4;
    let question = question.filter(|question| !question.is_empty() && question.len() <= LONGEST);
    let edns = edns || rcode > 15;
    let mut wire = Vec::with_capacity(HEADER + LONGEST + OPT);
    let words = [id, QR | RA | (flags & KEPT) | (rcode & 15)];
    let counts = [u16::from(question.is_some()), 0, 0, u16::from(edns)];
    wire.extend(words.into_iter().chain(counts).flat_map(u16::to_be_bytes));
    wire.extend_from_slice(question.unwrap_or_default());
    if edns {
        write_opt(rcode, false, 0, &mut wire);
    }
    wire
}

/// The longest error there is still leaves a datagram of 512 octets room for a
/// header, the longest question and an OPT record.
const _: () = assert!(HEADER + 255 + 4 + OPT + ede::LONGEST <= PLAIN_SIZE);
