//! What is kept, and what it takes.

use std::time::Duration;

use hickory_proto::rr::RData;
use hickory_proto::rr::rdata::A;

use super::*;
use crate::base::Clock;
use crate::base::time::ManualClock;
use crate::counted;

fn now() -> Instant {
    ManualClock::at(0).now().instant
}

fn name(text: &str) -> Name {
    Name::from_ascii(text).unwrap()
}

fn delegation(zone: &str) -> Arc<Delegation> {
    let zone = name(zone);
    let server = name("ns1.provider.example.");
    let glue = vec![(server.clone(), "192.0.2.1".parse().unwrap())];
    let until = Some(now() + Duration::from_mins(1));
    Arc::new(Delegation { zone, servers: vec![server], glue, fixed: Vec::new(), ds: Vec::new(), until })
}

fn address(owner: &str) -> Found {
    let address = RData::A(A::new(192, 0, 2, 7));
    Found {
        kind: Kind::Data,
        answers: vec![Record::from_rdata(name(owner), 60, address)],
        authorities: Vec::new(),
        contradicted: false,
        zone: name("example."),
        server: SocketAddr::from(([192, 0, 2, 1], 53)),
        stored: now(),
        ttl: 60,
    }
}

/// Returns how many octets this thread has more after doing something.
fn heap(run: impl FnOnce()) -> u64 {
    let before = counted::OCTETS.get();
    run();
    u64::try_from(counted::OCTETS.get().wrapping_sub(before)).unwrap()
}

#[test]
fn the_nearest_delegation_is_found_whatever_the_case_until_its_time_is_up() {
    let store = Store::new(Share::WHOLE);
    store.delegate(&delegation("example."));
    store.delegate(&delegation("a.Example."));
    let zone = |of: &str, now| store.nearest(&name(of), now).map(|found| found.zone.to_string());
    assert_eq!(zone("www.b.A.example.", now()).as_deref(), Some("a.Example."));
    assert_eq!(zone("ba.example.", now()).as_deref(), Some("example."));
    assert_eq!(zone("test.", now()), None);
    assert_eq!(zone("a.example.", now() + Duration::from_mins(1)), None);
    store.undelegate(&name("A.example."));
    assert_eq!(zone("a.example.", now()).as_deref(), Some("example."));
}

#[test]
fn what_a_referral_said_of_ds_records_is_told_until_it_was_heard() {
    let (store, zone) = (Store::new(Share::WHOLE), name("a.example."));
    let said = delegation("a.example.");
    store.delegate(&said);
    assert_eq!(store.told_ds(&zone, now()), None);
    let ds = address("a.example.").answers;
    store.delegate(&Arc::new(Delegation { ds: ds.clone(), ..Delegation::clone(&said) }));
    assert_eq!(store.told_ds(&zone, now()), Some(ds));
    assert_eq!(store.told_ds(&zone, now() + Duration::from_mins(1)), None);
    store.heard_ds(&zone, now());
    assert_eq!(store.told_ds(&zone, now()), None);
    assert_eq!(store.delegation(&zone, now()).unwrap().servers, said.servers);
}

#[test]
fn the_root_is_not_crowded_out() {
    let store = Store::new(Share::WHOLE);
    store.delegate(&delegation("."));
    (0..60_000).for_each(|nth| store.delegate(&delegation(&format!("zone-{nth}.example."))));
    assert!(store.delegations.len() < 60_000);
    assert!(store.delegation(&Name::root(), now()).is_some());
    store.undelegate(&Name::root());
    assert!(store.delegation(&Name::root(), now()).is_none());
}

#[test]
fn a_dname_above_is_found_and_not_one_at_the_name() {
    let store = Store::new(Share::WHOLE);
    store.put(&name("b.example."), RecordType::DNAME, &address("b.example."));
    let dname = |of: &str| store.dname_above(&name(of), now()).is_some();
    assert!(dname("x.y.B.example."));
    assert!(!dname("b.example."));
    assert!(!dname("xb.example."));
}

#[test]
fn what_is_kept_takes_no_more_than_it_is_said_to_weigh() {
    // Where the tables have just grown, and where they are about to.
    for count in [3_000, 9_000, 16_000] {
        let store = Store::new(Share::WHOLE);
        let zones: Vec<_> = (0..count).map(|nth| delegation(&format!("zone-{nth}.example."))).collect();
        let taken = heap(|| zones.iter().for_each(|zone| store.delegate(zone)));
        let said = store.delegations.weight();
        assert_eq!(store.delegations.len(), count);
        assert!(taken * 3 / 4 < said && said < taken * 3 / 2, "{count} delegations: {said} for {taken}");

        let owners: Vec<_> = (0..count).map(|nth| format!("www.zone-{nth}.example.")).collect();
        let all: Vec<_> = owners.iter().map(|owner| (name(owner), address(owner))).collect();
        let put = |(name, found): &(Name, Found)| store.put(name, RecordType::A, found);
        let taken = heap(|| all.iter().for_each(put));
        let said = store.answers.weight();
        assert_eq!(store.answers.len(), count);
        assert!(taken * 3 / 4 < said && said < taken * 3 / 2, "{count} answers: {said} for {taken}");
    }
}

#[test]
fn what_is_not_known_costs_no_memory() {
    let store = Store::new(Share::WHOLE);
    store.delegate(&delegation("example."));
    let (name, now) = (name("a.b.c.d.test."), now());
    let look = || {
        assert!(store.nearest(&name, now).is_none() && store.dname_above(&name, now).is_none());
        assert!(!store.has_data(&name, RecordType::A, now));
    };
    assert_eq!(counted::allocations(look), 0);
}
