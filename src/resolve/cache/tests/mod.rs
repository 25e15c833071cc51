//! Tests of the cache by itself.

mod flood;

use super::*;
use crate::base::Clock;
use crate::base::time::ManualClock;
use crate::query::Rtype;
use crate::resolve::Question;
use hickory_proto::op::ResponseCode;
use hickory_proto::rr::Name;
use hickory_proto::rr::RData;
use hickory_proto::rr::Record;
use hickory_proto::rr::rdata::TXT;
use std::time::Duration;

fn key(realm: u64, name: &str, checking_disabled: bool) -> Key {
    let question = Question { name: name.parse().unwrap(), rtype: Rtype::TXT, checking_disabled };
    Key { realm, question }
}

fn data(key: &Key, ttl: u32, texts: usize) -> Arc<AnswerData> {
    let owner = Name::from_ascii(format!("{}.", key.question.name)).unwrap();
    let text = || RData::TXT(TXT::new(vec!["t".repeat(100)]));
    let records = (0..texts).map(|_| Record::from_rdata(owner.clone(), ttl, text())).collect();
    Arc::new(AnswerData::new(&key.question, ResponseCode::NoError, records, vec![], false))
}

#[test]
fn an_answer_is_good_until_its_time_is_up_and_there_for_a_day() {
    let (cache, clock, key) = (AnswerCache::new(1 << 20), ManualClock::at(0), key(0, "a.de", false));
    assert!(cache.get(key.borrowed(), clock.now()).is_none());
    cache.put(key.clone(), &data(&key, 60, 1), clock.now());
    clock.advance(Duration::from_secs(59));
    assert_eq!(cache.get(key.borrowed(), clock.now()).unwrap().age, 59);
    clock.advance(Duration::from_secs(1));
    let old = cache.get(key.borrowed(), clock.now()).unwrap();
    assert!(!old.fresh && old.age == 60);
    clock.advance(Duration::from_hours(24) - Duration::from_secs(1));
    assert!(!cache.glance(key.borrowed(), clock.now()).unwrap().fresh);
    clock.advance(Duration::from_secs(1));
    assert!(cache.get(key.borrowed(), clock.now()).is_none());
    let stats = cache.stats();
    assert_eq!((stats.misses, stats.entries), (3, 1));
    assert!(stats.bytes > 100);
}

#[test]
fn realms_types_and_cd_are_kept_apart() {
    let (cache, clock) = (AnswerCache::new(1 << 20), ManualClock::at(0));
    let kept = key(1, "a.de", false);
    cache.put(kept.clone(), &data(&kept, 60, 1), clock.now());
    assert!(cache.get(key(2, "a.de", false).borrowed(), clock.now()).is_none());
    assert!(cache.get(key(1, "a.de", true).borrowed(), clock.now()).is_none());
    assert!(cache.get(key(1, "b.de", false).borrowed(), clock.now()).is_none());
    assert!(cache.get(kept.borrowed(), clock.now()).is_some());
}

#[test]
fn what_is_too_large_or_for_this_moment_only_is_not_kept() {
    let (cache, clock, key) = (AnswerCache::new(1 << 20), ManualClock::at(0), key(0, "a.de", false));
    cache.put(key.clone(), &data(&key, 0, 1), clock.now());
    cache.put(key.clone(), &data(&key, 60, 200), clock.now());
    assert!(cache.get(key.borrowed(), clock.now()).is_none());
    // Nor is what it replaces.
    cache.put(key.clone(), &data(&key, 60, 1), clock.now());
    cache.put(key.clone(), &data(&key, 0, 1), clock.now());
    assert!(cache.get(key.borrowed(), clock.now()).is_none());
}

#[test]
fn the_cache_stays_within_its_size() {
    let (cache, clock) = (AnswerCache::new(64 * 1024), ManualClock::at(0));
    for nth in 0..5_000 {
        let key = key(0, &format!("n{nth}.de"), false);
        cache.put(key.clone(), &data(&key, 60, 3), clock.now());
    }
    let stats = cache.stats();
    assert!(stats.bytes <= 64 * 1024, "{stats:?}");
    assert!(stats.entries > 10, "{stats:?}");
}
