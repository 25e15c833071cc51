//! Signed zones, and what can be wrong with them.

use std::sync::Arc;
use std::sync::atomic::AtomicI64;

use hickory_proto::dnssec::Algorithm;
use hickory_proto::dnssec::DigestType;
use hickory_proto::dnssec::rdata::DNSSECRData;
use hickory_proto::dnssec::rdata::DS;
use hickory_proto::dnssec::rdata::NSEC;
use hickory_proto::op::Message;
use hickory_proto::op::ResponseCode;
use hickory_proto::rr::Name;
use hickory_proto::rr::RData;
use hickory_proto::rr::Record;
use hickory_proto::rr::RecordType;

use super::COM;
use super::EXAMPLE;
use super::House;
use super::OTHER;
use super::ROOT;
use super::ROOT_ZONE;
use super::internet::Internet;
use super::internet::name;
use super::signed::Key;
use super::signed::SignedZone;
use crate::query::Rtype;
use crate::resolve::AnswerData;
use crate::resolve::FailureKind;
use crate::resolve::Flaw;
use crate::resolve::Question;
use crate::resolve::Settings;
use crate::resolve::Unsupported;
use crate::resolve::rootkeys::RootKeys;
use crate::resolve::upstream::Upstream;

/// The moment of all that is not about time.
pub(super) const NOW: i64 = 1_800_000_000;

/// A day, in seconds.
const DAY: i64 = 86_400;

pub(super) const COM_ZONE: &str = "com. NS a.gtld.
    example.com. NS ns.example.com.
    ns.example.com. A 10.0.1.1
    plain.com. NS ns.plain.com.
    ns.plain.com. A 10.0.1.2";

const ZONE: &str = "example.com. NS ns.example.com.
    ns.example.com. A 10.0.1.1
    www.example.com. A 192.0.2.1
    *.wild.example.com. A 192.0.2.7
    d.example.com. A 192.0.2.4
    x.ent.example.com. A 192.0.2.5";

const PLAIN: &str = "www.plain.com. A 192.0.2.3
    ns.plain.com. A 10.0.1.2
    back.plain.com. CNAME www.example.com.";

/// A signed Internet: the root, `com`, `example.com`; `plain.com` is unsigned.
pub(super) struct Signed {
    pub(super) house: House,
}

/// What a server says, made worse: the query, its answer, the key of the zone.
pub(super) type Spoil = fn(&Message, &mut Message, &Key);

impl Signed {
    pub(super) fn new() -> Self {
        Self::spoiled(|_, _, _| {})
    }

    /// Its NSEC records are wider than was signed.
    pub(super) fn forging_nsec() -> Self {
        Self::spoiled(|_, reply, _| {
            for record in &mut reply.authorities {
                if let RData::DNSSEC(DNSSECRData::NSEC(nsec)) = &mut record.data {
                    *nsec = NSEC::new(name("zzzz.example.com."), nsec.type_bit_maps());
                }
            }
        })
    }

    /// Makes the replies of `example.com` worse.
    pub(super) fn spoiled(spoil: impl Fn(&Message, &mut Message, &Key) + Send + Sync + 'static) -> Self {
        Self::with(Key::new(), NOW, spoil, |_| {})
    }

    /// Makes `example.com` of a key.
    pub(super) fn of_key(key: Key) -> Self {
        Self::with(key, NOW, |_, _, _| {}, |_| {})
    }

    /// Makes `example.com` of a key, with signatures of a moment.
    fn with(
        key: Key,
        unix: i64,
        spoil: impl Fn(&Message, &mut Message, &Key) + Send + Sync + 'static,
        change: impl FnOnce(&mut Settings),
    ) -> Self {
        let ds = [key.ds("example.com.")];
        Self::delegated(&ds, key, unix, spoil, change)
    }

    /// Makes `example.com` of these records.
    pub(super) fn of(
        text: &str,
        spoil: impl Fn(&Message, &mut Message, &Key) + Send + Sync + 'static,
    ) -> Self {
        let key = Key::new();
        Self::made(text, &[key.ds("example.com.")], key, NOW, spoil, |_| {})
    }

    /// Makes `example.com` of a key, with DS records that may be of another.
    pub(super) fn delegated(
        ds: &[Record],
        key: Key,
        unix: i64,
        spoil: impl Fn(&Message, &mut Message, &Key) + Send + Sync + 'static,
        change: impl FnOnce(&mut Settings),
    ) -> Self {
        Self::made(ZONE, ds, key, unix, spoil, change)
    }

