//! Asking down from the root: our own iterator and validator.
//!
//! ```text
//!   Recursion ─▶ find ─▶ walk ─▶ ask_zone ─▶ ask ─▶ race ─▶ one ─▶ exchange
//!     aliases    store   down    addresses   once   hedge   EDNS   UDP, TCP
//!        │
//!        └─▶ judge ─▶ status (chain of trust) ─▶ find …
//! ```
//!
//! Everything draws from one [`Budget`](budget::Budget) per question.  What is
//! believed of a reply is decided in [`scrub`] alone.

mod addresses;
mod ask;
mod budget;
mod chain;
mod denial;
mod found;
mod good;
mod job;
mod judge;
mod lenient;
mod network;
mod nsec3;
mod options;
mod proven;
mod rollover;
mod root;
mod scrub;
mod servers;
mod store;
mod trouble;
mod verify;
mod walk;
mod wire;

use std::sync::Arc;

use async_trait::async_trait;
use hickory_proto::op::ResponseCode;
use hickory_proto::rr::Name;
use hickory_proto::rr::Record;
use hickory_proto::rr::RecordType;
use tokio::time::timeout;

use super::AnswerData;
use super::Failure;
use super::Flaw;
use super::Origin;
use super::names;
use super::rootkeys::RootKeys;
use super::settings::Settings;
use super::settings::SettingsError;
use super::stats::Counters;
use super::stats::Limit;
use super::stats::Security;
use super::upstream::Question;
use super::upstream::Upstream;
use crate::base::Now;
use budget::MAX_ALIASES;
use budget::WALL_CLOCK;
use found::Found;
use found::Kind;
use job::Engine;
use job::Job;
use judge::Worth;
use options::Options;
use trouble::Bogus;
use trouble::Trouble;

pub use network::Network;
pub(super) use network::Sockets;
pub use network::take;

/// How often an answer is fetched again that fails validation.
const MAX_RETRIES: usize = 2;

//----------- Recursion --------------------------------------------------------

/// Asks down from the root.
pub(super) struct Recursion {
    /// What all questions share.
    engine: Arc<Engine>,
}

impl Recursion {
    /// Returns an iterator that knows nothing yet.
    pub(super) fn new(
        settings: &Settings,
        counters: Arc<Counters>,
        network: Arc<dyn Network>,
        root_keys: Arc<RootKeys>,
    ) -> Result<Self, SettingsError> {
        let engine = Engine {
            root_keys,
            network,
            options: Options::new(settings)?,
            servers: servers::Servers::default(),
            store: store::Store::default(),
            proven: proven::Proven::default(),
            trusted: chain::Trusted::default(),
            outstanding: ask::Outstanding::default(),
            counters,
        };
        Ok(Self { engine: Arc::new(engine) })
    }

    /// Gets the answer to a question, or gets it anew.
    async fn get(&self, question: &Question, now: Now, renews: bool) -> Result<AnswerData, Failure> {
        let checked = self.engine.options.dnssec && !question.checking_disabled;
        let mut job = Job::new(&self.engine, now, checked);
        job.renews = renews;
        let result = self.work(&job, question).await;
        if matches!(&result, Err(Trouble::Bogus(_))) {
            self.engine.counters.validated(Security::Bogus);
        }
        result.map_err(|trouble| Failure {
            kind: trouble.kind(),
            detail: trouble.to_string(),
            origin: Origin::Recursion,
        })
    }

    /// Works on a question, within its time.
    async fn work(&self, job: &Job, question: &Question) -> Result<AnswerData, Trouble> {
        let found = timeout(WALL_CLOCK, job.follow(question)).await;
        let found = found.unwrap_or(Err(Trouble::Limit(Limit::Time)));
        if let Err(trouble) = &found
            && let Some(limit) = trouble.limit()
        {
            self.engine.counters.exceeded(limit);
        }
        found
    }
}

#[async_trait]
impl Upstream for Recursion {
    async fn fetch(&self, question: &Question, now: Now) -> Result<AnswerData, Failure> {
        self.get(question, now, false).await
    }

    async fn renew(&self, question: &Question, now: Now) -> Result<AnswerData, Failure> {
        self.get(question, now, true).await
    }

