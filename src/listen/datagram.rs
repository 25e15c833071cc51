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

use super::door::Door;
use super::inquiry::Arrival;
use super::inquiry::Intake;
use super::inquiry::take_in;
use crate::base::Now;
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
    match take_in(door, bytes, Arrival { peer, asked, transport: Transport::Udp, received }) {
        Intake::TurnedAway(turned_away) => {
            if !turned_away.wire.is_empty() {
                // Not worth waiting for if the socket's buffer is full.
                let _ = back.try_send(&turned_away.wire);
            }
            turned_away.note(true);
        }
        Intake::Inquiry(inquiry) => {
            runtime.spawn(async move {
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
            });
        }
    }
}
