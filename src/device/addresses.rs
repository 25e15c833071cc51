//! [`Addresses`]: which MAC address is behind an address, as far as we were
//! told; each entry with who said so, since when, and until when.
//!
//! A device has several MAC addresses and each of these several addresses.
//! What the kernel says of a client in hand goes before all of this (see
//! `listen::identify`); the table is for clients that the kernel cannot see or
//! has forgotten.
//!
//! Whoever looks somebody up reads a flat table that is swapped whole and waits
//! for nobody.  Of two that say different things the one that changed its mind
//! last is right: who takes over an address does not inherit its policy.
//
//  Apart from `registry`, which is built from files and never changes.

mod told;

use std::collections::BTreeMap;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

use arc_swap::ArcSwap;

use crate::base::MacAddr;
use crate::base::Now;
use crate::base::Source;

pub use told::About;
pub use told::Binding;
pub use told::Entry;
pub use told::Feed;
pub use told::Key;
pub use told::Shown;
use told::Told;

/// Most rooms that are kept: a house has a few.
const MOST_ROOMS: usize = 1024;

/// Most addresses that are kept from a feed that tells all at once.
pub const MOST_AT_ONCE: usize = 65_536;

//----------- Addresses --------------------------------------------------------

/// All that was told.
#[derive(Debug, Default)]
pub struct Addresses {
    /// What each feed said.
    told: Mutex<Feeds>,
    /// The same, flat.
    table: ArcSwap<HashMap<Key, Entry>>,
    /// How often somebody was found to be somebody else.
    changes: AtomicU64,
}

/// What each feed said.
#[derive(Debug, Default)]
struct Feeds {
    /// By feed.
    all: BTreeMap<Feed, Told>,
    /// How many words were heard.
    words: u64,
}

impl Addresses {
    /// Returns who is behind an address.  Neither waits nor allocates.
    pub fn find(&self, key: Key, now: Now) -> Option<Entry> {
        self.table.load().get(&key).filter(|entry| entry.holds(now)).copied()
    }

    /// Returns a number that is another one whenever somebody has another MAC
    /// address than before.
    pub fn changes(&self) -> u64 {
        self.changes.load(Ordering::Acquire)
    }

    /// Hears single words of a feed, each of which stands until it says
    /// something else of the address.
    pub fn hear(&self, feed: &Feed, words: impl IntoIterator<Item = (Key, Binding)>, now: Now) {
        let mut told = self.lock();
        let Feeds { all, words: nth } = &mut *told;
        let own = all.entry(feed.clone()).or_default();
        let mut changed = false;
        for (key, binding) in words {
            *nth += 1;
            changed |= own.hear(key, &binding, feed.source, now, *nth);
        }
        if changed {
            self.publish(&told, now);
        }
    }

    /// Hears all that a feed has to say; what it said before is forgotten.
    pub fn replace(&self, feed: &Feed, bindings: &[Binding], now: Now) {
        let mut told = self.lock();
        let before = told.all.remove(feed).unwrap_or_default();
        told.words += 1;
        let mut own = Told::default();
        for binding in bindings.iter().take(MOST_AT_ONCE) {
            let key = (binding.addr.to_canonical(), 0);
            // What is said again is no news.
            if let Some(entry) = before.entries.get(&key).filter(|entry| entry.mac == binding.mac) {
                own.entries.insert(key, *entry);
            }
            own.hear(key, binding, feed.source, now, told.words);
        }
        told.all.insert(feed.clone(), own);
        self.publish(&told, now);
    }

    /// Hears what a feed has to say of devices besides where they are, after
    /// [`replace`](Self::replace).
    pub fn describe(&self, feed: &Feed, about: Vec<(MacAddr, About)>) {
        if let Some(own) = self.lock().all.get_mut(feed) {
            own.about.extend(about.into_iter().take(MOST_AT_ONCE));
        }
    }

