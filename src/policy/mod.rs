//! Verdicts: may this device ask for this name?  And is what came back fine?
//!
//! [`Policies::judge`] stands before resolving, [`Policies::review`] after it.
//! Both are plain functions: they neither wait nor ask the system, and the
//! fast path runs the same ones.
//!
//! **Function comes first.**  A name that the device needs for a function the
//! household wants is not blocked by a list, whoever wrote it, and the chain
//! of aliases behind such a name is not looked at: blocking `a2z.com` has
//! silenced Alexa in five projects, because `avs-alexa-14-eu.amazon.com` is an
//! alias into it.  Only the household itself can block such a name, by an
//! exception or by switching the function off.

pub mod exception;
pub mod export;
pub mod ground;
pub mod permit;
pub mod review;
pub mod rules;
mod strictness;

use std::net::IpAddr;
use std::sync::Arc;

use ipnet::IpNet;

use crate::base::Domain;
use crate::base::Now;
use crate::catalog::Catalog;
use crate::catalog::ListRule;
use crate::catalog::Lists;
use crate::catalog::Purpose;
use crate::catalog::Rule;
use crate::device::Device;
use crate::device::PolicyId;
use crate::matcher::Trail;
use crate::query::QueryRef;

pub use exception::Action;
pub use exception::Exception;
pub use exception::Exceptions;
pub use exception::Scope;
pub use ground::Ground;
pub use ground::Said;
pub use permit::Permit;
pub use review::Reached;
pub use rules::Builtin;
pub use rules::Policy;
pub use strictness::Word;

//----------- Verdict, Judged --------------------------------------------------

/// Whether a query may pass.
#[derive(Clone, Copy, Debug)]
pub enum Verdict<'q> {
    /// It may, with this permit.
    Allow(Permit<'q>),
    /// It may not.  Why, is the [`Ground`]'s business.
    Block,
}

/// What was thought of a query, and what that rests on.
#[derive(Clone, Debug)]
pub struct Judged {
    /// Whether it is blocked.
    blocked: bool,
    /// What the name is for, as far as is known.
    pub purpose: Purpose,
    /// What the verdict rests on.
    pub ground: Ground,
    /// What would have been blocked, were the policy not `observe-only`.
    pub observed: Option<Ground>,
}

impl Judged {
    /// Returns whether the query was blocked.
    pub fn is_block(&self) -> bool {
        self.blocked
    }
}

//----------- Policies ---------------------------------------------------------

/// The policies of a household, its exceptions, and the lists it subscribes to.
#[derive(Debug, Default)]
pub struct Policies {
    /// The policies, by [`PolicyId`].
    pub policies: Vec<Policy>,
    /// What the household says against them.
    pub exceptions: Exceptions,
    /// Other people's lists; policies name them by position.
    pub lists: Arc<Lists>,
    /// Zones whose names may have addresses of the house.
    pub house_zones: Vec<Domain>,
    /// Networks in which servers of the outside may be, so that addresses in
    /// them are no addresses of the house.
    pub outside_networks: Vec<IpNet>,
}

/// What is thought of one name, before it is known what is done about it.
enum Opinion {
    /// Leave it, on this ground.
    Allow(Ground),
    /// Block it, on this ground.
    Block(Ground),
}

impl Policies {
    /// Returns a policy by its id.
    pub fn policy(&self, id: PolicyId) -> Option<&Policy> {
        self.policies.get(usize::from(id.0))
    }

    /// Returns a policy by its name.
    pub fn named(&self, name: &str) -> Option<PolicyId> {
        let at = self.policies.iter().position(|policy| &*policy.name == name)?;
        u16::try_from(at).ok().map(PolicyId)
    }

