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
use std::time::Instant;

use hickory_proto::rr::Name;
use hickory_proto::rr::Record;
use hickory_proto::rr::RecordType;
use hickory_proto::serialize::binary::BinEncodable;
use quick_cache::Weighter;
use quick_cache::sync::Cache;

use super::found::Found;
use super::found::Kind;
use super::found::labels;

/// How many octets of answers are kept: keys and addresses of name servers,
/// above all.  Whole answers are in the answer cache.
const ANSWERS: u64 = 8 << 20;

/// How many octets of delegations are kept: some ten thousand zones.
const DELEGATIONS: u64 = 8 << 20;

/// What an entry takes besides its data, in octets: the key, the table's slots,
/// allocations.
const OVERHEAD: usize = 256;

/// The largest answer that is kept, in octets.
const MAX_ENTRY: u64 = 16 * 1_024;

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
}

//----------- Store ------------------------------------------------------------

/// What an answer is kept under.
type Key = (Name, RecordType);

/// What was found out.
#[derive(Debug)]
pub(super) struct Store {
    /// What zones' own servers said.
    answers: Cache<Key, Arc<Found>, ByOctets>,
    /// Delegations, by zone.
    delegations: Cache<Name, Arc<Delegation>, ByOctets>,
}

/// Weighs what is kept by the octets it takes.
#[derive(Clone, Debug)]
struct ByOctets;

impl Weighter<Key, Arc<Found>> for ByOctets {
    fn weight(&self, _: &Key, found: &Arc<Found>) -> u64 {
        weight(found)
    }
}

impl Weighter<Name, Arc<Delegation>> for ByOctets {
    fn weight(&self, _: &Name, delegation: &Arc<Delegation>) -> u64 {
        let servers = delegation.servers.capacity() * size_of::<Name>();
        let glue = delegation.glue.capacity() * size_of::<(Name, IpAddr)>();
        let octets = servers + glue + octets_of(delegation.ds.iter());
        u64::try_from(octets + size_of::<Delegation>() + OVERHEAD).unwrap_or(u64::MAX)
    }
}

/// Returns about how many octets an answer takes.
fn weight(found: &Found) -> u64 {
    let octets = octets_of(found.answers.iter().chain(&found.authorities));
    u64::try_from(octets + size_of::<Found>() + OVERHEAD).unwrap_or(u64::MAX)
}

/// Returns about how many octets records take.
fn octets_of<'a>(records: impl Iterator<Item = &'a Record>) -> usize {
    records.map(|record| record.to_bytes().map_or(0, |wire| wire.len()) + size_of::<Record>()).sum()
}

impl Default for Store {
    fn default() -> Self {
        Self {
            answers: Cache::with_weighter(4_096, ANSWERS, ByOctets),
            delegations: Cache::with_weighter(8_192, DELEGATIONS, ByOctets),
        }
    }
}

impl Store {
    /// Returns what is known of a name and type.
    pub(super) fn get(&self, name: &Name, rtype: RecordType, now: Instant) -> Option<Arc<Found>> {
        let fresh =
            |rtype: RecordType| self.answers.get(&(name.clone(), rtype)).filter(|found| found.is_fresh(now));
        if let Some(found) = fresh(rtype) {
            return Some(found);
        }
        if rtype == RecordType::DS || rtype == RecordType::CNAME {
            return None;
        }
        fresh(RecordType::CNAME).filter(|found| matches!(found.kind, Kind::Alias(_) | Kind::Data))
    }

    /// Returns the DNAME record nearest above a name that is known and secure.
    pub(super) fn dname_above(&self, name: &Name, now: Instant) -> Option<Arc<Found>> {
        (1..labels(name)).rev().find_map(|count| {
            let key = (name.trim_to(count), RecordType::DNAME);
            self.answers.get(&key).filter(|found| found.is_fresh(now) && found.kind == Kind::Data)
        })
    }

    /// Keeps what was found.
    pub(super) fn put(&self, name: &Name, rtype: RecordType, found: &Arc<Found>) {
        let rtype = if matches!(found.kind, Kind::Alias(_)) { RecordType::CNAME } else { rtype };
        if found.ttl > 0 && weight(found) <= MAX_ENTRY {
            self.answers.insert((name.clone(), rtype), Arc::clone(found));
        }
    }

    /// Forgets what was found, because it is no good.
    pub(super) fn forget(&self, name: &Name, rtype: RecordType) {
        self.answers.remove(&(name.clone(), rtype));
        self.answers.remove(&(name.clone(), RecordType::CNAME));
    }

    /// Forgets what was found if its time is as good as up, so that it is found
    /// out anew.
    pub(super) fn forget_ending(&self, name: &Name, rtype: RecordType, now: Instant) {
        if self.get(name, rtype, now).is_some_and(|found| found.is_ending(now)) {
            self.forget(name, rtype);
        }
    }

    /// Keeps a delegation.
    pub(super) fn delegate(&self, delegation: Arc<Delegation>) {
        self.delegations.insert(delegation.zone.clone(), delegation);
    }

    /// Returns the delegation of a zone.
    pub(super) fn delegation(&self, zone: &Name, now: Instant) -> Option<Arc<Delegation>> {
        self.delegations.get(zone).filter(|delegation| delegation.is_fresh(now))
    }

    /// Returns the delegation nearest to a name, at it or above, the root's
    /// excepted.
    pub(super) fn nearest(&self, name: &Name, now: Instant) -> Option<Arc<Delegation>> {
        (1..=labels(name)).rev().find_map(|count| self.delegation(&name.trim_to(count), now))
    }

    /// Notes that what a referral said of a zone's DS records was taken in: it is
    /// most of what a delegation weighs, and holds shorter than the rest.
    pub(super) fn heard_ds(&self, zone: &Name) {
        if let Some(known) = self.delegations.get(zone).filter(|known| !known.ds.is_empty()) {
            self.delegate(Arc::new(Delegation { ds: Vec::new(), ..Delegation::clone(&known) }));
        }
    }

    /// Forgets a delegation that leads nowhere.
    pub(super) fn undelegate(&self, zone: &Name) {
        self.delegations.remove(zone);
    }
}
