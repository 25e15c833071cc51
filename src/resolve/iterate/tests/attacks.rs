//! Attacks on our time and on others'.

use std::collections::HashSet;
use std::fmt::Write;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use hickory_proto::dnssec::rdata::DNSSECRData;
use hickory_proto::dnssec::rdata::RRSIG;
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
use super::dnssec::NOW;
use super::dnssec::Signed;
use super::dnssec::is_asked;
use super::internet;
use super::internet::record;
use super::internet::reply_to;
use crate::query::Rtype;
use crate::resolve::FailureKind;
use crate::resolve::Question;
use crate::resolve::exchange::budget::WALL_CLOCK;
use crate::resolve::exchange::trouble::Trouble;
use crate::resolve::iterate::found::signature;
use crate::resolve::iterate::job::Job;
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
async fn nobody_waits_longer_than_five_seconds_and_nothing_is_sent_after() {
    let server = |nth| format!("example.com. NS ns{nth}.example.com.\n ns{nth}.example.com. A 10.9.9.{nth}");
    let house = House::new(internet(&(0..6).map(server).collect::<Vec<_>>().join("\n"), USUAL));
    let in_time = WALL_CLOCK + Duration::from_millis(1);
    let failure = timeout(in_time, house.ask("www.example.com")).await.unwrap().unwrap_err();
    // It is not for too much work, but for want of an answer.
    assert_eq!((failure.kind, house.exceeded(Limit::Time)), (FailureKind::Timeout, 0), "{failure}");
    let packets = house.internet.packets();
    tokio::time::advance(WALL_CLOCK).await;
    assert_eq!(house.internet.packets(), packets);
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
async fn zones_that_are_not_there_hold_up_nobody() {
    // Phantom domains: many at once, whose servers never answer.
    let mut com = USUAL_COM.to_owned();
    for nth in 0..300 {
        let address = format!("10.9.{}.{}", nth / 250, nth % 250 + 1);
        writeln!(com, "\np{nth}.com. NS ns.p{nth}.com.\nns.p{nth}.com. A {address}").unwrap();
    }
    let house = Arc::new(House::new(internet(&com, USUAL)));
    let ask = |nth| {
        let house = Arc::clone(&house);
        tokio::spawn(async move { house.ask(&format!("www.p{nth}.com")).await })
    };
    let phantoms: Vec<_> = (0..300).map(ask).collect();
    tokio::time::advance(Duration::from_secs(1)).await;
    assert!(phantoms.iter().all(|phantom| !phantom.is_finished()));
    let at_once = timeout(Duration::from_millis(1), house.data("www.example.com"));
    assert_eq!(at_once.await.unwrap(), ["192.0.2.1"]);
    for phantom in phantoms {
        phantom.await.unwrap().unwrap_err();
    }
    assert!(house.internet.packets() <= 300 * 12, "{}", house.internet.packets());
}

#[tokio::test(start_paused = true)]
async fn keys_of_one_tag_and_signatures_that_fit_none_are_few_checks() {
    // KeyTrap (CVE-2023-50387): 100 keys that have the tag of the real one, and
    // 100 signatures by none of them.
    let signed = Signed::spoiled(|query, reply, key| {
        let mut wrong = Vec::new();
        for record in &mut reply.answers {
            if let Some(rrsig) = signature(record).filter(|_| is_asked(query, RecordType::A)) {
                let made = |nth| RRSIG::from_sig(rrsig.input().clone(), vec![nth; 64]);
                wrong.extend((0..100).map(|nth| RData::DNSSEC(DNSSECRData::RRSIG(made(nth)))));
            }
        }
        if !wrong.is_empty() {
            let owner = reply.answers[0].name.clone();
            reply.answers.truncate(1);
            reply.answers.extend(wrong.into_iter().map(|data| Record::from_rdata(owner.clone(), 300, data)));
        } else if is_asked(query, RecordType::DNSKEY) {
            let zone = internet::name("example.com.");
            reply.answers.truncate(1);
            for nth in 0..100 {
                let data = RData::DNSSEC(DNSSECRData::DNSKEY(key.twin(nth)));
                reply.answers.push(Record::from_rdata(zone.clone(), 3_600, data));
            }
            reply.answers.push(key.sign(&zone, &reply.answers, NOW, |_| {}));
        }
    });
    let recursion = &signed.house.recursion;
    let job = Job::new(&recursion.engine, signed.house.now(), false);
    let name = "www.example.com".parse().unwrap();
    let question = Question { name, rtype: Rtype::A, checking_disabled: false };
    let trouble = job.follow(&question).await.unwrap_err();
    assert!(matches!(trouble, Trouble::Bogus(_)), "{trouble}");
    // Five good ones on the way, and four in vain.
    assert!(job.budget.used(Limit::Signatures) <= 9, "{}", job.budget.used(Limit::Signatures));
    assert_eq!(job.budget.used(Limit::BadSignatures), 4);
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
