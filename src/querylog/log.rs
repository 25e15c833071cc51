//! [`QueryLog`]: the log of a Sordino that runs, in memory and on disk.
//
//  Two locks: one for what is in memory, which is held for microseconds, and one
//  for the disk, which is held for as long as the disk takes.  Whoever needs both
//  takes the disk first, and nobody asks the disk while holding the other.

use std::collections::BTreeSet;
use std::fmt;
use std::io;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;

use super::FILE;
use super::PAGE;
use super::asker::Askers;
use super::disk;
use super::disk::Disk;
use super::fault::DiskError;
use super::keeper;
use super::lock;
use super::memory::Facts;
use super::memory::Memory;
use super::row::Filter;
use super::row::Row;
use super::settings::Level;
use super::settings::Settings;
use crate::base::Clock;
use crate::pipeline::scribe;
use crate::pipeline::scribe::Desk;
use crate::pipeline::scribe::Scribe;

/// The query log of a running Sordino.
pub struct QueryLog {
    /// Where it is on disk, if it is.
    file: PathBuf,
    /// What is shared with threads that answer.
    pub(super) desk: Arc<Desk>,
    /// What is in memory.
    pub(super) inner: Mutex<Memory>,
    /// What is on disk.
    disk: Mutex<Option<Disk>>,
    /// Who devices are.
    askers: Arc<dyn Askers>,
    /// For how long rows are kept.
    pub(super) clock: Arc<dyn Clock>,
}

impl QueryLog {
    /// Starts the log, with its files in `state`.  It notes nothing until it is told
    /// what to do ([`set`](Self::set)).  `first` is what its thread does first.
    pub fn start(
        state: &Path,
        askers: Arc<dyn Askers>,
        clock: Arc<dyn Clock>,
        first: fn(),
    ) -> io::Result<Arc<Self>> {
        let log = Arc::new(Self::new(state, askers, clock));
        keeper::start(&log, first)?;
        Ok(log)
    }

    /// Makes a log that nobody looks after.
    pub(super) fn new(state: &Path, askers: Arc<dyn Askers>, clock: Arc<dyn Clock>) -> Self {
        Self {
            file: state.join(FILE),
            desk: Arc::default(),
            inner: Mutex::default(),
            disk: Mutex::default(),
            askers,
            clock,
        }
    }

    /// Returns a scribe for a thread that answers.
    pub fn scribe(&self) -> Scribe {
        let (scribe, notes) = scribe::scribe(&self.desk);
        lock(&self.inner).notes.push(notes);
        scribe
    }

    /// Changes what is done, as after a reload.  What is not to be kept any more
    /// is erased at once, on disk too, so it may have to wait for the disk.  Fails
    /// if it can't be removed from there.
    pub fn set(&self, settings: Settings) -> io::Result<()> {
        {
            let mut inner = lock(&self.inner);
            self.desk.want(settings.level != Level::Off);
            inner.follow(settings);
        }
        let mut disk = lock(&self.disk);
        let done = self.open(&mut disk).and_then(|database| match database {
            Some(database) if settings.level == Level::NoClient => database.forget_askers(),
            Some(database) => {
                database.forget_soon();
                Ok(())
            }
            None => Ok(()),
        });
        self.judge(&mut disk, done);
        if settings.is_on_disk() {
            return Ok(());
        }
        *disk = None;
        lock(&self.inner).written = 0;
        disk::remove(&self.file)
    }

    /// Notes nothing of these devices from now on, and erases what there is of
    /// those that were noted until now, on disk too, so it may have to wait for the
    /// disk.
    pub fn leave_out(&self, devices: BTreeSet<Arc<str>>) {
        if lock(&self.inner).leave_out(devices) {
            // What was noted of them before they were left out is not taken in.
            self.drain();
            lock(&self.inner).erase_left_out();
            self.write();
        }
    }

