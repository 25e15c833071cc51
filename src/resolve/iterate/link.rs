//! The step from a zone to the one below it: by DS records, by the proof that there
//! are none, or by keys that are trusted without either.
//!
//! Apart from [`chain`](super::chain), which goes from step to step.

use std::sync::Arc;

use hickory_proto::dnssec::rdata::DNSKEY;
use hickory_proto::dnssec::rdata::DNSSECRData;
use hickory_proto::rr::Name;
use hickory_proto::rr::RData;
use hickory_proto::rr::Record;
use hickory_proto::rr::RecordType;

use super::MAX_RETRIES;
use super::denial::NoDs;
use super::denial::Proof;
use super::digests::MAX_DS;
use super::digests::covers;
use super::digests::is_digest;
use super::digests::unsupported;
use super::digests::usable_ds;
use super::found::Kind;
use super::job::Job;
use super::options::Trust as Anchor;
use super::trusted::Status;
use super::verify::Keys;
use super::verify::MAX_COLLISIONS;
use super::verify::Set;
use super::verify::is_known;
use super::verify::sets;
use crate::resolve::Flaw;
use crate::resolve::Unsupported;
use crate::resolve::data::MAX_TTL;
use crate::resolve::exchange::trouble::Bogus;
use crate::resolve::exchange::trouble::Trouble;

/// How long a zone stays bogus, in seconds: a mistake may be put right.
pub(super) const BOGUS_TTL: u32 = 60;

/// What is known of the step from a zone's parent to it.
pub(super) enum Link {
    /// The zone's status.
    Zone(Status, u32),
    /// No zone begins here: the name is in the one that says so.
    Inside(Name),
    /// Nothing is signed.
    Unsigned,
    /// The parent's data is bad, which may be the fault of whoever told it.
    Doubtful(Bogus),
}

impl Job {
    /// Looks at the step to a zone.
    pub(super) async fn link(&self, zone: &Name) -> Result<Link, Trouble> {
        let anchors: Vec<&Anchor> = {
            let of_zone = self.engine.options.anchors.iter().filter(|(of, _)| of == zone);
            of_zone.map(|(_, anchor)| anchor).collect()
        };
        if zone.is_root() && self.engine.options.follows_root {
            return self.link_by_keys(zone, |key| self.engine.root_keys.trusts(key), MAX_TTL).await;
        }
        if !anchors.is_empty() {
            return self.link_by_anchors(zone, &anchors).await;
        }
        if let Some(told) = self.engine.store.told_ds(zone, self.now.instant) {
            let link = self.link_by_ds(zone, &told, &Kind::NoData).await?;
            // A referral may say too little; the parent can be asked.
            if matches!(&link, Link::Zone(..)) {
                self.engine.store.heard_ds(zone, self.now.instant);
                return Ok(link);
            }
        }
        let mut tries = 0;
        loop {
            let found = self.find(zone, RecordType::DS).await?;
            let records: Vec<Record> = found.answers.iter().chain(&found.authorities).cloned().collect();
            let link = self.link_by_ds(zone, &records, &found.kind).await?;
            if !matches!(&link, Link::Doubtful(_) | Link::Unsigned) {
                return Ok(link);
            }
            self.engine.store.forget(zone, RecordType::DS);
            self.blame(&found.zone, found.server);
            tries += 1;
            // Another server may have better ones.  Where nothing is signed, that is
            // seen from above.
            let is_doubtful = matches!(&link, Link::Doubtful(_));
            if !is_doubtful || tries > MAX_RETRIES || !self.has_others(&found.zone) {
                return Ok(link);
            }
        }
    }

