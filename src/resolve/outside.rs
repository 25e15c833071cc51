//! [`Outside`]: the ways out of the house, put together: a source, the
//! validation of what it says, and aliases followed step by step where need be.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use hickory_net::DnsError;
use hickory_net::NetError;
use hickory_proto::op::Message;
use hickory_proto::op::Query;
use hickory_proto::op::ResponseCode;
use hickory_proto::rr::Name;
use hickory_proto::rr::RData;
use hickory_proto::rr::Record;
use hickory_proto::rr::RecordType;
use tokio::time::timeout;

use super::AnswerData;
use super::Failure;
use super::FailureKind;
use super::Flaw;
use super::Origin;
use super::context;
use super::dnssec::Validator;
use super::library::Source;
use super::names;
use super::reached::MAX_ALIASES;
use super::stats::Counters;
use super::stats::Security;
use super::upstream::Question;
use super::upstream::Upstream;
use crate::base::Domain;
use crate::base::Now;

/// How long work on a question may take.  Its asker has given up by then, and
/// the next one profits.
const DEADLINE: Duration = Duration::from_secs(10);

//----------- Outside ----------------------------------------------------------

/// A way out of the house.
pub(super) struct Outside {
    /// Where answers come from.
    pub(super) source: Source,
    /// Who checks them, if anyone.
    pub(super) validator: Option<Validator>,
    /// Names at and below which nobody checks (RFC 7646).
    pub(super) unchecked: Vec<Domain>,
    /// What kind of way this is.
    pub(super) origin: Origin,
    /// What was counted.
    pub(super) counters: Arc<Counters>,
}

/// What was found out so far.
struct Found {
    /// The RCODE.
    rcode: ResponseCode,
    /// The answer section.
    answers: Vec<Record>,
    /// The authority section.
    authorities: Vec<Record>,
    /// What it is worth.
    security: Security,
}

#[async_trait]
impl Upstream for Outside {
    async fn fetch(&self, question: &Question, now: Now) -> Result<AnswerData, Failure> {
        context::with(now, async {
            let found = timeout(DEADLINE, self.find(question)).await;
            let found = found.unwrap_or(Err(NetError::Timeout)).map_err(|error| self.failure(&error))?;
            self.counters.validated(found.security);
            if found.security == Security::Bogus {
                let detail = format!("{} fails DNSSEC validation", question.name);
                return Err(Failure { kind: FailureKind::Bogus(Flaw::Other), detail, origin: self.origin });
            }
            let secure = found.security == Security::Secure;
            Ok(AnswerData::new(question, found.rcode, found.answers, found.authorities, secure))
        })
        .await
    }

    fn network_changed(&self) {
        self.source.forwarder.forget();
    }

    fn origin(&self) -> Origin {
        self.origin
    }
}

impl Outside {
    /// Finds the answer to a question.
    async fn find(&self, question: &Question) -> Result<Found, NetError> {
        let query = Query::query(names::to_name(&question.name), names::to_type(question.rtype));
        let whole = self.ask(&query, question.checking_disabled).await;
        // The validator sees a chain of aliases as one answer of one zone, and
        // is wrong where it ends in nothing or crosses zones.
        let broken = whole.as_ref().is_ok_and(|found| {
            found.security == Security::Bogus && alias_of(query.name(), &found.answers).is_some()
        });
        if broken && query.query_type() != RecordType::CNAME {
            return self.find_by_steps(query, question.checking_disabled).await;
        }
        whole
    }

    /// Finds an answer alias by alias, each looked at by itself.
    async fn find_by_steps(&self, mut query: Query, checking_disabled: bool) -> Result<Found, NetError> {
        let mut chain = Vec::new();
        let mut security = Security::Secure;
        for _ in 0..MAX_ALIASES {
            let alias = Query::query(query.name().clone(), RecordType::CNAME);
            let step = self.ask(&alias, checking_disabled).await?;
            let Some(target) = alias_of(alias.name(), &step.answers) else {
                let mut last = self.ask(&query, checking_disabled).await?;
                chain.append(&mut last.answers);
                let security = security.max(last.security);
                return Ok(Found { answers: chain, security, ..last });
            };
            security = security.max(step.security);
            chain.extend(step.answers);
            query = Query::query(target, query.query_type());
        }
        Err(NetError::Message("a chain of aliases without an end"))
    }

    /// Asks once, with or without validation.
    async fn ask(&self, query: &Query, checking_disabled: bool) -> Result<Found, NetError> {
        let (reply, security) = match &self.validator {
            Some(validator) if !checking_disabled && self.is_checked(query.name()) => {
                validator.ask(query.clone()).await?
            }
            // Who has switched checking off here wants it off everywhere.
            validator => {
                let checking_disabled = checking_disabled || validator.is_some();
                let reply = self.source.ask(query.clone(), checking_disabled).await.or_else(negative)?;
                (reply, Security::Indeterminate)
            }
        };
        let rcode = reply.metadata.response_code;
        Ok(Found { rcode, answers: reply.answers, authorities: reply.authorities, security })
    }

    /// Returns whether signatures below a name are checked.
    fn is_checked(&self, name: &Name) -> bool {
        let name = names::to_domain(name);
        !self.unchecked.iter().any(|above| name.is_at_or_below(above))
    }

    /// Returns a failure out of an error of the library.
    fn failure(&self, error: &NetError) -> Failure {
        let detail = error.to_string();
        let kind = match error {
            _ if context::exhausted() => FailureKind::Limit,
            NetError::Dns(DnsError::DnssecBogus) => FailureKind::Bogus(Flaw::Other),
            NetError::Timeout => FailureKind::Timeout,
            _ if detail.contains("limit exceeded") || detail.contains("budget exceeded") => {
                FailureKind::Limit
            }
            _ if detail.contains("timed out") => FailureKind::Timeout,
            _ => FailureKind::Unreachable,
        };
        Failure { kind, detail, origin: self.origin }
    }
}

/// Returns the negative answer in an error, if it is one.
fn negative(error: NetError) -> Result<Message, NetError> {
    let NetError::Dns(DnsError::NoRecordsFound(none)) = error else { return Err(error) };
    let mut reply = Message::response(0, hickory_proto::op::OpCode::Query);
    reply.metadata.response_code = none.response_code;
    let soa = none.soa.map(|soa| soa.into_record_of_rdata());
    reply.authorities = none.authorities.iter().flat_map(|records| records.iter()).cloned().collect();
    if let Some(soa) = soa
        && !reply.authorities.iter().any(|record| record.record_type() == RecordType::SOA)
    {
        reply.authorities.push(soa);
    }
    Ok(reply)
}

/// Returns what a name is an alias of.
fn alias_of(name: &Name, answers: &[Record]) -> Option<Name> {
    answers.iter().find_map(|record| match &record.data {
        RData::CNAME(target) if record.name == *name => Some(target.0.clone()),
        _ => None,
    })
}
