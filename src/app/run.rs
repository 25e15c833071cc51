//! Start, reload, stop.
//!
//! At start anything wrong stops the program, with file and line.  At reload
//! anything wrong keeps what runs, and says so.

use std::fmt;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::sync::oneshot;
use tokio::sync::watch;
use tokio::task::AbortHandle;

use super::alive;
use super::control;
use super::date;
use super::downloads;
use super::downloads::Lists;
use super::downloads::OwnLookup;
use super::identity;
use super::identity::Pushed;
use super::identity::Tellers;
use super::kept;
use super::last_good;
use super::load;
use super::load::Loaded;
use super::load::Options;
use super::load::load;
use super::network::Network;
use super::privileges;
use super::rootkeys;
use super::seen;
use super::signals::Signals;
use super::signs::Signs;
use super::system;
use super::uplink;
use super::watch::Watch;
use crate::base::Clock;
use crate::base::Diagnostic;
use crate::base::time::SystemClock;
use crate::config::Listen;
use crate::listen;
use crate::listen::Addresses;
use crate::listen::access::Access;
use crate::listen::door::Door;
use crate::listen::door::Home;
use crate::listen::probe::Probe;
use crate::listen::turns;
use crate::observe::Observer;
use crate::observe::log;
use crate::observe::metrics::Metrics;
use crate::querylog::Askers;
use crate::querylog::QueryLog;
use crate::resolve;
use crate::resolve::Resolver;
use crate::web;

/// How often it is looked whether a query in hand still needs what was before a
/// reload, in tenths of a second; by then all have been given up.
const LET_GO: u32 = 100;

//----------- ExitError --------------------------------------------------------

/// The program has to end.  Everything has been said already; what remains is
/// the exit code.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ExitError(pub u8);

/// Says `what` and makes the error of it.
fn fatal(what: impl fmt::Display) -> ExitError {
    tracing::error!("{what}");
    ExitError(1)
}

//----------- run --------------------------------------------------------------

/// Serves until it is told to stop.
pub fn run(options: &Options) -> Result<(), ExitError> {
    log::start();
    system::prepare();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(fatal)?;
    runtime.block_on(serve(&Options { keep: true, ..options.clone() }))
}

