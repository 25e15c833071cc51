//! [`Registry`]: the devices a household lists, and what to think of others.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt;
use std::sync::Arc;

use ipnet::IpNet;

use crate::base::Client;
use crate::base::ClientId;
use crate::base::MacAddr;
use crate::base::Place;
use crate::catalog::Catalog;
use crate::catalog::FamilyId;

use super::Device;
use super::HOUSEHOLD;
use super::ListedBy;
use super::PolicyId;
use super::Recognition;
use super::Recognizer;
use super::Standing;
use super::Who;

//----------- Listing ----------------------------------------------------------

/// A `[device.NAME]` of the config.
#[derive(Clone, Debug)]
pub struct Listing {
    /// Its name.
    pub name: Arc<str>,
    /// Where it is listed.
    pub place: Place,
    /// Its MAC addresses.
    pub macs: Vec<MacAddr>,
    /// The id that a forwarder gives it.
    pub id: Option<ClientId>,
    /// Its addresses and networks.
    pub networks: Vec<IpNet>,
    /// Its family, where the config names one.
    pub family: Option<FamilyId>,
    /// Its policy, where the config names one.
    pub policy: Option<PolicyId>,
    /// Whether the query log may hold what it asks.
    pub logged: bool,
}

/// The policies of what is not listed.
#[derive(Clone, Copy, Debug)]
pub struct Unlisted {
    /// Of devices that are speakers.
    pub speakers: PolicyId,
    /// Of all others.
    pub others: PolicyId,
}

//----------- Registry ---------------------------------------------------------

/// The devices of a household.
#[derive(Debug)]
pub struct Registry {
    /// What the config lists.
    listings: Vec<Listing>,
    /// From MAC addresses to positions in `listings`.
    macs: HashMap<MacAddr, usize>,
    /// From ids to positions in `listings`.
    ids: HashMap<ClientId, usize>,
    /// Networks and positions in `listings`, the longest prefix first.
    networks: Vec<(IpNet, usize)>,
    /// The policies of everything else.
    unlisted: Unlisted,
    /// The name of everything else.
    household: Arc<str>,
    /// Who knows what unlisted devices seem to be.
    recognizer: Arc<Recognizer>,
    /// Whether what a device says of itself may put it under the policy of
    /// speakers, because that can only restrict it.
    only_restricts: bool,
}

impl Registry {
    /// Makes a registry of what the config lists.
    pub fn new(listings: Vec<Listing>, unlisted: Unlisted) -> Result<Self, RegistryError> {
        let mut macs: HashMap<MacAddr, usize> = HashMap::new();
        let mut ids: HashMap<ClientId, usize> = HashMap::new();
        let mut networks: Vec<(IpNet, usize)> = Vec::new();
        for (at, listing) in listings.iter().enumerate() {
            for &mac in &listing.macs {
                match macs.entry(mac) {
                    Entry::Occupied(there) if *there.get() != at => {
                        return Err(RegistryError::clash(mac, &listings, *there.get(), at));
                    }
                    Entry::Occupied(_) => {}
                    Entry::Vacant(free) => {
                        free.insert(at);
                    }
                }
            }
            if let Some(id) = listing.id
                && let Some(there) = ids.insert(id, at)
            {
                return Err(RegistryError::clash(id, &listings, there, at));
            }
            for network in listing.networks.iter().map(IpNet::trunc) {
                match networks.iter().find(|(other, _)| *other == network) {
                    Some(&(_, there)) if there != at => {
                        return Err(RegistryError::clash(network, &listings, there, at));
                    }
                    Some(_) => {}
                    None => networks.push((network, at)),
                }
            }
        }
        networks.sort_by_key(|(network, _)| std::cmp::Reverse(network.prefix_len()));
        Ok(Self {
            listings,
            macs,
            ids,
            networks,
            unlisted,
            household: Arc::from(HOUSEHOLD),
            recognizer: Arc::default(),
            only_restricts: false,
        })
    }

