//! [`Store`]: what zones said, and where they are delegated to.
//!
//! Two stores, because they are not worth the same ([RFC 2181 section 5.4.1]):
//! what a zone's own servers answered may be told to clients; what a parent
//! says in a referral, glue above all, only serves to find servers.  It is
//! never in the first store, and so can't become an answer.
//!
//! [RFC 2181 section 5.4.1]: https://www.rfc-editor.org/rfc/rfc2181#section-5.4.1

use std::net::IpAddr;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::time::Instant;

use hickory_proto::rr::Name;
use hickory_proto::rr::Record;
use hickory_proto::rr::RecordType;
use quick_cache::Weighter;
use quick_cache::sync::Cache;

use super::found::Found;
use super::found::Kind;
use super::key::Key;
use super::packed::Outline;
use super::packed::PackedDelegation;
use super::packed::PackedFound;
use super::weight::Share;
use super::weight::shared;
use super::weight::taken;

/// How many octets of answers are kept: keys and addresses of name servers,
/// above all.  Whole answers are in the answer cache.
const ANSWERS: u64 = 6 << 20;

/// How many octets of delegations are kept: more than fourteen thousand zones.
const DELEGATIONS: u64 = 5 << 20;

//----------- Delegation -------------------------------------------------------

/// Where a zone is delegated to, as its parent says.
#[derive(Clone, Debug)]
pub(super) struct Delegation {
    /// The zone.
    pub(super) zone: Name,
    /// Its name servers.
    pub(super) servers: Vec<Name>,
    /// Addresses of them that came with the referral: to be asked, and to be
    /// told to nobody.
    pub(super) glue: Vec<(Name, IpAddr)>,
    /// Addresses that the household has set, whatever network they are in.
    pub(super) fixed: Vec<SocketAddr>,
    /// DS records, or proof that there are none, with signatures; empty if the
    /// referral has not said.
    pub(super) ds: Vec<Record>,
    /// Until when it holds.  The child's own servers cannot prolong it (Ghost
    /// Domain Names, NDSS 2012).
    pub(super) until: Option<Instant>,
}

impl Delegation {
    /// Returns whether it may still be used.
    pub(super) fn is_fresh(&self, now: Instant) -> bool {
        self.until.is_none_or(|until| now < until)
    }

    /// Returns whether all servers have names in the zone itself.
    pub(super) fn is_closed(&self) -> bool {
        !self.servers.is_empty() && self.servers.iter().all(|server| self.zone.zone_of(server))
    }

    /// Returns the addresses that it tells of a name server.
    pub(super) fn glue_of(&self, server: &Name) -> impl Iterator<Item = IpAddr> {
        self.glue.iter().filter(move |(name, _)| name == server).map(|(_, address)| *address)
    }

    /// Returns whether it tells addresses of a name server.
    pub(super) fn has_glue(&self, server: &Name) -> bool {
        self.glue_of(server).next().is_some()
    }

    /// Returns whether another one leads to the same servers.
    pub(super) fn leads_as(&self, other: &Self) -> bool {
        self.zone == other.zone && self.servers == other.servers && self.glue == other.glue
    }
}

//----------- Store ------------------------------------------------------------

/// What was found out.
#[derive(Debug)]
pub(super) struct Store {
    /// What zones' own servers said, by name and type.
    answers: Cache<Box<[u8]>, PackedFound, ByOctets>,
    /// Delegations, by zone.
    delegations: Cache<Box<[u8]>, PackedDelegation, ByOctets>,
    /// That of the root, without which nothing is found.
    root: Mutex<Option<Arc<Delegation>>>,
}

impl Store {
    /// Returns an empty one.
    pub(super) fn new(share: Share) -> Self {
        Self {
            answers: Cache::with_weighter(share.entries(), share.octets(ANSWERS), ByOctets),
            delegations: Cache::with_weighter(share.entries(), share.octets(DELEGATIONS), ByOctets),
            root: Mutex::default(),
        }
    }

    /// Returns what is known of a name and type.
    pub(super) fn get(&self, name: &Name, rtype: RecordType, now: Instant) -> Option<Arc<Found>> {
        self.look(name, rtype, now)?.unpack().map(Arc::new)
    }

    /// Returns whether something is known of a name and type, and not that there
    /// is no such name.
    pub(super) fn exists(&self, name: &Name, rtype: RecordType, now: Instant) -> bool {
        self.look(name, rtype, now).is_some_and(|found| found.outline != Outline::NxDomain)
    }

    /// Returns the data that is known of a name and type; nothing if it is known
    /// that there is none, or another name for it.
    pub(super) fn data(&self, name: &Name, rtype: RecordType, now: Instant) -> Option<Found> {
        self.fresh(name, rtype, now).filter(PackedFound::is_data)?.unpack()
    }

    /// Returns whether data is known of a name and type.
    pub(super) fn has_data(&self, name: &Name, rtype: RecordType, now: Instant) -> bool {
        self.fresh(name, rtype, now).is_some_and(|found| found.is_data())
    }

    /// See [`get`](Self::get).
    fn look(&self, name: &Name, rtype: RecordType, now: Instant) -> Option<PackedFound> {
        if let Some(found) = self.fresh(name, rtype, now) {
            return Some(found);
        }
        // The parent's DS records stand beside an alias, and the keys of a zone that
        // has one at its apex, where none should be.
        if matches!(rtype, RecordType::DS | RecordType::DNSKEY | RecordType::CNAME) {
            return None;
        }
        let alias = self.fresh(name, RecordType::CNAME, now);
        alias.filter(|found| matches!(found.outline, Outline::Alias | Outline::Data))
    }

