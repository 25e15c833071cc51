//! Start and stop.
//!
//! At start anything wrong stops the program, with file and line.  What may
//! change while it runs is in `reload.rs`.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::sync::watch;

use super::alive;
use super::control;
use super::date;
use super::downloads;
use super::identity;
use super::identity::Tellers;
use super::kept;
use super::last_good;
use super::load;
use super::load::Options;
use super::logged;
use super::network::Network;
use super::privileges;
use super::pushed::Pushed;
use super::reload::Fresh;
use super::reload::Running;
use super::reload::home;
use super::rootkeys;
use super::seen;
use super::signals::Signals;
use super::state;
use super::system;
use super::uplink;
use super::watch::Watch;
use crate::base::Clock;
use crate::base::time::SystemClock;
use crate::config::Listen;
use crate::listen;
use crate::listen::Addresses;
use crate::listen::door::Door;
use crate::listen::probe::Probe;
use crate::observe::Observer;
use crate::observe::log;
use crate::observe::metrics::Metrics;
use crate::resolve::Resolver;
use crate::web;

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
        log::complain(&faults);
        ExitError(1)
    })?;
    let (loaded, is_old) = (started.loaded, started.is_old);
    log::complain(&loaded.warnings);
    let Listen { dns, tls, https, threads, .. } = &loaded.config.listen;
    let sockets =
        listen::bind(Addresses { dns, tls, https }, threads.unwrap_or_else(system::cores)).map_err(fatal)?;
    let metrics_at = loaded.config.metrics.listen;
    let metrics_socket = metrics_socket(metrics_at).await?;
    let kept = state.join("lists");
    if let Err(error) = std::fs::create_dir_all(&kept) {
        tracing::warn!(folder = %state.display(), %error, "nothing can be kept over a restart");
    }
    let dropped = privileges::drop_root(&[&state, &kept]).map_err(fatal)?;
    state::look(&state, &dropped);

    let metrics = Arc::new(Metrics::new().map_err(fatal)?);
    let network = Arc::new(Network::new(Arc::clone(&options.recognizer)));
    let log = logged::start(&loaded.config, &state, &metrics, &clock).map_err(fatal)?;
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
    let pushed = Pushed::new(&loaded, &door, &options.recognizer, &state, &clock);
    control::listen(&state, Arc::clone(&pushed), Arc::clone(&log));
    let tellers = Tellers::start(&loaded, &door, &options.recognizer, &clock);

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
    tokio::spawn(date::keep(state.clone(), Arc::clone(&door), Arc::clone(&clock)));
    seen::start(&state, &options.recognizer, &door, &clock);
    uplink::follow(&door, news.clone());
    network.start(&door, &metrics, &clock);

    let (stop, stopped) = watch::channel(false);
    // Signals are caught before we say that we are ready for them.
    let signals = Signals::catch().map_err(fatal)?;
    let serving = tokio::spawn(sockets.run(Arc::clone(&door), stopped));
    tracing::info!(?addresses, metrics = %metrics_at, lists = count, "serving");
    if let Some(probe) = Probe::new(&addresses) {
        tokio::spawn(alive::serve_pages(loaded.config.web.listen, probe, network, Arc::clone(&pushed)));
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
        pushed,
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

/// Opens the socket of the metrics.
async fn metrics_socket(at: SocketAddr) -> Result<TcpListener, ExitError> {
    TcpListener::bind(at)
        .await
        .map_err(|error| fatal(format_args!("cannot serve metrics on {at} (`listen` of [metrics]): {error}")))
}
