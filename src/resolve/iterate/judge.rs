//! What an answer is worth ([RFC 4035 section 4.3]).
//!
//! [RFC 4035 section 4.3]: https://www.rfc-editor.org/rfc/rfc4035#section-4.3

use hickory_proto::dnssec::rdata::DNSSECRData;
use hickory_proto::rr::Name;
use hickory_proto::rr::RData;
use hickory_proto::rr::RecordType;

use super::denial::Proof;
use super::denial::Proofs;
use super::found::Found;
use super::found::Kind;
use super::found::labels;
use super::job::Job;
use super::nsec3::Nsec3s;
use super::scrub::place;
use super::trusted::Status;
use super::verify::Keys;
use super::verify::Set;
use super::verify::sets;
use crate::resolve::Flaw;
use crate::resolve::Unsupported;
use crate::resolve::data::MAX_TTL;
use crate::resolve::exchange::trouble::Bogus;
use crate::resolve::exchange::trouble::Trouble;
use crate::resolve::stats::Security;

//----------- Worth ------------------------------------------------------------

/// What an answer is worth, and how long.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Worth {
    /// What it is worth.
    pub(super) security: Security,
    /// How long, in seconds: no signature is stretched (RFC 4035 section 5.3.3).
    pub(super) ttl: u32,
    /// Why it is not worth more, if that is for want of our own.
    pub(super) unsupported: Option<Unsupported>,
    /// Whether it was only proven that the name has no such data; the server may
    /// say that there is no such name.
    pub(super) exists: bool,
}

impl Worth {
    /// Returns that no signature limits an answer.
    pub(super) fn unsigned(security: Security) -> Self {
        Self { security, ttl: MAX_TTL, unsupported: None, exists: false }
    }

    /// Returns that an answer is not signed, or as good as that.
    fn insecure(unsupported: Option<Unsupported>) -> Self {
        Self { unsupported, ..Self::unsigned(Security::Insecure) }
    }
}

impl Job {
    /// Returns what an answer is worth; what is bogus is an error.
    pub(super) async fn judge(
        &self,
        name: &Name,
        rtype: RecordType,
        found: &Found,
    ) -> Result<Worth, Trouble> {
        let options = &self.engine.options;
        let at = place(name, rtype);
        if options.is_unchecked(&at) || options.anchor_above(&at).is_none() {
            return Ok(Worth::insecure(None));
        }
        if !found.is_signed() {
            // Nobody outside has to hear of names that the house has for itself.
            if options.believes(name) {
                return Ok(Worth::unsigned(Security::Insecure));
            }
            return self.unsigned(name, rtype, found).await;
        }
        let answers = sets(&found.answers);
        let authorities = sets(&found.authorities);
        // The parent's data is signed by the parent.
        let may_sign = |signer: &Name| {
            signer.zone_of(name) && (rtype != RecordType::DS || name.is_root() || signer != name)
        };
        let signed = if found.answers.is_empty() {
            // Aliases may have led through other zones.
            let proofs = authorities.iter().filter(|set| set.rtype != RecordType::SOA);
            proofs.filter_map(Set::signer).filter(may_sign).max_by_key(labels)
        } else {
            answers.iter().find_map(Set::signer).filter(may_sign)
        };
        let Some(signer) = signed else { return self.unsigned(name, rtype, found).await };
        let keys = self.status(signer).await?;
        let keys = match keys {
            Status::Secure(keys) => keys,
            Status::Bogus(why) => return Err(Trouble::Bogus(why)),
            // Whoever forges can name a signer that is not signed itself.
            Status::Insecure(_) => return self.unsigned(name, rtype, found).await,
        };
        let judge = |keys: &Keys| {
            if found.answers.is_empty() {
                self.judge_negative(name, rtype, found, &authorities, keys)
            } else {
                self.judge_positive(&answers, &authorities, keys)
            }
        };
        match judge(&keys) {
            Err(Trouble::Bogus(why)) if why.flaw == Flaw::NoKey => match self.keys_anew(&keys.zone).await? {
                Some(keys) => judge(&keys),
                None => Err(Trouble::Bogus(why)),
            },
            judged => judged,
        }
    }

