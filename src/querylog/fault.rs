//! [`DiskError`]: what a disk may do to the query log.

use std::fmt;

use rusqlite::ErrorCode;

/// The disk does not do its part.
#[derive(Debug)]
pub enum DiskError {
    /// The file can't be made or opened.
    File(std::io::Error),
    /// What SQLite says.
    Database(rusqlite::Error),
    /// The file is of a later Sordino.
    Version(i64),
    /// Somebody else reads the file, so that erased rows are still in the
    /// write-ahead log.
    Busy,
}

impl DiskError {
    /// Returns whether the file is of no use any more.
    pub(super) fn is_broken(&self) -> bool {
        match self {
            Self::Version(_) => true,
            Self::Database(error) => matches!(
                error.sqlite_error_code(),
                Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase)
            ),
            Self::File(_) | Self::Busy => false,
        }
    }
}

impl From<rusqlite::Error> for DiskError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Database(error)
    }
}

impl fmt::Display for DiskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(error) => error.fmt(f),
            Self::Database(error) => error.fmt(f),
            Self::Version(version) => write!(f, "its version {version} is not known to this Sordino"),
            Self::Busy => f.write_str("another program reads it"),
        }
    }
}

impl std::error::Error for DiskError {}
