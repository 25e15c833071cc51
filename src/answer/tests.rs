//! Tests of the answer room; all read back what was sent.

use std::net::IpAddr;
use std::net::Ipv4Addr;
use std::sync::Arc;

use hickory_proto::op::Message;
use hickory_proto::op::MessageType;
use hickory_proto::op::OpCode;
use hickory_proto::op::ResponseCode;
use hickory_proto::rr::Name;
use hickory_proto::rr::RData;
use hickory_proto::rr::Record;
use hickory_proto::rr::RecordType;
use hickory_proto::rr::rdata::CNAME;
use hickory_proto::rr::rdata::SOA;
use hickory_proto::rr::rdata::TXT;
use hickory_proto::rr::rdata::opt::EdnsCode;
use hickory_proto::rr::rdata::opt::EdnsOption;
use proptest::prelude::*;

use super::*;
use crate::base::Client;
use crate::base::Clock;
use crate::base::Domain;
use crate::base::Place;
use crate::base::time::ManualClock;
use crate::policy::Said;
use crate::query::Edns as Theirs;
use crate::query::Query;
use crate::query::Rtype;
use crate::query::Transport;
use crate::resolve::AnswerData;
use crate::resolve::FailureKind;
use crate::resolve::Question;
use crate::resolve::names;

mod errors;

/// The name as the client wrote it.
const ASKED: &[u8] = b"\x05TrAck\x07eXample\x03cOm\x00";

fn query(qtype: Rtype, edns: impl Into<Option<Theirs>>) -> Query {
    let client = Client::new(IpAddr::V4(Ipv4Addr::LOCALHOST));
    let qname = Domain::from_wire(ASKED).unwrap();
    let plain = Query::new(client, qname, qtype, ManualClock::at(1_800_000_000).now());
    Query { id: 0xabcd, edns: edns.into(), qname_as_asked: ASKED.into(), ..plain }
}

fn edns(dnssec_ok: bool) -> Theirs {
    Theirs { udp_size: 4_096, dnssec_ok }
}

fn block(answer: BlockedAnswer) -> Blocked {
    Blocked { answer, ttl: 10, max_ttl: 10 }
}

fn ground() -> Ground {
    Ground::Said(Said::Exception { place: Place::new("config.toml".into(), 17), because: "mine".into() })
}

fn sent(query: &Query, answer: &Answer, blocked: Blocked) -> Message {
    Message::from_vec(&respond(query.borrowed(), answer, blocked).wire).unwrap()
}

fn ede(message: &Message) -> Option<(u16, String)> {
    match message.edns.as_ref()?.option(EdnsCode::Unknown(ede::OPTION))? {
        EdnsOption::Unknown(_, data) => {
            let (code, text) = data.split_first_chunk::<2>()?;
            Some((u16::from_be_bytes(*code), String::from_utf8(text.to_vec()).unwrap()))
        }
        _ => None,
    }
}

fn name(text: &str) -> Name {
    Name::from_ascii(text).unwrap()
}

fn a_record(owner: &str, ttl: u32) -> Record {
    Record::from_rdata(name(owner), ttl, RData::A(Ipv4Addr::new(192, 0, 2, 1).into()))
}

fn soa_record(ttl: u32, minimum: u32) -> Record {
    let soa = SOA::new(name("ns.example.com."), name("h.example.com."), 1, 2, 3, 4, minimum);
    Record::from_rdata(name("example.com."), ttl, RData::SOA(soa))
}

fn resolved(qtype: Rtype, answers: Vec<Record>, authorities: Vec<Record>, age: u32) -> Resolved {
    resolved_as(ASKED, qtype, answers, authorities, age)
}

fn resolved_as(
    asked: &[u8],
    qtype: Rtype,
    answers: Vec<Record>,
    authorities: Vec<Record>,
    age: u32,
) -> Resolved {
    let question =
        Question { name: Domain::from_wire(asked).unwrap(), rtype: qtype, checking_disabled: false };
    let data = AnswerData::new(&question, ResponseCode::NoError, answers, authorities, true);
    Resolved { data: Arc::new(data), age, origin: Origin::Cache }
}

//----------- Blocked ----------------------------------------------------------

