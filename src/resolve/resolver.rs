//! [`Resolver`]: special names, the household's zones, the cache, and then the
//! outside, in this order.

use std::hash::DefaultHasher;
use std::hash::Hash;
use std::hash::Hasher;
use std::net::SocketAddr;
use std::sync::Arc;

use super::AnswerCache;
use super::AnswerData;
use super::Failure;
use super::Origin;
use super::Resolve;
use super::Resolved;
use super::cache::Key;
use super::cache::KeyRef;
use super::demand::is_ending;
use super::dnssec::Validator;
use super::file;
use super::forward::Forwarder;
use super::forward::Server;
use super::iterate::Network;
use super::iterate::Recursion;
use super::iterate::Sockets;
use super::library::Source;
use super::outside::Outside;
use super::saved;
use super::saved::SavedError;
use super::settings::Mode;
use super::settings::Settings;
use super::settings::SettingsError;
use super::special;
use super::stats::Counters;
use super::stats::Stats;
use super::upstream::Question;
use super::upstream::Upstream;
use super::work::Work;
use crate::base::Domain;
use crate::base::DomainRef;
use crate::base::Now;
use crate::policy::Permit;
use crate::query::Rtype;

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
    /// What is on or off.
    switches: Switches,
    /// Questions that are worked on.
    pub(super) work: Work,
    /// What was counted.
    counters: Arc<Counters>,
}

/// What is on or off.
#[derive(Clone, Copy, Debug)]
struct Switches {
    /// Whether the root servers are the household's own.
    own_root: bool,
    /// Whether popular answers are fetched anew before their time is up.
    prefetch: bool,
}

/// A way out of the house, and the mark its answers have in the cache.
struct Way {
    /// The way.
    upstream: Arc<dyn Upstream>,
    /// The mark.
    realm: u64,
}

impl Resolver {
    /// Returns a resolver with an empty cache.
    pub fn new(settings: &Settings) -> Result<Self, SettingsError> {
        Self::with_cache(settings, Arc::new(AnswerCache::new(settings.cache_size)))
    }

    /// Returns a resolver with a cache that is there already.
    pub fn with_cache(settings: &Settings, cache: Arc<AnswerCache>) -> Result<Self, SettingsError> {
        Self::with_network(settings, cache, Arc::new(Sockets))
    }

    /// Returns a resolver whose queries down from the root are carried by
    /// `network`: for tests with an Internet of their own.
    pub fn with_network(
        settings: &Settings,
        cache: Arc<AnswerCache>,
        network: Arc<dyn Network>,
    ) -> Result<Self, SettingsError> {
        Self::build(settings, cache, Arc::default(), network)
    }

    /// Returns a resolver with other settings, the same cache (unless its size
    /// is another) and the same counters.
    pub fn rebuilt(&self, old: &Settings, new: &Settings) -> Result<Self, SettingsError> {
        let cache = if old.cache_size == new.cache_size {
            Arc::clone(&self.0.cache)
        } else {
            Arc::new(AnswerCache::new(new.cache_size))
        };
        Self::build(new, cache, Arc::clone(&self.0.counters), Arc::new(Sockets))
    }

    /// Returns a resolver that asks `upstream` only: for tests with a script.
    pub fn with_upstream(upstream: Arc<dyn Upstream>, cache: Arc<AnswerCache>) -> Self {
        let outside = Way { upstream, realm: 0 };
        let switches = Switches { own_root: false, prefetch: true };
        Self::assemble(Vec::new(), outside, cache, Arc::default(), switches)
    }

    /// Returns what was counted.
    pub fn stats(&self) -> Stats {
        self.0.counters.read(self.0.cache.stats())
    }

    /// Returns the answers that are still good as octets, for
    /// [`restore`](Self::restore).  It is private data: what a household asked
    /// for.
    pub fn save(&self, now: Now) -> Vec<u8> {
        saved::save(&self.0.cache, version(), now)
    }

    /// Takes up answers that were saved by the same version of this program, as
    /// far as they are good still and were got the way they would be got now.
    /// Returns how many.
    pub fn restore(&self, saved: &[u8], now: Now) -> Result<usize, SavedError> {
        let answers = saved::read(saved, version(), now)?;
        let fits = |Key { realm, question }: &Key| {
            let (zoned, way) = self.way(question.name.borrowed());
            *realm == way.realm && self.own(question, zoned).is_none()
        };
        Ok(saved::restore(&self.0.cache, answers, now, fits))
    }

