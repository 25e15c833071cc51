//! [`Trouble`]: why there is no answer.

use std::fmt;

use hickory_proto::op::ResponseCode;

use crate::resolve::FailureKind;
use crate::resolve::Flaw;
use crate::resolve::stats::Limit;

//----------- Trouble ----------------------------------------------------------

/// Why there is no answer.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(in crate::resolve) enum Trouble {
    /// Nobody answered in time.
    Silence,
    /// No server could be reached.
    Unreachable,
    /// Nobody listens at the server's port, says the network (ICMP).  Whoever guesses
    /// our port can say so: it is worth no more than a query that was lost.
    Closed,
    /// What came was no reply to the question, or made no sense.
    Nonsense,
    /// There were more records in the reply than any honest one has.
    Oversized,
    /// The server says that it cannot or will not.
    Refused(ResponseCode),
    /// The server knows the zone no better than we do.
    Lame,
    /// The zone has no name server with an address that may be asked.
    NoServers,
    /// To find out, we would have to know it already.
    Circle,
    /// The server's certificate is not believed, or what is inside is no DNS.
    Secrecy(String),
    /// No resolver has answered for a while, and somebody else is trying.
    Resting,
    /// Too much work.
    Limit(Limit),
    /// The data is there and fails validation.
    Bogus(Bogus),
}

/// Why data fails validation.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(in crate::resolve) struct Bogus {
    /// What is wrong with it.
    pub(in crate::resolve) flaw: Flaw,
    /// What happened, for people.
    pub(in crate::resolve) why: String,
}

impl Bogus {
    /// Returns what is wrong, and why.
    pub(in crate::resolve) fn new(flaw: Flaw, why: impl Into<String>) -> Self {
        Self { flaw, why: why.into() }
    }
}

impl From<Bogus> for Trouble {
    fn from(bogus: Bogus) -> Self {
        Self::Bogus(bogus)
    }
}

impl Trouble {
    /// Returns whether others should be asked no more either.
    pub(in crate::resolve) fn is_final(&self) -> bool {
        matches!(self, Self::Limit(_))
    }

    /// Returns whether the server itself said nothing, and may yet.
    pub(in crate::resolve) fn is_silence(&self) -> bool {
        matches!(self, Self::Silence | Self::Closed)
    }

    /// Returns whether nobody was there to say anything.
    pub(in crate::resolve) fn is_absence(&self) -> bool {
        let others = matches!(self, Self::Unreachable | Self::NoServers | Self::Resting | Self::Secrecy(_));
        others || self.is_silence()
    }

    /// Returns the limit that was hit, if it is one.
    pub(in crate::resolve) fn limit(&self) -> Option<Limit> {
        match self {
            Self::Limit(limit) => Some(*limit),
            Self::Oversized => Some(Limit::Records),
            _ => None,
        }
    }

    /// Returns what kind of failure it is for the asker.
    pub(in crate::resolve) fn kind(&self) -> FailureKind {
        match self {
            Self::Silence => FailureKind::Timeout,
            Self::Limit(_) | Self::Oversized => FailureKind::Limit,
            Self::Bogus(bogus) => FailureKind::Bogus(bogus.flaw),
            Self::Unreachable | Self::Closed | Self::Nonsense | Self::Secrecy(_) => FailureKind::Network,
            _ => FailureKind::Unreachable,
        }
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Silence => f.write_str("no name server answered in time"),
            Self::Unreachable | Self::Closed => f.write_str("no name server could be reached"),
            Self::Nonsense => f.write_str("the name servers' replies make no sense"),
            Self::Oversized => f.write_str("the name servers' replies have more records than any honest one"),
            Self::Refused(rcode) => write!(f, "the name servers say {rcode}"),
            Self::Lame => f.write_str("the name servers do not know the zone they are said to serve"),
            Self::NoServers => f.write_str("no name server of the zone has an address that may be asked"),
            Self::Circle => f.write_str("the delegations go in a circle"),
            Self::Secrecy(why) => f.write_str(why),
            Self::Resting => f.write_str("no server answers for now"),
            Self::Limit(limit) => write!(f, "more work than one question is worth ({})", limit.as_str()),
            Self::Bogus(bogus) => f.write_str(&bogus.why),
        }
    }
}
