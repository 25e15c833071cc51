//! DS records: which of them count, and which keys they stand for ([RFC 4034
//! section 5]).
//!
//! [RFC 4034 section 5]: https://www.rfc-editor.org/rfc/rfc4034#section-5

use hickory_proto::dnssec::DigestType;
use hickory_proto::dnssec::Verifier;
use hickory_proto::dnssec::rdata::DNSKEY;
use hickory_proto::dnssec::rdata::DNSSECRData;
use hickory_proto::dnssec::rdata::DS;
use hickory_proto::rr::Name;
use hickory_proto::rr::RData;
use hickory_proto::rr::Record;

use super::verify::is_known;
use crate::resolve::Unsupported;

/// How many DS records of a zone are looked at.
pub(super) const MAX_DS: usize = 8;

/// Returns whether a DS record is the digest of a key.
pub(super) fn covers(ds: &DS, zone: &Name, key: &DNSKEY) -> bool {
    key.algorithm() == ds.algorithm()
        && key.calculate_key_tag().is_ok_and(|tag| tag == ds.key_tag())
        && !key.revoke()
        && key.to_digest(zone, ds.digest_type()).is_ok_and(|digest| digest.as_ref() == ds.digest())
}

/// Returns whether we know the digest of a DS record.
pub(super) fn is_digest(ds: &DS) -> bool {
    matches!(ds.digest_type(), DigestType::SHA1 | DigestType::SHA256 | DigestType::SHA384)
}

/// Returns the DS records in a set.
fn all_ds<'a>(records: &[&'a Record]) -> impl Iterator<Item = &'a DS> {
    records.iter().filter_map(|record| match &record.data {
        RData::DNSSEC(DNSSECRData::DS(ds)) => Some(ds),
        _ => None,
    })
}

/// Returns what we do not know of DS records of which we can use none.
pub(super) fn unsupported(records: &[&Record]) -> Unsupported {
    if all_ds(records).any(|ds| is_known(ds.algorithm())) {
        Unsupported::Digest
    } else {
        Unsupported::Algorithm
    }
}

/// Returns those DS records that we can use.
pub(super) fn usable_ds<'a>(records: &[&'a Record]) -> Vec<&'a DS> {
    let mut usable: Vec<&DS> =
        all_ds(records).filter(|ds| is_known(ds.algorithm()) && is_digest(ds)).collect();
    // RFC 4509 section 3: SHA-1 does not count where there is better.
    if usable.iter().any(|ds| ds.digest_type() != DigestType::SHA1) {
        usable.retain(|ds| ds.digest_type() != DigestType::SHA1);
    }
    usable.truncate(MAX_DS);
    usable
}
