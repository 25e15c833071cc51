//! What the network looks like from here: our own addresses, routers, and whether we
//! are in a container, whose network is none of the house.
//
//  Apart from `network`, because whoever listens for announcements and the doctor
//  want to know it too.

use std::net::IpAddr;
use std::path::Path;

use crate::device::findings::Surroundings;
use crate::listen::neighbor::around::Around;

/// Files that are there in containers only (Docker; Podman and CRI-O).
const CONTAINER: [&str; 2] = ["/.dockerenv", "/run/.containerenv"];

/// Networks that container engines give to containers unless told otherwise.
const BRIDGES: [&str; 2] = ["172.16.0.0/12", "10.88.0.0/16"];

/// Says what the network looks like from here.
pub(super) fn surroundings(around: &Around) -> Surroundings {
    let own: Vec<IpAddr> = around.own.iter().map(|own| own.address).collect();
    let bridges: Vec<ipnet::IpNet> = BRIDGES.iter().filter_map(|text| text.parse().ok()).collect();
    let bridged = own.iter().any(|own| bridges.iter().any(|net| net.contains(own)));
    let contained = bridged && CONTAINER.iter().any(|path| Path::new(path).exists());
    let gateways = around.gateways.iter().map(|(router, _)| *router).collect();
    Surroundings { gateways, own, contained, ..Surroundings::default() }
}
