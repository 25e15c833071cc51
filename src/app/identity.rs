//! Who asks: starts what finds out, and whoever tells it.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::AbortHandle;

use super::signs::Signs;
use super::watch::Watch;
use crate::base::Clock;
use crate::base::Diagnostic;
use crate::config::Config;
use crate::device::Addresses;
use crate::device::Feed;
use crate::device::Recognizer;
use crate::listen::door::Door;
use crate::listen::identify::Identify;
use crate::listen::identify::Settings;
use crate::listen::neighbor::Neighbors;
use crate::listen::neighbor::NoNeighbors;
use crate::listen::reverse;
use crate::resolve::Resolver;
use crate::source::identity::Teller;
use crate::source::identity::fritzbox;
use crate::source::identity::fritzbox::FritzBox;
use crate::source::identity::leases;
use crate::source::identity::leases::LeaseFile;
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

//----------- Tellers ----------------------------------------------------------

/// Those who are asked in the background; dropping it leaves them be.
pub(super) struct Tellers(Vec<AbortHandle>);

impl Tellers {
    /// Asks whomever the config names, with files in the folder `base`, now and
    /// whenever there may be news, and forgets those it names no more.
    pub(super) fn start(
        config: &Config,
        base: &Path,
        door: &Arc<Door<Resolver>>,
        recognizer: &Arc<Recognizer>,
        clock: &Arc<dyn Clock>,
    ) -> Self {
        let addresses = door.identify().addresses();
        let tellers = tellers(config, base, addresses);
        let feeds: Vec<Feed> = tellers.iter().map(|teller| teller.feed().clone()).collect();
        addresses.only(&feeds, clock.now());
        let signs = Signs::new(recognizer, door);
        let ask = |teller| {
            let (addresses, clock) = (Arc::clone(addresses), Arc::clone(clock));
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
