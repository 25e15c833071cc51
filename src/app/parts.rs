//! [`Parts`]: what a Sordino that runs is made of, put together from what files say,
//! and what goes on in it besides answering.
//
//  Apart from `run`, which says in which order things happen, and from `reload`,
//  which changes what is in them.

use std::error::Error;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use arc_swap::ArcSwap;

use super::alive;
use super::aside::aside;
use super::control;
use super::date;
use super::downloads;
use super::downloads::Lists;
use super::identity;
use super::kept;
use super::last_good;
use super::last_good::Start;
use super::load::Loaded;
use super::load::Options;
use super::logged;
use super::network::Network;
use super::pushed::Pushed;
use super::rootkeys;
use super::seen;
use crate::base::Clock;
use crate::listen::access::Access;
use crate::listen::door::Door;
use crate::listen::door::Home;
use crate::listen::probe::Probe;
use crate::observe::Observer;
use crate::observe::metrics::Metrics;
use crate::querylog::QueryLog;
use crate::resolve::Resolver;

/// What a Sordino that runs is made of.
pub(super) struct Parts {
    /// What the command line said.
    pub(super) options: Options,
    /// The folder for what is to survive a restart.
    pub(super) state: PathBuf,
    /// For the time.
    pub(super) clock: Arc<dyn Clock>,
    /// What is counted.
    pub(super) metrics: Arc<Metrics>,
    /// What was asked for.
    pub(super) log: Arc<QueryLog>,
    /// Where queries come in.
    pub(super) door: Arc<Door<Resolver>>,
    /// Who tells, without being asked, who is where.
    pub(super) pushed: Arc<Pushed>,
    /// What is known of the network.
    network: Arc<Network>,
}

impl Parts {
    /// Puts them together, with what was kept from the run before this one.  Nobody is
    /// answered yet.
    pub(super) fn new(
        options: &Options,
        start: &Start,
        state: PathBuf,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, Box<dyn Error>> {
        let (Start { loaded, is_old }, recognizer) = (start, &options.recognizer);
        let metrics = Arc::new(Metrics::new()?);
        let network = Arc::new(Network::new(Arc::clone(recognizer)));
        let log = logged::start(&loaded.config, &state, &metrics, &clock)?;
        let (signs, visitors) = (Arc::clone(recognizer), Arc::clone(&network.visitors));
        let observer = Observer::start(Arc::clone(&metrics), signs, visitors, &log, Arc::clone(&clock))?;
        let resolver = Arc::new(Resolver::new(&loaded.config.resolve)?);
        date::load(&state, &resolver, &*clock);
        rootkeys::load(&state, &resolver);
        kept::load(&state, &resolver, clock.now());
        metrics.loaded(&loaded.house, &loaded.set_aside, clock.now());
        if *is_old {
            metrics.kept(clock.now());
        } else {
            last_good::keep(options, &state, loaded);
        }
        let identify = identity::start(&loaded.config, &clock);
        let home = home(loaded, resolver);
        let door = Arc::new(Door::new(home, Arc::clone(&clock), identify, Arc::new(observer)));
        let pushed = Pushed::new(loaded, &door, recognizer, &state, &clock);
        Ok(Self { options: options.clone(), state, clock, metrics, log, door, pushed, network })
    }

    /// Begins what goes on for ever beside the queries.
    pub(super) fn attend(&self) {
        control::listen(&self.state, Arc::clone(&self.pushed), Arc::clone(&self.log));
        let common = || (self.state.clone(), Arc::clone(&self.door), Arc::clone(&self.clock));
        let (state, door, clock) = common();
        tokio::spawn(rootkeys::follow(door, state, clock));
        let (state, door, clock) = common();
        tokio::spawn(date::keep(state, door, clock));
        let (state, door, clock) = common();
        tokio::spawn(seen::keep(state, Arc::clone(&self.options.recognizer), door, clock));
        self.network.start(&self.door, &self.metrics, &self.clock);
    }

    /// Begins to show how it is doing, as a query of our own tells: pages at an
    /// address, and food for the watchdog.
    pub(super) fn show(&self, web: SocketAddr, probe: Probe) {
        let (network, pushed) = (Arc::clone(&self.network), Arc::clone(&self.pushed));
        tokio::spawn(alive::serve_pages(web, probe, network, pushed));
        tokio::spawn(alive::feed_watchdog(probe));
    }

    /// Writes all metrics as Prometheus reads them.
    fn write_metrics(&self, lists: &ArcSwap<Lists>) -> Vec<u8> {
        let (stats, downloads) = (self.door.home().resolver.stats(), downloads::facts(&lists.load()));
        self.metrics.render(&stats, &downloads, &self.log.facts(), self.clock.now())
    }

    /// Returns how many lists are in effect.
    pub(super) fn lists(&self) -> usize {
        let home = self.door.home();
        home.house.catalog.families().len() + home.house.policies.lists.all().len()
    }

    /// Keeps what is to be there at the next start.
    pub(super) fn put_away(&self) {
        self.log.close();
        kept::save(&self.state, &self.door.home().resolver, self.clock.now());
        seen::save(&self.state, &self.options.recognizer);
    }
}

/// Has all metrics written; nothing, if the system has no thread for that.  It takes
/// milliseconds, for which those who answer must not wait.
pub(super) fn scrape(
    parts: &Arc<Parts>,
    lists: &Arc<ArcSwap<Lists>>,
) -> impl Future<Output = Option<Vec<u8>>> + use<> {
    let (parts, lists) = (Arc::clone(parts), Arc::clone(lists));
    let written = aside("metrics", move || parts.write_metrics(&lists));
    async { written.ok()?.await.ok() }
}

/// Makes what queries meet of what was loaded.
pub(super) fn home(loaded: &Loaded, resolver: Arc<Resolver>) -> Home<Resolver> {
    let listen = &loaded.config.listen;
    let access = Access::new(&listen.allow).paced(listen.rate_limit).behind(&listen.proxies);
    let (house, offer) = (Arc::clone(&loaded.house), loaded.offer.clone());
    Home { offer, ..Home::new(house, resolver, access) }
}
