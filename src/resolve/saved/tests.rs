//! Tests of saving and restoring.

use super::*;
use crate::base::Clock;
use crate::base::time::ManualClock;
use crate::resolve::cache::Kept;
use hickory_proto::rr::Name;
use hickory_proto::rr::RData;
use hickory_proto::rr::Record;
use hickory_proto::rr::rdata::CNAME;
use hickory_proto::rr::rdata::SOA;
use hickory_proto::rr::rdata::TXT;
use proptest::prelude::*;
use std::net::Ipv4Addr;

const MARK: u64 = 7;
const SIZE: u64 = 1 << 20;

fn name(text: &str) -> Name {
    Name::from_ascii(text).unwrap()
}

fn key(name: &str) -> Key {
    let question = Question { name: name.parse().unwrap(), rtype: Rtype::A, checking_disabled: false };
    Key { realm: 1, question }
}

/// An alias and its address, validated.
fn alias(key: &Key, ttl: u32) -> Arc<AnswerData> {
    let owner = names::to_name(&key.question.name);
    let alias = Record::from_rdata(owner, 300, RData::CNAME(CNAME(name("target.example."))));
    let address =
        Record::from_rdata(name("target.example."), ttl, RData::A(Ipv4Addr::new(192, 0, 2, 1).into()));
    Arc::new(AnswerData::new(&key.question, ResponseCode::NoError, vec![alias, address], vec![], true))
}

/// Nothing of that name.
fn nothing(key: &Key) -> Arc<AnswerData> {
    let soa = RData::SOA(SOA::new(Name::root(), Name::root(), 1, 1, 1, 1, 60));
    let soa = Record::from_rdata(name("example."), 300, soa);
    Arc::new(AnswerData::new(&key.question, ResponseCode::NXDomain, vec![], vec![soa], false))
}

/// Reads into an empty cache.
fn restored(saved: &[u8], now: Now) -> Result<(AnswerCache, usize), SavedError> {
    let cache = AnswerCache::new(SIZE);
    let count = restore(&cache, read(saved, MARK, now)?, now, |_| true);
    Ok((cache, count))
}

fn filled(now: Now) -> AnswerCache {
    let cache = AnswerCache::new(SIZE);
    let unchecked = Question { checking_disabled: true, ..key("b.example").question };
    for key in [key("a.example"), Key { realm: 2, question: unchecked }] {
        cache.put(key.clone(), &alias(&key, 100), now);
    }
    let gone = key("gone.example");
    cache.put(gone.clone(), &nothing(&gone), now);
    cache
}

#[test]
fn what_is_saved_comes_back_as_it_was_and_as_old_as_it_is() {
    let clock = ManualClock::at(1_800_000_000);
    let (cache, a) = (filled(clock.now()), key("a.example"));
    clock.advance(Duration::from_secs(20));
    let before = cache.get(a.borrowed(), clock.now()).unwrap().data;
    before.demand.note();
    let saved = save(&cache, MARK, clock.now());
    clock.advance(Duration::from_secs(30));
    let (cache, count) = restored(&saved, clock.now()).unwrap();
    assert_eq!(count, 3);
    let Kept { data: after, age, .. } = cache.get(a.borrowed(), clock.now()).unwrap();
    assert_eq!((age, after.ttl, after.secure, after.rcode), (50, 100, true, before.rcode));
    assert_eq!((after.wire(true), after.wire(false)), (before.wire(true), before.wire(false)));
    assert_eq!(after.reached, before.reached);
    assert!(!after.demand.is_popular());
    let gone = cache.get(key("gone.example").borrowed(), clock.now()).unwrap();
    assert_eq!((gone.data.rcode, gone.data.secure, gone.age), (ResponseCode::NXDomain, false, 50));
    // Each has its time still, and its day after that.
    let fresh = |name| cache.get(key(name).borrowed(), clock.now()).is_some_and(|kept| kept.fresh);
    clock.advance(Duration::from_secs(10));
    assert!(!fresh("gone.example") && fresh("a.example"));
    assert_eq!(restored(&saved, clock.now()).unwrap().1, 3);
    let again = save(&cache, MARK, clock.now());
    clock.advance(Duration::from_hours(24));
    assert_eq!(restored(&again, clock.now()).unwrap().1, 2);
    clock.advance(Duration::from_secs(40));
    assert!(cache.get(a.borrowed(), clock.now()).is_none());
    assert_eq!(restored(&again, clock.now()).err(), Some(SavedError::Date));
}

#[test]
fn what_is_old_or_from_the_future_is_not_used() {
    let clock = ManualClock::at(1_800_000_000);
    let cache = filled(clock.now());
    clock.advance(Duration::from_secs(90));
    let saved = save(&cache, MARK, clock.now());
    let later = |seconds| Now { unix: clock.now().unix + seconds, ..clock.now() };
    assert_eq!(restored(&saved, later(-1)).err(), Some(SavedError::Date));
    assert_eq!(restored(&saved, later(86_400)).unwrap().1, 2);
    assert_eq!(restored(&saved, later(86_401)).err(), Some(SavedError::Date));
    // Single answers too, whatever the file says of itself.
    let cache = AnswerCache::new(SIZE);
    let future = read(&saved, MARK, clock.now()).unwrap().map(|one| Saved { stored: one.stored + 91, ..one });
    assert_eq!(restore(&cache, future, clock.now(), |_| true), 0);
}

