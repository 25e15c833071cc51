//! [`Family`]: devices that ask for the same names; and [`FamilyFile`], the
//! file that says which.

use std::sync::Arc;

use crate::base::DomainRef;
use crate::base::MacPrefix;
use crate::base::Place;
use crate::matcher::Names;
use crate::matcher::Trail;

use super::evidence::Evidence;
use super::rule::Rule;

//----------- FamilyId ---------------------------------------------------------

/// A family, by its place in the catalog it came from.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct FamilyId(pub u16);

//----------- Sign -------------------------------------------------------------

/// Something by which a device can be recognized.
#[derive(Clone, Debug, PartialEq)]
pub struct Sign {
    /// What to look at.
    pub kind: SignKind,
    /// How we know.
    pub evidence: Vec<Evidence>,
    /// Where it is written.
    pub place: Place,
}

/// What kind of sign it is.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub enum SignKind {
    /// `mac`: this maker's prefix is used for this family only.
    Mac(MacPrefix),
    /// `maker`: this maker's prefix is used for other products too, so it
    /// proposes the family and decides nothing.
    Maker(MacPrefix),
    /// Something else to look at, in words of its own.  Kept for whoever looks
    /// there; nothing in here does.
    Other {
        /// Where to look.
        look: Look,
        /// What is there.
        value: Box<str>,
        /// Whether it speaks against the family: a Fire TV is no Echo.
        against: bool,
    },
}

/// Where else than at a MAC address a device can be recognized.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Look {
    /// `host`: how its host name in DHCP begins, lower case.
    Host,
    /// `mdns`: a service it announces (RFC 6763), and what its TXT record says.
    Mdns,
    /// `ssdp`: what it says over SSDP.
    Ssdp,
    /// `asks`: a name it asks for; or several, all of them.
    Asks,
}

impl Look {
    /// All places to look.
    pub const ALL: [Self; 4] = [Self::Host, Self::Mdns, Self::Ssdp, Self::Asks];

    /// Returns the word for it in lists.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Host => "host",
            Self::Mdns => "mdns",
            Self::Ssdp => "ssdp",
            Self::Asks => "asks",
        }
    }
}

impl SignKind {
    /// Returns the MAC prefix it is about, if it is about one.
    pub fn prefix(&self) -> Option<MacPrefix> {
        match self {
            Self::Mac(prefix) | Self::Maker(prefix) => Some(*prefix),
            Self::Other { .. } => None,
        }
    }

    /// Returns whether the sign alone decides what a device is.
    pub fn is_decisive(&self) -> bool {
        matches!(self, Self::Mac(_))
    }
}

//----------- FamilyFile -------------------------------------------------------

/// A file of `blocklists/` as it was read.
#[derive(Clone, Debug)]
pub struct FamilyFile {
    /// The name after `family`.
    pub name: Arc<str>,
    /// Where it says so.
    pub place: Place,
    /// Other files whose rules count for this family too (`include NAME`).
    pub includes: Vec<(Arc<str>, Place)>,
    /// Whether it has an `[identify]` section, so that devices can be of it.
    pub identifies: bool,
    /// What that section says.
    pub signs: Vec<Sign>,
    /// The rules, in the order of the file.
    pub rules: Vec<Rule>,
}

//----------- Family -----------------------------------------------------------

/// Devices that ask for the same names.
#[derive(Debug)]
pub struct Family {
    /// Its name, as in `family amazon-echo`.
    pub(super) name: Arc<str>,
    /// Whether devices can be of it; files that are only included have none.
    pub(super) has_devices: bool,
    /// Its rules and those it includes, its own first.
    pub(super) rules: Vec<Arc<Rule>>,
    /// From names to positions in `rules`.
    pub(super) names: Names<u32>,
}

impl Family {
    /// Returns its name.
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// Returns whether devices can be of this family (it has `[identify]`).
    pub fn has_devices(&self) -> bool {
        self.has_devices
    }

    /// Returns its rules and those it includes, its own first.
    pub fn rules(&self) -> &[Arc<Rule>] {
        &self.rules
    }

    /// Returns the most specific rule about `name`.
    pub fn rule<'n>(&self, name: impl Into<DomainRef<'n>>) -> Option<&Arc<Rule>> {
        self.rule_on(&Trail::of(name.into()))
    }

    /// Like [`rule`](Self::rule), for a name that was hashed already.
    pub fn rule_on(&self, trail: &Trail<'_>) -> Option<&Arc<Rule>> {
        self.rules.get(self.names.first(trail)? as usize)
    }
}