    /// Makes `example.com` of all that may be different.
    fn made(
        text: &str,
        ds: &[Record],
        key: Key,
        unix: i64,
        spoil: impl Fn(&Message, &mut Message, &Key) + Send + Sync + 'static,
        change: impl FnOnce(&mut Settings),
    ) -> Self {
        let [now, then] = [NOW, unix].map(|unix| Arc::new(AtomicI64::new(unix)));
        let (root_key, com_key) = (Key::new(), Key::new());
        let root = SignedZone::new(".", ROOT_ZONE, &root_key, &[com_key.ds("com.")], &now);
        let com = SignedZone::new("com.", COM_ZONE, &com_key, ds, &now);
        let example = SignedZone::new("example.com.", text, &key, &[], &then);
        let mut internet = Internet::new();
        for (address, zone) in [(ROOT, root), (COM, com)] {
            internet.script(address, move |query, _| vec![zone.answer(query).to_vec().unwrap()]);
        }
        internet.script(EXAMPLE, move |query, _| {
            let mut reply = example.answer(query);
            spoil(query, &mut reply, &key);
            vec![reply.to_vec().unwrap()]
        });
        internet.serve(OTHER, &[("plain.com.", PLAIN)]);
        let trusted = RootKeys::of([root_key.dnskey()].into_iter());
        let house = House::trusting(internet, trusted, |settings| {
            settings.dnssec = true;
            change(settings);
        });
        Self { house }
    }

    pub(super) async fn get(&self, name: &str) -> (ResponseCode, bool, usize) {
        let AnswerData { rcode, secure, .. } = self.house.ask(name).await.unwrap();
        (rcode, secure, self.house.internet.packets())
    }

    pub(super) async fn flaw(&self, name: &str) -> Flaw {
        match self.house.ask(name).await.unwrap_err().kind {
            FailureKind::Bogus(flaw) => flaw,
            other => panic!("{other:?}"),
        }
    }
}

pub(super) fn is_asked(query: &Message, rtype: RecordType) -> bool {
    query.queries[0].query_type() == rtype
}

fn without(reply: &mut Message, rtype: RecordType) {
    reply.answers.retain(|record| record.record_type() != rtype);
    reply.authorities.retain(|record| record.record_type() != rtype);
}

#[tokio::test(start_paused = true)]
async fn what_is_signed_well_is_secure() {
    let signed = Signed::new();
    for (name, rcode) in [
        ("www.example.com", ResponseCode::NoError),
        ("nothing.example.com", ResponseCode::NXDomain),
        ("ent.example.com", ResponseCode::NoError),
        ("a.wild.example.com", ResponseCode::NoError),
        ("nothing.com", ResponseCode::NXDomain),
    ] {
        let (there, secure, _) = signed.get(name).await;
        assert_eq!((there, secure), (rcode, true), "{name}");
    }
    let (_, secure, _) = signed.get("www.plain.com").await;
    assert!(!secure);
}

