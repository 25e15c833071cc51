//! What becomes of a datagram that takes the road: it is turned away at the
//! door, or gets a task of its own and an answer once there is one.
//!
//! Apart from the sockets, because both kinds of them ([`udp`](super::udp) and
//! [`fast`](super::fast)) hand over here what they do not answer at once.

use std::borrow::Cow;
use std::future::Future;
use std::io;
use std::net::IpAddr;
use std::net::SocketAddr;
use std::sync::Arc;

use hickory_net::xfer::Protocol;
use hickory_proto::op::ResponseCode;
use hickory_server::server::Request;
use tokio::runtime::Handle;

use super::door::Door;
use super::door::Reply;
use crate::answer;
use crate::base::Now;
use crate::pipeline::Dropped;
use crate::query::Transport;
use crate::resolve::Resolve;

/// A datagram that came in.
#[derive(Clone, Copy, Debug)]
pub(super) struct Datagram<'a> {
    /// What it says.
    pub(super) bytes: &'a [u8],
    /// Who sent it.
    pub(super) peer: SocketAddr,
    /// To which address of ours, where the socket has several.
    pub(super) asked: Option<IpAddr>,
}

/// The way back to whoever sent a datagram.
pub(super) trait WayBack: Send + Sync + 'static {
    /// Sends a response; may wait for room in the socket.
    fn send(&self, response: &[u8]) -> impl Future<Output = io::Result<()>> + Send;

    /// Sends a response if there is room in the socket.
    fn try_send(&self, response: &[u8]) -> io::Result<()>;
}

/// Takes in a datagram that was received at a moment.
pub(super) fn take<R: Resolve + 'static>(
    door: &Arc<Door<R>>,
    datagram: Datagram<'_>,
    received: Now,
    back: impl WayBack,
    runtime: &Handle,
) {
    let Datagram { bytes, peer, asked } = datagram;
    let reply = match door.glance(bytes, peer) {
        Some(reply) => reply,
        None => match (Request::from_bytes(bytes.to_vec(), peer, Protocol::Udp), door.take_place()) {
            (Err(_), _) => Reply::TurnAway(ResponseCode::FormErr),
            (Ok(_), None) => Reply::Nothing(Dropped::Overload),
            (Ok(request), Some(place)) => {
                let door = Arc::clone(door);
                runtime.spawn(async move {
                    let reply = door.serve(&request, asked, Transport::Udp, received).await;
                    let reply = send(&back, reply, &request).await;
                    door.note(reply, Transport::Udp, received);
                    drop(place);
                });
                return;
            }
        },
    };
    if let Reply::TurnAway(rcode) = reply {
        // Not worth waiting for if the socket's buffer is full.
        let _ = back.try_send(&turn_away(bytes, None, rcode));
    }
    door.note(reply, Transport::Udp, received);
}

/// Sends what a reply says.  Returns what to note.
async fn send(back: &impl WayBack, reply: Reply, request: &Request) -> Reply {
    let bytes = match &reply {
        Reply::Served(served, _) => Cow::Borrowed(&*served.response.wire),
        Reply::TurnAway(rcode) => Cow::Owned(turn_away(request.as_slice(), Some(request), *rcode)),
        Reply::Nothing(_) => return reply,
    };
    match back.send(&bytes).await {
        Ok(()) => reply,
        Err(error) => {
            tracing::debug!(%error, peer = %request.src(), "sending a response");
            Reply::Nothing(Dropped::SendFailed)
        }
    }
}

/// Returns the response to a packet that does not go down the road.  `request`
/// is what could be read of it.
fn turn_away(packet: &[u8], request: Option<&Request>, rcode: ResponseCode) -> Vec<u8> {
    let word = |at: usize| packet.get(at..at + 2).map_or(0, |two| u16::from(two[0]) << 8 | u16::from(two[1]));
    let question =
        request.filter(|request| request.queries.len() == 1).map(|request| request.queries.as_bytes());
    let edns = request.is_some_and(|request| request.edns.is_some());
    answer::turn_away(word(0), word(2), question, rcode.into(), edns)
}
