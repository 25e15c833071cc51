//! From a question to an answer: our own, one that is kept, one that is old, or
//! by asking outside; in this order.
//!
//! Apart from `resolver`, which says what a resolver is made of.

use std::sync::Arc;
use std::time::Duration;

use hickory_proto::op::ResponseCode;
use tokio::time::timeout;

use super::AnswerData;
use super::Failure;
use super::Origin;
use super::Resolve;
use super::Resolved;
use super::cache::Kept;
use super::cache::Key;
use super::cache::KeyRef;
use super::demand::is_ending;
use super::designated;
use super::failures::Failed;
use super::resolver::Resolver;
use super::special;
use super::upstream::Question;
use super::ways::Way;
use crate::base::Domain;
use crate::base::DomainRef;
use crate::base::Now;
use crate::policy::Permit;
use crate::query::Rtype;

/// How long an asker waits for a fresh answer where there is an old one (the
/// client response timer of RFC 8767 section 5).  The 1.8 seconds it recommends
/// are what the client is to feel, so this leaves some for all else, such as
/// finding out who asks: after two seconds clients ask again.
const CLIENT_TIMER: Duration = Duration::from_millis(1_700);

/// What can be said of an answer beforehand.
pub struct Foreseen {
    /// Where it comes from, unless it is in the cache.
    pub origin: Origin,
    /// The household's zone that the name is in.
    pub zone: Option<Domain>,
    /// The answer itself, where it is our own.
    pub own: Option<AnswerData>,
}

impl Resolver {
    /// Returns our own answer to a question, if nobody outside is to be asked.
    pub(super) fn own(&self, question: &Question, zoned: bool) -> Option<AnswerData> {
        let designated = self.0.switches.designated.as_ref();
        designated
            .and_then(|designated| designated::answer(question, designated))
            .or_else(|| special::answer(question, zoned, self.0.switches.own_root))
    }

    /// Returns what can be said of an answer without asking anybody or looking into the
    /// cache.
    pub fn foresee(&self, question: &Question) -> Foreseen {
        let name = question.name.borrowed();
        let (zoned, way) = self.0.ways.of(name);
        let own = self.own(question, zoned);
        let origin = if own.is_some() { Origin::Local } else { way.upstream.origin() };
        let zone = self.0.ways.zones().into_iter().find(|zone| name.is_at_or_below(zone)).cloned();
        Foreseen { origin, zone, own }
    }

    /// Returns an answer that is in the cache.
    pub(super) fn glance(
        &self,
        name: DomainRef<'_>,
        rtype: Rtype,
        checking_disabled: bool,
        now: Now,
    ) -> Option<Resolved> {
        let way = self.0.ways.of(name).1;
        let key = KeyRef { realm: way.realm, name, rtype, checking_disabled };
        let Some(Kept { data, age, fresh }) = self.0.cache.glance(key, now) else {
            let own = self.0.cache.glance(KeyRef { realm: self.0.own, ..key }, now)?;
            return own.fresh.then_some(Resolved { data: own.data, age: 0, origin: Origin::Local });
        };
        if !fresh {
            return self.is_stale_at_once(key, way, now).then_some(stale(data, age));
        }
        data.demand.note();
        if self.0.switches.prefetch && is_ending(data.ttl, age) && data.demand.call() {
            // On the slow road there is time to have it fetched anew.
            return None;
        }
        Some(Resolved { data, age, origin: Origin::Cache })
    }

    /// Returns whether an answer whose time is up is to be given without trying
    /// anything: because that was in vain lately.  Neither waits nor writes.
    fn is_stale_at_once(&self, key: KeyRef<'_>, way: &Way, now: Now) -> bool {
        if !self.0.switches.stale {
            return false;
        }
        match self.0.work.failures.glance(key, now.instant, way.line.epoch()) {
            Some(Failed::Lately(failure)) => !failure.is_bogus(),
            _ => way.line.is_down() && !way.line.is_due(now.instant),
        }
    }

