//! The road of a query, as one short function.  Start reading here.

mod household;
pub mod scribe;
pub mod storms;
pub mod tally;

use std::sync::Arc;
use std::time::Duration;

use crate::answer;
use crate::answer::Answer;
use crate::answer::Blocked;
use crate::answer::Response;
use crate::base::Client;
use crate::base::Now;
use crate::catalog::Purpose;
use crate::device::Device;
use crate::matcher::Trail;
use crate::policy::Judged;
use crate::policy::Verdict;
use crate::query::Query;
use crate::query::QueryRef;
use crate::query::Transport;
use crate::resolve::Failure;
use crate::resolve::Resolve;
use crate::resolve::Resolved;

pub use household::Household;
pub use scribe::Scribe;
pub use storms::Retry;
pub use storms::Storms;
pub use tally::Mark;
pub use tally::Tally;

//----------- The road ---------------------------------------------------------

/// Takes a query down the road.  Every way out is a [`Served`], so there is no
/// leaving early unobserved.
pub async fn serve(query: Query, house: &Household, resolver: &impl Resolve, storms: &Storms) -> Served {
    let device = house.identify_claiming(&query.client, query.claim.as_deref());
    let asked = query.borrowed();
    let (judged, verdict) = judge(asked, &Trail::of(asked.qname), &device, house);
    let end = match verdict {
        Verdict::Block => End::blocked(judged),
        Verdict::Allow(permit) => {
            let outcome = resolver.resolve(&permit, query.received).await;
            review(judged, asked, &device, house, outcome)
        }
    };
    let (blocked, retry) = storms.calm(asked, &end.answer, house.blocked);
    let response = answer::respond(asked, &end.answer, blocked);
    Served { query, device, judged: end.judged, answer: end.answer, response, retry }
}

/// Takes a query down the road as far as it goes without waiting: to a block,
/// or to an answer that is at hand.  Otherwise nothing has happened.  A query
/// that may tell what device it is from goes no way at all: it is to be noted.
pub fn serve_at_once(
    query: QueryRef<'_>,
    device: &Device,
    house: &Household,
    resolver: &impl Resolve,
) -> Option<End> {
    let trail = Trail::of(query.qname);
    if device.is_watched(true)
        && house.catalog.tells(&trail).is_some_and(|against| device.is_watched(against))
    {
        return None;
    }
    let (judged, verdict) = judge(query, &trail, device, house);
    let Verdict::Allow(permit) = verdict else {
        return Some(End::blocked(judged));
    };
    let resolved = resolver.at_hand(&permit, query.received)?;
    Some(review(judged, query, device, house, Ok(resolved)))
}

/// Begins to resolve what everybody in the house may ask for, while it is found
/// out who asks.  The answer will be in the cache; who gets it is judged then.
pub async fn ahead(query: QueryRef<'_>, house: &Household, resolver: &impl Resolve) {
    if let Some(permit) = house.permit_for_everybody(query) {
        // What fails now fails again for the one who asks.
        let _ = resolver.resolve(&permit, query.received).await;
    }
}

/// What the name is for, and whether it may pass.
fn judge<'q>(
    query: QueryRef<'q>,
    trail: &Trail<'_>,
    device: &Device,
    house: &Household,
) -> (Judged, Verdict<'q>) {
    let rule = house.catalog.rule_on(device.family, trail);
    house.policies.judge(query, device, trail, rule)
}

/// Whether what came back is fine.
fn review(
    judged: Judged,
    query: QueryRef<'_>,
    device: &Device,
    house: &Household,
    outcome: Result<Resolved, Failure>,
) -> End {
    let resolved = match outcome {
        Ok(resolved) => resolved,
        Err(failure) => return End { judged, answer: Answer::Failed(failure) },
    };
    let judged = house.policies.review(judged, query, device, &house.catalog, resolved.reached());
    if judged.is_block() {
        return End::blocked(judged);
    }
    End { judged, answer: Answer::Resolved(resolved) }
}

/// Where the road ended.
#[derive(Clone, Debug)]
pub struct End {
    /// The verdict and its ground.
    pub judged: Judged,
    /// How it ended.
    pub answer: Answer,
}

impl End {
    /// Ends the road with a block.
    fn blocked(judged: Judged) -> Self {
        let answer = Answer::Blocked(judged.ground.clone());
        Self { judged, answer }
    }
}

