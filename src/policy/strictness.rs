//! Which of two devices may ask for less: neither a hint, nor what a device says
//! of itself, nor a recognition must loosen anything.
//
//  Apart from judging, because this compares what would be judged of every name.

use super::Policies;
use crate::device::Device;

/// Who says that a device is another one than it seems.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Word {
    /// A forwarder that the household listed.
    Forwarder,
    /// The device itself: by what it says, asks for or announces.
    Own,
}

impl Policies {
    /// Returns whether every name that `other` may not ask for is closed to
    /// `one` as well: whether it may be told, by this word, that `other` is `one`.
    /// By the word of a forwarder `one` may ask for what it needs for a function;
    /// nobody gets that by saying so himself.
    ///
    /// That is a partial order, and a careful one: where it would take a look at
    /// every name to find out, the answer is no.
    pub fn is_as_strict(&self, one: &Device, other: &Device, word: Word) -> bool {
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
        // Functions of a family go before lists.
        let gains = one.family.is_some() && one.family != other.family && !lists.is_empty();
        if gains && word == Word::Own {
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