/// A, AAAA, HTTPS, SVCB, TXT, ANY, MX, PTR, SOA, NS, and a type of nobody.
const TYPES: [u16; 11] = [1, 28, 65, 64, 16, 255, 15, 12, 6, 2, 65_280];

#[test]
fn every_form_answers_every_type() {
    for qtype in TYPES.map(Rtype) {
        for form in [
            BlockedAnswer::ZeroAddress,
            BlockedAnswer::NxDomain,
            BlockedAnswer::NoData,
            BlockedAnswer::Refused,
        ] {
            let query = query(qtype, edns(false));
            let message = sent(&query, &Answer::Blocked(ground()), block(form));
            assert_eq!(message.metadata.id, 0xabcd);
            assert_eq!(message.metadata.message_type, MessageType::Response);
            assert_eq!(message.metadata.op_code, OpCode::Query);
            assert!(message.metadata.recursion_desired && message.metadata.recursion_available);
            assert!(!message.metadata.authentic_data && !message.metadata.authoritative);
            assert_eq!(message.queries.len(), 1);
            let asked = message.queries[0].name();
            assert_eq!(asked.to_ascii(), "TrAck.eXample.cOm.");
            let addresses: Vec<_> = message.answers.iter().map(|r| r.data.to_string()).collect();
            let expected: &[&str] = match (form, qtype) {
                (BlockedAnswer::ZeroAddress, Rtype::A) => &["0.0.0.0"],
                (BlockedAnswer::ZeroAddress, Rtype::AAAA) => &["::"],
                (BlockedAnswer::ZeroAddress, Rtype::ANY) => &["0.0.0.0", "::"],
                _ => &[],
            };
            assert_eq!(addresses, expected, "{form:?} {qtype:?}");
            assert!(message.answers.iter().all(|r| r.ttl == 10 && r.name.eq_case(asked)));
            let rcode = match form {
                BlockedAnswer::NxDomain => ResponseCode::NXDomain,
                BlockedAnswer::Refused => ResponseCode::Refused,
                _ => ResponseCode::NoError,
            };
            assert_eq!(message.metadata.response_code, rcode);
            let negative = expected.is_empty() && form != BlockedAnswer::Refused;
            assert_eq!(message.authorities.len(), usize::from(negative), "{form:?} {qtype:?}");
            if negative {
                let soa = &message.authorities[0];
                let RData::SOA(data) = &soa.data else { panic!("{soa}") };
                assert_eq!((soa.ttl, data.minimum), (10, 10));
                assert_eq!(data.mname, name("localhost."));
                assert_eq!(data.rname, name("nobody.invalid."));
                let zone =
                    if form == BlockedAnswer::NxDomain { "example.com." } else { "track.example.com." };
                assert_eq!(soa.name, name(zone));
            }
            assert_eq!(ede(&message), Some((15, "config.toml:17 exception: mine".to_owned())));
        }
    }
}

#[test]
fn a_blocked_root_has_the_root_as_its_zone() {
    let mut query = query(Rtype::NS, None);
    query.qname = Domain::root();
    query.qname_as_asked = [0].into();
    let message = sent(&query, &Answer::Blocked(ground()), block(BlockedAnswer::NxDomain));
    assert_eq!(message.authorities[0].name, Name::root());
}

#[test]
fn who_speaks_no_edns_gets_none() {
    let message = sent(&query(Rtype::A, None), &Answer::Blocked(ground()), block(BlockedAnswer::NoData));
    assert!(message.edns.is_none());
    let message =
        sent(&query(Rtype::A, edns(true)), &Answer::Blocked(ground()), block(BlockedAnswer::NoData));
    let edns = message.edns.unwrap();
    assert_eq!((edns.max_payload(), edns.flags().dnssec_ok, edns.version()), (1_232, true, 0));
}

//----------- Resolved ---------------------------------------------------------

#[test]
fn ttls_count_down_and_stay_above_zero_while_fresh() {
    let records = vec![a_record("track.example.com.", 300), a_record("track.example.com.", 20)];
    let answer = Answer::Resolved(resolved(Rtype::A, records, vec![], 20));
    let message = sent(&query(Rtype::A, None), &answer, block(BlockedAnswer::NoData));
    let ttls: Vec<_> = message.answers.iter().map(|record| record.ttl).collect();
    assert_eq!(ttls, [280, 1]);
    assert_eq!(message.answers[0].name.to_ascii(), "TrAck.eXample.cOm.");
}

