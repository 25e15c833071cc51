//! Looks at the network once a minute and says what is wrong with it: in the log
//! when it begins and ends, in metrics, and at `/api/v1/network`.

use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use serde::Deserialize;
use serde::Serialize;

use crate::base::Client;
use crate::base::Clock;
use crate::device::Announcement;
use crate::device::Recognizer;
use crate::device::Standing;
use crate::device::Visitors;
use crate::device::findings;
use crate::device::findings::Finding;
use crate::device::findings::Surroundings;
use crate::device::silence::Neighbor;
use crate::device::silence::SILENT_AFTER;
use crate::device::silence::Silence;
use crate::device::visitors::Visit;
use crate::listen::announce::Channel;
use crate::listen::door::Door;
use crate::listen::neighbor::around;
use crate::listen::neighbor::around::Around;
use crate::listen::neighbor::around::Own;
use crate::observe::log;
use crate::observe::metrics::Metrics;
use crate::pipeline::Household;
use crate::resolve::Resolver;

/// How often we look.
const MINUTE: Duration = Duration::from_mins(1);

/// Files that are there in containers only (Docker; Podman and CRI-O).
const CONTAINER: [&str; 2] = ["/.dockerenv", "/run/.containerenv"];

/// Networks that container engines give to containers unless told otherwise.
const BRIDGES: [&str; 2] = ["172.16.0.0/12", "10.88.0.0/16"];

//----------- Shown ------------------------------------------------------------

/// What `/api/v1/network` shows.
#[derive(Debug, Default, Deserialize, Serialize)]
pub(super) struct Shown {
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

//----------- Network ----------------------------------------------------------

/// What is known of the network.
pub(super) struct Network {
    /// Who asks.
    pub(super) visitors: Arc<Visitors>,
    /// What is concluded of who announces something.
    recognizer: Arc<Recognizer>,
    /// What is wrong.
    found: ArcSwap<Vec<Finding>>,
}

impl Network {
    /// Returns a network of which nothing is known yet.
    pub(super) fn new(recognizer: Arc<Recognizer>) -> Self {
        Self { visitors: Arc::default(), recognizer, found: ArcSwap::default() }
    }

    /// Begins to look, and to hear what is announced.
    pub(super) fn start(
        self: &Arc<Self>,
        door: &Arc<Door<Resolver>>,
        metrics: &Arc<Metrics>,
        clock: &Arc<dyn Clock>,
    ) {
        let (door, metrics, clock) = (Arc::clone(door), Arc::clone(metrics), Arc::clone(clock));
        for channel in Channel::ALL {
            tokio::spawn(hear(channel, Arc::clone(self), Arc::clone(&door), Arc::clone(&clock)));
        }
        tokio::spawn(watch(Arc::clone(self), door, metrics, clock));
    }

    /// Returns what is wrong, as JSON.
    pub(super) fn shown(&self) -> Vec<u8> {
        let found = self.found.load();
        let findings = found.iter().map(|Finding { problem, about, .. }| ShownFinding {
            finding: problem.as_str().to_owned(),
            says: problem.says().to_owned(),
            about: about.clone(),
            fix: problem.fix().to_owned(),
        });
        serde_json::to_vec(&Shown { findings: findings.collect() }).unwrap_or_default()
    }

