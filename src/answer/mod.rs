//! From an outcome to the octets of the response: the RCODE, the sections, the
//! extended DNS error, the size.
//!
//! There is always an answer.  [`write`] never fails, and once the buffer it
//! writes into has its size, it does not allocate: both roads use it.

mod blocked;
mod ede;
mod options;
mod rcode;
mod truncated;
mod wire;

use crate::policy::Ground;
use crate::query::QueryRef;
use crate::query::Transport;
use crate::resolve::Failure;
use crate::resolve::Origin;
use crate::resolve::Resolved;

use ede::Error;

pub use options::add_options;
pub use truncated::ask_over_tcp;
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
    /// The TTL of the answer, in seconds: what it is at first.
    pub ttl: u32,
    /// What it rises to for whoever asks again and again; at least `ttl`.
    pub max_ttl: u32,
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

    /// Returns for how long the answer may be kept, in seconds: no longer than any
    /// TTL in it.
    pub fn ttl(&self, blocked: Blocked) -> u32 {
        match self {
            Self::Blocked(_) => blocked.ttl,
            Self::Failed(_) => 0,
            Self::Resolved(resolved) => wire::shown_ttl(resolved.data.ttl, resolved),
        }
    }
}

//----------- Response ---------------------------------------------------------

/// A response, ready to be sent.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Response {
    /// The message.
    pub wire: Vec<u8>,
    /// Its RCODE, with the upper bits that stand in the OPT record.
    pub rcode: u16,
}

/// Makes the response to a query, no larger than its transport and its client
/// take.
pub fn respond(query: QueryRef<'_>, answer: &Answer, blocked: Blocked) -> Response {
    let mut wire = Vec::with_capacity(512);
    let rcode = write(query, answer, blocked, limit(query), &mut wire);
    Response { wire, rcode }
}

/// Returns the most octets that a response to `query` may have.
pub fn limit(query: QueryRef<'_>) -> usize {
    match query.transport {
        Transport::Udp => wire::udp_limit(query),
        Transport::Tcp | Transport::Dot | Transport::Doh => usize::from(u16::MAX),
    }
}

//----------- write ------------------------------------------------------------

/// Writes the response to a query into `out`, which is emptied before, in at
/// most `limit` octets; a limit below 512 counts as 512.  Returns the RCODE.
///
/// What does not fit gets TC, and the client asks again over TCP.
//
//  Sections go as a whole: half an answer is of no use to a client that has to
//  ask again anyway (RFC 2181 section 9).  Explanations go first, since they
//  are no reason to ask again (RFC 8914 section 3).
pub fn write(query: QueryRef<'_>, answer: &Answer, blocked: Blocked, limit: usize, out: &mut Vec<u8>) -> u16 {
    out.clear();
    let limit = limit.max(wire::PLAIN_SIZE);
    let (rcode, error) = match answer {
        Answer::Blocked(ground) => {
            let rcode = blocked::write(query, blocked, out);
            (rcode, query.edns.map(|_| Error::of_ground(ground)))
        }
        Answer::Failed(failure) => {
            wire::write_head(query, rcode::SERVFAIL, [0; 3], out);
            (rcode::SERVFAIL, query.edns.map(|_| Error::of_failure(failure)))
        }
        Answer::Resolved(resolved) => {
            let rcode = wire::write_resolved(query, resolved, limit, out);
            let error = match (resolved.origin, resolved.data.unsupported) {
                (Origin::Stale, _) => Some(Error::stale(rcode)),
                (_, unsupported) => unsupported.map(Error::of_unsupported),
            };
            (rcode, error)
        }
    };
    wire::write_edns(query, rcode, error.as_ref(), limit, out);
    rcode
}

#[cfg(test)]
mod tests;
