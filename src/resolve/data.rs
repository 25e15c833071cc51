//! [`AnswerData`]: from the sections of a message to what the cache keeps.
//!
//! All data passes here on its way in: what does not belong to the question is
//! dropped, TTLs are bounded, and it is noted where the answer leads.

use std::net::IpAddr;

use hickory_proto::op::Message;
use hickory_proto::op::OpCode;
use hickory_proto::op::ResponseCode;
use hickory_proto::rr::RData;
use hickory_proto::rr::Record;
use hickory_proto::rr::RecordType;

use super::Unsupported;
use super::demand::Demand;
use super::names;
use super::reached;
use super::upstream::Question;
use super::wire;
use super::wire::Parts;
use super::wire::Wire;
use crate::policy::Reached;

/// The longest any data is kept, in seconds: a day, as unbound and BIND do
/// (RFC 8767 section 4 has a week as the bound of sanity).
pub const MAX_TTL: u32 = 86_400;

/// The longest a negative answer is kept, in seconds (RFC 2308 section 5 finds
/// one to three hours sensible).
pub const MAX_NEGATIVE_TTL: u32 = 3_600;

/// The data of an answer, as the cache keeps it.
#[derive(Debug)]
pub struct AnswerData {
    /// NOERROR or NXDOMAIN (or what an authoritative server insists on).
    pub rcode: ResponseCode,
    /// Whether all of it was validated (RFC 4035 section 3.2.3: the AD bit).
    pub secure: bool,
    /// Why it was not, although it is signed.
    pub unsupported: Option<Unsupported>,
    /// The names and addresses it leads to.
    pub reached: Reached,
    /// How long it may be kept, in seconds.
    pub ttl: u32,
    /// How much it is asked for while it is kept.
    pub(super) demand: Demand,
    /// The response, DNSSEC records included.
    whole: Wire,
    /// The response without them, where that is another.
    plain: Option<Wire>,
}

impl AnswerData {
    /// Makes data of the sections of a message that answers `question`.
    ///
    /// What is neither about the name nor about one that its aliases lead to
    /// is dropped: it was not asked for (RFC 5452 section 6).
    pub fn new(
        question: &Question,
        rcode: ResponseCode,
        mut answers: Vec<Record>,
        mut authorities: Vec<Record>,
        secure: bool,
    ) -> Self {
        let qname = names::to_name(&question.name);
        reached::keep_chain(&qname, &mut answers);
        for record in answers.iter_mut().chain(&mut authorities) {
            record.ttl = sane(record.ttl);
        }
        let ttl = lifetime(rcode, names::to_type(question.rtype), &answers, &authorities);
        let reached = reached::reached(&qname, &answers);
        let qtype = names::to_type(question.rtype);
        let parts = Parts { qname: &qname, qtype, rcode, answers: &answers, authorities: &authorities, ttl };
        let signed = answers.iter().chain(&authorities).map(Record::record_type).any(wire::is_for_validators);
        let whole = Wire::new(parts, true);
        let plain = signed.then(|| Wire::new(parts, false)).filter(|plain| *plain != whole);
        Self { rcode, secure, unsupported: None, reached, ttl, demand: Demand::default(), whole, plain }
    }

    /// Returns the response for clients that want DNSSEC records, or for those
    /// that do not.
    pub fn wire(&self, dnssec_ok: bool) -> &Wire {
        if dnssec_ok { &self.whole } else { self.plain.as_ref().unwrap_or(&self.whole) }
    }

    /// Returns the response, DNSSEC records included, for whoever wants to look
    /// into it.
    pub fn message(&self) -> Message {
        Message::from_vec(self.whole.bytes())
            .unwrap_or_else(|_| Message::error_msg(0, OpCode::Query, self.rcode))
    }

    /// Returns its addresses, for whoever wants to go there.
    pub fn addresses(&self) -> Vec<IpAddr> {
        let address = |record: &Record| match &record.data {
            RData::A(a) => Some(IpAddr::V4(a.0)),
            RData::AAAA(a) => Some(IpAddr::V6(a.0)),
            _ => None,
        };
        self.message().answers.iter().filter_map(address).collect()
    }

    /// Returns about how many octets it takes.
    pub(super) fn weight(&self) -> usize {
        let names: usize = self.reached.names.iter().map(|name| name.as_wire().len() + 16).sum();
        let addresses: usize = self.reached.inside.iter().map(|(name, _)| name.as_wire().len() + 40).sum();
        let plain = self.plain.as_ref().map_or(0, Wire::weight);
        size_of::<Self>() + self.whole.weight() + plain + names + addresses
    }
}

