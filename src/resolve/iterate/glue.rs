//! [`Glue`]: addresses of name servers as the zones above them tell, for zones of
//! other names that have the same servers.
//!
//! Apart from [`Store`](super::store::Store), because nobody but us is told: glue finds
//! servers and is never an answer.  One provider serves thousands of zones, so its
//! servers' own zone need not be asked where they are, which takes two queries and
//! a round trip more.  Where nobody answers at these addresses, it is asked.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use hickory_proto::rr::Name;
use quick_cache::Weighter;
use quick_cache::sync::Cache;

use super::key::Key;
use super::store::Delegation;
use super::weight::Share;
use super::weight::shared;
use super::weight::taken;

/// How many octets are kept: some eight thousand name servers.
const MOST: u64 = 1 << 20;

//----------- Glue -------------------------------------------------------------

/// What is known of name servers outside of the zones that they serve.
#[derive(Debug)]
pub(super) struct Glue(Cache<Box<[u8]>, Told, ByOctets>);

/// Addresses of one name server.
#[derive(Clone, Debug)]
struct Told {
    /// The addresses, of both families.
    addresses: Arc<[IpAddr]>,
    /// Until when they hold: as long as the delegation that they came with.
    until: Instant,
}

impl Glue {
    /// Returns one that knows nothing yet.
    pub(super) fn new(share: Share) -> Self {
        Self(Cache::with_weighter(share.entries(), share.octets(MOST), ByOctets))
    }

    /// Keeps what a referral says of name servers that are not in the zone it is
    /// about: of others is known as long as their zone is.
    pub(super) fn hear(&self, delegation: &Delegation, now: Instant) {
        for server in delegation.servers.iter().filter(|server| !delegation.zone.zone_of(server)) {
            self.keep(server, delegation, now);
        }
    }

    /// Keeps what a referral says of one name server, unless something is known.
    pub(super) fn keep(&self, server: &Name, delegation: &Delegation, now: Instant) {
        let key = Key::of(server);
        let Some(until) = delegation.until else { return };
        if delegation.has_glue(server) && self.told(&key, now).is_none() {
            let addresses = delegation.glue_of(server).collect();
            self.0.insert(key.kept(), Told { addresses, until });
        }
    }

    /// Returns the addresses that are known of a name server; none, if none are.
    pub(super) fn of(&self, server: &Name, now: Instant) -> Vec<IpAddr> {
        self.told(&Key::of(server), now).map_or_else(Vec::new, |told| told.addresses.to_vec())
    }

    /// Returns whether addresses of a name server are known.
    pub(super) fn knows(&self, server: &Name, now: Instant) -> bool {
        self.told(&Key::of(server), now).is_some()
    }

    /// Returns what is kept under a key, if it still holds.
    fn told(&self, key: &Key, now: Instant) -> Option<Told> {
        self.0.get(key.octets()).filter(|told| now < told.until)
    }
}

//----------- ByOctets ---------------------------------------------------------

/// Weighs what is kept by the octets it takes.
#[derive(Clone, Debug)]
struct ByOctets;

impl Weighter<Box<[u8]>, Told> for ByOctets {
    fn weight(&self, key: &Box<[u8]>, told: &Told) -> u64 {
        taken::<Told>(key) + shared(size_of_val(&*told.addresses))
    }
}
