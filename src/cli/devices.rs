//! `sordino devices`: who is there, how each is known, under which policy.

use std::collections::BTreeMap;
use std::io;
use std::io::Write;
use std::net::IpAddr;

use serde::Serialize;

use crate::app::load::Options;
use crate::base::Client;
use crate::base::MacAddr;
use crate::device::Standing;
use crate::listen::neighbor;
use crate::pipeline::Household;

/// A device or a neighbor.
#[derive(Debug, Serialize)]
struct Row {
    /// Its name; `household` for what is not listed.
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
    /// What the household might do about it.
    hint: String,
}

/// Shows all listed devices and all neighbors.
pub fn devices(options: &Options, json: bool, out: &mut dyn Write) -> io::Result<u8> {
    let Some(loaded) = super::load(options, out)? else {
        return Ok(1);
    };
    let rows = rows(&loaded.house, &neighbors());
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
        if !row.hint.is_empty() {
            writeln!(out, "{:<24} {}", "", row.hint)?;
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

/// Makes a row of each listed device and of each neighbor that is none.
fn rows(house: &Household, neighbors: &[(IpAddr, MacAddr)]) -> Vec<Row> {
    let policy = |id| house.policies.policy(id).map_or_else(String::new, |policy| policy.name.to_string());
    let family = |id: Option<_>| {
        id.and_then(|id| house.catalog.family(id))
            .map_or_else(String::new, |family| family.name().to_string())
    };
    let mut rows = Vec::new();
    for listing in house.devices.listings() {
        let Some(device) = house.devices.named(&listing.name, &house.catalog) else { continue };
        rows.push(Row {
            device: device.name.to_string(),
            family: family(device.family),
            policy: policy(device.policy),
            known_by: format!("{} ({})", device.standing.as_str(), listing.place),
            mac: listing.macs.iter().map(ToString::to_string).collect(),
            addresses: neighbors
                .iter()
                .filter(|(_, mac)| listing.macs.contains(mac))
                .map(|(ip, _)| *ip)
                .collect(),
            hint: String::new(),
        });
    }
    let mut others: BTreeMap<MacAddr, Vec<IpAddr>> = BTreeMap::new();
    for (address, mac) in neighbors {
        others.entry(*mac).or_default().push(*address);
    }
    for (mac, mut addresses) in others {
        addresses.sort();
        let client = Client {
            addr: addresses.first().copied().unwrap_or(IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED)),
            mac: Some(mac),
        };
        let device = house.devices.identify(&client, &house.catalog);
        if matches!(device.standing, Standing::Listed { .. }) {
            continue;
        }
        let (known_by, hint) = match &device.standing {
            Standing::Recognized { sign } if sign.kind.is_decisive() => {
                (format!("mac-prefix ({})", sign.place), String::new())
            }
            Standing::Recognized { sign } => {
                let guess =
                    house.catalog.family_by_mac(mac).map(|(id, _)| family(Some(id))).unwrap_or_default();
                let hint =
                    format!("perhaps {guess} ({}); if so, give it a [device.NAME] in the config", sign.place);
                ("nothing".to_owned(), hint)
            }
            _ => ("nothing".to_owned(), String::new()),
        };
        rows.push(Row {
            device: device.name.to_string(),
            family: family(device.family),
            policy: policy(device.policy),
            known_by,
            mac: vec![mac.to_string()],
            addresses,
            hint,
        });
    }
    rows
}
