//! hickory's validator, fed by our own exchanges: for answers of other
//! resolvers.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::stream;
use futures_util::stream::Stream;
use hickory_net::NetError;
use hickory_net::runtime::RuntimeProvider;
use hickory_net::runtime::Time;
use hickory_net::runtime::TokioHandle;
use hickory_net::runtime::TokioRuntimeProvider;
use hickory_net::runtime::TokioTime;
use hickory_net::xfer::DnsHandle;
use hickory_proto::op::DnsRequest;
use hickory_proto::op::DnsResponse;
use hickory_proto::op::Message;
use hickory_proto::op::Query;

use super::context;
use super::exchange::Ask;
use super::exchange::Trouble;
use super::forward;
use super::forward::Forwarder;

/// What a handle's answer comes through: a stream of one.
type Answers = Pin<Box<dyn Stream<Item = Result<DnsResponse, NetError>> + Send>>;

/// Makes a stream of one of a future.
fn once(answer: impl Future<Output = Result<DnsResponse, NetError>> + Send + 'static) -> Answers {
    Box::pin(stream::once(answer))
}

//----------- Runtime ----------------------------------------------------------

/// tokio, with the time of the question in place of the clock's.
#[derive(Clone, Default)]
pub(super) struct Runtime(TokioRuntimeProvider);

impl RuntimeProvider for Runtime {
    type Handle = TokioHandle;
    type Timer = QuestionTime;
    type Udp = <TokioRuntimeProvider as RuntimeProvider>::Udp;
    type Tcp = <TokioRuntimeProvider as RuntimeProvider>::Tcp;

    fn create_handle(&self) -> Self::Handle {
        self.0.create_handle()
    }

    fn connect_tcp(
        &self,
        server: SocketAddr,
        bind: Option<SocketAddr>,
        wait_for: Option<Duration>,
    ) -> Pin<Box<dyn Send + Future<Output = Result<Self::Tcp, io::Error>>>> {
        self.0.connect_tcp(server, bind, wait_for)
    }

    fn bind_udp(
        &self,
        local: SocketAddr,
        server: SocketAddr,
    ) -> Pin<Box<dyn Send + Future<Output = Result<Self::Udp, io::Error>>>> {
        self.0.bind_udp(local, server)
    }
}

/// The time at which signatures are looked at: when the question arrived.
#[derive(Clone, Copy)]
pub(super) struct QuestionTime;

#[async_trait]
impl Time for QuestionTime {
    async fn delay_for(duration: Duration) {
        TokioTime::delay_for(duration).await;
    }

    async fn timeout<F: 'static + Future + Send>(
        duration: Duration,
        future: F,
    ) -> Result<F::Output, io::Error> {
        TokioTime::timeout(duration, future).await
    }

    fn current_time() -> u64 {
        u64::try_from(context::now().unix).unwrap_or(0)
    }
}

/// Returns the question of a request.
fn question_of(request: &DnsRequest) -> Result<Query, NetError> {
    request.queries.first().cloned().ok_or(NetError::Message("a request without a question"))
}

/// Returns a trouble as the library knows troubles.
fn to_net_error(trouble: &Trouble) -> NetError {
    match trouble {
        Trouble::Timeout => NetError::Timeout,
        // Nobody else shall be asked either.
        Trouble::Budget => NetError::Msg(trouble.to_string()),
        _ => NetError::from(io::Error::other(trouble.to_string())),
    }
}

//----------- Source -----------------------------------------------------------

/// Where answers come from, not validated: other recursive resolvers, or
/// authoritative servers that are asked without RD.
#[derive(Clone)]
pub(super) struct Source {
    /// Who is asked.
    pub(super) forwarder: Arc<Forwarder>,
    /// RD.
    pub(super) recursion_desired: bool,
}

impl Source {
    /// Asks for an answer.  `checking_disabled` is for other resolvers.
    pub(super) async fn ask(&self, query: Query, checking_disabled: bool) -> Result<Message, NetError> {
        let recursion_desired = self.recursion_desired;
        let ask = Ask { query, recursion_desired, checking_disabled, patience: forward::PATIENCE };
        self.forwarder.ask(&ask).await.map_err(|trouble| to_net_error(&trouble))
    }
}

/// For the validator, which checks whatever comes.
impl DnsHandle for Source {
    type Response = Answers;
    type Runtime = Runtime;

    fn send(&self, request: DnsRequest) -> Answers {
        let this = self.clone();
        once(async move {
            let query = question_of(&request)?;
            // RFC 6840 section 5.9: who validates sets CD.
            let reply = this.ask(query, true).await?;
            DnsResponse::from_message(reply).map_err(NetError::from)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Clock;
    use crate::base::time::ManualClock;

    #[tokio::test]
    async fn signatures_are_looked_at_when_the_question_arrived() {
        let clock = ManualClock::at(1_234_567);
        context::with(clock.now(), async { assert_eq!(QuestionTime::current_time(), 1_234_567) }).await;
    }
}
