//! From the octets of a query to those of its response, whatever they came
//! through.
//!
//! ```text
//!   octets ─▶ take_in ──┬─▶ turned away at once
//!                       └─▶ Inquiry ─▶ the road ─▶ Answered ─▶ sent or not
//! ```
//!
//! An inquiry holds its place among the queries in hand from here until its
//! answer has left, and whatever becomes of it is noted.

use std::sync::Arc;

use hickory_proto::op::ResponseCode;
use hickory_server::net::xfer::Protocol;
use hickory_server::server::Request;

use super::arrival::Arrival;
use super::door::Door;
use super::options;
use super::places::Place;
use super::reply::Reply;
use crate::answer;
use crate::pipeline::Dropped;
use crate::query::Transport;
use crate::resolve::Resolve;

/// What a message turned out to be.
pub(super) enum Intake<R: Resolve + 'static> {
    /// A query that takes the road.
    Inquiry(Inquiry<R>),
    /// Something that was turned away at once.
    TurnedAway(Answered<R>),
}

/// Takes in a message.
pub(super) fn take_in<R: Resolve + 'static>(
    door: &Arc<Door<R>>,
    message: &[u8],
    arrival: Arrival,
) -> Intake<R> {
    let turned_away = |reply| {
        let note = Note { door: Arc::clone(door), arrival: arrival.clone(), due: true };
        let wire = match &reply {
            Reply::TurnAway(rcode) => turn_away(message, None, *rcode),
            Reply::Served(..) | Reply::Nothing(_) => Vec::new(),
        };
        Intake::TurnedAway(Answered { wire, reply, note, _place: None })
    };
    if let Some(reply) = door.glance(message, arrival.peer) {
        return turned_away(reply);
    }
    if arrival.is_check && door.is_leaving() {
        return turned_away(Reply::TurnAway(ResponseCode::ServFail));
    }
    let protocol = if arrival.transport == Transport::Udp { Protocol::Udp } else { Protocol::Tcp };
    let request = may_have_its_questions(message)
        .then(|| Request::from_bytes(message.to_vec(), arrival.peer, protocol).ok())
        .flatten();
    let Some(request) = request else {
        return turned_away(Reply::TurnAway(ResponseCode::FormErr));
    };
    match door.take_place(arrival.peer.ip()) {
        Ok(place) => {
            let note = Note { door: Arc::clone(door), arrival, due: true };
            Intake::Inquiry(Inquiry { request, note, place })
        }
        Err(why) => turned_away(Reply::Nothing(why)),
    }
}

/// Returns whether a message can have as many questions as its header says: the
/// library makes room for all of them, 65,535 in a packet of 12 octets.
fn may_have_its_questions(message: &[u8]) -> bool {
    /// The root, a type and a class (RFC 1035 section 4.1.2).
    const SHORTEST: usize = 5;
    let count = message.get(4..6).map_or(0, |two| usize::from(two[0]) << 8 | usize::from(two[1]));
    count * SHORTEST <= message.len()
}

//----------- Inquiry ----------------------------------------------------------

/// A query in hand.
pub(super) struct Inquiry<R: Resolve + 'static> {
    /// What it says.
    request: Request,
    /// What has to be noted of it.
    note: Note<R>,
    /// Its place among the queries in hand.
    place: Place,
}

impl<R: Resolve + 'static> Inquiry<R> {
    /// Takes it down the road.
    pub(super) async fn answer(self) -> Answered<R> {
        let mut reply = self.note.door.serve(&self.request, &self.note.arrival).await;
        // Not before: it would be kept twice while it waits.
        let Self { request, note, place } = self;
        let mut wire = match &mut reply {
            Reply::Served(served, _) => std::mem::take(&mut served.response.wire),
            Reply::TurnAway(rcode) => turn_away(request.as_slice(), Some(&request), *rcode),
            Reply::Nothing(_) => Vec::new(),
        };
        options::add(&request, note.arrival.transport, &note.door.home().offer.nsid, &mut wire);
        Answered { wire, reply, note, _place: Some(place) }
    }
}

//----------- Answered ---------------------------------------------------------

/// What became of a query, with its response.
pub(super) struct Answered<R: Resolve + 'static> {
    /// The response; empty if there is to be none.
    pub(super) wire: Vec<u8>,
    /// What became of it.
    pub(super) reply: Reply,
    /// What has to be noted.
    note: Note<R>,
    /// Given back once the answer has left.
    _place: Option<Place>,
}

impl<R: Resolve + 'static> Answered<R> {
    /// Returns for how long it may be kept, in seconds.
    pub(super) fn max_age(&self) -> u32 {
        match &self.reply {
            Reply::Served(served, house) => served.answer.ttl(house.blocked),
            Reply::TurnAway(_) | Reply::Nothing(_) => 0,
        }
    }

    /// Takes note of it, now that the response has left or could not be sent.
    pub(super) fn note(mut self, sent: bool) {
        self.note.due = false;
        let (transport, received) = (self.note.arrival.transport, self.note.arrival.received);
        let reply = match self.reply {
            Reply::Nothing(why) => Reply::Nothing(why),
            reply if sent => reply,
            _ => Reply::Nothing(Dropped::SendFailed),
        };
        self.note.door.note(reply, transport, received);
    }
}

/// What has to be noted, even if nobody comes to do it: a client may go away
/// with its connection.
struct Note<R: Resolve + 'static> {
    /// Where it is noted.
    door: Arc<Door<R>>,
    /// Of what.
    arrival: Arrival,
    /// Whether it has yet to be.
    due: bool,
}

impl<R: Resolve + 'static> Drop for Note<R> {
    fn drop(&mut self) {
        if self.due {
            let Arrival { transport, received, .. } = self.arrival;
            self.door.note(Reply::Nothing(Dropped::SendFailed), transport, received);
        }
    }
}

/// Returns the response to a message that does not go down the road.  `request`
/// is what could be read of it.
fn turn_away(message: &[u8], request: Option<&Request>, rcode: ResponseCode) -> Vec<u8> {
    let word =
        |at: usize| message.get(at..at + 2).map_or(0, |two| u16::from(two[0]) << 8 | u16::from(two[1]));
    let question =
        request.filter(|request| request.queries.len() == 1).map(|request| request.queries.as_bytes());
    let edns = request.is_some_and(|request| request.edns.is_some());
    answer::turn_away(word(0), word(2), question, rcode.into(), edns)
}
