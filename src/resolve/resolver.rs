//! [`Resolver`]: special names, the household's zones, the cache, and then the
//! outside, in this order.

use std::collections::HashMap;
use std::hash::DefaultHasher;
use std::hash::Hash;
use std::hash::Hasher;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

use tokio::sync::watch;

use super::AnswerCache;
use super::AnswerData;
use super::Failure;
use super::FailureKind;
use super::Origin;
use super::Resolve;
use super::Resolved;
use super::cache::Key;
use super::cache::KeyRef;
use super::dnssec::Validator;
use super::file;
use super::forward::Forwarder;
use super::forward::Server;
use super::iterate::Recursion;
use super::library::Source;
use super::outside::Outside;
use super::settings::Mode;
use super::settings::Settings;
use super::settings::SettingsError;
use super::special;
use super::stats::Counters;
use super::stats::Stats;
use super::upstream::Question;
use super::upstream::Upstream;
use crate::base::Domain;
use crate::base::Now;
use crate::policy::Permit;
use crate::query::Rtype;

/// How many questions may be worked on at once.  Each may have a few sockets
/// open, of which a process usually has a thousand.
const MAX_IN_FLIGHT: usize = 256;

//----------- Resolver ---------------------------------------------------------

/// Turns permits into answers.  A clone is the same resolver.
#[derive(Clone)]
pub struct Resolver(pub(super) Arc<Inner>);

/// What a resolver consists of.
pub(super) struct Inner {
    /// Ways for some names, the longest name first.
    zones: Vec<(Domain, Way)>,
    /// The way for all others.
    outside: Way,
    /// Answers that are still good.
    pub(super) cache: Arc<AnswerCache>,
    /// Whether the root servers are the household's own.
    own_root: bool,
    /// Questions that are worked on, and where their answers will appear.
    pub(super) in_flight: Mutex<HashMap<Key, watch::Receiver<Option<Outcome>>>>,
    /// What was counted.
    counters: Arc<Counters>,
}

/// A way out of the house, and the mark its answers have in the cache.
struct Way {
    /// The way.
    upstream: Arc<dyn Upstream>,
    /// The mark.
    realm: u64,
}

/// How work on a question ended.
type Outcome = Result<Arc<AnswerData>, Failure>;

impl Resolver {
    /// Returns a resolver with an empty cache.
    pub fn new(settings: &Settings) -> Result<Self, SettingsError> {
        Self::with_cache(settings, Arc::new(AnswerCache::new(settings.cache_size)))
    }

    /// Returns a resolver with a cache that is there already.
    pub fn with_cache(settings: &Settings, cache: Arc<AnswerCache>) -> Result<Self, SettingsError> {
        Self::build(settings, cache, Arc::default())
    }

    /// Returns a resolver with other settings, the same cache (unless its size
    /// is another) and the same counters.
    pub fn rebuilt(&self, old: &Settings, new: &Settings) -> Result<Self, SettingsError> {
        let cache = if old.cache_size == new.cache_size {
            Arc::clone(&self.0.cache)
        } else {
            Arc::new(AnswerCache::new(new.cache_size))
        };
        Self::build(new, cache, Arc::clone(&self.0.counters))
    }

    /// Returns a resolver that asks `upstream` only: for tests with a script.
    pub fn with_upstream(upstream: Arc<dyn Upstream>, cache: Arc<AnswerCache>) -> Self {
        let outside = Way { upstream, realm: 0 };
        Self::assemble(Vec::new(), outside, cache, Arc::default(), false)
    }

    /// Returns what was counted.
    pub fn stats(&self) -> Stats {
        self.0.counters.read(self.0.cache.stats())
    }

    /// Builds the ways out.
    fn build(
        settings: &Settings,
        cache: Arc<AnswerCache>,
        counters: Arc<Counters>,
    ) -> Result<Self, SettingsError> {
        let outside: Arc<dyn Upstream> = match settings.mode {
            Mode::Recurse => Arc::new(Recursion::new(settings, Arc::clone(&counters))?),
            Mode::Forward => {
                let source = forward("forward-to", &settings.forward_to, true, &counters)?;
                let anchors = settings.trust_anchor.as_ref().map(file::trust_anchors).transpose()?;
                Arc::new(Outside {
                    validator: settings.dnssec.then(|| Validator::new(source.clone(), anchors)),
                    source,
                    unchecked: settings.negative_trust_anchors.clone(),
                    origin: Origin::Forward,
                    counters: Arc::clone(&counters),
                })
            }
        };
        let mut zones = Vec::new();
        for (name, servers) in &settings.stubs {
            let realm = mark(&(name, servers, false));
            let upstream = match settings.mode {
                // It goes down from these servers by itself.
                Mode::Recurse if servers.is_empty() => return Err(no_server(&name.to_string())),
                Mode::Recurse => Arc::clone(&outside),
                Mode::Forward => plain(name, servers, false, &counters)?,
            };
            zones.push((name.clone(), Way { upstream, realm }));
        }
        for (name, servers) in &settings.zones {
            let upstream = plain(name, servers, true, &counters)?;
            zones.push((name.clone(), Way { upstream, realm: mark(&(name, servers, true)) }));
        }
        let mut without_zones = settings.clone();
        without_zones.zones.clear();
        without_zones.stubs.clear();
        let outside = Way { upstream: outside, realm: mark(&without_zones) };
        Ok(Self::assemble(zones, outside, cache, counters, settings.root_hints.is_some()))
    }

