//! [`Paces`]: how fast each address asks over UDP, and when it is too fast.
//!
//! What is at hand is given as fast as it is asked for: that costs no more than
//! dropping it.  What has to be sought has a pace.
//!
//! Who is too fast is not refused: a device that is refused asks again at once.
//! Every second query beyond the limit is told to come by TCP, where a client
//! waits for its turn, and the others are dropped.
//
//  A flat table of fixed size for each thread that reads a socket: whoever makes
//  up addresses pushes out whoever asked least lately, and nothing grows.

use std::hash::BuildHasher;
use std::hash::RandomState;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::time::Duration;
use std::time::Instant;

use crate::base::Now;

/// Places in the table.
const PLACES: usize = 1024;

/// Places that one address may be in.
const WAYS: usize = 4;

/// What may be asked at once by an address that was silent, in seconds of its
/// limit: a web page, or a house waking up behind its router.
const BURST: u32 = 2;

/// How long an address must keep the limit until it counts as calm again, and
/// its next burst is spoken of.
const CALM: Duration = Duration::from_mins(1);

//----------- Pace -------------------------------------------------------------

/// What to do about a query, as far as its asker's pace goes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Pace {
    /// Answer it.
    Kept,
    /// Say that it should be asked over TCP.
    Slip,
    /// Drop it.
    Drop,
}

/// What is known of one address.
#[derive(Clone, Copy)]
struct Asker {
    /// The address, hashed with the table's secret.
    who: u64,
    /// When it would be even with its limit (GCRA: the theoretical arrival time).
    even: Instant,
    /// When it was last too fast, and whether it was told to come by TCP then.
    over: Option<(Instant, bool)>,
}

/// The paces that one thread knows.
pub(super) struct Paces {
    /// The table.
    places: Box<[Option<Asker>]>,
    /// Where in it an address is; with a secret, so that nobody can choose.
    hasher: RandomState,
}

impl Paces {
    /// Returns a table with nobody in it.
    pub(super) fn new() -> Self {
        Self { places: vec![None; PLACES].into_boxed_slice(), hasher: RandomState::new() }
    }

    /// Takes note that an address asks, and says what to do if it may ask
    /// `limit` times a second.  Loopback has no limit: whoever asks from there
    /// asks for others, or measures.
    pub(super) fn asks(&mut self, address: IpAddr, limit: Option<NonZeroU32>, now: Now) -> Pace {
        let Some(limit) = limit.filter(|_| !address.is_loopback()) else { return Pace::Kept };
        let (now, who) = (now.instant, self.hasher.hash_one(address));
        let Some(asker) = self.find(who, now) else { return Pace::Kept };
        let one = Duration::from_secs(1) / limit.get();
        let even = asker.even.max(now);
        if even.duration_since(now) < Duration::from_secs(BURST.into()) {
            asker.even = even + one;
            return Pace::Kept;
        }
        let before = asker.over.filter(|(at, _)| now.saturating_duration_since(*at) < CALM);
        let slip = before.is_none_or(|(_, slipped)| !slipped);
        asker.over = Some((now, slip));
        if before.is_none() {
            tracing::warn!(
                %address,
                limit,
                "asks too fast for what has to be sought; beyond listen.rate-limit there is no answer over UDP"
            );
        }
        if slip { Pace::Slip } else { Pace::Drop }
    }

    /// Returns what is known of an address.
    fn find(&mut self, who: u64, now: Instant) -> Option<&mut Asker> {
        let set = usize::try_from(who % (PLACES / WAYS) as u64).ok()? * WAYS;
        let ways = self.places.get_mut(set..set + WAYS)?;
        let same = ways.iter().position(|place| place.as_ref().is_some_and(|asker| asker.who == who));
        let oldest = || (0..WAYS).min_by_key(|way| ways.get(*way)?.as_ref().map(|asker| asker.even));
        let place = same.or_else(oldest)?;
        let place = ways.get_mut(place)?;
        if same.is_none() {
            *place = Some(Asker { who, even: now, over: None });
        }
        place.as_mut()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Clock;
    use crate::base::time::ManualClock;

    const LIMIT: Option<NonZeroU32> = NonZeroU32::new(100);

    fn count(paces: &mut Paces, address: &str, queries: u32, now: Now) -> [u32; 3] {
        let mut counts = [0; 3];
        for _ in 0..queries {
            counts[match paces.asks(address.parse().unwrap(), LIMIT, now) {
                Pace::Kept => 0,
                Pace::Slip => 1,
                Pace::Drop => 2,
            }] += 1;
        }
        counts
    }

    #[test]
    fn a_burst_passes_and_what_is_beyond_it_is_halved_between_tcp_and_nothing() {
        let (mut paces, clock) = (Paces::new(), ManualClock::at(0));
        assert_eq!(count(&mut paces, "192.0.2.1", 1200, clock.now()), [200, 500, 500]);
        assert_eq!(count(&mut paces, "192.0.2.2", 200, clock.now()), [200, 0, 0], "others are not meant");
        clock.advance(Duration::from_secs(1));
        assert_eq!(count(&mut paces, "192.0.2.1", 110, clock.now()), [100, 5, 5]);
        clock.advance(Duration::from_secs(10));
        assert_eq!(count(&mut paces, "192.0.2.1", 200, clock.now()), [200, 0, 0], "no more is saved up");
    }

    #[test]
    fn within_the_limit_nothing_is_lost_for_ever() {
        let (mut paces, clock) = (Paces::new(), ManualClock::at(0));
        for _ in 0..10_000 {
            assert_eq!(count(&mut paces, "192.0.2.1", 1, clock.now()), [1, 0, 0]);
            clock.advance(Duration::from_millis(10));
        }
    }

    #[test]
    fn loopback_and_a_limit_of_none_pass() {
        let (mut paces, now) = (Paces::new(), ManualClock::at(0).now());
        assert_eq!(count(&mut paces, "127.0.0.1", 5000, now), [5000, 0, 0]);
        assert_eq!(paces.asks("192.0.2.1".parse().unwrap(), None, now), Pace::Kept);
    }
}
