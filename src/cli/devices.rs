//! `sordino devices`: who is there, how each is known, under which policy; and
//! what the household might list, with the lines for it.

use std::collections::BTreeMap;
use std::io;
use std::io::Write;
use std::net::IpAddr;
use std::net::Ipv4Addr;

use serde::Serialize;

use crate::app::load::Options;
use crate::base::Client;
use crate::base::MacAddr;
use crate::device::Recognition;
use crate::device::Standing;
use crate::device::Who;
use crate::listen::neighbor;
use crate::pipeline::Household;

/// A device or a neighbor.
#[derive(Debug, Serialize)]
struct Row {
    /// Its name; `household` for what is neither listed nor recognized.
    device: String,
    /// Its family, empty where unknown.
    family: String,
    /// Its policy.
    policy: String,
    /// How it is known.
    known_by: String,
    /// Its MAC addresses.
    mac: Vec<String>,
    /// Addresses it has at present, as far as the network shows.
    addresses: Vec<IpAddr>,
    /// What it seems to be, if it is not listed.
    #[serde(skip_serializing_if = "Option::is_none")]
    seems: Option<Seems>,
}

/// What a device seems to be.
#[derive(Debug, Serialize)]
struct Seems {
    /// The family.
    family: String,
    /// How sure we are, in percent.
    confidence: u8,
    /// What speaks for it, with where that is written.
    reasons: Vec<String>,
    /// Lines for the config that would list it.
    config: String,
}

/// Shows all listed devices and all neighbors.
pub fn devices(options: &Options, json: bool, out: &mut dyn Write) -> io::Result<u8> {
    let Some(loaded) = super::load(options, out)? else {
        return Ok(1);
    };
    let seen = options.recognizer.all();
    let rows = rows(&loaded.house, &neighbors(), seen.keys().copied());
    if json {
        serde_json::to_writer_pretty(&mut *out, &rows)?;
        writeln!(out)?;
        return Ok(0);
    }
    writeln!(out, "{:<24} {:<16} {:<14} {:<22} ADDRESSES", "DEVICE", "FAMILY", "POLICY", "KNOWN BY")?;
    for row in rows {
        let addresses: Vec<_> =
            row.mac.iter().cloned().chain(row.addresses.iter().map(ToString::to_string)).collect();
        writeln!(
            out,
            "{:<24} {:<16} {:<14} {:<22} {}",
            row.device,
            if row.family.is_empty() { "-" } else { &row.family },
            row.policy,
            row.known_by,
            addresses.join(" ")
        )?;
        let Some(seems) = &row.seems else { continue };
        let perhaps = if row.family.is_empty() { "perhaps " } else { "" };
        writeln!(out, "    {perhaps}{}, {} %: {}", seems.family, seems.confidence, seems.reasons.join("; "))?;
        if row.family.is_empty() {
            writeln!(out, "    if so, put this into the config:")?;
            for line in seems.config.lines() {
                writeln!(out, "        {line}")?;
            }
        }
    }
    Ok(0)
}

/// Reads the neighbor table.
fn neighbors() -> Vec<(IpAddr, MacAddr)> {
    #[cfg(target_os = "linux")]
    return neighbor::linux::read_once().unwrap_or_default();
    #[cfg(not(target_os = "linux"))]
    Vec::new()
}

/// Makes a row of each listed device, of each neighbor that is none, and of
/// each device that was `seen` and is no neighbor.
fn rows(house: &Household, neighbors: &[(IpAddr, MacAddr)], seen: impl Iterator<Item = Who>) -> Vec<Row> {
    let mut rows: Vec<_> = house
        .devices
        .listings()
        .iter()
        .filter_map(|listing| listed(house, &listing.name, neighbors))
        .collect();
    let mut others: BTreeMap<Who, Vec<IpAddr>> = BTreeMap::new();
    for (address, mac) in neighbors {
        others.entry(Who::Mac(*mac)).or_default().push(*address);
    }
    for who in seen {
        let addresses = others.entry(who).or_default();
        if let Who::Address(address) = who {
            addresses.push(address);
        }
    }
    for (who, mut addresses) in others {
        addresses.sort();
        let addr = addresses.first().copied().unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
        let client = Client { addr, mac: who.mac() };
        let device = house.devices.identify(&client, &house.catalog);
        if matches!(device.standing, Standing::Listed { .. }) {
            continue;
        }
        rows.push(Row {
            device: device.name.to_string(),
            family: family(house, device.family),
            policy: policy(house, device.policy),
            known_by: device.standing.as_str().to_owned(),
            mac: who.mac().iter().map(ToString::to_string).collect(),
            addresses,
            seems: house.devices.seems(&client, &house.catalog).map(|found| seems(who, &found)),
        });
    }
    rows
}

/// Makes the row of a listed device.
fn listed(house: &Household, name: &str, neighbors: &[(IpAddr, MacAddr)]) -> Option<Row> {
    let device = house.devices.named(name, &house.catalog)?;
    let listing = house.devices.listings().iter().find(|listing| *listing.name == *name)?;
    let its = neighbors.iter().filter(|(_, mac)| listing.macs.contains(mac));
    Some(Row {
        device: device.name.to_string(),
        family: family(house, device.family),
        policy: policy(house, device.policy),
        known_by: format!("{} ({})", device.standing.as_str(), listing.place),
        mac: listing.macs.iter().map(ToString::to_string).collect(),
        addresses: its.map(|(ip, _)| *ip).collect(),
        seems: None,
    })
}

/// Says what a device seems to be, and how to list it.
fn seems(who: Who, found: &Recognition) -> Seems {
    let family = &found.family;
    let (key, end) = match who {
        Who::Mac(MacAddr([_, _, _, a, b, c])) => ("mac   ", format!("{a:02x}{b:02x}{c:02x}")),
        Who::Address(_) => ("ip    ", "1".to_owned()),
    };
    // A name of a device has 32 letters at most.
    let name: String = family.chars().take(25).collect();
    Seems {
        family: family.to_string(),
        confidence: found.confidence,
        reasons: found.reasons().collect(),
        config: format!("[device.{name}-{end}]\n{key} = \"{who}\"\nfamily = \"{family}\"\n"),
    }
}

/// Returns the name of a policy.
fn policy(house: &Household, id: crate::device::PolicyId) -> String {
    house.policies.policy(id).map_or_else(String::new, |policy| policy.name.to_string())
}

/// Returns the name of a family, empty where unknown.
fn family(house: &Household, id: Option<crate::catalog::FamilyId>) -> String {
    id.and_then(|id| house.catalog.family(id)).map_or_else(String::new, |family| family.name().to_string())
}
