//! Signatures: whether one of them, made by a key that is trusted, covers a set
//! of records ([RFC 4035 section 5.3]).
//!
//! [RFC 4035 section 5.3]: https://www.rfc-editor.org/rfc/rfc4035#section-5.3

use hickory_proto::dnssec::Algorithm;
use hickory_proto::dnssec::PublicKey;
use hickory_proto::dnssec::Verifier;
use hickory_proto::dnssec::rdata::DNSKEY;
use hickory_proto::dnssec::rdata::RRSIG;
use hickory_proto::rr::DNSClass;
use hickory_proto::rr::Name;
use hickory_proto::rr::RData;
use hickory_proto::rr::Record;
use hickory_proto::rr::RecordType;
use hickory_proto::serialize::binary::BinEncodable;
use hickory_proto::serialize::binary::BinEncoder;
use hickory_proto::serialize::binary::NameEncoding;

use super::found::covered;
use super::found::labels;
use super::found::signature;
use super::good::Good;
use super::job::Job;
use super::weight::allocated;
use super::weight::shared;
use crate::resolve::Flaw;
use crate::resolve::exchange::budget::Budget;
use crate::resolve::exchange::trouble::Bogus;
use crate::resolve::exchange::trouble::Trouble;
use crate::resolve::old_types;
use crate::resolve::stats::Limit;

/// How many signatures of one set of records are tried (KeyTrap,
/// CVE-2023-50387).
const MAX_SIGNATURES: usize = 4;

/// How many keys with the same tag are tried.
pub(super) const MAX_COLLISIONS: usize = 2;

/// How far clocks may be apart, in seconds: at least, and at most (unbound's
/// `val-sig-skew-min` and `-max`).
const SKEW: (i64, i64) = (3_600, 86_400);

//----------- Keys -------------------------------------------------------------

/// The keys of a zone, all of them trusted.
#[derive(Debug)]
pub(super) struct Keys {
    /// The zone.
    pub(super) zone: Name,
    /// The keys and their tags.
    pub(super) keys: Vec<(u16, DNSKEY)>,
}

impl Keys {
    /// Returns a key alone, whether it may sign a zone's data or not.
    pub(super) fn only(zone: &Name, key: &DNSKEY) -> Option<Self> {
        let keys = vec![(key.calculate_key_tag().ok()?, key.clone())];
        Some(Self { zone: zone.clone(), keys })
    }

    /// Returns those keys that may sign a zone's data, in a way that we know.
    pub(super) fn new<'a>(zone: &Name, keys: impl Iterator<Item = &'a DNSKEY>) -> Self {
        let usable = keys.filter(|key| key.zone_key() && !key.revoke() && is_known(key.algorithm()));
        let tagged = usable.filter_map(|key| Some((key.calculate_key_tag().ok()?, key.clone())));
        let mut keys: Vec<_> = tagged.collect();
        // They are kept, and by the thousand.
        keys.shrink_to_fit();
        Self { zone: zone.clone(), keys }
    }

    /// Returns how many octets they take when shared.
    pub(super) fn weight(&self) -> u64 {
        let octets = self.keys.iter().map(|(_, key)| allocated(key.public_key().public_bytes().len()));
        let list = allocated(self.keys.capacity() * size_of::<(u16, DNSKEY)>());
        shared(size_of::<Self>()) + list + octets.sum::<u64>()
    }
}

/// Returns whether we know an algorithm: RSA with SHA-1 (twice), SHA-256 and
/// SHA-512, ECDSA with P-256 and P-384, Ed25519 (IANA, DNS Security Algorithm
/// Numbers).
pub(super) fn is_known(algorithm: Algorithm) -> bool {
    matches!(u8::from(algorithm), 5 | 7 | 8 | 10 | 13 | 14 | 15)
}

//----------- Set --------------------------------------------------------------

