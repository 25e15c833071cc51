//! Where an answer leads: its chain of aliases, its targets, its addresses.
//!
//! Apart, because the review of answers rests on it: a name that is missing
//! here is a name that nobody judges.

use std::net::IpAddr;

use hickory_proto::rr::Name;
use hickory_proto::rr::RData;
use hickory_proto::rr::Record;
use hickory_proto::rr::RecordType;
use hickory_proto::rr::rdata::svcb::SvcParamValue;

use super::names;
use crate::policy::Reached;

/// The most aliases that are followed, like unbound's `MAX_RESTART_COUNT`.
pub(super) const MAX_ALIASES: usize = 12;

/// Returns the names from `qname` along the aliases in `answers`, `qname` first.
pub(super) fn chain(qname: &Name, answers: &[Record]) -> Vec<Name> {
    let mut chain = vec![qname.clone()];
    while let Some(here) = chain.last() {
        let next = answers.iter().find_map(|record| match &record.data {
            RData::CNAME(target) if record.name == *here => Some(target.0.clone()),
            _ => None,
        });
        match next {
            Some(next) if !chain.contains(&next) && chain.len() <= MAX_ALIASES => chain.push(next),
            _ => break,
        }
    }
    chain
}

/// Drops the records whose owner is not on the chain from `qname`, and puts the
/// others in the order of the chain: there are clients that read answers from
/// top to bottom (RFC 1034 section 4.3.2 builds them so).
pub(super) fn keep_chain(qname: &Name, answers: &mut Vec<Record>) {
    let chain = chain(qname, answers);
    let place = |record: &Record| {
        // A DNAME record stands above a name on the chain (RFC 6672 section
        // 2.3) and comes before the CNAME record made of it.
        let dname = is_for_dname(record);
        let at =
            chain.iter().position(|name| record.name == *name || (dname && record.name.zone_of(name)))?;
        Some((at, !dname, record.record_type() == RecordType::RRSIG))
    };
    answers.retain(|record| place(record).is_some());
    answers.sort_by_key(place);
}

/// Returns whether a record is a DNAME record or its signature.
fn is_for_dname(record: &Record) -> bool {
    use hickory_proto::dnssec::rdata::DNSSECRData;
    match &record.data {
        RData::DNSSEC(DNSSECRData::RRSIG(rrsig)) => u16::from(rrsig.input().type_covered) == DNAME,
        data => u16::from(data.record_type()) == DNAME,
    }
}

/// The DNAME type (RFC 6672), which the library has no name for.
const DNAME: u16 = 39;

/// Returns the target of a DNAME record.
pub(super) fn dname_target(record: &Record) -> Option<Name> {
    match &record.data {
        RData::Unknown { code, rdata } if u16::from(*code) == DNAME => {
            // RFC 6672 section 2.1: its target is not compressed.
            Some(names::from_wire(&rdata.anything))
        }
        _ => None,
    }
}

/// Returns what the answer to `qname` leads to.
pub(super) fn reached(qname: &Name, answers: &[Record]) -> Reached {
    let mut reached = Reached::default();
    for record in answers {
        // An owner other than the name asked for was led to as well.
        if record.name != *qname && !is_for_dname(record) {
            note(&mut reached, &record.name);
        }
        match &record.data {
            RData::A(a) => reached.note(&names::to_domain(&record.name), IpAddr::V4(a.0)),
            RData::AAAA(a) => reached.note(&names::to_domain(&record.name), IpAddr::V6(a.0)),
            RData::CNAME(target) => note(&mut reached, &target.0),
            RData::SVCB(svcb) => note_service(&mut reached, record, svcb),
            RData::HTTPS(https) => note_service(&mut reached, record, &https.0),
            _ => {
                if let Some(target) = dname_target(record) {
                    note(&mut reached, &target);
                }
            }
        }
    }
    reached
}

/// Notes the target and the hints of a service binding (RFC 9460).
fn note_service(reached: &mut Reached, record: &Record, svcb: &hickory_proto::rr::rdata::SVCB) {
    // Section 2.5: the root stands for the owner.
    let target = if svcb.target_name.is_root() { &record.name } else { &svcb.target_name };
    if *target != record.name {
        note(reached, target);
    }
    for (_, value) in &svcb.svc_params {
        let hints: Vec<IpAddr> = match value {
            SvcParamValue::Ipv4Hint(hint) => hint.0.iter().map(|a| IpAddr::V4(a.0)).collect(),
            SvcParamValue::Ipv6Hint(hint) => hint.0.iter().map(|a| IpAddr::V6(a.0)).collect(),
            _ => continue,
        };
        let owner = names::to_domain(target);
        for hint in hints {
            reached.note(&owner, hint);
        }
    }
}

