//! One server of two has bad data, and the other is asked.

use std::sync::Arc;
use std::sync::atomic::AtomicI64;

use hickory_proto::dnssec::rdata::DNSSECRData;
use hickory_proto::dnssec::rdata::DS;
use hickory_proto::op::Message;
use hickory_proto::op::ResponseCode;
use hickory_proto::rr::Name;
use hickory_proto::rr::RData;
use hickory_proto::rr::RecordType;

use super::COM;
use super::EXAMPLE;
use super::House;
use super::OTHER;
use super::ROOT;
use super::dnssec::NOW;
use super::dnssec::is_asked;
use super::internet::Internet;
use super::signed::Key;
use super::signed::SignedZone;
use crate::resolve::iterate::found::covered;
use crate::resolve::rootkeys::RootKeys;

/// The other servers of `com` and `example.com`.
const COM_2: &str = "10.0.0.3";
const EXAMPLE_2: &str = "10.0.1.3";

const ROOT_ZONE: &str = ". NS a.root.
    a.root. A 10.0.0.1
    com. NS a.gtld.
    com. NS b.gtld.
    a.gtld. A 10.0.0.2
    b.gtld. A 10.0.0.3";

const COM_ZONE: &str = "com. NS a.gtld.
    com. NS b.gtld.
    example.com. NS ns.example.com.
    example.com. NS ns2.example.com.
    ns.example.com. A 10.0.1.1
    ns2.example.com. A 10.0.1.3
    plain.com. NS ns.plain.com.
    ns.plain.com. A 10.0.1.2";

const ZONE: &str = "example.com. NS ns.example.com.
    example.com. NS ns2.example.com.
    ns.example.com. A 10.0.1.1
    ns2.example.com. A 10.0.1.3
    www.example.com. A 192.0.2.1";

/// What the servers do that have bad data.
type Spoil = fn(&Name, &Message, &mut Message);

/// Returns a house in an Internet in which each zone has a server that is good and
/// one that is not.
fn house(spoil: Spoil) -> House {
    let (now, root_key, com_key, key) = (Arc::new(AtomicI64::new(NOW)), Key::new(), Key::new(), Key::new());
    let root = SignedZone::new(".", ROOT_ZONE, &root_key, &[com_key.ds("com.")], &now);
    let com = SignedZone::new("com.", COM_ZONE, &com_key, &[key.ds("example.com.")], &now);
    let example = SignedZone::new("example.com.", ZONE, &key, &[], &now);
    let mut internet = Internet::new();
    internet.script(ROOT, move |query, _| vec![root.answer(query).to_vec().unwrap()]);
    for (good, bad, zone) in [(COM, COM_2, Arc::new(com)), (EXAMPLE, EXAMPLE_2, Arc::new(example))] {
        let same = Arc::clone(&zone);
        internet.script(good, move |query, _| vec![same.answer(query).to_vec().unwrap()]);
        internet.script(bad, move |query, _| {
            let mut reply = zone.answer(query);
            spoil(zone.apex(), query, &mut reply);
            vec![reply.to_vec().unwrap()]
        });
    }
    internet.serve(OTHER, &[("plain.com.", "www.plain.com. A 192.0.2.3\n ns.plain.com. A 10.0.1.2")]);
    let trusted = RootKeys::of([root_key.dnskey()].into_iter());
    House::trusting(internet, trusted, |settings| settings.dnssec = true)
}

/// Takes away what is of a type, and what signs it.
fn strip(reply: &mut Message, rtype: RecordType) {
    for section in [&mut reply.answers, &mut reply.authorities] {
        section.retain(|record| record.record_type() != rtype && covered(record) != rtype);
    }
}

/// Puts another digest in the place of each.
fn forge_ds(reply: &mut Message) {
    for record in reply.answers.iter_mut().chain(&mut reply.authorities) {
        if let RData::DNSSEC(DNSSECRData::DS(ds)) = &record.data {
            let forged = DS::new(ds.key_tag(), ds.algorithm(), ds.digest_type(), vec![7; 32]);
            record.data = RData::DNSSEC(DNSSECRData::DS(forged));
        }
    }
}

fn strip_signatures(reply: &mut Message) {
    for section in [&mut reply.answers, &mut reply.authorities] {
        section.retain(|record| record.record_type() != RecordType::RRSIG);
    }
}

#[tokio::test(start_paused = true)]
async fn one_server_with_bad_data_makes_nothing_bogus() {
    let spoils: [(&str, Spoil); 8] = [
        ("forged DS", |_, _, reply| forge_ds(reply)),
        ("no DS", |_, _, reply| strip(reply, RecordType::DS)),
        ("no DS in referrals", |_, query, reply| {
            if !is_asked(query, RecordType::DS) {
                strip(reply, RecordType::DS);
            }
        }),
        ("no NSEC", |_, _, reply| strip(reply, RecordType::NSEC)),
        ("no keys", |_, _, reply| strip(reply, RecordType::DNSKEY)),
        ("unsigned keys", |_, query, reply| {
            if is_asked(query, RecordType::DNSKEY) {
                strip_signatures(reply);
            }
        }),
        ("no signatures in com", |apex, _, reply| {
            if apex.iter().len() == 1 {
                strip_signatures(reply);
            }
        }),
        ("no signatures", |_, _, reply| strip_signatures(reply)),
    ];
    for (which, spoil) in spoils {
        // Which of two is asked first is chance.
        for _ in 0..6 {
            let house = house(spoil);
            for (name, rcode, secure) in [
                ("www.plain.com", ResponseCode::NoError, false),
                ("www.example.com", ResponseCode::NoError, true),
                ("nothing.example.com", ResponseCode::NXDomain, true),
                ("nothing.com", ResponseCode::NXDomain, true),
            ] {
                let data = house.ask(name).await.unwrap_or_else(|why| panic!("{which}, {name}: {why}"));
                assert_eq!((data.rcode, data.secure), (rcode, secure), "{which}, {name}");
            }
            assert!(house.internet.packets() < 50, "{which}: {:?}", house.internet.asked);
        }
    }
}