/// Starts everything in the order in which it can fail without harm: files,
/// ports, privileges, and then the first query.
async fn serve(options: &Options) -> Result<(), ExitError> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new(options.clock_offset));
    let state = load::state_dir(options);
    let started = last_good::load(options, &state).map_err(|faults| {
        complain(&faults);
        ExitError(1)
    })?;
    let (loaded, is_old) = (started.loaded, started.is_old);
    complain(&loaded.warnings);
    let Listen { dns, tls, https, threads, .. } = &loaded.config.listen;
    let sockets =
        listen::bind(Addresses { dns, tls, https }, threads.unwrap_or_else(system::cores)).map_err(fatal)?;
    let metrics_at = loaded.config.metrics.listen;
    let metrics_socket = tokio::net::TcpListener::bind(metrics_at)
        .await
        .map_err(|error| fatal(format_args!("cannot serve metrics on {metrics_at}: {error}")))?;
    let kept = state.join("lists");
    if let Err(error) = std::fs::create_dir_all(&kept) {
        tracing::warn!(folder = %state.display(), %error, "nothing can be kept over a restart");
    }
    let dropped = privileges::drop_root(&[&state, &kept]).map_err(fatal)?;
    tracing::debug!(?dropped, "privileges");

    let metrics = Arc::new(Metrics::new().map_err(fatal)?);
    let network = Arc::new(Network::new(Arc::clone(&options.recognizer)));
    let askers = Arc::clone(&metrics) as Arc<dyn Askers>;
    let log = QueryLog::start(loaded.config.query_log, &state, askers, Arc::clone(&clock)).map_err(fatal)?;
    let (recognizer, visitors) = (Arc::clone(&options.recognizer), Arc::clone(&network.visitors));
    let observer = Observer::start(Arc::clone(&metrics), recognizer, visitors, &log, Arc::clone(&clock));
    let observer = Arc::new(observer.map_err(fatal)?);
    let resolver = Arc::new(Resolver::new(&loaded.config.resolve).map_err(fatal)?);
    date::load(&state, &resolver, &*clock);
    kept::load(&state, &resolver, clock.now());
    metrics.loaded(&loaded.house, &loaded.set_aside, clock.now());
    if is_old {
        metrics.kept(clock.now());
    } else {
        last_good::keep(options, &state, &loaded);
    }
    let addresses = sockets.addresses();
    let count = loaded.house.catalog.families().len() + loaded.house.policies.lists.all().len();
    let identify = identity::start(&loaded.config, &clock);
    let door = Arc::new(Door::new(home(&loaded, resolver), Arc::clone(&clock), identify, observer));
    let signs = Signs::new(&options.recognizer, &door);
    control::listen(&state, Pushed::new(door.identify(), &state, &signs, &clock), Arc::clone(&log));
    let tellers = Tellers::start(&loaded.config, &loaded.base, door.identify(), &signs, &clock);

    let (news, hear) = mpsc::channel(1);
    let lists = Fresh::start(&loaded, &state, &door, &clock, &news, None).map_err(fatal)?;
    let scrape = {
        let (door, metrics, clock) = (Arc::clone(&door), Arc::clone(&metrics), Arc::clone(&clock));
        let (log, lists) = (Arc::clone(&log), Arc::clone(&lists.lists));
        web::metrics::Scrape(move || {
            let downloads = downloads::facts(&lists.load());
            metrics.render(&door.home().resolver.stats(), &downloads, &log.facts(), clock.now())
        })
    };
    tokio::spawn(web::serve::serve(metrics_socket, Arc::new(scrape)));
    tokio::spawn(rootkeys::follow(Arc::clone(&door), state.clone(), Arc::clone(&clock)));
    let seen = Arc::clone(&options.recognizer);
    tokio::spawn(date::keep(state.clone(), Arc::clone(&door), Arc::clone(&clock)));
    tokio::spawn(seen::keep(state.clone(), seen, Arc::clone(&door), Arc::clone(&clock)));
    uplink::follow(&door);
    network.start(&door, &metrics, &clock);

    let (stop, stopped) = watch::channel(false);
    // Signals are caught before we say that we are ready for them.
    let signals = Signals::catch().map_err(fatal)?;
    let serving = tokio::spawn(sockets.run(Arc::clone(&door), stopped));
    tracing::info!(?addresses, metrics = %metrics_at, lists = count, "serving");
    if let Some(probe) = Probe::new(&addresses) {
        tokio::spawn(alive::serve_pages(loaded.config.web.listen, probe, network));
        tokio::spawn(alive::feed_watchdog(probe));
    }
    if loaded.trial {
        eprint!("{}", include_str!("trial.txt"));
    }
    let _ = sd_notify::notify(&[sd_notify::NotifyState::Ready]);
    let (served, at, time) = (Arc::clone(&door), state.clone(), Arc::clone(&clock));
    let running = Running {
        options: options.clone(),
        state,
        news,
        hear,
        lists,
        tellers,
        door,
        metrics,
        log: Arc::clone(&log),
        clock,
        settings: loaded.config.resolve,
        known: loaded.known,
        watch: Watch::of(&loaded.files),
    };
    running.until_stopped(signals).await;
    let _ = sd_notify::notify(&[sd_notify::NotifyState::Stopping]);
    tracing::info!("stopping; what was taken in is answered");
    let _ = stop.send(true);
    let ended = serving.await;
    log.close();
    kept::save(&at, &served.home().resolver, time.now());
    seen::save(&at, &options.recognizer);
    ended.map_err(fatal)?.map_err(fatal)
}

/// Makes what queries meet of what was loaded.
fn home(loaded: &Loaded, resolver: Arc<Resolver>) -> Home<Resolver> {
    let listen = &loaded.config.listen;
    let access = Access::new(&listen.allow).paced(listen.rate_limit).behind(&listen.proxies);
    let (house, offer) = (Arc::clone(&loaded.house), loaded.offer.clone());
    Home { house, resolver, access, offer, storms: Arc::default() }
}

/// Shows complaints.
pub(super) fn complain(faults: &[Diagnostic]) {
    for fault in faults {
        if fault.is_fault() {
            tracing::error!("{fault}");
        } else {
            tracing::warn!("{fault}");
        }
    }
}

//----------- Running ----------------------------------------------------------

/// What runs, as far as it can be reloaded.
struct Running {
    /// What the command line said.
    options: Options,
    /// Where queries come in.
    door: Arc<Door<Resolver>>,
    /// Where it is noted whether a reload took effect.
    metrics: Arc<Metrics>,
    /// What was asked for.
    log: Arc<QueryLog>,
    /// For the time of a reload.
    clock: Arc<dyn Clock>,
    /// The settings the resolver was built with.
    settings: resolve::Settings,
    /// Files that only root may read, perhaps, as they were read last.
    known: Vec<resolve::File>,
    /// Notices that a file was saved.
    watch: Watch,
    /// The folder for what is to survive a restart.
    state: PathBuf,
    /// Downloads lists.
    lists: Fresh,
    /// Who tells us who is where.
    tellers: Tellers,
    /// For those who download, to say that there is something new.
    news: mpsc::Sender<()>,
    /// Where that is heard.
    hear: mpsc::Receiver<()>,
}

/// Lists that are kept fresh.
struct Fresh {
    /// The lists, for whoever wants to know about them.
    lists: Arc<ArcSwap<Lists>>,
    /// Who downloads them.
    task: AbortHandle,
}

