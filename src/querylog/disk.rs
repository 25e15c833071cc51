//! [`Disk`]: rows in a file of SQLite.
//!
//! What is erased is gone from the file: freed pages are overwritten
//! (`secure_delete`), given back (`incremental_vacuum`), and the write-ahead
//! log is cut to nothing.  What a file system keeps of blocks that it has given
//! back is beyond us.
//
//  Rows are committed without waiting for the disk, which SQLite survives
//  (`synchronous = NORMAL`, in WAL mode); the disk is waited for when the
//  write-ahead log is folded in, some thirty times a day.

use std::fs;
use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::path::PathBuf;

use rusqlite::Connection;
use rusqlite::OpenFlags;
use rusqlite::params;

use super::PAGE;
use super::fault::DiskError;
use super::row::Filter;
use super::row::Row;
use super::settings::Settings;

/// The version of the table; a file of another one is begun anew.
const VERSION: i64 = 1;

/// How often old rows are erased and the write-ahead log is folded in, in
/// seconds: with the pause of the keeper it is an hour at most.
const FOLD: i64 = 3_000;

/// The largest file that is left alone, in octets: ten million rows, a year of a
/// house.  Somebody who asks for names at random is not to fill the disk.
const LARGE: i64 = 1 << 30;

/// The table.
const TABLE: &str = "CREATE TABLE IF NOT EXISTS query (
    id INTEGER PRIMARY KEY, unix INTEGER NOT NULL, device TEXT NOT NULL, family TEXT NOT NULL,
    name TEXT NOT NULL, qtype INTEGER NOT NULL, purpose TEXT NOT NULL, blocked INTEGER NOT NULL,
    held_back INTEGER NOT NULL, ground TEXT NOT NULL, origin TEXT NOT NULL, rcode INTEGER NOT NULL,
    times INTEGER NOT NULL, again INTEGER NOT NULL
) STRICT";

/// Rows on disk.
pub(super) struct Disk {
    /// The open file.
    connection: Connection,
    /// When old rows were last erased, in seconds since 1970.
    folded: Option<i64>,
    /// The number of the last row.
    last: i64,
}

impl Disk {
    /// Opens the file, or makes it, readable to nobody else.  A file that is
    /// broken is begun anew.
    pub(super) fn open(path: &Path) -> Result<Self, DiskError> {
        match Self::try_open(path) {
            Err(error) if error.is_broken() => {
                tracing::warn!(file = %path.display(), %error, "the query log on disk can't be used; it begins anew");
                remove(path).map_err(DiskError::File)?;
                Self::try_open(path)
            }
            done => done,
        }
    }

    /// Opens a file that another Sordino has left.
    pub(super) fn open_left(path: &Path) -> Result<Self, DiskError> {
        fs::metadata(path).map_err(DiskError::File)?;
        Self::try_open(path)
    }

