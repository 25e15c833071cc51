//! Validation, with hickory's validator and what it gets wrong put right.
//!
//! Apart from the ways of asking, because it is the same for all of them, and
//! because the validator is to be exchanged one day.

use std::sync::Arc;

use hickory_net::DnsError;
use hickory_net::NetError;
use hickory_net::dnssec::DnssecDnsHandle;
use hickory_net::xfer::DnsHandle;
use hickory_net::xfer::FirstAnswer;
use hickory_proto::dnssec::Proof;
use hickory_proto::dnssec::PublicKey;
use hickory_proto::dnssec::TrustAnchors;
use hickory_proto::dnssec::rdata::DNSKEY;
use hickory_proto::dnssec::rdata::DNSSECRData;
use hickory_proto::dnssec::rdata::DS;
use hickory_proto::dnssec::rdata::NSEC;
use hickory_proto::op::DnsRequestOptions;
use hickory_proto::op::Message;
use hickory_proto::op::Query;
use hickory_proto::op::ResponseCode;
use hickory_proto::rr::LowerName;
use hickory_proto::rr::Name;
use hickory_proto::rr::RData;
use hickory_proto::rr::Record;
use hickory_proto::rr::RecordType;
use tokio::sync::OnceCell;

use super::file::Anchor;
use super::library::Source;
use super::names;
use super::reached;
use super::stats::Security;
use crate::base::Domain;

/// How many verified RRsets the validator remembers; its own default is a million.
const REMEMBERED: usize = 4_096;

/// RFC 9276 section 3.2: above this many NSEC3 iterations a zone is insecure, as
/// with unbound, BIND and Knot.
const NSEC3_SOFT: u16 = 50;

/// And above this many it is bogus.
const NSEC3_HARD: u16 = 150;

//----------- Validator --------------------------------------------------------

/// Asks a source and checks what it says.
pub(super) struct Validator {
    /// Where answers come from.
    source: Source,
    /// The keys that are trusted.
    keys: TrustAnchors,
    /// The digests of keys that are trusted.
    digests: Vec<(Domain, DS)>,
    /// hickory's validator, once the keys behind the digests are known.
    handle: OnceCell<DnssecDnsHandle<Source>>,
}

impl Validator {
    /// Returns a validator that trusts these anchors, or if there are none
    /// those that are built in.
    pub(super) fn new(source: Source, anchors: Option<Vec<Anchor>>) -> Self {
        let mut keys = if anchors.is_some() { TrustAnchors::empty() } else { TrustAnchors::default() };
        let mut digests = Vec::new();
        for anchor in anchors.into_iter().flatten() {
            match anchor {
                Anchor::Key(zone, key) => trust(&mut keys, &names::to_name(&zone), &key),
                Anchor::Digest(zone, ds) => digests.push((zone, ds)),
            }
        }
        Self { source, keys, digests, handle: OnceCell::new() }
    }

    /// Asks, and checks what comes.
    pub(super) async fn ask(&self, query: Query) -> Result<(Message, Security), NetError> {
        let handle = self.handle.get_or_try_init(|| self.learn_keys()).await?;
        let mut options = DnsRequestOptions::default();
        options.edns_set_dnssec_ok = true;
        match handle.lookup(query.clone(), options).first_answer().await {
            Ok(reply) => {
                let reply = reply.into_message();
                let security = judge(&query, &reply);
                Ok((reply, security))
            }
            Err(NetError::Dns(DnsError::Nsec { response, proof, .. })) => {
                let reply = response.into_message();
                let security = match (proof, judge(&query, &reply)) {
                    (Proof::Insecure, Security::Secure) => Security::Insecure,
                    (Proof::Insecure, security) => security,
                    (_, Security::Secure) if proves_wildcards(&query, &reply) => Security::Secure,
                    _ => Security::Bogus,
                };
                Ok((reply, security))
            }
            Err(error) => Err(error),
        }
    }

    /// Makes hickory's validator, which trusts keys only: the keys whose
    /// digests are trusted are asked for first.
    async fn learn_keys(&self) -> Result<DnssecDnsHandle<Source>, NetError> {
        let mut keys = self.keys.clone();
        for (zone, _) in &self.digests {
            let name = names::to_name(zone);
            let query = Query::query(name.clone(), RecordType::DNSKEY);
            let reply = self.source.ask(query, true).await?;
            let found = reply.answers.iter().filter(|record| record.name == name);
            for record in found {
                let RData::DNSSEC(DNSSECRData::DNSKEY(key)) = &record.data else { continue };
                let matches = |(of, ds): &(Domain, DS)| {
                    of == zone && key.zone_key() && !key.revoke() && ds.covers(&name, key).unwrap_or(false)
                };
                if self.digests.iter().any(matches) {
                    trust(&mut keys, &name, key);
                }
            }
        }
        if keys.is_empty() && !self.digests.is_empty() {
            return Err(NetError::from(DnsError::DnssecBogus));
        }
        let handle = DnssecDnsHandle::with_trust_anchor(self.source.clone(), Arc::new(keys))
            .nsec3_iteration_limits(Some(NSEC3_SOFT), Some(NSEC3_HARD))
            .validation_cache_size(REMEMBERED);
        Ok(handle)
    }
}

/// Adds a key to those that are trusted.
fn trust(keys: &mut TrustAnchors, zone: &Name, key: &DNSKEY) {
    let key: &dyn PublicKey = key.public_key();
    keys.insert_with_name(key, LowerName::from(zone));
}

