//! [`Wire`]: an answer as the octets of a response, kept ready to be sent.
//!
//! What the cache keeps is a whole message without its OPT record, and where
//! its TTLs are.  Answering from it is copying, patching the ID, the flags, the
//! case of the name and the TTLs, and no more; `answer` does that, on both
//! roads the same.
//
//  Apart from `data`, which says what an answer means; here is how it looks.

use hickory_proto::dnssec::rdata::DNSSECRData;
use hickory_proto::op::Message;
use hickory_proto::op::MessageType;
use hickory_proto::op::OpCode;
use hickory_proto::op::Query;
use hickory_proto::op::ResponseCode;
use hickory_proto::rr::Name;
use hickory_proto::rr::RData;
use hickory_proto::rr::Record;
use hickory_proto::rr::RecordType;
use hickory_proto::serialize::binary::BinEncodable;
use hickory_proto::serialize::binary::BinEncoder;

/// The length of a header, in octets (RFC 1035 section 4.1.1).
pub const HEADER: usize = 12;

/// The TC bit, in the third octet of the header.
const TC: u8 = 0x02;

//----------- Wire -------------------------------------------------------------

/// A response without an OPT record, with ID 0 and the name in lower case.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Wire {
    /// The message, and then where its TTLs are, two octets each: together,
    /// because they are read together.
    octets: Box<[u8]>,
    /// How long the message is.
    length: u16,
}

/// What a response is made of.
#[derive(Clone, Copy, Debug)]
pub(super) struct Parts<'a> {
    /// The name asked for, in lower case.
    pub(super) qname: &'a Name,
    /// The type asked for.
    pub(super) qtype: RecordType,
    /// What came of it.
    pub(super) rcode: ResponseCode,
    /// The answer section, DNSSEC records included.
    pub(super) answers: &'a [Record],
    /// The authority section, DNSSEC records included.
    pub(super) authorities: &'a [Record],
    /// How long it may be kept, in seconds.
    pub(super) ttl: u32,
}

impl Wire {
    /// Makes the response for clients that want DNSSEC records, or for those
    /// that do not.
    pub(super) fn new(parts: Parts<'_>, dnssec_ok: bool) -> Self {
        let mut message = Message::new(0, MessageType::Response, OpCode::Query);
        message.metadata.recursion_available = true;
        message.metadata.response_code = parts.rcode;
        message.add_query(Query::query(parts.qname.clone(), parts.qtype));
        let wanted = |record: &&Record| is_wanted(record.record_type(), parts.qtype, dnssec_ok);
        let shown = |record: &Record| show(record, parts);
        // In no more room than they take: a list would begin with room for four.
        message.answers.reserve_exact(parts.answers.len());
        message.add_answers(parts.answers.iter().filter(wanted).map(shown));
        let negative = is_negative(parts.rcode, parts.answers, parts.qtype);
        let proves = |record: &&Record| is_proof(record, negative);
        message.authorities.reserve_exact(parts.authorities.len());
        message.add_authorities(parts.authorities.iter().filter(wanted).filter(proves).map(shown));
        Self::encode(&message).unwrap_or_else(|| {
            // More than 64 KiB: not even a stream holds it.
            let mut cut = Message::new(0, MessageType::Response, OpCode::Query);
            cut.metadata = message.metadata;
            cut.metadata.truncation = true;
            cut.queries = message.queries;
            Self::encode(&cut).unwrap_or_else(|| Self { octets: Box::from([0; HEADER]), length: 12 })
        })
    }

    /// Encodes a message, if it can be done and fits.
    fn encode(message: &Message) -> Option<Self> {
        let mut bytes = Vec::with_capacity(512);
        message.emit(&mut BinEncoder::new(&mut bytes)).ok()?;
        // The encoder itself cuts at 64 KiB, and then says so.
        let cut = bytes.get(2).is_some_and(|flags| flags & TC != 0) && !message.metadata.truncation;
        let ttls = ttl_offsets(&bytes).filter(|_| !cut)?;
        let length = u16::try_from(bytes.len()).ok()?;
        bytes.extend(ttls.into_iter().flat_map(u16::to_ne_bytes));
        // A copy: cut where it is, it would leave a gap in memory that the next does not
        // fit in, 450 octets for each answer.
        Some(Self { octets: bytes.as_slice().into(), length })
    }

    /// Returns the message.
    pub fn bytes(&self) -> &[u8] {
        self.octets.get(..usize::from(self.length)).unwrap_or_default()
    }

    /// Returns where in the message the TTLs are, the first first.
    pub fn ttls(&self) -> impl Iterator<Item = u16> {
        let places = self.octets.get(usize::from(self.length)..).unwrap_or_default();
        places.as_chunks().0.iter().map(|place| u16::from_ne_bytes(*place))
    }

    /// Returns how many octets it takes.
    pub(super) fn weight(&self) -> usize {
        self.octets.len()
    }
}

//----------- What is shown ----------------------------------------------------

