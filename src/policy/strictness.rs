//! Which of two devices, or policies, lets less pass: neither a hint nor a
//! recognition must loosen anything.
//
//  Apart from judging, because this compares what would be judged of every name.

use super::Action;
use super::Exception;
use super::Policies;
use super::Scope;
use crate::device::Device;
use crate::device::PolicyId;
use crate::matcher::ListSet;

impl Policies {
    /// Returns whether a device of no family that comes under the policy `to`
    /// instead of `from`, and is of a family then, is allowed nothing that it was
    /// not allowed before.  Only if `from` blocks nothing: functions of a family
    /// go before lists.
    pub fn only_restricts(&self, from: PolicyId, to: PolicyId) -> bool {
        let blocks_nothing = self.policy(from).is_none_or(|from| from.lists == ListSet::default());
        let loosens = |exception: &Exception| match exception.action {
            Action::Allow => exception.scope == Scope::Policy(to),
            Action::Block => exception.scope == Scope::Policy(from),
        };
        blocks_nothing && !self.exceptions.iter().any(loosens)
    }

    /// Returns whether every name that `other` may not ask for is closed to
    /// `one` as well, but for names that `one` needs for a function.
    ///
    /// That is a partial order, and a careful one: where it would take a look at
    /// every name to find out, the answer is no.
    pub fn is_as_strict(&self, one: &Device, other: &Device) -> bool {
        let (Some(policy), Some(others)) = (self.policy(one.policy), self.policy(other.policy)) else {
            return false;
        };
        if self.blocks_nothing(other) {
            return true;
        }
        // Whoever only watches blocks nothing at all.
        if policy.observe_only {
            return false;
        }
        // The household's own word goes before any policy.
        if !self.exceptions.are_as_strict(one, other) {
            return false;
        }
        let lists = others.lists.intersection(self.lists.concerned(other.family));
        let own = policy.lists.intersection(self.lists.concerned(one.family));
        if !lists.without(own).is_empty() {
            return false;
        }
        // Without a family nothing is known of any name, and nothing is blocked
        // but by lists.
        if other.family.is_none() {
            return true;
        }
        one.family == other.family
            && others.block.iter().all(|purpose| policy.block.contains(purpose))
            && others.off.iter().all(|function| policy.off.contains(function))
            && policy.require <= others.require
            && policy.disputed >= others.disputed
            && policy.essential_only >= others.essential_only
    }

    /// Returns whether a device may ask for every name there is.
    fn blocks_nothing(&self, device: &Device) -> bool {
        let Some(policy) = self.policy(device.policy) else {
            return true;
        };
        if policy.observe_only {
            return true;
        }
        let by_family = !policy.block.is_empty() || !policy.off.is_empty() || policy.essential_only;
        !(by_family && device.family.is_some())
            && policy.lists.intersection(self.lists.concerned(device.family)).is_empty()
            && !self.exceptions.block_for(device)
    }
}
