//! Signed zones, made and signed while they are asked: with NSEC, wildcards and
//! whatever is to be wrong with them.

use std::sync::Arc;
use std::sync::atomic::AtomicI64;
use std::sync::atomic::Ordering;

use hickory_proto::dnssec::Algorithm;
use hickory_proto::dnssec::DigestType;
use hickory_proto::dnssec::PublicKeyBuf;
use hickory_proto::dnssec::SigningKey;
use hickory_proto::dnssec::TBS;
use hickory_proto::dnssec::crypto::Ed25519SigningKey;
use hickory_proto::dnssec::rdata::DNSKEY;
use hickory_proto::dnssec::rdata::DNSSECRData;
use hickory_proto::dnssec::rdata::DS;
use hickory_proto::dnssec::rdata::NSEC;
use hickory_proto::dnssec::rdata::RRSIG;
use hickory_proto::dnssec::rdata::sig::SigInput;
use hickory_proto::op::Message;
use hickory_proto::op::ResponseCode;
use hickory_proto::rr::DNSClass;
use hickory_proto::rr::Name;
use hickory_proto::rr::RData;
use hickory_proto::rr::Record;
use hickory_proto::rr::RecordType;
use hickory_proto::rr::SerialNumber;

use super::internet::Zone;
use super::internet::answer;
use super::internet::name;
use crate::resolve::iterate::found::labels;

/// How long signatures hold, in seconds, and a day less from the past.
const HOLDS: i64 = 14 * 86_400;

//----------- Key --------------------------------------------------------------

/// A key that signs.
#[derive(Clone)]
pub(super) struct Key {
    pub(super) key: Arc<Ed25519SigningKey>,
    pub(super) flags: u16,
}

impl Key {
    pub(super) fn new() -> Self {
        let pkcs8 = Ed25519SigningKey::generate_pkcs8().unwrap();
        Self { key: Arc::new(Ed25519SigningKey::from_pkcs8(&pkcs8).unwrap()), flags: 257 }
    }

    /// Returns the key, revoked.
    pub(super) fn revoked(&self) -> Self {
        Self { flags: self.flags | 128, ..self.clone() }
    }

    pub(super) fn dnskey(&self) -> DNSKEY {
        DNSKEY::with_flags(self.flags, self.key.to_public_key().unwrap())
    }

    /// Returns a key that nobody has, with the tag of this one.
    pub(super) fn twin(&self, nth: u8) -> DNSKEY {
        let tag = self.dnskey().calculate_key_tag().unwrap();
        let made = |last: u16| {
            let mut octets = vec![nth; 32];
            octets[30..].copy_from_slice(&last.to_be_bytes());
            DNSKEY::with_flags(self.flags, PublicKeyBuf::new(octets, Algorithm::ED25519))
        };
        // A tag is a sum (RFC 4034 appendix B), so that one addition is enough.
        let missing = tag.wrapping_sub(made(0).calculate_key_tag().unwrap());
        let mut near = (0..3).map(|more| made(missing.wrapping_add(more).wrapping_sub(1)));
        near.find(|key| key.calculate_key_tag().unwrap() == tag).unwrap()
    }

    pub(super) fn ds(&self, zone: &str) -> Record {
        let (key, zone) = (self.dnskey(), name(zone));
        let digest = key.to_digest(&zone, DigestType::SHA256).unwrap().as_ref().to_vec();
        let tag = key.calculate_key_tag().unwrap();
        let ds = DS::new(tag, Algorithm::ED25519, DigestType::SHA256, digest);
        Record::from_rdata(zone, 300, RData::DNSSEC(DNSSECRData::DS(ds)))
    }

    /// Signs a set at a moment.
    pub(super) fn sign(
        &self,
        zone: &Name,
        set: &[Record],
        unix: i64,
        change: impl FnOnce(&mut SigInput),
    ) -> Record {
        let first = &set[0];
        let at = |seconds: i64| SerialNumber::new(u32::try_from(seconds).unwrap());
        let mut input = SigInput {
            type_covered: first.record_type(),
            algorithm: Algorithm::ED25519,
            num_labels: u8::try_from(labels(&first.name) - usize::from(first.name.is_wildcard())).unwrap(),
            original_ttl: first.ttl,
            sig_expiration: at(unix + HOLDS),
            sig_inception: at(unix - 86_400),
            key_tag: self.dnskey().calculate_key_tag().unwrap(),
            signer_name: zone.clone(),
        };
        change(&mut input);
        let text = TBS::from_input(&first.name, DNSClass::IN, &input, set.iter()).unwrap();
        let rrsig = RRSIG::from_sig(input, self.key.sign(&text).unwrap());
        Record::from_rdata(first.name.clone(), first.ttl, RData::DNSSEC(DNSSECRData::RRSIG(rrsig)))
    }
}

//----------- SignedZone -------------------------------------------------------

/// A zone that is signed.
pub(super) struct SignedZone {
    zone: Zone,
    /// The keys of the zone.
    pub(super) keys: Vec<Key>,
    /// Whether a key that is revoked does not sign.
    pub(super) forged: bool,
    /// The time of signatures.
    unix: Arc<AtomicI64>,
}

impl SignedZone {
    /// Returns a zone, and the DS records of zones below it.
    pub(super) fn new(apex: &str, text: &str, key: &Key, below: &[Record], unix: &Arc<AtomicI64>) -> Self {
        let mut zone = Zone::read(apex, text);
        zone.records.extend_from_slice(below);
        Self { zone, keys: vec![key.clone()], forged: false, unix: Arc::clone(unix) }
    }

    /// Returns where it begins.
    pub(super) fn apex(&self) -> &Name {
        &self.zone.apex
    }

