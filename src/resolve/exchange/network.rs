//! [`Network`]: sending a query and waiting for its reply.
//!
//! A trait, so that tests can be the Internet.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;
use std::time::Instant;

use async_trait::async_trait;
use hickory_proto::op::Message;

use super::wire;
use super::wire::Seen;

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
    pub(super) fn read(query: &[u8], reply: &[u8]) -> Option<Self> {
        let message = wire::read(query, reply)?;
        Some(Self { octets: reply.to_vec(), message })
    }
}

impl AsRef<[u8]> for Reply {
    fn as_ref(&self) -> &[u8] {
        &self.octets
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
