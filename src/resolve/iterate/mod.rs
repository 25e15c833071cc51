//! Our own iterator and validator: down from the root, or by other resolvers.
//!
//! ```text
//!   Resolution ─▶ find ─▶ walk ─▶ ask_zone ─▶ ask ─▶ race ─▶ one ─▶ exchange
//!     aliases     store   down    addresses   once   hedge          UDP, TCP
//!        │          └───▶ ask_forwarder ─────▶ once ─▶ Forwarder ─▶ exchange
//!        └─▶ judge ─▶ status (chain of trust) ─▶ find …
//! ```
//!
//! [`find`](Job::find) has two sources, and whatever comes after it does not
//! know which it was: both are checked, bounded and kept alike.
//!
//! Everything draws from one [`Budget`](super::exchange::budget::Budget) per question.  What is
//! believed of a reply is decided in [`scrub`] alone.

mod addresses;
mod ask;
mod chain;
mod denial;
mod digests;
mod dname;
mod forwarded;
mod found;
mod glue;
mod good;
mod heard;
mod job;
mod judge;
mod key;
mod link;
mod nsec3;
mod options;
mod packed;
mod proven;
mod referral;
mod rollover;
mod root;
mod scrub;
mod sentinel;
mod store;
mod trusted;
mod verify;
mod walk;
mod weight;

use std::net::SocketAddr;
use std::sync::Arc;

use async_trait::async_trait;
use hickory_proto::op::ResponseCode;
use hickory_proto::rr::Name;
use hickory_proto::rr::Record;
use hickory_proto::rr::RecordType;

use super::AnswerData;
use super::Failure;
use super::Flaw;
use super::Origin;
use super::exchange::Exchange;
use super::exchange::Network;
use super::exchange::budget::MAX_ALIASES;
use super::exchange::trouble::Bogus;
use super::exchange::trouble::Trouble;
use super::forward::Choice;
use super::forward::Forwarder;
use super::forward::Server;
use super::names;
use super::rootkeys::RootKeys;
use super::settings::Mode;
use super::settings::Settings;
use super::settings::SettingsError;
use super::stats::Counters;
use super::stats::Limit;
use super::stats::Security;
use super::upstream::Question;
use super::upstream::Upstream;
use super::zones::Zones;
use crate::base::Domain;
use crate::base::Now;
use ask::Outstanding;
use found::Found;
use found::Kind;
use glue::Glue;
use job::Engine;
use job::Job;
use judge::Worth;
use options::Options;
use proven::Proven;
use store::Store;
use trusted::Trusted;
use weight::Share;

/// How often an answer is fetched again that fails validation.
const MAX_RETRIES: usize = 2;

//----------- Resolution -------------------------------------------------------

/// A name, and the resolvers that know what is at it and below.
pub(super) type Zone = (Domain, Vec<SocketAddr>);

/// Asks down from the root, or other resolvers, as settings say.
pub(super) struct Resolution {
    /// What all questions share.
    engine: Arc<Engine>,
}

impl Resolution {
    /// Returns one that knows nothing yet, for all names.
    pub(super) fn new(
        settings: &Settings,
        counters: Arc<Counters>,
        network: Arc<dyn Network>,
        root_keys: Arc<RootKeys>,
    ) -> Result<Self, SettingsError> {
        let exchange = Arc::new(Exchange::new(network, counters));
        let outside = match settings.mode {
            Mode::Recurse => None,
            Mode::Forward => {
                let Settings { forward_to, choice, forward_ca, .. } = settings;
                let forwarder = Forwarder::new(forward_to, *choice, forward_ca.as_ref(), &exchange)?;
                Some(Arc::new(forwarder))
            }
        };
        let known_to = |zone: &Zone| Ok((zone.0.clone(), known_to(zone, &exchange)?));
        let beside = settings.zones.iter().map(known_to).collect::<Result<_, SettingsError>>()?;
        let engine = Engine {
            root_keys,
            exchange,
            inside: None,
            beside: Arc::new(Zones::new(beside)),
            outside,
            options: Options::new(settings, None)?,
            store: Store::new(Share::WHOLE),
            glue: Glue::new(Share::WHOLE),
            proven: Proven::new(Share::WHOLE),
            trusted: Trusted::new(Share::WHOLE),
            good: Arc::default(),
            outstanding: Outstanding::default(),
        };
        Ok(Self { engine: Arc::new(engine) })
    }

