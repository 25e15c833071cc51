//! [`Ring`]: the rows in memory, the oldest of which go first.

use std::collections::HashMap;
use std::collections::VecDeque;
use std::hash::BuildHasher;

use super::asker::Asker;
use super::row::Row;
use crate::base::Domain;
use crate::catalog::Purpose;
use crate::pipeline::scribe::Note;
use crate::query::Rtype;
use crate::resolve::Origin;

/// What a row takes besides its name, in octets: itself, what the allocator keeps
/// for itself, and its place among those of the present minute.
const ROW: usize = size_of::<Kept>() + 32 + 40;

/// By how many rows the ring grows.
const STEP: usize = 1_024;

/// Queries that are alike make one row within so many seconds.
const ALIKE: i64 = 60;

/// A row as it is kept.
#[derive(Clone, Debug)]
struct Kept {
    /// When the first query came, in seconds since 1970.
    unix: i64,
    /// Who asked.
    asker: Asker,
    /// For which name.
    qname: Domain,
    /// All else.
    what: What,
    /// How many queries there were; none, once the row is erased.
    times: u32,
    /// How many of them asked again for what was blocked.
    again: u32,
}

/// What is the same of queries that make one row, besides asker and name.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
struct What {
    qtype: Rtype,
    purpose: Purpose,
    blocked: bool,
    held_back: bool,
    ground: &'static str,
    origin: Origin,
    rcode: u16,
}

/// The rows in memory.
#[derive(Debug)]
pub(super) struct Ring {
    /// The rows; their numbers follow one upon the other.
    rows: VecDeque<Kept>,
    /// The number of the first of them.
    first: i64,
    /// Octets they take.
    bytes: usize,
    /// The numbers of the rows of the present minute, by a hash of what makes
    /// queries alike.
    present: HashMap<u64, i64>,
    /// Which minute that is.
    minute: i64,
}

impl Default for Ring {
    fn default() -> Self {
        // Whoever has seen no row has seen row 0.
        Self { rows: VecDeque::new(), first: 1, bytes: 0, present: HashMap::new(), minute: 0 }
    }
}

impl Ring {
    /// Gives rows numbers from `next` on, if they have lower ones.
    pub(super) fn number_from(&mut self, next: i64) {
        if self.first < next {
            self.first = next;
            self.present.clear();
        }
    }

    /// Takes in a note.
    pub(super) fn add(&mut self, note: &Note, asker: Asker) {
        let minute = note.unix.div_euclid(ALIKE);
        if minute != self.minute {
            self.present.clear();
            // What a busy minute took, the next may not need.
            self.present.shrink_to(STEP);
            self.minute = minute;
        }
        let Note {
            unix, ref qname, qtype, purpose, ground, blocked, held_back, again, origin, rcode, ..
        } = *note;
        let what = What { qtype, purpose, blocked, held_back, ground, origin, rcode };
        let hash = self.hash(&asker, qname, what);
        let there = self.present.get(&hash).and_then(|id| usize::try_from(id - self.first).ok());
        if let Some(row) = there.and_then(|at| self.rows.get_mut(at))
            && (&row.asker, &row.qname, row.what) == (&asker, qname, what)
        {
            row.times = row.times.saturating_add(1);
            row.again = row.again.saturating_add(u32::from(again));
            return;
        }
        if self.rows.len() == self.rows.capacity() {
            self.rows.reserve_exact(STEP);
        }
        self.bytes += ROW + qname.as_wire().len();
        self.rows.push_back(Kept {
            unix,
            asker,
            qname: qname.clone(),
            what,
            times: 1,
            again: u32::from(again),
        });
        self.present.insert(hash, self.last());
    }

    /// Returns a hash of what makes queries alike.
    fn hash(&self, asker: &Asker, qname: &Domain, what: What) -> u64 {
        self.present.hasher().hash_one((asker, qname, what))
    }

    /// Lets go of what is older than `oldest`, and of the oldest rows as long as
    /// all take more than `memory` octets.  Returns how many were not yet
    /// `written`.
    pub(super) fn trim(&mut self, memory: usize, oldest: i64, written: i64) -> u64 {
        let mut unwritten = 0;
        while self.rows.front().is_some_and(|row| self.bytes > memory || row.unix < oldest) {
            unwritten += u64::from(self.first > written);
            self.drop_first();
        }
        if self.rows.capacity() > 2 * self.rows.len() + 2 * STEP {
            self.rows.shrink_to_fit();
        }
        unwritten
    }