/// Returns a TTL within bounds.
fn sane(ttl: u32) -> u32 {
    // RFC 2181 section 8: with the upper bit set, it is zero.
    if ttl > i32::MAX.cast_unsigned() { 0 } else { ttl.min(MAX_TTL) }
}

/// Returns how long an answer may be kept.
fn lifetime(rcode: ResponseCode, qtype: RecordType, answers: &[Record], authorities: &[Record]) -> u32 {
    let shortest = answers.iter().map(|record| record.ttl).min();
    let positive = match rcode {
        ResponseCode::NoError => qtype.is_any() || answers.iter().any(|record| record.record_type() == qtype),
        // What a DNAME record makes of a name holds as long as that record.
        ResponseCode::YXDomain => true,
        _ => false,
    };
    if positive {
        return shortest.unwrap_or(0);
    }
    // RFC 2308 section 5: the lesser of the SOA's TTL and its MINIMUM field;
    // and without an SOA it is not kept at all.
    let negative = authorities.iter().find_map(|record| match &record.data {
        RData::SOA(soa) => Some(record.ttl.min(soa.minimum)),
        _ => None,
    });
    negative.unwrap_or(0).min(shortest.unwrap_or(MAX_TTL)).min(MAX_NEGATIVE_TTL)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::Rtype;
    use hickory_proto::rr::Name;
    use hickory_proto::rr::rdata::CNAME;
    use hickory_proto::rr::rdata::SOA;
    use std::net::Ipv4Addr;

    fn name(text: &str) -> Name {
        Name::from_ascii(text).unwrap()
    }

    fn question() -> Question {
        Question { name: "www.example.com".parse().unwrap(), rtype: Rtype::A, checking_disabled: false }
    }

    fn a(owner: &str, ttl: u32) -> Record {
        Record::from_rdata(name(owner), ttl, RData::A(Ipv4Addr::new(192, 0, 2, 1).into()))
    }

    fn soa(ttl: u32, minimum: u32) -> Record {
        let soa = SOA::new(Name::root(), Name::root(), 1, 1, 1, 1, minimum);
        Record::from_rdata(name("example.com."), ttl, RData::SOA(soa))
    }

    fn data(rcode: ResponseCode, answers: Vec<Record>, authorities: Vec<Record>) -> AnswerData {
        AnswerData::new(&question(), rcode, answers, authorities, false)
    }

    #[test]
    fn positive_data_lives_as_long_as_its_shortest_ttl() {
        let answers = vec![a("www.example.com.", 300), a("www.example.com.", 60)];
        assert_eq!(data(ResponseCode::NoError, answers, vec![]).ttl, 60);
        assert_eq!(data(ResponseCode::NoError, vec![a("www.example.com.", 999_999)], vec![]).ttl, MAX_TTL);
        assert_eq!(data(ResponseCode::NoError, vec![a("www.example.com.", u32::MAX)], vec![]).ttl, 0);
    }

    #[test]
    fn negative_data_lives_as_its_soa_says() {
        assert_eq!(data(ResponseCode::NXDomain, vec![], vec![soa(300, 60)]).ttl, 60);
        assert_eq!(data(ResponseCode::NoError, vec![], vec![soa(30, 60)]).ttl, 30);
        assert_eq!(data(ResponseCode::NXDomain, vec![], vec![soa(90_000, 90_000)]).ttl, MAX_NEGATIVE_TTL);
        assert_eq!(data(ResponseCode::NXDomain, vec![], vec![]).ttl, 0);
    }

    #[test]
    fn an_alias_to_nothing_is_negative() {
        let alias = RData::CNAME(CNAME(name("nothing.example.com.")));
        let alias = Record::from_rdata(name("www.example.com."), 20, alias);
        assert_eq!(data(ResponseCode::NoError, vec![alias.clone()], vec![soa(300, 300)]).ttl, 20);
        assert_eq!(data(ResponseCode::NoError, vec![alias], vec![]).ttl, 0);
    }

    #[test]
    fn what_was_not_asked_for_is_dropped() {
        let answers = vec![a("www.example.com.", 300), a("www.example.org.", 300)];
        let data = data(ResponseCode::NoError, answers, vec![]);
        assert_eq!(data.message().answers.len(), 1);
        assert_eq!(data.addresses().len(), 1);
    }
}