    /// Returns one of `zones` that knows nothing yet either: for the names of a zone
    /// and whatever has to be known for them.  They share who is asked outside, and
    /// what no server can make wrong for another.
    pub(super) fn for_zone(
        &self,
        settings: &Settings,
        zone: &Zone,
        zones: usize,
    ) -> Result<Self, SettingsError> {
        let Engine { exchange, root_keys, beside, outside, good, .. } = &*self.engine;
        let (network, counters) = (Arc::clone(&exchange.network), Arc::clone(&exchange.counters));
        let exchange = Arc::new(Exchange::new(network, counters));
        let share = Share::one_of(zones);
        let engine = Engine {
            root_keys: Arc::clone(root_keys),
            inside: Some(known_to(zone, &exchange)?),
            exchange,
            beside: Arc::clone(beside),
            outside: outside.clone(),
            options: Options::new(settings, Some(&zone.0))?,
            store: Store::new(share),
            glue: Glue::new(share),
            proven: Proven::new(share),
            trusted: Trusted::new(share),
            good: Arc::clone(good),
            outstanding: Outstanding::default(),
        };
        Ok(Self { engine: Arc::new(engine) })
    }

    /// Gets the answer to a question, or gets it anew.
    async fn get(&self, question: &Question, now: Now, renews: bool) -> Result<AnswerData, Failure> {
        let mut job = Job::new(&self.engine, now, question.checking_disabled);
        job.renews = renews;
        let counters = &self.engine.exchange.counters;
        let answered = job.follow(question).await.and_then(|data| job.past_sentinel(question, data));
        answered.map_err(|trouble| {
            let trouble = job.reason(trouble);
            if let Some(limit) = trouble.limit() {
                counters.exceeded(limit);
            }
            if matches!(trouble, Trouble::Bogus(_)) {
                counters.validated(Security::Bogus);
            }
            Failure { kind: trouble.kind(), detail: trouble.to_string(), origin: self.origin() }
        })
    }
}

#[async_trait]
impl Upstream for Resolution {
    async fn fetch(&self, question: &Question, now: Now) -> Result<AnswerData, Failure> {
        self.get(question, now, false).await
    }

    async fn renew(&self, question: &Question, now: Now) -> Result<AnswerData, Failure> {
        self.get(question, now, true).await
    }

    fn network_changed(&self) {
        self.engine.exchange.servers.forget();
        self.engine.forwarders().for_each(Forwarder::forget);
        self.engine.beside.iter().for_each(|(_, (_, forwarder))| forwarder.forget());
        // Another network, or another clock, may lead to other keys.
        self.engine.trusted.forget();
    }

    fn origin(&self) -> Origin {
        if self.engine.forwards() { Origin::Forward } else { Origin::Recursion }
    }
}