    /// Lets go of the oldest row.
    fn drop_first(&mut self) {
        let Some(row) = self.rows.pop_front() else { return };
        self.bytes -= ROW + row.qname.as_wire().len();
        let hash = self.hash(&row.asker, &row.qname, row.what);
        if self.present.get(&hash) == Some(&self.first) {
            self.present.remove(&hash);
        }
        self.first += 1;
    }

    /// Lets go of all rows.
    pub(super) fn clear(&mut self) {
        while !self.rows.is_empty() {
            self.drop_first();
        }
        self.rows.shrink_to_fit();
        self.present.shrink_to_fit();
    }

    /// Forgets who asked.
    pub(super) fn forget_askers(&mut self) {
        self.rows.iter_mut().for_each(|row| row.asker = Asker::default());
        self.present.clear();
    }

    /// Erases the rows of a device, or all.  Returns how many were not yet
    /// `written`: the others are on disk, and counted there.
    pub(super) fn erase(&mut self, device: Option<&str>, written: i64) -> u64 {
        let mut erased = 0;
        for (id, row) in (self.first..).zip(&mut self.rows) {
            if device.is_none_or(|device| *row.asker.device == *device) && row.times > 0 {
                erased += u64::from(id > written);
                // Numbers have no gaps, so an empty row stays until it is old.
                self.bytes -= row.qname.as_wire().len();
                *row = Kept { asker: Asker::default(), qname: Domain::root(), times: 0, ..*row };
                self.bytes += row.qname.as_wire().len();
            }
        }
        self.present.clear();
        erased
    }

    /// Returns rows after one, the oldest first.
    pub(super) fn rows(&self, after: i64) -> impl Iterator<Item = Row> {
        let skip = usize::try_from(after.saturating_add(1) - self.first).unwrap_or(0);
        (self.first..)
            .zip(&self.rows)
            .skip(skip)
            .filter(|(_, row)| row.times > 0)
            .map(|(id, row)| row.show(id))
    }

    /// Returns rows after one that nothing is added to any more at `now`.
    pub(super) fn complete(&self, after: i64, now: i64) -> Vec<Row> {
        let minute = now.div_euclid(ALIKE);
        self.rows(after).take_while(|row| row.unix.div_euclid(ALIKE) < minute).collect()
    }

    /// Returns the number of rows, and the octets they take.
    pub(super) fn size(&self) -> (usize, usize) {
        (self.rows.len(), self.bytes)
    }

    /// Returns the number of the last row.
    pub(super) fn last(&self) -> i64 {
        self.first.saturating_add_unsigned(self.rows.len() as u64) - 1
    }
}

impl Kept {
    /// Returns the row as it is shown.
    fn show(&self, id: i64) -> Row {
        let What { qtype, purpose, blocked, held_back, ground, origin, rcode } = self.what;
        Row {
            id,
            unix: self.unix,
            device: self.asker.device.to_string(),
            family: self.asker.family.to_string(),
            name: self.qname.to_string(),
            qtype: qtype.0,
            purpose: purpose.to_string(),
            blocked,
            held_back,
            ground: ground.to_owned(),
            origin: origin.as_str().to_owned(),
            rcode,
            times: self.times,
            again: self.again,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_within_a_minute_leaves_nothing_but_rows() {
        let mut ring = Ring::default();
        for nth in 0..10_000 {
            let note = Note {
                unix: 1_000,
                page: 0,
                qname: format!("n{nth}.example").parse().unwrap(),
                qtype: Rtype::A,
                purpose: Purpose::Unknown,
                ground: "default",
                blocked: false,
                held_back: false,
                again: false,
                origin: Origin::Cache,
                rcode: 0,
            };
            ring.add(&note, Asker::default());
            ring.trim(100_000, 0, 0);
        }
        assert!(ring.bytes <= 100_000 && ring.rows.len() > 300);
        assert_eq!(ring.present.len(), ring.rows.len());
        ring.clear();
        assert_eq!((ring.bytes, ring.present.len(), ring.last()), (0, 0, 10_000));
    }
}
