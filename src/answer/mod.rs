//! From an outcome to the response message: the RCODE, the sections, the
//! extended DNS error, the size.
//!
//! There is always an answer.  [`respond`] never fails.

use hickory_proto::op::Message;
use hickory_proto::op::ResponseCode;

use crate::policy::Ground;
use crate::query::Query;
use crate::resolve::Failure;
use crate::resolve::Origin;
use crate::resolve::Resolved;

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

//----------- Response ---------------------------------------------------------

/// A response, ready to be sent.
#[derive(Clone, Debug)]
pub struct Response {
    /// The message, whole: not yet cut to what a datagram holds.
    message: Message,
}

impl Response {
    /// Returns the message, for listeners that send messages.
    pub fn message(&self) -> &Message {
        &self.message
    }

    /// Returns the RCODE.
    pub fn rcode(&self) -> ResponseCode {
        self.message.metadata.response_code
    }
}

/// Makes the response to a query.
pub fn respond(_query: &Query, _answer: &Answer, _blocked: Blocked) -> Response {
    todo!("the answer room")
}
