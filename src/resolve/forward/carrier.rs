//! [`Carrier`]: taking a question to one server and bringing back its reply.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use async_trait::async_trait;
use hickory_proto::op::Message;
use rustls::Error as TlsError;

use super::https::Refused;
use super::live::Live;
use crate::query::Transport;
use crate::resolve::exchange;
use crate::resolve::exchange::Ask;
use crate::resolve::exchange::Trouble;
use crate::resolve::stats::Counters;

/// How long a question over a connection may take, making one included.
const PATIENCE: Duration = Duration::from_secs(3);

//----------- Carrier ----------------------------------------------------------

/// Takes questions to a server.
#[async_trait]
pub(super) trait Carrier: Send + Sync {
    /// Asks once.  Any RCODE is a reply here.
    async fn carry(&self, ask: &Ask, counters: &Counters) -> Result<Message, Trouble>;

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
    async fn carry(&self, ask: &Ask, counters: &Counters) -> Result<Message, Trouble> {
        ask.send(self.0, counters).await
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
    async fn carry(&self, ask: &Ask, counters: &Counters) -> Result<Message, Trouble> {
        let request = ask.padded(self.transport);
        let wire = request.to_vec().map_err(|_| Trouble::Nonsense)?;
        let asking = async {
            let reply = self.live.ask(&wire).await.map_err(trouble)?;
            exchange::read_reply(&reply, &request).ok_or(Trouble::Nonsense)
        };
        exchange::counted(asking, PATIENCE, self.transport, counters).await
    }

    fn forget(&self) {
        self.live.leave();
    }
}

/// Returns what an error of a connection means.
fn trouble(error: io::Error) -> Trouble {
    let inner = error.get_ref();
    if let Some(tls) = inner.and_then(|inner| inner.downcast_ref::<TlsError>()) {
        return Trouble::Secrecy(tls.to_string());
    }
    if let Some(refused) = inner.and_then(|inner| inner.downcast_ref::<Refused>()) {
        return Trouble::Secrecy(refused.to_string());
    }
    error.into()
}
