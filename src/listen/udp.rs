//! Datagrams over tokio's sockets: for systems without the fast path, and for
//! whoever switched it off.
//!
//! Sockets of our own instead of hickory-server's, because a response must
//! leave from the address that was asked.  A resolver listening on `[::]` has
//! several addresses on one link, and a client takes an answer from another
//! one for a forgery.

use std::io;
use std::io::IoSliceMut;
use std::net::IpAddr;
use std::net::SocketAddr;
use std::sync::Arc;

use quinn_udp::RecvMeta;
use quinn_udp::Transmit;
use quinn_udp::UdpSocketState;
use tokio::io::Interest;
use tokio::net::UdpSocket;
use tokio::runtime::Handle;
use tokio::sync::watch;

use super::datagram;
use super::datagram::Datagram;
use super::datagram::WayBack;
use super::door::Door;
use super::pace::Pace;
use super::pace::Paces;
use super::reply::Reply;
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
        let mut paces = Paces::new();
        loop {
            let read = tokio::select! {
                biased;
                _ = stop.wait_for(|stop| *stop) => break,
                read = this.read(&mut room, &mut metas) => read,
            };
            match read {
                Ok(count) => this.take(&door, &room, &metas[..count], &mut paces),
                Err(error) => {
                    // ICMP errors of earlier answers surface here and mean nothing.
                    tracing::debug!(%error, "reading from a UDP socket");
                    tokio::task::yield_now().await;
                }
            }
        }
        for _ in 0..LAST_READS {
            match this.try_read(&mut room, &mut metas) {
                Ok(count) => this.take(&door, &room, &metas[..count], &mut paces),
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
    fn take<R: Resolve + 'static>(
        self: &Arc<Self>,
        door: &Arc<Door<R>>,
        room: &[u8],
        metas: &[RecvMeta],
        paces: &mut Paces,
    ) {
        let runtime = Handle::current();
        let home = door.home();
        for (slice, meta) in room.chunks(ROOM).zip(metas) {
            let joined = slice.get(..meta.len).unwrap_or_default();
            for bytes in joined.chunks(meta.stride.max(1)) {
                let datagram = Datagram { bytes, peer: meta.addr, asked: meta.dst_ip };
                let back = Back { listener: Arc::clone(self), peer: meta.addr, asked: meta.dst_ip };
                let received = door.now();
                match paces.asks(meta.addr.ip(), home.access.pace(meta.addr.ip()), received) {
                    Pace::Kept => {
                        datagram::take(door, datagram, received, back, &runtime);
                        continue;
                    }
                    Pace::Slip => {
                        let mut come = Vec::new();
                        answer::ask_over_tcp(bytes, &mut come);
                        // Not worth waiting for if the socket's buffer is full.
                        let _ = back.try_send(&come);
                    }
                    Pace::Drop => {}
                }
                door.note(Reply::Nothing(Dropped::RateLimit), Transport::Udp, received);
            }
        }
    }
}

/// The way back to a client.
struct Back {
    /// The socket it came in through.
    listener: Arc<UdpListener>,
    /// Who asked.
    peer: SocketAddr,
    /// Which address of ours was asked.
    asked: Option<IpAddr>,
}

impl WayBack for Back {
    async fn send(&self, response: &[u8]) -> io::Result<()> {
        self.listener.socket.async_io(Interest::WRITABLE, || self.try_send(response)).await
    }

    fn try_send(&self, response: &[u8]) -> io::Result<()> {
        let transmit = Transmit {
            destination: self.peer,
            ecn: None,
            contents: response,
            segment_size: None,
            src_ip: self.asked,
        };
        self.listener.state.try_send((&self.listener.socket).into(), &transmit)
    }
}