    /// Returns what is kept under a name and type, if it may still be used.
    fn fresh(&self, name: &Name, rtype: RecordType, now: Instant) -> Option<PackedFound> {
        let found = self.answers.get(Key::with_type(name, rtype).octets());
        found.filter(|found| found.is_fresh(now))
    }

    /// Returns the DNAME record nearest above a name that is known and secure.
    pub(super) fn dname_above(&self, name: &Name, now: Instant) -> Option<Arc<Found>> {
        let key = Key::with_type(name, RecordType::DNAME);
        let known = key
            .upwards()
            .skip(1)
            .find_map(|above| self.answers.get(above).filter(|found| found.is_fresh(now) && found.is_data()));
        known?.unpack().map(Arc::new)
    }

    /// Returns the answer that a name above does not exist, the nearest that is known.
    pub(super) fn gone_above(&self, name: &Name, now: Instant) -> Option<Arc<Found>> {
        let key = Key::with_type(name, RecordType::A);
        let known = key.upwards().skip(1).find_map(|above| {
            self.answers.get(above).filter(|found| found.is_fresh(now) && found.outline == Outline::NxDomain)
        });
        known?.unpack().map(Arc::new)
    }

    /// Keeps what was found.
    pub(super) fn put(&self, name: &Name, rtype: RecordType, found: &Found) {
        let rtype = if matches!(found.kind, Kind::Alias(_)) { RecordType::CNAME } else { rtype };
        if found.ttl > 0
            && let Some(packed) = PackedFound::new(found)
        {
            self.answers.insert(Key::with_type(name, rtype).kept(), packed);
        }
    }

    /// Forgets what was found, because it is no good.
    pub(super) fn forget(&self, name: &Name, rtype: RecordType) {
        for rtype in [rtype, RecordType::CNAME] {
            self.answers.remove(Key::with_type(name, rtype).octets());
        }
    }

    /// Forgets what was found if its time is as good as up, so that it is found
    /// out anew.
    pub(super) fn forget_ending(&self, name: &Name, rtype: RecordType, now: Instant) {
        if self.look(name, rtype, now).is_some_and(|found| found.is_ending(now)) {
            self.forget(name, rtype);
        }
    }

    /// Keeps a delegation.
    pub(super) fn delegate(&self, delegation: &Arc<Delegation>) {
        if delegation.zone.is_root() {
            *self.root() = Some(Arc::clone(delegation));
            return;
        }
        let key = Key::of(&delegation.zone);
        match PackedDelegation::new(delegation) {
            Some(packed) => self.delegations.insert(key.kept(), packed),
            None => drop(self.delegations.remove(key.octets())),
        }
    }

    /// Returns the delegation of a zone.
    pub(super) fn delegation(&self, zone: &Name, now: Instant) -> Option<Arc<Delegation>> {
        if zone.is_root() {
            return self.root().clone().filter(|root| root.is_fresh(now));
        }
        self.delegated(Key::of(zone).octets(), now)?.unpack().map(Arc::new)
    }

    /// Returns the delegation nearest to a name, at it or above, the root's
    /// excepted.
    ///
    /// No zone is there for longer than the one above it: whoever was taken off
    /// the list cannot live on in names below (Phoenix Domain, NDSS 2023).
    pub(super) fn nearest(&self, name: &Name, now: Instant) -> Option<Arc<Delegation>> {
        let mut nearest: Option<PackedDelegation> = None;
        for zone in Key::of(name).upwards() {
            match self.delegations.get(zone) {
                Some(known) if !known.is_fresh(now) => nearest = None,
                Some(known) => nearest = nearest.or(Some(known)),
                None => {}
            }
        }
        nearest?.unpack().map(Arc::new)
    }

    /// Returns what the referral to a zone said of its DS records, unless that
    /// was nothing, or was taken in already.
    pub(super) fn told_ds(&self, zone: &Name, now: Instant) -> Option<Vec<Record>> {
        self.delegated(Key::of(zone).octets(), now)?.ds()
    }

    /// Notes that what a referral said of a zone's DS records was taken in: it is
    /// most of what a delegation weighs, and holds shorter than the rest.
    pub(super) fn heard_ds(&self, zone: &Name, now: Instant) {
        let key = Key::of(zone);
        if let Some(known) = self.delegated(key.octets(), now) {
            self.delegations.insert(key.kept(), known.without_ds());
        }
    }

    /// Forgets a delegation that leads nowhere.
    pub(super) fn undelegate(&self, zone: &Name) {
        if zone.is_root() {
            *self.root() = None;
        }
        self.delegations.remove(Key::of(zone).octets());
    }

    /// Returns the delegation that is kept under a key.
    fn delegated(&self, key: &[u8], now: Instant) -> Option<PackedDelegation> {
        self.delegations.get(key).filter(|delegation| delegation.is_fresh(now))
    }

    /// Locks the root's delegation.
    fn root(&self) -> MutexGuard<'_, Option<Arc<Delegation>>> {
        self.root.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

//----------- ByOctets ---------------------------------------------------------

/// Weighs what is kept by the octets it takes.
#[derive(Clone, Debug)]
struct ByOctets;

impl Weighter<Box<[u8]>, PackedFound> for ByOctets {
    fn weight(&self, key: &Box<[u8]>, found: &PackedFound) -> u64 {
        taken::<PackedFound>(key) + shared(found.length())
    }
}

impl Weighter<Box<[u8]>, PackedDelegation> for ByOctets {
    fn weight(&self, key: &Box<[u8]>, delegation: &PackedDelegation) -> u64 {
        taken::<PackedDelegation>(key) + delegation.lengths().map(shared).sum::<u64>()
    }
}

#[cfg(test)]
mod tests;
