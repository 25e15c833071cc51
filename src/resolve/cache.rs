//! [`AnswerCache`]: answers that are still good, and those that were lately.
//!
//! It knows names, not people: DNS data only, no device and no verdict.  Every
//! answer out of it is judged for its asker afterwards.
//!
//! Anybody who may ask can flood it with names that nobody asks for again, for
//! instance a page full of random subdomains.  Two things keep such a flood
//! from washing out what the house does ask for: that a name does not exist is
//! kept on a shelf of its own, an eighth of a small cache and nearly half of a
//! large one; and on each shelf what
//! is new has to be asked for again to get beyond a tenth of it (quick_cache,
//! like S3-FIFO).  Names that are asked for again are recognized as long as
//! the shelf has room for as many others.
//
//  Measured with `tests/flood.rs`: 1,000 popular names (Zipf) of 478 to 736
//  octets, asked for 10 times a second, TTLs of 1 to 10 minutes; beside them,
//  from the first second on, a flood at so much of their rate.  After 20,000
//  questions, of the popular answers whose time is not up so many percent are
//  there (quick_cache by itself does not look at what an answer says):
//
//  | size   | rate  | quick_cache by itself | here, no such name | here, wildcard |
//  |--------|-------|-----------------------|--------------------|----------------|
//  | 1 MiB  | 0.2   |                 99.80 |             100.00 |          99.91 |
//  | 1 MiB  | 5     |                 92.59 |             100.00 |          95.23 |
//  | 32 MiB | 0.2   |                100.00 |             100.00 |                |
//  | 32 MiB | 5     |                 99.94 |             100.00 |                |

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Instant;

use hickory_proto::op::ResponseCode;
use quick_cache::DefaultHashBuilder;
use quick_cache::OptionsBuilder;
use quick_cache::Weighter;
use quick_cache::sync::Cache;
use quick_cache::sync::DefaultLifecycle;

use super::AnswerData;
use crate::base::Now;

mod key;

pub(super) use key::Key;
pub(super) use key::KeyRef;

/// The largest answer that is kept, in octets.  A few large ones would
/// otherwise push out everything else (CacheFlush, USENIX Security 2024).
const MAX_ENTRY: u64 = 16 * 1024;

/// How long an answer stays whose time is up, in seconds: a day.  It is given
/// when no fresh one can be had (RFC 8767 section 4 suggests one to three days;
/// a day covers an outage, and a domain that changed hands is not remembered for
/// longer).
pub(super) const MAX_STALE: u32 = 86_400;

/// What an entry costs besides its data: the table's slots, allocations.
const OVERHEAD: u64 = 128;

/// What a usual answer takes, in octets; only a guess at how many there will be.
const USUAL: u64 = 1_024;

/// The part of the cache that is for names that do not exist, at least: one in
/// so many octets.  A house asks for few of them again, and an attacker for any
/// number.
const MISSING_PART: u64 = 8;

/// What a house needs at least for names that do exist, in octets.  Of what is
/// more than that, names that do not exist get half.
const EXISTING_NEED: u64 = 4 << 20;

/// The part of a shelf that is for what was asked for more than once.
const HOT: f64 = 0.9;

/// How many names are recognized that were pushed off a shelf, compared with
/// those on it.
const GHOSTS: f64 = 1.0;

/// The part of a shelf that remembering those takes: one in so many octets, a
/// slot of about 96 for each [`USUAL`] answer.
const GHOSTS_PART: u64 = 10;

/// The least octets of a shelf that has a lock of its own.  More locks mean
/// that fewer wait for one who writes; but names are spread by chance, and
/// small parts fill up while others are empty.
const SHARD: u64 = 1 << 20;

/// The most parts with a lock of their own.
const MAX_SHARDS: usize = 32;

//----------- AnswerCache ------------------------------------------------------

/// Answers that are still good, within a number of octets.
#[derive(Debug)]
pub struct AnswerCache {
    /// Names that exist.
    existing: Shelf,
    /// Names that do not (NXDOMAIN).
    missing: Shelf,
    /// How often there was no answer.
    misses: AtomicU64,
}

/// Where answers are kept.
type Shelf = Cache<Key, Entry, ByOctets>;

/// An answer and when it came.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    /// The answer.
    pub(super) data: Arc<AnswerData>,
    /// When it came.
    pub(super) stored: Instant,
    /// What it costs, in octets.
    weight: u64,
}

impl Entry {
    /// Returns how old it is, in seconds.
    pub(super) fn age(&self, now: Now) -> u64 {
        now.instant.saturating_duration_since(self.stored).as_secs()
    }

    /// Returns whether its time is up, and has been for too long.
    pub(super) fn is_gone(&self, now: Now) -> bool {
        self.age(now) >= u64::from(self.data.ttl) + u64::from(MAX_STALE)
    }

