//! Datagrams: queries in, responses out.
//!
//! Sockets of our own instead of hickory-server's, because a response must
//! leave from the address that was asked.  A resolver listening on `[::]` has
//! several addresses on one link, and a client takes an answer from another
//! one for a forgery.  The rest is hickory's: its request type, and the same
//! [`Door`] as its TCP listener.

use std::borrow::Cow;
use std::io;
use std::io::IoSliceMut;
use std::net::IpAddr;
use std::net::SocketAddr;
use std::sync::Arc;

use hickory_net::xfer::Protocol;
use hickory_proto::op::ResponseCode;
use hickory_server::server::Request;
use quinn_udp::RecvMeta;
use quinn_udp::Transmit;
use quinn_udp::UdpSocketState;
use tokio::io::Interest;
use tokio::net::UdpSocket;
use tokio::sync::watch;

use super::door::Door;
use super::door::Reply;
use crate::answer;
use crate::pipeline::Dropped;
use crate::query::Transport;
use crate::resolve::Resolve;

/// Datagrams read at once.
const BATCH: usize = 16;

/// Room for one read, in octets: the kernel may join several datagrams of one
/// sender (UDP_GRO), up to the largest there are.
const ROOM: usize = 64 * 1024;

/// How often the socket is emptied after the last order to stop: what had
/// arrived by then is still answered.
const LAST_READS: usize = 64;

/// A socket that knows which of our addresses was asked.
pub struct UdpListener {
    /// The socket.
    socket: UdpSocket,
    /// How to read and write with it.
    state: UdpSocketState,
}

impl UdpListener {
    /// Takes a bound socket.
    pub fn new(socket: std::net::UdpSocket) -> io::Result<Self> {
        socket.set_nonblocking(true)?;
        let state = UdpSocketState::new((&socket).into())?;
        Ok(Self { socket: UdpSocket::from_std(socket)?, state })
    }

    /// Answers queries until `stop` says so, and then what had come by then.
    pub async fn run<R: Resolve + 'static>(self, door: Arc<Door<R>>, mut stop: watch::Receiver<bool>) {
        let this = Arc::new(self);
        let mut room = vec![0u8; BATCH * ROOM];
        let mut metas = [RecvMeta::default(); BATCH];
        loop {
            let read = tokio::select! {
                biased;
                _ = stop.wait_for(|stop| *stop) => break,
                read = this.read(&mut room, &mut metas) => read,
            };
            match read {
                Ok(count) => this.take(&door, &room, &metas[..count]),
                Err(error) => {
                    // ICMP errors of earlier answers surface here and mean nothing.
                    tracing::debug!(%error, "reading from a UDP socket");
                    tokio::task::yield_now().await;
                }
            }
        }
        for _ in 0..LAST_READS {
            match this.try_read(&mut room, &mut metas) {
                Ok(count) => this.take(&door, &room, &metas[..count]),
                Err(_) => break,
            }
        }
    }

    /// Waits for datagrams.
    async fn read(&self, room: &mut [u8], metas: &mut [RecvMeta]) -> io::Result<usize> {
        self.socket.async_io(Interest::READABLE, || self.try_read(room, metas)).await
    }

    /// Reads the datagrams that are there.
    fn try_read(&self, room: &mut [u8], metas: &mut [RecvMeta]) -> io::Result<usize> {
        let mut slices: Vec<_> = room.chunks_mut(ROOM).map(IoSliceMut::new).collect();
        self.state.recv((&self.socket).into(), &mut slices, metas)
    }

    /// Takes in what was read.
    fn take<R: Resolve + 'static>(self: &Arc<Self>, door: &Arc<Door<R>>, room: &[u8], metas: &[RecvMeta]) {
        for (slice, meta) in room.chunks(ROOM).zip(metas) {
            let joined = slice.get(..meta.len).unwrap_or_default();
            for packet in joined.chunks(meta.stride.max(1)) {
                self.take_packet(door, packet, meta.addr, meta.dst_ip);
            }
        }
    }

    /// Takes in one packet: answers it at once or gives it a task.
    fn take_packet<R: Resolve + 'static>(
        self: &Arc<Self>,
        door: &Arc<Door<R>>,
        packet: &[u8],
        peer: SocketAddr,
        asked: Option<IpAddr>,
    ) {
        let received = door.now();
        let reply = match door.glance(packet, peer) {
            Some(reply) => reply,
            None => match (Request::from_bytes(packet.to_vec(), peer, Protocol::Udp), door.take_place()) {
                (Err(_), _) => Reply::TurnAway(ResponseCode::FormErr),
                (Ok(_), None) => Reply::Nothing(Dropped::Overload),
                (Ok(request), Some(place)) => {
                    let this = Arc::clone(self);
                    let door = Arc::clone(door);
                    tokio::spawn(async move {
                        let reply = door.serve(&request, asked, Transport::Udp, received).await;
                        let reply = this.send(reply, &request, peer, asked).await;
                        door.note(reply, Transport::Udp, received);
                        drop(place);
                    });
                    return;
                }
            },
        };
        if let Reply::TurnAway(rcode) = reply {
            let bytes = turn_away(packet, None, rcode);
            // Not worth waiting for if the socket's buffer is full.
            let _ = self.state.try_send((&self.socket).into(), &transmit(&bytes, peer, asked));
        }
        door.note(reply, Transport::Udp, received);
    }

    /// Sends what a reply says.  Returns what to note.
    async fn send(&self, reply: Reply, request: &Request, peer: SocketAddr, asked: Option<IpAddr>) -> Reply {
        let bytes = match &reply {
            Reply::Served(served, _) => Cow::Borrowed(&*served.response.wire),
            Reply::TurnAway(rcode) => Cow::Owned(turn_away(request.as_slice(), Some(request), *rcode)),
            Reply::Nothing(_) => return reply,
        };
        let transmit = transmit(&bytes, peer, asked);
        let send = || self.state.try_send((&self.socket).into(), &transmit);
        match self.socket.async_io(Interest::WRITABLE, send).await {
            Ok(()) => reply,
            Err(error) => {
                tracing::debug!(%error, %peer, "sending a response");
                Reply::Nothing(Dropped::SendFailed)
            }
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

/// Addresses a response.
fn transmit(contents: &[u8], destination: SocketAddr, asked: Option<IpAddr>) -> Transmit<'_> {
    Transmit { destination, ecn: None, contents, segment_size: None, src_ip: asked }
}