#[test]
fn stale_data_says_so_and_is_short_lived() {
    let mut stale = resolved(Rtype::A, vec![a_record("track.example.com.", 300)], vec![], 4_000);
    stale.origin = Origin::Stale;
    let message = sent(&query(Rtype::A, edns(false)), &Answer::Resolved(stale), block(BlockedAnswer::NoData));
    assert_eq!(message.answers[0].ttl, 30);
    assert_eq!(ede(&message), Some((3, String::new())));
}

#[test]
fn ad_is_for_secure_data_and_those_who_asked() {
    let answer = Answer::Resolved(resolved(Rtype::A, vec![a_record("track.example.com.", 300)], vec![], 0));
    for (dnssec_ok, ad, expected) in
        [(false, false, false), (true, false, true), (false, true, true), (true, true, true)]
    {
        let mut query = query(Rtype::A, edns(dnssec_ok));
        query.authentic_data = ad;
        let message = sent(&query, &answer, block(BlockedAnswer::NoData));
        assert_eq!(message.metadata.authentic_data, expected);
    }
}

#[test]
fn dnssec_records_are_for_those_who_asked() {
    use hickory_proto::dnssec::rdata::DNSSECRData;
    use hickory_proto::dnssec::rdata::NSEC;
    let nsec = NSEC::new_cover_self(name("z.example.com."), [RecordType::A]);
    let nsec = Record::from_rdata(name("b.example.com."), 60, RData::DNSSEC(DNSSECRData::NSEC(nsec)));
    let answers = vec![a_record("track.example.com.", 300)];
    let answer = Answer::Resolved(resolved(Rtype::A, answers, vec![soa_record(60, 60), nsec.clone()], 0));
    let form = block(BlockedAnswer::NoData);
    // A positive answer: nothing but the proof of the wildcard, and only with DO.
    assert!(sent(&query(Rtype::A, edns(false)), &answer, form).authorities.is_empty());
    let with_do = sent(&query(Rtype::A, edns(true)), &answer, form).authorities;
    assert_eq!(with_do.iter().map(Record::record_type).collect::<Vec<_>>(), [RecordType::NSEC]);
    // A negative one: its SOA for all.
    let answer = Answer::Resolved(resolved(Rtype::A, vec![], vec![soa_record(60, 60), nsec.clone()], 0));
    let without = sent(&query(Rtype::A, edns(false)), &answer, form).authorities;
    assert_eq!(without.iter().map(Record::record_type).collect::<Vec<_>>(), [RecordType::SOA]);
    assert_eq!(sent(&query(Rtype::A, edns(true)), &answer, form).authorities.len(), 2);
    // And whoever asks for NSEC gets NSEC.
    let nsec = Record::from_rdata(name("track.example.com."), 60, nsec.data);
    let answer = Answer::Resolved(resolved(Rtype(47), vec![nsec], vec![], 0));
    assert_eq!(sent(&query(Rtype(47), edns(false)), &answer, form).answers.len(), 1);
}

#[test]
fn an_alias_that_ends_in_nothing_keeps_its_soa() {
    let alias = RData::CNAME(CNAME(name("nothing.example.com.")));
    let alias = Record::from_rdata(name("track.example.com."), 300, alias);
    let answer = Answer::Resolved(resolved(Rtype::AAAA, vec![alias], vec![soa_record(600, 40)], 15));
    let message = sent(&query(Rtype::AAAA, None), &answer, block(BlockedAnswer::NoData));
    assert_eq!(message.answers.len(), 1);
    assert_eq!(message.authorities[0].ttl, 25);
}

//----------- Sizes ------------------------------------------------------------

fn texts(count: usize, length: usize) -> Vec<Record> {
    let text = "t".repeat(length);
    (0..count)
        .map(|nth| {
            let txt = TXT::new(vec![format!("{nth}"), text.clone()]);
            Record::from_rdata(name("track.example.com."), 300, RData::TXT(txt))
        })
        .collect()
}

