//! Zones whose keys change, and those that have keys of a kind that we do not know.

use hickory_proto::dnssec::Algorithm;
use hickory_proto::dnssec::DigestType;
use hickory_proto::dnssec::PublicKeyBuf;
use hickory_proto::dnssec::rdata::DNSKEY;
use hickory_proto::dnssec::rdata::DNSSECRData;
use hickory_proto::dnssec::rdata::DS;
use hickory_proto::dnssec::rdata::RRSIG;
use hickory_proto::op::Message;
use hickory_proto::op::ResponseCode;
use hickory_proto::rr::RData;
use hickory_proto::rr::Record;
use hickory_proto::rr::RecordType;

use super::dnssec::NOW;
use super::dnssec::Signed;
use super::dnssec::is_asked;
use super::internet::name;
use super::signed::Key;
use crate::resolve::iterate::found::signature;

const ZONE: &str = "example.com.";

/// Puts a set of keys in place of a reply's, signed by some of them.
fn publish(reply: &mut Message, keys: &[DNSKEY], by: &[&Key]) {
    let record =
        |key: &DNSKEY| Record::from_rdata(name(ZONE), 3_600, RData::DNSSEC(DNSSECRData::DNSKEY(key.clone())));
    let set: Vec<Record> = keys.iter().map(record).collect();
    let rrsigs: Vec<Record> = by.iter().map(|key| key.sign(&name(ZONE), &set, NOW, |_| {})).collect();
    reply.answers = [set, rrsigs].concat();
}

/// Returns whether an address is secure; nothing if it is bogus.
async fn is_secure(signed: &Signed) -> Option<bool> {
    let data = signed.house.ask("www.example.com").await.ok()?;
    assert_eq!(data.rcode, ResponseCode::NoError);
    Some(data.secure)
}

#[tokio::test(start_paused = true)]
async fn a_key_is_good_as_soon_as_one_that_is_trusted_has_signed_it() {
    // The parent knows the old key, and the new one signs the zone.
    for (by_old, by_new, secure) in
        [(true, false, Some(true)), (true, true, Some(true)), (false, true, None), (false, false, None)]
    {
        let old = Key::new();
        let ds = [old.ds(ZONE)];
        let signed = Signed::delegated(
            &ds,
            Key::new(),
            NOW,
            move |query, reply, new| {
                if is_asked(query, RecordType::DNSKEY) {
                    let by = [(by_old, &old), (by_new, new)].into_iter().filter(|(signs, _)| *signs);
                    let by: Vec<&Key> = by.map(|(_, key)| key).collect();
                    publish(reply, &[old.dnskey(), new.dnskey()], &by);
                }
            },
            |_| {},
        );
        assert_eq!(is_secure(&signed).await, secure, "{by_old} {by_new}");
    }
    // The parent knows both already, and the zone has the old one only.
    let key = Key::new();
    let ds = [Key::new().ds(ZONE), key.ds(ZONE)];
    let signed = Signed::delegated(&ds, key, NOW, |_, _, _| {}, |_| {});
    assert_eq!(is_secure(&signed).await, Some(true));
    // The new one is announced in the zone and signs nothing yet.
    let signed = Signed::spoiled(|query, reply, key| {
        if is_asked(query, RecordType::DNSKEY) {
            publish(reply, &[Key::new().dnskey(), key.dnskey()], &[key]);
        }
    });
    assert_eq!(is_secure(&signed).await, Some(true));
    // The old one is revoked, signs that, and the new one is known to the parent.
    let signed = Signed::spoiled(|query, reply, key| {
        if is_asked(query, RecordType::DNSKEY) {
            let old = Key::new().revoked();
            publish(reply, &[old.dnskey(), key.dnskey()], &[&old, key]);
        }
    });
    assert_eq!(is_secure(&signed).await, Some(true));
}

#[tokio::test(start_paused = true)]
async fn of_two_algorithms_the_one_that_is_known_counts() {
    // Half of the way from one to the other; 213 is known to nobody.
    let strange = DNSKEY::with_flags(257, PublicKeyBuf::new(vec![1; 32], Algorithm::Unknown(213)));
    let digest = strange.to_digest(&name(ZONE), DigestType::SHA256).unwrap().as_ref().to_vec();
    let tag = strange.calculate_key_tag().unwrap();
    let ds = DS::new(tag, Algorithm::Unknown(213), DigestType::SHA256, digest);
    let ds = Record::from_rdata(name(ZONE), 300, RData::DNSSEC(DNSSECRData::DS(ds)));
    let of_strange = move |rrsig: &Record| {
        let mut input = signature(rrsig).unwrap().input().clone();
        (input.algorithm, input.key_tag) = (Algorithm::Unknown(213), tag);
        let data = RData::DNSSEC(DNSSECRData::RRSIG(RRSIG::from_sig(input, vec![1; 64])));
        Record::from_rdata(rrsig.name.clone(), rrsig.ttl, data)
    };
    // Whether what is signed is signed in the way that we know.
    for (well, secure) in [(true, Some(true)), (false, None)] {
        let key = Key::new();
        let (strange, ds) = (strange.clone(), [ds.clone(), key.ds(ZONE)]);
        let signed = Signed::delegated(
            &ds,
            key,
            NOW,
            move |query, reply, key| {
                if is_asked(query, RecordType::DNSKEY) {
                    publish(reply, &[strange.clone(), key.dnskey()], &[key]);
                }
                let rrsigs: Vec<Record> =
                    reply.answers.iter().filter(|record| signature(record).is_some()).cloned().collect();
                if !well && is_asked(query, RecordType::A) {
                    reply.answers.retain(|record| signature(record).is_none());
                }
                reply.answers.extend(rrsigs.iter().map(of_strange));
            },
            |_| {},
        );
        assert_eq!(is_secure(&signed).await, secure, "{well}");
    }
}