    /// Looks at the step to a zone of which keys are trusted.
    async fn link_by_anchors(&self, zone: &Name, anchors: &[&Anchor]) -> Result<Link, Trouble> {
        let known = |anchor: &&&Anchor| match anchor {
            Anchor::Key(key) => is_known(hickory_proto::dnssec::Verifier::algorithm(key)),
            Anchor::Digest(ds) => is_known(ds.algorithm()) && is_digest(ds),
        };
        let usable: Vec<&Anchor> = anchors.iter().filter(known).copied().collect();
        // RFC 4035 section 5.2: without a known algorithm, as if unsigned.
        if usable.is_empty() {
            return Ok(Link::Zone(Status::Insecure(Some(Unsupported::Algorithm)), MAX_TTL));
        }
        let is_trusted = |key: &DNSKEY| {
            usable.iter().any(|anchor| match anchor {
                Anchor::Key(trusted) => trusted.public_key() == key.public_key() && !key.revoke(),
                Anchor::Digest(ds) => covers(ds, zone, key),
            })
        };
        self.link_by_keys(zone, is_trusted, MAX_TTL).await
    }

    /// Looks at the step to a zone with what was said of its DS records.
    async fn link_by_ds(&self, zone: &Name, records: &[Record], kind: &Kind) -> Result<Link, Trouble> {
        let sets = sets(records);
        let of = |rtype| sets.iter().find(move |set| set.rtype == rtype && set.name == zone);
        if let Some(ds) = of(RecordType::DS) {
            return self.link_by_delegation(zone, ds).await;
        }
        match of(RecordType::CNAME) {
            Some(alias) if matches!(kind, Kind::Alias(_)) => self.link_at_alias(alias).await,
            _ => self.link_by_denial(zone, records, &sets, kind).await,
        }
    }

    /// Looks at the step to a zone with its DS records.
    async fn link_by_delegation(&self, zone: &Name, ds: &Set<'_>) -> Result<Link, Trouble> {
        let Some(signer) = ds.signer().filter(|signer| signer != zone) else {
            return Ok(Link::Unsigned);
        };
        let keys = match self.status(signer).await? {
            Status::Secure(keys) => keys,
            other => return Ok(Link::Zone(other, BOGUS_TTL)),
        };
        let verified = match self.verify(ds, &keys) {
            Ok(verified) => verified,
            Err(Trouble::Bogus(why)) => return Ok(Link::Doubtful(why)),
            Err(trouble) => return Err(trouble),
        };
        let ttl = ds.records.iter().map(|record| record.ttl).min().unwrap_or(0).min(verified.left);
        let usable = usable_ds(&ds.records);
        if usable.is_empty() {
            return Ok(Link::Zone(Status::Insecure(Some(unsupported(&ds.records))), ttl));
        }
        self.link_by_keys(zone, |key| usable.iter().any(|ds| covers(ds, zone, key)), ttl).await
    }

    /// Looks at the step to a name with an alias: it has nothing else, and so is no
    /// zone.
    async fn link_at_alias(&self, alias: &Set<'_>) -> Result<Link, Trouble> {
        let Some(signer) = alias.signer() else { return Ok(Link::Unsigned) };
        Ok(match self.status(signer.clone()).await? {
            Status::Secure(keys) => match self.verify(alias, &keys) {
                Ok(_) => Link::Inside(signer),
                Err(Trouble::Bogus(why)) => Link::Doubtful(why),
                Err(trouble) => return Err(trouble),
            },
            other => Link::Zone(other, BOGUS_TTL),
        })
    }

