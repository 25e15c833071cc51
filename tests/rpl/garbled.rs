//! Scenarios with a network that garbles what servers say: nothing panics,
//! nothing takes long, and there is always an answer.
//!
//! The long run: `SORDINO_REPLIES=10000000 cargo test --release --test all
//! garbled -- --nocapture`.

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;
use std::time::Instant;

use async_trait::async_trait;
use sordino::base::Clock;
use sordino::base::time::SystemClock;
use sordino::resolve::Network;
use sordino::resolve::Reply;
use sordino::resolve::take;

use super::network::Script;

/// How many octets of a message come before the question.
const HEADER: usize = 12;

/// A network that garbles replies, each in one or a few places.
pub(crate) struct Garbled {
    /// What servers really say.
    script: Arc<Script>,
    /// Chance, the same in each run (SplitMix64).
    dice: Mutex<u64>,
    /// What was seen.
    seen: Arc<Mutex<Seen>>,
}

/// What was seen of replies.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// How many there were.
    pub(crate) replies: u64,
    /// When the last one was handed over, by the clock of the machine.
    since: Option<Instant>,
    /// The longest time from one to whatever was asked or answered next.
    pub(crate) slowest: Duration,
}

impl Seen {
    /// Notes that whatever the last reply caused is done.
    pub(crate) fn done(&mut self) {
        if let Some(since) = self.since.take() {
            self.slowest = self.slowest.max(moment().saturating_duration_since(since));
        }
    }
}

/// Returns the moment by the clock of the machine.
fn moment() -> Instant {
    SystemClock::default().now().instant
}

impl Garbled {
    /// Returns a network that garbles what is written.
    pub(crate) fn new(script: Arc<Script>, seed: u64, seen: Arc<Mutex<Seen>>) -> Self {
        Self { script, dice: Mutex::new(seed), seen }
    }

    /// Returns a number below `end`.
    fn roll(&self, end: usize) -> usize {
        let mut state = self.dice.lock().unwrap();
        *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = *state;
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from(mixed >> 33).unwrap() % end.max(1)
    }

    /// Garbles a reply, mostly behind its question.
    fn garble(&self, query: &[u8], reply: &mut Vec<u8>) {
        let question = query.len().min(reply.len());
        for _ in 0..=self.roll(4) {
            let from = if self.roll(16) == 0 { 0 } else { HEADER.max(question.saturating_sub(15)) };
            if reply.len() <= from.max(HEADER) {
                return;
            }
            let at = from + self.roll(reply.len() - from);
            let octet = u8::try_from(self.roll(256)).unwrap();
            match self.roll(8) {
                0..=2 => reply[at] = octet,
                3 => reply[at] ^= 1 << self.roll(8),
                // A count, a length, or a pointer to somewhere.
                4 => reply[6 + self.roll(6)] = octet,
                5 => {
                    let pointer = 0xc000 | self.roll(reply.len());
                    let pointer = u16::try_from(pointer).unwrap_or(0xc00c).to_be_bytes();
                    reply.splice(at..(at + 2).min(reply.len()), pointer);
                }
                // A part of it twice, or gone.
                6 => {
                    let part = reply[at..(at + self.roll(80)).min(reply.len())].to_vec();
                    reply.splice(at..at, part);
                }
                _ => reply.truncate(at),
            }
        }
    }
}

#[async_trait]
impl Network for Garbled {
    async fn exchange(
        &self,
        server: SocketAddr,
        query: &[u8],
        tcp: bool,
        wait: Duration,
    ) -> io::Result<Reply> {
        self.seen.lock().unwrap().done();
        let mut reply = self.script.exchange(server, query, tcp, wait).await?.octets;
        if self.roll(4) > 0 {
            self.garble(query, &mut reply);
        }
        {
            let mut seen = self.seen.lock().unwrap();
            seen.replies += 1;
            seen.since = Some(moment());
        }
        take(query, &reply).unwrap_or_else(|| Err(io::ErrorKind::TimedOut.into()))
    }

    fn moment(&self) -> Instant {
        self.script.moment()
    }
}

#[test]
fn whatever_servers_say_there_is_an_answer_soon() {
    let most = std::env::var("SORDINO_REPLIES").ok().and_then(|text| text.parse().ok()).unwrap_or(5_000);
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut paths = super::scenarios(&here.join("tests/rpl"));
    paths.extend(super::scenarios(&here.join("../shared/rpl")));
    let texts: Vec<_> = paths.iter().map(|path| std::fs::read_to_string(path).unwrap()).collect();
    let seen = Arc::new(Mutex::new(Seen::default()));
    for seed in 0.. {
        for (path, text) in paths.iter().zip(&texts) {
            let runtime = super::runtime();
            let name = path.to_string_lossy();
            runtime.block_on(super::play::garbled(&name, text, seed, &seen));
        }
        if seen.lock().unwrap().replies >= most {
            break;
        }
    }
    let seen = seen.lock().unwrap();
    println!("{} replies, the slowest took {:?}", seen.replies, seen.slowest);
}
