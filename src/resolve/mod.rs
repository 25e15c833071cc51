//! From a permit to an answer: what is known already, or by asking outside.
//!
//! [`Resolve`] is the only way out of the house, and it wants a
//! [`Permit`](crate::policy::Permit).  Everything here knows names and no
//! people: no device, no verdict.  An answer is judged for its asker
//! afterwards, wherever it came from.

mod answering;
pub mod cache;
pub mod data;
mod dates;
mod demand;
mod designated;
mod exchange;
mod failures;
pub mod file;
mod forward;
mod iterate;
mod line;
pub mod names;
mod old_types;
mod reached;
mod resolver;
mod rootkeys;
mod saved;
pub mod settings;
mod special;
pub mod stats;
pub mod upstream;
mod ways;
pub mod wire;
mod work;
mod zones;

use std::fmt;
use std::future::Future;
use std::sync::Arc;

use crate::base::Now;
use crate::policy::Permit;
use crate::policy::Reached;

pub use answering::Foreseen;
pub use cache::AnswerCache;
pub use data::AnswerData;
pub use designated::Designated;
pub use exchange::Network;
pub use exchange::Reply;
pub use exchange::take;
pub use file::File;
pub use forward::Choice;
pub use forward::Server;
pub use forward::ServerError;
pub use resolver::Resolver;
pub use rootkeys::MAX_ROOT_KEYS;
pub use rootkeys::RootKeysError;
pub use saved::MAX_SAVED;
pub use saved::SavedError;
pub use settings::Mode;
pub use settings::Settings;
pub use settings::SettingsError;
pub use stats::Stats;
pub use upstream::Question;
pub use upstream::Upstream;

//----------- Resolve ----------------------------------------------------------

/// Turns permits into answers.
pub trait Resolve: Send + Sync {
    /// Resolves what `permit` allows.  Time is an argument: TTLs and
    /// signatures are compared with `now` and never with a clock.
    fn resolve(
        &self,
        permit: &Permit<'_>,
        now: Now,
    ) -> impl Future<Output = Result<Resolved, Failure>> + Send;

    /// Returns an answer that is there already.  Neither waits nor asks; none
    /// means that [`resolve`](Self::resolve) may know more.
    fn at_hand(&self, _permit: &Permit<'_>, _now: Now) -> Option<Resolved> {
        None
    }
}

//----------- Resolved ---------------------------------------------------------

/// An answer, positive or negative.
#[derive(Clone, Debug)]
pub struct Resolved {
    /// The data.
    pub data: Arc<AnswerData>,
    /// How long it has been in the cache, in seconds; TTLs are shown less this.
    pub age: u32,
    /// Where it came from this time.
    pub origin: Origin,
}

impl Resolved {
    /// Returns the names and addresses that the answer leads to.  One that we
    /// made ourselves leads nowhere: `localhost` is inside, and rightly so.
    pub fn reached(&self) -> &Reached {
        static NOWHERE: Reached = Reached { names: Vec::new(), inside: Vec::new() };
        if self.origin == Origin::Local { &NOWHERE } else { &self.data.reached }
    }
}

/// Where an answer came from.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Origin {
    /// From the policy: it was blocked.
    Policy,
    /// From ourselves: special-use names.
    Local,
    /// From the cache.
    Cache,
    /// From the cache although its time is up (RFC 8767).
    Stale,
    /// By asking down from the root.
    Recursion,
    /// By asking another recursive resolver.
    Forward,
}

impl Origin {
    /// All origins.
    pub const ALL: [Self; 6] =
        [Self::Policy, Self::Local, Self::Cache, Self::Stale, Self::Recursion, Self::Forward];

    /// Returns the word for it in metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Policy => "policy",
            Self::Local => "local",
            Self::Cache => "cache",
            Self::Stale => "stale",
            Self::Recursion => "recursion",
            Self::Forward => "forward",
        }
    }
}

//----------- Failure ----------------------------------------------------------

/// Why there is no answer.  The client gets SERVFAIL and the extended DNS
/// error that fits.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Failure {
    /// What kind of failure.
    pub kind: FailureKind,
    /// What happened, for people.
    pub detail: String,
    /// Where the answer was sought.
    pub origin: Origin,
}

/// The kinds of failure.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum FailureKind {
    /// The data is there and fails validation.
    Bogus(Flaw),
    /// Nobody answered in time.
    Timeout,
    /// No server knew the zone and was willing to say so.
    Unreachable,
    /// Queries could not be sent, or what came back made no sense.
    Network,
    /// A work limit was reached.
    Limit,
    /// There is a fault in this program.
    Fault,
}

/// What is wrong with data that fails validation, as far as extended DNS errors
/// tell it apart ([RFC 8914 section 4]).
///
/// [RFC 8914 section 4]: https://www.rfc-editor.org/rfc/rfc8914#section-4
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Flaw {
    /// A signature is wrong, or something else.
    Other,
    /// The signatures have expired.
    Expired,
    /// The signatures are of the future.
    NotYetValid,
    /// The key is missing that is trusted or that has signed.
    NoKey,
    /// There are no signatures.
    NoSignature,
    /// The key is none that may sign a zone.
    NoZoneKey,
    /// It is not proven that there is nothing.
    NoProof,
}

/// Why data that is signed is taken as if it were not ([RFC 8914 section 4]).
///
/// [RFC 8914 section 4]: https://www.rfc-editor.org/rfc/rfc8914#section-4
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Unsupported {
    /// No key of the zone has an algorithm that we know.
    Algorithm,
    /// No digest of its keys is of a kind that we know.
    Digest,
    /// To look at its proofs takes more iterations than that is worth (RFC 9276
    /// section 3.2).
    Iterations,
}

impl Failure {
    /// Returns whether the data is there and fails validation.
    pub(crate) fn is_bogus(&self) -> bool {
        matches!(self.kind, FailureKind::Bogus(_))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.detail)
    }
}

#[cfg(test)]
mod tests;
