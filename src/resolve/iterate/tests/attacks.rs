//! Attacks on our time and on others'.

use std::collections::HashSet;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use hickory_proto::rr::RData;
use hickory_proto::rr::Record;
use hickory_proto::rr::RecordType;
use hickory_proto::rr::rdata::NULL;
use tokio::time::timeout;

use super::COM;
use super::EXAMPLE;
use super::House;
use super::OTHER;
use super::USUAL;
use super::USUAL_COM;
use super::internet;
use super::internet::record;
use super::internet::reply_to;
use crate::resolve::FailureKind;
use crate::resolve::exchange::budget::WALL_CLOCK;
use crate::resolve::stats::Limit;

#[tokio::test(start_paused = true)]
async fn delegations_in_a_circle_end_at_once() {
    let com = "a.com. NS ns.b.com.\n b.com. NS ns.a.com.";
    let house = House::new(internet(com, USUAL));
    assert!(house.ask("www.a.com").await.is_err());
    assert!(house.internet.packets() <= 10, "{}", house.internet.packets());
}

#[tokio::test(start_paused = true)]
async fn a_referral_to_1500_servers_costs_the_victim_little() {
    for (servers, limit) in [(100, Limit::Lookups), (1_500, Limit::Records)] {
        let mut internet = internet(USUAL_COM, USUAL);
        internet.script(EXAMPLE, move |query, _| {
            let mut reply = reply_to(query);
            for nth in 0..servers {
                reply.add_authority(record(&format!("sub.example.com. NS n{nth}.victim.net.")));
            }
            vec![reply.to_vec().unwrap()]
        });
        internet.serve(
            COM,
            &[("com.", USUAL_COM), ("net.", "victim.net. NS ns.victim.net.\n ns.victim.net. A 10.0.1.2")],
        );
        internet.serve(OTHER, &[("victim.net.", "victim.net. NS ns.victim.net.")]);
        let house = House::new(internet);
        assert!(house.ask("www.sub.example.com").await.is_err());
        assert!(house.internet.packets() <= 20, "{}", house.internet.packets());
        assert!(house.internet.packets_to(OTHER) <= 12, "{}", house.internet.packets_to(OTHER));
        assert_eq!(house.exceeded(limit), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_reply_of_many_sets_is_no_reply() {
    let mut internet = internet(USUAL_COM, USUAL);
    internet.script(EXAMPLE, |query, _| {
        let mut reply = reply_to(query);
        reply.metadata.authoritative = true;
        reply.add_answer(record("www.example.com. A 192.0.2.1"));
        for nth in 0..64 {
            reply.add_additional(record(&format!("n{nth}.example.com. A 192.0.2.1")));
        }
        vec![reply.to_vec().unwrap()]
    });
    let house = House::new(internet);
    assert_eq!(house.ask("www.example.com").await.unwrap_err().kind, FailureKind::Limit);
    assert_eq!(house.exceeded(Limit::Records), 1);
}

#[tokio::test(start_paused = true)]
async fn delegations_without_end_end() {
    let mut internet = internet(USUAL_COM, USUAL);
    // A delegation to itself, a label further down each time.
    internet.script(EXAMPLE, |query, _| {
        let mut reply = reply_to(query);
        let name = query.queries[0].name().to_lowercase().to_ascii();
        reply.add_authority(record(&format!("{name} NS ns.{name}")));
        reply.add_additional(record(&format!("ns.{name} A {EXAMPLE}")));
        vec![reply.to_vec().unwrap()]
    });
    let house = House::new(internet);
    let name = "a.b.c.d.e.f.g.h.i.j.k.l.m.n.o.p.q.r.s.t.u.v.w.example.com";
    assert!(house.ask(name).await.is_err());
    assert!(house.internet.packets() <= 100, "{}", house.internet.packets());
}

#[tokio::test(start_paused = true)]
async fn who_sends_large_replies_is_not_asked_for_ever() {
    let mut internet = internet(USUAL_COM, USUAL);
    // 60 KiB for each alias: twice is enough.
    internet.script(EXAMPLE, |query, tcp| {
        let mut reply = reply_to(query);
        reply.metadata.authoritative = true;
        reply.metadata.truncation = !tcp;
        let name = query.queries[0].name().to_lowercase().to_ascii();
        if tcp {
            reply.add_answer(record(&format!("{name} CNAME x{name}")));
            let rdata = NULL::with(vec![7; 60_000]);
            let rdata = RData::Unknown { code: RecordType::Unknown(65_000), rdata };
            reply.add_additional(Record::from_rdata(internet::name(&name), 300, rdata));
        }
        vec![reply.to_vec().unwrap()]
    });
    let house = House::new(internet);
    assert_eq!(house.ask("www.example.com").await.unwrap_err().kind, FailureKind::Limit);
    assert_eq!(house.exceeded(Limit::Octets), 1);
    assert!(house.internet.packets_to(EXAMPLE) <= 6, "{}", house.internet.packets_to(EXAMPLE));
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_longer_than_five_seconds() {
    let server = |nth| format!("example.com. NS ns{nth}.example.com.\n ns{nth}.example.com. A 10.9.9.{nth}");
    let house = House::new(internet(&(0..6).map(server).collect::<Vec<_>>().join("\n"), USUAL));
    let in_time = WALL_CLOCK + Duration::from_millis(1);
    timeout(in_time, house.ask("www.example.com")).await.unwrap().unwrap_err();
    assert_eq!(house.exceeded(Limit::Time), 1);
}

#[tokio::test(start_paused = true)]
async fn silent_servers_without_number_are_not_all_asked() {
    let mut internet = internet(USUAL_COM, USUAL);
    internet.script(EXAMPLE, |query, _| {
        let mut reply = reply_to(query);
        for nth in 0..200 {
            reply.add_authority(record(&format!("sub.example.com. NS n{nth}.example.com.")));
            reply.add_additional(record(&format!("n{nth}.example.com. A 10.9.0.{nth}")));
        }
        vec![reply.to_vec().unwrap()]
    });
    let house = House::new(internet);
    assert!(house.ask("www.sub.example.com").await.is_err());
    assert!(house.internet.packets() <= 40, "{}", house.internet.packets());
}

#[tokio::test(start_paused = true)]
async fn many_who_want_to_know_the_same_ask_once() {
    let house = Arc::new(House::new(internet(USUAL_COM, USUAL)));
    let asking = (0..50).map(|_| {
        let house = Arc::clone(&house);
        tokio::spawn(async move { house.data("www.example.com").await })
    });
    for answer in futures_util::future::join_all(asking).await {
        assert_eq!(answer.unwrap(), ["192.0.2.1"]);
    }
    let asked = house.internet.asked.lock().unwrap();
    let different: HashSet<(&IpAddr, &String, RecordType)> =
        asked.iter().map(|(to, name, rtype, _)| (to, name, *rtype)).collect();
    assert_eq!(asked.len(), different.len());
}
