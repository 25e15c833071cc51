//! Who asks: starts what finds out, and whoever tells it.

use std::net::IpAddr;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;

use tokio::task::AbortHandle;

use super::control::Entry;
use super::control::Response;
use super::signs::Signs;
use super::watch::Watch;
use crate::base::Clock;
use crate::base::Diagnostic;
use crate::base::Now;
use crate::base::Source;
use crate::config::Config;
use crate::device::Addresses;
use crate::device::Feed;
use crate::device::addresses::Shown;
use crate::listen::identify::Identify;
use crate::listen::identify::Settings;
use crate::listen::neighbor::Neighbors;
use crate::listen::neighbor::NoNeighbors;
use crate::listen::reverse;
use crate::source::identity::Teller;
use crate::source::identity::fritzbox;
use crate::source::identity::fritzbox::FritzBox;
use crate::source::identity::leases;
use crate::source::identity::leases::LeaseFile;
use crate::source::identity::pushed;
use crate::source::identity::rdns::ReverseDns;

/// The pause before the neighbor table is followed again after that failed.
const BREATH: Duration = Duration::from_secs(1);

/// Starts finding out who asks.
pub(super) fn start(config: &Config, clock: &Arc<dyn Clock>) -> Arc<Identify> {
    let identify = Arc::new(Identify::new(neighbors(), Arc::default()));
    identify.set(settings(config));
    #[cfg(target_os = "linux")]
    tokio::spawn(follow(Arc::clone(&identify), Arc::clone(clock)));
    identify
}

/// Returns what a config says about it.
pub(super) fn settings(config: &Config) -> Settings {
    Settings { forwarders: config.identify.forwarders.clone(), wait: config.identify.wait }
}

/// Opens the neighbor table.
fn neighbors() -> Arc<dyn Neighbors> {
    #[cfg(target_os = "linux")]
    match crate::listen::neighbor::linux::KernelNeighbors::open() {
        Ok(kernel) => return Arc::new(kernel),
        Err(error) => tracing::warn!(%error, "no neighbor table: devices are known by address only"),
    }
    Arc::new(NoNeighbors)
}

/// Follows the neighbor table, for ever.
#[cfg(target_os = "linux")]
async fn follow(identify: Arc<Identify>, clock: Arc<dyn Clock>) {
    loop {
        let hear = |neighbors: &[_]| identify.hear(neighbors, clock.now());
        if let Err(error) = crate::listen::neighbor::linux::follow(hear).await {
            tracing::debug!(%error, "following the neighbor table; trying again");
        }
        tokio::time::sleep(BREATH).await;
    }
}

//----------- Pushed -----------------------------------------------------------

/// Answers what the control socket asks about identities, and keeps what was
/// pushed in the state folder.
pub(super) struct Pushed {
    /// Where it is entered.
    addresses: Arc<Addresses>,
    /// As what.
    feed: Feed,
    /// Who is told what devices call themselves.
    signs: Signs,
    /// The state folder.
    state: PathBuf,
    /// For the time.
    clock: Arc<dyn Clock>,
    /// Held while it is written, so that the last word is what stands there.
    writing: Mutex<()>,
}

impl Pushed {
    /// Takes up what was pushed before.
    pub(super) fn new(identify: &Identify, state: &Path, signs: &Signs, clock: &Arc<dyn Clock>) -> Self {
        let feed = Feed { source: Source::Pushed, name: Arc::from("control") };
        let addresses = Arc::clone(identify.addresses());
        match pushed::load(state) {
            Ok(told) => {
                addresses.replace(&feed, &told.bindings, clock.now());
                told.doubt.iter().for_each(|doubt| tracing::warn!("{doubt}"));
            }
            Err(fault) => tracing::warn!("{fault}"),
        }
        let (state, signs, clock) = (state.to_owned(), signs.clone(), Arc::clone(clock));
        Self { addresses, feed, signs, state, clock, writing: Mutex::default() }
    }

    /// Somebody has an address from now on.
    pub(super) fn add(&self, mac: &str, address: IpAddr, name: Option<&str>, until: Option<i64>) -> Response {
        let now = self.clock.now();
        let binding = match pushed::binding(mac, address, name, until) {
            Ok(binding) => binding,
            Err(say) => return Response::Error(say),
        };
        if let Some(host) = &binding.name {
            self.signs.is_called(binding.mac, host, now.unix);
        }
        self.addresses.hear(&self.feed, [((binding.addr, 0), binding)], now);
        self.keep(now)
    }

    /// Nobody has an address any more.
    pub(super) fn remove(&self, address: IpAddr) -> Response {
        let now = self.clock.now();
        if self.addresses.forget(&self.feed, (address.to_canonical(), 0), now) {
            self.keep(now)
        } else {
            Response::Error(format!("nobody was pushed who has {address}"))
        }
    }

