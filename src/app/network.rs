//! Looks at the network once a minute and says what is wrong with it: in the log
//! when it begins and ends, in metrics, and at `/api/v1/network`.

use std::net::IpAddr;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::time::Duration;

use arc_swap::ArcSwap;
use serde::Deserialize;
use serde::Serialize;

use super::doctor::ask;
use super::doctor::ask::Who;
use super::hearing::Hearing;
use super::signs::Signs;
use super::surroundings::surroundings;
use crate::base::Client;
use crate::base::Clock;
use crate::base::MacAddr;
use crate::base::Source;
use crate::device::Device;
use crate::device::Recognizer;
use crate::device::Visitors;
use crate::device::addresses::Shown;
use crate::device::findings;
use crate::device::findings::Finding;
use crate::device::findings::Problem;
use crate::device::findings::Surroundings;
use crate::device::silence::Neighbor;
use crate::device::silence::SILENT_AFTER;
use crate::device::silence::Silence;
use crate::device::visitors::Visit;
use crate::listen::door::Door;
use crate::listen::neighbor::around;
use crate::listen::neighbor::around::Around;
use crate::observe::metrics::Metrics;
use crate::pipeline::Household;
use crate::resolve::Resolver;

/// How often we look.
const MINUTE: Duration = Duration::from_mins(1);

//----------- Shown ------------------------------------------------------------

/// What `/api/v1/network` shows.
#[derive(Debug, Default, Deserialize, Serialize)]
pub(super) struct Findings {
    /// How many addresses had asked by the last look; of this machine none counts.
    pub(super) clients: usize,
    /// What is wrong.
    pub(super) findings: Vec<ShownFinding>,
}

/// Something that is wrong, with what to do about it.
#[derive(Debug, Deserialize, Serialize)]
pub(super) struct ShownFinding {
    /// The word for it.
    pub(super) finding: String,
    /// What it is.
    pub(super) says: String,
    /// Whom it is about.
    pub(super) about: Vec<String>,
    /// What to do about it.
    pub(super) fix: String,
}

impl ShownFinding {
    /// Shows what was found.
    pub(super) fn of(Finding { problem, about }: &Finding) -> Self {
        Self {
            finding: problem.as_str().to_owned(),
            says: problem.says().to_owned(),
            about: about.clone(),
            fix: problem.fix().to_owned(),
        }
    }
}

//----------- Network ----------------------------------------------------------

/// What is known of the network.
#[derive(Debug)]
pub struct Network {
    /// Who asks.
    pub visitors: Arc<Visitors>,
    /// What is concluded of who announces something.
    recognizer: Arc<Recognizer>,
    /// What is wrong.
    found: ArcSwap<Vec<Finding>>,
    /// How many addresses had asked by then.
    clients: AtomicUsize,
}

impl Network {
    /// Returns a network of which nothing is known yet.
    pub fn new(recognizer: Arc<Recognizer>) -> Self {
        Self { visitors: Arc::default(), recognizer, found: ArcSwap::default(), clients: AtomicUsize::new(0) }
    }

    /// Begins to look, and to hear what is announced.
    pub(super) fn start(
        self: &Arc<Self>,
        door: &Arc<Door<Resolver>>,
        metrics: &Arc<Metrics>,
        clock: &Arc<dyn Clock>,
    ) {
        let (door, metrics, clock) = (Arc::clone(door), Arc::clone(metrics), Arc::clone(clock));
        let signs = Signs::new(&self.recognizer, &door);
        tokio::spawn(Arc::new(Hearing::new(signs, Arc::clone(&door), Arc::clone(&clock))).start());
        let lookout = Lookout::new(Arc::clone(self), metrics);
        tokio::spawn(watch(lookout, door, clock));
    }

    /// Returns what is wrong, as JSON.
    pub fn shown(&self) -> Vec<u8> {
        let found = self.found.load();
        let findings = found.iter().map(ShownFinding::of).collect();
        let clients = self.clients.load(Ordering::Relaxed);
        serde_json::to_vec(&Findings { clients, findings }).unwrap_or_default()
    }

    /// Takes in what was found, and says what is new and what is over.
    fn take(&self, found: Vec<Finding>) {
        let before = self.found.load_full();
        // Each speaker is told of; of addresses there may be any number.
        let holds = |other: &Finding, finding: &Finding| {
            finding.problem != Problem::Silent || finding.about.iter().all(|one| other.about.contains(one))
        };
        let is_new = |finding: &&Finding| {
            !before.iter().any(|other| other.problem == finding.problem && holds(other, finding))
        };
        for Finding { problem, about, .. } in found.iter().filter(is_new) {
            let (finding, fix) = (problem.as_str(), problem.fix());
            tracing::warn!(finding, ?about, fix, "{}", problem.says());
        }
        let is_over = |finding: &&Finding| !found.iter().any(|other| other.problem == finding.problem);
        for Finding { problem, .. } in before.iter().filter(is_over) {
            tracing::info!(finding = problem.as_str(), "not so any more: {}", problem.says());
        }
        self.found.store(Arc::new(found));
    }
}

//----------- Lookout ----------------------------------------------------------