/// A set of records of one name and type, and the signatures over it.
#[derive(Debug)]
pub(super) struct Set<'a> {
    /// The name.
    pub(super) name: &'a Name,
    /// The type.
    pub(super) rtype: RecordType,
    /// The records.
    pub(super) records: Vec<&'a Record>,
    /// The signatures.
    pub(super) signatures: Vec<&'a RRSIG>,
}

/// Returns the sets in a section, in its order.
pub(super) fn sets(section: &[Record]) -> Vec<Set<'_>> {
    let mut sets: Vec<Set<'_>> = Vec::new();
    for record in section {
        let rtype = covered(record);
        let at = sets.iter().position(|set| set.rtype == rtype && *set.name == record.name);
        let at = at.unwrap_or_else(|| {
            sets.push(Set { name: &record.name, rtype, records: Vec::new(), signatures: Vec::new() });
            sets.len() - 1
        });
        let Some(set) = sets.get_mut(at) else { continue };
        match signature(record) {
            Some(rrsig) => set.signatures.push(rrsig),
            None => set.records.push(record),
        }
    }
    sets.retain(|set| !set.records.is_empty());
    sets
}

impl Set<'_> {
    /// Returns the zone that signed the set, as the signatures say.
    pub(super) fn signer(&self) -> Option<Name> {
        let above = |rrsig: &&&RRSIG| rrsig.input().signer_name.zone_of(self.name);
        let signers = self.signatures.iter().filter(above).map(|rrsig| &rrsig.input().signer_name);
        signers.max_by_key(|signer| labels(signer)).map(Name::to_lowercase)
    }
}

//----------- verify -----------------------------------------------------------

/// A set that is signed well.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Verified {
    /// How many labels the wildcard stands below, if the set was made of one.
    pub(super) wildcard: Option<usize>,
    /// How long the signature holds, in seconds.
    pub(super) left: u32,
    /// The original TTL.
    pub(super) ttl: u32,
}

impl Job {
    /// Verifies a set with the keys of a zone.
    pub(super) fn verify(&self, set: &Set<'_>, keys: &Keys) -> Result<Verified, Trouble> {
        verify(set, keys, &self.engine.good, self.now.unix, &self.budget)
    }
}

/// Verifies a set with the keys of a zone.
fn verify(set: &Set<'_>, keys: &Keys, good: &Good, unix: i64, budget: &Budget) -> Result<Verified, Trouble> {
    let mut fault = (Flaw::NoSignature, "is not signed");
    let mut tried = 0;
    for rrsig in &set.signatures {
        let input = rrsig.input();
        if input.signer_name != keys.zone || input.type_covered != set.rtype {
            continue;
        }
        let owner = labels(set.name) - usize::from(set.name.is_wildcard());
        let signed = usize::from(input.num_labels);
        // RFC 4035 section 5.3.1; and a wildcard cannot be above its zone
        // (CVE-2026-44690).
        if signed > owner || signed < labels(&keys.zone) {
            fault = (Flaw::Other, "has a signature for another name");
            continue;
        }
        if let Err(complaint) = in_time(rrsig, unix) {
            fault = complaint;
            continue;
        }
        let of_key =
            keys.keys.iter().filter(|(tag, key)| *tag == input.key_tag && key.algorithm() == input.algorithm);
        let mut any = false;
        for (_, key) in of_key.take(MAX_COLLISIONS) {
            any = true;
            if tried >= MAX_SIGNATURES {
                break;
            }
            tried += 1;
            let Some(text) = signed_text(set, rrsig) else { continue };
            if good.verify(key, &text, rrsig.sig(), budget)? {
                return Ok(Verified {
                    wildcard: (signed < owner).then_some(signed),
                    left: u32::try_from(i64::from(
                        input.sig_expiration.get().wrapping_sub(wrap(unix)).cast_signed(),
                    ))
                    .unwrap_or(0),
                    ttl: input.original_ttl,
                });
            }
            fault = (Flaw::Other, "has a signature that is wrong");
            budget.take(Limit::BadSignatures, 1)?;
        }
        if !any {
            fault = (Flaw::NoKey, "is signed with a key that the zone does not have");
        }
    }
    let (flaw, why) = fault;
    Err(Bogus::new(flaw, format!("{} {} {why}", set.name, set.rtype)).into())
}

