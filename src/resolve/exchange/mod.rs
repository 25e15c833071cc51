//! One question to one server, over UDP and if need be TCP: what going down from
//! the root and asking other resolvers have in common.
//!
//! Begin with [`Exchange::ask`].  Every query has a socket to itself, and so a
//! random port, and a random ID; nothing of the client is in it.  What does not
//! match its question is not looked at further ([RFC 5452]).
//!
//! [RFC 5452]: https://www.rfc-editor.org/rfc/rfc5452

pub(super) mod budget;
mod lenient;
mod network;
pub(super) mod servers;
mod sockets;
pub(super) mod trouble;
pub(super) mod wire;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hickory_proto::op::Message;
use hickory_proto::rr::Name;
use hickory_proto::rr::RecordType;

use super::stats::Counters;
use super::stats::Limit;
use super::stats::Sent;
use crate::query::Transport;
use budget::Budget;
use servers::Servers;
use trouble::Trouble;
use wire::Manner;

pub use network::Network;
pub use network::Reply;
pub use network::take;
pub(super) use sockets::Sockets;

/// How long the whole of an exchange over TCP may take.
const TCP_PATIENCE: Duration = Duration::from_secs(3);

//----------- Query ------------------------------------------------------------

/// What is asked of a server.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Query {
    /// The name asked for.
    pub(super) name: Name,
    /// The type asked for.
    pub(super) rtype: RecordType,
    /// RD: the server shall ask others.
    pub(super) recursion_desired: bool,
    /// CD: the server shall not check signatures, for we do.
    pub(super) checking_disabled: bool,
    /// How long to wait for a datagram in return.
    pub(super) patience: Duration,
}

impl Query {
    /// Returns how it is written for a server of which this much is known.
    fn manner(&self, edns: bool, mixed: bool) -> Manner {
        let Self { recursion_desired, checking_disabled, .. } = *self;
        // Resolvers are near, and some of them lose the case of letters.
        let mixed = mixed && !recursion_desired;
        Manner { edns, mixed, recursion_desired, checking_disabled, hidden_in: None }
    }

    /// Writes it for a transport in which nobody can read it.
    pub(super) fn padded(&self, hidden_in: Transport) -> Option<Vec<u8>> {
        let manner = Manner { hidden_in: Some(hidden_in), ..self.manner(true, false) };
        wire::request(&self.name, self.rtype, manner)
    }
}

//----------- Exchange ---------------------------------------------------------

/// Asks servers, and knows what is known of them.
pub(super) struct Exchange {
    /// Who carries queries to servers.
    pub(super) network: Arc<dyn Network>,
    /// What is known of servers.
    pub(super) servers: Servers,
    /// What was counted.
    pub(super) counters: Arc<Counters>,
}

impl Exchange {
    /// Returns one that knows nothing of servers yet.
    pub(super) fn new(network: Arc<dyn Network>, counters: Arc<Counters>) -> Self {
        Self { network, servers: Servers::default(), counters }
    }

    /// Asks a server.  Any RCODE is a reply here.
    pub(super) async fn ask(
        &self,
        query: &Query,
        server: SocketAddr,
        budget: &Budget,
    ) -> Result<Message, Trouble> {
        let now = self.network.moment();
        let (edns, mixed) = self.servers.manners(server, now);
        let mut manner = query.manner(edns, mixed);
        let mut reply = self.ask_once(query, server, manner, budget).await?;
        if edns && wire::knows_no_edns(&reply) {
            manner.edns = false;
            reply = self.ask_once(query, server, manner, budget).await?;
            // Otherwise it is something else that it does not know.
            if !wire::knows_no_edns(&reply) {
                self.servers.took_edns(server, false, self.network.moment());
            }
        } else if edns && reply.edns.is_some() {
            self.servers.took_edns(server, true, now);
        }
        Ok(reply)
    }

