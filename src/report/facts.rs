//! [`Facts`]: what a report shows, counted from rows.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::Settings;
use super::company::company;
use super::lane::Count;
use super::lane::Lanes;
use super::lane::purpose;
use super::speaker::Speaker;
use crate::catalog::Purpose;
use crate::querylog::Row;
use crate::resolve::Origin;

/// Most companies that are shown apart.
const COMPANIES: usize = 10;

/// Most speakers that are shown apart in the flow.
const SPEAKERS: usize = 12;

/// From whom to whom, and what for.  Empty names are those that are not shown
/// apart.
pub(super) type Flows = BTreeMap<(Apart, Apart, Purpose), Count>;

/// Somebody who is shown apart, or everybody who is not.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Apart {
    /// This one.
    One(String),
    /// So many others.
    Others(usize),
}

/// What is shown of all speakers.
#[derive(Debug, Default)]
pub(super) struct Facts {
    /// Of each, those that asked most first.
    pub(super) speakers: Vec<Speaker>,
    /// Devices that are none, as far as can be told, and are not shown.
    pub(super) left_out: usize,
    /// Who asked whom, what for.
    pub(super) flows: Flows,
    /// All look-ups.
    pub(super) lanes: Lanes,
    /// Look-ups at night.
    pub(super) night: Count,
    /// Look-ups that a list would have prevented, which were for a function.
    pub(super) guarded: u64,
    /// How many companies were reached.
    pub(super) companies: usize,
}

impl Facts {
    /// Counts rows.
    pub(super) fn of(rows: &[Row], settings: &Settings) -> Self {
        let span = &settings.span;
        let mut by_device: BTreeMap<&str, Vec<&Row>> = BTreeMap::new();
        for row in rows.iter().filter(|row| span.slot(row.unix).is_some()) {
            by_device.entry(&row.device).or_default().push(row);
        }
        let devices = by_device.len();
        if by_device.iter().any(|(name, rows)| is_speaker(name, rows)) {
            by_device.retain(|name, rows| is_speaker(name, rows));
        }
        for rows in by_device.values_mut() {
            rows.sort_by_key(|row| row.unix);
        }
        let mut speakers: Vec<_> =
            by_device.iter().map(|(name, rows)| Speaker::of(name, rows, span)).collect();
        speakers.sort_by_key(|speaker| Reverse(speaker.lanes().total().all()));
        let shown: Vec<&Row> = by_device.values().flatten().copied().collect();
        let companies = sums(shown.iter().map(|row| (whom(row), Count::of(row))));
        Self {
            left_out: devices - speakers.len(),
            flows: flows(&shown),
            lanes: speakers.iter().map(Speaker::lanes).sum(),
            night: speakers.iter().map(|speaker| speaker.night).sum(),
            guarded: shown.iter().filter(|row| row.held_back).map(|row| u64::from(row.times)).sum(),
            companies: companies.iter().filter(|(name, count)| !name.is_empty() && count.reached > 0).count(),
            speakers,
        }
    }
}

/// Returns whether a device is a speaker: one of a family, or one that nobody may
/// know.
fn is_speaker(name: &str, rows: &[&Row]) -> bool {
    name.is_empty() || rows.iter().any(|row| !row.family.is_empty())
}

/// Counts who asked whom, what for.
fn flows(rows: &[&Row]) -> Flows {
    let speakers = apart(sums(rows.iter().map(|row| (row.device.clone(), Count::of(row)))), SPEAKERS);
    let companies = apart(sums(rows.iter().map(|row| (whom(row), Count::of(row)))), COMPANIES);
    let mut flows = Flows::new();
    for row in rows {
        let of =
            |all: &BTreeMap<String, Apart>, name: &str| all.get(name).cloned().unwrap_or(Apart::Others(0));
        let key = (of(&speakers, &row.device), of(&companies, &whom(row)), purpose(row));
        *flows.entry(key).or_default() += Count::of(row);
    }
    flows
}

/// Returns the company that was asked; nobody where the answer was made here.
fn whom(row: &Row) -> String {
    if row.origin == Origin::Local.as_str() { String::new() } else { company(&row.name) }
}

/// Adds up what has the same name.
fn sums(all: impl Iterator<Item = (String, Count)>) -> BTreeMap<String, Count> {
    let mut sums: BTreeMap<String, Count> = BTreeMap::new();
    for (name, count) in all {
        *sums.entry(name).or_default() += count;
    }
    sums
}

/// Says who is shown apart: the `most` who count most.
fn apart(sums: BTreeMap<String, Count>, most: usize) -> BTreeMap<String, Apart> {
    let mut largest: Vec<_> = sums.into_iter().collect();
    largest.sort_by_key(|(_, count)| Reverse(count.all()));
    // One other is no group.
    let most = if largest.len() == most + 1 { most + 1 } else { most };
    let others = largest.len().saturating_sub(most);
    let apart = |(nth, (name, _)): (usize, (String, Count))| {
        let shown = if nth < most { Apart::One(name.clone()) } else { Apart::Others(others) };
        (name, shown)
    };
    largest.into_iter().enumerate().map(apart).collect()
}
