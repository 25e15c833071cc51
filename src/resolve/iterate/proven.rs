//! [`Proven`]: what signed zones have said does not exist, used for other names
//! as well ([RFC 8198]).
//!
//! An NSEC record that was verified covers a whole range of names: whoever asks
//! for another one in it is answered here, and nobody outside learns of it.  Only
//! NSEC: of NSEC3, most is opt-out, and proves less than it costs to hash.
//!
//! [RFC 8198]: https://www.rfc-editor.org/rfc/rfc8198

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::time::Duration;
use std::time::Instant;

use hickory_proto::dnssec::rdata::DNSSECRData;
use hickory_proto::dnssec::rdata::NSEC;
use hickory_proto::rr::Name;
use hickory_proto::rr::RData;
use hickory_proto::rr::Record;
use hickory_proto::rr::RecordType;
use quick_cache::sync::Cache;

use super::denial::Proof;
use super::denial::Proofs;
use super::denial::wildcard_for;
use super::found::Found;
use super::found::Kind;
use super::found::belongs;
use super::found::labels;
use super::found::lifetime;
use super::key::Key;
use super::nsec3::Nsec3s;
use super::weight::Share;
use crate::resolve::data::MAX_NEGATIVE_TTL;

/// How many zones are remembered.
const MAX_ZONES: usize = 64;

/// How many NSEC records of a zone are remembered: with their signatures, some
/// 10 MiB in all at most.
const MAX_RECORDS: usize = 256;

/// The most records that one of them is, with its signatures: two while keys
/// change.
const MAX_SET: usize = 3;

//----------- Proven -----------------------------------------------------------

/// What zones have said does not exist, by zone.
#[derive(Debug)]
pub(super) struct Proven(Cache<Vec<u8>, Arc<Mutex<Zone>>>);

/// What a zone has said.
#[derive(Debug, Default)]
struct Zone {
    /// NSEC records, by owner, in the order that they span.
    nsec: BTreeMap<Name, Kept>,
    /// The SOA record.
    soa: Option<Kept>,
}

/// A record and its signatures.
#[derive(Clone, Debug)]
struct Kept {
    /// All of them.
    records: Vec<Record>,
    /// Until when they hold.
    until: Instant,
}

/// Locks a zone.
fn lock(zone: &Mutex<Zone>) -> MutexGuard<'_, Zone> {
    zone.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Proven {
    /// Returns one that knows of nothing.
    pub(super) fn new(share: Share) -> Self {
        Self(Cache::new(share.count(MAX_ZONES)))
    }

    /// Keeps the proofs of a negative answer, all of which were verified, for
    /// `ttl` seconds at most.
    pub(super) fn keep(&self, found: &Found, proofs: &Proofs<'_>, ttl: u32) {
        let useful = proofs.nsec.iter().filter(|(owner, nsec)| is_useful(owner, nsec));
        let owners: Vec<&Name> = useful.map(|(owner, _)| *owner).collect();
        let Some(soa) = kept(found, proofs.zone, RecordType::SOA, ttl) else { return };
        if owners.is_empty() {
            return;
        }
        let key = Key::of(proofs.zone);
        let zone = self.0.get_or_insert_with(key.octets(), || Ok::<_, ()>(Arc::default()));
        let Ok(zone) = zone else { return };
        let mut zone = lock(&zone);
        for owner in owners {
            if zone.nsec.len() >= MAX_RECORDS && !zone.nsec.contains_key(owner) {
                zone.nsec.retain(|_, kept| found.stored < kept.until);
                if zone.nsec.len() >= MAX_RECORDS {
                    zone.nsec.clear();
                }
            }
            if let Some(kept) = kept(found, owner, RecordType::NSEC, ttl) {
                zone.nsec.insert(owner.clone(), kept);
            }
        }
        zone.soa = Some(soa);
    }

    /// Returns the answer that there is no such name or no such type, if that
    /// follows from what zones have said.  It has yet to be judged.
    pub(super) fn deny(&self, name: &Name, rtype: RecordType, now: Instant) -> Option<Found> {
        let key = Key::of(name);
        key.suffixes().zip((0..=labels(name)).rev()).find_map(|(zone, count)| {
            let zone = self.0.get(zone)?;
            let zone = lock(&zone);
            zone.deny(&name.trim_to(count), name, rtype, now)
        })
    }
}

/// Returns whether an NSEC record says something of names that nobody has asked
/// for: those made for one name only do not (RFC 9824).
fn is_useful(owner: &Name, nsec: &NSEC) -> bool {
    let next = nsec.next_domain_name();
    !(next.iter().next() == Some(b"\0") && next.base_name() == *owner)
}

/// Returns a record of a negative answer and its signatures, and how long they
/// may be kept; nothing if that is no use.
fn kept(found: &Found, owner: &Name, rtype: RecordType, ttl: u32) -> Option<Kept> {
    let of_set = |record: &&Record| belongs(record, owner, rtype);
    let records: Vec<Record> = found.authorities.iter().filter(of_set).cloned().collect();
    let ttl = records.iter().map(|record| record.ttl).min()?.min(ttl).min(MAX_NEGATIVE_TTL);
    let until = found.stored + Duration::from_secs(u64::from(ttl));
    (records.len() <= MAX_SET).then_some(Kept { records, until })
}

impl Zone {
    /// See [`Proven::deny`].
    fn deny(&self, apex: &Name, name: &Name, rtype: RecordType, now: Instant) -> Option<Found> {
        let fresh = |kept: &&Kept| now < kept.until;
        let soa = self.soa.as_ref().filter(fresh)?;
        let before = |name: &Name| {
            let (owner, kept) = self.nsec.range(..=name.clone()).next_back()?;
            let nsec = kept.records.iter().find_map(|record| match &record.data {
                RData::DNSSEC(DNSSECRData::NSEC(nsec)) => Some(nsec),
                _ => None,
            })?;
            fresh(&kept).then_some((owner, nsec, kept))
        };
        let first = before(name)?;
        let wildcard = wildcard_for(name, first.0, first.1);
        let second = wildcard.and_then(|wildcard| before(&wildcard)).filter(|second| second.0 != first.0);
        let used: Vec<_> = std::iter::once(first).chain(second).collect();
        let nsec = used.iter().map(|(owner, nsec, _)| (*owner, *nsec)).collect();
        let proofs = Proofs { zone: apex, nsec, nsec3: Nsec3s::none(apex), left: u32::MAX };
        let kind = if proofs.nxdomain(name) == Ok(Proof::Yes) {
            Kind::NxDomain
        } else if proofs.nodata(name, rtype) == Ok(Proof::Yes) {
            Kind::NoData
        } else {
            return None;
        };
        let all = || std::iter::once(soa).chain(used.iter().map(|(_, _, kept)| *kept));
        let until = all().map(|kept| kept.until).min()?;
        let left = u32::try_from(until.saturating_duration_since(now).as_secs()).unwrap_or(0);
        let mut authorities: Vec<Record> = all().flat_map(|kept| kept.records.clone()).collect();
        for record in &mut authorities {
            record.ttl = record.ttl.min(left);
        }
        Some(Found {
            ttl: lifetime(&kind, &[], &authorities),
            kind,
            answers: Vec::new(),
            authorities,
            contradicted: false,
            zone: apex.clone(),
            // Nobody was asked.
            server: SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)),
            stored: now,
        })
    }
}
