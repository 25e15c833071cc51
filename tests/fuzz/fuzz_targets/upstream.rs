//! Any octets as what all servers outside reply, one after the other: whatever
//! they say, there is an answer in the end, and nothing is asked without end.
#![no_main]

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::LazyLock;
use std::sync::Mutex;
use std::time::Duration;
use std::time::Instant;

use async_trait::async_trait;
use hickory_server::net::xfer::Protocol;
use hickory_server::server::Request;
use sordino::answer::Blocked;
use sordino::answer::BlockedAnswer;
use sordino::base::Clock;
use sordino::base::time::ManualClock;
use sordino::catalog::Catalog;
use sordino::device::PolicyId;
use sordino::device::Registry;
use sordino::device::Unlisted;
use sordino::listen::access::Access;
use sordino::listen::arrival::Arrival;
use sordino::listen::door::Door;
use sordino::listen::door::Home;
use sordino::listen::identify::Identify;
use sordino::listen::neighbor::NoNeighbors;
use sordino::listen::reply;
use sordino::pipeline::Event;
use sordino::pipeline::Household;
use sordino::pipeline::Witness;
use sordino::policy::Builtin;
use sordino::policy::Policies;
use sordino::query::Transport;
use sordino::resolve::AnswerCache;
use sordino::resolve::Network;
use sordino::resolve::Reply;
use sordino::resolve::Resolver;
use sordino::resolve::Settings;
use sordino::resolve::take;
use tokio::runtime::Builder;

/// The names and types asked for.
const QUESTIONS: [(&[u8], u8); 4] = [
    (b"\x03www\x07example\x03com\0", 1),
    (b"\x01a\x01b\x03www\x07example\x03com\0", 28),
    (b"\x07example\x03com\0", 43),
    (b"\x03com\0", 16),
];

/// Returns a query with DO.
fn query(number: u8) -> Vec<u8> {
    let (name, rtype) = QUESTIONS[usize::from(number) % QUESTIONS.len()];
    let head = b"\x12\x34\x01\0\0\x01\0\0\0\0\0\x01";
    [head, name, &[0, rtype, 0, 1], b"\0\0\x29\x04\xd0\0\0\x80\0\0\0"].concat()
}

/// The most queries that one question may cause: a hundred for what is asked for
/// and as many for what is fetched beside it.
const MOST: usize = 200;

static CLOCK: LazyLock<ManualClock> = LazyLock::new(|| ManualClock::at(1_800_000_000));

struct Nobody;

impl Witness for Nobody {
    fn note(&self, event: Event) {
        assert!(!matches!(event, Event::Panicked));
    }
}

/// What is left of the octets, and how often something was asked.
struct Hostile(Mutex<(Vec<u8>, usize)>);

impl Hostile {
    /// Returns what comes behind the question of the next reply, and the header's
    /// flags and counts before it.
    fn next(&self) -> Option<Vec<u8>> {
        let mut left = self.0.lock().expect("nobody panics here");
        left.1 += 1;
        assert!(left.1 <= MOST);
        let (length, _) = left.0.split_first_chunk::<2>()?;
        let end = (2 + usize::from(u16::from_be_bytes(*length) % 1_500)).min(left.0.len());
        let rest = left.0.split_off(end);
        Some(std::mem::replace(&mut left.0, rest).split_off(2))
    }
}

#[async_trait]
impl Network for Hostile {
    async fn exchange(&self, _: SocketAddr, query: &[u8], _: bool, _: Duration) -> io::Result<Reply> {
        let late = || io::Error::from(io::ErrorKind::TimedOut);
        let said = self.next().filter(|said| said.len() >= 8).ok_or_else(late)?;
        let question = 12 + query[12..].iter().position(|octet| *octet == 0).ok_or_else(late)? + 5;
        let mut reply = query[..question].to_vec();
        reply[2..4].copy_from_slice(&said[..2]);
        reply[2] |= 0x80;
        reply[6..12].copy_from_slice(&said[2..8]);
        reply.extend_from_slice(&said[8..]);
        take(query, &reply).unwrap_or_else(|| Err(late()))
    }

    fn moment(&self) -> Instant {
        CLOCK.now().instant
    }
}

libfuzzer_sys::fuzz_target!(|octets: &[u8]| {
    let Some((first, octets)) = octets.split_first() else { return };
    let settings = Settings { dnssec: first & 1 == 0, qname_minimisation: first & 2 == 0, ..Settings::default() };
    let network = Arc::new(Hostile(Mutex::new((octets.to_vec(), 0))));
    let cache = Arc::new(AnswerCache::new(1 << 16));
    let resolver = Resolver::with_network(&settings, cache, network).expect("usual settings");
    let unlisted = Unlisted { speakers: PolicyId(0), others: PolicyId(0) };
    let house = Household {
        devices: Registry::new(Vec::new(), unlisted).expect("no devices"),
        catalog: Catalog::default(),
        policies: Policies { policies: vec![Builtin::Open.policy()], ..Policies::default() },
        blocked: Blocked { answer: BlockedAnswer::NxDomain, ttl: 60, max_ttl: 3_600 },
    };
    let access = Access::new(&["0.0.0.0/0".parse().expect("a network")]);
    let home = Home::new(Arc::new(house), Arc::new(resolver), access);
    let clock = Arc::new(ManualClock::at(1_800_000_000));
    let identify = Arc::new(Identify::new(Arc::new(NoNeighbors), Arc::default()));
    let door = Door::new(home, clock, identify, Arc::new(Nobody));
    let peer = "192.0.2.1:5353".parse().expect("an address");
    let request = Request::from_bytes(query(first >> 2), peer, Protocol::Udp).expect("a query");
    let arrival = Arrival::new(peer, Transport::Udp, CLOCK.now());
    let runtime = Builder::new_current_thread().enable_time().start_paused(true).build().expect("a runtime");
    let reply = runtime.block_on(door.serve(&request, &arrival));
    assert!(matches!(reply, reply::Reply::Served(..)));
});
