//! [`Storms`]: who asks again and again for what is blocked, and for how long
//! the answer holds then.
//!
//! Some devices ask for a blocked name without end, thousands of times a day.
//! Those that keep answers are calmed by a longer TTL; those that do not are at
//! least counted.  So a blocked answer holds briefly at first, that a change of
//! policy is felt, and twice as long each time the device is back once its time
//! is up.  A device that stays away begins anew.
//!
//! A table belongs to one household as it was loaded: after a reload, and so
//! after any change of policy or exceptions, everything holds briefly again.
//
//  A flat table of fixed size that all threads share, without locks: a storm
//  comes in through several sockets.  Two threads that meet in a slot lose a
//  count or a doubling, which nobody misses.  Whoever asks for made-up names
//  pushes out what was not asked for longest, and gets a short TTL.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

use crate::answer::Answer;
use crate::answer::Blocked;
use crate::matcher::Key;
use crate::matcher::mix;
use crate::query::QueryRef;
use crate::query::Rtype;

/// Slots, 16 octets each: more than a house has names that are blocked.
const SLOTS: usize = 4096;

/// Slots that one name may be in: a line of the processor's cache.
const WAYS: usize = 4;

/// Seconds of silence after which a device is taken for calm; twice its TTL, if
/// that is more.  Longer than the five minutes between two asks of an Echo that
/// looks whether it is online.
const CALM: u32 = 600;

/// Asked again so often, it is a storm.
pub const STORM: u32 = 20;

/// Times are kept in so many bits; they come around in eight years.
const TIME: u32 = 28;

//----------- Retry ------------------------------------------------------------

/// Whether a query asks again for what was blocked.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Retry {
    /// It does not, or it was not blocked.
    #[default]
    No,
    /// It does: although an answer of that type still holds, or it has run out.
    Again,
    /// It does, so often by now that this is a storm; it is known by this number.
    Storm(u64),
}

//----------- Storms -----------------------------------------------------------

/// What was asked for again and again.
#[derive(Debug)]
pub struct Storms(Box<[Slot]>);

/// One client and name.
#[derive(Debug, Default)]
struct Slot {
    /// Who and what, in the upper 40 bits; how often again, in the lower 24.
    name: AtomicU64,
    /// See [`State`].
    state: AtomicU64,
}

/// What is known of a client and name, as a number: when its TTL was set (28
/// bits), when it was last asked for (28), how often its TTL was doubled (4),
/// and the types that were asked for since (4).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct State {
    /// When the TTL was set, in seconds.
    set: u32,
    /// When it was last asked for.
    asked: u32,
    /// How often the TTL was doubled.
    doubled: u32,
    /// A bit for each kind of type.
    types: u32,
}

impl Default for Storms {
    fn default() -> Self {
        Self((0..SLOTS).map(|_| Slot::default()).collect())
    }
}

impl Storms {
    /// Says how a query is answered if it is blocked: in the form of `blocked`,
    /// for as long as calms the asker.  And whether it was asked again.
    pub fn calm(&self, query: QueryRef<'_>, answer: &Answer, blocked: Blocked) -> (Blocked, Retry) {
        if !matches!(answer, Answer::Blocked(_)) {
            return (blocked, Retry::No);
        }
        let (key, now) = (key(query), seconds(query.received.unix));
        let Some(slot) = self.slot(key, now) else {
            return (blocked, Retry::No);
        };
        let (name, state) =
            (slot.name.load(Ordering::Relaxed), State::of(slot.state.load(Ordering::Relaxed)));
        let known = name >> 24 == key >> 24 && !state.is_calm(now, blocked);
        let (state, again) = if known {
            state.next(now, query.qtype, blocked)
        } else {
            (State::first(now, query.qtype), false)
        };
        let count = if known { (name & COUNT) + u64::from(again) } else { 0 };
        slot.name.store(key & !COUNT | count.min(COUNT), Ordering::Relaxed);
        slot.state.store(state.bits(), Ordering::Relaxed);
        let retry = match again {
            false => Retry::No,
            true if count == u64::from(STORM) => Retry::Storm(key),
            true => Retry::Again,
        };
        (Blocked { ttl: state.ttl(blocked), ..blocked }, retry)
    }

    /// Returns how often a storm's name was asked for again, as long as it goes
    /// on at `unix` seconds since 1970.
    pub fn goes_on(&self, storm: u64, unix: i64, blocked: Blocked) -> Option<u32> {
        let now = seconds(unix);
        let slot =
            self.bucket(storm)?.iter().find(|slot| slot.name.load(Ordering::Relaxed) >> 24 == storm >> 24)?;
        let state = State::of(slot.state.load(Ordering::Relaxed));
        let count = slot.name.load(Ordering::Relaxed) & COUNT;
        (!state.is_calm(now, blocked)).then(|| u32::try_from(count).unwrap_or(u32::MAX))
    }