    /// Hears from a device what the room is called in which it stands.
    pub fn stands_in(&self, feed: &Feed, mac: MacAddr, room: &str) {
        let mut told = self.lock();
        let about = &mut told.all.entry(feed.clone()).or_default().about;
        let there = about.get(&mac).and_then(|about| about.room.as_deref());
        if there == Some(room) {
            return;
        }
        if about.len() >= MOST_ROOMS {
            // Somebody makes up devices; those of the house will say it again.
            about.clear();
        }
        about.insert(mac, About { room: Some(Arc::from(room)), ..About::default() });
    }

    /// Forgets what a feed said of an address.  Returns whether it had said
    /// something.
    pub fn forget(&self, feed: &Feed, key: Key, now: Now) -> bool {
        let mut told = self.lock();
        let gone = told.all.get_mut(feed).is_some_and(|own| own.entries.remove(&key).is_some());
        self.publish(&told, now);
        gone
    }

    /// Forgets all feeds but these of the sources that files and the config
    /// name.
    pub fn only(&self, keep: &[Feed], now: Now) {
        let mut told = self.lock();
        told.all.retain(|feed, _| {
            matches!(feed.source, Source::Neighbor | Source::Pushed) || keep.contains(feed)
        });
        self.publish(&told, now);
    }

    /// Returns everybody, by address.
    pub fn all(&self, now: Now) -> Vec<Shown> {
        let told = self.lock();
        let about = |mac| {
            // What people call it goes before what a router makes of its address.
            let mut all = told.all.values().rev().filter_map(|own| own.about.get(&mac));
            let guest = all.clone().any(|about| about.guest);
            let room = all.clone().find_map(|about| about.room.clone());
            About { name: all.find_map(|about| about.name.clone()), guest, room }
        };
        let table = self.table.load();
        let mut all: Vec<_> = table
            .iter()
            .filter(|(_, entry)| entry.holds(now))
            .map(|((addr, _), entry)| Shown { addr: *addr, entry: *entry, about: about(entry.mac) })
            .collect();
        all.sort_by_key(|shown| (shown.entry.mac, shown.addr));
        all
    }

    /// Returns what one feed said, for keeping.
    pub fn of(&self, feed: &Feed, now: Now) -> Vec<Binding> {
        let told = self.lock();
        let Some(own) = told.all.get(feed) else { return Vec::new() };
        let holding = own.entries.iter().filter(|(_, entry)| entry.holds(now));
        let mut bindings: Vec<_> = holding
            .map(|((addr, _), entry)| Binding {
                addr: *addr,
                mac: entry.mac,
                name: own.about.get(&entry.mac).and_then(|about| about.name.clone()),
                guest: own.about.get(&entry.mac).is_some_and(|about| about.guest),
                until: entry.until,
            })
            .collect();
        bindings.sort_by_key(|binding| binding.addr);
        bindings
    }

    /// Makes the flat table of what was told.
    fn publish(&self, told: &Feeds, now: Now) {
        let mut table: HashMap<Key, Entry> = HashMap::new();
        for (key, entry) in told.all.values().flat_map(|own| &own.entries) {
            if !entry.holds(now) {
                continue;
            }
            let there = table.entry(*key).or_insert(*entry);
            if there.nth < entry.nth {
                *there = *entry;
            }
        }
        let before = self.table.swap(Arc::new(table));
        let table = self.table.load();
        let other = |(key, entry): (&Key, &Entry)| table.get(key).is_none_or(|now| now.mac != entry.mac);
        // A neighbor who was not known before is nobody that anybody remembers.
        let new =
            |(key, entry): (&Key, &Entry)| entry.source != Source::Neighbor && !before.contains_key(key);
        if before.iter().any(other) || table.iter().any(new) {
            self.changes.fetch_add(1, Ordering::Release);
        }
    }

    /// Locks what was told.
    fn lock(&self) -> MutexGuard<'_, Feeds> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