    /// Takes in what was found.
    fn take(&self, found: Vec<Finding>) {
        let before = self.found.load_full();
        let is_new = |finding: &&Finding| !before.iter().any(|other| other.problem == finding.problem);
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

/// Looks at the network, for ever.
async fn watch(
    network: Arc<Network>,
    door: Arc<Door<Resolver>>,
    metrics: Arc<Metrics>,
    clock: Arc<dyn Clock>,
) {
    let mut silence = Silence::new(SILENT_AFTER);
    loop {
        let unix = clock.now().unix;
        match around::look() {
            Ok(around) => {
                let house = Arc::clone(&door.home().house);
                let surroundings = surroundings(&around);
                network.recognizer.never(&surroundings.gateways);
                let visits = network.visitors.all(unix);
                let speakers = speakers(&around, &house);
                let silent = silence.look(&speakers, |speaker| asked(speaker, &visits), unix);
                let found = findings::find(&visits, &surroundings, &silent);
                metrics.found(&found);
                network.take(found);
                // Whether those who say nothing are still there is seen next time.
                let late = |at: Option<i64>| at.is_none_or(|at| unix - at >= SILENT_AFTER);
                for speaker in speakers.iter().filter(|speaker| late(asked(speaker, &visits))) {
                    around::poke(speaker.address);
                }
            }
            Err(error) => tracing::debug!(%error, "looking around"),
        }
        tokio::time::sleep(MINUTE).await;
    }
}

/// Hears what is announced, for ever; or not at all, where that is not possible.
async fn hear(channel: Channel, network: Arc<Network>, door: Arc<Door<Resolver>>, clock: Arc<dyn Clock>) {
    let around = around::look().unwrap_or_default();
    if surroundings(&around).contained {
        return;
    }
    let of_house = |own: &Own| match own.address {
        IpAddr::V4(v4) if !v4.is_loopback() => Some(v4),
        _ => None,
    };
    let own: Vec<_> = around.own.iter().filter_map(of_house).collect();
    let time = Arc::clone(&clock);
    let tell = |from: IpAddr, announcement: &Announcement| {
        let found = door.identify().at_once((from, 0).into(), time.now());
        let Some(client) = found.ok().filter(|client| client.mac.is_some()) else {
            // Whoever only announces is no neighbor yet; it will announce again.
            return around::poke(from);
        };
        let house = Arc::clone(&door.home().house);
        let standing = house.identify(&client).standing;
        if matches!(standing, Standing::Listed { .. }) {
            return;
        }
        let unix = time.now().unix;
        if let Some(found) = network.recognizer.announced(&client, announcement, &house.catalog, unix) {
            log::recognized(&found);
        }
    };
    if let Err(error) = channel.hear(&own, &*clock, tell).await {
        tracing::debug!(%error, ?channel, "announcements are not heard");
    }
}

/// Returns when a neighbor last asked, from whatever address.
fn asked(neighbor: &Neighbor, visits: &[Visit]) -> Option<i64> {
    let its = |visit: &&Visit| visit.mac == Some(neighbor.mac) || visit.address == neighbor.address;
    visits.iter().filter(its).map(|visit| visit.last).max()
}

/// Returns the neighbors that seem to be speakers, be it by one sign only.
fn speakers(around: &Around, house: &Household) -> Vec<Neighbor> {
    let name = |client: &Client| {
        let device = house.identify(client);
        match device.standing {
            Standing::Listed { .. } | Standing::Claimed => device.family.map(|_| device.name),
            Standing::Recognized(_) => Some(device.name),
            Standing::Unknown => {
                house.devices.seems(client, &house.catalog).map(|found| Arc::clone(&found.family))
            }
        }
    };
    let others = around.neighbors.iter().filter(|(address, _)| !around.gateways.contains(address));
    others
        .filter_map(|&(address, mac)| {
            let name = name(&Client::new(address).with_mac(Some(mac)))?;
            Some(Neighbor { mac, address, name })
        })
        .collect()
}

/// Says what the network looks like from here.
pub(super) fn surroundings(around: &Around) -> Surroundings {
    let own: Vec<IpAddr> = around.own.iter().map(|own| own.address).collect();
    let bridges: Vec<ipnet::IpNet> = BRIDGES.iter().filter_map(|text| text.parse().ok()).collect();
    let bridged = own.iter().any(|own| bridges.iter().any(|net| net.contains(own)));
    let contained = bridged && CONTAINER.iter().any(|path| Path::new(path).exists());
    Surroundings { gateways: around.gateways.clone(), own, contained }
}
