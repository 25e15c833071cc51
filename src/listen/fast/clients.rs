//! [`Clients`]: who is behind an address, as far as one thread knows.
//!
//! Finding out costs two questions to the kernel, so it is done once and then
//! remembered: until the household changes, until the neighbor table says that
//! an address moved, and in any case for no more than a second.

use std::collections::HashMap;
use std::net::IpAddr;
use std::net::SocketAddr;
use std::time::Duration;

use super::super::door::Door;
use super::super::door::Home;
use crate::base::Client;
use crate::base::Now;
use crate::device::Device;

/// Most addresses that are remembered.  A house has tens; an attacker on the
/// link may make up any number.
const MOST: usize = 1024;

/// How long it is believed without looking again: news of the neighbor table
/// may be lost.
const BELIEVED: Duration = Duration::from_secs(1);

/// A client that is known.
pub(super) struct Known {
    /// Its address and MAC.
    pub(super) client: Client,
    /// The device behind it.
    pub(super) device: Device,
    /// The page on which its queries are counted.
    pub(super) page: u16,
    /// Whether it may ask at all.
    pub(super) admitted: bool,
    /// When it was looked at.
    seen: Now,
}

/// The clients that one thread knows.
#[derive(Default)]
pub(super) struct Clients {
    /// By address and, where that means something on one link only, interface.
    known: HashMap<(IpAddr, u32), Known>,
    /// What they rest on: how often the household and the neighbor table had
    /// changed by then.
    rests_on: (u64, u64),
}

impl Clients {
    /// Forgets everybody if what they rest on has changed.
    pub(super) fn keep_up(&mut self, rests_on: (u64, u64)) {
        if self.rests_on != rests_on {
            self.known.clear();
            self.rests_on = rests_on;
        }
    }

    /// Returns who is behind an address.
    pub(super) fn get<R>(&mut self, peer: SocketAddr, door: &Door<R>, home: &Home<R>, now: Now) -> &Known {
        let key = match peer {
            SocketAddr::V6(v6) => (peer.ip(), v6.scope_id()),
            SocketAddr::V4(_) => (peer.ip(), 0),
        };
        let is_good = |known: &Known| now.instant.saturating_duration_since(known.seen.instant) < BELIEVED;
        if !self.known.get(&key).is_some_and(is_good) {
            if self.known.len() >= MOST {
                self.known.clear();
            }
            let client = door.client(peer);
            let device = home.house.devices.identify(&client, &home.house.catalog);
            let page = door.page(&device, &home.house);
            let admitted = home.access.admits(peer.ip());
            self.known.insert(key, Known { client, device, page, admitted, seen: now });
        }
        &self.known[&key]
    }
}
