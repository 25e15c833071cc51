//! What names are for: families, purposes, rules and their evidence.
//!
//! A [`Catalog`] is built from the files in `blocklists/` and never changed.
//! Ask it with [`Catalog::rule`]: for this family, what is this name for, and
//! which line of which file says so?  Inside a family **the most specific rule
//! wins**.
//!
//! [`Lists`] are other people's lists.  They know names only: neither families
//! nor purposes, so they can't overrule what the catalog knows.
//
//  Text becomes a catalog in three steps, a file each: `parse` (text to a
//  `FamilyFile`, with positions), `lint` (what a careful reader would remark),
//  `compile` (files to a `Catalog`, functions defended).

pub mod bundled;
pub mod compile;
pub mod evidence;
pub mod family;
pub mod foreign;
mod format;
pub mod lint;
pub mod lists;
pub mod parse;
pub mod pattern;
pub mod purpose;
pub mod rule;
pub mod sign;

use std::sync::Arc;

use crate::base::DomainRef;
use crate::base::MacAddr;
use crate::base::MacPrefix;
use crate::matcher::Names;
use crate::matcher::Trail;

pub use evidence::Evidence;
pub use evidence::EvidenceKind;
pub use evidence::Strength;
pub use family::Family;
pub use family::FamilyFile;
pub use family::FamilyId;
pub use foreign::ForeignList;
pub use lists::ListRule;
pub use lists::Lists;
pub use pattern::Pattern;
pub use purpose::Function;
pub use purpose::Purpose;
pub use rule::Rule;
pub use sign::Sign;
pub use sign::SignKind;
pub use sign::Spot;

//----------- Catalog ----------------------------------------------------------

/// What is known of all families.
#[derive(Debug, Default)]
pub struct Catalog {
    /// The families, by [`FamilyId`].
    families: Vec<Family>,
    /// Which family a MAC prefix speaks for, by prefix.
    prefixes: std::collections::HashMap<MacPrefix, (FamilyId, Arc<Sign>)>,
    /// The names that signs are about: whether one of them speaks against a
    /// family.
    telling: Names<bool>,
}

impl Catalog {
    /// Returns the rule that says what `name` is for, asked by a device of
    /// this family.  Without a family nothing is known of any name.
    pub fn rule<'n>(&self, family: Option<FamilyId>, name: impl Into<DomainRef<'n>>) -> Option<&Arc<Rule>> {
        self.family(family?)?.rule(name)
    }

    /// Like [`rule`](Self::rule), for a name that was hashed already.
    pub fn rule_on(&self, family: Option<FamilyId>, trail: &Trail<'_>) -> Option<&Arc<Rule>> {
        self.family(family?)?.rule_on(trail)
    }

    /// Returns a family by its id.
    pub fn family(&self, id: FamilyId) -> Option<&Family> {
        self.families.get(usize::from(id.0))
    }

    /// Returns a family by its name.
    pub fn family_named(&self, name: &str) -> Option<FamilyId> {
        let at = self.families.iter().position(|family| &**family.name() == name)?;
        u16::try_from(at).ok().map(FamilyId)
    }

    /// Returns all families, in the order of their ids.
    pub fn families(&self) -> &[Family] {
        &self.families
    }

    /// Returns which family the maker's prefix of `mac` speaks for.
    ///
    /// A locally administered address was made up by the device and speaks
    /// for none.
    pub fn family_by_mac(&self, mac: MacAddr) -> Option<(FamilyId, &Arc<Sign>)> {
        if mac.is_locally_administered() {
            return None;
        }
        MacPrefix::LENGTHS
            .into_iter()
            .find_map(|length| self.prefixes.get(&MacPrefix::of(mac, length)))
            .map(|(family, sign)| (*family, sign))
    }

    /// Returns whether asking for a name tells something of a device, and if
    /// so, whether that may be that it is no speaker.
    pub fn tells(&self, trail: &Trail<'_>) -> Option<bool> {
        self.telling.first(trail)
    }

    /// Returns the facts that are known of a device which asks for `name`.
    pub fn facts<'c>(&'c self, name: DomainRef<'c>) -> impl Iterator<Item = String> + 'c {
        let tells = self.tells(&Trail::of(name)).is_some();
        let signs = self.families.iter().filter(move |_| tells).flat_map(Family::signs);
        signs
            .filter_map(|sign| match &sign.kind {
                SignKind::Asks(patterns) => Some(patterns),
                _ => None,
            })
            .flatten()
            .filter(move |pattern| pattern.matches(name))
            .map(sign::asked)
    }
}
