//! [`Ways`]: from the settings to the ways out of the house, and which of them
//! a name takes.
//
//  Apart from `resolver`, which says in what order answers are sought.

use std::hash::DefaultHasher;
use std::hash::Hash;
use std::hash::Hasher;
use std::net::SocketAddr;
use std::sync::Arc;

use super::exchange::Network;
use super::forward::Server;
use super::iterate::Resolution;
use super::line::Line;
use super::resolver::Resolver;
use super::rootkeys::RootKeys;
use super::settings::Mode;
use super::settings::Settings;
use super::settings::SettingsError;
use super::stats::Counters;
use super::upstream::Upstream;
use super::zones::Zones;
use crate::base::Domain;
use crate::base::DomainRef;

//----------- Way --------------------------------------------------------------

/// A way out of the house.  A clone is the same.
#[derive(Clone)]
pub(super) struct Way {
    /// The way.
    pub(super) upstream: Arc<dyn Upstream>,
    /// The mark its answers have in the cache.
    pub(super) realm: u64,
    /// Whether somebody answers.
    pub(super) line: Arc<Line>,
}

impl Way {
    /// Returns a way of which nothing is known yet.
    pub(super) fn new(upstream: Arc<dyn Upstream>, realm: u64) -> Self {
        Self { upstream, realm, line: Arc::default() }
    }
}

//----------- Ways -------------------------------------------------------------

/// All ways out.
pub(super) struct Ways {
    /// Those for some names.
    zones: Zones<Way>,
    /// The one for all others.
    outside: Way,
    /// Who is asked there, in forward mode.
    forwards_to: Vec<SocketAddr>,
}

impl Resolver {
    /// Returns the resolvers that are asked for names of the outside; none if we
    /// resolve ourselves.
    pub fn forwards_to(&self) -> &[SocketAddr] {
        &self.0.ways.forwards_to
    }
}

impl From<Way> for Ways {
    fn from(outside: Way) -> Self {
        Self { zones: Zones::new(Vec::new()), outside, forwards_to: Vec::new() }
    }
}

impl Ways {
    /// Returns all of them.
    pub(super) fn all(&self) -> impl Iterator<Item = &Way> {
        self.zones.iter().map(|(_, way)| way).chain([&self.outside])
    }

    /// Builds what the settings say.
    pub(super) fn build(
        settings: &Settings,
        counters: &Arc<Counters>,
        network: Arc<dyn Network>,
        root_keys: &Arc<RootKeys>,
    ) -> Result<Self, SettingsError> {
        if settings.mode == Mode::Forward && settings.forward_to.is_empty() {
            return Err(no_server("forward-to"));
        }
        let outside =
            Arc::new(Resolution::new(settings, Arc::clone(counters), network, Arc::clone(root_keys))?);
        let without_zones = without_zones(settings);
        let mut zones = Vec::new();
        for (name, servers) in &settings.stubs {
            if servers.is_empty() {
                return Err(no_server(&name.to_string()));
            }
            // It is the same that goes down from these servers, by itself.
            let realm = mark(&(name, servers, &without_zones));
            zones.push((name.clone(), Way::new(outside.clone(), realm)));
        }
        let share = settings.zones.len();
        // Their aliases may lead there.
        let with_stubs = Settings { stubs: settings.stubs.clone(), ..without_zones.clone() };
        for zone in &settings.zones {
            let (name, servers) = zone;
            if servers.is_empty() {
                return Err(no_server(&name.to_string()));
            }
            let upstream = Arc::new(outside.for_zone(&with_stubs, zone, share)?);
            zones.push((name.clone(), Way::new(upstream, mark(&(zone, &without_zones, "zone")))));
        }
        let forwards_to = match settings.mode {
            Mode::Recurse => Vec::new(),
            Mode::Forward => settings.forward_to.iter().map(Server::address).collect(),
        };
        Ok(Self { zones: Zones::new(zones), outside: Way::new(outside, mark(&without_zones)), forwards_to })
    }

    /// Returns the names that have a way of their own.
    pub(super) fn zones(&self) -> Vec<&Domain> {
        self.zones.iter().map(|(zone, _)| zone).collect()
    }

    /// Returns the way for a name, and whether it is that of a zone.
    pub(super) fn of(&self, name: DomainRef<'_>) -> (bool, &Way) {
        let way = self.zones.nearest(name.suffixes());
        (way.is_some(), way.unwrap_or(&self.outside))
    }
}

/// Complains that there is no server to ask.
fn no_server(what: &str) -> SettingsError {
    SettingsError::Setting(format!("resolve: no server to ask for `{what}`"))
}

/// Returns those settings that change what is answered outside of zones.
fn without_zones(settings: &Settings) -> Settings {
    // How answers are kept does not change what they say.
    let Settings { cache_size, serve_stale, prefetch, designated, .. } = Settings::default();
    let (zones, stubs) = (Vec::new(), Vec::new());
    Settings { zones, stubs, cache_size, serve_stale, prefetch, designated, ..settings.clone() }
}

/// Returns a mark that others do not have.
pub(super) fn mark(of: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    of.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::counted;
    use crate::resolve::exchange::Sockets;

    /// Returns how many octets a resolver holds with so many zones.
    fn heap(zones: usize) -> usize {
        let zone =
            |nth| (format!("zone{nth}.example").parse().unwrap(), vec!["192.0.2.1:53".parse().unwrap()]);
        let settings = Settings { zones: (0..zones).map(zone).collect(), ..Settings::default() };
        let (counters, keys) = (Arc::default(), Arc::default());
        let before = counted::OCTETS.get();
        let ways = Ways::build(&settings, &counters, Arc::new(Sockets::default()), &keys).unwrap();
        let held = counted::OCTETS.get().wrapping_sub(before);
        drop(ways);
        held
    }

    #[test]
    fn a_zone_takes_a_few_kibibytes_however_many_there_are() {
        let [ten, hundred, more] = [10, 100, 500].map(heap);
        assert!((hundred - ten) / 90 < 16 << 10, "{} octets each", (hundred - ten) / 90);
        assert!((more - hundred) / 400 < 16 << 10, "{} octets each", (more - hundred) / 400);
    }
}
