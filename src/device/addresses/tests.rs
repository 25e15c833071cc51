//! Who is believed of two, for how long, and how much is kept.

use super::told::MOST;
use super::*;
use crate::base::Clock;
use crate::base::time::ManualClock;
use std::net::IpAddr;
use std::time::Duration;

const A: MacAddr = MacAddr([2, 0, 0, 0, 0, 1]);
const B: MacAddr = MacAddr([2, 0, 0, 0, 0, 2]);

fn feed(source: Source) -> Feed {
    Feed { source, name: Arc::from("test") }
}

fn binding(addr: &str, mac: MacAddr, until: Option<i64>) -> Binding {
    Binding { addr: addr.parse().unwrap(), mac, name: None, guest: false, until }
}

fn key(addr: &str) -> Key {
    (addr.parse().unwrap(), 0)
}

#[test]
fn who_takes_over_an_address_is_believed_at_once_whoever_says_so() {
    let (addresses, clock) = (Addresses::default(), ManualClock::at(1000));
    let found = |clock: &ManualClock| addresses.find(key("192.0.2.1"), clock.now());
    addresses.replace(&feed(Source::Lease), &[binding("192.0.2.1", A, Some(5000))], clock.now());
    assert_eq!(found(&clock).unwrap().mac, A);
    clock.advance(Duration::from_secs(1));
    let before = addresses.changes();
    let news = [(key("192.0.2.1"), binding("192.0.2.1", B, None))];
    addresses.hear(&feed(Source::Neighbor), news, clock.now());
    assert_eq!(found(&clock).unwrap().mac, B);
    assert_ne!(addresses.changes(), before);
    clock.advance(Duration::from_secs(1));
    // The file is read again and says what it said.
    addresses.replace(&feed(Source::Lease), &[binding("192.0.2.1", A, Some(6000))], clock.now());
    assert_eq!(found(&clock).unwrap().mac, B);
    clock.advance(Duration::from_secs(1));
    // It changes its mind.
    addresses.replace(&feed(Source::Lease), &[], clock.now());
    addresses.replace(&feed(Source::Lease), &[binding("192.0.2.1", A, Some(6000))], clock.now());
    assert_eq!(found(&clock).unwrap().mac, A);
}

#[test]
fn what_has_expired_is_not_found_and_may_be_said_again() {
    let (addresses, clock) = (Addresses::default(), ManualClock::at(1000));
    let word = |until| [(key("192.0.2.1"), binding("192.0.2.1", A, Some(until)))];
    addresses.hear(&feed(Source::Pushed), word(1010), clock.now());
    clock.advance(Duration::from_secs(10));
    assert!(addresses.find(key("192.0.2.1"), clock.now()).is_some());
    clock.advance(Duration::from_secs(1));
    assert!(addresses.find(key("192.0.2.1"), clock.now()).is_none());
    assert!(addresses.all(clock.now()).is_empty());
    addresses.hear(&feed(Source::Pushed), word(1020), clock.now());
    assert!(addresses.find(key("192.0.2.1"), clock.now()).is_some());
}

#[test]
fn made_up_addresses_do_not_grow_and_push_out_the_oldest() {
    let (addresses, clock) = (Addresses::default(), ManualClock::at(1000));
    let words = |from: u32| {
        (0..1024).map(move |nth| {
            let addr = IpAddr::V4((0x0a00_0000 + from + nth).into());
            ((addr, 0), Binding { addr, mac: A, name: Some(Arc::from("x")), guest: false, until: None })
        })
    };
    for round in 0..20 {
        addresses.hear(&feed(Source::Neighbor), words(round * 1024), clock.now());
        clock.advance(Duration::from_secs(1));
        assert!(addresses.find(words(round * 1024).next().unwrap().0, clock.now()).is_some());
    }
    let left = addresses.all(clock.now()).len();
    assert!((MOST / 2..=MOST).contains(&left), "{left}");
}

#[test]
fn names_are_shown_whoever_gave_them() {
    let (addresses, clock) = (Addresses::default(), ManualClock::at(1000));
    let named = Binding { name: Some(Arc::from("Kitchen")), ..binding("192.0.2.1", A, None) };
    addresses.replace(&feed(Source::FritzBox), &[named], clock.now());
    let v6 = [(key("2001:db8::1"), binding("2001:db8::1", A, None))];
    addresses.hear(&feed(Source::Neighbor), v6, clock.now());
    let shown = addresses.all(clock.now());
    assert_eq!(shown.len(), 2);
    assert!(shown.iter().all(|shown| shown.about.name.as_deref() == Some("Kitchen")));
    addresses.only(&[], clock.now());
    assert_eq!(addresses.all(clock.now()).len(), 1);
}
