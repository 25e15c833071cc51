//! What is told of addresses and of who has them, and [`Told`], what one feed told.
//
//  Apart from `Addresses`, where what all of them told is weighed.

use std::collections::HashMap;
use std::collections::HashSet;
use std::net::IpAddr;
use std::sync::Arc;

use crate::base::MacAddr;
use crate::base::Now;
use crate::base::Source;

/// Most addresses that are kept from a feed that tells one by one.  A house has
/// tens; an attacker on the link may make up any number.
pub(super) const MOST: usize = 4096;

/// An address, and the interface where it takes one to tell it from another
/// (link-local addresses); 0 otherwise.
pub type Key = (IpAddr, u32);

/// Who is behind an address.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Entry {
    /// The MAC address.
    pub mac: MacAddr,
    /// Who says so.
    pub source: Source,
    /// Since when, in seconds since 1970.
    pub since: i64,
    /// The last second it holds, in seconds since 1970; for ever without.
    pub until: Option<i64>,
    /// How many words had been heard by then: which of two is the later.
    pub(super) nth: u64,
}

impl Entry {
    /// Returns whether it still holds.
    pub(super) fn holds(&self, now: Now) -> bool {
        self.until.is_none_or(|until| now.unix <= until)
    }
}

/// What a feed says of an address.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Binding {
    /// The address.
    pub addr: IpAddr,
    /// The MAC address behind it.
    pub mac: MacAddr,
    /// What people or the device itself call it; for showing only.
    pub name: Option<Arc<str>>,
    /// Whether it is in the guest network.
    pub guest: bool,
    /// The last second it holds, in seconds since 1970; for ever without.
    pub until: Option<i64>,
}

/// Somebody who tells: a lease file, the neighbor table.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Feed {
    /// What kind of source it is.
    pub source: Source,
    /// Which of them.
    pub name: Arc<str>,
}

/// What else is known of a device; for showing only.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct About {
    /// What somebody calls it.
    pub name: Option<Arc<str>>,
    /// Whether it is in the guest network.
    pub guest: bool,
    /// What the room is called in which it stands, as it says itself.
    pub room: Option<Arc<str>>,
}

/// An entry, for showing.
#[derive(Clone, Debug)]
pub struct Shown {
    /// The address.
    pub addr: IpAddr,
    /// Who is behind it.
    pub entry: Entry,
    /// What else is known.
    pub about: About,
}

//----------- Told -------------------------------------------------------------

/// What one feed said.
#[derive(Debug, Default)]
pub(super) struct Told {
    /// The entries.
    pub(super) entries: HashMap<Key, Entry>,
    /// What else is known, by MAC address.
    pub(super) about: HashMap<MacAddr, About>,
}

impl Told {
    /// Takes down one word.  Returns whether it is news.
    pub(super) fn hear(&mut self, key: Key, binding: &Binding, source: Source, now: Now, nth: u64) -> bool {
        if binding.name.is_some() || binding.guest {
            let about = About { name: binding.name.clone(), guest: binding.guest, room: None };
            self.about.insert(binding.mac, about);
        }
        let until = binding.until;
        if let Some(entry) = self.entries.get_mut(&key).filter(|entry| entry.mac == binding.mac) {
            let news = entry.until.is_some_and(|before| before < now.unix);
            entry.until = until;
            return news;
        }
        if !self.entries.contains_key(&key) && self.entries.len() >= MOST {
            self.make_room(now);
        }
        self.entries.insert(key, Entry { mac: binding.mac, source, since: now.unix, until, nth });
        true
    }

    /// Forgets what no longer holds, and the oldest eighth of the rest.
    fn make_room(&mut self, now: Now) {
        let mut ages: Vec<i64> = self.entries.values().map(|entry| entry.since).collect();
        let (_, limit, _) = ages.select_nth_unstable(MOST / 8);
        let limit = *limit;
        let mut left = MOST / 8;
        self.entries.retain(|_, entry| {
            let old = !entry.holds(now) || (entry.since <= limit && left > 0);
            left -= usize::from(old && left > 0);
            !old
        });
        let known: HashSet<_> = self.entries.values().map(|entry| entry.mac).collect();
        self.about.retain(|mac, _| known.contains(mac));
    }
}
