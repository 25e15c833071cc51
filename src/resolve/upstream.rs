//! [`Upstream`]: a way of getting answers from outside.
//!
//! A trait, because there are two ways today and tests have a third: answers
//! from a script.

use async_trait::async_trait;

use super::AnswerData;
use super::Failure;
use super::Origin;
use crate::base::Domain;
use crate::base::Now;
use crate::query::Rtype;

/// What is to be found out.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Question {
    /// The name.
    pub name: Domain,
    /// The type.
    pub rtype: Rtype,
    /// Whether data that fails validation is wanted too (CD).
    pub checking_disabled: bool,
}

/// A way of getting answers.
///
/// Implementations always ask for DNSSEC records (DO), so that one answer
/// serves those who want them and those who don't.
#[async_trait]
pub trait Upstream: Send + Sync {
    /// Gets the answer to a question.  Ends by itself, within seconds.
    async fn fetch(&self, question: &Question, now: Now) -> Result<AnswerData, Failure>;

    /// Gets an answer anew that is known and about to have had its time.  What
    /// an implementation keeps for itself must not be given as new.
    async fn renew(&self, question: &Question, now: Now) -> Result<AnswerData, Failure> {
        self.fetch(question, now).await
    }

    /// Forgets what was learned of servers: the house has another way out.
    fn network_changed(&self) {}

    /// Returns what kind of way this is.
    fn origin(&self) -> Origin;
}
