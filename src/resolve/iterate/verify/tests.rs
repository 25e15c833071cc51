//! Signatures, good and bad.

use super::*;
use crate::resolve::file::Anchor;
use crate::resolve::file::File;
use crate::resolve::file::trust_anchors;
use hickory_proto::dnssec::PublicKey;
use hickory_proto::dnssec::rdata::sig::SigInput;
use hickory_proto::rr::SerialNumber;
use hickory_proto::rr::rdata::MX;

/// RFC 8080 section 6.1.
const KEY: &str = "l02Woi0iS8Aa25FQkUd9RMzZHJpBoRQwAQEX1SxZJA4=";
const SIGNATURE: &str =
    "oL9krJun7xfBOIWcGHi7mag5/hdZrKWw15jPGrHpjQeRAvTdszaPD+QLs3fx8A4M3e23mRZ9VrbpMngwcrqNAg==";
const INCEPTION: u32 = 1_438_207_200;
const EXPIRATION: u32 = 1_440_021_600;
const MIDDLE: i64 = 1_439_000_000;

fn name(text: &str) -> Name {
    Name::from_ascii(text).unwrap()
}

/// Reads Base64, as the key of a trust anchor.
fn key(base64: &str) -> DNSKEY {
    let file = File { name: "k".into(), text: format!("example.com. DNSKEY 257 3 15 {base64}") };
    match trust_anchors(&file).unwrap().pop().unwrap() {
        Anchor::Key(_, key) => key,
        Anchor::Digest(..) => panic!("a digest"),
    }
}

fn rrsig(change: impl FnOnce(&mut SigInput)) -> RRSIG {
    let mut input = SigInput {
        type_covered: RecordType::MX,
        algorithm: Algorithm::ED25519,
        num_labels: 2,
        original_ttl: 3_600,
        sig_expiration: SerialNumber::new(EXPIRATION),
        sig_inception: SerialNumber::new(INCEPTION),
        key_tag: 3_613,
        signer_name: name("example.com."),
    };
    change(&mut input);
    RRSIG::from_sig(input, key(SIGNATURE).public_key().public_bytes().to_vec())
}

fn keys() -> Keys {
    Keys::new(&name("example.com."), [key(KEY)].iter())
}

fn try_at(
    unix: i64,
    owner: &str,
    target: &str,
    rrsigs: &[RRSIG],
    budget: &Budget,
) -> Result<Verified, String> {
    let owner = name(owner);
    // Another TTL than the one that was signed, and another case.
    let record = Record::from_rdata(owner.clone(), 60, RData::MX(MX::new(10, name(target))));
    let signatures = rrsigs.iter().collect();
    let set = Set { name: &owner, rtype: RecordType::MX, records: vec![&record, &record], signatures };
    verify(&set, &keys(), &Good::default(), unix, budget).map_err(|trouble| trouble.to_string())
}

#[test]
fn the_example_of_rfc_8080_is_good_as_long_as_it_holds() {
    let at = |unix| {
        let rrsigs = [rrsig(|_| {})];
        try_at(unix, "Example.COM.", "MAIL.example.com.", &rrsigs, &Budget::default())
    };
    let good = at(MIDDLE).unwrap();
    assert_eq!(
        (good.wildcard, good.ttl, i64::from(good.left)),
        (None, 3_600, i64::from(EXPIRATION) - MIDDLE)
    );
    let (inception, expiration) = (i64::from(INCEPTION), i64::from(EXPIRATION));
    // Ten percent of three weeks is more than a day.
    assert_eq!(at(expiration + 86_400).unwrap().left, 0);
    assert!(at(expiration + 86_401).unwrap_err().contains("expired"));
    assert!(at(inception - 86_400).is_ok());
    assert!(at(inception - 86_401).unwrap_err().contains("future"));
}

#[test]
fn whatever_is_changed_is_noticed() {
    let say = |owner: &str, target: &str, rrsig: RRSIG| {
        try_at(MIDDLE, owner, target, &[rrsig], &Budget::default()).unwrap_err()
    };
    let (owner, target) = ("example.com.", "mail.example.com.");
    assert!(say(owner, "evil.example.com.", rrsig(|_| {})).contains("wrong"));
    assert!(say(owner, target, rrsig(|input| input.original_ttl = 1)).contains("wrong"));
    assert!(say(owner, target, rrsig(|input| input.key_tag = 1)).contains("does not have"));
    assert!(say(owner, target, rrsig(|input| input.signer_name = name("com."))).contains("not signed"));
    assert!(say(owner, target, rrsig(|input| input.num_labels = 3)).contains("another name"));
    // A wildcard above its own zone.
    assert!(say(owner, target, rrsig(|input| input.num_labels = 1)).contains("another name"));
    assert!(say("www.example.com.", target, rrsig(|_| {})).contains("wrong"));
}

#[test]
fn what_was_found_good_is_not_calculated_again() {
    let (good, budget) = (Good::default(), Budget::default());
    let owner = name("example.com.");
    let record = Record::from_rdata(owner.clone(), 60, RData::MX(MX::new(10, name("mail.example.com."))));
    let other = Record::from_rdata(owner.clone(), 60, RData::MX(MX::new(11, name("mail.example.com."))));
    let rrsig = rrsig(|_| {});
    let say = |record| {
        let set =
            Set { name: &owner, rtype: RecordType::MX, records: vec![record], signatures: vec![&rrsig] };
        // The keys may have been fetched anew.
        verify(&set, &keys(), &good, MIDDLE, &budget).is_ok()
    };
    assert_eq!((say(&record), say(&record), say(&record)), (true, true, true));
    assert_eq!(budget.used(Limit::Signatures), 1);
    assert_eq!((say(&other), say(&other)), (false, false));
    assert_eq!(budget.used(Limit::Signatures), 3);
}

#[test]
fn signatures_without_number_are_not_all_tried() {
    let bad = || rrsig(|input| input.original_ttl = 1);
    let budget = Budget::default();
    let rrsigs: Vec<RRSIG> = (0..100).map(|_| bad()).collect();
    assert!(try_at(MIDDLE, "example.com.", "mail.example.com.", &rrsigs, &budget).is_err());
    assert_eq!(budget.used(Limit::Signatures), 4);
    // And the question has had its share of bad ones.
    let again = try_at(MIDDLE, "example.com.", "mail.example.com.", &[bad()], &budget);
    assert!(again.unwrap_err().contains("bad-signatures"));
}

#[test]
fn names_in_old_types_are_signed_in_lower_case() {
    use hickory_proto::rr::rdata::NULL;
    // RFC 4034 section 6.2; the preference of an AFSDB record may look like letters.
    for (rtype, octets, signed) in [
        (17, &b"\x01A\0\x02bC\0"[..], &b"\x01a\0\x02bc\0"[..]),
        (18, b"AB\x01C\0", b"AB\x01c\0"),
        (39, b"\x01D\0", b"\x01d\0"),
        // What is not known is signed as it is (RFC 3597 section 7).
        (65_280, b"\x01D\0", b"\x01D\0"),
    ] {
        let data = RData::Unknown { code: RecordType::from(rtype), rdata: NULL::with(octets.to_vec()) };
        assert_eq!(canonical(&data).unwrap(), signed, "{rtype}");
    }
}
