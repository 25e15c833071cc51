//! Other people's lists: hosts, domains, wildcards, Adblock, dnsmasq, unbound,
//! RPZ.
//!
//! What is not understood is counted and kept by line, never guessed.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use crate::base::Domain;
use crate::base::Place;
use crate::matcher::Names;

use super::family::FamilyId;
use super::purpose::Purpose;
use super::purpose::UnknownWord;

/// The syntax of a foreign list.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Format {
    /// `0.0.0.0 name`: that name only.
    Hosts,
    /// `name`: that name only.
    Domains,
    /// `name` or `*.name`: the name and all below.
    Wildcard,
    /// `||name^`: the name and all below.
    Adblock,
    /// `local=/name/`, `address=/name/…`, `server=/name/`.
    Dnsmasq,
    /// `local-zone: "name" …`.
    Unbound,
    /// A zone file of RPZ triggers.
    Rpz,
}

impl Format {
    /// All formats.
    pub const ALL: [Self; 7] =
        [Self::Hosts, Self::Domains, Self::Wildcard, Self::Adblock, Self::Dnsmasq, Self::Unbound, Self::Rpz];

    /// Returns the word for it in config.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Hosts => "hosts",
            Self::Domains => "domains",
            Self::Wildcard => "wildcard",
            Self::Adblock => "adblock",
            Self::Dnsmasq => "dnsmasq",
            Self::Unbound => "unbound",
            Self::Rpz => "rpz",
        }
    }
}

impl FromStr for Format {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        Self::ALL.into_iter().find(|f| f.as_str() == text).ok_or(UnknownWord)
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a foreign list says of a name.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Word {
    /// Block it; at this line.
    Block(u32),
    /// Leave it alone (`@@||name^`, `rpz-passthru`); at this line.
    Pass(u32),
}

/// A list by somebody else.
#[derive(Debug)]
pub struct ForeignList {
    /// Its name in the config.
    pub name: Arc<str>,
    /// The file or URL it came from, as shown to people.
    pub file: Arc<str>,
    /// The purpose the config gives to its rules.
    pub purpose: Purpose,
    /// The family it is for; without one it is for every device.
    pub family: Option<FamilyId>,
    /// Lines that were not understood: line number and the line, the first
    /// few of them.
    pub not_understood: Vec<(u32, String)>,
    /// How many lines were not understood.
    pub not_understood_count: u32,
    /// From names to what is said of them.
    pub(super) names: Names<Word>,
}

impl ForeignList {
    /// Returns the place of the rule that blocks `name`, if one does and no
    /// more specific one lets it pass.
    pub fn blocks(&self, name: &Domain) -> Option<Place> {
        match self.names.lookup(name).next()? {
            Word::Block(line) => Some(Place::new(Arc::clone(&self.file), line)),
            Word::Pass(_) => None,
        }
    }

    /// Returns how many rules it has.
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Returns whether it has no rules.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }
}
