//! Storms, second by second.

use proptest::prelude::*;

use super::*;
use crate::answer::BlockedAnswer;
use crate::base::Client;
use crate::base::Clock;
use crate::base::Domain;
use crate::base::time::ManualClock;
use crate::policy::Ground;
use crate::query::Query;

/// As an empty config has it.
const BLOCKED: Blocked = Blocked { answer: BlockedAnswer::NxDomain, ttl: 10, max_ttl: 3_600 };

/// Asks at `unix` seconds; returns the TTL and whether it was again.
fn ask(storms: &Storms, unix: i64, client: &str, name: &str, qtype: Rtype) -> (u32, Retry) {
    let name: Domain = name.parse().unwrap();
    let client = Client::new(client.parse().unwrap());
    let query = Query::new(client, name, qtype, ManualClock::at(unix).now());
    let (blocked, retry) = storms.calm(query.borrowed(), &Answer::Blocked(Ground::EssentialOnly), BLOCKED);
    (blocked.ttl, retry)
}

#[test]
fn whoever_is_back_when_the_time_is_up_gets_twice_as_long_up_to_an_hour() {
    let (storms, mut now, mut ttls) = (Storms::default(), 1_800_000_000, Vec::new());
    for _ in 0..12 {
        let (ttl, _) = ask(&storms, now, "192.0.2.1", "a.example", Rtype::A);
        ttls.push(ttl);
        now += i64::from(ttl);
    }
    assert_eq!(ttls, [10, 20, 40, 80, 160, 320, 640, 1_280, 2_560, 3_600, 3_600, 3_600]);
    // Away for more than twice as long: as if it had never asked.
    assert_eq!(ask(&storms, now + 7_201, "192.0.2.1", "a.example", Rtype::A), (10, Retry::No));
    // After a reload there is another table.
    assert_eq!(ask(&Storms::default(), now, "192.0.2.1", "a.example", Rtype::A), (10, Retry::No));
}

#[test]
fn asking_faster_makes_it_no_longer_and_is_counted() {
    let storms = Storms::default();
    let asks: Vec<_> =
        (0..100).map(|nth| ask(&storms, 1_000 + nth / 10, "192.0.2.1", "a.example", Rtype::A)).collect();
    assert!(asks.iter().all(|(ttl, _)| *ttl == 10));
    assert_eq!(asks.iter().filter(|(_, retry)| *retry == Retry::No).count(), 1);
    assert!(matches!(asks[20].1, Retry::Storm(_)), "{asks:?}");
    assert_eq!(asks.iter().filter(|(_, retry)| matches!(retry, Retry::Storm(_))).count(), 1);
}

#[test]
fn the_types_of_one_look_up_are_not_asked_again() {
    let storms = Storms::default();
    for (second, again) in [(0, Retry::No), (10, Retry::Again)] {
        let types = [Rtype::A, Rtype::AAAA, Rtype::HTTPS]
            .map(|qtype| ask(&storms, second, "192.0.2.1", "a.example", qtype).1);
        assert_eq!(types, [again, Retry::No, Retry::No]);
    }
    assert_eq!(ask(&storms, 11, "192.0.2.1", "a.example", Rtype::AAAA).1, Retry::Again);
}

#[test]
fn a_storm_is_of_one_client_and_one_name() {
    let storms = Storms::default();
    let ask = |now, client, name| ask(&storms, now, client, name, Rtype::A);
    ask(0, "192.0.2.1", "a.example");
    assert_eq!(ask(10, "192.0.2.1", "a.example"), (20, Retry::Again));
    assert_eq!(ask(10, "192.0.2.2", "a.example"), (10, Retry::No));
    assert_eq!(ask(10, "192.0.2.1", "b.example"), (10, Retry::No));
}

#[test]
fn a_storm_goes_on_until_it_was_quiet_for_a_while() {
    let storms = Storms::default();
    let asks = [0, 1, 2].map(|second| [second; 7]).concat();
    let retries = asks.into_iter().map(|second| ask(&storms, second, "192.0.2.1", "a.example", Rtype::A).1);
    let Some(&Retry::Storm(storm)) = retries.collect::<Vec<_>>().last() else { panic!("no storm") };
    assert_eq!(storms.goes_on(storm, 600, BLOCKED), Some(20));
    assert_eq!(storms.goes_on(storm, 700, BLOCKED), None);
}

#[test]
fn made_up_names_take_no_memory_and_push_out_what_is_oldest() {
    let storms = Storms::default();
    for nth in 0..20_000 {
        ask(&storms, nth / 100, "192.0.2.1", &format!("x{nth}.example"), Rtype::A);
    }
    assert_eq!(storms.0.len(), SLOTS);
    assert_eq!(ask(&storms, 200, "192.0.2.1", "x19999.example", Rtype::A).1, Retry::Again);
    assert_eq!(ask(&storms, 200, "192.0.2.1", "x0.example", Rtype::A).1, Retry::No);
}

proptest! {
    #[test]
    fn a_state_is_read_as_it_was_written(bits: u64) {
        prop_assert_eq!(State::of(bits).bits(), bits);
    }

    #[test]
    fn a_ttl_is_between_the_two_that_are_set(bits: u64, now: u32, ttl in 0u32..90_000, max_ttl in 0u32..90_000) {
        let blocked = Blocked { ttl, max_ttl, ..BLOCKED };
        let (next, _) = State::of(bits).next(now & 0x0fff_ffff, Rtype::A, blocked);
        prop_assert!((ttl..=ttl.max(max_ttl)).contains(&next.ttl(blocked)));
    }
}
