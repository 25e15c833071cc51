//! Asking the servers of a zone: one after the other, and the next one early
//! if one is slow.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::pin::Pin;
use std::pin::pin;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::future::FutureExt;
use futures_util::stream::FuturesUnordered;
use hickory_proto::op::ResponseCode;
use hickory_proto::rr::Name;
use hickory_proto::rr::RecordType;
use tokio::sync::oneshot;
use tokio::time::sleep;

use super::heard::Asked;
use super::heard::Says;
use super::job::Job;
use super::referral;
use super::scrub;
use crate::resolve::exchange::Query;
use crate::resolve::exchange::trouble::Trouble;
use crate::resolve::stats::Limit;

/// How long a single query is waited for at most.
const UDP_PATIENCE: Duration = Duration::from_millis(2_500);

/// How much longer the last ones are waited for if there are others to be found.
const LAST_PATIENCE: Duration = Duration::from_millis(300);

/// How many queries about one question go to the servers of one zone.
const MAX_TRIES: i32 = 12;

/// How often one server is asked the same: where every second packet is lost,
/// one of these comes through.
pub(super) const MAX_TRIES_EACH: usize = 8;

/// And how often if there are others that are not found yet.
pub(super) const FEW_TRIES_EACH: usize = 2;

/// How many others are waited for who ask the same.  One may fail for reasons of
/// its own; after that many it is the servers, and nobody needs to hear it again:
/// when a line is back, everybody wants to know the same.
const MAX_JOINED: usize = 2;

//----------- Ask --------------------------------------------------------------

/// What is asked of the servers of a zone.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub(super) struct Ask {
    /// The zone.
    pub(super) zone: Name,
    /// The name asked for.
    pub(super) name: Name,
    /// The type asked for.
    pub(super) rtype: RecordType,
    /// CD, of which zones' own servers know nothing.
    pub(super) checking_disabled: bool,
    /// Whether it is asked for the root servers, and for their addresses.
    pub(super) priming: bool,
    /// Whether the name is all of the name that is wanted.
    pub(super) whole: bool,
}

impl Ask {
    /// Returns it as it is sent.
    fn query(&self) -> Query {
        Query {
            name: self.name.clone(),
            rtype: self.rtype,
            recursion_desired: false,
            checking_disabled: false,
            patience: UDP_PATIENCE,
        }
    }
}

/// How asking ended.
type Heard = Result<Says, Trouble>;

/// Questions that are out, and who else waits for their answers.
#[derive(Debug, Default)]
pub(super) struct Outstanding(Mutex<HashMap<Ask, Vec<oneshot::Sender<Heard>>>>);

impl Outstanding {
    /// Locks the table.
    fn lock(&self) -> MutexGuard<'_, HashMap<Ask, Vec<oneshot::Sender<Heard>>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns where the answer will appear if the question is out; otherwise it
    /// is now.
    fn join_or_begin(&self, ask: &Ask) -> Option<oneshot::Receiver<Heard>> {
        let mut table = self.lock();
        let Some(waiting) = table.get_mut(ask) else {
            table.insert(ask.clone(), Vec::new());
            return None;
        };
        let (put, result) = oneshot::channel();
        waiting.push(put);
        Some(result)
    }
}

/// Takes a question out of the table, however asking it ends, and tells those who
/// wait what was heard.
struct Done<'a> {
    /// The table.
    table: &'a Outstanding,
    /// The question.
    ask: &'a Ask,
    /// What was heard; nothing if asking it was given up.
    heard: Option<Heard>,
}

impl Drop for Done<'_> {
    fn drop(&mut self) {
        // First, so that whoever hears of a failure does not find it again.
        let waiting = self.table.lock().remove(self.ask).unwrap_or_default();
        let Some(heard) = &self.heard else { return };
        for put in waiting {
            // They may have waited for long enough.
            let _ = put.send(heard.clone());
        }
    }
}

impl Job {
    /// Asks the servers of a zone, unless somebody is doing so already.
    pub(super) async fn ask(&self, ask: &Ask, servers: &[SocketAddr], tries_each: usize) -> Heard {
        self.once(ask, pin!(self.race(ask, servers, tries_each))).await
    }

    /// Asks in some way, unless somebody is asking the same already.
    ///
    /// Only exchanges are shared, and they wait for nobody: two questions can
    /// never wait for each other.
    //
    //  Pinned, because each function that it is handed on to would have room for it.
    pub(super) async fn once(&self, ask: &Ask, mut asking: Pin<&mut impl Future<Output = Heard>>) -> Heard {
        let outstanding = &self.engine.outstanding;
        let mut worst = None;
        for _ in 0..MAX_JOINED {
            let Some(other) = outstanding.join_or_begin(ask) else {
                let mut done = Done { table: outstanding, ask, heard: None };
                let heard = self.in_time(asking.as_mut()).await;
                done.heard = Some(heard.clone());
                return heard;
            };
            let Some(heard) = self.budget.in_time(other).await else {
                self.note(&Err(Trouble::Silence));
                return Err(Trouble::Limit(Limit::Time));
            };
            // Or it gave up, for reasons of its own.
            if let Ok(heard) = heard {
                self.note(&heard);
                match heard {
                    Ok(says) => return Ok(says),
                    Err(trouble) if trouble.is_final() => {}
                    Err(trouble) => worst = Some(trouble),
                }
            }
        }
        match worst {
            Some(trouble) => Err(trouble),
            None => self.in_time(asking).await,
        }
    }

