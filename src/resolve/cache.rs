//! [`AnswerCache`]: answers that are still good.
//!
//! It knows names, not people: DNS data only, no device and no verdict.  Every
//! answer out of it is judged for its asker afterwards.

use std::hash::Hash;
use std::hash::Hasher;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Instant;

use quick_cache::Equivalent;
use quick_cache::Weighter;
use quick_cache::sync::Cache;

use super::AnswerData;
use super::upstream::Question;
use crate::base::DomainRef;
use crate::base::Now;
use crate::query::Rtype;

/// The largest answer that is kept, in octets.  A few large ones would
/// otherwise push out everything else (CacheFlush, USENIX Security 2024).
const MAX_ENTRY: u64 = 16 * 1024;

/// What an entry costs besides its data: the table's slots, allocations.
const OVERHEAD: u64 = 128;

//----------- Key --------------------------------------------------------------

/// What an answer is kept under.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Key {
    /// By whom it was answered.  What a zone's own servers say must never
    /// answer for the rest, nor what was said under another config.
    pub(super) realm: u64,
    /// The question.
    pub(super) question: Question,
}

/// A key that owns nothing.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(super) struct KeyRef<'a> {
    /// By whom it was answered.
    pub(super) realm: u64,
    /// The name, in lower case.
    pub(super) name: DomainRef<'a>,
    /// The type.
    pub(super) rtype: Rtype,
    /// Whether data that fails validation is wanted too.
    pub(super) checking_disabled: bool,
}

impl Key {
    /// Returns the key without what it owns.
    pub(super) fn borrowed(&self) -> KeyRef<'_> {
        let Question { name, rtype, checking_disabled } = &self.question;
        KeyRef {
            realm: self.realm,
            name: name.borrowed(),
            rtype: *rtype,
            checking_disabled: *checking_disabled,
        }
    }
}

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.borrowed().hash(state);
    }
}

impl Equivalent<Key> for KeyRef<'_> {
    fn equivalent(&self, key: &Key) -> bool {
        *self == key.borrowed()
    }
}

//----------- AnswerCache ------------------------------------------------------

/// Answers that are still good, within a number of octets.
#[derive(Debug)]
pub struct AnswerCache {
    /// The answers.
    entries: Cache<Key, Entry, ByOctets>,
    /// How often none was.
    misses: AtomicU64,
}

/// An answer and when it came.
#[derive(Clone, Debug)]
struct Entry {
    /// The answer.
    data: Arc<AnswerData>,
    /// When it came.
    stored: Instant,
    /// What it costs, in octets.
    weight: u64,
}

impl Entry {
    /// Returns the answer if it is still good, and how old it is in seconds.
    fn fresh(self, now: Now) -> Option<(Arc<AnswerData>, u32)> {
        let age = now.instant.saturating_duration_since(self.stored).as_secs();
        let age = u32::try_from(age).ok()?;
        (age < self.data.ttl).then_some((self.data, age))
    }
}

/// Weighs entries by the octets they take.
#[derive(Clone, Debug)]
struct ByOctets;

impl Weighter<Key, Entry> for ByOctets {
    fn weight(&self, _key: &Key, entry: &Entry) -> u64 {
        entry.weight
    }
}

impl AnswerCache {
    /// Returns an empty cache of so many octets.
    pub fn new(octets: u64) -> Self {
        // What a usual answer takes; only a first guess at the table's size.
        let entries = usize::try_from(octets / 1_024).unwrap_or(usize::MAX).clamp(16, 1 << 20);
        let entries = Cache::with_weighter(entries, octets, ByOctets);
        Self { entries, misses: AtomicU64::new(0) }
    }

    /// Returns an answer that is still good, and how old it is in seconds.
    pub(super) fn get(&self, key: KeyRef<'_>, now: Now) -> Option<(Arc<AnswerData>, u32)> {
        let found = self.entries.get(&key).and_then(|entry| entry.fresh(now));
        if found.is_none() {
            self.misses.fetch_add(1, Ordering::Relaxed);
        }
        found
    }

    /// Like [`get`](Self::get), but counts nothing, and gives up rather than
    /// wait for somebody who writes at this moment.
    pub(super) fn glance(&self, key: KeyRef<'_>, now: Now) -> Option<(Arc<AnswerData>, u32)> {
        self.entries.try_get(&key).ok()??.fresh(now)
    }

    /// Keeps an answer, unless it is too large or good for this moment only.
    pub(super) fn put(&self, key: Key, data: &Arc<AnswerData>, now: Now) {
        let weight = weight(&key, data);
        if data.ttl > 0 && weight <= MAX_ENTRY {
            self.entries.insert(key, Entry { data: Arc::clone(data), stored: now.instant, weight });
        }
    }

    /// Returns what was counted.
    pub fn stats(&self) -> CacheStats {
        CacheStats {
            misses: self.misses.load(Ordering::Relaxed),
            entries: self.entries.len() as u64,
            bytes: self.entries.weight(),
        }
    }
}

/// Returns about how many octets an answer takes.
fn weight(key: &Key, data: &AnswerData) -> u64 {
    let key = key.question.name.as_wire().len() + size_of::<Key>();
    let all = key + size_of::<Entry>() + data.weight();
    u64::try_from(all).unwrap_or(u64::MAX).saturating_add(OVERHEAD)
}

//----------- CacheStats -------------------------------------------------------

/// The numbers of the cache at one moment.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct CacheStats {
    /// How often none was.
    pub misses: u64,
    /// How many answers are kept, some of which may have had their time.
    pub entries: u64,
    /// How many octets they take.
    pub bytes: u64,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Clock;
    use crate::base::time::ManualClock;
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
    fn an_answer_is_kept_until_its_time_is_up() {
        let (cache, clock, key) = (AnswerCache::new(1 << 20), ManualClock::at(0), key(0, "a.de", false));
        assert!(cache.get(key.borrowed(), clock.now()).is_none());
        cache.put(key.clone(), &data(&key, 60, 1), clock.now());
        clock.advance(Duration::from_secs(59));
        assert_eq!(cache.get(key.borrowed(), clock.now()).unwrap().1, 59);
        clock.advance(Duration::from_secs(1));
        assert!(cache.get(key.borrowed(), clock.now()).is_none());
        let stats = cache.stats();
        assert_eq!((stats.misses, stats.entries), (2, 1));
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
}
