//! [`Speaker`]: what a report shows of one device.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::collections::BTreeSet;

use super::lane::Count;
use super::lane::Lane;
use super::lane::Lanes;
use super::lane::purpose;
use super::span::GROUP;
use super::span::Span;
use crate::querylog::Row;

/// Most names that are shown as storms.
const STORMS: usize = 5;

/// A name is a storm from so many retries on.
const STORM: u64 = 20;

/// The least time before and since a change that is worth comparing, in hours.
const WORTH: f64 = 1.0;

/// What is shown of one device.
#[derive(Debug)]
pub(super) struct Speaker {
    /// Its name; empty if that is not logged.
    pub(super) name: String,
    /// Its look-ups, slot by slot.
    pub(super) slots: Vec<Lanes>,
    /// Its look-ups at night.
    pub(super) night: Count,
    /// What a change of policy changed.
    pub(super) turn: Option<Turn>,
    /// Names that it asked for again and again, the most first.
    pub(super) storms: Vec<Storm>,
}

/// The first time that a name was prevented which had been answered until then.
#[derive(Debug)]
pub(super) struct Turn {
    /// When, in seconds since 1970.
    pub(super) unix: i64,
    /// Look-ups before.
    pub(super) before: Part,
    /// Look-ups since.
    pub(super) since: Part,
}

/// Look-ups in a part of the time, by day: nobody speaks at night, and no two parts
/// have as much night in them.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Part {
    /// How long it was, in hours by day.
    pub(super) hours: f64,
    /// How many there were.
    pub(super) lanes: Lanes,
}

/// A name that was asked for again and again.
#[derive(Debug)]
pub(super) struct Storm {
    /// The name.
    pub(super) name: String,
    /// What it is for.
    pub(super) lane: Lane,
    /// How often it was asked for again.
    pub(super) again: u64,
    /// Look-ups by group of slots.
    pub(super) groups: Vec<Count>,
}

impl Speaker {
    /// Counts the rows of a device, which are in the order of time.
    pub(super) fn of(name: &str, rows: &[&Row], span: &Span) -> Self {
        let mut slots = vec![Lanes::default(); span.slots()];
        let mut night = Count::default();
        for row in rows {
            let slot = span.slot(row.unix).and_then(|slot| slots.get_mut(slot));
            if let Some(lanes) = slot {
                lanes.add(Lane::of(purpose(row)), Count::of(row));
            }
            if span.is_night(row.unix) {
                night += Count::of(row);
            }
        }
        Self { name: name.to_owned(), slots, night, turn: turn(rows, span), storms: storms(rows, span) }
    }

    /// Returns its look-ups.
    pub(super) fn lanes(&self) -> Lanes {
        self.slots.iter().copied().sum()
    }
}

/// Finds out what changed.
fn turn(rows: &[&Row], span: &Span) -> Option<Turn> {
    let mut answered = BTreeSet::new();
    let unix = rows.iter().find_map(|row| {
        let key = (&row.name, &row.purpose, row.qtype);
        if row.blocked {
            return answered.contains(&key).then_some(row.unix);
        }
        answered.insert(key);
        None
    })?;
    let first = rows.first().map_or(unix, |row| row.unix);
    let mut before = Part { hours: span.day_hours(first, unix), ..Part::default() };
    let mut since = Part { hours: span.day_hours(unix, span.until()), ..Part::default() };
    for row in rows.iter().filter(|row| !span.is_night(row.unix)) {
        let part = if row.unix < unix { &mut before } else { &mut since };
        part.lanes.add(Lane::of(purpose(row)), Count::of(row));
    }
    (before.hours >= WORTH && since.hours >= WORTH).then_some(Turn { unix, before, since })
}

/// Finds names that were asked for again and again.
fn storms(rows: &[&Row], span: &Span) -> Vec<Storm> {
    let mut again: BTreeMap<&str, u64> = BTreeMap::new();
    for row in rows {
        *again.entry(&row.name).or_default() += u64::from(row.again);
    }
    let mut most: Vec<_> = again.into_iter().filter(|(_, again)| *again >= STORM).collect();
    most.sort_by_key(|(_, again)| Reverse(*again));
    most.truncate(STORMS);
    let storm = |(name, again): (&str, u64)| {
        let mut groups = vec![Count::default(); span.slots() / GROUP];
        let mut lane = Lane::Unknown;
        for row in rows.iter().filter(|row| row.name == name) {
            let group = span.slot(row.unix).and_then(|slot| groups.get_mut(slot / GROUP));
            if let Some(count) = group {
                *count += Count::of(row);
            }
            lane = Lane::of(purpose(row));
        }
        Storm { name: name.to_owned(), lane, again, groups }
    };
    most.into_iter().map(storm).collect()
}