//----------- judge ------------------------------------------------------------

/// Returns what a reply is worth: as much as the least of its records.
fn judge(query: &Query, reply: &Message) -> Security {
    let of_answers = reply.answers.iter().filter(|record| counts(record));
    let least = of_answers.map(|record| worth(record, &reply.answers)).max();
    if is_positive(query, reply) {
        return least.unwrap_or(Security::Bogus);
    }
    let proofs = |record: &&Record| {
        matches!(record.record_type(), RecordType::SOA | RecordType::NSEC | RecordType::NSEC3)
    };
    let of_proofs = reply.authorities.iter().filter(proofs);
    let least = of_proofs.map(|record| worth(record, &[])).chain(least).max();
    // No record at all: the validator has found the name to be in an unsigned zone.
    least.unwrap_or(Security::Insecure)
}

/// Returns whether a reply has data of the type asked for, under the name asked
/// for or under the one its aliases end at.  The data of another name proves
/// nothing, however well it is signed.
fn is_positive(query: &Query, reply: &Message) -> bool {
    let (qname, qtype) = (query.name(), query.query_type());
    let chain = reached::chain(qname, &reply.answers);
    let end = if qtype == RecordType::CNAME { Some(qname) } else { chain.last() };
    reply.metadata.response_code != ResponseCode::NXDomain
        && reply.answers.iter().any(|record| record.record_type() == qtype && Some(&record.name) == end)
}

/// Returns whether a record has a worth of its own; signatures have none.
fn counts(record: &Record) -> bool {
    record.record_type() != RecordType::RRSIG
}

/// Returns what the validator thinks of a record.
fn worth(record: &Record, answers: &[Record]) -> Security {
    match record.proof {
        Proof::Secure => Security::Secure,
        Proof::Insecure => Security::Insecure,
        // A CNAME record made out of a DNAME record is not signed (RFC 6672
        // section 5.3.1).
        _ if is_made_of_dname(record, answers) => Security::Secure,
        // It looks at everything it is asked for; what it has not looked at
        // was none of that.
        Proof::Bogus | Proof::Indeterminate => Security::Bogus,
    }
}

/// Returns whether a CNAME record follows from a DNAME record that is secure.
fn is_made_of_dname(record: &Record, answers: &[Record]) -> bool {
    let RData::CNAME(target) = &record.data else { return false };
    answers.iter().any(|dname| {
        let Some(new) = reached::dname_target(dname) else { return false };
        let below = record.name != dname.name && dname.name.zone_of(&record.name);
        if dname.proof != Proof::Secure || !below {
            return false;
        }
        let kept = usize::from(record.name.num_labels().saturating_sub(dname.name.num_labels()));
        let prefix = Name::from_labels(record.name.iter().take(kept));
        prefix.and_then(|prefix| prefix.append_domain(&new)).is_ok_and(|made| made == target.0)
    })
}

//----------- proves_wildcards -------------------------------------------------

/// Returns whether a positive reply proves that its wildcards were the closest
/// match ([RFC 4035 section 5.3.4]), where a zone has NSEC records.
///
/// The validator only accepts them where the wildcard's own NSEC record is
/// there too (hickory-dns#3812), and that is hardly ever so.
///
/// [RFC 4035 section 5.3.4]: https://www.rfc-editor.org/rfc/rfc4035#section-5.3.4
fn proves_wildcards(query: &Query, reply: &Message) -> bool {
    is_positive(query, reply)
        && reply.answers.iter().all(|record| match &record.data {
            RData::DNSSEC(DNSSECRData::RRSIG(rrsig)) => {
                let input = rrsig.input();
                input.num_labels >= record.name.num_labels()
                    || next_closer_is_not(&record.name, input.num_labels, &input.signer_name, reply)
            }
            _ => true,
        })
}

/// Returns whether an NSEC record of `zone` proves that no name exists between
/// `owner` and the wildcard it was made of, which stands below the name of
/// `labels` labels.
fn next_closer_is_not(owner: &Name, labels: u8, zone: &Name, reply: &Message) -> bool {
    let next_closer = owner.trim_to(usize::from(labels) + 1);
    reply.authorities.iter().any(|record| match &record.data {
        RData::DNSSEC(DNSSECRData::NSEC(nsec)) => {
            record.proof == Proof::Secure
                && zone.zone_of(&record.name)
                && zone.zone_of(nsec.next_domain_name())
                && covers(&record.name, nsec, &next_closer)
        }
        _ => false,
    })
}

/// Returns whether an NSEC record says that neither `name` nor one below it exists.
fn covers(owner: &Name, nsec: &NSEC, name: &Name) -> bool {
    let next = nsec.next_domain_name();
    // The last NSEC record of a zone leads back to the apex.
    let between = owner < name && (name < next || next <= owner);
    // A record at a delegation or a DNAME says nothing of what is below it.
    let types: Vec<_> = nsec.type_bit_maps().collect();
    let has = |rtype: RecordType| types.contains(&rtype);
    let cut = has(RecordType::NS) && !has(RecordType::SOA) || has(RecordType::from(39));
    // `name` would exist, if only as the parent of `next`.
    let parent = name.zone_of(next);
    between && !parent && !(cut && owner.zone_of(name))
}

#[cfg(test)]
mod tests;