    /// Judges a query.  `trail` is its name, hashed, and `rule` what the catalog
    /// says of it.
    pub fn judge<'q>(
        &self,
        query: QueryRef<'q>,
        device: &Device,
        trail: &Trail<'_>,
        rule: Option<&Arc<Rule>>,
    ) -> (Judged, Verdict<'q>) {
        let purpose = rule.map_or(Purpose::Unknown, |rule| rule.purpose);
        let opinion = self.opinion(device, trail, rule, query.received);
        let judged = self.rule_on(device, purpose, opinion);
        let verdict =
            if judged.blocked { Verdict::Block } else { Verdict::Allow(Permit::grant(query, purpose)) };
        (judged, verdict)
    }

    /// Looks at what an answer leads to: the names of its aliases and targets,
    /// and its addresses.
    pub fn review(
        &self,
        judged: Judged,
        query: QueryRef<'_>,
        device: &Device,
        catalog: &Catalog,
        reached: &Reached,
    ) -> Judged {
        // An allowing exception covers what it leads to; and see the top of
        // this file for functions.
        if judged.is_block()
            || matches!(judged.ground, Ground::Said(Said::Exception { .. }) | Ground::Function { .. })
        {
            return judged;
        }
        let blocked = reached.names.iter().find_map(|name| {
            let trail = Trail::of(name.borrowed());
            let rule = catalog.rule_on(device.family, &trail);
            match self.opinion(device, &trail, rule, query.received) {
                Opinion::Block(Ground::Said(said)) => {
                    let purpose = rule.map_or(judged.purpose, |rule| rule.purpose);
                    Some((purpose, Ground::Chain { name: name.clone(), said }))
                }
                // Not being needed is no fault of a name that is merely passed through.
                Opinion::Allow(_) | Opinion::Block(_) => None,
            }
        });
        let rebinding = || {
            let outside =
                |addr: IpAddr| self.outside_networks.iter().any(|net| net.contains(&addr.to_canonical()));
            let found = reached.inside.iter().find(|(_, addr)| !outside(*addr))?;
            let at_home = self.house_zones.iter().any(|zone| query.qname.is_at_or_below(zone));
            (!at_home)
                .then(|| (judged.purpose, Ground::Rebinding { name: found.0.clone(), address: found.1 }))
        };
        match blocked.or_else(rebinding) {
            None => judged,
            Some((purpose, ground)) => self.rule_on(device, purpose, Opinion::Block(ground)),
        }
    }

    /// Makes a judgment of an opinion.
    fn rule_on(&self, device: &Device, purpose: Purpose, opinion: Opinion) -> Judged {
        let observe_only = self.policy(device.policy).is_some_and(|policy| policy.observe_only);
        match opinion {
            Opinion::Allow(ground) => Judged { blocked: false, purpose, ground, observed: None },
            // Rebinding attacks the house itself, so watching is not enough.
            Opinion::Block(ground) if observe_only && !matches!(ground, Ground::Rebinding { .. }) => {
                Judged { blocked: false, purpose, ground: Ground::Default, observed: Some(ground) }
            }
            Opinion::Block(ground) => Judged { blocked: true, purpose, ground, observed: None },
        }
    }

    /// Returns what to think of a name, asked by `device`.
    //
    //  The order is the strength of the grounds: the household's own word, then
    //  functions, then the catalog, then other people's lists, then the policy.
    fn opinion(&self, device: &Device, trail: &Trail<'_>, rule: Option<&Arc<Rule>>, now: Now) -> Opinion {
        if let Some(exception) = self.exceptions.find(device, trail, now) {
            let ground =
                Said::Exception { place: exception.place.clone(), because: Arc::clone(&exception.because) };
            let ground = Ground::Said(ground);
            return match exception.action {
                Action::Allow => Opinion::Allow(ground),
                Action::Block => Opinion::Block(ground),
            };
        }
        let Some(policy) = self.policy(device.policy) else {
            return Opinion::Allow(Ground::Default);
        };
        if let Some(rule) = rule {
            match rule.purpose {
                Purpose::Function(function) if policy.off.contains(&function) => {
                    return Opinion::Block(Ground::Said(Said::FunctionOff { rule: Arc::clone(rule) }));
                }
                Purpose::Function(_) => {
                    let held_back = self.foreign(policy, device, trail);
                    return Opinion::Allow(Ground::Function { rule: Arc::clone(rule), held_back });
                }
                _ if policy.blocks(rule) => {
                    return Opinion::Block(Ground::Said(Said::Rule { rule: Arc::clone(rule) }));
                }
                _ => {}
            }
        }
        if let Some(rule) = self.foreign(policy, device, trail) {
            return Opinion::Block(Ground::Said(Said::List { rule }));
        }
        if policy.essential_only && device.family.is_some() {
            return Opinion::Block(Ground::EssentialOnly);
        }
        Opinion::Allow(Ground::Default)
    }

    /// Returns the rule by which one of the policy's lists blocks a name.
    fn foreign(&self, policy: &Policy, device: &Device, trail: &Trail<'_>) -> Option<ListRule> {
        let wanted = policy.lists.intersection(self.lists.concerned(device.family));
        self.lists.find(trail, wanted)
    }
}

#[cfg(test)]
mod tests;