/// Returns the seconds since 1970 as signatures have them.
fn wrap(unix: i64) -> u32 {
    u32::try_from(unix.rem_euclid(1 << 32)).unwrap_or(0)
}

/// Returns whether a signature holds now (RFC 4034 section 3.1.5: in serial
/// number arithmetic).
fn in_time(rrsig: &RRSIG, unix: i64) -> Result<(), (Flaw, &'static str)> {
    let input = rrsig.input();
    let since = |moment: u32| i64::from(wrap(unix).wrapping_sub(moment).cast_signed());
    let (inception, expiration) = (input.sig_inception.get(), input.sig_expiration.get());
    let lifetime = i64::from(expiration.wrapping_sub(inception).cast_signed());
    if lifetime < 0 {
        return Err((Flaw::Other, "has a signature that ends before it begins"));
    }
    let skew = (lifetime / 10).clamp(SKEW.0, SKEW.1);
    if since(inception) < -skew {
        return Err((Flaw::NotYetValid, "has a signature of the future"));
    }
    if since(expiration) > skew {
        return Err((Flaw::Expired, "has a signature that has expired"));
    }
    Ok(())
}

/// Returns what was signed (RFC 4034 section 3.1.8.1).
fn signed_text(set: &Set<'_>, rrsig: &RRSIG) -> Option<Vec<u8>> {
    let input = rrsig.input();
    let signed = usize::from(input.num_labels);
    let owner = set.name.to_lowercase();
    let owner = if signed < labels(&owner) - usize::from(owner.is_wildcard()) {
        Name::from_labels(std::iter::once(&b"*"[..]).chain(owner.trim_to(signed).iter())).ok()?
    } else {
        owner
    };
    let mut text = Vec::new();
    {
        let mut encoder = BinEncoder::new(&mut text);
        encoder.set_canonical_form(true);
        encoder.set_name_encoding(NameEncoding::UncompressedLowercase);
        input.emit(&mut encoder).ok()?;
    }
    let mut head = Vec::new();
    {
        let mut encoder = BinEncoder::new(&mut head);
        encoder.set_name_encoding(NameEncoding::UncompressedLowercase);
        owner.emit(&mut encoder).ok()?;
        input.type_covered.emit(&mut encoder).ok()?;
        DNSClass::IN.emit(&mut encoder).ok()?;
        encoder.emit_u32(input.original_ttl).ok()?;
    }
    let mut data: Vec<Vec<u8>> = set.records.iter().filter_map(|record| canonical(&record.data)).collect();
    if data.len() != set.records.len() {
        return None;
    }
    // RFC 4034 section 6.3: in order, and none twice.
    data.sort();
    data.dedup();
    for data in data {
        text.extend_from_slice(&head);
        text.extend_from_slice(&u16::try_from(data.len()).ok()?.to_be_bytes());
        text.extend_from_slice(&data);
    }
    Some(text)
}

/// Returns data in its canonical form (RFC 4034 section 6.2).
fn canonical(data: &RData) -> Option<Vec<u8>> {
    let mut octets = Vec::new();
    let mut encoder = BinEncoder::new(&mut octets);
    encoder.set_canonical_form(true);
    encoder.set_name_encoding(NameEncoding::Uncompressed);
    data.emit(&mut encoder).ok()?;
    let names = old_types::names_from(data.record_type().into());
    if let Some(names) = names.and_then(|from| octets.get_mut(from..)) {
        names.make_ascii_lowercase();
    }
    Some(octets)
}

#[cfg(test)]
mod tests;