/// Returns whether the answer says that there is nothing (RFC 2308), if need
/// be at the end of a chain of aliases.
pub(super) fn is_negative(rcode: ResponseCode, answers: &[Record], qtype: RecordType) -> bool {
    rcode == ResponseCode::NXDomain
        || !(qtype.is_any() || answers.iter().any(|record| record.record_type() == qtype))
}

/// Returns whether a record is for validators only.
pub(super) fn is_for_validators(rtype: RecordType) -> bool {
    matches!(
        rtype,
        RecordType::RRSIG | RecordType::NSEC | RecordType::NSEC3 | RecordType::DNSKEY | RecordType::DS
    )
}

/// Returns whether a client gets records of a type at all: DNSSEC's own only if
/// it set DO or asked for them (RFC 4035 section 3.2.1), or for all there is.
fn is_wanted(rtype: RecordType, qtype: RecordType, dnssec_ok: bool) -> bool {
    dnssec_ok || !is_for_validators(rtype) || rtype == qtype || qtype.is_any()
}

/// Returns whether a record of the authority section says something about the
/// answer: the SOA that ends a negative answer, and proofs.  The name servers
/// of the zone don't.
fn is_proof(record: &Record, negative: bool) -> bool {
    match covered(record) {
        RecordType::SOA => negative,
        RecordType::NSEC | RecordType::NSEC3 => true,
        _ => false,
    }
}

/// Returns the type of a record; for a signature, of what it signs.
fn covered(record: &Record) -> RecordType {
    match &record.data {
        RData::DNSSEC(DNSSECRData::RRSIG(rrsig)) => rrsig.input().type_covered,
        data => data.record_type(),
    }
}

/// Returns a record as it is shown: under the name as it was asked for.
fn show(record: &Record, parts: Parts<'_>) -> Record {
    let mut shown = record.clone();
    // RFC 2308 section 5: a negative answer lives no longer than its SOA says.
    if covered(record) == RecordType::SOA {
        shown.ttl = shown.ttl.min(parts.ttl);
    }
    if record.name == *parts.qname {
        shown.name = parts.qname.clone();
    }
    shown
}

//----------- Reading ----------------------------------------------------------

/// Returns where the TTLs of a message are, if it is one.
pub(super) fn ttl_offsets(bytes: &[u8]) -> Option<Vec<u16>> {
    let word = |at: usize| Some(usize::from(u16::from_be_bytes(*bytes.get(at..)?.first_chunk()?)));
    let mut at = HEADER;
    for _ in 0..word(4)? {
        at = after_name(bytes, at)? + 4;
    }
    let records = word(6)? + word(8)? + word(10)?;
    let mut ttls = Vec::with_capacity(records.min(64));
    for _ in 0..records {
        at = after_name(bytes, at)?;
        ttls.push(u16::try_from(at + 4).ok()?);
        at += 10 + word(at + 8)?;
    }
    (at == bytes.len()).then_some(ttls)
}

/// Returns where the name at `at` ends.
fn after_name(bytes: &[u8], mut at: usize) -> Option<usize> {
    loop {
        match *bytes.get(at)? {
            0 => return Some(at + 1),
            len @ 1..=63 => at += 1 + usize::from(len),
            // A pointer ends the name (RFC 1035 section 4.1.4).
            0xc0.. => return Some(at + 2),
            _ => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::net::Ipv4Addr;

    fn parts<'a>(qname: &'a Name, answers: &'a [Record]) -> Parts<'a> {
        Parts {
            qname,
            qtype: RecordType::A,
            rcode: ResponseCode::NoError,
            answers,
            authorities: &[],
            ttl: 60,
        }
    }

    #[test]
    fn the_ttls_are_where_it_is_said() {
        let qname = Name::from_ascii("www.example.").unwrap();
        let record = |ttl| Record::from_rdata(qname.clone(), ttl, RData::A(Ipv4Addr::LOCALHOST.into()));
        let answers = [record(60), record(0x0102_0304)];
        let wire = Wire::new(parts(&qname, &answers), false);
        let ttl = |at: u16| u32::from_be_bytes(*wire.bytes()[usize::from(at)..].first_chunk().unwrap());
        assert_eq!(wire.ttls().map(ttl).collect::<Vec<_>>(), [60, 0x0102_0304]);
    }

    #[test]
    fn what_no_message_holds_is_cut() {
        let qname = Name::from_ascii("www.example.").unwrap();
        let text = || RData::TXT(hickory_proto::rr::rdata::TXT::new(vec!["t".repeat(255); 100]));
        let answers: Vec<_> = (0..4).map(|_| Record::from_rdata(qname.clone(), 60, text())).collect();
        let wire = Wire::new(parts(&qname, &answers), false);
        let message = Message::from_vec(wire.bytes()).unwrap();
        assert!(message.metadata.truncation && message.answers.is_empty() && wire.ttls().next().is_none());
    }

    proptest! {
        #[test]
        fn any_bytes_have_ttls_or_not(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
            for at in ttl_offsets(&bytes).unwrap_or_default() {
                prop_assert!(usize::from(at) + 4 <= bytes.len());
            }
        }
    }
}