#[test]
fn what_others_wrote_or_flash_forgot_is_not_used() {
    let now = ManualClock::at(1_800_000_000).now();
    let saved = save(&filled(now), MARK, now);
    assert_eq!(read(&saved, MARK + 1, now).err(), Some(SavedError::OtherVersion));
    assert_eq!(read(b"", MARK, now).err(), Some(SavedError::Foreign));
    assert_eq!(read(&vec![0; MAX_SAVED + 1], MARK, now).err(), Some(SavedError::Foreign));
    for end in 8..saved.len() {
        assert_eq!(read(&saved[..end], MARK, now).err(), Some(SavedError::Damaged), "{end}");
    }
    for at in 0..saved.len() {
        let mut broken = saved.clone();
        broken[at] ^= 0x10;
        assert!(read(&broken, MARK, now).is_err(), "{at}");
    }
}

#[test]
fn answers_of_another_way_are_passed_over() {
    let now = ManualClock::at(1_800_000_000).now();
    let saved = save(&filled(now), MARK, now);
    let cache = AnswerCache::new(SIZE);
    assert_eq!(restore(&cache, read(&saved, MARK, now).unwrap(), now, |key| key.realm == 2), 1);
}

#[test]
fn the_popular_and_then_the_new_come_first_and_there_is_an_end() {
    let clock = ManualClock::at(1_800_000_000);
    let cache = AnswerCache::new(64 << 20);
    let text = || RData::TXT(TXT::new(vec!["t".repeat(250); 40]));
    for nth in 0..1_200 {
        clock.advance(Duration::from_secs(1));
        let key = key(&format!("n{nth}.example"));
        let owner = names::to_name(&key.question.name);
        let records = vec![
            Record::from_rdata(owner, 80_000, text()),
            Record::from_rdata(
                names::to_name(&key.question.name),
                80_000,
                RData::A(Ipv4Addr::LOCALHOST.into()),
            ),
        ];
        let mut data = AnswerData::new(&key.question, ResponseCode::NoError, records, vec![], false);
        if nth == 5 {
            data.demand = Demand::popular();
        }
        cache.put(key, &Arc::new(data), clock.now());
    }
    let saved = save(&cache, MARK, clock.now());
    assert!((MAX_SAVED - 20_000..=MAX_SAVED).contains(&saved.len()), "{}", saved.len());
    let answers: Vec<_> = read(&saved, MARK, clock.now()).unwrap().collect();
    let first: Vec<_> = answers.iter().take(3).map(|one| one.key.question.name.to_string()).collect();
    assert_eq!(first, ["n5.example", "n1199.example", "n1198.example"]);
    assert!(answers[0].data.demand.is_popular() && !answers[1].data.demand.is_popular());
    // And a small cache gets the best.
    let (small, count) = restored(&saved, clock.now()).unwrap();
    assert!(count < 120 && small.stats().bytes <= SIZE, "{count}");
    assert!(small.get(key("n5.example").borrowed(), clock.now()).is_some());
}

/// Returns octets that begin as they should.
fn headed(answers: &[u8], now: Now) -> Vec<u8> {
    let mut saved = save(&AnswerCache::new(SIZE), MARK, now);
    saved.extend_from_slice(answers);
    let sum = checksum(&saved).unwrap();
    saved[24..28].copy_from_slice(&sum.to_be_bytes());
    saved
}

#[test]
fn one_that_is_no_answer_is_passed_over() {
    let now = ManualClock::at(1_800_000_000).now();
    let cache = AnswerCache::new(SIZE);
    let key = key("a.example");
    cache.put(key.clone(), &alias(&key, 100), now);
    let good = save(&cache, MARK, now)[28..].to_vec();
    // The name inside is another.
    let mut bad = good.clone();
    bad[23] = b'z';
    for (answers, expected) in [
        (good.clone(), 1),
        ([bad.clone(), good.clone()].concat(), 1),
        (bad, 0),
        ([good.clone(), good[..40].to_vec()].concat(), 1),
    ] {
        assert_eq!(restored(&headed(&answers, now), now).unwrap().1, expected);
    }
}

proptest! {
    #[test]
    fn any_octets_are_read_or_not(octets in proptest::collection::vec(any::<u8>(), 0..400)) {
        let now = ManualClock::at(1_800_000_000).now();
        let _ = restored(&octets, now);
        let _ = restored(&headed(&octets, now), now);
    }

    #[test]
    fn any_change_to_an_answer_is_survived(changes in proptest::collection::vec(any::<(u16, u8)>(), 1..6)) {
        let now = ManualClock::at(1_800_000_000).now();
        let mut answers = save(&filled(now), MARK, now)[28..].to_vec();
        for (at, octet) in changes {
            let at = usize::from(at) % answers.len();
            answers[at] = octet;
        }
        let (cache, count) = restored(&headed(&answers, now), now).unwrap();
        prop_assert!(count <= 3 && cache.stats().bytes <= SIZE);
    }
}