/// Notes a name, once.
fn note(reached: &mut Reached, name: &Name) {
    let name = names::to_domain(name);
    if !reached.names.contains(&name) {
        reached.names.push(name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hickory_proto::rr::rdata::CNAME;
    use hickory_proto::rr::rdata::HTTPS;
    use hickory_proto::rr::rdata::NULL;
    use hickory_proto::rr::rdata::SVCB;
    use hickory_proto::rr::rdata::svcb::IpHint;
    use hickory_proto::rr::rdata::svcb::SvcParamKey;
    use std::net::Ipv4Addr;

    fn name(text: &str) -> Name {
        Name::from_ascii(text).unwrap()
    }

    fn record(owner: &str, data: RData) -> Record {
        Record::from_rdata(name(owner), 60, data)
    }

    fn alias(owner: &str, target: &str) -> Record {
        record(owner, RData::CNAME(CNAME(name(target))))
    }

    fn names_of(reached: &Reached) -> Vec<String> {
        reached.names.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn aliases_are_followed_in_any_order_and_loops_end() {
        let answers = [alias("b.", "c."), alias("a.", "b."), alias("c.", "a.")];
        assert_eq!(chain(&name("a."), &answers), [name("a."), name("b."), name("c.")]);
        assert_eq!(names_of(&reached(&name("a."), &answers)), ["b", "c", "a"]);
    }

    #[test]
    fn answers_are_in_the_order_of_the_chain() {
        let address = |owner: &str| record(owner, RData::A(Ipv4Addr::new(1, 2, 3, 4).into()));
        let mut answers = vec![address("c."), address("x."), alias("b.", "c."), alias("a.", "b.")];
        keep_chain(&name("a."), &mut answers);
        let owners: Vec<_> = answers.iter().map(|record| record.name.to_ascii()).collect();
        assert_eq!(owners, ["a.", "b.", "c."]);
    }

    #[test]
    fn names_are_compared_without_case() {
        let mut answers = vec![
            alias("A.Example.", "B.Example."),
            record("b.eXample.", RData::A(Ipv4Addr::new(1, 2, 3, 4).into())),
        ];
        keep_chain(&name("a.example."), &mut answers);
        assert_eq!(answers.len(), 2);
        assert_eq!(names_of(&reached(&name("a.example."), &answers)), ["b.example"]);
    }

    #[test]
    fn a_dname_stays_and_its_target_is_noted() {
        let data =
            RData::Unknown { code: RecordType::from(DNAME), rdata: NULL::with(b"\x03new\x00".to_vec()) };
        let mut answers =
            vec![record("old.", data.clone()), alias("x.old.", "x.new."), record("other.", data)];
        keep_chain(&name("x.old."), &mut answers);
        assert_eq!(answers.len(), 2);
        assert_eq!(names_of(&reached(&name("x.old."), &answers)), ["new", "x.new"]);
    }

    #[test]
    fn services_lead_to_their_targets_and_hints() {
        let hints = vec![
            (
                SvcParamKey::Ipv4Hint,
                SvcParamValue::Ipv4Hint(IpHint(vec![Ipv4Addr::new(192, 168, 0, 1).into()])),
            ),
            (SvcParamKey::Ipv6Hint, SvcParamValue::Ipv6Hint(IpHint(vec!["fd00::1".parse().unwrap()]))),
        ];
        let to = |target: &str| RData::HTTPS(HTTPS(SVCB::new(1, name(target), hints.clone())));
        let found = reached(&name("a."), &[record("a.", to("b."))]);
        assert_eq!(names_of(&found), ["b"]);
        let shown: Vec<_> = found.inside.iter().map(|(n, a)| format!("{n} {a}")).collect();
        assert_eq!(shown, ["b 192.168.0.1", "b fd00::1"]);
        let found = reached(&name("a."), &[record("a.", to("."))]);
        assert!(found.names.is_empty());
        assert_eq!(found.inside.len(), 2);
        assert_eq!(found.inside[0].0.to_string(), "a");
    }
}