    /// Judges data.
    fn judge_positive(
        &self,
        answers: &[Set<'_>],
        authorities: &[Set<'_>],
        keys: &Keys,
    ) -> Result<Worth, Trouble> {
        let has = |rtype| answers.iter().any(|set| set.rtype == rtype);
        let has_dname = has(RecordType::DNAME);
        let mut worth = Worth::unsigned(Security::Secure);
        for set in answers {
            // A CNAME record made out of a DNAME record is not signed, and we
            // have made it ourselves (RFC 6672 section 5.3.1).
            if has_dname && set.rtype == RecordType::CNAME {
                continue;
            }
            let verified = self.verify(set, keys)?;
            worth.ttl = worth.ttl.min(verified.left).min(verified.ttl);
            let Some(signed) = verified.wildcard else { continue };
            // Which names one that is made of a wildcard stands for is not defined (RFC
            // 4592 section 4.4).
            if set.rtype == RecordType::DNAME && has(RecordType::CNAME) {
                let why = format!("the DNAME record of {} is of a wildcard", set.name);
                return Err(Bogus::new(Flaw::Other, why).into());
            }
            let proofs = self.proofs(authorities, keys)?;
            match proofs.wildcard(set.name, signed)? {
                Proof::Yes => {}
                Proof::Insecure(why) => {
                    (worth.security, worth.unsupported) = (Security::Insecure, worth.unsupported.or(why));
                }
                Proof::No => {
                    let why = format!("{} is not proven to be of a wildcard", set.name);
                    return Err(Bogus::new(Flaw::NoProof, why).into());
                }
            }
        }
        Ok(worth)
    }

    /// Judges that there is nothing.
    fn judge_negative(
        &self,
        name: &Name,
        rtype: RecordType,
        found: &Found,
        authorities: &[Set<'_>],
        keys: &Keys,
    ) -> Result<Worth, Trouble> {
        let mut ttl = MAX_TTL;
        for soa in authorities.iter().filter(|set| set.rtype == RecordType::SOA) {
            let verified = self.verify(soa, keys)?;
            ttl = ttl.min(verified.left).min(verified.ttl);
        }
        let proofs = self.proofs(authorities, keys)?;
        let (mut proof, mut exists) = (Proof::No, false);
        if found.kind == Kind::NxDomain {
            proof = proofs.nxdomain(name)?;
        }
        // Some say NXDOMAIN for empty non-terminals, and for what a wildcard there has
        // no data of.  The RCODE is not signed, the proof is (for NSEC, as unbound
        // has it).
        let may_exist = found.kind != Kind::NxDomain || proofs.is_by_nsec();
        if proof == Proof::No && may_exist {
            (proof, exists) = (proofs.nodata(name, rtype)?, true);
        }
        match proof {
            Proof::Yes => {
                self.engine.proven.keep(found, &proofs, ttl.min(proofs.left));
                Ok(Worth { ttl, exists, ..Worth::unsigned(Security::Secure) })
            }
            Proof::Insecure(why) => Ok(Worth { ttl, ..Worth::insecure(why) }),
            // Some answer for a zone below that is not signed, and prove no more.
            Proof::No if proofs.is_given_away(&place(name, rtype))? => {
                Ok(Worth { ttl, ..Worth::insecure(None) })
            }
            Proof::No => {
                let why = format!("it is not proven that there is no {name} {rtype}");
                Err(Bogus::new(Flaw::NoProof, why).into())
            }
        }
    }

    /// Judges what is not signed: it must be proven that it need not be.
    async fn unsigned(&self, name: &Name, rtype: RecordType, found: &Found) -> Result<Worth, Trouble> {
        let place = place(name, rtype);
        let options = &self.engine.options;
        // The zone whose servers were asked is known best; but they may serve
        // one below it as well.  Above all keys that are trusted, nothing is known.
        let is_known = found.zone.zone_of(&place)
            && options.anchor_above(&place).is_some_and(|anchor| anchor.zone_of(&found.zone));
        let status = if is_known { Some(self.status(found.zone.clone()).await?) } else { None };
        let status = match status {
            None | Some(Status::Secure(_)) => self.descend(&place).await?,
            Some(other) => other,
        };
        match status {
            Status::Insecure(why) => Ok(Worth::insecure(why)),
            Status::Bogus(why) => Err(Trouble::Bogus(why)),
            Status::Secure(keys) => {
                let why = format!("{name} {rtype} has no signature of {}", keys.zone);
                Err(Bogus::new(Flaw::NoSignature, why).into())
            }
        }
    }

    /// Gathers the proofs that are signed well.
    pub(super) fn proofs<'a>(&'a self, sets: &'a [Set<'a>], keys: &'a Keys) -> Result<Proofs<'a>, Trouble> {
        let mut nsec = Vec::new();
        let mut nsec3 = Vec::new();
        let mut left = u32::MAX;
        for set in sets.iter().filter(|set| matches!(set.rtype, RecordType::NSEC | RecordType::NSEC3)) {
            match self.verify(set, keys) {
                // Made of a wildcard, it would prove what nobody has said.
                Ok(verified) if verified.wildcard.is_some() => continue,
                Ok(verified) => left = left.min(verified.left).min(verified.ttl),
                Err(Trouble::Bogus(_)) => continue,
                Err(trouble) => return Err(trouble),
            }
            for record in &set.records {
                match &record.data {
                    RData::DNSSEC(DNSSECRData::NSEC(data)) => nsec.push((set.name, data)),
                    RData::DNSSEC(DNSSECRData::NSEC3(data)) => nsec3.push((set.name, data)),
                    _ => {}
                }
            }
        }
        let nsec3 = Nsec3s::new(&keys.zone, nsec3.into_iter(), &self.budget);
        Ok(Proofs { zone: &keys.zone, nsec, nsec3, left })
    }
}
