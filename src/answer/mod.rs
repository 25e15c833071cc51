//! From an outcome to the response message: the RCODE, the sections, the
//! extended DNS error, the size.
//!
//! There is always an answer.  [`respond`] never fails.

mod blocked;
mod data;
mod ede;
mod wire;

use hickory_proto::op::Edns;
use hickory_proto::op::Message;
use hickory_proto::op::OpCode;
use hickory_proto::op::Query as Question;
use hickory_proto::op::ResponseCode;

use crate::policy::Ground;
use crate::query::Query;
use crate::resolve::Failure;
use crate::resolve::Origin;
use crate::resolve::Resolved;
use crate::resolve::names;

pub use wire::Response;
pub use wire::UDP_SIZE;
pub use wire::turn_away;

//----------- Blocked ----------------------------------------------------------

/// How a blocked query is answered.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum BlockedAnswer {
    /// `0.0.0.0` and `::`, and NODATA for types without an address.
    ZeroAddress,
    /// NXDOMAIN.
    #[default]
    NxDomain,
    /// NOERROR without an answer.
    NoData,
    /// REFUSED.
    Refused,
}

/// `[blocked]`: how a blocked query is answered, and for how long that holds.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Blocked {
    /// The form of the answer.
    pub answer: BlockedAnswer,
    /// The TTL of the answer, in seconds.
    pub ttl: u32,
}

//----------- Answer -----------------------------------------------------------

/// How the road ended.
#[derive(Clone, Debug)]
pub enum Answer {
    /// The policy blocked the query, on this ground.
    Blocked(Ground),
    /// There was no answer to be had.
    Failed(Failure),
    /// There was.
    Resolved(Resolved),
}

impl Answer {
    /// Returns where the answer came from.
    pub fn origin(&self) -> Origin {
        match self {
            Self::Blocked(_) => Origin::Policy,
            Self::Failed(failure) => failure.origin,
            Self::Resolved(resolved) => resolved.origin,
        }
    }
}

//----------- respond ----------------------------------------------------------

/// Makes the response to a query.
pub fn respond(query: &Query, answer: &Answer, blocked: Blocked) -> Response {
    let mut message = Message::response(query.id, OpCode::Query);
    message.metadata.recursion_desired = query.recursion_desired;
    message.metadata.recursion_available = true;
    message.metadata.checking_disabled = query.checking_disabled;
    let qname = names::from_wire(&query.qname_as_asked);
    message.add_query(Question::query(qname.clone(), names::to_type(query.qtype)));
    // RFC 6891 section 7: an OPT record for those who sent one.
    let mut edns = query.edns.map(|theirs| {
        let mut ours = Edns::new();
        ours.set_max_payload(UDP_SIZE).set_dnssec_ok(theirs.dnssec_ok);
        ours
    });
    match answer {
        Answer::Blocked(ground) => {
            blocked::fill(&mut message, &qname, query.qtype, blocked);
            if let Some(edns) = &mut edns {
                ede::put_ground(edns, ground);
            }
        }
        Answer::Failed(failure) => {
            message.metadata.response_code = ResponseCode::ServFail;
            if let Some(edns) = &mut edns {
                ede::put_failure(edns, failure);
            }
        }
        Answer::Resolved(resolved) => {
            data::fill(&mut message, query, &qname, resolved);
            if let (Origin::Stale, Some(edns)) = (resolved.origin, &mut edns) {
                ede::put(edns, ede::Code::StaleAnswer, "");
            }
        }
    }
    message.edns = edns;
    Response { message }
}

#[cfg(test)]
mod tests;
