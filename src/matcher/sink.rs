//! [`Sink`]: holds mentions of names while a table is built, and not more of
//! them than it may.
//
//  Apart from `build`, which decides what is asked for and when.

use std::io;
use std::ops::RangeInclusive;

use super::hash::Key;
use super::hash::hash_and_labels;
use super::layout::MOST_LINE;
use super::mention::Mention;
use super::sets::Word;
use super::tidy::TURN;
use super::tidy::tidy;
use super::trail::depth;
use crate::base::way::give_way;

/// The bits of a hash by which mentions are counted before they are cut into
/// ranges.
const CELL_BITS: u32 = 12;

/// How many mentions there is room for at first; how many more at least when
/// that is used up, and how many more at most: 16 MiB.
const GROW: (usize, usize) = (1 << 12, 1 << 20);

//----------- Sink -------------------------------------------------------------

/// Takes mentions of names.
#[derive(Debug)]
pub struct Sink {
    /// The key of the hashes.
    key: Key,
    /// How many lists there are.
    lists: usize,
    /// How many mentions may be held.
    most: usize,
    /// How many are held before room is made by leaving out what is said
    /// twice.
    room: usize,
    /// Hashes that are held, by their highest bits.
    cells: RangeInclusive<usize>,
    /// The mentions that are held.
    held: Vec<Mention>,
    /// How many mentions of each cell there were, while all are asked for.
    counts: Vec<u64>,
    /// Whether there were more than may be held, so that none are.
    over: bool,
    /// How many labels names have.
    depths: u128,
    /// What was wrong first.
    fault: Option<Fault>,
}

impl Sink {
    /// Makes one that takes all mentions, if they are not too many, and counts
    /// them.
    pub(super) fn new(key: Key, lists: usize, most: usize) -> Self {
        let most = most.max(1);
        let cells = 1 << CELL_BITS;
        Self {
            key,
            lists,
            most,
            room: most,
            cells: 0..=cells - 1,
            held: Vec::new(),
            counts: vec![0; cells],
            over: false,
            depths: 0,
            fault: None,
        }
    }

    /// Takes a mention: `wire` is a name in wire form and lower case, and
    /// `line` where it is written, from 1 on.  The root, which would be every
    /// name, is left out.
    #[inline]
    pub fn add(&mut self, wire: &[u8], word: Word, line: u32) {
        let (hash, labels) = hash_and_labels(self.key, wire);
        if usize::from(word.list) >= self.lists {
            self.fault.get_or_insert(Fault::List(word.list));
            return;
        }
        if line > MOST_LINE {
            self.fault.get_or_insert(Fault::Line(line));
            return;
        }
        if labels == 0 {
            return;
        }
        self.depths |= depth(labels);
        let cell = usize::try_from(hash >> (u64::BITS - CELL_BITS)).unwrap_or_default();
        if let Some(count) = self.counts.get_mut(cell) {
            *count += 1;
        }
        if self.over || !self.cells.contains(&cell) {
            return;
        }
        if self.held.len() >= self.held.capacity().min(self.room) && !self.make_room() {
            return;
        }
        self.held.push(Mention::new(hash, word, line));
    }

    /// Makes room for one more mention.  Returns whether there is.
    #[cold]
    fn make_room(&mut self) -> bool {
        if self.held.len() >= self.room {
            tidy(&mut self.held);
            if self.held.len() > self.room / 4 * 3 {
                if !self.counts.is_empty() {
                    // All are asked for, and they are too many.
                    self.over = true;
                    self.held = Vec::new();
                    return false;
                }
                // A range has no more than may be held, but for what is said
                // twice; so this is a cell that cannot be cut any finer.
                self.room = self.held.len().saturating_mul(2).max(self.most);
            }
        }
        let (least, most) = GROW;
        let more = (self.held.len() / 2).clamp(least, most).min(self.room.saturating_sub(self.held.len()));
        // Not by doubling, which would take twice of what may be held.
        self.held.reserve_exact(more);
        true
    }

    /// Ends a round.  Fails if anything that was said is impossible.
    pub(super) fn close(&mut self) -> Result<(), Fault> {
        tidy(&mut self.held);
        self.fault.take().map_or(Ok(()), Err)
    }

    /// Returns the ranges of cells that have to be asked for one after the
    /// other; none if everything is held already.
    pub(super) fn ranges(&mut self) -> Vec<RangeInclusive<usize>> {
        let counts = std::mem::take(&mut self.counts);
        let mut ranges = Vec::new();
        if !std::mem::take(&mut self.over) {
            return ranges;
        }
        let most = u64::try_from(self.most).unwrap_or(u64::MAX);
        let (mut start, mut sum) = (0, 0);
        for (cell, count) in counts.iter().enumerate() {
            if sum > 0 && sum + count > most {
                ranges.push(start..=cell - 1);
                (start, sum) = (cell, 0);
            }
            sum += count;
        }
        ranges.push(start..=counts.len().saturating_sub(1));
        ranges
    }

    /// Starts a round in which only these cells are held.
    pub(super) fn only(&mut self, cells: &RangeInclusive<usize>) {
        self.cells = cells.clone();
        self.room = self.most;
        self.held.clear();
    }

    /// Returns how many names the mentions are of, after a round.
    pub(super) fn names(&self) -> u64 {
        let mut names = 0;
        let mut before = None;
        for turn in self.held.chunks(TURN) {
            for hash in turn.iter().map(|mention| mention.hash()) {
                names += u64::from(before.replace(hash) != Some(hash));
            }
            give_way();
        }
        names
    }

    /// Returns the mentions that count, in order, after a round.
    pub(super) fn mentions(&self) -> &[Mention] {
        &self.held
    }

    /// Returns how many labels names have: bit `n` for `n` labels.
    pub(super) fn depths(&self) -> u128 {
        self.depths
    }
}

//----------- Fault ------------------------------------------------------------

/// What stops a table from being built, whoever feeds it.
#[derive(Debug)]
pub(super) enum Fault {
    /// A list that there is not.
    List(u8),
    /// Too large a line.
    Line(u32),
    /// Too many sets of words.
    Sets,
    /// Sets or facts that are too large.
    Large,
    /// Too many names in one place.
    Crowded,
    /// A failed write.
    Write(io::Error),
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        Self::Write(error)
    }
}
