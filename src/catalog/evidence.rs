//! [`Evidence`]: how we know what a name is for, dated and with its source.
//!
//! Evidence is not decoration: a policy says how much it wants before it
//! blocks, so adding a `tried` line to a list *is* the change that starts
//! blocking for cautious houses.

use std::fmt;
use std::str::FromStr;

use super::purpose::UnknownWord;

//----------- Strength ---------------------------------------------------------

/// How well founded it is that a name can be blocked without loss, the
/// weakest first.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Strength {
    /// It stands on a list, and no loss is known.
    #[default]
    Listed,
    /// A household or an issue reports it, or the maker says what it is for.
    Reported,
    /// Somebody blocked it and wrote down what happened.
    Tried,
}

impl Strength {
    /// All strengths, the weakest first.
    pub const ALL: [Self; 3] = [Self::Listed, Self::Reported, Self::Tried];

    /// Returns the word for it in lists and config.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Listed => "listed",
            Self::Reported => "reported",
            Self::Tried => "tried",
        }
    }
}

impl FromStr for Strength {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        Self::ALL.into_iter().find(|s| s.as_str() == text).ok_or(UnknownWord)
    }
}

impl fmt::Display for Strength {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

//----------- EvidenceKind -----------------------------------------------------

/// What kind of knowledge a line of evidence is.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum EvidenceKind {
    /// The maker says so.
    Official,
    /// Somebody blocked it and wrote down what happened.
    Tried,
    /// An issue or a household's note.
    Reported,
    /// It stands on a list.
    Listed,
    /// What stops working while it is blocked.
    Breaks,
    /// Sources disagree; this is one side.  Blocked by `strict` only.
    Disputed,
    /// Anything else worth knowing.
    Note,
}

impl EvidenceKind {
    /// All kinds, in the order a list gives them.
    pub const ALL: [Self; 7] =
        [Self::Official, Self::Tried, Self::Reported, Self::Listed, Self::Breaks, Self::Disputed, Self::Note];

    /// Returns the word for it in lists.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Official => "official",
            Self::Tried => "tried",
            Self::Reported => "reported",
            Self::Listed => "listed",
            Self::Breaks => "breaks",
            Self::Disputed => "disputed",
            Self::Note => "note",
        }
    }

    /// Returns how strong a ground for blocking this is, if it is one at all.
    pub fn strength(self) -> Option<Strength> {
        match self {
            Self::Tried => Some(Strength::Tried),
            Self::Official | Self::Reported => Some(Strength::Reported),
            Self::Listed => Some(Strength::Listed),
            Self::Breaks | Self::Disputed | Self::Note => None,
        }
    }
}

impl FromStr for EvidenceKind {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        Self::ALL.into_iter().find(|k| k.as_str() == text).ok_or(UnknownWord)
    }
}

impl fmt::Display for EvidenceKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

//----------- Evidence ---------------------------------------------------------

/// One line of evidence.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Evidence {
    /// What kind of knowledge it is.
    pub kind: EvidenceKind,
    /// When, as `YYYY-MM-DD`.
    pub date: Box<str>,
    /// Where from, and what it says.
    pub text: Box<str>,
}