    /// Looks at the step to a zone with the proof that it has no DS records.
    async fn link_by_denial(
        &self,
        zone: &Name,
        records: &[Record],
        sets: &[Set<'_>],
        kind: &Kind,
    ) -> Result<Link, Trouble> {
        let of_proofs = sets.iter().filter(|set| matches!(set.rtype, RecordType::NSEC | RecordType::NSEC3));
        let signer = of_proofs.filter_map(Set::signer).find(|signer| signer.zone_of(zone) && signer != zone);
        let Some(signer) = signer else { return Ok(Link::Unsigned) };
        let keys = match self.status(signer.clone()).await? {
            Status::Secure(keys) => keys,
            other => return Ok(Link::Zone(other, BOGUS_TTL)),
        };
        let _turn = self.engine.good.turn().await;
        let proofs = self.proofs(sets, &keys)?;
        Ok(match proofs.no_ds(zone)? {
            NoDs::Unsigned(why) => Link::Zone(Status::Insecure(why), least_ttl(records)),
            NoDs::NoCut => Link::Inside(signer),
            NoDs::Unproven if *kind == Kind::NxDomain && proofs.nxdomain(zone)? == Proof::Yes => {
                Link::Inside(signer)
            }
            NoDs::Unproven if proofs.is_given_away(&zone.base_name())? => {
                Link::Zone(Status::Insecure(None), least_ttl(records))
            }
            NoDs::Unproven => {
                let why = format!("it is not proven that {zone} has no DS");
                Link::Doubtful(Bogus::new(Flaw::NoProof, why))
            }
        })
    }

    /// Fetches a zone's keys and verifies them with those that are trusted.
    async fn link_by_keys(
        &self,
        zone: &Name,
        is_trusted: impl Fn(&DNSKEY) -> bool,
        ttl: u32,
    ) -> Result<Link, Trouble> {
        let bogus = |last: Bogus| Ok(Link::Zone(Status::Bogus(last), BOGUS_TTL));
        let no_key = |why: String| Bogus::new(Flaw::NoKey, why);
        let mut last = no_key(format!("{zone} has no DNSKEY"));
        // Another server may have better ones.
        for _ in 0..=MAX_RETRIES {
            let found = match self.find(zone, RecordType::DNSKEY).await {
                Ok(found) => found,
                // Nobody has said anything that could be wrong.
                Err(trouble) if trouble.is_final() || trouble.is_absence() => return Err(trouble),
                Err(trouble) => {
                    return bogus(no_key(format!("the keys of {zone} cannot be had: {trouble}")));
                }
            };
            let sets = sets(&found.answers);
            if let Some(set) = sets.iter().find(|set| set.rtype == RecordType::DNSKEY && set.name == zone) {
                let all: Vec<&DNSKEY> = set.records.iter().filter_map(|record| key(record)).collect();
                let trusted = all.iter().copied().filter(|key| key.zone_key() && is_trusted(key));
                let mut trusted = Keys::new(zone, trusted);
                trusted.keys.truncate(MAX_DS * MAX_COLLISIONS);
                if trusted.keys.is_empty() {
                    let why = format!("no key of {zone} is the one that is trusted");
                    last = if all.iter().any(|key| is_trusted(key)) {
                        Bogus::new(Flaw::NoZoneKey, format!("the key of {zone} may not sign a zone"))
                    } else {
                        no_key(why)
                    };
                } else {
                    match self.verify(set, &trusted) {
                        Ok(verified) => {
                            self.follow_root(set, &all);
                            let least = set.records.iter().map(|record| record.ttl).min().unwrap_or(0);
                            let keys = Arc::new(Keys::new(zone, all.into_iter()));
                            return Ok(Link::Zone(Status::Secure(keys), ttl.min(least).min(verified.left)));
                        }
                        Err(Trouble::Bogus(why)) => last = why,
                        Err(trouble) => return Err(trouble),
                    }
                }
            }
            self.engine.store.forget(zone, RecordType::DNSKEY);
            self.blame(&found.zone, found.server);
            if !self.has_others(&found.zone) {
                break;
            }
        }
        bogus(self.explain(zone, last))
    }

    /// Says what is the matter where other resolvers have no good keys even of a
    /// zone whose keys are trusted without proof: some routers drop signatures.
    fn explain(&self, zone: &Name, bogus: Bogus) -> Bogus {
        if !self.engine.forwards() || self.engine.options.anchor_above(zone) != Some(zone) {
            return bogus;
        }
        let hint = "do the servers that are asked drop signatures? See `dnssec` in [resolve]";
        Bogus::new(bogus.flaw, format!("{}; {hint}", bogus.why))
    }
}

/// Returns the key in a record.
fn key(record: &Record) -> Option<&DNSKEY> {
    match &record.data {
        RData::DNSSEC(DNSSECRData::DNSKEY(key)) => Some(key),
        _ => None,
    }
}

/// Returns the least TTL of records.
fn least_ttl(records: &[Record]) -> u32 {
    records.iter().map(|record| record.ttl).min().unwrap_or(0)
}
