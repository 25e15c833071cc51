//! [`Policy`]: which purposes are blocked and how much evidence that takes;
//! and the policies Sordino brings.

use std::sync::Arc;

use crate::catalog::Function;
use crate::catalog::Purpose;
use crate::catalog::Rule;
use crate::catalog::Strength;
use crate::matcher::ListSet;

//----------- Policy -----------------------------------------------------------

/// A policy.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Policy {
    /// Its name.
    pub name: Arc<str>,
    /// The purposes it blocks.
    pub block: Vec<Purpose>,
    /// The least evidence it wants before it blocks.
    pub require: Strength,
    /// Whether it blocks names about which sources disagree.
    pub disputed: bool,
    /// The functions the household does not want.
    pub off: Vec<Function>,
    /// The lists that apply, by position in the household's lists.
    pub lists: ListSet,
    /// Whether it only notes what it would block.
    pub observe_only: bool,
    /// Whether it blocks everything that no function of the device's family
    /// needs.
    pub essential_only: bool,
}

impl Policy {
    /// Returns whether it blocks what this rule of the catalog is about.
    pub(super) fn blocks(&self, rule: &Rule) -> bool {
        self.block.contains(&rule.purpose)
            && rule.strength().is_some_and(|strength| strength >= self.require)
            && (self.disputed || !rule.is_disputed())
    }
}

//----------- Builtin ----------------------------------------------------------

/// The policies that are there without being configured.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Builtin {
    /// Blocks nothing and notes what `balanced` would block.
    Observe,
    /// Blocks what somebody has blocked before without loss.
    Light,
    /// Blocks what stands on lists as well, and diagnostics.
    Balanced,
    /// Blocks disputed and unknown names as well; something may break.
    Strict,
    /// Allows what functions need and nothing else.
    EssentialOnly,
    /// Blocks nothing.
    Open,
}

impl Builtin {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Observe, Self::Light, Self::Balanced, Self::Strict, Self::EssentialOnly, Self::Open];

    /// Returns its name in the config.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Observe => "observe",
            Self::Light => "light",
            Self::Balanced => "balanced",
            Self::Strict => "strict",
            Self::EssentialOnly => "essential-only",
            Self::Open => "open",
        }
    }

    /// Returns what it says.
    //
    //  `light`, `balanced` and `strict` follow evidence.  Updates, time and
    //  connectivity are functions and so stay open at every level.
    pub fn policy(self) -> Policy {
        use Purpose::{Advertising, Analytics, Contacts, Diagnostics, EncryptedDns, Location, Unknown};
        let base = Policy { name: Arc::from(self.as_str()), ..Policy::default() };
        match self {
            Self::Observe => Policy { name: base.name, observe_only: true, ..Self::Balanced.policy() },
            Self::Light => Policy {
                block: vec![Advertising, Analytics, Location, Contacts],
                require: Strength::Reported,
                ..base
            },
            Self::Balanced => Policy {
                block: vec![Advertising, Analytics, Diagnostics, Location, Contacts, EncryptedDns],
                require: Strength::Listed,
                ..base
            },
            Self::Strict => Policy {
                block: Purpose::BLOCKABLE.to_vec(),
                require: Strength::Listed,
                disputed: true,
                ..base
            },
            Self::EssentialOnly => Policy {
                block: vec![Advertising, Analytics, Diagnostics, Location, Contacts, EncryptedDns, Unknown],
                disputed: true,
                essential_only: true,
                ..base
            },
            Self::Open => base,
        }
    }
}
