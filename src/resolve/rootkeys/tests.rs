//! Keys through the years.

use super::*;
use hickory_proto::dnssec::DigestType;
use hickory_proto::rr::Name;
use proptest::prelude::*;

/// A day, in seconds.
const DAY: i64 = 86_400;

/// 2027-01-11.
const REVOCATION: i64 = 1_799_625_600;

fn key(nth: u8) -> DNSKEY {
    DNSKEY::with_flags(FLAGS, PublicKeyBuf::new(vec![nth; 32], Algorithm::ED25519))
}

fn revoked(key: &DNSKEY) -> DNSKEY {
    DNSKEY::with_flags(FLAGS | 128, key.public_key().clone())
}

fn follow(keys: &RootKeys, published: &[&DNSKEY], unix: i64) {
    let published: Vec<_> = published.iter().map(|key| Published { key, signs: true }).collect();
    keys.follow(&published, unix);
}

#[test]
fn the_built_in_keys_are_those_of_iana() {
    let keys = RootKeys::default();
    let digests: Vec<(u16, String)> = keys
        .lock()
        .iter()
        .map(|known| {
            let digest = known.key.to_digest(&Name::root(), DigestType::SHA256).unwrap();
            (tag(&known.key), format!("{:02X?}", digest.as_ref()).replace(['[', ']', ',', ' '], ""))
        })
        .collect();
    let of_2017 = "E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D";
    let of_2024 = "683D2D0ACB8C9B712A1948B27F741219298D0A450D612C483AF444A4C0FB2B16";
    assert_eq!(digests, [(20_326, of_2017.to_owned()), (38_696, of_2024.to_owned())]);
}

#[test]
fn a_new_key_is_trusted_after_thirty_days_in_a_row() {
    let (old, new) = (key(1), key(2));
    let keys = RootKeys::of([old.clone()].into_iter());
    follow(&keys, &[&old, &new], 0);
    assert!(keys.knows(&new) && keys.summary().ends_with(" pending"));
    follow(&keys, &[&old, &new], 29 * DAY);
    assert!(!keys.trusts(&new));
    // Once it was not there: from the beginning.
    follow(&keys, &[&old], 29 * DAY + 1);
    follow(&keys, &[&old, &new], 31 * DAY);
    assert!(!keys.trusts(&new));
    follow(&keys, &[&old, &new], 61 * DAY - 1);
    assert!(!keys.trusts(&new));
    follow(&keys, &[&old, &new], 61 * DAY);
    assert!(keys.trusts(&new) && keys.trusts(&old));
    // A clock that goes back makes nothing older.
    let third = key(3);
    follow(&keys, &[&old, &third], 100 * DAY);
    follow(&keys, &[&old, &third], 0);
    assert!(!keys.trusts(&third));
    // One that is missing stays trusted.
    assert!(keys.trusts(&new));
}

#[test]
fn a_revoked_key_is_never_trusted_again_and_only_it_can_say_so() {
    let (old, new) = (key(1), key(2));
    let keys = RootKeys::of([old.clone(), new.clone()].into_iter());
    let gone = revoked(&old);
    keys.follow(&[Published { key: &gone, signs: false }, Published { key: &new, signs: true }], 0);
    assert!(keys.trusts(&old) && !keys.trusts(&gone));
    follow(&keys, &[&gone, &new], 0);
    assert!(!keys.trusts(&old));
    for day in 0..100 {
        follow(&keys, &[&old, &new], day * DAY);
    }
    assert!(!keys.trusts(&old));
    // The last one stays.
    follow(&keys, &[&revoked(&new)], 0);
    assert!(keys.trusts(&new));
}

