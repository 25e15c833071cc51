//! Tests of what is made of the validator's opinion.  That its opinion is right
//! is tested elsewhere, with signed zones.

use std::net::Ipv4Addr;

use hickory_proto::dnssec::Algorithm;
use hickory_proto::dnssec::rdata::RRSIG;
use hickory_proto::dnssec::rdata::sig::SigInput;
use hickory_proto::op::OpCode;
use hickory_proto::rr::SerialNumber;
use hickory_proto::rr::rdata::CNAME;
use hickory_proto::rr::rdata::NULL;
use hickory_proto::rr::rdata::SOA;

use super::*;

fn name(text: &str) -> Name {
    Name::from_ascii(text).unwrap()
}

fn record(owner: &str, data: RData, proof: Proof) -> Record {
    let mut record = Record::from_rdata(name(owner), 60, data);
    record.proof = proof;
    record
}

fn a(owner: &str, proof: Proof) -> Record {
    record(owner, RData::A(Ipv4Addr::new(192, 0, 2, 1).into()), proof)
}

fn alias(owner: &str, target: &str, proof: Proof) -> Record {
    record(owner, RData::CNAME(CNAME(name(target))), proof)
}

fn dname(owner: &str, target: &[u8], proof: Proof) -> Record {
    let data = RData::Unknown { code: RecordType::from(39), rdata: NULL::with(target.to_vec()) };
    record(owner, data, proof)
}

fn soa(proof: Proof) -> Record {
    record("example.", RData::SOA(SOA::new(Name::root(), Name::root(), 1, 1, 1, 1, 1)), proof)
}

fn nsec(owner: &str, next: &str, types: &[RecordType], proof: Proof) -> Record {
    let nsec = NSEC::new(name(next), types.iter().copied());
    record(owner, RData::DNSSEC(DNSSECRData::NSEC(nsec)), proof)
}

fn rrsig(owner: &str, labels: u8) -> Record {
    let input = SigInput {
        type_covered: RecordType::A,
        algorithm: Algorithm::ECDSAP256SHA256,
        num_labels: labels,
        original_ttl: 60,
        sig_expiration: SerialNumber::new(0),
        sig_inception: SerialNumber::new(0),
        key_tag: 1,
        signer_name: name("example."),
    };
    record(owner, RData::DNSSEC(DNSSECRData::RRSIG(RRSIG::from_sig(input, vec![0]))), Proof::Secure)
}

fn query(qname: &str) -> Query {
    Query::query(name(qname), RecordType::A)
}

fn reply(answers: Vec<Record>, authorities: Vec<Record>) -> Message {
    let mut reply = Message::response(0, OpCode::Query);
    reply.answers = answers;
    reply.authorities = authorities;
    reply
}

#[test]
fn a_reply_is_worth_as_much_as_its_least_record() {
    use Proof::Bogus;
    use Proof::Indeterminate;
    use Proof::Insecure;
    use Proof::Secure;
    for (first, second, expected) in [
        (Secure, Secure, Security::Secure),
        (Secure, Insecure, Security::Insecure),
        (Insecure, Bogus, Security::Bogus),
        (Secure, Bogus, Security::Bogus),
        (Secure, Indeterminate, Security::Bogus),
    ] {
        let answers = vec![alias("www.example.", "x.example.", first), a("x.example.", second)];
        assert_eq!(judge(&query("www.example."), &reply(answers, vec![])), expected);
        let authorities = vec![soa(first), nsec("a.example.", "z.example.", &[], second)];
        assert_eq!(judge(&query("www.example."), &reply(vec![], authorities)), expected);
    }
}

#[test]
fn signed_data_of_another_name_proves_nothing() {
    let reply = reply(vec![a("other.example.", Proof::Secure)], vec![]);
    assert!(!is_positive(&query("www.example."), &reply));
    assert!(!proves_wildcards(&query("www.example."), &reply));
    assert!(is_positive(&query("other.example."), &reply));
}

#[test]
fn an_alias_follows_from_a_signed_dname_only() {
    let target = b"\x03new\x07example\x00";
    for (proof, to, expected) in [
        (Proof::Secure, "a.b.new.example.", Security::Secure),
        (Proof::Secure, "a.evil.example.", Security::Bogus),
        (Proof::Bogus, "a.b.new.example.", Security::Bogus),
    ] {
        let answers = vec![
            dname("old.example.", target, proof),
            alias("a.b.old.example.", to, Proof::Bogus),
            a(to, Proof::Secure),
        ];
        assert_eq!(judge(&query("a.b.old.example."), &reply(answers, vec![])), expected, "{to}");
    }
    // Not for the owner itself (RFC 6672 section 2.3).
    let answers = vec![
        dname("old.example.", target, Proof::Secure),
        alias("old.example.", "new.example.", Proof::Bogus),
        a("new.example.", Proof::Secure),
    ];
    assert_eq!(judge(&query("old.example."), &reply(answers, vec![])), Security::Bogus);
}

#[test]
fn a_wildcard_needs_a_proof_that_nothing_is_closer() {
    const A: &[RecordType] = &[RecordType::A];
    const CUT: &[RecordType] = &[RecordType::NS];
    // The answer to x.y.w.example. is made of *.w.example.: its next closer
    // name is y.w.example.
    for (owner, next, types, proof, expected) in [
        ("*.w.example.", "z.example.", A, Proof::Secure, true),
        ("a.w.example.", "z.w.example.", A, Proof::Secure, true),
        // The last record of the zone leads back to its apex.
        ("*.w.example.", "example.", A, Proof::Secure, true),
        // Not good itself.
        ("*.w.example.", "z.example.", A, Proof::Insecure, false),
        ("*.w.example.", "z.example.", A, Proof::Bogus, false),
        // Another part of the zone.
        ("a.example.", "b.example.", A, Proof::Secure, false),
        // The next closer name exists: as a name, and as the parent of one.
        ("*.w.example.", "y.w.example.", A, Proof::Secure, false),
        ("*.w.example.", "a.y.w.example.", A, Proof::Secure, false),
        // Only the name asked for is covered, not the next closer one.
        ("y.w.example.", "z.w.example.", A, Proof::Secure, false),
        // Below a cut the parent has no say.
        ("w.example.", "z.example.", CUT, Proof::Secure, false),
        // Another zone.
        ("a.example.org.", "z.example.org.", A, Proof::Secure, false),
    ] {
        let answers = vec![a("x.y.w.example.", Proof::Secure), rrsig("x.y.w.example.", 2)];
        let reply = reply(answers, vec![nsec(owner, next, types, proof)]);
        assert_eq!(proves_wildcards(&query("x.y.w.example."), &reply), expected, "{owner} {next}");
    }
    let answers = vec![a("x.y.w.example.", Proof::Secure), rrsig("x.y.w.example.", 2)];
    assert!(!proves_wildcards(&query("x.y.w.example."), &reply(answers, vec![])));
}
