//! [`Resolver`]: special names, the cache, the outside, and if nobody answers
//! there the cache again, in this order.

use std::sync::Arc;
use std::time::Duration;

use hickory_proto::op::ResponseCode;
use tokio::time::timeout;

use super::AnswerCache;
use super::AnswerData;
use super::Failure;
use super::Origin;
use super::Resolve;
use super::Resolved;
use super::cache::Kept;
use super::cache::Key;
use super::cache::KeyRef;
use super::dates::Dates;
use super::demand::is_ending;
use super::designated;
use super::designated::Designated;
use super::exchange::Network;
use super::exchange::Sockets;
use super::failures::Failed;
use super::rootkeys::RootKeys;
use super::rootkeys::RootKeysError;
use super::saved;
use super::saved::SavedError;
use super::settings::Settings;
use super::settings::SettingsError;
use super::special;
use super::stats::Counters;
use super::stats::Stats;
use super::upstream::Question;
use super::upstream::Upstream;
use super::ways::Way;
use super::ways::Ways;
use super::ways::mark;
use super::work::Work;
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

//----------- Resolver ---------------------------------------------------------

/// Turns permits into answers.  A clone is the same resolver.
#[derive(Clone)]
pub struct Resolver(pub(super) Arc<Inner>);

/// What a resolver consists of.
pub(super) struct Inner {
    /// The ways out.
    pub(super) ways: Ways,
    /// Answers that are still good, or were lately.
    pub(super) cache: Arc<AnswerCache>,
    /// The mark that our own answers have in the cache.
    own: u64,
    /// What is on or off.
    switches: Switches,
    /// Questions that are worked on.
    pub(super) work: Work,
    /// The keys of the root, if they are the built-in ones.
    root_keys: Arc<RootKeys>,
    /// What was counted.
    counters: Arc<Counters>,
    /// What is known of the date.
    pub(super) dates: Dates,
}

/// What is on or off.
#[derive(Clone, Debug)]
struct Switches {
    /// Whether the root servers are the household's own.
    own_root: bool,
    /// Whether popular answers are fetched anew before their time is up.
    prefetch: bool,
    /// Whether answers are given after their time.
    stale: bool,
    /// What clients are told of how else they may ask.
    designated: Option<Designated>,
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

    /// Returns a resolver whose queries in the clear are carried by `network`: for
    /// tests with an Internet of their own.
    pub fn with_network(
        settings: &Settings,
        cache: Arc<AnswerCache>,
        network: Arc<dyn Network>,
    ) -> Result<Self, SettingsError> {
        Self::build(settings, cache, Arc::default(), network, Arc::default())
    }

    /// Returns a resolver with other settings, the same cache (unless its size
    /// is another) and the same counters.
    pub fn rebuilt(&self, old: &Settings, new: &Settings) -> Result<Self, SettingsError> {
        let cache = if old.cache_size == new.cache_size {
            Arc::clone(&self.0.cache)
        } else {
            Arc::new(AnswerCache::new(new.cache_size))
        };
        let (counters, root_keys) = (Arc::clone(&self.0.counters), Arc::clone(&self.0.root_keys));
        let rebuilt = Self::build(new, cache, counters, Arc::new(Sockets), root_keys)?;
        rebuilt.0.dates.learn(&self.0.dates);
        Ok(rebuilt)
    }

    /// Returns a resolver that asks `upstream` only: for tests with a script.
    pub fn with_upstream(upstream: Arc<dyn Upstream>, cache: Arc<AnswerCache>) -> Self {
        let switches = Switches { own_root: false, prefetch: true, stale: true, designated: None };
        let dates = Dates::new(&[]);
        Self::assemble(Way::new(upstream, 0).into(), cache, Arc::default(), switches, Arc::default(), dates)
    }

    /// Returns what was counted.
    pub fn stats(&self) -> Stats {
        self.0.counters.read(self.0.cache.stats(), &self.0.dates)
    }

    /// Forgets what was learned of servers outside, who is slow or silent, and
    /// what could not be found out: the house has another way out.
    pub fn network_changed(&self) {
        for way in self.0.ways.all() {
            way.upstream.network_changed();
            way.line.renew();
        }
    }

