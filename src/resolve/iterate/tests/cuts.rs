//! Cuts between zones: parent and child on one server, DS records asked for by
//! name, islands of security, and who can't be asked for keys.

use std::sync::Arc;
use std::sync::atomic::AtomicI64;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hickory_proto::dnssec::PublicKey;
use hickory_proto::op::Message;
use hickory_proto::op::ResponseCode;
use hickory_proto::rr::RecordType;

use super::COM;
use super::EXAMPLE;
use super::House;
use super::OTHER;
use super::ROOT;
use super::ROOT_ZONE;
use super::dnssec::COM_ZONE;
use super::dnssec::NOW;
use super::dnssec::Signed;
use super::dnssec::is_asked;
use super::internet::Internet;
use super::internet::Zone;
use super::internet::answer;
use super::signed::Key;
use super::signed::SignedZone;
use crate::query::Rtype;
use crate::resolve::AnswerData;
use crate::resolve::Failure;
use crate::resolve::FailureKind;
use crate::resolve::File;
use crate::resolve::Question;
use crate::resolve::Settings;
use crate::resolve::rootkeys::RootKeys;
use crate::resolve::upstream::Upstream;

/// A server's zones, signed and unsigned.
struct Zones {
    signed: Vec<SignedZone>,
    plain: Vec<Zone>,
}

impl Zones {
    /// Answers from the zone nearest to the name; DS records are the parent's.
    fn answer(&self, query: &Message) -> Message {
        let question = &query.queries[0];
        let (name, is_ds) = (question.name().to_lowercase(), question.query_type() == RecordType::DS);
        let length = |apex: &hickory_proto::rr::Name| {
            (apex.zone_of(&name) && !(is_ds && *apex == name && !name.is_root())).then(|| apex.iter().len())
        };
        let signed = self.signed.iter().filter_map(|zone| Some((length(zone.apex())?, zone)));
        let signed = signed.max_by_key(|(length, _)| *length);
        let plain = self.plain.iter().filter_map(|zone| length(&zone.apex)).max();
        match signed {
            Some((length, zone)) if plain.is_none_or(|plain| plain < length) => zone.answer(query),
            _ => answer(&self.plain, query),
        }
    }
}

const PARENT: &str = "example.com. NS ns.example.com.
    ns.example.com. A 10.0.1.1
    www.example.com. A 192.0.2.1
    signed.example.com. NS ns.example.com.
    open.example.com. NS ns.example.com.";

const PLAIN: &str = "plain.com. NS ns.plain.com.
    ns.plain.com. A 10.0.1.2
    www.plain.com. A 192.0.2.2
    island.plain.com. NS ns.plain.com.";

/// A house in an Internet in which one server has a signed zone and two below it,
/// one of them signed, and another an unsigned zone with a signed one below.
fn house(change: impl FnOnce(&mut Settings, &Key)) -> House {
    let now = Arc::new(AtomicI64::new(NOW));
    let [root_key, com_key, key, child_key, island_key] = std::array::from_fn(|_| Key::new());
    let zone = |apex, text, key: &Key, below: &[_]| SignedZone::new(apex, text, key, below, &now);
    let of = |signed, plain| Zones { signed, plain };
    let child = "signed.example.com. NS ns.example.com.\n www.signed.example.com. A 192.0.2.3";
    let island = "island.plain.com. NS ns.plain.com.\n www.island.plain.com. A 192.0.2.4";
    let open = Zone::read(
        "open.example.com.",
        "open.example.com. NS ns.example.com.
        www.open.example.com. A 192.0.2.5",
    );
    let servers = [
        (ROOT, of(vec![zone(".", ROOT_ZONE, &root_key, &[com_key.ds("com.")])], vec![])),
        (COM, of(vec![zone("com.", COM_ZONE, &com_key, &[key.ds("example.com.")])], vec![])),
        (
            EXAMPLE,
            of(
                vec![
                    zone("example.com.", PARENT, &key, &[child_key.ds("signed.example.com.")]),
                    zone("signed.example.com.", child, &child_key, &[]),
                ],
                vec![open],
            ),
        ),
        (
            OTHER,
            of(
                vec![zone("island.plain.com.", island, &island_key, &[])],
                vec![Zone::read("plain.com.", PLAIN)],
            ),
        ),
    ];
    let mut internet = Internet::new();
    for (address, zones) in servers {
        internet.script(address, move |query, _| vec![zones.answer(query).to_vec().unwrap()]);
    }
    let trusted = RootKeys::of([root_key.dnskey()].into_iter());
    House::trusting(internet, trusted, |settings| {
        settings.dnssec = true;
        change(settings, &island_key);
    })
}

impl House {
    async fn get(&self, name: &str, rtype: Rtype, cd: bool) -> Result<AnswerData, Failure> {
        let question = Question { name: name.parse().unwrap(), rtype, checking_disabled: cd };
        self.recursion.fetch(&question, self.now()).await
    }

    async fn told(&self, name: &str, rtype: Rtype) -> (ResponseCode, bool, usize) {
        let data = self.get(name, rtype, false).await.unwrap();
        (data.rcode, data.secure, data.message().answers.len())
    }
}