    /// Returns the mark that answers for a name have in the cache.
    pub(super) fn realm(&self, name: DomainRef<'_>) -> u64 {
        self.way(name).1.realm
    }

    /// Returns the way for a name, and whether it is that of a zone.
    fn way(&self, name: DomainRef<'_>) -> (bool, &Way) {
        let zone = self.0.zones.iter().find(|(zone, _)| name.is_at_or_below(zone));
        (zone.is_some(), zone.map_or(&self.0.outside, |(_, way)| way))
    }

    /// Returns our own answer to a question, if nobody outside is to be asked.
    fn own(&self, question: &Question, zoned: bool) -> Option<AnswerData> {
        let any = || (question.rtype == Rtype::ANY).then(|| special::any(question));
        special::answer(question, zoned, self.0.switches.own_root).or_else(any)
    }

    /// Builds the ways out.
    fn build(
        settings: &Settings,
        cache: Arc<AnswerCache>,
        counters: Arc<Counters>,
        network: Arc<dyn Network>,
    ) -> Result<Self, SettingsError> {
        let outside: Arc<dyn Upstream> = match settings.mode {
            Mode::Recurse => Arc::new(Recursion::new(settings, Arc::clone(&counters), network)?),
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
        let mut without_zones = settings.clone();
        without_zones.zones.clear();
        without_zones.stubs.clear();
        // How answers are kept does not change what they say.
        let Settings { cache_size, prefetch, .. } = Settings::default();
        let without_zones = Settings { cache_size, prefetch, ..without_zones };
        let mut zones = Vec::new();
        for (name, servers) in &settings.stubs {
            // How it is asked and checked is as for all others.
            let realm = mark(&(name, servers, &without_zones));
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
        let outside = Way { upstream: outside, realm: mark(&without_zones) };
        let switches = Switches { own_root: settings.root_hints.is_some(), prefetch: settings.prefetch };
        Ok(Self::assemble(zones, outside, cache, counters, switches))
    }

    /// Puts the parts together.
    fn assemble(
        mut zones: Vec<(Domain, Way)>,
        outside: Way,
        cache: Arc<AnswerCache>,
        counters: Arc<Counters>,
        switches: Switches,
    ) -> Self {
        let work = Work::new(Arc::clone(&cache));
        zones.sort_by_key(|(name, _)| std::cmp::Reverse(name.labels().count()));
        Self(Arc::new(Inner { zones, outside, cache, switches, work, counters }))
    }

    /// Returns an answer that is in the cache.  Special names never are: nobody
    /// asks outside for them.
    pub(super) fn glance(
        &self,
        name: DomainRef<'_>,
        rtype: Rtype,
        checking_disabled: bool,
        now: Now,
    ) -> Option<Resolved> {
        let realm = self.realm(name);
        let (data, age) = self.0.cache.glance(KeyRef { realm, name, rtype, checking_disabled }, now)?;
        data.demand.note();
        if self.0.switches.prefetch && is_ending(data.ttl, age) && data.demand.call() {
            // On the slow road there is time to have it fetched anew.
            return None;
        }
        Some(Resolved { data, age, origin: Origin::Cache })
    }

    /// Resolves a question.
    pub(super) async fn answer(&self, question: Question, now: Now) -> Result<Resolved, Failure> {
        let (zoned, way) = self.way(question.name.borrowed());
        if let Some(data) = self.own(&question, zoned) {
            return Ok(Resolved { data: Arc::new(data), age: 0, origin: Origin::Local });
        }
        let key = Key { realm: way.realm, question };
        if let Some((data, age)) = self.0.cache.get(key.borrowed(), now) {
            data.demand.note();
            if self.0.switches.prefetch && is_ending(data.ttl, age) && data.demand.take() {
                self.0.work.renew(key, &way.upstream, now);
            }
            return Ok(Resolved { data, age, origin: Origin::Cache });
        }
        let origin = way.upstream.origin();
        let data = self.0.work.answer(key, &way.upstream, now).await?;
        Ok(Resolved { data, age: 0, origin })
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
        self.glance(permit.name(), permit.rtype(), permit.checking_disabled(), now)
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

/// Returns a mark that other versions of this program do not have.
fn version() -> u64 {
    mark(&env!("CARGO_PKG_VERSION"))
}

/// Returns a mark that other settings do not have.
fn mark(settings: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    settings.hash(&mut hasher);
    hasher.finish()
}
