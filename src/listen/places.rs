//! [`Places`]: how many queries may be in hand, of one client and in all.
//!
//! Only queries that wait for something take a place.  Without a bound for each
//! client, one that asks for names nobody answers would take them all.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

use tokio::sync::Notify;

use crate::pipeline::Dropped;

/// Most queries in hand at once; more are dropped, and the client asks again.
const MOST_PENDING: usize = 1000;

/// Most of them from one address.  Loopback is exempt: a forwarder on this
/// machine asks for everybody.
const MOST_PENDING_OF_ONE: usize = 100;

/// Who has how many queries in hand.
#[derive(Debug, Default)]
pub(super) struct Places {
    /// The places that are taken.
    taken: Mutex<Taken>,
    /// Told when the last one is given back.
    none_left: Notify,
}

/// Places that are taken.
#[derive(Debug, Default)]
struct Taken {
    /// By whom.
    by: HashMap<IpAddr, usize>,
    /// How many in all.
    all: usize,
    /// Set when the house closes.
    closed: bool,
}

impl Places {
    /// Takes a place for a query of `client`, or says why there is none.
    pub(super) fn take(self: &Arc<Self>, client: IpAddr) -> Result<Place, Dropped> {
        let mut taken = self.lock();
        if taken.closed || taken.all >= MOST_PENDING {
            return Err(Dropped::Overload);
        }
        let own = taken.by.entry(client).or_default();
        if *own >= MOST_PENDING_OF_ONE && !client.to_canonical().is_loopback() {
            return Err(Dropped::ClientOverload);
        }
        *own += 1;
        taken.all += 1;
        Ok(Place { places: Arc::clone(self), client })
    }

    /// Lets nobody take a place any more.
    pub(super) fn close(&self) {
        self.lock().closed = true;
    }

    /// Waits until no place is taken.  For one who waits.
    pub(super) async fn all_free(&self) {
        while self.lock().all > 0 {
            self.none_left.notified().await;
        }
    }

    /// Gives a place back.
    fn give_back(&self, client: IpAddr) {
        let mut taken = self.lock();
        taken.all -= 1;
        if let Some(own) = taken.by.get_mut(&client) {
            *own -= 1;
            if *own == 0 {
                taken.by.remove(&client);
            }
        }
        if taken.all == 0 {
            self.none_left.notify_one();
        }
    }

    /// Locks what no fault leaves half done.
    fn lock(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A place; given back when it is dropped.
#[derive(Debug)]
pub(super) struct Place {
    /// Where it is taken.
    places: Arc<Places>,
    /// By whom.
    client: IpAddr,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.places.give_back(self.client);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(nth: usize) -> IpAddr {
        IpAddr::from([192, 0, 2, u8::try_from(nth).unwrap()])
    }

    #[test]
    fn nobody_takes_more_than_a_tenth_and_all_together_no_more_than_there_are() {
        let places = Arc::new(Places::default());
        let mut held = Vec::new();
        for nth in 0..MOST_PENDING / MOST_PENDING_OF_ONE {
            held.extend((0..MOST_PENDING_OF_ONE).map(|_| places.take(address(nth)).unwrap()));
            assert_eq!(
                places.take(address(nth)).unwrap_err(),
                match nth {
                    9 => Dropped::Overload,
                    _ => Dropped::ClientOverload,
                }
            );
        }
        assert_eq!(places.take(address(99)).unwrap_err(), Dropped::Overload);
        held.truncate(1);
        assert!(places.take(address(99)).is_ok());
        drop(held);
        assert!(places.lock().by.is_empty(), "nothing is kept of those who left");
    }

    #[test]
    fn a_forwarder_on_this_machine_may_take_all() {
        let places = Arc::new(Places::default());
        let loopback = IpAddr::from([127, 0, 0, 1]);
        let held: Vec<_> = (0..MOST_PENDING).map(|_| places.take(loopback).unwrap()).collect();
        assert_eq!(held.len(), MOST_PENDING);
    }

    #[tokio::test]
    async fn a_closed_house_takes_nobody_and_waits_for_those_in_it() {
        let places = Arc::new(Places::default());
        let held = places.take(address(1)).unwrap();
        places.close();
        assert_eq!(places.take(address(1)).unwrap_err(), Dropped::Overload);
        let waiting = {
            let places = Arc::clone(&places);
            tokio::spawn(async move { places.all_free().await })
        };
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        drop(held);
        waiting.await.unwrap();
    }
}