/// Looks at the network again and again.
#[derive(Debug)]
pub struct Lookout {
    /// Where what is found is kept.
    network: Arc<Network>,
    /// Where it is counted.
    metrics: Arc<Metrics>,
    /// For how long speakers have been silent.
    silence: Silence,
}

impl Lookout {
    /// Returns one that has not looked yet.
    pub fn new(network: Arc<Network>, metrics: Arc<Metrics>) -> Self {
        Self { network, metrics, silence: Silence::new(SILENT_AFTER) }
    }

    /// Looks at what is `around` at `unix` seconds since 1970; to be called once a
    /// minute.  `told` are addresses that others told us of, and `loops` servers
    /// that we ask and that ask us.
    pub fn look(&mut self, around: &Around, told: &[Shown], loops: &[IpAddr], house: &Household, unix: i64) {
        let (guests, loops) = (guests(told, house), loops.to_vec());
        let surroundings = Surroundings { guests, loops, ..surroundings(around) };
        self.network.recognizer.never(&surroundings.gateways);
        let visits = self.network.visitors.all(unix);
        let speakers = speakers(around, house);
        let silent = self.silence.look(&speakers, |speaker| asked(speaker, &visits), unix);
        let found = findings::find(&visits, &surroundings, &silent);
        self.metrics.found(&found, silent.iter().map(|one| &one.device), house);
        self.network.clients.store(surroundings.others(&visits).count(), Ordering::Relaxed);
        self.network.take(found);
        // Whether those who say nothing are still there is seen next time, and
        // whether those are there who have no reason to talk to us.
        let late = |at: Option<i64>| at.is_none_or(|at| unix - at >= SILENT_AFTER);
        for speaker in speakers.iter().filter(|speaker| late(asked(speaker, &visits))) {
            around::poke((speaker.address, 0).into());
        }
        let seen = |addr: IpAddr| speakers.iter().any(|speaker| speaker.address == addr);
        let by_others = |shown: &&Shown| shown.entry.source != Source::Neighbor && !seen(shown.addr);
        for shown in told.iter().filter(by_others).filter(|shown| speaker(shown, house).is_some()) {
            around::poke((shown.addr, 0).into());
        }
    }
}

/// Looks at the network, for ever.
async fn watch(mut lookout: Lookout, door: Arc<Door<Resolver>>, clock: Arc<dyn Clock>) {
    loop {
        let now = clock.now();
        let home = door.home();
        let visits = lookout.network.visitors.all(now.unix);
        let loops = loops(home.resolver.forwards_to(), &visits).await;
        match around::look() {
            Ok(around) => {
                let told = door.identify().addresses().all(now);
                lookout.look(&around, &told, &loops, &home.house, now.unix);
            }
            Err(error) => tracing::debug!(%error, "looking around"),
        }
        drop(home);
        tokio::time::sleep(MINUTE).await;
    }
}

/// Returns the servers that we ask, that ask us too, and that know a name which
/// only Sordino knows.
async fn loops(servers: &[SocketAddr], visits: &[Visit]) -> Vec<IpAddr> {
    let asks = |server: &SocketAddr| visits.iter().any(|visit| visit.address == server.ip());
    let mut loops = Vec::new();
    for server in servers.iter().copied().filter(asks) {
        let who = tokio::task::spawn_blocking(move || ask::who_answers(server)).await;
        if matches!(who, Ok(Who::Sordino)) {
            loops.push(server.ip());
        }
    }
    loops
}

/// Returns the speaker that somebody told us of.
fn speaker(shown: &Shown, house: &Household) -> Option<Device> {
    let client = Client::new(shown.addr).known(Some(shown.entry.mac), shown.entry.source);
    house.devices.speaker(&client, &house.catalog)
}

/// Returns the speakers that are said to be in the guest network.
fn guests(told: &[Shown], house: &Household) -> Vec<String> {
    let guests = told.iter().filter(|shown| shown.about.guest);
    let name = |shown: &Shown| Some(format!("{} ({})", speaker(shown, house)?.name, shown.entry.mac));
    let mut guests: Vec<_> = guests.filter_map(name).collect();
    guests.dedup();
    guests
}

/// Returns when a neighbor last asked, from whatever address.
fn asked(neighbor: &Neighbor, visits: &[Visit]) -> Option<i64> {
    let its = |visit: &&Visit| visit.mac == Some(neighbor.mac) || visit.address == neighbor.address;
    visits.iter().filter(its).map(|visit| visit.last).max()
}

/// Returns the neighbors that seem to be speakers, be it by one sign only.
fn speakers(around: &Around, house: &Household) -> Vec<Neighbor> {
    let is_router = |address: &IpAddr| around.gateways.iter().any(|(router, _)| router == address);
    let is_gateway =
        |mac: &MacAddr| around.neighbors.iter().any(|(address, of)| of == mac && is_router(address));
    around
        .neighbors
        .iter()
        // Makers of speakers make routers too.
        .filter(|(_, mac)| !is_gateway(mac))
        .filter_map(|&(address, mac)| {
            let client = Client::new(address).with_mac(Some(mac));
            let device = house.devices.speaker(&client, &house.catalog)?;
            Some(Neighbor { mac, address, device })
        })
        .collect()
}
