//! Servers and zones that are odd, as they are found outside, and not hostile.

use hickory_proto::dnssec::rdata::DNSSECRData;
use hickory_proto::dnssec::rdata::NSEC;
use hickory_proto::dnssec::rdata::RRSIG;
use hickory_proto::op::ResponseCode;
use hickory_proto::rr::RData;
use hickory_proto::rr::Record;
use hickory_proto::rr::RecordType;

use super::COM;
use super::EXAMPLE;
use super::House;
use super::OTHER;
use super::USUAL;
use super::USUAL_COM;
use super::dnssec::NOW;
use super::dnssec::Signed;
use super::dnssec::is_asked;
use super::dnssec::record_soa;
use super::internet;
use super::internet::Zone;
use super::internet::answer;
use super::internet::name;
use super::internet::record;
use super::internet::reply_to;
use super::signed::Key;
use crate::query::Rtype;
use crate::resolve::FailureKind;
use crate::resolve::Flaw;
use crate::resolve::Question;
use crate::resolve::iterate::found::signature;
use crate::resolve::upstream::Upstream;

//----------- servers ----------------------------------------------------------

#[tokio::test(start_paused = true)]
async fn a_server_that_wants_another_version_of_edns_is_asked_without() {
    for rcode in [ResponseCode::BADVERS, ResponseCode::FormErr, ResponseCode::NotImp] {
        let mut internet = internet(USUAL_COM, USUAL);
        internet.script(EXAMPLE, move |query, _| {
            let mut reply = reply_to(query);
            if reply.edns.is_some() {
                reply.metadata.response_code = rcode;
            } else {
                reply = answer(&[Zone::read("example.com.", USUAL)], query);
            }
            vec![reply.to_vec().unwrap()]
        });
        let house = House::new(internet);
        assert_eq!(house.data("www.example.com").await, ["192.0.2.1"], "{rcode}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_name_of_a_server_may_be_an_alias() {
    let net = "net. NS a.gtld.
        alias.net. CNAME ns.net.
        twice.net. CNAME alias.net.
        loop.net. CNAME loop.net.
        ns.net. A 10.0.1.1";
    for (server, found) in [("alias.net.", true), ("twice.net.", true), ("loop.net.", false)] {
        let mut internet = internet(USUAL_COM, USUAL);
        let com = format!("com. NS a.gtld.\n example.com. NS {server}");
        internet.serve(COM, &[("com.", &com), ("net.", net)]);
        let house = House::new(internet);
        assert_eq!(house.ask("www.example.com").await.is_ok(), found, "{server}");
        assert!(house.internet.packets() < 12, "{:?}", house.internet.asked);
    }
}

#[tokio::test(start_paused = true)]
async fn servers_that_are_in_their_own_zone_and_nowhere_else_are_given_up() {
    let house = House::new(internet("com. NS a.gtld.\n example.com. NS ns.example.com.", USUAL));
    let failure = house.ask("www.example.com").await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Unreachable);
    assert!(house.internet.packets() < 6, "{:?}", house.internet.asked);
    // One of two with an address is enough.
    let com = "com. NS a.gtld.\n example.com. NS ns0.example.com.\n example.com. NS ns.example.com.
        ns.example.com. A 10.0.1.1";
    let house = House::new(internet(com, USUAL));
    assert_eq!(house.data("www.example.com").await, ["192.0.2.1"]);
}

#[tokio::test(start_paused = true)]
async fn servers_may_be_reached_over_ipv6_alone() {
    for glue in [true, false] {
        let com = if glue {
            "com. NS a.gtld.\n example.com. NS ns.example.com.\n ns.example.com. AAAA 2001:470::1"
        } else {
            "com. NS a.gtld.\n example.com. NS ns.net."
        };
        let mut internet = internet(com, USUAL);
        internet.serve(COM, &[("com.", com), ("net.", "net. NS a.gtld.\n ns.net. AAAA 2001:470::1")]);
        internet.serve("2001:470::1", &[("example.com.", USUAL)]);
        let house = House::new(internet);
        assert_eq!(house.data("www.example.com").await, ["192.0.2.1"], "{glue}");
    }
}

#[tokio::test(start_paused = true)]
async fn who_sends_us_up_or_aside_is_followed_by_the_next() {
    let com = "com. NS a.gtld.\n example.com. NS ns.example.com.\n example.com. NS ns2.example.com.
        ns.example.com. A 10.0.1.1\n ns2.example.com. A 10.0.1.2";
    for leads in [". NS a.root.", "com. NS a.gtld.", "example.com. NS ns.example.com.", "net. NS a.gtld."] {
        for authority in [true, false] {
            // With authority, some say so that there is no such data.
            let is_up = leads.starts_with(['.', 'c']);
            if authority && !is_up {
                continue;
            }
            let mut internet = internet(com, USUAL);
            internet.script(EXAMPLE, move |query, _| {
                let mut reply = reply_to(query);
                reply.metadata.authoritative = authority;
                reply.add_authority(record(leads));
                vec![reply.to_vec().unwrap()]
            });
            internet.serve(OTHER, &[("example.com.", USUAL)]);
            let house = House::new(internet);
            for nth in 0..4 {
                let told = house.data("www.example.com").await;
                assert_eq!(told, ["192.0.2.1"], "{leads} {authority} {nth}");
                house.internet.clock.advance(std::time::Duration::from_secs(400));
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_reply_about_something_else_is_followed_by_the_next() {
    let com = "com. NS a.gtld.\n example.com. NS ns.example.com.\n example.com. NS ns2.example.com.
        ns.example.com. A 10.0.1.1\n ns2.example.com. A 10.0.1.2";
    let mut internet = internet(com, USUAL);
    internet.script(EXAMPLE, move |query, _| {
        let mut reply = reply_to(query);
        reply.metadata.authoritative = true;
        reply.add_answer(record("other.example.com. A 192.0.2.66"));
        vec![reply.to_vec().unwrap()]
    });
    internet.serve(OTHER, &[("example.com.", USUAL)]);
    let house = House::new(internet);
    for _ in 0..4 {
        assert_eq!(house.data("www.example.com").await, ["192.0.2.1"]);
        house.internet.clock.advance(std::time::Duration::from_secs(400));
    }
}

//----------- zones ------------------------------------------------------------

#[tokio::test(start_paused = true)]
async fn of_two_aliases_of_one_name_the_first_counts() {
    let zone = "ns.example.com. A 10.0.1.1
        two.example.com. CNAME www.example.com.
        two.example.com. CNAME other.example.com.
        www.example.com. A 192.0.2.1
        other.example.com. A 192.0.2.2";
    let house = House::new(internet(USUAL_COM, zone));
    assert_eq!(house.data("two.example.com").await, ["www.example.com.", "192.0.2.1"]);
}

#[tokio::test(start_paused = true)]
async fn an_alias_at_the_apex_hides_no_keys() {
    let zone = "example.com. NS ns.example.com.
        example.com. CNAME www.plain.com.
        ns.example.com. A 10.0.1.1
        www.example.com. A 192.0.2.1";
    let signed = Signed::of(zone, |query, reply, _| {
        if is_asked(query, RecordType::DNSKEY) {
            reply.answers.retain(|record| record.record_type() != RecordType::CNAME);
        }
    });
    assert_eq!(signed.get("example.com").await.0, ResponseCode::NoError);
    let (rcode, secure, _) = signed.get("www.example.com").await;
    assert_eq!((rcode, secure), (ResponseCode::NoError, true));
}

#[tokio::test(start_paused = true)]
async fn nothing_may_be_said_in_the_compact_way() {
    // RFC 9824: the name is there and has nothing, not even itself.
    for (types, of) in [
        (&[RecordType::RRSIG, RecordType::NSEC, RecordType::Unknown(128)][..], Rtype::A),
        (&[RecordType::RRSIG, RecordType::NSEC], Rtype::A),
        (&[RecordType::A, RecordType::RRSIG, RecordType::NSEC], Rtype::AAAA),
    ] {
        let types = types.to_vec();
        let signed = Signed::spoiled(move |query, reply, key: &Key| {
            if is_asked(query, RecordType::DNSKEY) {
                return;
            }
            let qname = query.queries[0].name().to_lowercase();
            let nsec = NSEC::new(qname.prepend_label(&b"\0"[..]).unwrap(), types.iter().copied());
            let nsec = Record::from_rdata(qname, 60, RData::DNSSEC(DNSSECRData::NSEC(nsec)));
            reply.metadata.response_code = ResponseCode::NoError;
            reply.answers.clear();
            reply.authorities.clear();
            for record in [record_soa(), nsec] {
                let rrsig = key.sign(&name("example.com."), std::slice::from_ref(&record), NOW, |_| {});
                reply.authorities.extend([record, rrsig]);
            }
        });
        let ask =
            |text: &str, rtype| Question { name: text.parse().unwrap(), rtype, checking_disabled: false };
        for host in ["nothing.example.com", "x.nothing.example.com"] {
            let house = &signed.house;
            let data = house.recursion.fetch(&ask(host, of), house.now()).await.unwrap();
            assert_eq!((data.rcode, data.secure), (ResponseCode::NoError, true), "{host}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_zone_may_be_signed_with_one_key_whatever_its_sep_bit() {
    let signed = Signed::of_key(Key { flags: 256, ..Key::new() });
    let (rcode, secure, _) = signed.get("www.example.com").await;
    assert_eq!((rcode, secure), (ResponseCode::NoError, true));
}

#[tokio::test(start_paused = true)]
async fn no_signature_is_stretched() {
    // The TTL is above the one that was signed.
    let signed = Signed::spoiled(|_, reply, _| {
        for record in &mut reply.answers {
            record.ttl = 80_000;
        }
    });
    let data = signed.house.ask("www.example.com").await.unwrap();
    assert_eq!((data.secure, data.ttl), (true, 300));
}

#[tokio::test(start_paused = true)]
async fn signatures_of_fewer_or_more_labels_than_the_name_are_no_good() {
    // One of two labels is of `*.example.com`, and it is not proven that there is no
    // nearer name.
    for (made_of, says, flaw) in [(2, 2, Flaw::NoProof), (3, 4, Flaw::Other), (3, 2, Flaw::Other)] {
        let signed = Signed::spoiled(move |query, reply, key| {
            if is_asked(query, RecordType::A) && !reply.answers.is_empty() {
                let set = [record("www.example.com. A 192.0.2.1")];
                let rrsig = key.sign(&name("example.com."), &set, NOW, |input| input.num_labels = made_of);
                let mut input = signature(&rrsig).unwrap().input().clone();
                input.num_labels = says;
                let octets = signature(&rrsig).unwrap().sig().to_vec();
                let data = RData::DNSSEC(DNSSECRData::RRSIG(RRSIG::from_sig(input, octets)));
                reply.answers = vec![set[0].clone(), Record::from_rdata(rrsig.name, 300, data)];
            }
        });
        assert_eq!(signed.flaw("www.example.com").await, flaw, "{made_of} {says}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_zones_say_of_themselves_can_be_asked_for() {
    let signed = Signed::new();
    for (text, rtype, secure) in [
        ("example.com", RecordType::DNSKEY, true),
        ("example.com", RecordType::NS, true),
        ("com", RecordType::DS, true),
    ] {
        let rtype = Rtype(rtype.into());
        let question = Question { name: text.parse().unwrap(), rtype, checking_disabled: false };
        let data = signed.house.recursion.fetch(&question, signed.house.now()).await.unwrap();
        assert_eq!((data.rcode, data.secure), (ResponseCode::NoError, secure), "{text} {rtype:?}");
    }
}