    /// Resolves a question.
    pub(super) async fn answer(&self, question: Question, now: Now) -> Result<Resolved, Failure> {
        let (zoned, way) = self.0.ways.of(question.name.borrowed());
        if let Some(data) = self.own(&question, zoned) {
            let data = Arc::new(data);
            // What a house asks for all the time (`wpad`, `lan`, printers); others
            // are few and would be among what a flood can't push out.
            if data.rcode == ResponseCode::NXDomain {
                self.0.cache.put(Key { realm: self.0.own, question }, &data, now);
            }
            return Ok(Resolved { data, age: 0, origin: Origin::Local });
        }
        let key = Key { realm: way.realm, question };
        let kept = self.0.cache.get(key.borrowed(), now);
        if let Some(Kept { data, age, fresh: true }) = kept {
            data.demand.note();
            if self.0.switches.prefetch && is_ending(data.ttl, age) && data.demand.take() {
                self.0.work.renew(key, way, now);
            }
            return Ok(Resolved { data, age, origin: Origin::Cache });
        }
        if let Some(kept) = kept.filter(|_| self.0.switches.stale) {
            return self.answer_or_stale(key, way, kept, now).await;
        }
        if let Some(Failed::Lately(failure)) = self.0.work.failed(&key, way, now) {
            return Err(Failure::clone(&failure));
        }
        let data = self.0.work.answer(key, way, now).await?;
        Ok(Resolved { data, age: 0, origin: way.upstream.origin() })
    }

    /// Resolves a question to which there is an answer whose time is up
    /// ([RFC 8767]).  Once it was tried in vain, that is given at once, and what
    /// is tried then is tried without the asker.
    ///
    /// [RFC 8767]: https://www.rfc-editor.org/rfc/rfc8767
    async fn answer_or_stale(&self, key: Key, way: &Way, old: Kept, now: Now) -> Result<Resolved, Failure> {
        let work = &self.0.work;
        let old = stale(old.data, old.age);
        match work.failed(&key, way, now) {
            Some(Failed::Lately(failure)) if failure.is_bogus() => {
                return Err(Failure::clone(&failure));
            }
            Some(Failed::Lately(_)) => return Ok(old),
            // One for all.
            _ if way.line.is_down() => {
                if !work.is_in_hand(&key) && way.line.take(now.instant) {
                    work.retry(key, way, now);
                }
                return Ok(old);
            }
            Some(Failed::Before) => {
                work.retry(key, way, now);
                return Ok(old);
            }
            None => {}
        }
        let epoch = way.line.epoch();
        match timeout(CLIENT_TIMER, work.answer(key.clone(), way, now)).await {
            Ok(Ok(data)) => Ok(Resolved { data, age: 0, origin: way.upstream.origin() }),
            // It is not what it was: whoever signs it says otherwise.
            Ok(Err(failure)) if failure.is_bogus() => Err(failure),
            Ok(Err(_)) => Ok(old),
            Err(_) => {
                work.late(&key, way, epoch, now.plus(CLIENT_TIMER));
                Ok(old)
            }
        }
    }
}

/// Returns an answer as one whose time is up.
fn stale(data: Arc<AnswerData>, age: u32) -> Resolved {
    Resolved { data, age, origin: Origin::Stale }
}

impl Resolve for Resolver {
    async fn resolve(&self, permit: &Permit<'_>, now: Now) -> Result<Resolved, Failure> {
        let question = Question {
            name: permit.name().to_owned(),
            rtype: permit.rtype(),
            checking_disabled: permit.checking_disabled(),
        };
        self.answer_at_any_date(question, permit.is_for_time(), now).await
    }

    fn at_hand(&self, permit: &Permit<'_>, now: Now) -> Option<Resolved> {
        self.glance(permit.name(), permit.rtype(), permit.checking_disabled(), now)
    }
}

#[cfg(test)]
mod tests;
