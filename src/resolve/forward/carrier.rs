//! [`Carrier`]: taking a question to one server and bringing back its reply.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use async_trait::async_trait;
use hickory_proto::op::Message;
use rustls::Error as TlsError;
use tokio::time::timeout;

use super::https::Refused;
use super::live::Live;
use crate::query::Transport;
use crate::resolve::exchange::Exchange;
use crate::resolve::exchange::Query;
use crate::resolve::exchange::budget::Budget;
use crate::resolve::exchange::trouble::Trouble;
use crate::resolve::exchange::wire;
use crate::resolve::exchange::wire::Seen;

/// How long a question over a connection may take, making one included.
const PATIENCE: Duration = Duration::from_secs(3);

//----------- Carrier ----------------------------------------------------------

/// Takes questions to a server.
#[async_trait]
pub(super) trait Carrier: Send + Sync {
    /// Asks once.  Any RCODE is a reply here.
    async fn carry(&self, query: &Query, exchange: &Exchange, budget: &Budget) -> Result<Message, Trouble>;

    /// Leaves what was opened: the house has another way out.
    fn forget(&self) {}

    /// Returns whether a question may get lost on the way.
    fn loses(&self) -> bool {
        false
    }
}

/// In the clear: in datagrams, and if need be over a stream.
pub(super) struct Plain(pub(super) SocketAddr);

#[async_trait]
impl Carrier for Plain {
    async fn carry(&self, query: &Query, exchange: &Exchange, budget: &Budget) -> Result<Message, Trouble> {
        exchange.ask(query, self.0, budget).await
    }

    fn loses(&self) -> bool {
        true
    }
}

/// Behind TLS, where nobody on the way can read it, nor tell by its length.
pub(super) struct Encrypted {
    /// The connection.
    pub(super) live: Live,
    /// What it is counted as.
    pub(super) transport: Transport,
}

#[async_trait]
impl Carrier for Encrypted {
    async fn carry(&self, query: &Query, exchange: &Exchange, budget: &Budget) -> Result<Message, Trouble> {
        let request = query.padded(self.transport).ok_or(Trouble::Nonsense)?;
        let asking = async {
            let late = Err(io::ErrorKind::TimedOut.into());
            timeout(PATIENCE, self.live.ask(&request)).await.unwrap_or(late)
        };
        let reply =
            exchange.counted(asking, self.transport, budget).await?.map_err(|error| trouble(&error))?;
        let is_reply = wire::look(&request, &reply) == Seen::Reply;
        wire::read(&request, &reply).filter(|_| is_reply).ok_or(Trouble::Nonsense)
    }

    fn forget(&self) {
        self.live.leave();
    }
}

/// Returns what an error of a connection means.
fn trouble(error: &io::Error) -> Trouble {
    let inner = error.get_ref();
    if let Some(tls) = inner.and_then(|inner| inner.downcast_ref::<TlsError>()) {
        return Trouble::Secrecy(tls.to_string());
    }
    if let Some(refused) = inner.and_then(|inner| inner.downcast_ref::<Refused>()) {
        return Trouble::Secrecy(refused.to_string());
    }
    match error.kind() {
        io::ErrorKind::TimedOut => Trouble::Silence,
        _ => Trouble::Unreachable,
    }
}
