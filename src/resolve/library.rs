//! hickory's recursor and validator, fed by our own exchanges.
//!
//! The recursor is a stopgap until an iterator of our own stands, and this is
//! where both touch it.  It does its own thinking and none of its own sending:
//! time-outs, budget, counting and what counts as a failed server are ours,
//! because with its own one dead or lame name server of two is enough to fail.

use std::io;
use std::net::IpAddr;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::future::Ready;
use futures_util::future::ready;
use futures_util::stream;
use futures_util::stream::Stream;
use hickory_net::DnsError;
use hickory_net::NetError;
use hickory_net::NoRecords;
use hickory_net::runtime::RuntimeProvider;
use hickory_net::runtime::Time;
use hickory_net::runtime::TokioHandle;
use hickory_net::runtime::TokioRuntimeProvider;
use hickory_net::runtime::TokioTime;
use hickory_net::xfer::DnsHandle;
use hickory_proto::op::DnsRequest;
use hickory_proto::op::DnsResponse;
use hickory_proto::op::Message;
use hickory_proto::op::OpCode;
use hickory_proto::op::Query;
use hickory_proto::op::ResponseCode;
use hickory_proto::rr::RecordType;
use hickory_resolver::ConnectionProvider;
use hickory_resolver::PoolContext;
use hickory_resolver::config::ConnectionConfig;
use hickory_resolver::recursor::Recursor;
use hickory_resolver::recursor::RecursorError;

use super::context;
use super::exchange::Ask;
use super::exchange::Trouble;
use super::forward;
use super::forward::Forwarder;
use super::late::Late;
use super::stats::Counters;

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

//----------- Wire -------------------------------------------------------------

/// How the recursor reaches name servers: through our exchanges.
#[derive(Clone)]
pub(super) struct Wire {
    /// Whether IPv4 is used.
    pub(super) ipv4: bool,
    /// Whether IPv6 is used.
    pub(super) ipv6: bool,
    /// What was counted.
    pub(super) counters: Arc<Counters>,
    /// Which servers have not answered lately.
    pub(super) late: Arc<Late>,
    /// What the library wants to see.
    pub(super) runtime: Runtime,
}

impl ConnectionProvider for Wire {
    type Conn = NameServer;
    type FutureConn = Ready<Result<NameServer, NetError>>;
    type RuntimeProvider = Runtime;

    fn new_connection(
        &self,
        ip: IpAddr,
        config: &ConnectionConfig,
        _: &PoolContext,
    ) -> Result<Self::FutureConn, NetError> {
        let wanted = if ip.is_ipv4() { self.ipv4 } else { self.ipv6 };
        if !wanted {
            // The pool goes on to the next server.
            return Err(NetError::NoConnections);
        }
        let address = SocketAddr::new(ip, config.port);
        let (counters, late) = (Arc::clone(&self.counters), Arc::clone(&self.late));
        Ok(ready(Ok(NameServer { address, counters, late })))
    }

    fn runtime_provider(&self) -> &Self::RuntimeProvider {
        &self.runtime
    }
}

/// A name server.
#[derive(Clone)]
pub(super) struct NameServer {
    /// Where it is.
    address: SocketAddr,
    /// What was counted.
    counters: Arc<Counters>,
    /// Which servers have not answered lately.
    late: Arc<Late>,
}

impl DnsHandle for NameServer {
    type Response = Answers;
    type Runtime = Runtime;

    fn send(&self, request: DnsRequest) -> Answers {
        let this = self.clone();
        once(async move {
            let query = question_of(&request)?;
            let server = this.address.ip();
            let patience = this.late.patience(server);
            let ask = Ask { query, recursion_desired: false, checking_disabled: false, patience };
            let result = ask.send(this.address, &this.counters).await;
            this.late.note(server, &result);
            let mut reply = result.map_err(|trouble| to_net_error(&trouble))?;
            match reply.metadata.response_code {
                ResponseCode::NoError | ResponseCode::NXDomain => {}
                // As if it could not be reached: only then are others asked.
                rcode => return Err(NetError::from(io::Error::other(Trouble::Rcode(rcode).to_string()))),
            }
            // More addresses than any pool needs: 13 servers with two each.
            reply.additionals.truncate(26);
            DnsResponse::from_message(reply).map_err(NetError::from)
        })
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

/// Where answers come from, not validated.
#[derive(Clone)]
pub(super) enum Source {
    /// From other recursive resolvers, or from authoritative servers that are
    /// asked without RD.
    Forward {
        /// Who is asked.
        forwarder: Arc<Forwarder>,
        /// RD.
        recursion_desired: bool,
    },
    /// From the root down.
    Recurse(Arc<Recursor<Wire>>),
}

/// What [`Source`] says when the name is an alias of one that has no data: the
/// recursor loses the alias then, and whoever validates needs it.
pub(super) const ALIAS_TO_NOTHING: &str = "an alias of a name without data";

impl Source {
    /// Asks for an answer.  `checking_disabled` is for other resolvers.
    pub(super) async fn ask(&self, query: Query, checking_disabled: bool) -> Result<Message, NetError> {
        match self {
            Self::Forward { forwarder, recursion_desired } => {
                let recursion_desired = *recursion_desired;
                let ask = Ask { query, recursion_desired, checking_disabled, patience: forward::PATIENCE };
                forwarder.ask(&ask).await.map_err(|trouble| to_net_error(&trouble))
            }
            Self::Recurse(recursor) => {
                let result = recursor.resolve(query.clone(), context::now().instant, true).await;
                result.map_err(|error| from_recursor(error, &query))
            }
        }
    }
}

/// Returns the recursor's error, which may be a negative answer.
fn from_recursor(error: RecursorError, asked: &Query) -> NetError {
    match error {
        RecursorError::Negative(data) if !data.is_no_records_found() => {
            NetError::Message("the name servers answered with data of others")
        }
        RecursorError::Negative(data) if data.query.name() != asked.name() => {
            NetError::Message(ALIAS_TO_NOTHING)
        }
        RecursorError::Negative(data) => NetError::from(DnsError::NoRecordsFound(NoRecords::from(data))),
        RecursorError::Net(error) => error,
        RecursorError::Timeout => NetError::Timeout,
        error => NetError::Msg(error.to_string()),
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
            // The validator looks for zone cuts by asking for NS, and takes any
            // error for an attack.  An alias is no zone cut (RFC 2181 section
            // 10.1), and to say so a reply without records is enough.
            let seeks_cut = query.query_type() == RecordType::NS;
            // RFC 6840 section 5.9: who validates sets CD.
            let reply = match this.ask(query.clone(), true).await {
                Err(NetError::Message(ALIAS_TO_NOTHING)) if seeks_cut => {
                    let mut reply = Message::response(0, OpCode::Query);
                    reply.add_query(query);
                    reply
                }
                result => result?,
            };
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

    #[test]
    fn a_family_that_is_switched_off_is_not_asked() {
        let wire = Wire {
            ipv4: true,
            ipv6: false,
            counters: Arc::default(),
            late: Arc::default(),
            runtime: Runtime::default(),
        };
        let config = ConnectionConfig::udp();
        let options = hickory_resolver::config::ResolverOpts::default();
        let cx = PoolContext::new(options, hickory_resolver::TlsConfig::new().unwrap());
        assert!(wire.new_connection([192, 0, 2, 1].into(), &config, &cx).is_ok());
        let v6 = IpAddr::from(std::net::Ipv6Addr::LOCALHOST);
        assert!(matches!(wire.new_connection(v6, &config, &cx), Err(NetError::NoConnections)));
    }
}
