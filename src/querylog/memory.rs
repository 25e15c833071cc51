//! [`Memory`]: what of the query log is in memory: what to do, what threads noted, and
//! the rows.
//
//  Apart from `log`, which keeps memory and disk in step.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::asker::Asker;
use super::asker::Askers;
use super::ring::Ring;
use super::settings::Level;
use super::settings::Settings;
use crate::pipeline::scribe::Notes;

/// How many notes are taken in one go.
const TURN: usize = 64;

/// Figures about the log.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Facts {
    /// Rows in memory.
    pub rows: usize,
    /// Octets they take.
    pub bytes: usize,
    /// Queries that were not noted because a buffer was full.
    pub dropped: u64,
    /// Rows that could not be written to disk.
    pub lost: u64,
    /// Whether the disk takes what it is to keep.
    pub disk_ok: bool,
}

//----------- Memory -----------------------------------------------------------

/// What is in memory.
pub(super) struct Memory {
    /// What to do.
    pub(super) settings: Settings,
    /// What each thread noted and nobody read yet.
    pub(super) notes: Vec<Notes>,
    /// The rows.
    pub(super) ring: Ring,
    /// The last row that is on disk.
    pub(super) written: i64,
    /// Devices of which nothing is noted.
    left_out: BTreeSet<Arc<str>>,
    /// Those of them of which there may be rows on disk.
    pub(super) to_erase: BTreeSet<Arc<str>>,
    /// Rows that left the ring before they could be written.
    lost: u64,
    /// Whether the disk does not do its part, as was said.
    pub(super) failing: bool,
}

impl Default for Memory {
    /// Nothing, and nothing is noted.
    fn default() -> Self {
        Self {
            settings: Settings { level: Level::Off, ..Settings::default() },
            notes: Vec::new(),
            ring: Ring::default(),
            written: 0,
            left_out: BTreeSet::new(),
            to_erase: BTreeSet::new(),
            lost: 0,
            failing: false,
        }
    }
}

impl Memory {
    /// Does what settings say from now on, and forgets what is not to be known any
    /// more.
    pub(super) fn follow(&mut self, settings: Settings) {
        self.settings = settings;
        match settings.level {
            Level::Full => {}
            Level::NoClient => self.ring.forget_askers(),
            Level::Off => self.ring.clear(),
        }
    }

    /// Takes in nothing of these devices from now on, and of no others.  Returns
    /// whether some are new, whose rows are to be erased.
    pub(super) fn leave_out(&mut self, devices: BTreeSet<Arc<str>>) -> bool {
        let new: BTreeSet<_> = devices.difference(&self.left_out).cloned().collect();
        self.left_out = devices;
        let some = !new.is_empty();
        self.to_erase.extend(new);
        some
    }

    /// Erases the rows of devices that are left out.
    pub(super) fn erase_left_out(&mut self) {
        for device in &self.to_erase {
            self.ring.erase(Some(device), self.written);
        }
    }

    /// Takes in what was noted by `now`, in seconds since 1970, and forgets what has
    /// no room or whose time is up.
    pub(super) fn take_in(&mut self, askers: &dyn Askers, now: i64) {
        let Self { notes, ring, settings, written, left_out, lost, .. } = self;
        if settings.level == Level::Off {
            notes.iter_mut().for_each(Notes::clear);
        }
        let notes = notes.iter_mut().flat_map(Notes::take_all);
        for (nth, note) in notes.enumerate() {
            // Some 50 µs, and whoever answers has the processor.  Not by sleeping, after
            // which so short a piece of work comes before them all the more.
            if nth % TURN == TURN - 1 {
                std::thread::yield_now();
            }
            let asker = askers.asker(note.page).unwrap_or_default();
            if left_out.contains(&asker.device) {
                continue;
            }
            ring.add(&note, if settings.level == Level::Full { asker } else { Asker::default() });
        }
        let unwritten = ring.trim(settings.memory, settings.oldest(now), *written);
        if settings.is_on_disk() {
            *lost += unwritten;
        }
    }

    /// Returns whether there are rows that are to be on disk and are not.
    pub(super) fn has_unwritten(&self) -> bool {
        self.settings.is_on_disk() && self.ring.last() > self.written
    }

    /// Erases the rows of a device, or all.  Returns how many were not on disk.
    pub(super) fn erase(&mut self, device: Option<&str>) -> u64 {
        self.ring.erase(device, self.written)
    }

    /// Returns figures, with how many queries threads had no room to note.
    pub(super) fn facts(&self, dropped: u64) -> Facts {
        let (rows, bytes) = self.ring.size();
        Facts { rows, bytes, dropped, lost: self.lost, disk_ok: !self.failing }
    }
}
