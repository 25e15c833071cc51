//! Attacks on our time and on others'.

use std::collections::HashSet;
use std::net::IpAddr;
use std::sync::Arc;

use hickory_proto::rr::RecordType;

use super::COM;
use super::EXAMPLE;
use super::House;
use super::OTHER;
use super::USUAL;
use super::USUAL_COM;
use super::internet;
use super::internet::record;
use super::internet::reply_to;
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
    let mut internet = internet(USUAL_COM, USUAL);
    internet.script(EXAMPLE, |query, _| {
        let mut reply = reply_to(query);
        for nth in 0..1_500 {
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
    assert_eq!(house.exceeded(Limit::Lookups), 1);
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