    /// Answers a query.
    pub(super) fn answer(&self, query: &Message) -> Message {
        let apex = &self.zone.apex;
        let (qname, qtype) = (query.queries[0].name().to_lowercase(), query.queries[0].query_type());
        let mut reply = answer(std::slice::from_ref(&self.zone), query);
        if reply.metadata.response_code == ResponseCode::Refused {
            return reply;
        }
        // DS is the parent's.
        if qtype == RecordType::DS && qname != *apex {
            reply.authorities.clear();
            reply.additionals.clear();
            reply.metadata.authoritative = true;
            let at = |record: &&Record| record.name == qname && record.record_type() == RecordType::DS;
            reply.answers = self.zone.records.iter().filter(at).cloned().collect();
            if reply.answers.is_empty() {
                reply.authorities.push(self.zone.soa());
            }
        }
        if qtype == RecordType::DNSKEY && qname == *apex {
            reply.authorities.clear();
            let record = |key: &Key| {
                let data = RData::DNSSEC(DNSSECRData::DNSKEY(key.dnskey()));
                Record::from_rdata(apex.clone(), 3_600, data)
            };
            reply.answers = self.keys.iter().map(record).collect();
        }
        let mut proofs = Vec::new();
        let mut expanded = None;
        if !reply.metadata.authoritative {
            let cut = reply.authorities[0].name.clone();
            let ds = |record: &&Record| record.name == cut && record.record_type() == RecordType::DS;
            proofs.extend(self.zone.records.iter().filter(ds).cloned());
            if proofs.is_empty() {
                proofs.extend(self.nsec(&cut));
            }
        } else if reply.answers.is_empty() {
            let exists = self.zone.records.iter().any(|record| qname.zone_of(&record.name));
            let wildcard = self.encloser(&qname).prepend_label("*").unwrap();
            let made: Vec<Record> = self
                .zone
                .records
                .iter()
                .filter(|record| record.name == wildcard)
                .filter(|record| [qtype, RecordType::CNAME].contains(&record.record_type()))
                .cloned()
                .collect();
            proofs.extend(self.nsec(&qname));
            if !exists && !made.is_empty() {
                reply.metadata.response_code = ResponseCode::NoError;
                reply.authorities.clear();
                expanded = Some(made);
            } else if !exists {
                proofs.extend(self.nsec(&wildcard));
            }
        }
        proofs.dedup();
        reply.authorities.extend(proofs);
        self.sign(&mut reply);
        for mut record in expanded.iter().flat_map(|made| self.signed(made)) {
            record.name = qname.clone();
            reply.add_answer(record);
        }
        reply
    }

    /// Signs what is the zone's own in a reply.
    fn sign(&self, reply: &mut Message) {
        for section in [&mut reply.answers, &mut reply.authorities] {
            let mut done: Vec<(Name, RecordType)> = Vec::new();
            for record in section.clone() {
                let key = (record.name.clone(), record.record_type());
                let own = key.1 != RecordType::NS || key.0 == self.zone.apex;
                if own && !done.contains(&key) {
                    let of_set = |other: &&Record| other.name == key.0 && other.record_type() == key.1;
                    let set: Vec<Record> = section.iter().filter(of_set).cloned().collect();
                    section.extend(self.signed(&set).into_iter().skip(set.len()));
                    done.push(key);
                }
            }
        }
    }

    /// Returns a set with its signatures.
    fn signed(&self, set: &[Record]) -> Vec<Record> {
        let unix = self.unix.load(Ordering::Relaxed);
        let is_keys = set[0].record_type() == RecordType::DNSKEY;
        // Keys sign each other; all else is signed by those that hold still.
        let signing = self.keys.iter().filter(|key| is_keys && !self.forged || key.flags & 128 == 0);
        let rrsigs = signing.map(|key| key.sign(&self.zone.apex, set, unix, |_| {}));
        set.iter().cloned().chain(rrsigs).collect()
    }

    /// Returns the names of the zone, in their order.
    fn names(&self) -> Vec<Name> {
        let cuts: Vec<&Name> = self
            .zone
            .records
            .iter()
            .filter(|record| record.record_type() == RecordType::NS && record.name != self.zone.apex)
            .map(|record| &record.name)
            .collect();
        let glue = |name: &&Name| cuts.iter().any(|cut| *cut != *name && cut.zone_of(name));
        let all = self.zone.records.iter().map(|record| &record.name).filter(|name| !glue(name));
        let mut names: Vec<Name> = all.cloned().chain([self.zone.apex.clone()]).collect();
        names.sort();
        names.dedup();
        names
    }

    /// Returns the longest name at or above `qname` that exists.
    fn encloser(&self, qname: &Name) -> Name {
        let exists = |name: &Name| self.names().iter().any(|other| name.zone_of(other));
        (0..=labels(qname)).rev().map(|count| qname.trim_to(count)).find(exists).unwrap()
    }

    /// Returns the NSEC record at a name or over it.
    pub(super) fn nsec(&self, at: &Name) -> Option<Record> {
        let names = self.names();
        let owner = names.iter().rfind(|name| *name <= at)?;
        let next = names.iter().find(|name| *name > owner).unwrap_or(&self.zone.apex);
        let mut types: Vec<RecordType> =
            self.zone.records.iter().filter(|r| r.name == *owner).map(Record::record_type).collect();
        if *owner == self.zone.apex {
            types.extend([RecordType::SOA, RecordType::DNSKEY]);
        }
        let nsec = NSEC::new_cover_self(next.clone(), types);
        Some(Record::from_rdata(owner.clone(), 60, RData::DNSSEC(DNSSECRData::NSEC(nsec))))
    }
}
