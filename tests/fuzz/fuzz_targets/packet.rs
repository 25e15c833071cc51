//! Any octets as a packet from a client: turned away, or served; and whatever
//! comes of it is a message of the size that was asked for.
#![no_main]

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::LazyLock;
use std::task::Context;
use std::task::Poll;
use std::task::Waker;

use hickory_server::net::xfer::Protocol;
use hickory_proto::op::Message;
use hickory_server::server::Request;
use sordino::answer::Blocked;
use sordino::answer::BlockedAnswer;
use sordino::answer;
use sordino::base::Clock;
use sordino::base::Now;
use sordino::base::time::SystemClock;
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
use sordino::listen::reply::Reply;
use sordino::pipeline::Event;
use sordino::pipeline::Household;
use sordino::pipeline::Witness;
use sordino::policy::Builtin;
use sordino::policy::Permit;
use sordino::policy::Policies;
use sordino::query::Transport;
use sordino::resolve::Failure;
use sordino::resolve::FailureKind;
use sordino::resolve::Origin;
use sordino::resolve::Resolve;
use sordino::resolve::Resolved;

struct Nobody;

impl Resolve for Nobody {
    async fn resolve(&self, _permit: &Permit<'_>, _now: Now) -> Result<Resolved, Failure> {
        Err(Failure { kind: FailureKind::Timeout, detail: "nobody".into(), origin: Origin::Recursion })
    }
}

impl Witness for Nobody {
    fn note(&self, event: Event) {
        assert!(!matches!(event, Event::Panicked));
    }
}

static DOOR: LazyLock<Door<Nobody>> = LazyLock::new(|| {
    let unlisted = Unlisted { speakers: PolicyId(0), others: PolicyId(0) };
    let house = Household {
        devices: Registry::new(Vec::new(), unlisted).expect("no devices"),
        catalog: Catalog::default(),
        policies: Policies { policies: vec![Builtin::Open.policy()], ..Policies::default() },
        blocked: Blocked { answer: BlockedAnswer::NxDomain, ttl: 60, max_ttl: 3_600 },
    };
    let access = Access::new(&["0.0.0.0/0".parse().expect("a network")]);
    let home = Home::new(Arc::new(house), Arc::new(Nobody), access);
    Door::new(home, Arc::new(SystemClock::default()), Arc::new(Identify::new(Arc::new(NoNeighbors), Arc::default())), Arc::new(Nobody))
});

libfuzzer_sys::fuzz_target!(|packet: &[u8]| {
    let peer = "192.0.2.1:5353".parse().expect("an address");
    if DOOR.glance(packet, peer).is_some() {
        return;
    }
    let Ok(request) = Request::from_bytes(packet.to_vec(), peer, Protocol::Udp) else { return };
    let now = SystemClock::default().now();
    let arrival = Arrival::new(peer, Transport::Udp, now);
    let mut serving = pin!(DOOR.serve(&request, &arrival));
    let Poll::Ready(reply) = serving.as_mut().poll(&mut Context::from_waker(Waker::noop())) else {
        panic!("nobody waits here");
    };
    if let Reply::Served(served, _) = reply {
        let wire = &served.response.wire;
        assert!(wire.len() <= answer::limit(served.query.borrowed()));
        Message::from_vec(wire).expect("a message");
    }
});
