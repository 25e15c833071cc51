//! [`Family`]: devices that ask for the same names; and [`FamilyFile`], the
//! file that says which.

use std::sync::Arc;

use crate::base::DomainRef;
use crate::base::Place;
use crate::matcher::Names;
use crate::matcher::Trail;

use super::rule::Rule;
use super::sign::Sign;

//----------- FamilyId ---------------------------------------------------------

/// A family, by its place in the catalog it came from.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct FamilyId(pub u16);

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
    pub signs: Vec<Arc<Sign>>,
    /// The rules, in the order of the file.  Shared, as families that include
    /// this file have the same.
    pub rules: Vec<Arc<Rule>>,
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
    /// Its signs other than prefixes of MAC addresses.
    pub(super) signs: Vec<Arc<Sign>>,
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

    /// Returns its signs other than prefixes of MAC addresses.
    pub fn signs(&self) -> &[Arc<Sign>] {
        &self.signs
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
