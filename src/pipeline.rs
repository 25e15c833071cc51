//! The road of a query, as one short function.  Start reading here.

use std::sync::Arc;

use crate::answer;
use crate::answer::Answer;
use crate::answer::Blocked;
use crate::answer::Response;
use crate::catalog::Catalog;
use crate::device::Device;
use crate::device::Registry;
use crate::policy::Judged;
use crate::policy::Policies;
use crate::policy::Verdict;
use crate::query::Query;
use crate::query::Transport;
use crate::resolve::Resolve;

//----------- serve ------------------------------------------------------------

/// Takes a query down the road.  Every way out is a [`Served`], so there is no
/// leaving early unobserved.
pub async fn serve(query: Query, house: &Household, resolver: &impl Resolve) -> Served {
    let asked = query.borrowed();
    let device = house.devices.identify(&query.client, &house.catalog);
    let rule = house.catalog.rule(device.family, asked.qname);
    let (judged, verdict) = house.policies.judge(asked, &device, rule);
    let Verdict::Allow(permit) = verdict else {
        return Served::blocked(query, device, judged, house);
    };
    let resolved = match resolver.resolve(&permit, query.received).await {
        Ok(resolved) => resolved,
        Err(failure) => return Served::new(query, device, judged, Answer::Failed(failure), house),
    };
    let judged = house.policies.review(judged, asked, &device, &house.catalog, resolved.reached());
    if judged.is_block() {
        return Served::blocked(query, device, judged, house);
    }
    Served::new(query, device, judged, Answer::Resolved(resolved), house)
}

//----------- Household --------------------------------------------------------

/// What the house knows.  Built from files, never changed, swapped whole on
/// reload.  A query sees one household from the first step to the last.
#[derive(Debug)]
pub struct Household {
    /// The devices that are listed, and what to think of others.
    pub devices: Registry,
    /// What names are for.
    pub catalog: Catalog,
    /// What may be asked for.
    pub policies: Policies,
    /// How a blocked query is answered.
    pub blocked: Blocked,
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
}

impl Served {
    /// Ends the road with an answer.
    fn new(query: Query, device: Device, judged: Judged, answer: Answer, house: &Household) -> Self {
        let response = answer::respond(query.borrowed(), &answer, house.blocked);
        Self { query, device, judged, answer, response }
    }

    /// Ends the road with a block.
    fn blocked(query: Query, device: Device, judged: Judged, house: &Household) -> Self {
        let answer = Answer::Blocked(judged.ground.clone());
        Self::new(query, device, judged, answer, house)
    }
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
    /// The answer could not be sent.
    SendFailed,
}

impl Dropped {
    /// All reasons.
    pub const ALL: [Self; 3] = [Self::NotAQuery, Self::Overload, Self::SendFailed];

    /// Returns the word for it in metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotAQuery => "not-a-query",
            Self::Overload => "overload",
            Self::SendFailed => "send-failed",
        }
    }
}

/// Who is told of events, after the answer has left.  Must not wait.
pub trait Witness: Send + Sync {
    /// Takes note of an event.
    fn note(&self, event: Event);
}