    /// Recognizes unlisted devices by what is concluded of them.
    ///
    /// `only_restricts` says whether the policy of speakers lets nothing pass
    /// that the policy of others blocks.  If it may, a recognition counts only
    /// with the prefix of the MAC address among its signs: a laptop is not to get
    /// rid of its policy by asking for what a speaker asks for.
    pub fn recognizing(self, recognizer: Arc<Recognizer>, only_restricts: bool) -> Self {
        Self { recognizer, only_restricts, ..self }
    }

    /// Returns the device behind `client`.
    pub fn identify(&self, client: &Client, catalog: &Catalog) -> Device {
        if let Some((listing, by)) = self.listed(client) {
            let by_mac = client.mac.and_then(|mac| catalog.family_by_mac(mac));
            let family = listing.family.or_else(|| by_mac.map(|(family, _)| family));
            return self.device(listing, family, by);
        }
        let recognition = self.recognizer.recognition(client);
        let decides = |found: &Arc<Recognition>| found.decides && (self.only_restricts || found.is_by_link());
        if let Some(recognition) = recognition.filter(decides) {
            return Device {
                name: slug(&recognition.family, client.mac),
                family: catalog.family_named(&recognition.family),
                policy: self.unlisted.speakers,
                standing: Standing::Recognized(recognition),
                logged: true,
            };
        }
        self.unlisted(None)
    }

    /// Returns what a client seems to be that is not listed, be it enough to
    /// decide or not.
    pub fn seems(&self, client: &Client, catalog: &Catalog) -> Option<Arc<Recognition>> {
        let by_prefix = || Recognition::of(Who::of(client), &|_| false, catalog).map(Arc::new);
        self.recognizer.recognition(client).or_else(by_prefix)
    }

    /// Returns the speaker that a client is or seems to be, be it by one sign
    /// only; the same name and family that it has once it is recognized.
    pub fn speaker(&self, client: &Client, catalog: &Catalog) -> Option<Device> {
        let device = self.identify(client, catalog);
        if matches!(device.standing, Standing::Unknown) {
            let found = self.seems(client, catalog)?;
            let (name, family) = (slug(&found.family, client.mac), catalog.family_named(&found.family));
            return Some(Device { name, family, standing: Standing::Recognized(found), ..device });
        }
        device.family.is_some().then_some(device)
    }

    /// Returns the listed device that a client says it is, in capitals or not.
    pub fn claimed(&self, name: &str, catalog: &Catalog) -> Option<Device> {
        let listing = self.listings.iter().find(|listing| listing.name.eq_ignore_ascii_case(name))?;
        Some(Device { standing: Standing::Claimed, ..self.named(&listing.name, catalog)? })
    }

    /// Returns the device of a listing by its name, as if it had asked.
    pub fn named(&self, name: &str, catalog: &Catalog) -> Option<Device> {
        let listing = self.listings.iter().find(|listing| &*listing.name == name)?;
        let by = match listing.networks.first() {
            None if listing.macs.is_empty() => ListedBy::Id,
            None => ListedBy::Mac,
            Some(network) if network.prefix_len() == network.max_prefix_len() => ListedBy::Address,
            Some(_) => ListedBy::Network,
        };
        let by = if listing.macs.is_empty() { by } else { ListedBy::Mac };
        let by_mac =
            || listing.macs.iter().find_map(|mac| catalog.family_by_mac(*mac)).map(|(family, _)| family);
        Some(self.device(listing, listing.family.or_else(by_mac), by))
    }

    /// Returns everybody who may be behind a client: each listed device, an
    /// unlisted one of each family, and an unknown one.
    pub fn everybody(&self, catalog: &Catalog) -> impl Iterator<Item = Device> {
        let listed = self.listings.iter().filter_map(|listing| self.named(&listing.name, catalog));
        let families = (0..).zip(catalog.families()).map(|(id, _)| Some(FamilyId(id)));
        listed.chain(families.chain([None]).map(|family| self.unlisted(family)))
    }

