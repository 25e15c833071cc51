//! [`Sockets`]: the network of the machine.
//!
//! A query over UDP has a socket to itself until it is over, connected to whom it
//! asks, and with it a port that the kernel has just chosen.  Then the socket lets
//! go of both and waits for another query: to open one, tell the runtime of it and
//! close it takes longer than to send the query.

use std::io;
use std::io::Read;
use std::net::SocketAddr;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::time::Duration;
use std::time::Instant;

use async_trait::async_trait;
use socket2::Domain;
use socket2::Protocol;
use socket2::SockRef;
use socket2::Socket;
use socket2::Type;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::io::Interest;
use tokio::net::TcpStream;
use tokio::net::UdpSocket;
use tokio::time::timeout;

use super::network::Network;
use super::network::Reply;
use super::network::take;
use super::wire;
use super::wire::Seen;
use crate::base::time::moment;

/// The most datagrams that are looked at for one query.
const MAX_DATAGRAMS: usize = 64;

/// The largest datagram that is looked at whole, in octets; more than any query
/// allows.
const LARGEST: usize = 4_096;

/// How many sockets of a family wait for another query, at most: as many as there
/// are questions that may be worked on.  They have no port, and nobody can send them
/// anything.
const MAX_IDLE: usize = 256;

/// What a query waits for: a reply, or the word that nobody takes it (ICMP), which
/// is an error of the socket with nothing to read.
const HEARD: Interest = Interest::READABLE.add(Interest::ERROR);

//----------- Sockets ----------------------------------------------------------

/// The network of the machine.  Belongs to the runtime in which it is used first.
#[derive(Debug, Default)]
pub(crate) struct Sockets {
    /// Those that wait for another query: IPv4, IPv6.
    idle: [Mutex<Vec<UdpSocket>>; 2],
}

#[async_trait]
impl Network for Sockets {
    async fn exchange(
        &self,
        server: SocketAddr,
        query: &[u8],
        tcp: bool,
        wait: Duration,
    ) -> io::Result<Reply> {
        let late = Err(io::ErrorKind::TimedOut.into());
        if tcp {
            timeout(wait, over_tcp(server, query)).await.unwrap_or(late)
        } else {
            timeout(wait, self.over_udp(server, query)).await.unwrap_or(late)
        }
    }

    fn moment(&self) -> Instant {
        moment()
    }
}

impl Sockets {
    /// Sends a query in a datagram.
    async fn over_udp(&self, server: SocketAddr, query: &[u8]) -> io::Result<Reply> {
        let socket = self.connected(server)?;
        // At once: it has room, and asking the runtime whether it has would be a turn
        // of its loop.
        SockRef::from(&socket).send(query)?;
        let reply = reply(&socket, query).await;
        self.let_go(socket, server);
        reply
    }

    /// Returns a socket that has a random port from here on, where the kernel drops
    /// what others send.
    fn connected(&self, server: SocketAddr) -> io::Result<UdpSocket> {
        let idle = self.idle(server).pop();
        if let Some(socket) = idle {
            SockRef::from(&socket).connect(&server.into())?;
            if is_empty(&socket) {
                return Ok(socket);
            }
        }
        let socket =
            Socket::new(Domain::for_address(server), Type::DGRAM.nonblocking(), Some(Protocol::UDP))?;
        socket.connect(&server.into())?;
        UdpSocket::from_std(socket.into())
    }

    /// Takes back a socket whose query is over, without port and peer.  Where others
    /// wait already, it is closed; so it is where a query is given up.
    fn let_go(&self, socket: UdpSocket, server: SocketAddr) {
        // Elsewhere it may keep its port.
        if cfg!(target_os = "linux") && rustix::net::connect_unspec(&socket).is_ok() {
            let mut idle = self.idle(server);
            if idle.len() < MAX_IDLE {
                idle.push(socket);
            }
        }
    }

    /// Locks the sockets that wait for a query to a server of this family.
    fn idle(&self, server: SocketAddr) -> MutexGuard<'_, Vec<UdpSocket>> {
        let [four, six] = &self.idle;
        let idle = if server.is_ipv4() { four } else { six };
        idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns whether there is nothing in a socket that was for the query before: what
/// came while it let go, or what the kernel had to say.
fn is_empty(socket: &UdpSocket) -> bool {
    let nothing = |error: &io::Error| error.kind() == io::ErrorKind::WouldBlock;
    let looked = (&*SockRef::from(socket)).read(&mut [0]);
    let is_empty = looked.as_ref().is_err_and(nothing);
    // What the runtime knows of it is from before as well.
    let _ = socket.try_io(Interest::READABLE, || looked);
    is_empty
}

/// Waits for the reply to a query.
async fn reply(socket: &UdpSocket, query: &[u8]) -> io::Result<Reply> {
    for _ in 0..MAX_DATAGRAMS {
        let ready = socket.ready(HEARD).await?;
        let interest = if ready.is_readable() { Interest::READABLE } else { Interest::ERROR };
        if let Some(result) = receive(socket, interest, query) {
            return result;
        }
    }
    Err(io::ErrorKind::InvalidData.into())
}

/// Takes the datagram or the error that is there and returns what it means for the
/// wait; nothing if it goes on.
//
//  The room for it is on the stack and for this moment only: on the heap, a
//  thousand waits would take 4 MiB of it, and leave gaps behind.
fn receive(socket: &UdpSocket, interest: Interest, query: &[u8]) -> Option<io::Result<Reply>> {
    let mut room = [0; LARGEST];
    match socket.try_io(interest, || (&*SockRef::from(socket)).read(&mut room)) {
        Ok(length) => take(query, room.get(..length).unwrap_or_default()),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => None,
        Err(error) => Some(Err(error)),
    }
}

/// Sends a query over a stream of its own.
async fn over_tcp(server: SocketAddr, query: &[u8]) -> io::Result<Reply> {
    let len = u16::try_from(query.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
    let mut stream = TcpStream::connect(server).await?;
    // RFC 7766 section 8: the length and the message in one go.
    stream.write_all(&[&len.to_be_bytes()[..], query].concat()).await?;
    let len = stream.read_u16().await?;
    let mut reply = vec![0; usize::from(len)];
    stream.read_exact(&mut reply).await?;
    let is_reply = match wire::look(query, &reply) {
        Seen::Reply => true,
        // Nobody guesses here; the server only does not keep the case.
        Seen::NearMiss => wire::lost_case(query, &reply),
        Seen::Noise => false,
    };
    let reply = is_reply.then(|| Reply::read(query, &reply)).flatten();
    reply.ok_or_else(|| io::ErrorKind::InvalidData.into())
}

#[cfg(test)]
mod tests;
