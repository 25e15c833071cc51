//! Asking other recursive resolvers.
//!
//! For the whole in `forward` mode, and for the zones that only the router
//! knows in any mode.  Begin with [`Forwarder::ask`].

mod carrier;
mod health;
mod https;
mod live;
mod server;
mod stream;
mod tls;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use std::time::Instant;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use hickory_proto::op::Message;
use hickory_proto::op::ResponseCode;
use hickory_proto::rr::RecordType;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::exchange::Exchange;
use super::exchange::Query;
use super::exchange::budget::Budget;
use super::exchange::trouble::Trouble;
use super::file::File;
use crate::base::Diagnostic;
use crate::base::time::moment;
use crate::query::Transport;
use carrier::Carrier;
use carrier::Encrypted;
use carrier::Plain;
use health::Health;
use https::Https;
use live::Live;
use tls::Secure;

pub use server::Choice;
pub use server::Server;
pub use server::ServerError;

/// How long all servers together may take: clients give up after five seconds.
const DEADLINE: Duration = Duration::from_secs(5);

/// How long a server is waited for over UDP: it may have to ask around itself.
pub(super) const PATIENCE: Duration = Duration::from_secs(2);

/// How long the first server is waited for before the next is asked beside it,
/// where the order is that of the config.
const IN_ORDER: Duration = Duration::from_secs(1);

/// The same where the quickest is asked first: twice what it usually needs, in
/// these bounds.
const BESIDE: [Duration; 2] = [Duration::from_millis(100), Duration::from_millis(600)];

/// How many questions are tried at once while no server answers.
const TRIED_AT_ONCE: usize = 4;

//----------- Forwarder --------------------------------------------------------

/// Asks one of several servers, or the next beside it when it is late.
pub(super) struct Forwarder {
    /// The servers.
    servers: Vec<Arc<Known>>,
    /// Who is asked first.
    choice: Choice,
    /// How they are asked.
    exchange: Arc<Exchange>,
    /// Where moments are counted from.
    start: Instant,
    /// For questions while no server answers.
    few: Semaphore,
}

/// A server and what is known of it.
struct Known {
    /// Where it is.
    address: SocketAddr,
    /// The way to it.
    carrier: Box<dyn Carrier>,
    /// How it is.
    health: Health,
}

/// What is asked, and on whose budget.
#[derive(Clone)]
pub(super) struct Ask {
    /// The question.
    pub(super) query: Query,
    /// How much work is left for it.
    pub(super) budget: Arc<Budget>,
    /// Servers whose answers were no good, to be asked last.
    pub(super) blamed: Vec<SocketAddr>,
}

impl Forwarder {
    /// Returns a forwarder to these servers.  `authorities` are those whose
    /// certificates are believed, in place of those of the Web.
    pub(super) fn new(
        servers: &[Server],
        choice: Choice,
        authorities: Option<&File>,
        exchange: &Arc<Exchange>,
    ) -> Result<Self, Diagnostic> {
        let roots = Arc::new(tls::roots(authorities)?);
        let carrier = |server: &Server| -> (SocketAddr, Box<dyn Carrier>) {
            let carrier: Box<dyn Carrier> = match server.clone() {
                Server::Plain(address) => Box::new(Plain(address)),
                Server::Tls { name, address } => {
                    let connect = Secure { name, address, config: tls::config(&roots, b"dot") };
                    Box::new(Encrypted { live: Live::new(Box::new(connect)), transport: Transport::Dot })
                }
                Server::Https { name, path, address } => {
                    let secure = Secure { name, address, config: tls::config(&roots, b"h2") };
                    let connect = Https { secure, path };
                    Box::new(Encrypted { live: Live::new(Box::new(connect)), transport: Transport::Doh })
                }
            };
            (server.address(), carrier)
        };
        Ok(Self::of(servers.iter().map(carrier).collect(), choice, exchange))
    }

    /// Returns a forwarder to servers, by the ways to them.
    fn of(carriers: Vec<(SocketAddr, Box<dyn Carrier>)>, choice: Choice, exchange: &Arc<Exchange>) -> Self {
        let known = |(address, carrier)| Known { address, carrier, health: Health::default() };
        let servers = carriers.into_iter().map(known).map(Arc::new).collect();
        let (exchange, start) = (Arc::clone(exchange), moment());
        Self { servers, choice, exchange, start, few: Semaphore::new(TRIED_AT_ONCE) }
    }

    /// Returns the addresses of the servers.
    pub(super) fn addresses(&self) -> impl Iterator<Item = SocketAddr> {
        self.servers.iter().map(|known| known.address)
    }

    /// Forgets how servers are, and leaves their connections.
    pub(super) fn forget(&self) {
        for known in &self.servers {
            known.health.forget();
            known.carrier.forget();
        }
    }

    /// Asks the servers until one has an answer; returns who had it.
    pub(super) async fn ask(&self, ask: &Ask) -> Result<(SocketAddr, Message), Trouble> {
        timeout(DEADLINE, self.race(ask)).await.unwrap_or(Err(Trouble::Silence))
    }