/// Returns a zone's name and the way to the resolvers that know it.
fn known_to(zone: &Zone, exchange: &Arc<Exchange>) -> Result<(Name, Forwarder), SettingsError> {
    let (name, servers) = zone;
    let servers: Vec<Server> = servers.iter().copied().map(Server::from).collect();
    Ok((names::to_name(name), Forwarder::new(&servers, Choice::Parallel, None, exchange)?))
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
        let mut unsupported = None;
        loop {
            if self.renews {
                self.engine.store.forget_ending(&name, rtype, self.now.instant);
            }
            let (found, worth) = self.find_good(&name, rtype).await?;
            security = security.max(worth.security);
            unsupported = unsupported.or(worth.unsupported);
            let age = found.age(self.now.instant);
            let aged = |record: &Record| {
                let mut record = record.clone();
                record.ttl = record.ttl.saturating_sub(age).min(worth.ttl);
                record
            };
            answers.reserve_exact(found.answers.len());
            answers.extend(found.answers.iter().map(aged));
            // One reply may say all of a chain, with the proofs for all of it.
            authorities.reserve_exact(found.authorities.len());
            for record in found.authorities.iter().map(aged) {
                if !authorities.contains(&record) {
                    authorities.push(record);
                }
            }
            let rcode = match found.comes_to(rtype) {
                Kind::Alias(target) => {
                    seen.push(name);
                    name = target.to_lowercase();
                    if seen.contains(&name) || seen.len() > MAX_ALIASES {
                        return Err(Trouble::Limit(Limit::Aliases));
                    }
                    continue;
                }
                Kind::NxDomain if !worth.exists => ResponseCode::NXDomain,
                Kind::TooLong => ResponseCode::YXDomain,
                Kind::NxDomain | Kind::Data | Kind::NoData => ResponseCode::NoError,
            };
            self.engine.exchange.counters.validated(security);
            let secure = security == Security::Secure;
            let mut data = AnswerData::new(question, rcode, answers, authorities, secure);
            data.unsupported = unsupported;
            return Ok(data);
        }
    }

    /// Finds that there is nothing, if that follows from what is known already
    /// ([RFC 8198]); not for those who want no checks.
    ///
    /// [RFC 8198]: https://www.rfc-editor.org/rfc/rfc8198
    async fn find_proven(&self, name: &Name, rtype: RecordType) -> Option<(Arc<Found>, Worth)> {
        let now = self.now.instant;
        if !self.checked || rtype == RecordType::RRSIG {
            return None;
        }
        let denied = self.engine.proven.deny(name, rtype, now).map(Arc::new);
        // Below what is proven not to be there is nothing (RFC 8020).
        let gone = || self.engine.store.gone_above(name, now).filter(|found| found.is_signed());
        let found = denied.or_else(gone)?;
        let worth = self.judge(name, rtype, &found).await.ok()?;
        (worth.security == Security::Secure).then_some((found, worth))
    }

    /// Finds what the DNS says of a name and type, and what that is worth.
    async fn find_good(&self, name: &Name, rtype: RecordType) -> Result<(Arc<Found>, Worth), Trouble> {
        let mut known = self.known(name, rtype);
        let was_known = known.is_some();
        if !was_known && let Some(proven) = self.find_proven(name, rtype).await {
            return Ok(proven);
        }
        let mut tries = 0;
        loop {
            let found = match known.take() {
                Some(found) => found,
                None => self.find_out(name, rtype).await?,
            };
            // Signatures are not signed.
            if !self.checked || rtype == RecordType::RRSIG {
                return Ok((found, Worth::unsigned(Security::Indeterminate)));
            }
            match self.judge(name, rtype, &found).await {
                // Nothing outlives its signatures (RFC 4035 section 5.3.3).
                Ok(worth) if worth.ttl == 0 && was_known && tries == 0 => {
                    self.engine.store.forget(name, rtype);
                    tries += 1;
                }
                Ok(worth) => {
                    let secure = worth.security == Security::Secure;
                    // What is signed may be used for other names as well.
                    if secure && let Some((owner, dname)) = found.dname() {
                        self.engine.store.put(&owner, RecordType::DNAME, &dname);
                    }
                    if secure && found.contradicted {
                        self.engine.store.forget(name, rtype);
                        let why = format!("{name} has an alias that does not follow from the DNAME above");
                        return Err(Bogus::new(Flaw::Other, why).into());
                    }
                    return Ok((found, worth));
                }
                // Whoever is asked is believed, signed or not.
                Err(Trouble::Bogus(_)) if self.engine.options.believes(name) => {
                    return Ok((found, Worth::unsigned(Security::Insecure)));
                }
                Err(Trouble::Bogus(why)) => {
                    // Another server may have better data.
                    self.engine.store.forget(name, rtype);
                    tries += 1;
                    // It may have come along with something else.
                    if was_known && tries == 1 {
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