    /// Returns an unlisted device of a family, or of none.
    pub fn unlisted(&self, family: Option<FamilyId>) -> Device {
        Device {
            name: Arc::clone(&self.household),
            policy: if family.is_some() { self.unlisted.speakers } else { self.unlisted.others },
            family,
            standing: Standing::Unknown,
            logged: true,
        }
    }

    /// Returns what the config lists.
    pub fn listings(&self) -> &[Listing] {
        &self.listings
    }

    /// Finds the listing that fits a client best.
    fn listed(&self, client: &Client) -> Option<(&Listing, ListedBy)> {
        if let Some(at) = client.mac.and_then(|mac| self.macs.get(&mac)) {
            return Some((self.listings.get(*at)?, ListedBy::Mac));
        }
        if let Some(at) = client.id.and_then(|id| self.ids.get(&id)) {
            return Some((self.listings.get(*at)?, ListedBy::Id));
        }
        let (network, at) = self.networks.iter().find(|(network, _)| network.contains(&client.addr))?;
        let whole = network.prefix_len() == network.max_prefix_len();
        Some((self.listings.get(*at)?, if whole { ListedBy::Address } else { ListedBy::Network }))
    }

    /// Makes a device of a listing.
    fn device(&self, listing: &Listing, family: Option<FamilyId>, by: ListedBy) -> Device {
        let unlisted = if family.is_some() { self.unlisted.speakers } else { self.unlisted.others };
        Device {
            name: Arc::clone(&listing.name),
            family,
            policy: listing.policy.unwrap_or(unlisted),
            standing: Standing::Listed { by, place: listing.place.clone() },
            logged: listing.logged,
        }
    }
}

/// Names an unlisted device by its family and the half of its MAC that its
/// maker chose: the same today and tomorrow.  Devices that are told by their
/// address share a name, because an address is no label.
fn slug(family: &str, mac: Option<MacAddr>) -> Arc<str> {
    match mac {
        Some(MacAddr([_, _, _, a, b, c])) => Arc::from(format!("{family}-{a:02x}{b:02x}{c:02x}")),
        None => Arc::from(family),
    }
}

//----------- RegistryError ----------------------------------------------------

/// Two devices claim the same MAC address or network.
#[derive(Clone, Debug)]
pub struct RegistryError {
    /// What both claim.
    pub claim: String,
    /// The device listed first.
    pub first: Arc<str>,
    /// The device listed second.
    pub second: Arc<str>,
    /// Where the second is listed.
    pub place: Place,
}

