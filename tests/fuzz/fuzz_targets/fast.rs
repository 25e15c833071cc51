//! Any octets as a packet from a client, both ways: what the fast path answers
//! is what the slow road answers, octet by octet.
#![no_main]

use std::future::Future;
use std::net::Ipv4Addr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::LazyLock;
use std::task::Context;
use std::task::Poll;
use std::task::Waker;

use hickory_server::net::xfer::Protocol;
use hickory_proto::op::ResponseCode;
use hickory_proto::rr::RData;
use hickory_proto::rr::Record;
use hickory_server::server::Request;
use sordino::answer::Blocked;
use sordino::answer::BlockedAnswer;
use sordino::base::Clock;
use sordino::base::Now;
use sordino::base::Place;
use sordino::base::time::SystemClock;
use sordino::catalog::Catalog;
use sordino::catalog::parse::parse;
use sordino::device::Listing;
use sordino::device::PolicyId;
use sordino::device::Registry;
use sordino::device::Unlisted;
use sordino::listen::access::Access;
use sordino::listen::arrival::Arrival;
use sordino::listen::door::Door;
use sordino::listen::door::Home;
use sordino::listen::fast;
use sordino::listen::fast::Known;
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
use sordino::resolve::AnswerData;
use sordino::resolve::Failure;
use sordino::resolve::Origin;
use sordino::resolve::Question;
use sordino::resolve::Resolve;
use sordino::resolve::Resolved;
use sordino::resolve::names;

/// Has one address for every name at hand.
struct All;

impl All {
    fn one(permit: &Permit<'_>) -> Resolved {
        let question = Question {
            name: permit.name().to_owned(),
            rtype: permit.rtype(),
            checking_disabled: permit.checking_disabled(),
        };
        let address = RData::A(Ipv4Addr::new(192, 0, 2, 1).into());
        let record = Record::from_rdata(names::to_name(&question.name), 300, address);
        let data = AnswerData::new(&question, ResponseCode::NoError, vec![record], vec![], true);
        Resolved { data: Arc::new(data), age: 7, origin: Origin::Cache }
    }
}

impl Resolve for All {
    async fn resolve(&self, permit: &Permit<'_>, _now: Now) -> Result<Resolved, Failure> {
        Ok(Self::one(permit))
    }

    fn at_hand(&self, permit: &Permit<'_>, _now: Now) -> Option<Resolved> {
        Some(Self::one(permit))
    }
}

impl Witness for All {
    fn note(&self, event: Event) {
        assert!(!matches!(event, Event::Panicked));
    }
}

const LIST: &str = "family f\n[identify]\n[analytics]\n*.a\n    tried 2026-01-01 fixture\n";

static DOOR: LazyLock<Door<All>> = LazyLock::new(|| {
    let catalog = Catalog::build(&[parse("f", LIST).expect("a list")]).expect("a catalog");
    let speaker = Listing {
        name: Arc::from("kitchen"),
        place: Place::new(Arc::from("config.toml"), 1),
        macs: Vec::new(),
        id: None,
        networks: vec!["192.0.2.1/32".parse().expect("a network")],
        family: catalog.family_named("f"),
        policy: None,
        logged: true,
    };
    let unlisted = Unlisted { speakers: PolicyId(0), others: PolicyId(0) };
    let house = Household {
        devices: Registry::new(vec![speaker], unlisted).expect("a device"),
        catalog,
        policies: Policies { policies: vec![Builtin::Balanced.policy()], ..Policies::default() },
        blocked: Blocked { answer: BlockedAnswer::NxDomain, ttl: 60, max_ttl: 60 },
    };
    let access = Access::new(&["0.0.0.0/0".parse().expect("a network")]);
    let home = Home::new(Arc::new(house), Arc::new(All), access);
    Door::new(home, Arc::new(SystemClock::default()), Arc::new(Identify::new(Arc::new(NoNeighbors), Arc::default())), Arc::new(All))
});

libfuzzer_sys::fuzz_target!(|packet: &[u8]| {
    let peer = "192.0.2.1:5353".parse().expect("an address");
    let now = SystemClock::default().now();
    let home = DOOR.home();
    let known = Known::find(peer, &DOOR, &home, now).expect("nobody to wait for");
    let mut out = Vec::with_capacity(1_232);
    if fast::answer(packet, &known, &home, now, &mut out).is_none() {
        return;
    }
    assert!(DOOR.glance(packet, peer).is_none());
    let request = Request::from_bytes(packet.to_vec(), peer, Protocol::Udp).expect("a request");
    let arrival = Arrival::new(peer, Transport::Udp, now);
    let mut serving = pin!(DOOR.serve(&request, &arrival));
    let Poll::Ready(Reply::Served(served, _)) =
        serving.as_mut().poll(&mut Context::from_waker(Waker::noop()))
    else {
        panic!("the slow road does not answer");
    };
    assert_eq!(out, served.response.wire);
});