    /// Returns who is where.
    pub(super) fn addresses(&self) -> Response {
        let now = self.clock.now();
        let shown = self.addresses.all(now).into_iter().map(|Shown { addr, entry, about }| Entry {
            address: addr,
            mac: entry.mac.to_string(),
            source: entry.source.to_string(),
            age: Some(now.unix.saturating_sub(entry.since).max(0)),
            left: entry.until.map(|until| until.saturating_sub(now.unix)),
            name: about.name.as_deref().map(str::to_owned),
            guest: about.guest,
            room: about.room.as_deref().map(str::to_owned),
        });
        Response::Addresses(shown.collect())
    }

    /// Writes down what was pushed.
    fn keep(&self, now: Now) -> Response {
        let _writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        match pushed::save(&self.state, &self.addresses.of(&self.feed, now)) {
            Ok(()) => Response::Done {},
            Err(error) => Response::Error(format!("in effect, and not kept over a restart: {error}")),
        }
    }
}

//----------- Tellers ----------------------------------------------------------

/// Those who are asked in the background; dropping it leaves them be.
pub(super) struct Tellers(Vec<AbortHandle>);

impl Tellers {
    /// Asks whomever the config names, now and whenever there may be news, and
    /// forgets those it names no more.  `base` is the folder of the config.
    pub(super) fn start(
        config: &Config,
        base: &Path,
        identify: &Identify,
        signs: &Signs,
        clock: &Arc<dyn Clock>,
    ) -> Self {
        let tellers = tellers(config, base, identify.addresses());
        let feeds: Vec<Feed> = tellers.iter().map(|teller| teller.feed().clone()).collect();
        identify.addresses().only(&feeds, clock.now());
        let ask = |teller| {
            let (addresses, clock) = (Arc::clone(identify.addresses()), Arc::clone(clock));
            tokio::spawn(keep_asking(teller, addresses, signs.clone(), clock)).abort_handle()
        };
        Self(tellers.into_iter().map(ask).collect())
    }
}

impl Drop for Tellers {
    fn drop(&mut self) {
        self.0.iter().for_each(AbortHandle::abort);
    }
}

/// Returns whom a config names.
fn tellers(config: &Config, base: &Path, addresses: &Arc<Addresses>) -> Vec<Box<dyn Teller>> {
    let mut tellers: Vec<Box<dyn Teller>> = Vec::new();
    for file in &config.identify.leases {
        tellers.push(Box::new(LeaseFile::new(base.join(&file.value))));
    }
    if let Some(fritzbox) = &config.identify.fritzbox {
        tellers.push(Box::new(FritzBox::new(fritzbox::Settings {
            address: fritzbox.address,
            user: fritzbox.user.clone(),
            password: base.join(&fritzbox.password_file),
            every: fritzbox.every,
        })));
    }
    if let Some(router) = config.identify.names_from {
        tellers.push(Box::new(ReverseDns::new(router, Arc::clone(addresses), reverse::ask)));
    }
    tellers
}

/// Returns what is wrong with those a config names.
pub(super) fn check(config: &Config, base: &Path) -> Vec<Diagnostic> {
    let files = config.identify.leases.iter();
    let fault = |fault: Diagnostic, span| config.text.fault(span, fault.to_string()).warning();
    files
        .filter_map(|file| {
            let path = base.join(&file.value);
            let shown = path.display().to_string();
            leases::check(&path, &shown).err().map(|error| fault(error, &file.span))
        })
        .collect()
}

/// Asks somebody again and again.  What can't be understood leaves what was told
/// before in effect, and is said once.
async fn keep_asking(
    mut teller: Box<dyn Teller>,
    addresses: Arc<Addresses>,
    signs: Signs,
    clock: Arc<dyn Clock>,
) {
    let (files, pause) = teller.again();
    let mut watch = Watch::of(&files);
    let mut said = None;
    loop {
        let now = clock.now();
        let asked = tokio::task::spawn_blocking(move || {
            let told = teller.ask(now);
            (teller, told)
        });
        let Ok((back, told)) = asked.await else { return };
        teller = back;
        let doubt = match told {
            Ok(told) => {
                addresses.replace(teller.feed(), &told.bindings, now);
                addresses.describe(teller.feed(), told.about);
                for (mac, host) in &told.hosts {
                    signs.is_called(*mac, host, now.unix);
                }
                told.doubt
            }
            Err(fault) => Some(fault),
        };
        if doubt != said {
            if let Some(doubt) = &doubt {
                tracing::warn!("{doubt}");
            } else {
                tracing::info!(from = %teller.feed().name, "understood again");
            }
            said = doubt;
        }
        // Whichever comes first.
        let _ = tokio::time::timeout(pause, watch.changed()).await;
    }
}
