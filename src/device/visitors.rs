//! [`Visitors`]: which addresses ask, with which MAC, and when last; for whoever
//! wants to know what the network looks like from here.
//!
//! An address is noted once a second at most, by those who find out who is
//! behind it, and never for each query.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

use crate::base::Client;
use crate::base::MacAddr;

/// Most addresses that are kept.
const MOST: usize = 4096;

/// After how long an address is forgotten, in seconds.
const KEPT: i64 = 24 * 3600;

/// How long what is counted counts, in seconds: then it is halved.
const HALF: i64 = 3600;

/// What is known of an address that asks.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Visit {
    /// The address.
    pub address: IpAddr,
    /// The MAC address behind it, at last.
    pub mac: Option<MacAddr>,
    /// When it last asked, in seconds since 1970.
    pub last: i64,
    /// In how many seconds of the last hour or two it asked.
    pub seconds: u32,
    /// How often another MAC address was behind it than before.
    pub changes: u32,
}

//----------- Visitors ---------------------------------------------------------

/// Who asks.
#[derive(Debug, Default)]
pub struct Visitors(Mutex<Seen>);

/// What is kept.
#[derive(Debug, Default)]
struct Seen {
    /// By address.
    visits: HashMap<IpAddr, Visit>,
    /// When counts were last halved.
    halved: i64,
}

impl Visitors {
    /// Takes note that a client asked, at `unix` seconds since 1970.
    pub fn met(&self, client: &Client, unix: i64) {
        let mut seen = self.lock();
        if seen.visits.len() >= MOST && !seen.visits.contains_key(&client.addr) {
            let oldest = seen.visits.values().min_by_key(|visit| visit.last).map(|visit| visit.address);
            oldest.map(|address| seen.visits.remove(&address));
        }
        let new = Visit { address: client.addr, mac: client.mac, last: 0, seconds: 0, changes: 0 };
        let visit = seen.visits.entry(client.addr).or_insert(new);
        if unix > visit.last {
            visit.last = unix;
            visit.seconds = visit.seconds.saturating_add(1);
        }
        if client.mac.is_some() && client.mac != visit.mac {
            visit.changes += u32::from(visit.mac.is_some());
            visit.mac = client.mac;
        }
    }

    /// Returns all visits, and lets go of old ones.
    pub fn all(&self, unix: i64) -> Vec<Visit> {
        let mut seen = self.lock();
        seen.visits.retain(|_, visit| unix - visit.last < KEPT);
        if unix - seen.halved >= HALF {
            seen.halved = unix;
            for visit in seen.visits.values_mut() {
                visit.seconds /= 2;
                visit.changes /= 2;
            }
        }
        let mut all: Vec<_> = seen.visits.values().copied().collect();
        all.sort_by_key(|visit| visit.address);
        all
    }

    /// Locks what no fault leaves half done.
    fn lock(&self) -> MutexGuard<'_, Seen> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_count_and_not_queries_and_old_ones_count_less() {
        let visitors = Visitors::default();
        visitors.all(1_000);
        let client = Client::new("192.0.2.1".parse().unwrap());
        for unix in [1_000, 1_000, 1_001, 1_002, 1_002, 1_003] {
            visitors.met(&client, unix);
        }
        assert_eq!(visitors.all(1_010)[0].seconds, 4);
        assert_eq!(visitors.all(1_000 + HALF)[0].seconds, 2);
        assert!(visitors.all(1_003 + KEPT).is_empty());
    }

    #[test]
    fn addresses_that_are_made_up_push_out_the_oldest() {
        let visitors = Visitors::default();
        for nth in 0..10_000u32 {
            let address = std::net::Ipv4Addr::from(0x0a00_0000 + nth);
            visitors.met(&Client::new(address.into()), i64::from(nth) + 1);
        }
        let all = visitors.all(10_001);
        assert_eq!((all.len(), all[0].last), (MOST, 10_001 - 4096));
    }
}
