//! What came of reading a last good copy, and of a download.
//!
//! Apart, because this is all that whoever asked for a download learns of it.

use std::fmt;

use super::super::fetch;
use super::Refusal;

/// What came of reading a last good copy.
#[derive(Debug)]
pub struct Loaded<L> {
    /// The list, if there was a good copy.
    pub list: Option<L>,
    /// Why there was none, unless none was ever saved.
    pub complaint: Option<String>,
}

/// What came of a refresh.
#[derive(Debug)]
pub enum Outcome<L> {
    /// There is a new list.
    Updated {
        /// The list.
        list: L,
        /// How many rules it has.
        rules: u64,
        /// How many the last good copy had.
        before: Option<u64>,
        /// Why it could not be kept for the next start, if so.
        unsaved: Option<String>,
    },
    /// The server has what we have.
    Unchanged,
    /// The last good copy stays.
    Failed(Why),
    /// The list is being refreshed already, or there is no list of this index.
    Busy,
}

/// Why a refresh came to nothing.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Why {
    /// There was no download.
    Fetch(fetch::Error),
    /// The download was not fit to be used.
    Refused(Refusal),
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fetch(why) => write!(f, "{why}"),
            Self::Refused(why) => write!(f, "{why}"),
        }
    }
}

impl std::error::Error for Why {}
