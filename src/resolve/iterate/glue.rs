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

/// How many octets are kept: some five thousand name servers.
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::base::Clock;
    use crate::base::time::ManualClock;
    use crate::counted;

    #[test]
    fn what_is_kept_takes_no_more_than_it_is_said_to_weigh_and_is_bounded() {
        let now = ManualClock::at(0).now().instant;
        let referral = |nth: usize| {
            let server = Name::from_ascii(format!("ns1.provider-{nth}.example.")).unwrap();
            let glue = vec![(server.clone(), "192.0.2.1".parse().unwrap())];
            let (zone, servers) = (Name::from_ascii("of-others.test.").unwrap(), vec![server]);
            let until = Some(now + Duration::from_mins(1));
            Delegation { zone, servers, glue, fixed: Vec::new(), ds: Vec::new(), until }
        };
        let all: Vec<Delegation> = (0..20_000).map(referral).collect();
        let hear = |glue: &Glue, some: &[Delegation]| some.iter().for_each(|said| glue.hear(said, now));
        let glue = Glue::new(Share::WHOLE);
        let before = counted::OCTETS.get();
        hear(&glue, &all[..3_000]);
        let taken = u64::try_from(counted::OCTETS.get().wrapping_sub(before)).unwrap();
        let said = glue.0.weight();
        assert_eq!(glue.0.len(), 3_000);
        assert!(taken * 3 / 4 < said && said < taken * 2, "{said} for {taken}");
        hear(&glue, &all);
        assert!(glue.0.weight() <= MOST && (4_000..6_000).contains(&glue.0.len()), "{}", glue.0.len());
    }
}