    /// Waits for servers until the time is up.
    async fn in_time(&self, asking: impl Future<Output = Heard>) -> Heard {
        let heard = self.budget.in_time(asking).await.unwrap_or(Err(Trouble::Limit(Limit::Time)));
        self.note(&heard);
        heard
    }

    /// Notes whether whoever was asked has answered.
    fn note(&self, heard: &Heard) {
        match heard {
            Ok(_) => self.heard(None),
            Err(trouble) if trouble.is_final() => {}
            Err(trouble) => self.heard(Some(trouble)),
        }
    }

    /// Asks servers until one has an answer that is worth something.
    async fn race(&self, ask: &Ask, servers: &[SocketAddr], tries_each: usize) -> Heard {
        let exchange = &self.engine.exchange;
        // How often each was asked.
        let mut left: Vec<(SocketAddr, usize)> = servers.iter().map(|server| (*server, 0)).collect();
        let mut running = FuturesUnordered::new();
        let mut worst = Trouble::NoServers;
        let mut hearsay = None;
        let mut sent: i32 = 0;
        loop {
            let now = exchange.network.moment();
            let next = left.iter_mut().min_by_key(|(server, tries)| {
                // Among equals, anyone: predictability helps forgers.
                (*tries, exchange.servers.rank(*server, now) / 40, rand::random::<u16>())
            });
            let next = next.filter(|(server, tries)| {
                let dead = exchange.servers.is_dead(*server, now);
                sent < MAX_TRIES && *tries < if dead { 1 } else { tries_each }
            });
            let next = next.map(|(server, tries)| {
                *tries += 1;
                *server
            });
            let mut pause = LAST_PATIENCE;
            // With others to be found, nobody is waited for to the end.
            let hurries = next.is_some() || tries_each < MAX_TRIES_EACH && !running.is_empty();
            if let Some(server) = next {
                pause = exchange.servers.patience(server, now).mul_f64(1.1_f64.powi(sent));
                sent += 1;
                // Boxed, because the list has room for one more, which is never used.
                running.push(self.one(ask, server).map(move |heard| (server, heard)).boxed());
            }
            loop {
                let ended = tokio::select! {
                    Some(ended) = running.next() => ended,
                    () = sleep(pause), if hurries => {
                        // Slow: it keeps its chance, and another one gets one.
                        let Some(server) = next else { return Err(Trouble::Silence) };
                        exchange.servers.was_silent(server, exchange.network.moment());
                        self.heard(Some(&Trouble::Silence));
                        break;
                    }
                    else => break,
                };
                match ended {
                    (_, Ok(Says::Hearsay(found))) => {
                        hearsay = hearsay.or(Some(found));
                        worst = Trouble::Lame;
                    }
                    (_, Ok(says)) => return Ok(says),
                    (_, Err(trouble)) if trouble.is_final() => return Err(trouble),
                    (server, Err(trouble)) => {
                        if matches!(trouble, Trouble::Silence | Trouble::Refused(_) | Trouble::Lame)
                            || worst == Trouble::NoServers
                        {
                            worst = trouble.clone();
                        }
                        self.heard(Some(&worst));
                        if !trouble.is_silence() {
                            // Asking it again would not help.
                            left.retain(|(other, _)| *other != server);
                        }
                        // No reason to ask anybody again before it is time to.
                        let all_tried = left.iter().all(|(_, tries)| *tries > 0);
                        if trouble == Trouble::Closed && next.is_some() && all_tried {
                            continue;
                        }
                    }
                }
                // Whoever said no is followed by the next at once.
                if next.is_some() || running.is_empty() {
                    break;
                }
            }
            if running.is_empty() && (next.is_none() || left.is_empty()) {
                if worst.is_silence() && ask.whole {
                    for (server, _) in left.iter().filter(|(_, tries)| *tries > 0) {
                        exchange.servers.died(*server, now);
                    }
                }
                return hearsay.map_or(Err(worst), |found| Ok(Says::Answer(found, Vec::new())));
            }
        }
    }

    /// Asks one server.
    async fn one(&self, ask: &Ask, server: SocketAddr) -> Heard {
        let exchange = &self.engine.exchange;
        let now = exchange.network.moment();
        let reply = exchange.ask(&ask.query(), server, &self.budget).await?;
        let Ask { zone, name, rtype, priming, .. } = ask;
        let asked = Asked { zone, name, rtype: *rtype, server, now: self.now.instant };
        let heard = if *priming { referral::hear_root(&asked, &reply) } else { scrub::hear(&asked, reply) };
        match &heard {
            // It may know other names.
            Err(Trouble::Refused(ResponseCode::ServFail)) => exchange.servers.was_silent(server, now),
            // Many refuse ANY (RFC 8482), and know all else.
            Err(Trouble::Lame | Trouble::Refused(_)) if ask.whole && *rtype != RecordType::ANY => {
                exchange.servers.is_lame(zone, server, now);
            }
            _ => {}
        }
        heard
    }
}