//----------- Served -----------------------------------------------------------

/// The record of one query: everything that was known and done.
#[derive(Clone, Debug)]
pub struct Served {
    /// The query.
    pub query: Query,
    /// Who asked.
    pub device: Device,
    /// The verdict and its ground.
    pub judged: Judged,
    /// How it ended.
    pub answer: Answer,
    /// The response.
    pub response: Response,
    /// Whether it asked again for what was blocked.
    pub retry: Retry,
}

//----------- Event ------------------------------------------------------------

/// What happened at the door: most often, a query was served.
#[derive(Debug)]
pub enum Event {
    /// A query went down the road and was answered, after so many seconds.
    Served {
        /// The record.
        served: Box<Served>,
        /// The catalog and policies it was judged by, for their names.
        house: Arc<Household>,
        /// Seconds from arrival to the answer's leaving.
        seconds: f64,
    },
    /// A query was answered at the door, with this RCODE: refused by the
    /// access list, malformed, of a kind we do not speak.
    TurnedAway {
        /// The RCODE it was answered with.
        rcode: u16,
        /// How it came in.
        transport: Transport,
    },
    /// A client asks for a blocked name again and again, as of now.
    Storm {
        /// What it is known by, in `storms`.
        storm: u64,
        /// Where it is seen whether it goes on.
        storms: Arc<Storms>,
        /// The page of the device.
        page: u16,
        /// What the name is for.
        purpose: Purpose,
        /// How blocked queries are answered.
        blocked: Blocked,
    },
    /// A packet was not answered.
    Dropped(Dropped),
    /// Something on the road panicked; the client got SERVFAIL.
    Panicked,
}

/// Why a packet was not answered.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Dropped {
    /// It was a response (QR=1), or too short to have an ID to answer to.
    NotAQuery,
    /// Too many queries were in hand.
    Overload,
    /// Too many of them were this client's.
    ClientOverload,
    /// Its client asks too fast.  What is told to come by TCP counts too.
    RateLimit,
    /// It had a proxy's header and came from none, or the other way round.
    ProxyHeader,
    /// The answer could not be sent.
    SendFailed,
}

impl Dropped {
    /// All reasons.
    pub const ALL: [Self; 6] = [
        Self::NotAQuery,
        Self::Overload,
        Self::ClientOverload,
        Self::RateLimit,
        Self::ProxyHeader,
        Self::SendFailed,
    ];

    /// Returns the word for it in metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotAQuery => "not-a-query",
            Self::Overload => "overload",
            Self::ClientOverload => "client-overload",
            Self::RateLimit => "rate-limit",
            Self::ProxyHeader => "proxy-header",
            Self::SendFailed => "send-failed",
        }
    }
}

/// What came of finding out who a client is.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Found {
    /// It is a device that is listed.
    Listed,
    /// It is of a family, by its MAC prefix.
    Recognized,
    /// Nothing is known of it.
    Unknown,
    /// A hint would have made its policy weaker and was not believed.
    Refused,
}

impl Found {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Listed, Self::Recognized, Self::Unknown, Self::Refused];

    /// Returns the word for it in metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Listed => "listed",
            Self::Recognized => "recognized",
            Self::Unknown => "unknown",
            Self::Refused => "refused",
        }
    }
}

/// Who is told of events, after the answer has left.  Must not wait.
pub trait Witness: Send + Sync {
    /// Takes note of an event.
    fn note(&self, event: Event);

    /// Returns a tally for a thread that answers at once and tells nobody of
    /// each query.
    fn tally(&self) -> Arc<Tally> {
        Arc::default()
    }

    /// Returns a scribe for such a thread, which notes what the query log is to
    /// hold; none, if there is no such log.
    fn scribe(&self) -> Option<Scribe> {
        None
    }

    /// Takes note that it was found out who a client is, after so long a wait
    /// where there was one.
    fn identified(&self, _client: &Client, _found: Found, _waited: Option<Duration>) {}

    /// Takes note that a client is here.  Not told of each query: of those that
    /// are answered at once, once a second at most.
    fn met(&self, _client: &Client, _now: Now) {}

    /// Returns the page on which queries of a device are counted.
    fn page(&self, _device: &Device, _house: &Household) -> u16 {
        0
    }
}
