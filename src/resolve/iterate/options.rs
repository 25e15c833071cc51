//! [`Options`]: the settings, as the iterator uses them.

use std::net::IpAddr;
use std::net::SocketAddr;
use std::sync::Arc;

use hickory_proto::dnssec::Algorithm;
use hickory_proto::dnssec::DigestType;
use hickory_proto::dnssec::rdata::DNSKEY;
use hickory_proto::dnssec::rdata::DS;
use hickory_proto::rr::Name;
use hickory_proto::rr::RecordType;
use ipnet::IpNet;

use super::addresses::DENIED;
use super::found::labels;
use super::key;
use super::store::Delegation;
use crate::base::Domain;
use crate::resolve::file;
use crate::resolve::file::Anchor;
use crate::resolve::names;
use crate::resolve::settings::Settings;
use crate::resolve::settings::SettingsError;
use crate::resolve::zones::Zones;

/// The port of DNS.
const PORT: u16 = 53;

/// The root's key signing keys of 2017 and 2024 (IANA, root-anchors.xml):
/// key tag and SHA-256 digest.
const ROOT_KEYS: [(u16, [u8; 32]); 2] = [
    (
        20_326,
        [
            0xe0, 0x6d, 0x44, 0xb8, 0x0b, 0x8f, 0x1d, 0x39, 0xa9, 0x5c, 0x0b, 0x0d, 0x7c, 0x65, 0xd0, 0x84,
            0x58, 0xe8, 0x80, 0x40, 0x9b, 0xbc, 0x68, 0x34, 0x57, 0x10, 0x42, 0x37, 0xc7, 0xf8, 0xec, 0x8d,
        ],
    ),
    (
        38_696,
        [
            0x68, 0x3d, 0x2d, 0x0a, 0xcb, 0x8c, 0x9b, 0x71, 0x2a, 0x19, 0x48, 0xb2, 0x7f, 0x74, 0x12, 0x19,
            0x29, 0x8d, 0x0a, 0x45, 0x0d, 0x61, 0x2c, 0x48, 0x3a, 0xf4, 0x44, 0xa4, 0xc0, 0xfb, 0x2b, 0x16,
        ],
    ),
];

//----------- Options ----------------------------------------------------------

/// What the household wants.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "they are the switches of the settings")]
pub(super) struct Options {
    /// Whether servers see no more of a name than they need.
    pub(super) minimise: bool,
    /// Whether IPv4 is used.
    pub(super) ipv4: bool,
    /// Whether IPv6 is used.
    pub(super) ipv6: bool,
    /// Networks in which no name servers are.
    pub(super) denied: Vec<IpNet>,
    /// Except for these.
    pub(super) allowed: Vec<IpNet>,
    /// The root servers.
    pub(super) roots: Vec<SocketAddr>,
    /// Zones whose servers are set.
    pub(super) stubs: Zones<Arc<Delegation>>,
    /// Whether signatures are checked.
    pub(super) dnssec: bool,
    /// Names at and below which what is not signed well counts as unsigned: they
    /// are of zones for which the household has said who is right.
    pub(super) believed: Zones<()>,
    /// Whether the root's keys are the built-in ones, and followed as they change.
    pub(super) follows_root: bool,
    /// Keys that are trusted, by zone.
    pub(super) anchors: Vec<(Name, Trust)>,
    /// Names at and below which signatures are not checked.
    pub(super) unchecked: Vec<Name>,
}

/// A key that is trusted.
#[derive(Clone, Debug)]
pub(super) enum Trust {
    /// The key itself.
    Key(DNSKEY),
    /// Its digest.
    Digest(DS),
}

impl Options {
    /// Reads settings.
    pub(super) fn new(settings: &Settings, zone: Option<&Domain>) -> Result<Self, SettingsError> {
        let anchors = anchors(settings)?;
        let mut believed = Vec::new();
        // Nobody outside has signed what only the router knows, wherever its aliases
        // lead.
        if zone.is_some_and(|zone| !is_below(&anchors, &names::to_name(zone))) {
            believed.push((Domain::root(), ()));
        }
        // Nor what only the house knows.
        let inside = settings.stubs.iter().chain(&settings.zones).map(|(zone, _)| zone);
        let inside = inside.filter(|zone| !is_below(&anchors, &names::to_name(zone)));
        believed.extend(inside.map(|zone| (zone.clone(), ())));
        let stub = |(zone, servers): &(Domain, Vec<SocketAddr>)| {
            (zone.clone(), Arc::new(fixed(names::to_name(zone), servers.clone())))
        };
        let stubs = Zones::new(settings.stubs.iter().map(stub).collect());
        Ok(Self {
            minimise: settings.qname_minimisation,
            ipv4: settings.ipv4,
            ipv6: settings.ipv6,
            denied: DENIED.iter().filter_map(|net| net.parse().ok()).collect(),
            allowed: settings.allow_servers.clone(),
            roots: roots(settings)?,
            stubs,
            dnssec: settings.dnssec,
            believed: Zones::new(believed),
            follows_root: settings.trust_anchor.is_none(),
            anchors,
            unchecked: settings.negative_trust_anchors.iter().map(names::to_name).collect(),
        })
    }

