//! Servers that are dead, old, lame or under attack.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures_util::future::join_all;
use hickory_proto::op::Message;
use hickory_proto::op::ResponseCode;
use tokio::time::timeout;

use super::EXAMPLE;
use super::House;
use super::OTHER;
use super::ROOT;
use super::ROOT_ZONE;
use super::USUAL;
use super::USUAL_COM;
use super::internet;
use super::internet::Outage;
use super::internet::Zone;
use super::internet::answer;
use super::internet::record;
use super::internet::reply_to;
use crate::resolve::FailureKind;
use crate::resolve::stats::Limit;
use crate::resolve::upstream::Upstream;

const TWO: &str = "example.com. NS ns1.example.com.
    example.com. NS ns2.example.com.
    ns1.example.com. A 10.0.1.1
    ns2.example.com. A 10.0.1.2";

#[tokio::test(start_paused = true)]
async fn one_server_of_two_is_enough() {
    for bad in ["silent", "refusing", "failing", "lame"] {
        for _ in 0..8 {
            let mut internet = internet(TWO, USUAL);
            if bad != "silent" {
                internet.script(OTHER, move |query, _| {
                    let mut reply = reply_to(query);
                    match bad {
                        "refusing" => reply.metadata.response_code = ResponseCode::Refused,
                        "failing" => reply.metadata.response_code = ResponseCode::ServFail,
                        _ => {
                            reply.add_authority(record("com. NS a.gtld."));
                        }
                    }
                    vec![reply.to_vec().unwrap()]
                });
            }
            let house = House::new(internet);
            assert_eq!(house.data("www.example.com").await, ["192.0.2.1"], "{bad}");
            assert!(house.internet.packets() <= 6, "{bad}");
            // What was learned is used.
            house.data("alias.example.com").await;
            assert!(house.internet.packets_to(OTHER) <= 1, "{bad}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn where_nobody_listens_the_next_server_is_asked_at_once() {
    for (closed, open) in [(EXAMPLE, OTHER), (OTHER, EXAMPLE)] {
        for _ in 0..8 {
            let mut internet = internet(TWO, USUAL);
            internet.serve(OTHER, &[("example.com.", USUAL)]);
            internet.close(closed, usize::MAX);
            let house = House::new(internet);
            // No time passes that anybody waits for.
            let at_once = timeout(Duration::from_millis(1), house.data("www.example.com")).await;
            assert_eq!(at_once.unwrap(), ["192.0.2.1"]);
            assert!(house.internet.packets_to(closed) <= 1 && house.internet.packets_to(open) == 1);
            // What was learned is used.
            house.data("alias.example.com").await;
            assert!(house.internet.packets_to(closed) <= 1);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn that_nobody_listens_is_not_the_end_of_asking_but_as_good_as_silence() {
    // Whoever guesses a port may say so of all servers there are.
    let internet = internet(USUAL_COM, USUAL);
    for server in [ROOT, super::COM, EXAMPLE] {
        internet.close(server, 2);
    }
    let house = House::new(internet);
    assert_eq!(house.data("www.example.com").await, ["192.0.2.1"]);
    // Nor are many queries sent where it is true.
    house.internet.close(EXAMPLE, usize::MAX);
    let before = house.internet.packets();
    let failure = house.ask("a.b.c.d.example.com").await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Network, "{failure}");
    assert!(house.internet.packets() <= before + 12, "{}", house.internet.packets() - before);
}

#[tokio::test(start_paused = true)]
async fn a_server_whose_name_leads_nowhere_holds_nobody_up() {
    // Of one, the name is in a dead zone; the other one has a name and is dead.
    let com = "example.com. NS ns.dead.net.
        example.com. NS ns1.alive.net.
        example.com. NS ns2.alive.net.";
    let net = "dead.net. NS ns.dead.net.
        ns.dead.net. A 10.9.9.9
        alive.net. NS ns.alive.net.
        ns.alive.net. A 10.0.1.2";
    for (ns1, ns2) in [("10.0.1.1", "10.9.9.8"), ("10.9.9.8", "10.0.1.1"), ("10.9.9.8", "10.9.9.8")] {
        let mut internet = internet(com, USUAL);
        internet.serve(super::COM, &[("com.", com), ("net.", net)]);
        let alive = format!("ns1.alive.net. A {ns1}\n ns2.alive.net. A {ns2}");
        internet.serve(OTHER, &[("alive.net.", &alive)]);
        let house = House::new(internet);
        let soon = timeout(Duration::from_secs(2), house.ask("www.example.com")).await;
        // Unless both are dead.
        assert_eq!(matches!(soon, Ok(Ok(_))), ns1 != ns2, "{ns1} {ns2}");
        assert!(house.internet.packets() <= 40, "{}", house.internet.packets());
    }
}

#[tokio::test(start_paused = true)]
async fn a_zone_that_is_dead_ends_in_time_and_costs_little() {
    let house = House::new(internet("example.com. NS ns.example.com.\n ns.example.com. A 10.9.9.9", USUAL));
    let failure = house.ask("www.example.com").await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Timeout, "{failure}");
    assert!(house.internet.packets() <= 12, "{}", house.internet.packets());
}

#[tokio::test(start_paused = true)]
async fn a_house_without_a_way_out_says_that_nobody_can_be_reached() {
    for (outage, kind) in [(Outage::Silent, FailureKind::Timeout), (Outage::Refused, FailureKind::Network)] {
        for trusting in [false, true] {
            let mut internet = internet(USUAL_COM, USUAL);
            internet.outage = Some(outage);
            let house = House::with(internet, |settings| settings.dnssec = trusting);
            let asked = ["www.example.com", "www.example.com", "www.example.net", "com"];
            let ended = join_all(asked.map(|name| house.ask(name))).await;
            for failure in ended.into_iter().map(Result::unwrap_err) {
                assert_eq!(failure.kind, kind, "{outage:?}, {trusting}: {failure}");
            }
            assert!(Limit::ALL.iter().all(|limit| house.exceeded(*limit) == 0), "{outage:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn another_way_out_is_tried_at_once() {
    let mut internet = internet("example.com. NS ns.example.com.\n ns.example.com. A 10.9.9.9", USUAL);
    let line = Arc::new(AtomicBool::new(false));
    let is_up = Arc::clone(&line);
    internet.script("10.9.9.9", move |query, _| {
        let mut reply = reply_to(query);
        reply.metadata.authoritative = true;
        reply.add_answer(record("www.example.com. A 192.0.2.1"));
        if is_up.load(Ordering::Relaxed) { vec![reply.to_vec().unwrap()] } else { Vec::new() }
    });
    let house = House::new(internet);
    house.ask("www.example.com").await.unwrap_err();
    // Dead: asked once, and waited for no longer than that.
    let packets = house.internet.packets();
    house.ask("www.example.com").await.unwrap_err();
    assert!(house.internet.packets() <= packets + 2);
    line.store(true, Ordering::Relaxed);
    house.recursion.network_changed();
    assert_eq!(house.data("www.example.com").await, ["192.0.2.1"]);
}

#[tokio::test(start_paused = true)]
async fn truncation_leads_to_tcp() {
    let mut internet = internet(USUAL_COM, USUAL);
    internet.script(EXAMPLE, |query, tcp| {
        let mut reply = reply_to(query);
        reply.metadata.authoritative = true;
        reply.metadata.truncation = !tcp;
        if tcp {
            reply.add_answer(record("www.example.com. A 192.0.2.1"));
        }
        vec![reply.to_vec().unwrap()]
    });
    let house = House::new(internet);
    assert_eq!(house.data("www.example.com").await, ["192.0.2.1"]);
    assert_eq!(house.internet.packets_to(EXAMPLE), 2);
}

/// Returns an answer, and forged ones as an attacker would make them.
fn among(query: &Message, tcp: bool, forge: impl Fn(&mut Vec<u8>)) -> Vec<Vec<u8>> {
    let mut reply = reply_to(query);
    reply.metadata.authoritative = true;
    let mut forged = reply.clone();
    forged.add_answer(record("www.example.com. A 6.6.6.6"));
    let mut forged = forged.to_vec().unwrap();
    forge(&mut forged);
    reply.add_answer(record("www.example.com. A 192.0.2.1"));
    let good = reply.to_vec().unwrap();
    if tcp { vec![good] } else { [vec![forged; 3], vec![good]].concat() }
}

#[tokio::test(start_paused = true)]
async fn under_a_flood_of_guesses_the_question_goes_over_tcp() {
    let mut internet = internet(USUAL_COM, USUAL);
    internet.script(EXAMPLE, |query, tcp| among(query, tcp, |forged| forged[0] ^= 1));
    let house = House::new(internet);
    assert_eq!(house.data("www.example.com").await, ["192.0.2.1"]);
    assert_eq!(house.internet.packets_to(EXAMPLE), 2);
    assert!(house.internet.asked.lock().unwrap().last().unwrap().3);
}

#[tokio::test(start_paused = true)]
async fn what_makes_no_sense_does_not_end_the_wait() {
    let mut internet = internet(USUAL_COM, USUAL);
    internet.script(EXAMPLE, |query, tcp| among(query, tcp, |forged| forged.truncate(forged.len() - 3)));
    let house = House::new(internet);
    assert_eq!(house.data("www.example.com").await, ["192.0.2.1"]);
    assert_eq!(house.internet.packets_to(EXAMPLE), 1);
}

#[tokio::test(start_paused = true)]
async fn old_servers_are_asked_as_in_1987() {
    let mut internet = internet(USUAL_COM, USUAL);
    internet.script(EXAMPLE, |query, _| {
        let mut reply = reply_to(query);
        reply.metadata.authoritative = true;
        if query.edns.is_some() {
            reply.metadata.response_code = ResponseCode::FormErr;
            reply.edns = None;
        } else {
            reply.add_answer(record("www.example.com. A 192.0.2.1"));
        }
        vec![reply.to_vec().unwrap()]
    });
    let house = House::new(internet);
    assert_eq!(house.data("www.example.com").await, ["192.0.2.1"]);
}

#[tokio::test(start_paused = true)]
async fn case_is_given_up_where_a_server_loses_it() {
    let mut internet = internet(USUAL_COM, USUAL);
    internet.script(EXAMPLE, |query, _| {
        let mut reply = reply_to(query);
        reply.metadata.authoritative = true;
        let lower = query.queries[0].name().to_lowercase();
        reply.queries[0].set_name(lower.clone());
        reply.add_answer(record(&format!("{} A 192.0.2.1", lower.to_ascii())));
        vec![reply.to_vec().unwrap()]
    });
    let house = House::new(internet);
    for name in ["wwwwwwwwwwwwwwwwwwwwwwwwwwwwww.example.com", "vvvvvvvvvvvvvvvvvvvvvvvvv.example.com"] {
        assert_eq!(house.data(name).await, ["192.0.2.1"]);
    }
    let tcp = house.internet.asked.lock().unwrap().iter().filter(|(.., tcp)| *tcp).count();
    assert_eq!((tcp, house.internet.packets_to(EXAMPLE)), (1, 3));
}

#[tokio::test(start_paused = true)]
async fn a_set_without_end_is_no_answer() {
    let mut internet = internet(USUAL_COM, USUAL);
    internet.script(EXAMPLE, |query, _| {
        let mut reply = reply_to(query);
        reply.metadata.authoritative = true;
        for nth in 0..200 {
            reply.add_answer(record(&format!("www.example.com. A 192.0.2.{nth}")));
        }
        vec![reply.to_vec().unwrap()]
    });
    let house = House::new(internet);
    assert_eq!(house.ask("www.example.com").await.unwrap_err().kind, FailureKind::Limit);
    assert_eq!(house.exceeded(Limit::Records), 1);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_is_dead_is_asked_once() {
    let house = House::new(internet("example.com. NS ns.example.com.\n ns.example.com. A 10.9.9.9", USUAL));
    house.ask("www.example.com").await.unwrap_err();
    let packets = house.internet.packets();
    house.internet.clock.advance(Duration::from_secs(5));
    house.ask("www.example.com").await.unwrap_err();
    let asked = house.internet.asked.lock().unwrap();
    assert!(asked.len() <= packets + 2, "{:?}", &asked[packets..]);
}

#[tokio::test(start_paused = true)]
async fn what_many_want_to_know_is_not_asked_for_each_of_them() {
    let mut internet = internet(USUAL_COM, USUAL);
    internet.script(ROOT, |query, _| {
        // Who the root's servers are it says, and then no more.
        let primes = query.queries[0].name().is_root();
        let reply = answer(&[Zone::read(".", ROOT_ZONE)], query);
        primes.then(|| reply.to_vec().unwrap()).into_iter().collect()
    });
    let house = House::new(internet);
    let names: Vec<_> = (0..30).map(|nth| format!("www.shop{nth}.com")).collect();
    for result in join_all(names.iter().map(|name| house.ask(name))).await {
        result.unwrap_err();
    }
    // All of them want to know of `com` first: two ask, with what tries that takes.
    let names = house.internet.names_at(ROOT);
    let shared = names.iter().filter(|name| name.eq_ignore_ascii_case("com. A")).count();
    assert!((1..=16).contains(&shared), "{shared} of {names:?}");
}
