//! What becomes of a datagram that takes the road: it is turned away at the
//! door, or gets a task of its own and an answer once there is one.
//!
//! Apart from the sockets, because both kinds of them ([`udp`](super::udp) and
//! [`fast`](super::fast)) hand over here what they do not answer at once.

use std::future::Future;
use std::io;
use std::net::IpAddr;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::runtime::Handle;

use super::arrival::Arrival;
use super::door::Door;
use super::inquiry::Intake;
use super::inquiry::take_in;
use super::proxy;
use super::reply::Reply;
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
    let Some((bytes, arrival)) = unwrap(door, datagram, received) else {
        return door.note(Reply::Nothing(Dropped::ProxyHeader), Transport::Udp, received);
    };
    let peer = arrival.peer;
    match take_in(door, bytes, arrival) {
        Intake::TurnedAway(turned_away) => {
            if !turned_away.wire.is_empty() {
                // Not worth waiting for if the socket's buffer is full.
                let _ = back.try_send(&turned_away.wire);
            }
            turned_away.note(true);
        }
        Intake::Inquiry(inquiry) => {
            // In a box: the runtime aligns tasks to 128 octets, and where one of 3 KiB was, the
            // GNU C library (before 2.38) finds no room for the next.
            runtime.spawn(Box::pin(async move {
                let answered = inquiry.answer().await;
                let sent = answered.wire.is_empty()
                    || match back.send(&answered.wire).await {
                        Ok(()) => true,
                        Err(error) => {
                            tracing::debug!(%error, %peer, "sending a response");
                            false
                        }
                    };
                answered.note(sent);
            }));
        }
    }
}

/// Takes a datagram out of what a proxy put before it; none if a proxy put nothing
/// there that could be read.
fn unwrap<'a, R: Resolve + 'static>(
    door: &Door<R>,
    datagram: Datagram<'a>,
    received: Now,
) -> Option<(&'a [u8], Arrival)> {
    let Datagram { bytes, peer, asked } = datagram;
    let arrival = Arrival { asked, ..Arrival::new(peer, Transport::Udp, received) };
    if !door.home().access.is_proxy(peer.ip()) {
        return Some((bytes, arrival));
    }
    let header = proxy::read(bytes)?;
    Some((bytes.get(header.length..)?, arrival.proxied(header)))
}
