//! [`Clients`]: who is behind an address, as far as one thread knows.
//!
//! Finding out costs two questions to the kernel, so it is done once and then
//! remembered: until the household changes, until somebody is found to be
//! somebody else, and in any case for no more than a second.  Who cannot be told
//! at once is not remembered at all.
//
//  A flat table of fixed size, a few places for each address: whoever makes up
//  addresses pushes out whoever was not looked at for the longest time, and
//  nothing grows.

use std::hash::BuildHasher;
use std::hash::RandomState;
use std::net::IpAddr;
use std::net::SocketAddr;
use std::time::Duration;

use super::super::door::Door;
use super::super::door::Home;
use crate::base::Client;
use crate::base::Now;
use crate::device::Device;
use crate::resolve::Resolve;

/// Places in the table.  A house has tens of devices.
const PLACES: usize = 2048;

/// Places that one address may be in.
const WAYS: usize = 4;

/// How long it is believed without looking again: news of the neighbor table
/// may be lost.
const BELIEVED: Duration = Duration::from_secs(1);

/// A client that is known.
#[derive(Clone, Debug)]
pub struct Known {
    /// Its address and MAC.
    pub client: Client,
    /// The device behind it.
    pub device: Device,
    /// The page on which its queries are counted.
    pub page: u16,
    /// Whether it may ask at all, and for itself.
    pub admitted: bool,
}

impl Known {
    /// Finds out who is behind an address; nobody if that can't be told at once.
    pub fn find<R: Resolve + 'static>(
        peer: SocketAddr,
        door: &Door<R>,
        home: &Home<R>,
        now: Now,
    ) -> Option<Self> {
        let client = door.identify().at_once(peer, now).ok()?;
        door.witness().met(&client, now);
        let device = home.house.identify(&client);
        let page = door.witness().page(&device, &home.house);
        let admitted = home.access.admits(peer.ip()) && !home.access.is_proxy(peer.ip());
        door.witness().identified(&client, home.house.found(&client), None);
        Some(Self { client, device, page, admitted })
    }
}

/// A place in the table that is taken.
struct Place {
    /// The address and, where that means something on one link only, the
    /// interface.
    key: Key,
    /// Who is there; apart, so that the table is small.
    known: Box<Known>,
    /// When that was found out.
    seen: Now,
    /// What it rests on.
    rests_on: (u64, u64),
}

/// What clients are found by.
type Key = (IpAddr, u32);

/// The clients that one thread knows.
pub(super) struct Clients {
    /// The table.
    places: Box<[Option<Place>]>,
    /// Where in it an address is; with a secret, so that nobody can choose.
    hasher: RandomState,
}

impl Clients {
    /// Returns a table with nobody in it.
    pub(super) fn new() -> Self {
        Self { places: (0..PLACES).map(|_| None).collect(), hasher: RandomState::new() }
    }

    /// Returns who is behind an address.  `rests_on` is another one whenever
    /// the household has changed, or who is where.
    pub(super) fn get(
        &mut self,
        peer: SocketAddr,
        rests_on: (u64, u64),
        now: Now,
        find: impl FnOnce() -> Option<Known>,
    ) -> Option<&Known> {
        let key = match peer {
            SocketAddr::V6(v6) => (peer.ip(), v6.scope_id()),
            SocketAddr::V4(_) => (peer.ip(), 0),
        };
        let set = usize::try_from(self.hasher.hash_one(key) % (PLACES / WAYS) as u64).ok()? * WAYS;
        let ways = self.places.get_mut(set..set + WAYS)?;
        let same = ways.iter().position(|place| place.as_ref().is_some_and(|place| place.key == key));
        let is_good = |place: &Place| {
            place.rests_on == rests_on && now.instant.saturating_duration_since(place.seen.instant) < BELIEVED
        };
        let way = match same {
            Some(way) => way,
            // A free place, or else the one that was not looked at for longest.
            None => (0..WAYS).min_by_key(|way| ways.get(*way)?.as_ref().map(|place| place.seen.instant))?,
        };
        let place = ways.get_mut(way)?;
        if same.is_none() || !place.as_ref().is_some_and(is_good) {
            *place = find().map(|known| Place { key, known: Box::new(known), seen: now, rests_on });
        }
        place.as_ref().map(|place| &*place.known)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Clock;
    use crate::base::time::ManualClock;
    use crate::device::PolicyId;
    use crate::device::Standing;
    use std::net::Ipv4Addr;
    use std::sync::Arc;

    fn known(peer: SocketAddr, page: u16) -> Known {
        let device = Device {
            name: Arc::from("x"),
            family: None,
            policy: PolicyId(0),
            standing: Standing::Unknown,
            logged: true,
        };
        Known { client: Client::new(peer.ip()), device, page, admitted: true }
    }

    #[test]
    fn who_is_known_is_asked_again_after_a_second_or_a_change() {
        let (mut clients, clock) = (Clients::new(), ManualClock::at(0));
        let peer: SocketAddr = "192.0.2.1:5353".parse().unwrap();
        let mut page = |rests_on, page, clock: &ManualClock| {
            clients.get(peer, rests_on, clock.now(), || Some(known(peer, page))).unwrap().page
        };
        assert_eq!(page((1, 1), 1, &clock), 1);
        assert_eq!(page((1, 1), 2, &clock), 1);
        assert_eq!(page((1, 2), 3, &clock), 3);
        assert_eq!(page((2, 2), 4, &clock), 4);
        clock.advance(Duration::from_millis(999));
        assert_eq!(page((2, 2), 5, &clock), 4);
        clock.advance(Duration::from_millis(1));
        assert_eq!(page((2, 2), 6, &clock), 6);
    }

    #[test]
    fn who_cannot_be_told_is_asked_for_each_time() {
        let (mut clients, clock) = (Clients::new(), ManualClock::at(0));
        let peer: SocketAddr = "192.0.2.1:5353".parse().unwrap();
        assert!(clients.get(peer, (0, 0), clock.now(), || None).is_none());
        assert!(clients.get(peer, (0, 0), clock.now(), || Some(known(peer, 1))).is_some());
        clock.advance(BELIEVED);
        assert!(clients.get(peer, (0, 0), clock.now(), || None).is_none());
        assert!(clients.get(peer, (0, 0), clock.now(), || None).is_none(), "the old word is forgotten");
    }

    #[test]
    fn made_up_addresses_neither_mix_nor_grow() {
        let (mut clients, clock) = (Clients::new(), ManualClock::at(0));
        for nth in 0..100_000u32 {
            let peer = SocketAddr::from((Ipv4Addr::from(0x0a00_0000 + nth), 53));
            let found = clients.get(peer, (0, 0), clock.now(), || Some(known(peer, 0))).unwrap();
            assert_eq!(found.client.addr, peer.ip());
        }
        assert_eq!(clients.places.len(), PLACES);
    }
}
