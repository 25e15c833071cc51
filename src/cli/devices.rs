//! `sordino devices`: who is there, how each is known, under which policy; and
//! what the household might list, with the lines for it.
//!
//! A running Sordino is asked whom it knows; without one it is what the kernel
//! knows at this moment.

use std::collections::BTreeMap;
use std::io;
use std::io::Write;
use std::net::IpAddr;
use std::net::Ipv4Addr;
use std::time::Duration;

use serde::Serialize;

use crate::app::control;
use crate::app::control::Entry;
use crate::app::control::Request;
use crate::app::control::Response;
use crate::app::load::Options;
use crate::base::Client;
use crate::base::MacAddr;
use crate::base::Source;
use crate::base::units;
use crate::device::Device;
use crate::device::Recognition;
use crate::device::Standing;
use crate::device::Who;
use crate::device::rooms;
#[cfg(target_os = "linux")]
use crate::listen::neighbor;
use crate::pipeline::Household;

/// A device, or somebody who is none of them.
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
    /// Addresses it has at present, as far as is known, and who says so.
    addresses: Vec<Entry>,
    /// What it seems to be, if it is not listed.
    #[serde(skip_serializing_if = "Option::is_none")]
    seems: Option<Seems>,
    /// MAC addresses of speakers with which it seems to be one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    one_with: Vec<String>,
}

impl Row {
    /// Returns the room in which it stands, as it says itself, or else as people call it
    /// who tell it from another one there.
    fn room(&self) -> Option<&str> {
        let said = self.addresses.iter().find_map(|entry| entry.room.as_deref());
        let called = self.addresses.iter().filter_map(|entry| entry.name.as_deref()).chain([&*self.device]);
        said.or_else(|| called.into_iter().find(|name| rooms::is_part(name)))
    }