    /// Sends a query over UDP, and over TCP if that does not do.
    async fn ask_once(
        &self,
        query: &Query,
        server: SocketAddr,
        manner: Manner,
        budget: &Budget,
    ) -> Result<Message, Trouble> {
        let reply = match self.send(query, server, manner, false, budget).await {
            Ok(reply) => reply,
            Err(error) => {
                let moment = self.network.moment();
                let manner = Manner { mixed: false, ..manner };
                match error {
                    Failed::Trouble(trouble) => return Err(trouble),
                    Failed::NearMiss => return self.over_tcp(query, server, manner, budget).await,
                    Failed::Case => self.servers.mangles_case(server, moment),
                }
                match self.over_tcp(query, server, manner, budget).await {
                    // A server without TCP is asked as everybody else asks it.
                    Err(trouble) if !trouble.is_final() => {
                        match self.send(query, server, manner, false, budget).await {
                            Ok(reply) => reply,
                            Err(_) => return Err(trouble),
                        }
                    }
                    result => return result,
                }
            }
        };
        if reply.metadata.truncation {
            return self.over_tcp(query, server, manner, budget).await;
        }
        Ok(reply)
    }

    /// Sends a query over TCP.
    async fn over_tcp(
        &self,
        query: &Query,
        server: SocketAddr,
        manner: Manner,
        budget: &Budget,
    ) -> Result<Message, Trouble> {
        match self.send(query, server, manner, true, budget).await {
            // There is no other way to get the rest, and a part is no answer (RFC 2181
            // section 9).
            Ok(reply) if reply.metadata.truncation => Err(Trouble::Nonsense),
            Ok(reply) => Ok(reply),
            Err(Failed::Trouble(trouble)) => Err(trouble),
            Err(_) => Err(Trouble::Nonsense),
        }
    }

    /// Sends a query once, on the budget, and notes how it went.
    async fn send(
        &self,
        query: &Query,
        server: SocketAddr,
        manner: Manner,
        tcp: bool,
        budget: &Budget,
    ) -> Result<Message, Failed> {
        let request = wire::request(&query.name, query.rtype, manner).ok_or(Trouble::Nonsense)?;
        let (transport, patience) =
            if tcp { (Transport::Tcp, TCP_PATIENCE) } else { (Transport::Udp, query.patience) };
        let before = self.network.moment();
        let sending = self.network.exchange(server, &request, tcp, patience);
        let result = self.counted(sending, transport, budget).await?;
        let now = self.network.moment();
        let reply = result.map_err(|error| match error.kind() {
            io::ErrorKind::TimedOut => Failed::Trouble(Trouble::Silence),
            io::ErrorKind::InvalidData => Failed::NearMiss,
            io::ErrorKind::InvalidInput => Failed::Case,
            kind => {
                self.servers.was_silent(server, now);
                let closed = kind == io::ErrorKind::ConnectionRefused && !tcp;
                Failed::Trouble(if closed { Trouble::Closed } else { Trouble::Unreachable })
            }
        })?;
        self.servers.answered(server, now.saturating_duration_since(before), now);
        Ok(reply.message)
    }

    /// Runs an exchange on the budget, and counts it.
    pub(super) async fn counted<T: AsRef<[u8]>>(
        &self,
        exchange: impl Future<Output = io::Result<T>>,
        transport: Transport,
        budget: &Budget,
    ) -> Result<io::Result<T>, Trouble> {
        budget.take_packet()?;
        let result = exchange.await;
        let sent = match &result {
            Ok(_) => Sent::Answer,
            Err(error) if error.kind() == io::ErrorKind::TimedOut => Sent::Timeout,
            Err(_) => Sent::Error,
        };
        self.counters.sent(transport, sent);
        if let Ok(reply) = &result {
            budget.take(Limit::Octets, reply.as_ref().len())?;
        }
        Ok(result)
    }
}

/// Why a query has no reply.
enum Failed {
    /// Somebody may be guessing.
    NearMiss,
    /// The case of letters was lost.
    Case,
    /// Something else.
    Trouble(Trouble),
}

impl From<Trouble> for Failed {
    fn from(trouble: Trouble) -> Self {
        Self::Trouble(trouble)
    }
}
