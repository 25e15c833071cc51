//! Reload: everything is read anew beside what runs, and swapped in.
//!
//! Apart from start and stop, because errors are others here: anything wrong
//! keeps what runs, and says so.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::task::AbortHandle;

use super::aside::aside;
use super::downloads;
use super::downloads::Lists;
use super::downloads::OwnLookup;
use super::identity;
use super::identity::Tellers;
use super::last_good;
use super::load::Loaded;
use super::load::load;
use super::logged;
use super::parts::Parts;
use super::parts::home;
use super::signals::Signals;
use super::system;
use super::uplink;
use super::watch::Watch;
use crate::listen::door::Home;
use crate::observe::log;
use crate::resolve;
use crate::resolve::Resolver;

/// How often it is looked whether a query in hand still needs what was before a
/// reload, in tenths of a second; by then all have been given up.
const LET_GO: u32 = 100;

//----------- Running ----------------------------------------------------------

/// What runs, and what of it follows the config.
pub(super) struct Running {
    /// All that stays.
    parts: Arc<Parts>,
    /// The settings the resolver was built with.
    settings: resolve::Settings,
    /// Files that only root may read, perhaps, as they were read last.
    known: Vec<resolve::File>,
    /// Notices that a file was saved.
    watch: Watch,
    /// Downloads lists.
    pub(super) lists: Fresh,
    /// Who tells us who is where.
    tellers: Tellers,
    /// For those who download or follow our addresses, to say that there is
    /// something new.
    news: mpsc::Sender<()>,
    /// Where that is heard.
    hear: mpsc::Receiver<()>,
}

/// Lists that are kept fresh.
pub(super) struct Fresh {
    /// The lists, for whoever wants to know about them.
    pub(super) lists: Arc<ArcSwap<Lists>>,
    /// Who downloads them.
    task: AbortHandle,
}

impl Fresh {
    /// Starts downloading what is due.
    fn start(
        parts: &Parts,
        loaded: &Loaded,
        news: &mpsc::Sender<()>,
        before: Option<&Lists>,
    ) -> Result<Self, String> {
        let Parts { state, clock, .. } = parts;
        let home = {
            let door = Arc::clone(&parts.door);
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
    /// Begins to follow what was loaded and came into effect.
    pub(super) fn start(parts: &Arc<Parts>, loaded: Loaded) -> Result<Self, String> {
        let (news, hear) = mpsc::channel(1);
        let tellers = tellers(parts, &loaded);
        let lists = Fresh::start(parts, &loaded, &news, None)?;
        uplink::follow(&parts.door, news.clone());
        let (parts, watch) = (Arc::clone(parts), Watch::of(&loaded.files));
        let (settings, known) = (loaded.config.resolve, loaded.known);
        Ok(Self { parts, settings, known, watch, lists, tellers, news, hear })
    }

    /// Reloads at each SIGHUP and whenever a file was saved; returns when it is
    /// time to stop.
    pub(super) async fn until_stopped(mut self, mut signals: Signals) {
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
        let mut options = self.parts.options.clone();
        options.known.clone_from(&self.known);
        let read = aside("load", move || load(&options));
        let outcome = match read {
            Ok(read) => match read.await {
                Ok(Ok(loaded)) => self.swap(loaded),
                Ok(Err(faults)) => {
                    log::complain(&faults);
                    Err(format!("{} faults", faults.len()))
                }
                Err(_) => Err("reading came to no end".to_owned()),
            },
            Err(error) => Err(format!("no thread to read with: {error}")),
        };
        match outcome {
            Ok(()) => {
                tracing::info!("config and lists reloaded");
            }
            Err(why) => {
                self.parts.metrics.kept(self.parts.clock.now());
                tracing::error!("reload refused, the old config and lists stay in effect: {why}");
            }
        }
        let _ = sd_notify::notify(&[sd_notify::NotifyState::Ready]);
    }

    /// Lets further queries meet what was loaded.
    fn swap(&mut self, loaded: Loaded) -> Result<(), String> {
        log::complain(&loaded.warnings);
        let Parts { door, clock, .. } = &*self.parts;
        let old = door.home();
        let resolver = if self.settings == loaded.config.resolve {
            Arc::clone(&old.resolver)
        } else {
            let new = old.resolver.rebuilt(&self.settings, &loaded.config.resolve);
            Arc::new(new.map_err(|error| error.to_string())?)
        };
        tokio::spawn(let_go(door.swap(home(&loaded, resolver))));
        door.identify().set(identity::settings(&loaded.config));
        self.tellers = tellers(&self.parts, &loaded);
        self.parts.pushed.trust(loaded.push_token.as_ref());
        self.watch.only(&loaded.files);
        let known = self.lists.lists.load_full();
        let lists = Fresh::start(&self.parts, &loaded, &self.news, Some(&known))?;
        self.lists.go_on(&lists);
        self.parts.metrics.loaded(&loaded.house, &loaded.set_aside, clock.now());
        self.known.clone_from(&loaded.known);
        self.settings = loaded.config.resolve.clone();
        let parts = Arc::clone(&self.parts);
        // On the disk nobody waits for.
        tokio::task::spawn_blocking(move || {
            logged::set(&parts.log, &loaded.config, &parts.state);
            last_good::keep(&parts.options, &parts.state, &loaded);
        });
        Ok(())
    }
}

/// Asks those whom the config names who is where.
fn tellers(parts: &Parts, loaded: &Loaded) -> Tellers {
    let Parts { options, door, clock, .. } = parts;
    Tellers::start(&loaded.config, &loaded.base, door, &options.recognizer, clock)
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
    // Where there can be no thread, it was freed by trying.
    let _ = aside("let-go", move || {
        drop(old);
        system::give_back();
    });
}