impl Fresh {
    /// Starts downloading what is due.
    fn start(
        loaded: &Loaded,
        state: &Path,
        door: &Arc<Door<Resolver>>,
        clock: &Arc<dyn Clock>,
        news: &mpsc::Sender<()>,
        before: Option<&Lists>,
    ) -> Result<Self, String> {
        let home = {
            let door = Arc::clone(door);
            move || {
                let home = door.home();
                (Arc::clone(&home.house), Arc::clone(&home.resolver))
            }
        };
        let lookup = OwnLookup { home, clock: Arc::clone(clock), runtime: Handle::current() };
        let lists = Arc::new(downloads::build(loaded, state, Arc::new(lookup), clock)?);
        if let Some(before) = before {
            lists.take_over(before);
        }
        let task = downloads::keep_fresh(Arc::clone(&lists), Arc::clone(clock), news.clone());
        Ok(Self { lists: Arc::new(ArcSwap::new(lists)), task: tokio::spawn(task).abort_handle() })
    }

    /// Goes on with the lists of `next`.
    fn go_on(&mut self, next: &Self) {
        self.task.abort();
        self.lists.store(next.lists.load_full());
        self.task = next.task.clone();
    }
}

impl Running {
    /// Reloads at each SIGHUP and whenever a file was saved; returns when it is
    /// time to stop.
    async fn until_stopped(mut self, mut signals: Signals) {
        loop {
            tokio::select! {
                _ = signals.hangup.recv() => {}
                () = self.watch.changed() => {}
                Some(()) = self.hear.recv() => {}
                _ = signals.terminate.recv() => return,
                _ = signals.interrupt.recv() => return,
            }
            self.reload().await;
        }
    }

    /// Reads everything anew and, if nothing is wrong with it, swaps it in.
    async fn reload(&mut self) {
        let since = sd_notify::NotifyState::monotonic_usec_now();
        let _ = since.map(|since| sd_notify::notify(&[sd_notify::NotifyState::Reloading, since]));
        // Reading takes a while; queries go on meanwhile.
        let mut options = self.options.clone();
        options.known.clone_from(&self.known);
        let outcome = match read_aside(options).await {
            Some(Ok(loaded)) => self.swap(loaded),
            Some(Err(faults)) => {
                complain(&faults);
                Err(format!("{} faults", faults.len()))
            }
            None => Err("reading came to no end".to_owned()),
        };
        match outcome {
            Ok(()) => {
                tracing::info!("config and lists reloaded");
            }
            Err(why) => {
                self.metrics.kept(self.clock.now());
                tracing::error!("reload refused, the old config and lists stay in effect: {why}");
            }
        }
        let _ = sd_notify::notify(&[sd_notify::NotifyState::Ready]);
    }

    /// Lets further queries meet what was loaded.
    fn swap(&mut self, loaded: Loaded) -> Result<(), String> {
        complain(&loaded.warnings);
        let old = self.door.home();
        let resolver = if self.settings == loaded.config.resolve {
            Arc::clone(&old.resolver)
        } else {
            let new = old.resolver.rebuilt(&self.settings, &loaded.config.resolve);
            Arc::new(new.map_err(|error| error.to_string())?)
        };
        tokio::spawn(let_go(self.door.swap(home(&loaded, resolver))));
        let identify = self.door.identify();
        identify.set(identity::settings(&loaded.config));
        let signs = Signs::new(&self.options.recognizer, &self.door);
        self.tellers = Tellers::start(&loaded.config, &loaded.base, identify, &signs, &self.clock);
        self.watch.only(&loaded.files);
        let known = self.lists.lists.load_full();
        let lists = Fresh::start(&loaded, &self.state, &self.door, &self.clock, &self.news, Some(&known))?;
        self.lists.go_on(&lists);
        self.metrics.loaded(&loaded.house, &loaded.set_aside, self.clock.now());
        self.known.clone_from(&loaded.known);
        self.settings = loaded.config.resolve.clone();
        let (options, state) = (self.options.clone(), self.state.clone());
        let log = Arc::clone(&self.log);
        // On the disk nobody waits for.
        tokio::task::spawn_blocking(move || {
            log.set(loaded.config.query_log);
            last_good::keep(&options, &state, &loaded);
        });
        Ok(())
    }
}

/// Reads everything on a thread of its own, which every other one goes before;
/// nothing if it panicked.
async fn read_aside(options: Options) -> Option<Result<Loaded, Vec<Diagnostic>>> {
    let (done, read) = oneshot::channel();
    let work = move || {
        turns::step_back();
        // Whoever asked waits for it.
        let _ = done.send(load(&options));
    };
    thread::Builder::new().name("load".to_owned()).spawn(work).ok()?;
    read.await.ok()
}

/// Frees what queries met before a reload, once none does any more: that takes
/// milliseconds, which no thread that answers has.
async fn let_go(old: Arc<Home<Resolver>>) {
    for _ in 0..LET_GO {
        if Arc::strong_count(&old) == 1 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let free = move || {
        turns::step_back();
        drop(old);
        system::give_back();
    };
    // Where there can be no thread, it was freed by trying.
    let _ = thread::Builder::new().name("let-go".to_owned()).spawn(free);
}