    /// Returns the types of addresses that are used.
    pub(super) fn address_types(&self) -> impl Iterator<Item = RecordType> {
        let types = [(self.ipv4, RecordType::A), (self.ipv6, RecordType::AAAA)];
        types.into_iter().filter(|(is_on, _)| *is_on).map(|(_, rtype)| rtype)
    }

    /// Returns the zone nearest to a name whose servers are set.
    pub(super) fn stub(&self, name: &Name) -> Option<Arc<Delegation>> {
        key::nearest(&self.stubs, name).cloned()
    }

    /// Returns the zone nearest to a name, at it or above, of which a key is
    /// trusted.
    pub(super) fn anchor_above(&self, name: &Name) -> Option<&Name> {
        let at = self.anchors.iter().map(|(zone, _)| zone).filter(|zone| zone.zone_of(name));
        at.max_by_key(|zone| labels(zone))
    }

    /// Returns whether whoever is asked about a name is believed, signed or not.
    pub(super) fn believes(&self, name: &Name) -> bool {
        key::nearest(&self.believed, name).is_some()
    }

    /// Returns whether whoever is asked is believed about all names.
    pub(super) fn believes_all(&self) -> bool {
        self.believes(&Name::root())
    }

    /// Returns whether signatures at a name are not checked.
    pub(super) fn is_unchecked(&self, name: &Name) -> bool {
        // The nearer one wins: a key may be trusted below a name that is not checked.
        let nearest = self.unchecked.iter().filter(|above| above.zone_of(name)).map(labels).max();
        nearest.is_some_and(|nearest| self.anchor_above(name).is_none_or(|anchor| labels(anchor) <= nearest))
    }
}

/// Returns the keys that are trusted, by zone.
fn anchors(settings: &Settings) -> Result<Vec<(Name, Trust)>, SettingsError> {
    let Some(file) = &settings.trust_anchor else {
        let ds = |(tag, digest): (u16, [u8; 32])| {
            DS::new(tag, Algorithm::RSASHA256, DigestType::SHA256, digest.to_vec())
        };
        return Ok(ROOT_KEYS.map(|key| (Name::root(), Trust::Digest(ds(key)))).into());
    };
    let trust = |anchor| match anchor {
        Anchor::Key(zone, key) => (names::to_name(&zone), Trust::Key(key)),
        Anchor::Digest(zone, ds) => (names::to_name(&zone), Trust::Digest(ds)),
    };
    Ok(file::trust_anchors(file)?.into_iter().map(trust).collect())
}

/// Returns whether a key of a zone or of one below is trusted.
fn is_below(anchors: &[(Name, Trust)], zone: &Name) -> bool {
    anchors.iter().any(|(of, _)| zone.zone_of(of))
}

/// Returns a delegation to servers that are set.
pub(super) fn fixed(zone: Name, servers: Vec<SocketAddr>) -> Delegation {
    Delegation { zone, servers: Vec::new(), glue: Vec::new(), fixed: servers, ds: Vec::new(), until: None }
}

/// Returns the addresses of the root servers that may be asked.
fn roots(settings: &Settings) -> Result<Vec<SocketAddr>, SettingsError> {
    let all: Vec<IpAddr> = match &settings.root_hints {
        Some(file) => file::root_hints(file)?,
        None => file::ROOT_SERVERS.iter().filter_map(|text| text.parse().ok()).collect(),
    };
    let wanted = |ip: &IpAddr| if ip.is_ipv4() { settings.ipv4 } else { settings.ipv6 };
    let roots: Vec<_> = all.into_iter().filter(wanted).map(|ip| SocketAddr::new(ip, PORT)).collect();
    if roots.is_empty() {
        let say = "resolve: with `ipv4` and `ipv6` as they are, no root server can be reached";
        return Err(SettingsError::Setting(say.to_owned()));
    }
    Ok(roots)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resolve::file::File;

    #[test]
    fn one_family_is_enough_and_none_is_a_fault() {
        let of = |ipv4, ipv6| roots(&Settings { ipv4, ipv6, ..Settings::default() });
        assert_eq!(of(true, true).unwrap().len(), 26);
        assert!(of(true, false).unwrap().iter().all(SocketAddr::is_ipv4));
        assert!(of(false, true).unwrap().iter().all(SocketAddr::is_ipv6));
        assert!(matches!(of(false, false), Err(SettingsError::Setting(_))));
    }

    #[test]
    fn hints_take_the_place_of_the_built_in_servers() {
        let hints = File { name: "hints".into(), text: "a. A 198.41.0.4".to_owned() };
        let settings = Settings { root_hints: Some(hints), ..Settings::default() };
        assert_eq!(roots(&settings).unwrap(), ["198.41.0.4:53".parse::<SocketAddr>().unwrap()]);
    }

    #[test]
    fn a_key_may_be_trusted_below_a_name_that_is_not_checked() {
        let name = |text: &str| Name::from_ascii(text).unwrap();
        let mut options = Options::new(&Settings::default(), None).unwrap();
        options.unchecked = vec![name("de.")];
        assert!(options.is_unchecked(&name("www.example.de.")));
        assert!(!options.is_unchecked(&name("example.com.")));
        let (_, root) = options.anchors[0].clone();
        options.anchors.push((name("example.de."), root));
        assert!(!options.is_unchecked(&name("www.example.de.")));
        assert!(options.is_unchecked(&name("www.other.de.")));
    }
}
