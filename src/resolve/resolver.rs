//! [`Resolver`]: what it is made of, by its settings, and what of it outlives a
//! reload or a restart.
//!
//! How it comes to an answer is in `answering`.

use std::sync::Arc;

use super::AnswerCache;
use super::Failure;
use super::cache::Key;
use super::dates::Dates;
use super::designated::Designated;
use super::exchange::Network;
use super::exchange::Sockets;
use super::rootkeys::RootKeys;
use super::rootkeys::RootKeysError;
use super::saved;
use super::saved::SavedError;
use super::settings::Mode;
use super::settings::Settings;
use super::settings::SettingsError;
use super::stats::Counters;
use super::stats::Stats;
use super::upstream::Question;
use super::upstream::Upstream;
use super::ways::Way;
use super::ways::Ways;
use super::ways::mark;
use super::work::Work;
use crate::base::Domain;
use crate::base::Now;
use crate::query::Rtype;

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
    pub(super) own: u64,
    /// What is on or off.
    pub(super) switches: Switches,
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
pub(super) struct Switches {
    /// Whether root servers are asked that are the household's own.
    pub(super) own_root: bool,
    /// Whether popular answers are fetched anew before their time is up.
    pub(super) prefetch: bool,
    /// Whether answers are given after their time.
    pub(super) stale: bool,
    /// What clients are told of how else they may ask.
    pub(super) designated: Option<Designated>,
}

impl Resolver {
    /// Returns a resolver with an empty cache.
    pub fn new(settings: &Settings) -> Result<Self, SettingsError> {
        Self::with_cache(settings, Arc::new(AnswerCache::new(settings.cache_size)))
    }

    /// Returns a resolver with a cache that is there already.
    pub fn with_cache(settings: &Settings, cache: Arc<AnswerCache>) -> Result<Self, SettingsError> {
        Self::with_network(settings, cache, Arc::new(Sockets::default()))
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
        let rebuilt = Self::build(new, cache, counters, Arc::new(Sockets::default()), root_keys)?;
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
    pub(super) fn realm(&self, name: crate::base::DomainRef<'_>) -> u64 {
        self.0.ways.of(name).1.realm
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
            own_root: settings.mode == Mode::Recurse && settings.root_hints.is_some(),
            prefetch: settings.prefetch,
            stale: settings.serve_stale,
            designated: settings.designated.clone(),
        };
        let dates = Dates::new(&settings.time_names);
        Ok(Self::assemble(ways, cache, counters, switches, root_keys, dates))
    }

    /// Puts the parts together.
    pub(super) fn assemble(
        ways: Ways,
        cache: Arc<AnswerCache>,
        counters: Arc<Counters>,
        switches: Switches,
        root_keys: Arc<RootKeys>,
        dates: Dates,
    ) -> Self {
        let work = Work::new(Arc::clone(&cache), Arc::clone(&counters));
        let own = mark(&("own", ways.zones(), switches.own_root));
        Self(Arc::new(Inner { ways, cache, own, switches, work, root_keys, counters, dates }))
    }
}

/// Returns a mark that other versions of this program do not have.
fn version() -> u64 {
    mark(&env!("CARGO_PKG_VERSION"))
}
