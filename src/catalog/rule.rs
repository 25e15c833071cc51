//! [`Rule`]: a pattern, what it is for, how we know, and where that is written.

use crate::base::Place;

use super::evidence::Evidence;
use super::evidence::EvidenceKind;
use super::evidence::Strength;
use super::pattern::Pattern;
use super::purpose::Purpose;

/// A rule of a family's list.
#[derive(Clone, Debug)]
pub struct Rule {
    /// Which names it is about.
    pub pattern: Pattern,
    /// What they are for.
    pub purpose: Purpose,
    /// How we know.
    pub evidence: Vec<Evidence>,
    /// The line with the pattern.
    pub place: Place,
}

impl Rule {
    /// Returns the strongest ground there is for blocking these names.  Without
    /// any, no policy blocks them by this rule.
    pub fn strength(&self) -> Option<Strength> {
        self.evidence.iter().filter_map(|e| e.kind.strength()).max()
    }

    /// Returns whether sources disagree about blocking these names.
    pub fn is_disputed(&self) -> bool {
        self.evidence.iter().any(|e| e.kind == EvidenceKind::Disputed)
    }
}