    /// Returns the slots that a client and name may be in.
    fn bucket(&self, key: u64) -> Option<&[Slot]> {
        let bucket = usize::try_from(key >> 24).ok()? % (SLOTS / WAYS);
        self.0.get(bucket * WAYS..(bucket + 1) * WAYS)
    }

    /// Returns the slot of a client and name, or the one that was not asked for
    /// longest.
    fn slot(&self, key: u64, now: u32) -> Option<&Slot> {
        let bucket = self.bucket(key)?;
        let same = bucket.iter().find(|slot| slot.name.load(Ordering::Relaxed) >> 24 == key >> 24);
        same.or_else(|| {
            bucket.iter().max_by_key(|slot| match slot.name.load(Ordering::Relaxed) {
                0 => u32::MAX,
                _ => since(State::of(slot.state.load(Ordering::Relaxed)).asked, now),
            })
        })
    }
}

/// The bits of a count.
const COUNT: u64 = (1 << 24) - 1;

/// Returns what a client and name are known by: the upper bits are theirs, the
/// lower 24 are for a count.  By its MAC a speaker is one, whatever addresses it
/// asks from.
fn key(query: QueryRef<'_>) -> u64 {
    let who = match query.client.mac {
        Some(mac) => u128::from(mac.bits()) | 1 << 127,
        None => match query.client.addr {
            std::net::IpAddr::V4(v4) => u128::from(v4.to_bits()),
            std::net::IpAddr::V6(v6) => v6.to_bits(),
        },
    };
    // Never zero, which is an empty slot.
    mix(Key::ours(), who, query.qname.as_wire()) | 1 << 63
}

/// Returns a date in as many bits as are kept.
fn seconds(unix: i64) -> u32 {
    let mask = (1 << TIME) - 1;
    u32::try_from(unix & mask).unwrap_or_default()
}

/// Returns the seconds since a moment; none, if the clock was set back.
fn since(then: u32, now: u32) -> u32 {
    let mask = (1 << TIME) - 1;
    let passed = now.wrapping_sub(then) & mask;
    if passed > mask / 2 { 0 } else { passed }
}

/// Returns the bit for a type: most devices ask for the first three at once.
fn bit(qtype: Rtype) -> u32 {
    match qtype {
        Rtype::A => 1,
        Rtype::AAAA => 2,
        Rtype::HTTPS => 4,
        _ => 8,
    }
}

impl State {
    /// Reads a number.
    fn of(bits: u64) -> Self {
        let part = |at: u32, width: u32| u32::try_from(bits >> at & ((1 << width) - 1)).unwrap_or_default();
        Self { set: part(36, TIME), asked: part(8, TIME), doubled: part(4, 4), types: part(0, 4) }
    }

    /// Writes it as one.
    fn bits(self) -> u64 {
        let Self { set, asked, doubled, types } = self;
        u64::from(set) << 36 | u64::from(asked) << 8 | u64::from(doubled) << 4 | u64::from(types)
    }

    /// Returns what is known after the first query.
    fn first(now: u32, qtype: Rtype) -> Self {
        Self { set: now, asked: now, doubled: 0, types: bit(qtype) }
    }

    /// Returns how long an answer holds now, in seconds.
    fn ttl(self, blocked: Blocked) -> u32 {
        let longer = u64::from(blocked.ttl) << self.doubled;
        u32::try_from(longer).unwrap_or(u32::MAX).min(blocked.max_ttl.max(blocked.ttl))
    }

    /// Returns whether it was not asked for so long that all is calm.
    fn is_calm(self, now: u32, blocked: Blocked) -> bool {
        since(self.asked, now) > self.ttl(blocked).saturating_mul(2).max(CALM)
    }

    /// Returns what is known after another query, and whether it asks again.
    //
    //  The first query for each other type, while an answer holds, belongs to
    //  the same look-up.
    fn next(self, now: u32, qtype: Rtype, blocked: Blocked) -> (Self, bool) {
        let ttl = self.ttl(blocked);
        if since(self.set, now) >= ttl.max(1) {
            let more = u32::from(ttl < blocked.max_ttl && self.doubled < 15);
            let types = bit(qtype);
            return (Self { set: now, asked: now, doubled: self.doubled + more, types }, true);
        }
        let again = self.types & bit(qtype) != 0;
        (Self { asked: now, types: self.types | bit(qtype), ..self }, again)
    }
}

#[cfg(test)]
mod tests;