#[test]
fn the_road_goes_on_through_the_revocation_of_2027_and_the_next_key() {
    let keys = RootKeys::default();
    let [of_2017, of_2024] = [0, 1].map(|at| keys.lock()[at].key.clone());
    let next = key(7);
    let gone = revoked(&of_2017);
    for day in -60..400 {
        let now = REVOCATION + day * DAY;
        let published: Vec<&DNSKEY> = match day {
            ..0 => vec![&of_2017, &of_2024],
            0..60 => vec![&gone, &of_2024],
            60..100 => vec![&of_2024],
            100..200 => vec![&of_2024, &next],
            _ => vec![&next],
        };
        follow(&keys, &published, now);
        // Every day, and over restarts, one that signs is trusted.
        let again = RootKeys::default();
        again.read(&keys.write()).unwrap();
        assert_eq!(*again.lock(), *keys.lock());
        let signer = if day < 200 { &of_2024 } else { &next };
        assert!(again.trusts(signer), "day {day}");
        assert_eq!(again.trusts(&of_2017), day < 0, "day {day}");
        assert_eq!(again.trusts(&next), day >= 130, "day {day}");
    }
}

#[test]
fn keys_without_number_are_not_remembered() {
    let keys = RootKeys::default();
    let many: Vec<DNSKEY> = (0..200).map(key).collect();
    follow(&keys, &many.iter().collect::<Vec<_>>(), 0);
    assert_eq!(keys.lock().len(), MAX_KEYS);
    assert!(keys.write().len() < MAX_ROOT_KEYS);
}

#[test]
fn a_file_that_is_not_ours_changes_nothing() {
    let keys = RootKeys::default();
    let before = keys.lock().clone();
    let good = keys.write();
    let with_crc = |body: &str| {
        let text = format!("{HEAD}\n{body}");
        format!("{text}crc {:08x}\n", crc(&text))
    };
    for (text, why) in [
        (String::new(), RootKeysError::Foreign),
        ("nonsense".to_owned(), RootKeysError::Foreign),
        (good.replacen("valid", "valud", 1), RootKeysError::Damaged),
        (good[..good.len() - 20].to_owned(), RootKeysError::Damaged),
        (format!("{HEAD}\n"), RootKeysError::Damaged),
        (with_crc(""), RootKeysError::NoneTrusted),
        (with_crc("revoked 1 8 AwEA\n"), RootKeysError::NoneTrusted),
        (with_crc("valid 1 8\n"), RootKeysError::Foreign),
        (with_crc("valid 1 8 \n"), RootKeysError::Foreign),
        (with_crc(&"valid 1 8 AwEA\n".repeat(17)), RootKeysError::Foreign),
        (" ".repeat(MAX_ROOT_KEYS + 1), RootKeysError::Foreign),
    ] {
        assert_eq!(keys.read(&text), Err(why), "{text}");
        assert_eq!(*keys.lock(), before);
    }
    assert_eq!(keys.read(&good), Ok(()));
}

#[test]
fn a_key_that_is_new_in_the_program_is_trusted_whatever_the_file_says_of_others() {
    let old = RootKeys::of([key(1)].into_iter());
    let new = RootKeys::of([key(1), key(2)].into_iter());
    new.read(&old.write()).unwrap();
    assert!(new.trusts(&key(1)) && new.trusts(&key(2)));
}

#[test]
fn a_file_that_is_full_has_room_for_keys_that_are_new_in_the_program() {
    let full = RootKeys::of((0..u8::try_from(MAX_KEYS).unwrap()).map(|nth| key(100 + nth)));
    let new = RootKeys::of([key(1), key(2)].into_iter());
    new.read(&full.write()).unwrap();
    assert!(new.trusts(&key(1)) && new.trusts(&key(2)) && new.trusts(&key(100)));
    let next = RootKeys::of([key(1), key(2)].into_iter());
    assert_eq!(next.read(&new.write()), Ok(()));
    assert!(next.trusts(&key(100)));
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(body in "((valid|revoked|pending) ?-?[0-9]{0,20} [0-9]{0,4} [A-Za-z=+/]{0,8}\n){0,20}\\PC{0,5}") {
        let keys = RootKeys::default();
        let text = format!("{HEAD}\n{body}");
        let _ = keys.read(&text);
        let _ = keys.read(&format!("{text}crc {:08x}\n", crc(&text)));
        prop_assert!(keys.lock().iter().any(|known| known.state == State::Valid));
    }
}
