//! [`Finding`]: what is wrong with the network, as far as it can be told from
//! who asks and who does not.
//!
//! A finding is about the claim that every device is known: it says where the
//! network makes that impossible, and what to do about it.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::silence::Neighbor;
use super::visitors::Visit;
use crate::base::MacAddr;

/// Seconds with a query that are wanted before anything is said.
const ENOUGH: u64 = 30;

/// The share of all that comes from one place, in percent, from which on nobody
/// else is taken to ask us.
const NEARLY_ALL: u64 = 90;

/// IPv4 addresses behind one MAC from which on it is no device but passes on for
/// others.  With IPv6, devices have as many addresses as they like.
const MANY: usize = 4;

/// How often the MAC behind an address has to change within an hour or two for
/// two devices to claim it; a lease that went to another device changes once.
const TO_AND_FRO: u32 = 4;

//----------- Finding ----------------------------------------------------------

/// What kind of thing is wrong.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Problem {
    /// Nearly all queries come from the router.
    AllFromGateway,
    /// We are in a container and see its bridge in place of the house.
    ContainerBridge,
    /// Devices ask from behind another router.
    OffLink,
    /// One device passes on queries for several.
    MacShared,
    /// Two devices have the same address.
    AddressShared,
    /// A speaker is there and asks us nothing.
    Silent,
    /// A speaker is in the guest network.
    Guest,
    /// Whom we ask asks us.
    Loop,
}

impl Problem {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::AllFromGateway,
        Self::ContainerBridge,
        Self::OffLink,
        Self::MacShared,
        Self::AddressShared,
        Self::Silent,
        Self::Guest,
        Self::Loop,
    ];

    /// Returns the word for it in metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AllFromGateway => "all-from-gateway",
            Self::ContainerBridge => "container-bridge",
            Self::OffLink => "off-link",
            Self::MacShared => "mac-shared",
            Self::AddressShared => "address-shared",
            Self::Silent => "silent-speaker",
            Self::Guest => "guest-network",
            Self::Loop => "forwarding-loop",
        }
    }

    /// Says what is wrong.
    pub fn says(self) -> &'static str {
        match self {
            Self::AllFromGateway => "nearly all queries come from the router, so devices can't be told apart",
            Self::ContainerBridge => "in this container the network shows no MAC address of any device",
            Self::OffLink => "devices ask from behind another router, so their MAC addresses can't be seen",
            Self::MacShared => {
                "one MAC address has several addresses: a repeater or a server passes on queries"
            }
            Self::AddressShared => "two devices use the same address in turn",
            Self::Silent => "a speaker is on the network and asks nothing here: it has a resolver of its own",
            Self::Guest => "a speaker is in the guest network, where the router answers and not Sordino",
            Self::Loop => "a server that Sordino asks in turn asks Sordino: names go round in circles",
        }
    }

    /// Says what to do about it.
    pub fn fix(self) -> &'static str {
        match self {
            Self::AllFromGateway => {
                "let the router hand out this machine as DNS server to devices, in place of asking it itself \
                 (FRITZ!Box: Heimnetz > Netzwerk > Netzwerkeinstellungen > IPv4-Konfiguration > Lokaler \
                 DNS-Server, and the same for IPv6); its guest network always asks through the router, so \
                 speakers belong into the main one"
            }
            Self::ContainerBridge => "give the container the network of its host (`network_mode: host`)",
            Self::OffLink => {
                "list such devices by `ip`, or have the router between pass on who asks; a guest network \
                 and a VLAN are seen like this, too"
            }
            Self::MacShared => "list what is behind it by `ip`",
            Self::AddressShared => "look for an address that was given to a device by hand",
            Self::Silent => {
                "`sordino firewall print` or `sordino claim 8.8.8.8 8.8.4.4` brings its queries here"
            }
            Self::Guest => "take it into the main network",
            Self::Loop => "give that server another DNS server, or use `mode = \"recurse\"`",
        }
    }
}