    fn network_changed(&self) {
        self.engine.servers.forget();
    }

    fn origin(&self) -> Origin {
        Origin::Recursion
    }
}

impl Job {
    /// Finds the answer to a question, along its aliases.
    async fn follow(&self, question: &Question) -> Result<AnswerData, Trouble> {
        let rtype = names::to_type(question.rtype);
        let mut name = names::to_name(&question.name);
        let mut seen: Vec<Name> = Vec::new();
        let mut answers: Vec<Record> = Vec::new();
        let mut authorities: Vec<Record> = Vec::new();
        let mut security = Security::Secure;
        loop {
            if self.renews {
                self.engine.store.forget_ending(&name, rtype, self.now.instant);
            }
            let (found, worth) = self.find_good(&name, rtype).await?;
            security = security.max(worth.security);
            let age = found.age(self.now.instant);
            let aged = |record: &Record| {
                let mut record = record.clone();
                record.ttl = record.ttl.saturating_sub(age).min(worth.ttl);
                record
            };
            answers.extend(found.answers.iter().map(aged));
            authorities.extend(found.authorities.iter().map(aged));
            let rcode = match &found.kind {
                Kind::Alias(target) => {
                    seen.push(name);
                    name = target.to_lowercase();
                    if seen.contains(&name) || seen.len() > MAX_ALIASES {
                        return Err(Trouble::Limit(Limit::Aliases));
                    }
                    continue;
                }
                Kind::NxDomain => ResponseCode::NXDomain,
                Kind::Data | Kind::NoData => ResponseCode::NoError,
            };
            self.engine.counters.validated(security);
            let secure = security == Security::Secure;
            return Ok(AnswerData::new(question, rcode, answers, authorities, secure));
        }
    }

    /// Finds that there is nothing, if that follows from what is known already
    /// ([RFC 8198]); not for those who want no checks.
    ///
    /// [RFC 8198]: https://www.rfc-editor.org/rfc/rfc8198
    async fn find_proven(&self, name: &Name, rtype: RecordType) -> Option<(Arc<Found>, Worth)> {
        let now = self.now.instant;
        let is_known = self.engine.store.get(name, rtype, now).is_some();
        if !self.checked || is_known || rtype == RecordType::RRSIG {
            return None;
        }
        let found = self.engine.proven.deny(name, rtype, now)?;
        let worth = self.judge(name, rtype, &found).await.ok()?;
        (worth.security == Security::Secure).then(|| (Arc::new(found), worth))
    }

    /// Finds what the DNS says of a name and type, and what that is worth.
    async fn find_good(&self, name: &Name, rtype: RecordType) -> Result<(Arc<Found>, Worth), Trouble> {
        if let Some(proven) = self.find_proven(name, rtype).await {
            return Ok(proven);
        }
        let mut tries = 0;
        loop {
            let known = self.engine.store.get(name, rtype, self.now.instant).is_some();
            let found = self.find(name, rtype).await?;
            // Signatures are not signed.
            if !self.checked || rtype == RecordType::RRSIG {
                return Ok((found, Worth::unsigned(Security::Indeterminate)));
            }
            match self.judge(name, rtype, &found).await {
                Ok(worth) => {
                    let secure = worth.security == Security::Secure;
                    // What is signed may be used for other names as well.
                    if secure && let Some((owner, dname)) = found.dname() {
                        self.engine.store.put(&owner, RecordType::DNAME, &Arc::new(dname));
                    }
                    if secure && found.contradicted {
                        self.engine.store.forget(name, rtype);
                        let why = format!("{name} has an alias that does not follow from the DNAME above");
                        return Err(Bogus::new(Flaw::Other, why).into());
                    }
                    return Ok((found, worth));
                }
                Err(Trouble::Bogus(why)) => {
                    // Another server may have better data.
                    self.engine.store.forget(name, rtype);
                    tries += 1;
                    // It may have come along with something else.
                    if known && tries == 1 {
                        continue;
                    }
                    self.blame(&found.zone, found.server);
                    if tries > MAX_RETRIES || !self.has_others(&found.zone) {
                        return Err(Trouble::Bogus(why));
                    }
                }
                Err(trouble) => return Err(trouble),
            }
        }
    }
}

#[cfg(test)]
mod tests;
