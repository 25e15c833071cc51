//! [`Network`]: sending a query and waiting for its reply.
//!
//! A trait, so that tests can be the Internet.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;
use std::time::Instant;

use async_trait::async_trait;
use hickory_proto::op::Message;
use socket2::Domain;
use socket2::Protocol;
use socket2::Socket;
use socket2::Type;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::net::UdpSocket;
use tokio::time::timeout;

use super::wire;
use super::wire::Seen;
use crate::base::time::moment;

/// The most datagrams that are looked at for one query.
const MAX_DATAGRAMS: usize = 64;

/// The largest datagram that is looked at whole, in octets; more than any query
/// allows.
const LARGEST: usize = 4_096;

//----------- Network ----------------------------------------------------------

/// Who carries queries to servers.
#[async_trait]
pub trait Network: Send + Sync {
    /// Sends a query and returns the reply to it.
    ///
    /// Datagrams that are no reply do not end the wait.  A near miss does: it
    /// is [`io::ErrorKind::InvalidData`], and the query should go over TCP; if
    /// only the case of letters is wrong, [`io::ErrorKind::InvalidInput`].
    async fn exchange(
        &self,
        server: SocketAddr,
        query: &[u8],
        tcp: bool,
        wait: Duration,
    ) -> io::Result<Reply>;

    /// Returns the moment, to measure how long servers take.
    fn moment(&self) -> Instant;
}

//----------- Reply ------------------------------------------------------------

/// A reply, read once.
#[derive(Clone, Debug)]
pub struct Reply {
    /// It as it came.
    pub octets: Vec<u8>,
    /// What it says.
    pub(super) message: Message,
}

impl Reply {
    /// Reads the reply to a query, if it can be read.
    fn read(query: &[u8], reply: &[u8]) -> Option<Self> {
        let message = wire::read(query, reply)?;
        Some(Self { octets: reply.to_vec(), message })
    }
}

impl AsRef<[u8]> for Reply {
    fn as_ref(&self) -> &[u8] {
        &self.octets
    }
}

//----------- Sockets ----------------------------------------------------------

/// The network of the machine.  Every query has a socket of its own, and so a
/// random port.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Sockets;

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
            timeout(wait, over_udp(server, query)).await.unwrap_or(late)
        }
    }

    fn moment(&self) -> Instant {
        moment()
    }
}

/// Sends a query in a datagram.
async fn over_udp(server: SocketAddr, query: &[u8]) -> io::Result<Reply> {
    let socket = UdpSocket::from_std(sent(server, query)?)?;
    for _ in 0..MAX_DATAGRAMS {
        socket.readable().await?;
        if let Some(result) = receive(&socket, query) {
            return result;
        }
    }
    Err(io::ErrorKind::InvalidData.into())
}

/// Sends a query through a socket of its own, at once: a new one has room for
/// it, and asking the runtime whether it has would be a turn of its loop.
fn sent(server: SocketAddr, query: &[u8]) -> io::Result<std::net::UdpSocket> {
    let socket = Socket::new(Domain::for_address(server), Type::DGRAM.nonblocking(), Some(Protocol::UDP))?;
    // From here on it has a random port; and the kernel drops what others send,
    // and tells of unreachable ports.
    socket.connect(&server.into())?;
    socket.send(query)?;
    Ok(socket.into())
}

/// Takes the datagram that is there and returns what it means for the wait;
/// nothing if it goes on.
//
//  The room for it is on the stack and for this moment only: on the heap, a
//  thousand waits would take 4 MiB of it, and leave gaps behind.
fn receive(socket: &UdpSocket, query: &[u8]) -> Option<io::Result<Reply>> {
    let mut room = [0; LARGEST];
    match socket.try_recv(&mut room) {
        Ok(length) => take(query, room.get(..length).unwrap_or_default()),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => None,
        Err(error) => Some(Err(error)),
    }
}

/// Returns what a datagram means for the wait; nothing if it goes on.
pub fn take(query: &[u8], reply: &[u8]) -> Option<io::Result<Reply>> {
    match wire::look(query, reply) {
        // What cannot be read is not the end of waiting: it may be forged.
        Seen::Reply => Reply::read(query, reply).map(Ok),
        Seen::NearMiss if wire::lost_case(query, reply) => Some(Err(io::ErrorKind::InvalidInput.into())),
        Seen::NearMiss => Some(Err(io::ErrorKind::InvalidData.into())),
        Seen::Noise => None,
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
