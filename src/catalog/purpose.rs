//! [`Purpose`] and [`Function`]: what a query is for.  Closed lists: they are
//! words in config and lists, and labels of metrics.

use std::fmt;
use std::str::FromStr;

//----------- Function ---------------------------------------------------------

/// What people bought a device for.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Function {
    /// Spoken commands and their answers.
    Voice,
    /// Music, radio, podcasts, film.
    Media,
    /// Lamps, plugs, heating.
    SmartHome,
    /// Calls, drop-in, messages.
    Calls,
    /// Buying by voice.
    Shopping,
    /// Third-party skills and actions.
    Skills,
    /// Pictures on a screen.
    Photos,
    /// First set-up and joining the network.
    Setup,
    /// Signing in.
    Account,
    /// Firmware and software updates.
    Update,
    /// The clock.
    Time,
    /// "Is there an Internet?"
    Connectivity,
    /// Messages from the maker's cloud that wake the device.
    Push,
    /// Revocation and fetching of certificates.
    Certificates,
}

impl Function {
    /// All functions.
    pub const ALL: [Self; 14] = [
        Self::Voice,
        Self::Media,
        Self::SmartHome,
        Self::Calls,
        Self::Shopping,
        Self::Skills,
        Self::Photos,
        Self::Setup,
        Self::Account,
        Self::Update,
        Self::Time,
        Self::Connectivity,
        Self::Push,
        Self::Certificates,
    ];

    /// Returns the word for it in lists, config and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Voice => "voice",
            Self::Media => "media",
            Self::SmartHome => "smart-home",
            Self::Calls => "calls",
            Self::Shopping => "shopping",
            Self::Skills => "skills",
            Self::Photos => "photos",
            Self::Setup => "setup",
            Self::Account => "account",
            Self::Update => "update",
            Self::Time => "time",
            Self::Connectivity => "connectivity",
            Self::Push => "push",
            Self::Certificates => "certificates",
        }
    }
}

impl FromStr for Function {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        Self::ALL.into_iter().find(|f| f.as_str() == text).ok_or(UnknownWord)
    }
}

impl fmt::Display for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

//----------- Purpose ----------------------------------------------------------

/// What a query is for.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Purpose {
    /// Something people bought the device for.
    Function(Function),
    /// Fetching, choosing or measuring advertisements.
    Advertising,
    /// Measuring what people do, for the maker or a third party.
    Analytics,
    /// Crash reports and the device's health.
    Diagnostics,
    /// Where the device is.
    Location,
    /// Address books.
    Contacts,
    /// A resolver that is asked past this one (DoH, DoT, DoQ, relays).
    EncryptedDns,
    /// Nobody has found out yet.
    Unknown,
}

impl Purpose {
    /// The purposes a policy can block, which are all but the functions.
    pub const BLOCKABLE: [Self; 7] = [
        Self::Advertising,
        Self::Analytics,
        Self::Diagnostics,
        Self::Location,
        Self::Contacts,
        Self::EncryptedDns,
        Self::Unknown,
    ];

    /// Returns every purpose, functions first.
    pub fn all() -> impl Iterator<Item = Self> {
        Function::ALL.into_iter().map(Self::Function).chain(Self::BLOCKABLE)
    }

    /// Returns the word for it in lists, config and metrics.  A function goes
    /// by its own word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Function(function) => function.as_str(),
            Self::Advertising => "advertising",
            Self::Analytics => "analytics",
            Self::Diagnostics => "diagnostics",
            Self::Location => "location",
            Self::Contacts => "contacts",
            Self::EncryptedDns => "encrypted-dns",
            Self::Unknown => "unknown",
        }
    }

    /// Returns its place in [`all`](Self::all).
    pub fn nth(self) -> usize {
        match self {
            Self::Function(function) => function as usize,
            Self::Advertising => Function::ALL.len(),
            Self::Analytics => Function::ALL.len() + 1,
            Self::Diagnostics => Function::ALL.len() + 2,
            Self::Location => Function::ALL.len() + 3,
            Self::Contacts => Function::ALL.len() + 4,
            Self::EncryptedDns => Function::ALL.len() + 5,
            Self::Unknown => Function::ALL.len() + 6,
        }
    }

    /// Returns the function, if it is one.
    pub fn function(self) -> Option<Function> {
        match self {
            Self::Function(function) => Some(function),
            _ => None,
        }
    }
}

impl FromStr for Purpose {
    type Err = UnknownWord;

    /// Reads a purpose that a policy can block; functions are not among them.
    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        Self::BLOCKABLE.into_iter().find(|p| p.as_str() == text).ok_or(UnknownWord)
    }
}

impl fmt::Display for Purpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

//----------- UnknownWord ------------------------------------------------------

/// A word is none of the closed list it should come from.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct UnknownWord;
