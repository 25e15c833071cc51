//! [`Exception`]: what the household says against its own policies, why, and
//! until when; and [`Exceptions`], all of them.

use std::sync::Arc;

use crate::base::DomainRef;
use crate::base::Now;
use crate::base::Place;
use crate::catalog::Pattern;
use crate::device::Device;
use crate::device::PolicyId;
use crate::matcher::Names;
use crate::matcher::Trail;

/// What an exception does.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Action {
    /// Allow, whatever a policy says.
    Allow,
    /// Block, even a name a function needs.
    Block,
}

/// Whom an exception is for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Scope {
    /// Everybody.
    House,
    /// One device, by its name.
    Device(Arc<str>),
    /// Every device under a policy.
    Policy(PolicyId),
}

impl Scope {
    /// Returns whether `device` is meant.
    fn includes(&self, device: &Device) -> bool {
        match self {
            Self::House => true,
            Self::Device(name) => *name == device.name,
            Self::Policy(policy) => *policy == device.policy,
        }
    }

    /// Returns how narrow the scope is; the narrowest exception wins.
    fn rank(&self) -> u8 {
        match self {
            Self::Device(_) => 2,
            Self::Policy(_) => 1,
            Self::House => 0,
        }
    }
}

/// An `[[exception]]` of the config.
#[derive(Clone, Debug)]
pub struct Exception {
    /// The names it is for.
    pub pattern: Pattern,
    /// Whom it is for.
    pub scope: Scope,
    /// What it does.
    pub action: Action,
    /// The last second it holds, in seconds since 1970.
    pub until: Option<i64>,
    /// Why the household made it.
    pub because: Arc<str>,
    /// Where it is written.
    pub place: Place,
}

impl Exception {
    /// Returns whether it holds for this device, name and moment.
    fn applies(&self, device: &Device, name: DomainRef<'_>, now: Now) -> bool {
        self.until.is_none_or(|until| now.unix <= until)
            && self.scope.includes(device)
            && self.pattern.matches(name)
    }
}

//----------- Exceptions -------------------------------------------------------

/// All exceptions of a household, found by name.
#[derive(Debug, Default)]
pub struct Exceptions {
    /// The exceptions, in the order of the file.
    all: Vec<Exception>,
    /// From names without `#` to positions in `groups`.
    names: Names<u32>,
    /// Positions in `all` of those about the same name.
    groups: Vec<Vec<usize>>,
    /// How many labels each one's longest name has.
    labels: Vec<usize>,
    /// Positions of those with `#` in their pattern, which are looked at one by
    /// one: hardly anybody has one.
    digits: Vec<usize>,
}

impl Exceptions {
    /// Returns all, in the order of the file.
    pub fn iter(&self) -> impl Iterator<Item = &Exception> {
        self.all.iter()
    }

    /// Adds one.
    pub fn push(&mut self, exception: Exception) {
        let at = self.all.len();
        if exception.pattern.has_digits() {
            self.digits.push(at);
        } else {
            for name in exception.pattern.names() {
                let next = u32::try_from(self.groups.len()).unwrap_or(u32::MAX);
                let there = self.names.insert(name.clone(), exception.pattern.is_subtree(), next);
                match there.and_then(|there| self.groups.get_mut(there as usize)) {
                    Some(group) => group.push(at),
                    None => self.groups.push(vec![at]),
                }
            }
        }
        let labels = exception.pattern.names().iter().map(|name| name.labels().count()).max();
        self.labels.push(labels.unwrap_or_default());
        self.all.push(exception);
    }

    /// Returns whether an exception blocks something for a device.
    pub(super) fn block_for(&self, device: &Device) -> bool {
        self.all.iter().any(|e| e.action == Action::Block && e.scope.includes(device))
    }

    /// Returns whether none allows something to `one` only, or blocks something
    /// for `other` only.  Those that are for both say the same to both.
    pub(super) fn are_as_strict(&self, one: &Device, other: &Device) -> bool {
        self.all.iter().all(|exception| {
            let (for_one, for_other) = (exception.scope.includes(one), exception.scope.includes(other));
            match exception.action {
                Action::Allow => for_other || !for_one,
                Action::Block => for_one || !for_other,
            }
        })
    }

    /// Returns the exception that holds: the one with the narrowest scope; of
    /// equals the most specific pattern; of equals the last in the file, because
    /// people append.
    pub(super) fn find(&self, device: &Device, trail: &Trail<'_>, now: Now) -> Option<&Exception> {
        if self.all.is_empty() {
            return None;
        }
        let groups = self.names.lookup_on(trail).filter_map(|group| self.groups.get(group as usize));
        let found = groups.flatten().chain(&self.digits);
        found
            .filter_map(|at| Some((at, self.all.get(*at)?)))
            .filter(|(_, exception)| exception.applies(device, trail.name(), now))
            .max_by_key(|(at, e)| (e.scope.rank(), !e.pattern.is_subtree(), self.labels.get(**at), *at))
            .map(|(_, exception)| exception)
    }
}

impl FromIterator<Exception> for Exceptions {
    fn from_iter<I: IntoIterator<Item = Exception>>(all: I) -> Self {
        let mut exceptions = Self::default();
        all.into_iter().for_each(|exception| exceptions.push(exception));
        exceptions
    }
}