    /// Asks one server, the next when that one fails or is late, and so on; the
    /// first good reply counts.
    async fn race(&self, ask: &Ask) -> Result<(SocketAddr, Message), Trouble> {
        let mut order = self.in_order(ask);
        // While nobody answers, few are enough to notice when that is over.
        let few = if order.is_empty() {
            order.extend(&self.servers);
            Some(self.few.try_acquire().map_err(|_| Trouble::Resting)?)
        } else {
            None
        };
        // What was lost is asked for again.
        let again: Vec<_> = order.iter().filter(|known| known.carrier.loses()).copied().collect();
        let firsts = order.len();
        let mut queue = order.into_iter().chain(again).enumerate();
        let mut asked = FuturesUnordered::new();
        let mut trouble = Trouble::Silence;
        let mut referral = None;
        loop {
            let mut wait = DEADLINE;
            if let Some((nth, known)) = queue.next() {
                // That nobody is there may be forged, or true for a moment.
                if nth >= firsts && trouble == Trouble::Closed && asked.is_empty() {
                    tokio::time::sleep(IN_ORDER).await;
                }
                asked.push(self.one(known, ask));
                wait = if nth + 1 < firsts { self.head_start(known) } else { PATIENCE };
            }
            match timeout(wait, asked.next()).await {
                // It is late: the next one beside it.
                Err(_) => {}
                Ok(None) => break,
                // It does not ask others; one that does may be there.
                Ok(Some((server, Ok(reply)))) if is_referral(&reply) => {
                    referral = referral.or(Some((server, reply)));
                }
                Ok(Some((server, Ok(reply)))) => match reply.metadata.response_code {
                    ResponseCode::NoError | ResponseCode::NXDomain | ResponseCode::YXDomain => {
                        return Ok((server, reply));
                    }
                    rcode => trouble = Trouble::Refused(rcode),
                },
                Ok(Some((_, Err(other)))) if other.is_final() => return Err(other),
                Ok(Some((_, Err(other)))) => trouble = other,
            }
        }
        drop(few);
        referral.ok_or(trouble)
    }

    /// Asks one server.
    async fn one(&self, known: &Known, ask: &Ask) -> (SocketAddr, Result<Message, Trouble>) {
        (known.address, known.ask(ask, &self.exchange, self.start).await)
    }

    /// Returns how long a server is waited for before the next is asked.
    fn head_start(&self, known: &Known) -> Duration {
        let [least, most] = BESIDE;
        match self.choice {
            Choice::Strict => IN_ORDER,
            Choice::Parallel => Duration::from_micros(u64::from(known.health.srtt()) * 2).clamp(least, most),
        }
    }

    /// Returns the servers that answer, in the order in which they are asked.
    /// Of those that do not, one is tried at times, without anybody waiting.
    fn in_order(&self, ask: &Ask) -> Vec<&Arc<Known>> {
        let (mut order, resting): (Vec<_>, Vec<_>) =
            self.servers.iter().partition(|known| known.health.is_well());
        if self.choice == Choice::Parallel {
            order.sort_by_key(|known| known.health.srtt());
        }
        // A stable order: the rest of it is as it was.
        order.sort_by_key(|known| ask.blamed.contains(&known.address));
        let now = moment().saturating_duration_since(self.start);
        for known in resting.into_iter().filter(|known| known.health.take(now)) {
            if order.is_empty() {
                order.push(known);
                break;
            }
            // Whether it answers is nothing that the question has to pay for.
            let ask = Ask { budget: Arc::default(), ..ask.clone() };
            let (known, exchange, start) = (Arc::clone(known), Arc::clone(&self.exchange), self.start);
            tokio::spawn(async move { timeout(DEADLINE, known.ask(&ask, &exchange, start)).await });
        }
        for known in order.iter().skip(1) {
            known.health.forgive();
        }
        order
    }
}

impl Known {
    /// Asks it, and notes how long it took.
    async fn ask(&self, ask: &Ask, exchange: &Exchange, start: Instant) -> Result<Message, Trouble> {
        let waiting = Waiting { known: self, start, since: moment() };
        let result = self.carrier.carry(&ask.query, exchange, &ask.budget).await;
        let (took, now) = waiting.ended();
        match &result {
            Ok(_) => {
                if self.health.answered(took) {
                    tracing::info!(server = %self.address, "this server answers again");
                }
            }
            Err(Trouble::Limit(_)) => {}
            Err(why) => self.failed(took, now, why),
        }
        result
    }

    /// Notes that it did not answer, and says so where that is news.
    fn failed(&self, took: Duration, now: Duration, why: &Trouble) {
        if self.health.failed(took, now) {
            tracing::warn!(server = %self.address, %why, "this server, which is forwarded to, is no help");
        }
    }
}

/// Somebody who waits for a server's reply.
struct Waiting<'a> {
    /// The server.
    known: &'a Known,
    /// Where moments are counted from.
    start: Instant,
    /// Since when.
    since: Instant,
}

impl Waiting<'_> {
    /// Returns how long it was waited for, and when that is.
    fn times(&self) -> (Duration, Duration) {
        let now = moment();
        (now.saturating_duration_since(self.since), now.saturating_duration_since(self.start))
    }

    /// Returns the same where the wait came to its end.
    fn ended(self) -> (Duration, Duration) {
        let times = self.times();
        std::mem::forget(self);
        times
    }
}

impl Drop for Waiting<'_> {
    /// Another server was quicker.
    fn drop(&mut self) {
        let (waited, now) = self.times();
        if waited >= IN_ORDER {
            self.known.failed(waited, now, &Trouble::Silence);
        } else {
            self.known.health.slow(waited);
        }
    }
}

/// Returns whether a reply sends us on to others, from a server that asks nobody.
fn is_referral(reply: &Message) -> bool {
    let has = |rtype| reply.authorities.iter().any(|record| record.record_type() == rtype);
    reply.metadata.response_code == ResponseCode::NoError
        && !reply.metadata.recursion_available
        && reply.answers.is_empty()
        && has(RecordType::NS)
        && !has(RecordType::SOA)
}

#[cfg(test)]
mod tests;