    /// Returns the answers that may still be given as octets, for
    /// [`restore`](Self::restore).  It is private data: what a household asked
    /// for.
    pub fn save(&self, now: Now) -> Vec<u8> {
        saved::save(&self.0.cache, version(), now)
    }

    /// Takes up answers that were saved by the same version of this program, as
    /// far as they may still be given and were got the way they would be got
    /// now.  Returns how many.
    pub fn restore(&self, saved: &[u8], now: Now) -> Result<usize, SavedError> {
        let answers = saved::read(saved, version(), now)?;
        let fits = |Key { realm, question }: &Key| {
            let (zoned, way) = self.0.ways.of(question.name.borrowed());
            *realm == way.realm && self.own(question, zoned).is_none()
        };
        Ok(saved::restore(&self.0.cache, answers, now, fits))
    }

    /// Looks whether the root has changed its keys ([RFC 5011]), as far as that
    /// is due.  To be done every few hours.  It is an error if there are none that
    /// are signed well.
    ///
    /// [RFC 5011]: https://www.rfc-editor.org/rfc/rfc5011
    pub async fn look_at_root_keys(&self, now: Now) -> Result<(), Failure> {
        let (name, rtype) = (Domain::root(), Rtype::DNSKEY);
        let question = Question { name: name.clone(), rtype, checking_disabled: false };
        self.0.ways.of(name.borrowed()).1.upstream.fetch(&question, now).await.map(drop)
    }

    /// Returns what is thought of the root's keys: in a line for people, and for
    /// [`restore_root_keys`](Self::restore_root_keys).
    pub fn save_root_keys(&self) -> (String, String) {
        (self.0.root_keys.summary(), self.0.root_keys.write())
    }

    /// Takes up what was thought of the root's keys.
    pub fn restore_root_keys(&self, saved: &str) -> Result<(), RootKeysError> {
        self.0.root_keys.read(saved)
    }

    /// Returns the mark that answers for a name have in the cache.
    #[cfg(test)]
    pub(super) fn realm(&self, name: DomainRef<'_>) -> u64 {
        self.0.ways.of(name).1.realm
    }

    /// Returns our own answer to a question, if nobody outside is to be asked.
    fn own(&self, question: &Question, zoned: bool) -> Option<AnswerData> {
        let any = || (question.rtype == Rtype::ANY).then(|| special::any(question));
        let designated = self.0.switches.designated.as_ref();
        designated
            .and_then(|designated| designated::answer(question, designated))
            .or_else(|| special::answer(question, zoned, self.0.switches.own_root))
            .or_else(any)
    }

    /// Builds what the settings say.
    fn build(
        settings: &Settings,
        cache: Arc<AnswerCache>,
        counters: Arc<Counters>,
        network: Arc<dyn Network>,
        root_keys: Arc<RootKeys>,
    ) -> Result<Self, SettingsError> {
        let ways = Ways::build(settings, &counters, network, &root_keys)?;
        let switches = Switches {
            own_root: settings.root_hints.is_some(),
            prefetch: settings.prefetch,
            stale: settings.serve_stale,
            designated: settings.designated.clone(),
        };
        let dates = Dates::new(&settings.time_names);
        Ok(Self::assemble(ways, cache, counters, switches, root_keys, dates))
    }

    /// Puts the parts together.
    fn assemble(
        ways: Ways,
        cache: Arc<AnswerCache>,
        counters: Arc<Counters>,
        switches: Switches,
        root_keys: Arc<RootKeys>,
        dates: Dates,
    ) -> Self {
        let work = Work::new(Arc::clone(&cache));
        let own = mark(&("own", ways.zones(), switches.own_root));
        Self(Arc::new(Inner { ways, cache, own, switches, work, root_keys, counters, dates }))
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

/// Returns a mark that other versions of this program do not have.
fn version() -> u64 {
    mark(&env!("CARGO_PKG_VERSION"))
}

#[cfg(test)]
mod tests;
