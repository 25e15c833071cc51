//! The chain of trust: from a key that is trusted down to a zone ([RFC 4035
//! section 5.2]).
//!
//! From below: the DS records of a zone name the zone that signed them, and so
//! on up.  Where nothing is signed, from above, label by label, to the place
//! where it was allowed to stop.
//!
//! [RFC 4035 section 5.2]: https://www.rfc-editor.org/rfc/rfc4035#section-5.2

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use futures_util::future::FutureExt;
use hickory_proto::rr::Name;
use hickory_proto::rr::RecordType;

use super::found::labels;
use super::job::Job;
use super::link::BOGUS_TTL;
use super::link::Link;
use super::store::Delegation;
use super::trusted::Status;
use super::verify::Keys;
use crate::resolve::Flaw;
use crate::resolve::data::MAX_TTL;
use crate::resolve::exchange::trouble::Bogus;
use crate::resolve::exchange::trouble::Trouble;

impl Job {
    /// Returns whether a zone is trusted.
    pub(super) async fn status(&self, zone: Name) -> Result<Status, Trouble> {
        let options = &self.engine.options;
        if options.is_unchecked(&zone) || options.anchor_above(&zone).is_none() {
            return Ok(Status::Insecure(None));
        }
        match self.engine.trusted.get(&zone, self.now.instant) {
            Some(status) => Ok(status),
            None => self.find_status(zone).await,
        }
    }

    /// Finds out whether a zone is trusted.
    fn find_status(&self, zone: Name) -> BoxFuture<'_, Result<Status, Trouble>> {
        async move {
            let options = &self.engine.options;
            if self.forwarder(&zone, RecordType::DNSKEY).is_some() {
                self.fetch_keys(&zone);
            }
            let (status, ttl) = match self.link(&zone).await {
                Ok(Link::Zone(status, ttl)) => (status, ttl),
                Ok(Link::Inside(above)) => return self.status(above).await,
                Ok(Link::Unsigned) => (self.descend(&zone).await?, BOGUS_TTL),
                Ok(Link::Doubtful(why)) => (Status::Bogus(why), BOGUS_TTL),
                // The house goes on where nobody outside can be asked.
                Err(_) if options.believes(&zone) => (Status::Insecure(None), BOGUS_TTL),
                Err(trouble) => return Err(trouble),
            };
            let ttl = if matches!(status, Status::Bogus(_)) { ttl.min(BOGUS_TTL) } else { ttl };
            let until = self.now.instant + Duration::from_secs(u64::from(ttl.min(MAX_TTL)));
            self.engine.trusted.put(&zone, status.clone(), until);
            Ok(status)
        }
        .boxed()
    }

    /// Asks for the keys of a zone beside the answer, where a referral says that
    /// it is signed: that is one round trip less.
    pub(super) fn fetch_keys_beside(&self, delegation: &Delegation) {
        let zone = &delegation.zone;
        let is_signed = delegation.ds.iter().any(|record| record.record_type() == RecordType::DS);
        let is_known = self.engine.trusted.get(zone, self.now.instant).is_some();
        let options = &self.engine.options;
        if self.checked && is_signed && !is_known && options.anchor_above(zone).is_some() {
            self.fetch_keys(zone);
        }
    }

    /// Asks for the keys of a zone without waiting for them.
    fn fetch_keys(&self, zone: &Name) {
        let (job, zone) = (self.clone(), zone.clone());
        // Whoever needs the keys waits for this, or finds them.
        tokio::spawn(async move {
            let _ = job.find(&zone, RecordType::DNSKEY).await;
        });
    }

    /// Asks for the keys of a zone anew, because it has signed with one that is not
    /// among those that are kept: it may have new ones, or a server may have had old
    /// ones.  Returns nothing if that was done just now, or led to nothing better.
    pub(super) async fn keys_anew(&self, zone: &Name) -> Result<Option<Arc<Keys>>, Trouble> {
        let now = self.now.instant;
        if let Some(kept) = self.known(zone, RecordType::DNSKEY) {
            let is_new = kept.stored < now && kept.age(now) < BOGUS_TTL;
            if is_new || self.is_blamed(&kept.zone, kept.server) {
                return Ok(None);
            }
            self.blame(&kept.zone, kept.server);
            if kept.stored == now && !self.has_others(&kept.zone) {
                return Ok(None);
            }
        }
        self.engine.store.forget(zone, RecordType::DNSKEY);
        let before = self.engine.trusted.take(zone);
        match self.status(zone.clone()).await {
            Ok(Status::Secure(keys)) => Ok(Some(keys)),
            other => {
                // What was good for other data is good for it still.
                if let Some((status, until)) = before {
                    self.engine.trusted.put(zone, status, until);
                }
                other.map(|_| None)
            }
        }
    }

    /// Goes down towards a name from the nearest key that is trusted, and
    /// returns where it ends: in an unsigned zone, or in the zone of the name.
    pub(super) async fn descend(&self, name: &Name) -> Result<Status, Trouble> {
        let Some(anchor) = self.engine.options.anchor_above(name).cloned() else {
            return Ok(Status::Insecure(None));
        };
        let mut status = self.status(anchor.clone()).await?;
        for count in labels(&anchor) + 1..=labels(name) {
            if !matches!(status, Status::Secure(_)) {
                break;
            }
            let step = name.trim_to(count);
            if self.engine.options.is_unchecked(&step) {
                return Ok(Status::Insecure(None));
            }
            match self.link(&step).await? {
                Link::Zone(next, _) => status = next,
                Link::Inside(_) => {}
                Link::Doubtful(why) => return Ok(Status::Bogus(why)),
                Link::Unsigned => {
                    let why = format!("there is no signed proof about {step} DS");
                    return Ok(Status::Bogus(Bogus::new(Flaw::NoProof, why)));
                }
            }
        }
        Ok(status)
    }
}