#[test]
fn the_limit_is_what_the_client_says_within_reason() {
    for (theirs, limit) in [
        (None, 512),
        (Some(0), 512),
        (Some(512), 512),
        (Some(800), 800),
        (Some(1_232), 1_232),
        (Some(65_535), 1_232),
    ] {
        let edns = theirs.map(|udp_size| Theirs { udp_size, dnssec_ok: false });
        let query = query(Rtype::A, edns);
        assert_eq!(super::limit(query.borrowed()), limit);
        let tcp = Query { transport: Transport::Tcp, ..query };
        assert_eq!(super::limit(tcp.borrowed()), 65_535);
    }
}

#[test]
fn what_does_not_fit_is_cut_and_says_so() {
    let answer = Answer::Resolved(resolved(Rtype::TXT, texts(10, 200), vec![], 0));
    let query = query(Rtype::TXT, edns(false));
    let cut = sent(&query, &answer, block(BlockedAnswer::NoData));
    assert!(cut.metadata.truncation && cut.answers.is_empty());
    assert!(cut.edns.is_some() && cut.queries.len() == 1);
    let query = Query { transport: Transport::Tcp, ..query };
    let whole = sent(&query, &answer, block(BlockedAnswer::NoData));
    assert!(!whole.metadata.truncation);
    assert_eq!(whole.answers.len(), 10);
    // Even a stream holds 64 KiB only.
    let answer = Answer::Resolved(resolved(Rtype::TXT, texts(400, 200), vec![], 0));
    let cut = sent(&query, &answer, block(BlockedAnswer::NoData));
    assert!(cut.metadata.truncation && cut.answers.is_empty());
}

proptest! {
    #[test]
    fn no_response_exceeds_its_limit(
        count in 0usize..40,
        length in 0usize..250,
        limit in 0usize..5_000,
        with_edns: bool,
        detail in ".{0,300}",
        qname in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 1..60), 0..4),
        fail: bool,
    ) {
        let mut wire = Vec::new();
        for label in &qname {
            wire.push(u8::try_from(label.len()).unwrap());
            wire.extend_from_slice(label);
        }
        wire.push(0);
        let mut query = query(Rtype::TXT, with_edns.then_some(Theirs { udp_size: 1, dnssec_ok: true }));
        query.qname = Domain::from_wire(&wire).unwrap();
        query.qname_as_asked = wire.clone().into();
        let answer = if fail {
            Answer::Failed(Failure { kind: FailureKind::Limit, detail, origin: Origin::Cache })
        } else {
            let mut records = texts(count, length);
            for record in &mut records {
                record.name = names::from_wire(&wire);
            }
            Answer::Resolved(resolved_as(&wire, Rtype::TXT, records, vec![], 0))
        };
        let mut sent = Vec::new();
        write(query.borrowed(), &answer, block(BlockedAnswer::NxDomain), limit, &mut sent);
        prop_assert!(sent.len() <= limit.max(512));
        let message = Message::from_vec(&sent).unwrap();
        prop_assert_eq!(message.metadata.id, 0xabcd);
        prop_assert_eq!(&sent[12..12 + wire.len()], &wire[..]);
        prop_assert_eq!(message.edns.is_some(), with_edns);
        prop_assert!(message.metadata.truncation || fail || message.answers.len() == count);
    }

    #[test]
    fn turning_away_always_makes_a_message(
        id: u16,
        flags: u16,
        question in proptest::option::of(proptest::collection::vec(any::<u8>(), 0..400)),
        rcode in 0u16..24,
        edns: bool,
    ) {
        let wire = turn_away(id, flags, question.as_deref(), rcode, edns);
        prop_assert!(wire.len() <= 512);
        prop_assert_eq!(&wire[..2], &id.to_be_bytes()[..]);
        prop_assert!(wire[2] & 0x80 != 0);
        prop_assert_eq!((wire[2] ^ flags.to_be_bytes()[0]) & 0x79, 0);
    }
}

#[test]
fn turning_away_can_be_read_back() {
    let question = [ASKED, &[0, 1, 0, 1]].concat();
    for (rcode, edns, has_opt) in [(1, false, false), (4, false, false), (5, true, true), (16, true, true)] {
        let wire = turn_away(7, 0x0100, Some(&question), rcode, edns);
        let message = Message::from_vec(&wire).unwrap();
        assert_eq!(u16::from(message.metadata.response_code), rcode);
        assert_eq!(message.edns.is_some(), has_opt);
        assert_eq!(message.queries[0].name().to_ascii(), "TrAck.eXample.cOm.");
        assert!(message.metadata.recursion_desired);
    }
}
