//! [`Row`]: what is kept of a query, as it is shown; and [`Filter`].

use serde::Deserialize;
use serde::Serialize;

/// One query, or several alike within a minute.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Row {
    /// Its number; later ones are greater.
    pub id: i64,
    /// When the first came, in seconds since 1970.
    pub unix: i64,
    /// The device that asked, by its name; empty at level `no-client`.
    pub device: String,
    /// Its family; empty where unknown, and at level `no-client`.
    pub family: String,
    /// The name asked for, as text; what is not printable is escaped.
    pub name: String,
    /// The type asked for, by its number.
    pub qtype: u16,
    /// What the name is for: a word of `Purpose`.
    pub purpose: String,
    /// Whether it was blocked.
    pub blocked: bool,
    /// Whether a list would have blocked it and was held back.
    pub held_back: bool,
    /// What the verdict rests on: a word of `Ground::WORDS`.
    pub ground: String,
    /// Where the answer came from: a word of `Origin`.
    pub origin: String,
    /// The RCODE of the response.
    pub rcode: u16,
    /// How many queries there were.
    pub times: u32,
    /// How many of them asked again for what was blocked.
    pub again: u32,
}

/// Which rows are wanted.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Filter {
    /// Those of one device, by its name.
    pub device: Option<String>,
    /// Those from a moment on, in seconds since 1970.
    pub since: Option<i64>,
    /// Those that were blocked.
    pub blocked: bool,
}

impl Filter {
    /// Returns whether a row is wanted.
    pub(super) fn fits(&self, row: &Row) -> bool {
        self.device.as_ref().is_none_or(|device| *device == row.device)
            && self.since.is_none_or(|since| row.unix >= since)
            && (row.blocked || !self.blocked)
    }
}