/// Something that is wrong.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Finding {
    /// What.
    pub problem: Problem,
    /// Whom it is about: addresses, MAC addresses, devices.
    pub about: Vec<String>,
}

impl Finding {
    /// Makes one.
    fn new(problem: Problem, about: Vec<String>) -> Self {
        Self { problem, about }
    }
}

//----------- Surroundings -----------------------------------------------------

/// What the network looks like from here.
#[derive(Clone, Debug, Default)]
pub struct Surroundings {
    /// Routers that packets to elsewhere are sent to.
    pub gateways: Vec<IpAddr>,
    /// Addresses of this machine.
    pub own: Vec<IpAddr>,
    /// Whether we are in a container with a network of its own.
    pub contained: bool,
    /// Speakers that somebody says are in the guest network.
    pub guests: Vec<String>,
    /// Servers that we ask and that ask us.
    pub loops: Vec<IpAddr>,
}

impl Surroundings {
    /// Returns the visits that are not this machine's own.
    pub fn others<'a>(&self, visits: &'a [Visit]) -> impl Iterator<Item = &'a Visit> {
        visits.iter().filter(|visit| !visit.address.is_loopback() && !self.own.contains(&visit.address))
    }
}

/// Finds what is wrong, from who asked and which speakers are `silent`.
pub fn find(visits: &[Visit], around: &Surroundings, silent: &[Neighbor]) -> Vec<Finding> {
    let visits: Vec<_> = around.others(visits).collect();
    let mut findings = Vec::new();
    let seconds = |visits: &[&Visit]| visits.iter().map(|visit| u64::from(visit.seconds)).sum::<u64>();
    let all = seconds(&visits);
    let (from_gateway, rest): (Vec<&Visit>, Vec<&Visit>) =
        visits.iter().partition(|visit| around.gateways.contains(&visit.address));
    let addresses = |visits: &[&Visit]| visits.iter().map(|visit| visit.address.to_string()).collect();
    let blind = !visits.is_empty() && rest.iter().all(|visit: &&Visit| visit.mac.is_none());
    if around.contained && all >= ENOUGH && blind {
        findings.push(Finding::new(Problem::ContainerBridge, addresses(&visits)));
    } else {
        if all >= ENOUGH && seconds(&from_gateway) * 100 >= all * NEARLY_ALL {
            findings.push(Finding::new(Problem::AllFromGateway, addresses(&from_gateway)));
        }
        let off_link: Vec<_> = rest.iter().copied().filter(|visit| visit.mac.is_none()).collect();
        if seconds(&off_link) >= ENOUGH {
            findings.push(Finding::new(Problem::OffLink, addresses(&off_link)));
        }
    }
    let mut by_mac: BTreeMap<MacAddr, Vec<IpAddr>> = BTreeMap::new();
    for visit in visits.iter().filter(|visit| visit.address.is_ipv4() && visit.seconds > 0) {
        if let Some(mac) = visit.mac {
            by_mac.entry(mac).or_default().push(visit.address);
        }
    }
    let shared: Vec<_> =
        by_mac.iter().filter(|(_, all)| all.len() >= MANY).map(|(mac, _)| mac.to_string()).collect();
    if !shared.is_empty() {
        findings.push(Finding::new(Problem::MacShared, shared));
    }
    let claimed: Vec<_> = visits.iter().copied().filter(|visit| visit.changes >= TO_AND_FRO).collect();
    if !claimed.is_empty() {
        findings.push(Finding::new(Problem::AddressShared, addresses(&claimed)));
    }
    if !silent.is_empty() {
        let about = |one: &Neighbor| format!("{} ({})", one.device.name, one.mac);
        findings.push(Finding::new(Problem::Silent, silent.iter().map(about).collect()));
    }
    if !around.guests.is_empty() {
        findings.push(Finding::new(Problem::Guest, around.guests.clone()));
    }
    if !around.loops.is_empty() {
        findings.push(Finding::new(Problem::Loop, around.loops.iter().map(ToString::to_string).collect()));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn visit(address: &str, mac: Option<u8>, seconds: u32) -> Visit {
        let mac = mac.map(|last| MacAddr([0, 0, 0x5e, 0, 0x53, last]));
        Visit { address: address.parse().unwrap(), mac, last: 1, seconds, changes: 0 }
    }

    fn found(visits: &[Visit], contained: bool) -> Vec<(&'static str, String)> {
        let around = Surroundings {
            gateways: vec!["192.168.178.1".parse().unwrap(), "172.17.0.1".parse().unwrap()],
            own: vec!["192.168.178.2".parse().unwrap()],
            contained,
            ..Surroundings::default()
        };
        let findings = find(visits, &around, &[]);
        findings.iter().map(|finding| (finding.problem.as_str(), finding.about.join(" "))).collect()
    }

    #[test]
    fn a_house_in_order_has_no_findings() {
        let visits = [
            visit("127.0.0.1", None, 900),
            visit("192.168.178.2", None, 900),
            visit("192.168.178.1", Some(1), 20),
            visit("192.168.178.20", Some(2), 50),
            visit("192.168.178.30", Some(3), 1),
        ];
        assert_eq!(found(&visits, false), []);
    }

    #[test]
    fn a_router_that_forwards_is_told_once_there_is_enough() {
        let with = |seconds| [visit("192.168.178.1", Some(1), seconds), visit("192.168.178.20", Some(2), 3)];
        assert_eq!(found(&with(20), false), []);
        assert_eq!(found(&with(40), false), [("all-from-gateway", "192.168.178.1".to_owned())]);
    }

    #[test]
    fn a_container_that_sees_only_its_bridge_is_told_apart() {
        let bridged = [visit("172.17.0.1", Some(1), 40)];
        assert_eq!(found(&bridged, true), [("container-bridge", "172.17.0.1".to_owned())]);
        let preserved = [visit("192.168.178.20", None, 40)];
        assert_eq!(found(&preserved, true), [("container-bridge", "192.168.178.20".to_owned())]);
        assert_eq!(found(&[visit("192.168.178.20", Some(2), 40)], true), []);
        assert_eq!(found(&preserved, false), [("off-link", "192.168.178.20".to_owned())]);
    }

    #[test]
    fn guests_and_a_loop_are_told() {
        // Whoever asks here is in no guest network of a FRITZ!Box, whatever its address.
        let visits = [visit("192.168.179.21", None, 40)];
        assert_eq!(found(&visits, false), [("off-link", "192.168.179.21".to_owned())]);
        let around = Surroundings {
            guests: vec!["kitchen (44:65:0d:12:34:56)".to_owned()],
            loops: vec![[192, 168, 178, 1].into()],
            ..Surroundings::default()
        };
        let findings: Vec<_> =
            find(&[], &around, &[]).iter().map(|one| (one.problem, one.about.join(" "))).collect();
        let expected = [
            (Problem::Guest, "kitchen (44:65:0d:12:34:56)".to_owned()),
            (Problem::Loop, "192.168.178.1".to_owned()),
        ];
        assert_eq!(findings, expected);
    }

    #[test]
    fn a_repeater_and_a_conflict_are_told() {
        let repeater: Vec<_> =
            (20..24).map(|host| visit(&format!("192.168.178.{host}"), Some(1), 10)).collect();
        assert_eq!(found(&repeater, false), [("mac-shared", "00:00:5e:00:53:01".to_owned())]);
        assert_eq!(found(&repeater[..3], false), []);
        let conflict = Visit { changes: 4, ..visit("192.168.178.20", Some(1), 10) };
        assert_eq!(found(&[conflict], false), [("address-shared", "192.168.178.20".to_owned())]);
    }
}
