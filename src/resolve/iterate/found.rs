//! [`Found`]: what a zone says of a name and type.

use std::net::SocketAddr;
use std::time::Instant;

use hickory_proto::dnssec::rdata::DNSSECRData;
use hickory_proto::dnssec::rdata::RRSIG;
use hickory_proto::rr::Name;
use hickory_proto::rr::RData;
use hickory_proto::rr::Record;
use hickory_proto::rr::RecordType;

use crate::resolve::data::MAX_NEGATIVE_TTL;
use crate::resolve::data::MAX_TTL;

//----------- Found ------------------------------------------------------------

/// What a zone says of a name and type, and no more: no other name's data.
#[derive(Clone, Debug)]
pub(super) struct Found {
    /// What it comes to.
    pub(super) kind: Kind,
    /// The data and its signatures.  For an alias made of a DNAME record, that
    /// record and the CNAME record made of it.
    pub(super) answers: Vec<Record>,
    /// The SOA record and proofs, with their signatures.
    pub(super) authorities: Vec<Record>,
    /// Whether the reply had a CNAME record beside a DNAME record that does not
    /// follow from it.
    pub(super) contradicted: bool,
    /// The zone whose servers were asked.
    pub(super) zone: Name,
    /// Who said so.
    pub(super) server: SocketAddr,
    /// When it came.
    pub(super) stored: Instant,
    /// How long it may be kept, in seconds.
    pub(super) ttl: u32,
}

/// What it comes to.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Kind {
    /// There is data.
    Data,
    /// The name is an alias of another.
    Alias(Name),
    /// A DNAME record above makes an alias of the name that is too long (RFC 6672
    /// section 2.2).
    TooLong,
    /// The name exists, the type does not.
    NoData,
    /// The name does not exist.
    NxDomain,
}

impl Found {
    /// Returns what it comes to for whoever asks for a type: a CNAME record is data
    /// for those who ask for it, or for all there is, and an alias for all others,
    /// whoever asked first.
    pub(super) fn comes_to(&self, rtype: RecordType) -> Kind {
        let alias = self.answers.iter().find_map(|record| match &record.data {
            RData::CNAME(target) => Some(target.0.clone()),
            _ => None,
        });
        let has_data =
            rtype == RecordType::ANY || self.answers.iter().any(|record| record.record_type() == rtype);
        match (&self.kind, alias) {
            (Kind::Alias(_), _) if wants_aliases(rtype) => Kind::Data,
            (Kind::Data, Some(target)) if !has_data => Kind::Alias(target),
            (kind, _) => kind.clone(),
        }
    }

    /// Returns the DNAME record that it is made of, as an answer of its own, and
    /// its owner.
    pub(super) fn dname(&self) -> Option<(Name, Self)> {
        let owner =
            self.answers.iter().find(|record| record.record_type() == RecordType::DNAME)?.name.clone();
        let answers: Vec<Record> = self
            .answers
            .iter()
            .filter(|record| belongs(record, &owner, RecordType::DNAME))
            .cloned()
            .collect();
        let authorities = Vec::new();
        Some((owner, Self { kind: Kind::Data, contradicted: false, answers, authorities, ..self.clone() }))
    }

    /// Returns whether anything in it is signed.
    pub(super) fn is_signed(&self) -> bool {
        self.answers.iter().chain(&self.authorities).any(|record| signature(record).is_some())
    }

    /// Returns how old it is, in seconds.
    pub(super) fn age(&self, now: Instant) -> u32 {
        age(self.stored, now)
    }
}

/// Returns how old something is that came at `stored`, in seconds.
pub(super) fn age(stored: Instant, now: Instant) -> u32 {
    u32::try_from(now.saturating_duration_since(stored).as_secs()).unwrap_or(u32::MAX)
}

/// Returns how long something may be kept.
pub(super) fn lifetime(kind: &Kind, answers: &[Record], authorities: &[Record]) -> u32 {
    let positive = answers.iter().map(|record| sane(record.ttl)).min();
    if matches!(kind, Kind::Data | Kind::Alias(_) | Kind::TooLong) {
        return positive.unwrap_or(0);
    }
    // RFC 2308 section 5.
    let negative = authorities.iter().find_map(|record| match &record.data {
        RData::SOA(soa) => Some(sane(record.ttl).min(soa.minimum)),
        _ => None,
    });
    negative.unwrap_or(0).min(MAX_NEGATIVE_TTL)
}

/// Returns a TTL within bounds; with the upper bit set it is zero (RFC 2181
/// section 8).
pub(super) fn sane(ttl: u32) -> u32 {
    if ttl > i32::MAX.cast_unsigned() { 0 } else { ttl.min(MAX_TTL) }
}

//----------- helpers for names and records ------------------------------------

/// Returns copies of the records that are wanted, in no more room than they take:
/// there is one most often, and a list would begin with room for four.
pub(super) fn picked(records: &[Record], is_wanted: impl Fn(&Record) -> bool) -> Vec<Record> {
    let wanted = || records.iter().filter(|record| is_wanted(record));
    let mut picked = Vec::with_capacity(wanted().count());
    picked.extend(wanted().cloned());
    picked
}

/// Returns how many labels a name has, a leading `*` included.
pub(super) fn labels(name: &Name) -> usize {
    name.iter().len()
}

/// Returns a record's signature, if it is one.
pub(super) fn signature(record: &Record) -> Option<&RRSIG> {
    match &record.data {
        RData::DNSSEC(DNSSECRData::RRSIG(rrsig)) => Some(rrsig),
        _ => None,
    }
}

/// Returns the type of a record; for a signature, of what it signs.
pub(super) fn covered(record: &Record) -> RecordType {
    signature(record).map_or_else(|| record.record_type(), |rrsig| rrsig.input().type_covered)
}

/// Returns whether a record is data of this name and type, or signs it; of any type
/// at all, for ANY (RFC 1035 section 3.2.3).
pub(super) fn belongs(record: &Record, name: &Name, rtype: RecordType) -> bool {
    record.name == *name && (covered(record) == rtype || rtype == RecordType::ANY)
}

/// Returns whether an alias is what is asked for, and not followed.
pub(super) fn wants_aliases(rtype: RecordType) -> bool {
    matches!(rtype, RecordType::CNAME | RecordType::ANY)
}