    /// Opens the file.
    fn try_open(path: &Path) -> Result<Self, DiskError> {
        // What SQLite makes beside it has the same mode.
        let made = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(path);
        made.map_err(DiskError::File)?;
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags)?;
        let version: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
        if version != VERSION && version != 0 {
            return Err(DiskError::Version(version));
        }
        // The second is to stand before there is a table.
        connection.execute_batch(
            "PRAGMA secure_delete = ON; PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL;
             PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = 0; PRAGMA temp_store = MEMORY;",
        )?;
        connection.execute(TABLE, [])?;
        connection.pragma_update(None, "user_version", VERSION)?;
        let last = connection.query_row("SELECT coalesce(max(id), 0) FROM query", [], |row| row.get(0))?;
        Ok(Self { connection, folded: None, last })
    }

    /// Returns the number of the last row.
    pub(super) fn last(&self) -> i64 {
        self.last
    }

    /// Adds rows.
    pub(super) fn write(&mut self, rows: &[Row]) -> Result<(), DiskError> {
        let transaction = self.connection.transaction()?;
        {
            let mut insert = transaction.prepare(
                "INSERT OR REPLACE INTO query
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)",
            )?;
            for row in rows {
                let Row { id, unix, device, family, name, qtype, purpose, .. } = row;
                let Row { blocked, held_back, ground, origin, rcode, times, again, .. } = row;
                insert.execute(params![
                    id, unix, device, family, name, qtype, purpose, blocked, held_back, ground, origin,
                    rcode, times, again
                ])?;
            }
        }
        transaction.commit()?;
        self.last = rows.last().map_or(self.last, |row| row.id);
        Ok(())
    }

    /// Erases rows whose time is up at `now`; about once an hour, or as often as
    /// rows are kept for if that is less.
    pub(super) fn forget(&mut self, settings: &Settings, now: i64) -> Result<(), DiskError> {
        let pause = FOLD.min(settings.keep.as_secs().try_into().unwrap_or(FOLD));
        if self.folded.is_some_and(|folded| (now - folded).abs() < pause) {
            return Ok(());
        }
        // Rows of the future are those of a clock that was wrong, then or now: at
        // a start it may be now.
        let newest = if self.folded.is_none() { i64::MAX } else { now.saturating_add(FOLD) };
        self.connection
            .execute("DELETE FROM query WHERE unix < ?1 OR unix > ?2", [settings.oldest(now), newest])?;
        self.shrink(LARGE)?;
        self.fold()?;
        self.folded = Some(now);
        Ok(())
    }

    /// Erases with the next [`forget`](Self::forget), whenever that was last done.
    pub(super) fn forget_soon(&mut self) {
        self.folded = None;
    }

    /// Erases the oldest quarter of a file that is larger than so many octets.
    pub(super) fn shrink(&self, large: i64) -> Result<(), DiskError> {
        let pragma = |what| self.connection.query_row(what, [], |row| row.get::<_, i64>(0));
        if pragma("PRAGMA page_count")? * pragma("PRAGMA page_size")? > large {
            self.connection.execute(
                "DELETE FROM query WHERE id <= (SELECT min(id) + (max(id) - min(id)) / 4 FROM query)",
                [],
            )?;
        }
        Ok(())
    }

    /// Leaves nothing of what was erased.
    fn fold(&self) -> Result<(), DiskError> {
        // Each step frees one page.
        let mut vacuum = self.connection.prepare("PRAGMA incremental_vacuum")?;
        let mut pages = vacuum.query([])?;
        while pages.next()?.is_some() {}
        drop(pages);
        let busy: i64 = self.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
        if busy == 0 { Ok(()) } else { Err(DiskError::Busy) }
    }

    /// Erases who asked.
    pub(super) fn forget_askers(&self) -> Result<(), DiskError> {
        self.connection.execute("UPDATE query SET device = '', family = '' WHERE device <> ''", [])?;
        self.fold()
    }

    /// Erases the rows of a device, or all.  Returns how many there were.
    pub(super) fn erase(&self, device: Option<&str>) -> Result<u64, DiskError> {
        let erased = match device {
            Some(device) => self.connection.execute("DELETE FROM query WHERE device = ?1", [device])?,
            None => self.connection.execute("DELETE FROM query", [])?,
        };
        self.fold()?;
        Ok(erased as u64)
    }

    /// Returns rows that fit, the oldest first: those after `after`, [`PAGE`] at
    /// most.
    pub(super) fn rows(&self, filter: &Filter, after: i64) -> Result<Vec<Row>, DiskError> {
        let mut select = self.connection.prepare(
            "SELECT * FROM query
             WHERE id > ?1 AND (?2 IS NULL OR device = ?2) AND unix >= ?3 AND blocked >= ?4
             ORDER BY id LIMIT ?5",
        )?;
        let Filter { device, since, blocked } = filter;
        let page = i64::try_from(PAGE).unwrap_or(i64::MAX);
        let wanted = params![after, device, since.unwrap_or(i64::MIN), blocked, page];
        let rows = select.query_map(wanted, |row| {
            Ok(Row {
                id: row.get("id")?,
                unix: row.get("unix")?,
                device: row.get("device")?,
                family: row.get("family")?,
                name: row.get("name")?,
                qtype: row.get("qtype")?,
                purpose: row.get("purpose")?,
                blocked: row.get("blocked")?,
                held_back: row.get("held_back")?,
                ground: row.get("ground")?,
                origin: row.get("origin")?,
                rcode: row.get("rcode")?,
                times: row.get("times")?,
                again: row.get("again")?,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

/// Removes the file, and what SQLite made beside it.
pub(super) fn remove(path: &Path) -> io::Result<()> {
    for beside in ["", "-wal", "-shm", "-journal"] {
        let mut file = path.as_os_str().to_owned();
        file.push(beside);
        match fs::remove_file(PathBuf::from(&file)) {
            Ok(()) => tracing::info!(file = %file.display(), "query log removed from disk"),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