#[tokio::test(start_paused = true)]
async fn signatures_count_in_whatever_section_they_stand() {
    let signed = Signed::spoiled(|query, reply, _| {
        let is_signature = |record: &mut Record| record.record_type() == RecordType::RRSIG;
        let strays: Vec<Record> = reply.answers.extract_if(.., is_signature).collect();
        if is_asked(query, RecordType::A) {
            reply.additionals.extend(strays);
            let strays: Vec<Record> = reply.authorities.extract_if(.., is_signature).collect();
            reply.additionals.extend(strays);
        } else {
            reply.authorities.extend(strays);
        }
    });
    for (name, rcode) in [("www", ResponseCode::NoError), ("nothing", ResponseCode::NXDomain)] {
        let (there, secure, _) = signed.get(&format!("{name}.example.com")).await;
        assert_eq!((there, secure), (rcode, true), "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn every_flaw_is_told_by_its_name() {
    let spoils: [(Spoil, &str, Flaw); 7] = [
        (|_, reply, _| without(reply, RecordType::RRSIG), "www.example.com", Flaw::NoSignature),
        (
            |query, reply, _| {
                if is_asked(query, RecordType::A) {
                    without(reply, RecordType::RRSIG);
                }
            },
            "www.example.com",
            Flaw::NoSignature,
        ),
        (|_, reply, _| without(reply, RecordType::NSEC), "nothing.example.com", Flaw::NoProof),
        (|_, reply, _| without(reply, RecordType::NSEC), "a.wild.example.com", Flaw::NoProof),
        (|_, reply, _| without(reply, RecordType::NSEC), "ent.example.com", Flaw::NoProof),
        (|_, reply, _| without(reply, RecordType::DNSKEY), "www.example.com", Flaw::NoKey),
        (
            |_, reply, _| {
                for record in reply.answers.iter_mut().filter(|record| record.record_type() == RecordType::A)
                {
                    record.data = RData::A(std::net::Ipv4Addr::new(6, 6, 6, 6).into());
                }
            },
            "www.example.com",
            Flaw::Other,
        ),
    ];
    for (nth, (spoil, name, flaw)) in spoils.into_iter().enumerate() {
        assert_eq!(Signed::spoiled(spoil).flaw(name).await, flaw, "{nth}");
    }
    for (unix, flaw) in [(NOW - 40 * DAY, Flaw::Expired), (NOW + 40 * DAY, Flaw::NotYetValid)] {
        let signed = Signed::with(Key::new(), unix, |_, _, _| {}, |_| {});
        assert_eq!(signed.flaw("www.example.com").await, flaw);
    }
    // SEP alone, without ZONE.
    let key = Key { flags: 1, ..Key::new() };
    let signed = Signed::with(key, NOW, |_, _, _| {}, |_| {});
    assert_eq!(signed.flaw("www.example.com").await, Flaw::NoZoneKey);
    let revoked = Signed::with(Key::new().revoked(), NOW, |_, _, _| {}, |_| {});
    assert_eq!(revoked.flaw("www.example.com").await, Flaw::NoKey);
}

#[tokio::test(start_paused = true)]
async fn what_is_signed_in_ways_that_we_do_not_know_is_insecure_and_it_is_said() {
    let of = |algorithm, digest| {
        let ds = DS::new(1, algorithm, digest, vec![7; 32]);
        Record::from_rdata(name("example.com."), 300, RData::DNSSEC(DNSSECRData::DS(ds)))
    };
    let strange = of(Algorithm::Unknown(213), DigestType::SHA256);
    let undigested = of(Algorithm::ED25519, DigestType::Unknown(99));
    let good = Key::new().ds("example.com.");
    for (ds, ends) in [
        (vec![strange.clone()], Some(Unsupported::Algorithm)),
        (vec![undigested.clone()], Some(Unsupported::Digest)),
        (vec![strange.clone(), undigested.clone()], Some(Unsupported::Digest)),
        // One that we know is enough to be held to it (RFC 6840 section 5.2).
        (vec![strange, undigested, good], None),
    ] {
        let signed = Signed::delegated(&ds, Key::new(), NOW, |_, _, _| {}, |_| {});
        let told = signed.house.ask("www.example.com").await;
        assert_eq!(told.as_ref().ok().and_then(|data| data.unsupported), ends);
        assert_eq!(told.map_or(true, |data| data.secure), ends.is_none());
    }
    assert_eq!(Signed::new().house.ask("www.plain.com").await.unwrap().unsupported, None);
}

#[tokio::test(start_paused = true)]
async fn who_does_not_want_checks_gets_what_there_is() {
    let signed = Signed::spoiled(|_, reply, _| without(reply, RecordType::RRSIG));
    let name = "www.example.com".parse().unwrap();
    let question = Question { name, rtype: Rtype::A, checking_disabled: true };
    let data = signed.house.recursion.fetch(&question, signed.house.now()).await.unwrap();
    assert_eq!((data.rcode, data.secure, data.addresses().len()), (ResponseCode::NoError, false, 1));
    assert!(signed.house.ask("www.example.com").await.is_err());
}

#[tokio::test(start_paused = true)]
async fn a_negative_trust_anchor_covers_its_names_and_no_others() {
    let signed = Signed::with(
        Key::new(),
        NOW - 40 * DAY,
        |_, _, _| {},
        |settings| {
            settings.negative_trust_anchors = vec!["example.com".parse().unwrap()];
        },
    );
    let (rcode, secure, _) = signed.get("www.example.com").await;
    assert_eq!((rcode, secure), (ResponseCode::NoError, false));
    let (_, secure, _) = signed.get("nothing.com").await;
    assert!(secure);
}

/// Puts an NSEC record that covers everything from `owner` to `next` in place
/// of the proofs.
fn prove(reply: &mut Message, key: &Key, owner: &str, next: &str, types: &[RecordType]) {
    reply.metadata.response_code = ResponseCode::NXDomain;
    reply.answers.clear();
    reply.authorities.retain(|record| record.record_type() != RecordType::NSEC);
    let nsec = NSEC::new(name(next), types.iter().copied());
    let nsec = Record::from_rdata(name(owner), 60, RData::DNSSEC(DNSSECRData::NSEC(nsec)));
    let rrsig = key.sign(&name("example.com."), std::slice::from_ref(&nsec), NOW, |_| {});
    let soa = record_soa();
    let soa_rrsig = key.sign(&name("example.com."), std::slice::from_ref(&soa), NOW, |_| {});
    reply.authorities = vec![soa, soa_rrsig, nsec, rrsig];
}

pub(super) fn record_soa() -> Record {
    let soa = hickory_proto::rr::rdata::SOA::new(Name::root(), Name::root(), 1, 1, 1, 1, 60);
    Record::from_rdata(name("example.com."), 60, RData::SOA(soa))
}

#[tokio::test(start_paused = true)]
async fn proofs_of_other_places_prove_nothing() {
    use RecordType as T;
    let spoils: [Spoil; 3] = [
        // It leads out of the zone (CVE-2026-13321).
        |query, reply, key| {
            if is_asked(query, T::A) {
                prove(reply, key, "d.example.com.", "z.org.", &[T::A]);
            }
        },
        // It stands at a signed delegation, and the name is below.
        |query, reply, key| {
            if is_asked(query, T::A) {
                prove(reply, key, "e.example.com.", "z.example.com.", &[T::NS, T::DS]);
            }
        },
        // It stands at a DNAME record, and the name is below.
        |query, reply, key| {
            if is_asked(query, T::A) {
                prove(reply, key, "e.example.com.", "z.example.com.", &[T::DNAME]);
            }
        },
    ];
    for (nth, spoil) in spoils.into_iter().enumerate() {
        assert_eq!(Signed::spoiled(spoil).flaw("www.e.example.com").await, Flaw::NoProof, "{nth}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_name_that_is_proven_to_be_there_is_there_whatever_the_rcode() {
    // An empty non-terminal above the next name, and NXDOMAIN.
    let signed = Signed::spoiled(|query, reply, key| {
        if is_asked(query, RecordType::A) {
            prove(reply, key, "example.com.", "x.www.e.example.com.", &[RecordType::NS, RecordType::SOA]);
        }
    });
    let (rcode, secure, _) = signed.get("www.e.example.com").await;
    assert_eq!((rcode, secure), (ResponseCode::NoError, true));
    // A wildcard without such data, and NXDOMAIN.
    let signed = Signed::of("*.wild.example.com. AAAA 2001:db8::1", |query, reply, _| {
        if is_asked(query, RecordType::A) {
            reply.metadata.response_code = ResponseCode::NXDomain;
        }
    });
    let (rcode, secure, _) = signed.get("x.wild.example.com").await;
    assert_eq!((rcode, secure), (ResponseCode::NoError, true));
}

#[tokio::test(start_paused = true)]
async fn a_delegation_without_proof_makes_nothing_insecure() {
    // What com says of example.com is stripped of DS and proof; the forger
    // answers without signatures.
    let (now, root_key, com_key) = (Arc::new(AtomicI64::new(NOW)), Key::new(), Key::new());
    let root = SignedZone::new(".", ROOT_ZONE, &root_key, &[com_key.ds("com.")], &now);
    let com = SignedZone::new("com.", COM_ZONE, &com_key, &[Key::new().ds("example.com.")], &now);
    let mut internet = Internet::new();
    internet.script(ROOT, move |query, _| vec![root.answer(query).to_vec().unwrap()]);
    internet.script(COM, move |query, _| {
        let mut reply = com.answer(query);
        if !is_asked(query, RecordType::DNSKEY) {
            for rtype in [RecordType::DS, RecordType::NSEC, RecordType::RRSIG] {
                without(&mut reply, rtype);
            }
        }
        vec![reply.to_vec().unwrap()]
    });
    internet.serve(EXAMPLE, &[("example.com.", "www.example.com. A 6.6.6.6\n ns.example.com. A 10.0.1.1")]);
    let trusted = RootKeys::of([root_key.dnskey()].into_iter());
    let house = House::trusting(internet, trusted, |settings| settings.dnssec = true);
    let failure = house.ask("www.example.com").await.unwrap_err();
    assert!(matches!(failure.kind, FailureKind::Bogus(_)), "{failure}");
}