impl RegistryError {
    /// Describes what the listings at `first` and `second` both claim.
    fn clash(claim: impl fmt::Display, listings: &[Listing], first: usize, second: usize) -> Self {
        let (first, second) = (&listings[first], &listings[second]);
        Self {
            claim: claim.to_string(),
            first: Arc::clone(&first.name),
            second: Arc::clone(&second.name),
            place: second.place.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listing(name: &str, macs: &[&str], networks: &[&str], policy: Option<u16>) -> Listing {
        Listing {
            name: Arc::from(name),
            place: Place::new(Arc::from("config.toml"), 1),
            macs: macs.iter().map(|mac| mac.parse().unwrap()).collect(),
            id: None,
            networks: networks.iter().map(|net| net.parse().unwrap()).collect(),
            family: None,
            policy: policy.map(PolicyId),
            logged: true,
        }
    }

    const UNLISTED: Unlisted = Unlisted { speakers: PolicyId(1), others: PolicyId(0) };

    fn registry() -> Registry {
        let listings = vec![
            listing("net", &[], &["192.0.2.0/24", "2001:db8::/32"], Some(2)),
            listing("addr", &[], &["192.0.2.7/32"], Some(3)),
            listing("mac", &["00:00:5e:00:53:01", "00:00:5e:00:53:02"], &[], Some(4)),
            listing("half", &[], &["192.0.2.0/25"], Some(5)),
        ];
        Registry::new(listings, UNLISTED).unwrap()
    }

    fn who(addr: &str, mac: Option<&str>) -> (String, PolicyId) {
        let client = Client::new(addr.parse().unwrap()).with_mac(mac.map(|mac| mac.parse().unwrap()));
        let device = registry().identify(&client, &Catalog::default());
        (device.name.to_string(), device.policy)
    }

    #[test]
    fn mac_before_address_before_the_longest_network() {
        assert_eq!(who("192.0.2.7", Some("00:00:5e:00:53:02")), ("mac".into(), PolicyId(4)));
        assert_eq!(who("192.0.2.7", Some("00:00:5e:00:53:09")), ("addr".into(), PolicyId(3)));
        assert_eq!(who("192.0.2.8", None), ("half".into(), PolicyId(5)));
        assert_eq!(who("192.0.2.200", None), ("net".into(), PolicyId(2)));
        assert_eq!(who("2001:db8::1", None), ("net".into(), PolicyId(2)));
    }

    #[test]
    fn mapped_addresses_are_ipv4() {
        assert_eq!(who("::ffff:192.0.2.7", None), ("addr".into(), PolicyId(3)));
    }

    #[test]
    fn the_unknown_get_what_unlisted_says() {
        assert_eq!(who("198.51.100.1", None), (HOUSEHOLD.into(), PolicyId(0)));
        assert_eq!(who("198.51.100.1", Some("00:00:5e:00:53:09")), (HOUSEHOLD.into(), PolicyId(0)));
    }

    #[test]
    fn who_is_recognized_is_a_speaker_unless_that_could_loosen_its_policy() {
        let text = "family box\n[identify]\nmac 00:00:5e\nasks a.example\nasks b.example\n";
        let catalog = Catalog::build(&[crate::catalog::parse::parse("box.txt", text).unwrap()]).unwrap();
        let recognizer = Arc::new(Recognizer::default());
        let by_mac = Client::new("192.0.2.99".parse().unwrap()).with_mac("00:00:5e:00:53:07".parse().ok());
        let by_address = Client::new("198.51.100.7".parse().unwrap());
        let of = |client: &Client, only_restricts| {
            let registry = Registry::new(Vec::new(), UNLISTED).unwrap();
            let registry = registry.recognizing(Arc::clone(&recognizer), only_restricts);
            registry.identify(client, &catalog)
        };
        assert!(matches!(of(&by_mac, true).standing, Standing::Unknown), "its prefix alone only proposes");
        for name in ["a.example", "b.example"] {
            let name: crate::base::Domain = name.parse().unwrap();
            for client in [&by_mac, &by_address] {
                recognizer.asked(client, name.borrowed(), &catalog, 1000);
            }
        }
        let device = of(&by_mac, false);
        assert_eq!((&*device.name, device.policy), ("box-005307", PolicyId(1)));
        assert!(device.is_watched(true) && !device.is_watched(false));
        assert_eq!((&*of(&by_address, true).name, of(&by_address, true).policy), ("box", PolicyId(1)));
        assert!(of(&by_address, true).is_watched(false));
        assert_eq!(of(&by_address, false).policy, PolicyId(0));
    }

    #[test]
    fn two_devices_cannot_claim_the_same() {
        for (a, b) in [
            (
                listing("a", &["00:00:5e:00:53:01"], &[], None),
                listing("b", &["00:00:5e:00:53:01"], &[], None),
            ),
            (listing("a", &[], &["192.0.2.0/24"], None), listing("b", &[], &["192.0.2.9/24"], None)),
        ] {
            let error = Registry::new(vec![a, b], UNLISTED).unwrap_err();
            assert_eq!((&*error.first, &*error.second), ("a", "b"));
        }
    }
}
