//! [`TableError`]: why some file is no table that can be asked.
//!
//! Apart, because three files find such reasons: who reads a header (`header`),
//! who looks at a whole file (`image`), and who opens a table (`table`).

use std::fmt;
use std::io;
use std::io::ErrorKind;

use super::layout::VERSION;

/// Why some file is no table that can be asked.
#[derive(Debug)]
pub enum TableError {
    /// It begins with something else.
    NoTable,
    /// It is written in another version of the format.
    Version(u32),
    /// It ends too early.
    Cut,
    /// There is something behind its end.
    Long,
    /// This part is not what was written.
    Torn(&'static str),
    /// Its names are hashed by another function than ours.
    OtherHash,
    /// Its names are hashed with another key than the one of this process.
    OtherKey,
    /// It cannot be read.
    Read(io::Error),
}

impl From<io::Error> for TableError {
    fn from(error: io::Error) -> Self {
        if error.kind() == ErrorKind::UnexpectedEof { Self::Cut } else { Self::Read(error) }
    }
}

impl fmt::Display for TableError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoTable => f.write_str("this is no table of names"),
            Self::Version(version) => {
                write!(f, "the table is of version {version}, and this program knows version {VERSION}")
            }
            Self::Cut => f.write_str("the table is cut off"),
            Self::Long => f.write_str("there is something behind the end of the table"),
            Self::Torn(what) => write!(f, "the table is damaged, in its {what}"),
            Self::OtherHash => {
                f.write_str("the table was written by a program that hashes names differently")
            }
            Self::OtherKey => f.write_str("the table was written with another key than the one in use"),
            Self::Read(error) => write!(f, "the table cannot be read: {error}"),
        }
    }
}

impl std::error::Error for TableError {}
