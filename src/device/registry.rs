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
            // Where its MAC address can't be seen, those it is listed with are its own.
            let family = match &client.mac {
                Some(mac) => family_of(listing, std::slice::from_ref(mac), catalog),
                None => family_of(listing, &listing.macs, catalog),
            };
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
        Some(self.device(listing, family_of(listing, &listing.macs, catalog), by))
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

/// Returns the family of a listed device: the one that is listed, or else that of these
/// MAC addresses.
fn family_of(listing: &Listing, macs: &[MacAddr], catalog: &Catalog) -> Option<FamilyId> {
    let by_mac = || macs.iter().find_map(|mac| catalog.family_by_mac(*mac)).map(|(family, _)| family);
    listing.family.or_else(by_mac)
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
mod tests;