    /// Puts the parts together.
    fn assemble(
        mut zones: Vec<(Domain, Way)>,
        outside: Way,
        cache: Arc<AnswerCache>,
        counters: Arc<Counters>,
        own_root: bool,
    ) -> Self {
        zones.sort_by_key(|(name, _)| std::cmp::Reverse(name.labels().count()));
        Self(Arc::new(Inner { zones, outside, cache, own_root, in_flight: Mutex::default(), counters }))
    }

    /// Resolves a question.
    pub(super) async fn answer(&self, question: Question, now: Now) -> Result<Resolved, Failure> {
        let zone = self.0.zones.iter().find(|(zone, _)| question.name.is_at_or_below(zone));
        if let Some(data) = special::answer(&question, zone.is_some(), self.0.own_root) {
            return Ok(Resolved { data: Arc::new(data), age: 0, origin: Origin::Local });
        }
        if question.rtype == Rtype::ANY {
            return Ok(Resolved { data: Arc::new(special::any(&question)), age: 0, origin: Origin::Local });
        }
        let way = zone.map_or(&self.0.outside, |(_, way)| way);
        let key = Key { realm: way.realm, question };
        if let Some((data, age)) = self.0.cache.get(key.borrowed(), now) {
            return Ok(Resolved { data, age, origin: Origin::Cache });
        }
        let origin = way.upstream.origin();
        let data = self.work(key, Arc::clone(&way.upstream), now).await?;
        Ok(Resolved { data, age: 0, origin })
    }

    /// Has a question worked on, once however many ask it, and to its end even
    /// if they all go away.
    async fn work(&self, key: Key, upstream: Arc<dyn Upstream>, now: Now) -> Outcome {
        let origin = upstream.origin();
        let fail = |kind, detail: &str| Failure { kind, detail: detail.to_owned(), origin };
        let mut result = {
            let mut in_flight = self.0.lock();
            if let Some(result) = in_flight.get(&key) {
                result.clone()
            } else {
                if in_flight.len() >= MAX_IN_FLIGHT {
                    return Err(fail(FailureKind::Limit, "too many questions at once"));
                }
                let (put, result) = watch::channel(None);
                in_flight.insert(key.clone(), result.clone());
                let done = Done { inner: Arc::clone(&self.0), key };
                tokio::spawn(async move {
                    let outcome = upstream.fetch(&done.key.question, now).await.map(Arc::new);
                    if let Ok(data) = &outcome {
                        done.inner.cache.put(done.key.clone(), data, now);
                    }
                    // Nobody may be waiting any more.
                    let _ = put.send(Some(outcome));
                });
                result
            }
        };
        match result.wait_for(Option::is_some).await.map(|outcome| outcome.clone()) {
            Ok(Some(outcome)) => outcome,
            _ => Err(fail(FailureKind::Unreachable, "work on the question ended early")),
        }
    }
}

impl Inner {
    /// Locks the questions in flight.
    fn lock(&self) -> MutexGuard<'_, HashMap<Key, watch::Receiver<Option<Outcome>>>> {
        self.in_flight.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes a question out of those in flight, however work on it ends.
struct Done {
    /// The resolver.
    inner: Arc<Inner>,
    /// The question.
    key: Key,
}

impl Drop for Done {
    fn drop(&mut self) {
        self.inner.lock().remove(&self.key);
    }
}

impl Resolve for Resolver {
    async fn resolve(&self, permit: &Permit<'_>, now: Now) -> Result<Resolved, Failure> {
        let question = Question {
            name: permit.name().to_owned(),
            rtype: permit.rtype(),
            checking_disabled: permit.checking_disabled(),
        };
        self.answer(question, now).await
    }

    fn at_hand(&self, permit: &Permit<'_>, now: Now) -> Option<Resolved> {
        // Special names are never in the cache: nobody asks outside for them.
        let name = permit.name();
        let zone = self.0.zones.iter().find(|(zone, _)| name.is_at_or_below(zone));
        let realm = zone.map_or(&self.0.outside, |(_, way)| way).realm;
        let (rtype, checking_disabled) = (permit.rtype(), permit.checking_disabled());
        let (data, age) = self.0.cache.glance(KeyRef { realm, name, rtype, checking_disabled }, now)?;
        Some(Resolved { data, age, origin: Origin::Cache })
    }
}

/// Complains that there is no server to ask.
fn no_server(what: &str) -> SettingsError {
    SettingsError::Setting(format!("resolve: no server to ask for `{what}`"))
}

/// Returns a way to these servers, where nobody checks signatures: nobody
/// outside has signed what only the router knows.
fn plain(
    name: &Domain,
    servers: &[SocketAddr],
    recursion_desired: bool,
    counters: &Arc<Counters>,
) -> Result<Arc<dyn Upstream>, SettingsError> {
    Ok(Arc::new(Outside {
        source: forward(&name.to_string(), servers, recursion_desired, counters)?,
        validator: None,
        unchecked: Vec::new(),
        origin: Origin::Forward,
        counters: Arc::clone(counters),
    }))
}

/// Returns a source that asks these servers.
fn forward(
    what: &str,
    servers: &[SocketAddr],
    recursion_desired: bool,
    counters: &Arc<Counters>,
) -> Result<Source, SettingsError> {
    if servers.is_empty() {
        return Err(no_server(what));
    }
    let servers: Vec<_> = servers.iter().map(|&address| Server::Plain(address)).collect();
    let forwarder = Arc::new(Forwarder::new(&servers, Arc::clone(counters)));
    Ok(Source { forwarder, recursion_desired })
}

/// Returns a mark that other settings do not have.
fn mark(settings: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    settings.hash(&mut hasher);
    hasher.finish()
}
