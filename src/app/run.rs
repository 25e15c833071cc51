//! Start and stop.
//!
//! At start anything wrong stops the program, with file and line.  What may
//! change while it runs is in `reload.rs`.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::sync::watch;

use super::last_good;
use super::load;
use super::load::Options;
use super::parts;
use super::parts::Parts;
use super::privileges;
use super::reload::Running;
use super::signals::Signals;
use super::state;
use super::system;
use crate::base::Clock;
use crate::base::time::SystemClock;
use crate::config::Config;
use crate::config::Listen;
use crate::listen;
use crate::listen::Addresses;
use crate::listen::Sockets;
use crate::listen::probe::Probe;
use crate::observe::log;
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
    let ours = state::make(&state);
    let start = last_good::load(options, &state).map_err(|faults| {
        log::complain(&faults);
        ExitError(1)
    })?;
    log::complain(&start.loaded.warnings);
    let ports = Ports::open(&start.loaded.config).await?;
    let dropped = privileges::drop_root(&ours).map_err(fatal)?;
    tracing::debug!(?dropped, "privileges");
    state::look(&state, &dropped);

    let parts = Arc::new(Parts::new(options, &start, state, clock).map_err(fatal)?);
    let (web, trial) = (start.loaded.config.web.listen, start.loaded.trial);
    let running = Running::start(&parts, start.loaded).map_err(fatal)?;
    let (measured, lists) = (Arc::clone(&parts), Arc::clone(&running.lists.lists));
    let scrape = web::metrics::Scrape(move || parts::scrape(&measured, &lists));
    tokio::spawn(web::serve::serve(ports.metrics, Arc::new(scrape)));
    parts.attend();

    let (stop, stopped) = watch::channel(false);
    // Signals are caught before we say that we are ready for them.
    let signals = Signals::catch().map_err(fatal)?;
    let addresses = ports.dns.addresses();
    let serving = tokio::spawn(ports.dns.run(Arc::clone(&parts.door), stopped));
    tracing::info!(?addresses, metrics = %ports.metrics_at, lists = parts.lists(), "serving");
    if let Some(probe) = Probe::new(&addresses) {
        parts.show(web, probe);
    }
    if trial {
        eprint!("{}", include_str!("trial.txt"));
    }
    let _ = sd_notify::notify(&[sd_notify::NotifyState::Ready]);
    system::give_back();
    running.until_stopped(signals).await;
    let _ = sd_notify::notify(&[sd_notify::NotifyState::Stopping]);
    tracing::info!("stopping; what was taken in is answered");
    let _ = stop.send(true);
    let ended = serving.await;
    parts.put_away();
    ended.map_err(fatal)?.map_err(fatal)
}

//----------- Ports ------------------------------------------------------------

/// The sockets that are opened while we may be root.
struct Ports {
    /// For queries.
    dns: Sockets,
    /// For metrics.
    metrics: TcpListener,
    /// Where that is.
    metrics_at: SocketAddr,
}

impl Ports {
    /// Opens those of a config.
    async fn open(config: &Config) -> Result<Self, ExitError> {
        let Listen { dns, tls, https, threads, .. } = &config.listen;
        let threads = threads.unwrap_or_else(system::cores);
        let dns = listen::bind(Addresses { dns, tls, https }, threads).map_err(fatal)?;
        let metrics_at = config.metrics.listen;
        let metrics = TcpListener::bind(metrics_at).await.map_err(|error| {
            fatal(format_args!("cannot serve metrics on {metrics_at} (`listen` of [metrics]): {error}"))
        })?;
        Ok(Self { dns, metrics, metrics_at })
    }
}
