//! [`Exception`]: what the household says against its own policies, why, and
//! until when.

use std::sync::Arc;

use crate::base::DomainRef;
use crate::base::Now;
use crate::base::Place;
use crate::catalog::Pattern;
use crate::device::Device;
use crate::device::PolicyId;

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

/// Returns the exception that holds: the one with the narrowest scope; of
/// equals the most specific pattern; of equals the last in the file, because
/// people append.
pub(super) fn find<'a>(
    all: &'a [Exception],
    device: &Device,
    name: DomainRef<'_>,
    now: Now,
) -> Option<&'a Exception> {
    let labels = |e: &Exception| e.pattern.names().iter().map(|n| n.labels().count()).max();
    all.iter()
        .filter(|exception| exception.applies(device, name, now))
        .max_by_key(|e| (e.scope.rank(), !e.pattern.is_subtree(), labels(e)))
}
