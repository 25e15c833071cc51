//! What is forged with signatures at hand: others' keys, others' places, and what
//! is good beside what is not.

use hickory_proto::dnssec::Algorithm;
use hickory_proto::dnssec::DigestType;
use hickory_proto::dnssec::PublicKeyBuf;
use hickory_proto::dnssec::rdata::DNSKEY;
use hickory_proto::dnssec::rdata::DNSSECRData;
use hickory_proto::dnssec::rdata::DS;
use hickory_proto::dnssec::rdata::NSEC;
use hickory_proto::dnssec::rdata::RRSIG;
use hickory_proto::op::Message;
use hickory_proto::op::ResponseCode;
use hickory_proto::rr::RData;
use hickory_proto::rr::Record;
use hickory_proto::rr::RecordType;

use super::dnssec::NOW;
use super::dnssec::Signed;
use super::dnssec::is_asked;
use super::dnssec::record_soa;
use super::internet::name;
use super::signed::Key;
use crate::resolve::Flaw;
use crate::resolve::iterate::found::covered;
use crate::resolve::iterate::found::signature;
use crate::resolve::stats::Limit;

/// Puts a signature in place of those over addresses.
fn resign(reply: &mut Message, sign: impl FnOnce(&[Record]) -> Record) {
    let of_address = |record: &Record| covered(record) == RecordType::A;
    let is_set = |record: &&Record| record.record_type() == RecordType::A;
    let set: Vec<Record> = reply.answers.iter().filter(is_set).cloned().collect();
    if !set.is_empty() {
        reply.answers.retain(|record| !of_address(record) || record.record_type() == RecordType::A);
        reply.answers.push(sign(&set));
    }
}

#[tokio::test(start_paused = true)]
async fn a_wildcard_above_the_zone_signs_nothing() {
    // CVE-2026-44690: the signature is of `*.com`, by a key of `example.com`.
    let signed = Signed::spoiled(|_, reply, key| {
        resign(reply, |set| key.sign(&name("example.com."), set, NOW, |input| input.num_labels = 1));
    });
    assert_eq!(signed.flaw("www.example.com").await, Flaw::Other);
}

#[tokio::test(start_paused = true)]
async fn nobody_signs_for_a_zone_but_its_own_keys() {
    for signer in ["com.", "www.example.com.", "plain.com.", "."] {
        let signed = Signed::spoiled(move |_, reply, key| {
            resign(reply, |set| key.sign(&name(signer), set, NOW, |_| {}));
        });
        signed.flaw("www.example.com").await;
    }
    let stranger = Key::new();
    let signed = Signed::spoiled(move |_, reply, _| {
        resign(reply, |set| stranger.sign(&name("example.com."), set, NOW, |_| {}));
    });
    assert_eq!(signed.flaw("www.example.com").await, Flaw::NoKey);
}

#[tokio::test(start_paused = true)]
async fn a_key_that_is_trusted_makes_no_others_trusted_by_standing_beside_them() {
    // RUSTSEC-2025-0006: the stranger signs the set of keys and the address.
    let stranger = Key::new();
    let signed = Signed::spoiled(move |query, reply, _| {
        let zone = name("example.com.");
        if is_asked(query, RecordType::DNSKEY) {
            let data = RData::DNSSEC(DNSSECRData::DNSKEY(stranger.dnskey()));
            reply.answers.retain(|record| record.record_type() == RecordType::DNSKEY);
            reply.answers.push(Record::from_rdata(zone.clone(), 3_600, data));
            reply.answers.push(stranger.sign(&zone, &reply.answers, NOW, |_| {}));
        }
        resign(reply, |set| stranger.sign(&zone, set, NOW, |_| {}));
    });
    assert_eq!(signed.flaw("www.example.com").await, Flaw::NoKey);
}

