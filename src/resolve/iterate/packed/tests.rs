//! What is packed comes out as it was.

use std::net::Ipv4Addr;
use std::net::Ipv6Addr;
use std::time::Duration;

use hickory_proto::rr::RecordType;
use hickory_proto::rr::rdata::CNAME;
use hickory_proto::rr::rdata::NS;
use hickory_proto::rr::rdata::NULL;
use hickory_proto::rr::rdata::SOA;
use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::base::Clock;
use crate::base::time::ManualClock;

fn now() -> Instant {
    ManualClock::at(0).now().instant
}

fn name(text: &str) -> Name {
    Name::from_ascii(text).unwrap()
}

/// Names of few labels, so that some end alike, in any case and any octets.
fn names() -> impl Strategy<Value = Name> {
    let label = prop_oneof!["[a-cA-C]{1,2}".prop_map(String::into_bytes), vec(any::<u8>(), 1..9)];
    vec(label, 0..5).prop_map(|labels| {
        let mut name = Name::from_labels(labels).unwrap();
        name.set_fqdn(true);
        name
    })
}

/// Data of all kinds: what has names in it, and whatever octets may be read as.
fn data() -> impl Strategy<Value = RData> {
    let types = prop_oneof![any::<u16>(), prop_oneof![1u16..70, Just(257)]];
    let read = |(rtype, octets): (u16, Vec<u8>)| {
        let mut wire = vec![0];
        wire.extend([rtype.to_be_bytes(), [0, 1], [0, 0], [0, 9]].concat());
        wire.extend(u16::try_from(octets.len()).unwrap().to_be_bytes());
        wire.extend(octets);
        let record = Record::from_bytes(&wire).ok()?;
        (record.record_type() != RecordType::OPT).then_some(record.data)
    };
    prop_oneof![
        names().prop_map(|name| RData::NS(NS(name))),
        names().prop_map(|name| RData::CNAME(CNAME(name))),
        (names(), names()).prop_map(|(one, other)| RData::SOA(SOA::new(one, other, 1, 2, 3, 4, 5))),
        any::<Ipv4Addr>().prop_map(|address| RData::A(address.into())),
        any::<Ipv6Addr>().prop_map(|address| RData::AAAA(address.into())),
        (types, vec(any::<u8>(), 0..60)).prop_filter_map("it cannot be read", read),
    ]
}

fn records(most: usize) -> impl Strategy<Value = Vec<Record>> {
    let record = (names(), any::<u32>(), data());
    vec(record.prop_map(|(name, ttl, data)| Record::from_rdata(name, ttl, data)), 0..most)
}

fn servers() -> impl Strategy<Value = SocketAddr> {
    let scoped = (any::<[u8; 16]>(), any::<u16>(), any::<u32>(), any::<u32>());
    let scoped = scoped.prop_map(|(ip, port, flow, scope)| SocketAddrV6::new(ip.into(), port, flow, scope));
    prop_oneof![any::<([u8; 4], u16)>().prop_map(SocketAddr::from), scoped.prop_map(SocketAddr::V6)]
}

proptest! {
    #[test]
    fn an_answer_comes_out_as_it_was(
        mut answers in records(6),
        authorities in records(6),
        alias in (names(), names()),
        zone in names(),
        server in servers(),
        outline in 0..5u8,
        ttl: u32,
        contradicted: bool,
    ) {
        let kind = match outline {
            0 => Kind::Data,
            1 => Kind::NoData,
            2 => Kind::NxDomain,
            3 => Kind::TooLong,
            _ => Kind::Alias(alias.1.clone()),
        };
        if matches!(kind, Kind::Alias(_)) {
            answers.retain(|record| record.record_type() != RecordType::CNAME);
            answers.push(Record::from_rdata(alias.0, 7, RData::CNAME(CNAME(alias.1))));
        }
        let found = Found { kind, answers, authorities, contradicted, zone, server, stored: now(), ttl };
        let again = PackedFound::new(&found).unwrap().unpack().unwrap();
        prop_assert_eq!(format!("{again:?}"), format!("{found:?}"));
    }

    #[test]
    fn a_delegation_comes_out_as_it_was(
        zone in names(),
        mut servers in vec((names(), vec(any::<IpAddr>(), 0..4)), 0..5),
        ds in records(4),
    ) {
        let mut seen = Vec::new();
        servers.retain(|(server, _)| {
            let is_new = !seen.contains(server);
            seen.push(server.clone());
            is_new
        });
        let glue = servers.iter().flat_map(|(name, all)| all.iter().map(|address| (name.clone(), *address)));
        let glue = glue.collect();
        let servers = servers.iter().map(|(name, _)| name.clone()).collect();
        let delegation = Delegation { zone, servers, glue, fixed: Vec::new(), ds, until: Some(now()) };
        let again = PackedDelegation::new(&delegation).unwrap().unpack().unwrap();
        prop_assert_eq!(format!("{again:?}"), format!("{delegation:?}"));
    }
}

#[test]
fn a_usual_delegation_takes_some_fifty_octets() {
    let servers = vec![name("ns1.example.com."), name("ns2.example.com.")];
    let glue = servers.iter().map(|server| (server.clone(), "192.0.2.1".parse().unwrap())).collect();
    let until = Some(now() + Duration::from_secs(9));
    let zone = name("example.com.");
    let delegation = Delegation { zone, servers, glue, fixed: Vec::new(), ds: Vec::new(), until };
    assert_eq!(PackedDelegation::new(&delegation).unwrap().lengths().sum::<usize>(), 41);
}

#[test]
fn what_is_too_large_or_never_ends_is_not_packed() {
    let zone = name("example.");
    let (servers, glue, fixed, ds) = (vec![zone.clone()], Vec::new(), Vec::new(), Vec::new());
    let endless = Delegation { zone: zone.clone(), servers, glue, fixed, ds, until: None };
    assert!(PackedDelegation::new(&endless).is_none());
    let large = Record::from_rdata(zone, 0, RData::NULL(NULL::with(vec![0; 17_000])));
    let until = Some(now());
    assert!(PackedDelegation::new(&Delegation { ds: vec![large], until, ..endless }).is_none());
}
