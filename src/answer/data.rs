//! From resolved data to the sections of a response: what this client gets of
//! it, and with which TTLs.

use hickory_proto::dnssec::rdata::DNSSECRData;
use hickory_proto::op::Message;
use hickory_proto::op::ResponseCode;
use hickory_proto::rr::Name;
use hickory_proto::rr::RData;
use hickory_proto::rr::Record;
use hickory_proto::rr::RecordType;

use crate::query::Query;
use crate::resolve::Origin;
use crate::resolve::Resolved;
use crate::resolve::names;

/// The TTL of stale data, in seconds (RFC 8767 section 5.2).
const STALE_TTL: u32 = 30;

/// Writes resolved data into `message`.
pub(super) fn fill(message: &mut Message, query: &Query, qname: &Name, resolved: &Resolved) {
    let data = &resolved.data;
    message.metadata.response_code = data.rcode;
    // RFC 6840 section 5.8: only those who asked for it see it.
    message.metadata.authentic_data = data.secure && (query.dnssec_ok() || query.authentic_data);
    let qtype = names::to_type(query.qtype);
    let wanted = |record: &&Record| is_wanted(record.record_type(), qtype, query.dnssec_ok());
    let shown = |record: &Record| show(record, qname, resolved);
    message.add_answers(data.answers.iter().filter(wanted).map(shown));
    let negative = is_negative(data.rcode, &data.answers, qtype);
    let mut proves = |record: &&Record| is_proof(record, negative);
    message.add_authorities(data.authorities.iter().filter(wanted).filter(&mut proves).map(shown));
}

/// Returns whether the answer says that there is nothing (RFC 2308), if need
/// be at the end of a chain of aliases.
pub(super) fn is_negative(rcode: ResponseCode, answers: &[Record], qtype: RecordType) -> bool {
    rcode == ResponseCode::NXDomain
        || !(qtype.is_any() || answers.iter().any(|record| record.record_type() == qtype))
}

/// Returns whether a client gets records of a type at all: DNSSEC's own only if
/// it set DO or asked for them (RFC 4035 section 3.2.1).
fn is_wanted(rtype: RecordType, qtype: RecordType, dnssec_ok: bool) -> bool {
    let for_validators = matches!(
        rtype,
        RecordType::RRSIG | RecordType::NSEC | RecordType::NSEC3 | RecordType::DNSKEY | RecordType::DS
    );
    dnssec_ok || !for_validators || rtype == qtype
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

/// Returns a record as it is shown now: less old, and under the name as asked.
fn show(record: &Record, qname: &Name, resolved: &Resolved) -> Record {
    let mut shown = record.clone();
    shown.ttl = match resolved.origin {
        Origin::Stale => STALE_TTL,
        // What is kept as long as the shortest TTL and is still fresh has at
        // least a second left; a TTL of 0 stays one.
        _ if record.ttl == 0 => 0,
        _ => record.ttl.saturating_sub(resolved.age).max(1),
    };
    // RFC 2308 section 5: a negative answer lives no longer than its SOA says.
    if covered(record) == RecordType::SOA && resolved.origin != Origin::Stale {
        shown.ttl = shown.ttl.min(resolved.data.ttl.saturating_sub(resolved.age).max(1));
    }
    if record.name == *qname {
        shown.name = qname.clone();
    }
    shown
}