    /// Returns the family that it is of, or seems to be of.
    fn family(&self) -> Option<&str> {
        let seems = self.seems.as_ref().map(|seems| &*seems.family);
        if self.family.is_empty() { seems } else { Some(&self.family) }
    }
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

/// Shows all listed devices and everybody else who is there.
pub fn devices(options: &Options, json: bool, out: &mut dyn Write) -> io::Result<u8> {
    let Some(loaded) = super::load(options, out)? else {
        return Ok(1);
    };
    let entries = match control::call(options, &Request::Addresses {}) {
        Ok(Response::Addresses(entries)) => entries,
        _ => neighbors(),
    };
    let seen = options.recognizer.all();
    let mut rows = rows(&loaded.house, entries, seen.keys().copied());
    pair(&mut rows);
    if json {
        serde_json::to_writer_pretty(&mut *out, &rows)?;
        writeln!(out)?;
        return Ok(0);
    }
    writeln!(out, "{:<24} {:<16} {:<14} {:<22} MAC", "DEVICE", "FAMILY", "POLICY", "KNOWN BY")?;
    for row in rows {
        let family = if row.family.is_empty() { "-" } else { &row.family };
        let macs = row.mac.join(" ");
        writeln!(out, "{:<24} {family:<16} {:<14} {:<22} {macs}", row.device, row.policy, row.known_by)?;
        for entry in &row.addresses {
            writeln!(out, "    {:<39} {}", entry.address, say(entry))?;
        }
        if let (Some(room), false) = (row.room(), row.one_with.is_empty()) {
            let (family, others) = (row.family().unwrap_or_default(), row.one_with.join(" "));
            writeln!(out, "    in \"{room}\", like {others}: a pair or a set; list them as one {family},")?;
            let all: Vec<_> = row.mac.iter().chain(&row.one_with).map(|mac| format!("\"{mac}\"")).collect();
            writeln!(out, "        mac    = [{}]", all.join(", "))?;
        }
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

/// Says how an address is known.
fn say(entry: &Entry) -> String {
    let time = |seconds: i64| {
        let seconds = seconds.unsigned_abs();
        // Nobody wants to read seconds of days.
        let rounded = match seconds {
            172_800.. => seconds - seconds % 86_400,
            7_200.. => seconds - seconds % 3_600,
            120.. => seconds - seconds % 60,
            _ => seconds,
        };
        units::show_duration(Duration::from_secs(rounded))
    };
    let age = entry.age.map(|age| format!(", for {}", time(age)));
    let left = entry.left.map(|left| format!(", {} left", time(left)));
    let name = entry.name.as_ref().map(|name| format!(", called \"{name}\""));
    let guest = entry.guest.then(|| ", in the guest network".to_owned());
    [Some(entry.source.clone()), age, left, name, guest].into_iter().flatten().collect()
}

/// Reads the neighbor table.
fn neighbors() -> Vec<Entry> {
    #[cfg(target_os = "linux")]
    return neighbor::linux::read_once()
        .unwrap_or_default()
        .into_iter()
        .map(|neighbor| Entry {
            address: neighbor.addr,
            mac: neighbor.mac.to_string(),
            source: Source::Neighbor.to_string(),
            age: None,
            left: None,
            name: None,
            guest: false,
            room: None,
        })
        .collect();
    #[cfg(not(target_os = "linux"))]
    Vec::new()
}

/// Makes a row of each listed device, of each MAC address that is of none, and of
/// each device that was `seen` and is at no known address.
fn rows(house: &Household, mut entries: Vec<Entry>, seen: impl Iterator<Item = Who>) -> Vec<Row> {
    entries.sort_by_key(|entry| entry.address);
    let mut listed: BTreeMap<String, Vec<Entry>> = BTreeMap::new();
    let mut others: BTreeMap<Who, Vec<Entry>> = BTreeMap::new();
    for entry in entries {
        let Ok(mac) = entry.mac.parse::<MacAddr>() else { continue };
        let device = house.identify(&Client::new(entry.address).with_mac(Some(mac)));
        if matches!(device.standing, Standing::Listed { .. }) {
            listed.entry(device.name.to_string()).or_default().push(entry);
        } else {
            others.entry(Who::Mac(mac)).or_default().push(entry);
        }
    }
    for who in seen {
        let addresses = others.entry(who).or_default();
        if let (Who::Address(address), true) = (who, addresses.is_empty()) {
            let (mac, source) = (String::new(), Source::Address.to_string());
            addresses.push(Entry {
                address,
                mac,
                source,
                age: None,
                left: None,
                name: None,
                guest: false,
                room: None,
            });
        }
    }
    let listings = house.devices.listings().iter().filter_map(|listing| {
        let device = house.devices.named(&listing.name, &house.catalog)?;
        let known_by = format!("{} ({})", device.standing.as_str(), listing.place);
        let mac = listing.macs.iter().map(ToString::to_string).collect();
        let addresses = listed.remove(&*device.name).unwrap_or_default();
        Some(Row { known_by, mac, addresses, ..row(house, &device) })
    });
    let mut rows: Vec<_> = listings.collect();
    for (who, addresses) in others {
        let addr = match who {
            Who::Address(addr) => Some(addr),
            Who::Mac(_) => addresses.first().map(|entry| entry.address),
        };
        let client = Client::new(addr.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED))).with_mac(who.mac());
        let device = house.identify(&client);
        if matches!(device.standing, Standing::Listed { .. }) {
            continue;
        }
        let mac = who.mac().iter().map(ToString::to_string).collect();
        let seems = house.devices.seems(&client, &house.catalog).map(|found| seems(who, &found));
        rows.push(Row { mac, addresses, seems, ..row(house, &device) });
    }
    rows
}

/// Puts together the speakers that seem to be one.
fn pair(rows: &mut [Row]) {
    let named = rows.iter().enumerate().filter_map(|(nth, row)| {
        let (family, room) = (row.family()?.to_owned(), row.room()?.to_owned());
        (!row.mac.is_empty()).then_some((nth, family, room))
    });
    for together in rooms::together(named.collect::<Vec<_>>()) {
        for &nth in &together {
            let others = together.iter().filter(|other| **other != nth);
            let macs: Vec<_> =
                others.filter_map(|other| rows.get(*other)).flat_map(|row| row.mac.clone()).collect();
            if let Some(row) = rows.get_mut(nth) {
                row.one_with = macs;
            }
        }
    }
}

/// Makes a row of what a device is, without where it is.
fn row(house: &Household, device: &Device) -> Row {
    let family = device.family.and_then(|id| house.catalog.family(id));
    let policy = house.policies.policy(device.policy);
    Row {
        device: device.name.to_string(),
        family: family.map_or_else(String::new, |family| family.name().to_string()),
        policy: policy.map_or_else(String::new, |policy| policy.name.to_string()),
        known_by: device.standing.as_str().to_owned(),
        mac: Vec::new(),
        addresses: Vec::new(),
        seems: None,
        one_with: Vec::new(),
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pair_is_told_by_what_people_call_its_parts() {
        let speaker = |device: &str, name: Option<&str>, mac: &str| Row {
            device: device.to_owned(),
            family: "sonos".to_owned(),
            policy: "balanced".to_owned(),
            known_by: "mac".to_owned(),
            mac: vec![mac.to_owned()],
            addresses: vec![Entry {
                address: IpAddr::V4(Ipv4Addr::LOCALHOST),
                mac: mac.to_owned(),
                source: "fritzbox".to_owned(),
                age: None,
                left: None,
                name: name.map(str::to_owned),
                guest: false,
                room: None,
            }],
            seems: None,
            one_with: Vec::new(),
        };
        let mut rows = [
            speaker("sonos-a", Some("Kitchen left"), "a"),
            speaker("kitchen-right", None, "b"),
            speaker("sonos-c", Some("SonosZP"), "c"),
            speaker("sonos-d", Some("SonosZP-2"), "d"),
        ];
        pair(&mut rows);
        let with = rows.map(|row| row.one_with.join(" "));
        assert_eq!(with, ["b", "a", "", ""]);
    }
}