    /// Returns the answer as it is now.
    fn at(self, now: Now) -> Option<Kept> {
        let age = u32::try_from(self.age(now)).ok()?;
        let fresh = age < self.data.ttl;
        (fresh || !self.is_gone(now)).then_some(Kept { data: self.data, age, fresh })
    }
}

/// An answer out of the cache.
#[derive(Clone, Debug)]
pub(super) struct Kept {
    /// The answer.
    pub(super) data: Arc<AnswerData>,
    /// How old it is, in seconds.
    pub(super) age: u32,
    /// Whether its time is not up yet.
    pub(super) fresh: bool,
}

/// Weighs entries by the octets they take.
#[derive(Clone, Debug)]
struct ByOctets;

impl Weighter<Key, Entry> for ByOctets {
    fn weight(&self, _key: &Key, entry: &Entry) -> u64 {
        entry.weight
    }
}

/// Returns an empty shelf of so many octets.
fn shelf(octets: u64) -> Shelf {
    let count = |octets: u64, most| usize::try_from(octets).unwrap_or(most).min(most);
    let entries = count(octets / USUAL, 1 << 20).max(16);
    let capacity = octets - octets / GHOSTS_PART;
    let options = OptionsBuilder::new()
        .estimated_items_capacity(entries)
        .weight_capacity(capacity)
        .shards(count(octets / SHARD, MAX_SHARDS).max(1))
        .hot_allocation(HOT)
        .ghost_allocation(GHOSTS)
        .build();
    let (hasher, lifecycle) = (DefaultHashBuilder::default(), DefaultLifecycle::default());
    match options {
        Ok(options) => Cache::with_options(options, ByOctets, hasher, lifecycle),
        // Both numbers that it insists on are there.
        Err(_) => Cache::with(entries, capacity, ByOctets, hasher, lifecycle),
    }
}

impl AnswerCache {
    /// Returns an empty cache of so many octets.
    pub fn new(octets: u64) -> Self {
        let missing = (octets / MISSING_PART).max(octets.saturating_sub(EXISTING_NEED) / 2);
        Self { existing: shelf(octets - missing), missing: shelf(missing), misses: AtomicU64::new(0) }
    }

    /// Returns an answer.
    pub(super) fn get(&self, key: KeyRef<'_>, now: Now) -> Option<Kept> {
        let entry = self.existing.get(&key).or_else(|| self.missing.get(&key));
        let found = entry.and_then(|entry| entry.at(now));
        if found.as_ref().is_none_or(|kept| !kept.fresh) {
            self.misses.fetch_add(1, Ordering::Relaxed);
        }
        found
    }

    /// Like [`get`](Self::get), but counts nothing, and gives up rather than
    /// wait for somebody who writes at this moment.
    pub(super) fn glance(&self, key: KeyRef<'_>, now: Now) -> Option<Kept> {
        let entry = match self.existing.try_get(&key).ok()? {
            Some(entry) => entry,
            None => self.missing.try_get(&key).ok()??,
        };
        entry.at(now)
    }

    /// Keeps an answer, unless it is too large or good for this moment only.
    pub(super) fn put(&self, key: Key, data: &Arc<AnswerData>, now: Now) {
        // Whether it was kept makes no difference here.
        let _ = self.put_since(key, data, now.instant);
    }

    /// Keeps an answer that came at `stored`.  Returns what it takes, in
    /// octets; none if it is not kept.
    pub(super) fn put_since(&self, key: Key, data: &Arc<AnswerData>, stored: Instant) -> Option<u64> {
        let weight = weight(&key, data);
        if data.ttl == 0 || weight > MAX_ENTRY {
            // What was known before is not so any more.
            self.remove(key.borrowed());
            return None;
        }
        let (shelf, other) = match data.rcode {
            ResponseCode::NXDomain => (&self.missing, &self.existing),
            _ => (&self.existing, &self.missing),
        };
        // Names come and go; one that is on both shelves would come back.
        other.remove(&key.borrowed());
        shelf.insert(key, Entry { data: Arc::clone(data), stored, weight });
        Some(weight)
    }

    /// Forgets an answer.
    pub(super) fn remove(&self, key: KeyRef<'_>) {
        self.existing.remove(&key);
        self.missing.remove(&key);
    }

    /// Returns everything that is kept, in no order, some of which may have had
    /// its time.  Whoever writes has to wait meanwhile, a part at a time.
    pub(super) fn all(&self) -> Vec<(Key, Entry)> {
        self.existing.iter().chain(self.missing.iter()).collect()
    }

    /// Returns how many octets of answers it can hold.
    pub(super) fn capacity(&self) -> u64 {
        self.existing.capacity() + self.missing.capacity()
    }

    /// Returns what was counted.
    pub fn stats(&self) -> CacheStats {
        CacheStats {
            misses: self.misses.load(Ordering::Relaxed),
            entries: (self.existing.len() + self.missing.len()) as u64,
            bytes: self.existing.weight() + self.missing.weight(),
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
mod tests;
