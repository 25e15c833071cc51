//! [`Ways`]: from the settings to the ways out of the house, and which of them
//! a name takes.
//
//  Apart from `resolver`, which says in what order answers are sought.

use std::hash::DefaultHasher;
use std::hash::Hash;
use std::hash::Hasher;
use std::net::SocketAddr;
use std::sync::Arc;

use super::Origin;
use super::dnssec::Validator;
use super::file;
use super::forward::Forwarder;
use super::forward::Server;
use super::iterate::Network;
use super::iterate::Recursion;
use super::library::Source;
use super::line::Line;
use super::outside::Outside;
use super::rootkeys::RootKeys;
use super::settings::Choice;
use super::settings::Mode;
use super::settings::Settings;
use super::settings::SettingsError;
use super::stats::Counters;
use super::upstream::Upstream;
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
    /// Those for some names, the longest name first.
    zones: Vec<(Domain, Way)>,
    /// The one for all others.
    outside: Way,
}

impl From<Way> for Ways {
    fn from(outside: Way) -> Self {
        Self { zones: Vec::new(), outside }
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
        let outside: Arc<dyn Upstream> = match settings.mode {
            Mode::Recurse => {
                let (counters, root_keys) = (Arc::clone(counters), Arc::clone(root_keys));
                Arc::new(Recursion::new(settings, counters, network, root_keys)?)
            }
            Mode::Forward => {
                if settings.forward_to.is_empty() {
                    return Err(no_server("forward-to"));
                }
                let (servers, choice) = (&settings.forward_to, settings.choice);
                let forwarder = Forwarder::new(servers, choice, settings.forward_ca.as_ref(), counters)?;
                let source = Source { forwarder: Arc::new(forwarder), recursion_desired: true };
                let anchors = settings.trust_anchor.as_ref().map(file::trust_anchors).transpose()?;
                Arc::new(Outside {
                    validator: settings.dnssec.then(|| Validator::new(source.clone(), anchors)),
                    source,
                    unchecked: settings.negative_trust_anchors.clone(),
                    origin: Origin::Forward,
                    counters: Arc::clone(counters),
                })
            }
        };
        let mut without_zones = settings.clone();
        without_zones.zones.clear();
        without_zones.stubs.clear();
        // How answers are kept does not change what they say.
        let Settings { cache_size, serve_stale, prefetch, designated, .. } = Settings::default();
        let without_zones = Settings { cache_size, serve_stale, prefetch, designated, ..without_zones };
        let mut zones = Vec::new();
        for (name, servers) in &settings.stubs {
            // How it is asked and checked is as for all others.
            let realm = mark(&(name, servers, &without_zones));
            let upstream = match settings.mode {
                // It goes down from these servers by itself.
                Mode::Recurse if servers.is_empty() => return Err(no_server(&name.to_string())),
                Mode::Recurse => Arc::clone(&outside),
                Mode::Forward => plain(name, servers, false, counters)?,
            };
            zones.push((name.clone(), Way::new(upstream, realm)));
        }
        for (name, servers) in &settings.zones {
            let upstream = plain(name, servers, true, counters)?;
            zones.push((name.clone(), Way::new(upstream, mark(&(name, servers, true)))));
        }
        zones.sort_by_key(|(name, _)| std::cmp::Reverse(name.labels().count()));
        Ok(Self { zones, outside: Way::new(outside, mark(&without_zones)) })
    }

    /// Returns the names that have a way of their own.
    pub(super) fn zones(&self) -> Vec<&Domain> {
        self.zones.iter().map(|(zone, _)| zone).collect()
    }

    /// Returns the way for a name, and whether it is that of a zone.
    pub(super) fn of(&self, name: DomainRef<'_>) -> (bool, &Way) {
        let zone = self.zones.iter().find(|(zone, _)| name.is_at_or_below(zone));
        (zone.is_some(), zone.map_or(&self.outside, |(_, way)| way))
    }
}

/// Complains that there is no server to ask.
fn no_server(what: &str) -> SettingsError {
    SettingsError::Setting(format!("resolve: no server to ask for `{what}`"))
}

/// Returns a way to these servers, where nobody checks signatures: nobody
/// outside has signed what only the router knows.
fn plain(
    name: &Domain,
    servers: &[SocketAddr],
    recursion_desired: bool,
    counters: &Arc<Counters>,
) -> Result<Arc<dyn Upstream>, SettingsError> {
    if servers.is_empty() {
        return Err(no_server(&name.to_string()));
    }
    let servers: Vec<_> = servers.iter().copied().map(Server::from).collect();
    let forwarder = Arc::new(Forwarder::new(&servers, Choice::Parallel, None, counters)?);
    Ok(Arc::new(Outside {
        source: Source { forwarder, recursion_desired },
        validator: None,
        unchecked: Vec::new(),
        origin: Origin::Forward,
        counters: Arc::clone(counters),
    }))
}

/// Returns a mark that others do not have.
pub(super) fn mark(of: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    of.hash(&mut hasher);
    hasher.finish()
}