#[tokio::test(start_paused = true)]
async fn parent_and_child_may_be_on_one_server() {
    let house = house(|_, _| {});
    for (name, rcode, secure) in [
        ("www.signed.example.com", ResponseCode::NoError, true),
        ("nothing.signed.example.com", ResponseCode::NXDomain, true),
        ("www.open.example.com", ResponseCode::NoError, false),
        ("nothing.open.example.com", ResponseCode::NXDomain, false),
        ("www.example.com", ResponseCode::NoError, true),
        ("nothing.example.com", ResponseCode::NXDomain, true),
    ] {
        let (there, is_secure, _) = house.told(name, Rtype::A).await;
        assert_eq!((there, is_secure), (rcode, secure), "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn each_side_of_a_cut_is_asked_for_what_is_its_own() {
    let (ds, dnskey) = (Rtype(43), Rtype(48));
    for (name, rtype, secure, count) in [
        ("signed.example.com", ds, true, 2),
        ("open.example.com", ds, true, 0),
        (".", ds, true, 0),
        ("com", ds, true, 2),
        ("example.com", ds, true, 2),
        ("www.example.com", ds, true, 0),
        ("plain.com", ds, true, 0),
        // Its parent is not signed.
        ("island.plain.com", ds, false, 0),
        ("signed.example.com", dnskey, true, 2),
        ("open.example.com", dnskey, false, 0),
        ("www.example.com", dnskey, true, 0),
        ("signed.example.com", Rtype::NS, true, 2),
        ("open.example.com", Rtype::NS, false, 1),
    ] {
        // What was asked before makes no difference.
        for before in [None, Some(Rtype::A), Some(Rtype::NS), Some(ds), Some(dnskey)] {
            let house = house(|_, _| {});
            if let Some(before) = before {
                let _ = house.get(name, before, false).await;
            }
            let told = house.told(name, rtype).await;
            assert_eq!(told, (ResponseCode::NoError, secure, count), "{name} {rtype:?} after {before:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_island_is_secure_where_its_key_is_trusted_and_only_there() {
    let plain = house(|_, _| {});
    assert_eq!(plain.told("www.island.plain.com", Rtype::A).await, (ResponseCode::NoError, false, 2));
    let trusting = |wrong: bool| {
        house(move |settings, key| {
            let key = if wrong { Key::new().dnskey() } else { key.dnskey() };
            let octets = STANDARD.encode(key.public_key().public_bytes());
            let text = format!("island.plain.com. DNSKEY 257 3 15 {octets}");
            settings.trust_anchor = Some(File { name: "anchors".into(), text });
        })
    };
    let house = trusting(false);
    for (name, rcode, secure) in [
        ("www.island.plain.com", ResponseCode::NoError, true),
        ("nothing.island.plain.com", ResponseCode::NXDomain, true),
        ("www.plain.com", ResponseCode::NoError, false),
        ("nothing.plain.com", ResponseCode::NXDomain, false),
        // Signed, by keys that nobody trusts.
        ("www.example.com", ResponseCode::NoError, false),
    ] {
        let (there, is_secure, _) = house.told(name, Rtype::A).await;
        assert_eq!((there, is_secure), (rcode, secure), "{name}");
    }
    // Its DS records are its parent's.
    assert_eq!(house.told("island.plain.com", Rtype(43)).await, (ResponseCode::NoError, false, 0));
    let wrong = trusting(true);
    let failure = wrong.get("www.island.plain.com", Rtype::A, false).await.unwrap_err();
    assert!(matches!(failure.kind, FailureKind::Bogus(_)), "{failure}");
    assert!(!wrong.told("www.plain.com", Rtype::A).await.1);
}

#[tokio::test(start_paused = true)]
async fn who_cannot_be_asked_for_keys_is_out_of_reach_and_neither_bogus_nor_insecure() {
    let (now, root_key, com_key, key) = (Arc::new(AtomicI64::new(NOW)), Key::new(), Key::new(), Key::new());
    let root = SignedZone::new(".", ROOT_ZONE, &root_key, &[com_key.ds("com.")], &now);
    let com = SignedZone::new("com.", COM_ZONE, &com_key, &[key.ds("example.com.")], &now);
    let example = SignedZone::new("example.com.", PARENT, &key, &[], &now);
    let mut internet = Internet::new();
    for (address, zone) in [(ROOT, root), (COM, com)] {
        internet.script(address, move |query, _| vec![zone.answer(query).to_vec().unwrap()]);
    }
    internet.script(EXAMPLE, move |query, _| {
        let reply = example.answer(query).to_vec().unwrap();
        if is_asked(query, RecordType::DNSKEY) { vec![] } else { vec![reply] }
    });
    let trusted = RootKeys::of([root_key.dnskey()].into_iter());
    let house = House::trusting(internet, trusted, |settings| settings.dnssec = true);
    let failure = house.ask("www.example.com").await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Timeout, "{failure}");
    // Who does not want checks has what there is.
    assert_eq!(house.get("www.example.com", Rtype::A, true).await.unwrap().addresses().len(), 1);
    assert_eq!(house.ask("www.example.com").await.unwrap_err().kind, FailureKind::Timeout);
}

#[tokio::test(start_paused = true)]
async fn what_was_asked_for_without_checks_is_checked_for_the_next() {
    for without_first in [true, false] {
        let signed = Signed::spoiled(|query, reply, _| {
            if is_asked(query, RecordType::A) {
                reply.answers.retain(|record| record.record_type() != RecordType::RRSIG);
            }
        });
        for cd in [without_first, !without_first, without_first] {
            let told = signed.house.get("www.example.com", Rtype::A, cd).await;
            assert_eq!(told.is_ok(), cd);
            assert!(told.is_err() || !told.unwrap().secure);
        }
    }
}
