//! Asking other recursive resolvers.
//!
//! For the whole in `forward` mode, and for the zones that only the router
//! knows in any mode.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering;
use std::time::Duration;

use hickory_proto::op::Message;
use hickory_proto::op::ResponseCode;
use tokio::time::timeout;

use super::exchange::Ask;
use super::exchange::Trouble;
use super::stats::Counters;
use crate::base::Clock;
use crate::base::time::SystemClock;

/// How long all servers together may take: clients give up after five seconds.
const DEADLINE: Duration = Duration::from_secs(5);

/// How long a server is waited for: it may have to ask around itself.
pub(super) const PATIENCE: Duration = Duration::from_millis(1_500);

/// How often each server is tried.
const ROUNDS: usize = 2;

/// What a server that did not answer is taken to need, at least, in microseconds.
const LATE: u32 = 1_500_000;

//----------- Server -----------------------------------------------------------

/// A recursive resolver that may be asked.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(super) enum Server {
    /// Over UDP and TCP, in the clear.
    Plain(SocketAddr),
}

/// A server and what is known of it.
#[derive(Debug)]
struct Known {
    /// The server.
    server: Server,
    /// How long it takes to answer, smoothed, in microseconds; 0 at first, so
    /// that everyone is tried.
    srtt: AtomicU32,
}

//----------- Forwarder --------------------------------------------------------

/// Asks one of several servers, the quickest first.
pub(super) struct Forwarder {
    /// The servers.
    servers: Vec<Known>,
    /// What was counted.
    counters: Arc<Counters>,
    /// For measuring how long servers take.
    clock: SystemClock,
}

impl Forwarder {
    /// Returns a forwarder to these servers.
    pub(super) fn new(servers: &[Server], counters: Arc<Counters>) -> Self {
        let servers = servers.iter().map(|&server| Known { server, srtt: AtomicU32::new(0) }).collect();
        Self { servers, counters, clock: SystemClock::default() }
    }

    /// Forgets how long servers take.
    pub(super) fn forget(&self) {
        self.servers.iter().for_each(|known| known.srtt.store(0, Ordering::Relaxed));
    }

    /// Asks the servers until one has an answer.
    pub(super) async fn ask(&self, ask: &Ask) -> Result<Message, Trouble> {
        timeout(DEADLINE, self.ask_in_turn(ask)).await.unwrap_or(Err(Trouble::Timeout))
    }

    /// Asks the servers in turn.
    async fn ask_in_turn(&self, ask: &Ask) -> Result<Message, Trouble> {
        let mut trouble = Trouble::Timeout;
        for _ in 0..ROUNDS {
            for known in self.in_order() {
                trouble = match self.ask_one(known, ask).await {
                    Ok(reply) => match reply.metadata.response_code {
                        ResponseCode::NoError | ResponseCode::NXDomain => return Ok(reply),
                        rcode => Trouble::Rcode(rcode),
                    },
                    Err(trouble) => trouble,
                };
            }
            // Asking again helps against lost packets and not much else.
            if trouble != Trouble::Timeout {
                break;
            }
        }
        Err(trouble)
    }

    /// Asks one server and notes how long it took.
    async fn ask_one(&self, known: &Known, ask: &Ask) -> Result<Message, Trouble> {
        let Server::Plain(address) = known.server;
        let start = self.clock.now().instant;
        let result = ask.send(address, &self.counters).await;
        let took = self.clock.now().instant.saturating_duration_since(start).as_micros();
        let took = u32::try_from(took).unwrap_or(LATE);
        let took = if result.is_ok() { took } else { took.max(LATE) };
        let smooth = |old: u32| Some(if old == 0 { took } else { old - old / 8 + took / 8 }.max(1));
        // The closure always returns something.
        let _ = known.srtt.fetch_update(Ordering::Relaxed, Ordering::Relaxed, smooth);
        // Who was not asked is forgiven a little, or a server that was down
        // once would never be tried again.
        for other in self.servers.iter().filter(|other| other.server != known.server) {
            let forgive = |old: u32| Some(old - old / 64);
            let _ = other.srtt.fetch_update(Ordering::Relaxed, Ordering::Relaxed, forgive);
        }
        result
    }

    /// Returns the servers, the quickest first.
    fn in_order(&self) -> Vec<&Known> {
        let mut order: Vec<_> = self.servers.iter().collect();
        order.sort_by_key(|known| known.srtt.load(Ordering::Relaxed));
        order
    }
}
