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
        let own = self.devices.identify(&forwarder, &self.catalog);
        if self.policies.is_as_strict(&device, &own) { (device, false) } else { (own, true) }
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
