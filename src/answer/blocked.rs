//! What a blocked query is answered with, in each form and for every type.
//!
//! All negative forms carry an SOA record, or the client may not cache them
//! ([RFC 2308 section 5]) and asks again at once.
//!
//! [RFC 2308 section 5]: https://www.rfc-editor.org/rfc/rfc2308#section-5

use std::net::Ipv4Addr;
use std::net::Ipv6Addr;

use hickory_proto::op::Message;
use hickory_proto::op::ResponseCode;
use hickory_proto::rr::Name;
use hickory_proto::rr::RData;
use hickory_proto::rr::Record;
use hickory_proto::rr::rdata::SOA;

use super::Blocked;
use super::BlockedAnswer;
use crate::query::Rtype;

/// Writes the blocked answer for `qname` and `qtype` into `message`.
pub(super) fn fill(message: &mut Message, qname: &Name, qtype: Rtype, blocked: Blocked) {
    match blocked.answer {
        BlockedAnswer::ZeroAddress => {
            let data = zero_addresses(qtype);
            if data.is_empty() {
                message.add_authority(soa(qname.clone(), blocked.ttl));
            }
            for data in data {
                message.add_answer(Record::from_rdata(qname.clone(), blocked.ttl, data));
            }
        }
        BlockedAnswer::NxDomain => {
            message.metadata.response_code = ResponseCode::NXDomain;
            // The zone must be above the name that is said not to exist.
            message.add_authority(soa(qname.base_name(), blocked.ttl));
        }
        BlockedAnswer::NoData => {
            message.add_authority(soa(qname.clone(), blocked.ttl));
        }
        BlockedAnswer::Refused => message.metadata.response_code = ResponseCode::Refused,
    }
}

/// Returns the unspecified addresses of a type; none for a type without addresses.
fn zero_addresses(qtype: Rtype) -> Vec<RData> {
    let v4 = RData::A(Ipv4Addr::UNSPECIFIED.into());
    let v6 = RData::AAAA(Ipv6Addr::UNSPECIFIED.into());
    match qtype {
        Rtype::A => vec![v4],
        Rtype::AAAA => vec![v6],
        Rtype::ANY => vec![v4, v6],
        _ => Vec::new(),
    }
}

/// Returns the SOA record of a zone that holds for `ttl` seconds.
fn soa(zone: Name, ttl: u32) -> Record {
    let label = |label: &str| Name::from_labels([label.as_bytes()]).unwrap_or_else(|_| Name::root());
    let rname = label("invalid").prepend_label("nobody").unwrap_or_else(|_| Name::root());
    let soa = SOA::new(label("localhost"), rname, 1, 3_600, 1_200, 604_800, ttl);
    Record::from_rdata(zone, ttl, RData::SOA(soa))
}