    /// Returns the database, where there is to be one; opens it first, if it has
    /// to be.
    fn open<'d>(&self, disk: &'d mut Option<Disk>) -> Result<Option<&'d mut Disk>, DiskError> {
        if disk.is_none() && lock(&self.inner).settings.is_on_disk() {
            let opened = Disk::open(&self.file)?;
            let mut inner = lock(&self.inner);
            // Rows go on where they ended.
            inner.ring.number_from(opened.last() + 1);
            inner.written = opened.last();
            *disk = Some(opened);
        }
        Ok(disk.as_mut())
    }

    /// Takes in what was noted, and forgets what has no room in memory or whose
    /// time is up.
    pub(super) fn drain(&self) {
        let now = self.clock.now().unix;
        lock(&self.inner).take_in(&*self.askers, now);
    }

    /// Returns whether there are rows that are to be on disk and are not.
    pub(super) fn has_unwritten(&self) -> bool {
        lock(&self.inner).has_unwritten()
    }

    /// Writes rows that are complete, and forgets those whose time is up.
    pub(super) fn write(&self) {
        self.write_until(self.clock.now().unix);
    }

    /// Writes everything, before the end.
    pub fn close(&self) {
        self.drain();
        self.write_until(i64::MAX);
    }

    /// Writes rows that are complete at a moment.
    fn write_until(&self, moment: i64) {
        let mut disk = lock(&self.disk);
        let done = self.open(&mut disk).and_then(|database| {
            let Some(database) = database else { return Ok(()) };
            let (rows, settings, to_erase) = {
                let inner = lock(&self.inner);
                (inner.ring.complete(inner.written, moment), inner.settings, inner.to_erase.clone())
            };
            let now = self.clock.now().unix;
            database.write(&rows)?;
            lock(&self.inner).written = database.last();
            for device in to_erase {
                database.erase(Some(&device))?;
                lock(&self.inner).to_erase.remove(&device);
            }
            database.forget(&settings, now)
        });
        self.judge(&mut disk, done);
    }

    /// Takes note of how the disk does its part, and says so when that changes.
    fn judge(&self, disk: &mut Option<Disk>, done: Result<(), DiskError>) {
        let mut inner = lock(&self.inner);
        match done {
            Ok(()) if inner.failing => {
                inner.failing = false;
                tracing::info!("the query log is written to disk again");
            }
            Ok(()) => {}
            Err(error) => {
                if !inner.failing {
                    tracing::warn!(%error, "the query log can't be written to disk; it goes on in memory");
                }
                inner.failing = true;
                drop(inner);
                if error.is_broken() {
                    // It can't be mended, and its rows are nothing to keep longer
                    // than was said.
                    *disk = None;
                    if let Err(error) = disk::remove(&self.file) {
                        tracing::warn!(file = %self.file.display(), %error, "it can't be removed either");
                    }
                }
            }
        }
    }

    /// Returns rows that fit, the oldest first: those after `after`, [`PAGE`] at
    /// most.
    pub fn rows(&self, filter: &Filter, after: i64) -> Vec<Row> {
        self.drain();
        let mut rows = Vec::new();
        let mut from = after;
        if let Some(database) = lock(&self.disk).as_ref() {
            match database.rows(filter, after) {
                Ok(found) => {
                    rows = found;
                    from = after.max(database.last());
                }
                Err(error) => tracing::debug!(%error, "reading the query log"),
            }
        }
        let room = PAGE.saturating_sub(rows.len());
        rows.extend(lock(&self.inner).ring.rows(from).filter(|row| filter.fits(row)).take(room));
        rows
    }

    /// Erases what is known of a device, or all of it, in memory and on disk.
    /// Returns how many rows there were.
    pub fn erase(&self, device: Option<&str>) -> Result<u64, DiskError> {
        self.drain();
        let mut disk = lock(&self.disk);
        let in_memory = lock(&self.inner).erase(device);
        let on_disk = self.open(&mut disk)?.map_or(Ok(0), |database| database.erase(device))?;
        Ok(in_memory + on_disk)
    }

    /// Returns figures about the log.
    pub fn facts(&self) -> Facts {
        lock(&self.inner).facts(self.desk.dropped())
    }
}

impl fmt::Debug for QueryLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("QueryLog").field("file", &self.file).finish_non_exhaustive()
    }
}