#[tokio::test(start_paused = true)]
async fn keys_of_enormous_size_or_exponent_are_no_good() {
    // RFC 3110 section 2: the length of the exponent, the exponent, the modulus.
    let long = |length: u16| [&[0][..], &length.to_be_bytes()].concat();
    let keys = [
        // A modulus of 64 Kibit, and one of 16.
        [&[1, 3][..], &[0xff; 8_192]].concat(),
        [&[3, 1, 0, 1][..], &[0xff; 2_048]].concat(),
        // An exponent of 32 Kibit, and one of 4.
        [long(4_096), vec![0xff; 4_096], vec![0xfd; 256]].concat(),
        [long(512), vec![0xff; 512], vec![0xfd; 256]].concat(),
        // No exponent, no modulus, neither.
        [&[0, 0, 0][..], &[0xff; 256]].concat(),
        vec![1, 3],
        vec![],
    ];
    for (nth, octets) in keys.into_iter().enumerate() {
        let key = DNSKEY::with_flags(257, PublicKeyBuf::new(octets, Algorithm::RSASHA256));
        let (zone, tag) = (name("example.com."), key.calculate_key_tag().unwrap());
        let digest = key.to_digest(&zone, DigestType::SHA256).unwrap().as_ref().to_vec();
        let ds = DS::new(tag, Algorithm::RSASHA256, DigestType::SHA256, digest);
        let ds = Record::from_rdata(zone.clone(), 300, RData::DNSSEC(DNSSECRData::DS(ds)));
        let signed = Signed::delegated(
            &[ds],
            Key::new(),
            NOW,
            move |query, reply, own| {
                if !is_asked(query, RecordType::DNSKEY) {
                    return;
                }
                let data = RData::DNSSEC(DNSSECRData::DNSKEY(key.clone()));
                reply.answers = vec![Record::from_rdata(zone.clone(), 3_600, data)];
                let rrsig = own.sign(&zone, &reply.answers, NOW, |input| {
                    (input.algorithm, input.key_tag) = (Algorithm::RSASHA256, tag);
                });
                let input = signature(&rrsig).unwrap().input().clone();
                let data = RData::DNSSEC(DNSSECRData::RRSIG(RRSIG::from_sig(input, vec![0x55; 256])));
                reply.answers.push(Record::from_rdata(zone.clone(), 3_600, data));
            },
            |_| {},
        );
        assert_eq!(signed.flaw("www.example.com").await, Flaw::Other, "{nth}");
        assert_eq!(signed.house.exceeded(Limit::BadSignatures), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn one_good_signature_is_enough_beside_bad_ones() {
    let signed = Signed::spoiled(|_, reply, key| {
        let zone = name("example.com.");
        let set: Vec<Record> =
            reply.answers.iter().filter(|record| record.record_type() == RecordType::A).cloned().collect();
        if !set.is_empty() {
            let expired = key.sign(&zone, &set, NOW - 90 * 86_400, |_| {});
            reply.answers.insert(0, expired);
            reply.answers.insert(0, Key::new().sign(&zone, &set, NOW, |_| {}));
        }
    });
    let (rcode, secure, _) = signed.get("www.example.com").await;
    assert_eq!((rcode, secure), (ResponseCode::NoError, true));
}

#[tokio::test(start_paused = true)]
async fn a_proof_made_of_a_wildcard_proves_nothing() {
    // CVE-2017-15105: `*.example.com NSEC` answers for names it never stood at.
    let signed = Signed::spoiled(|query, reply, key| {
        if is_asked(query, RecordType::A) {
            let zone = name("example.com.");
            let nsec = |owner: &str| {
                let data = NSEC::new(name("zzz.example.com."), [RecordType::TXT]);
                Record::from_rdata(name(owner), 60, RData::DNSSEC(DNSSECRData::NSEC(data)))
            };
            let mut moved = key.sign(&zone, &[nsec("*.example.com.")], NOW, |_| {});
            moved.name = name("www.example.com.");
            let soa = record_soa();
            let signature = key.sign(&zone, std::slice::from_ref(&soa), NOW, |_| {});
            reply.answers.clear();
            reply.authorities = vec![soa, signature, nsec("www.example.com."), moved];
        }
    });
    assert_eq!(signed.flaw("www.example.com").await, Flaw::NoProof);
}
