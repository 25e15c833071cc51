//! [`Household`]: what the house knows, and what takes more than one part of it.
//
//  Apart from the road, which fits on a screen.

use crate::answer::Blocked;
use crate::base::Client;
use crate::catalog::Catalog;
use crate::device::Device;
use crate::device::Registry;
use crate::device::Standing;
use crate::matcher::Trail;
use crate::policy::Permit;
use crate::policy::Policies;
use crate::policy::Verdict;
use crate::policy::Word;
use crate::query::QueryRef;

use super::Found;

/// What the house knows.  Built from files, never changed, swapped whole on
/// reload.  A query sees one household from the first step to the last.
#[derive(Debug)]
pub struct Household {
    /// The devices that are listed, and what to think of others.
    pub devices: Registry,
    /// What names are for.
    pub catalog: Catalog,
    /// What may be asked for.
    pub policies: Policies,
    /// How a blocked query is answered.
    pub blocked: Blocked,
}

impl Household {
    /// Returns the device behind a client.
    ///
    /// What a forwarder says of it is believed if that makes the policy no
    /// weaker than that of the forwarder itself; otherwise the query counts as
    /// the forwarder's own.
    pub fn identify(&self, client: &Client) -> Device {
        self.identify_with(client).0
    }

    /// Returns the device behind a client that may say which one it is.
    pub fn identify_claiming(&self, client: &Client, claim: Option<&str>) -> Device {
        let own = self.identify(client);
        match claim.and_then(|name| self.devices.claimed(name, &self.catalog)) {
            Some(claimed) if claimed.name != own.name => {
                // Whoever is in no log stays out of it, whatever it says.
                let logged = own.logged && claimed.logged;
                Device { logged, ..self.believe(claimed, own, Word::Own).0 }
            }
            _ => own,
        }
    }

    /// Returns what comes of finding out who a client is.
    pub fn found(&self, client: &Client) -> Found {
        match self.identify_with(client) {
            (_, true) => Found::Refused,
            (Device { standing: Standing::Listed { .. }, .. }, _) => Found::Listed,
            (Device { standing: Standing::Recognized(_), .. }, _) => Found::Recognized,
            _ => Found::Unknown,
        }
    }

    /// Returns the device behind a client, and whether a hint was refused.
    fn identify_with(&self, client: &Client) -> (Device, bool) {
        let device = self.devices.identify(client, &self.catalog);
        let Some(forwarder) = client.without_hint() else {
            return (device, false);
        };
        self.believe(device, self.devices.identify(&forwarder, &self.catalog), Word::Forwarder)
    }

    /// Returns the device that it is `said` to be if that may ask for no more
    /// than its `own`, and whether it may not.
    fn believe(&self, said: Device, own: Device, word: Word) -> (Device, bool) {
        if self.policies.is_as_strict(&said, &own, word) { (said, false) } else { (own, true) }
    }

    /// Returns a permit for what no policy of the house would block, whoever
    /// asks for it.
    pub fn permit_for_everybody<'q>(&self, query: QueryRef<'q>) -> Option<Permit<'q>> {
        let trail = Trail::of(query.qname);
        let mut permit = None;
        for device in self.devices.everybody(&self.catalog) {
            let rule = self.catalog.rule_on(device.family, &trail);
            match self.policies.judge(query, &device, &trail, rule) {
                (_, Verdict::Allow(granted)) => permit = Some(granted),
                (_, Verdict::Block) => return None,
            }
        }
        permit
    }
}
