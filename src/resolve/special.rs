//! Names that never leave the house, because nobody outside can know them or
//! should hear of them.
//!
//! Apart from the policy: this is not about what a device may ask, but about
//! what registries say of a name (IANA, Special-Use Domain Names and Locally-Served
//! DNS Zones; ICANN, `internal`), and `lan`, where most routers have their devices.

use std::collections::HashMap;
use std::net::Ipv4Addr;
use std::net::Ipv6Addr;
use std::sync::LazyLock;

use hickory_proto::op::ResponseCode;
use hickory_proto::rr::Name;
use hickory_proto::rr::RData;
use hickory_proto::rr::Record;
use hickory_proto::rr::rdata::NS;
use hickory_proto::rr::rdata::PTR;
use hickory_proto::rr::rdata::SOA;
use hickory_proto::rr::rdata::TXT;

use super::AnswerData;
use super::names;
use super::upstream::Question;
use crate::base::Domain;
use crate::query::Rtype;

/// How long our own answers may be kept, in seconds (RFC 6303 section 3).
const TTL: u32 = 10_800;

//----------- SPECIAL ----------------------------------------------------------

/// What is done with a special name and all names below it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Kind {
    /// It is this host (RFC 6761 section 6.3).
    Localhost,
    /// It and all below it do not exist.
    Nothing,
    /// It tells those who ask through other servers that we stand behind them.
    Ourselves,
    /// Like `Nothing`, and not even a configured zone may say otherwise.
    Never,
    /// A zone of our own without anything in it (RFC 6303 section 3).
    EmptyZone,
    /// It exists and has no data, and so do all names below it.
    NoData,
    /// The reverse of a loopback address.
    ReverseLocalhost,
    /// Like `Nothing`, but the household may have an Internet of its own to
    /// test with (RFC 6761 section 6.2).
    Test,
    /// Like `EmptyZone`, and otherwise like `Test`: networks for documentation.
    TestZone,
}

/// The special names, sorted.
const SPECIAL: [(&str, Kind); 111] = [
    ("0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.ip6.arpa", Kind::EmptyZone),
    ("0.in-addr.arpa", Kind::EmptyZone),
    ("1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.ip6.arpa", Kind::ReverseLocalhost),
    ("1.0.0.127.in-addr.arpa", Kind::ReverseLocalhost),
    ("10.in-addr.arpa", Kind::EmptyZone),
    ("100.100.in-addr.arpa", Kind::EmptyZone),
    ("100.51.198.in-addr.arpa", Kind::TestZone),
    ("101.100.in-addr.arpa", Kind::EmptyZone),
    ("102.100.in-addr.arpa", Kind::EmptyZone),
    ("103.100.in-addr.arpa", Kind::EmptyZone),
    ("104.100.in-addr.arpa", Kind::EmptyZone),
    ("105.100.in-addr.arpa", Kind::EmptyZone),
    ("106.100.in-addr.arpa", Kind::EmptyZone),
    ("107.100.in-addr.arpa", Kind::EmptyZone),
    ("108.100.in-addr.arpa", Kind::EmptyZone),
    ("109.100.in-addr.arpa", Kind::EmptyZone),
    ("110.100.in-addr.arpa", Kind::EmptyZone),
    ("111.100.in-addr.arpa", Kind::EmptyZone),
    ("112.100.in-addr.arpa", Kind::EmptyZone),
    ("113.0.203.in-addr.arpa", Kind::TestZone),
    ("113.100.in-addr.arpa", Kind::EmptyZone),
    ("114.100.in-addr.arpa", Kind::EmptyZone),
    ("115.100.in-addr.arpa", Kind::EmptyZone),
    ("116.100.in-addr.arpa", Kind::EmptyZone),
    ("117.100.in-addr.arpa", Kind::EmptyZone),
    ("118.100.in-addr.arpa", Kind::EmptyZone),
    ("119.100.in-addr.arpa", Kind::EmptyZone),
    ("120.100.in-addr.arpa", Kind::EmptyZone),
    ("121.100.in-addr.arpa", Kind::EmptyZone),
    ("122.100.in-addr.arpa", Kind::EmptyZone),
    ("123.100.in-addr.arpa", Kind::EmptyZone),
    ("124.100.in-addr.arpa", Kind::EmptyZone),
    ("125.100.in-addr.arpa", Kind::EmptyZone),
    ("126.100.in-addr.arpa", Kind::EmptyZone),
    ("127.100.in-addr.arpa", Kind::EmptyZone),
    ("127.in-addr.arpa", Kind::EmptyZone),
    ("16.172.in-addr.arpa", Kind::EmptyZone),
    ("168.192.in-addr.arpa", Kind::EmptyZone),
    ("17.172.in-addr.arpa", Kind::EmptyZone),
    ("18.172.in-addr.arpa", Kind::EmptyZone),
    ("19.172.in-addr.arpa", Kind::EmptyZone),
    ("2.0.192.in-addr.arpa", Kind::TestZone),
    ("20.172.in-addr.arpa", Kind::EmptyZone),
    ("21.172.in-addr.arpa", Kind::EmptyZone),
    ("22.172.in-addr.arpa", Kind::EmptyZone),
    ("23.172.in-addr.arpa", Kind::EmptyZone),
    ("24.172.in-addr.arpa", Kind::EmptyZone),
    ("25.172.in-addr.arpa", Kind::EmptyZone),
    ("254.169.in-addr.arpa", Kind::EmptyZone),
    ("255.255.255.255.in-addr.arpa", Kind::EmptyZone),
    ("26.172.in-addr.arpa", Kind::EmptyZone),
    ("27.172.in-addr.arpa", Kind::EmptyZone),
    ("28.172.in-addr.arpa", Kind::EmptyZone),
    ("29.172.in-addr.arpa", Kind::EmptyZone),
    ("30.172.in-addr.arpa", Kind::EmptyZone),
    ("31.172.in-addr.arpa", Kind::EmptyZone),
    ("64.100.in-addr.arpa", Kind::EmptyZone),
    ("65.100.in-addr.arpa", Kind::EmptyZone),
    ("66.100.in-addr.arpa", Kind::EmptyZone),
    ("67.100.in-addr.arpa", Kind::EmptyZone),
    ("68.100.in-addr.arpa", Kind::EmptyZone),
    ("69.100.in-addr.arpa", Kind::EmptyZone),
    ("70.100.in-addr.arpa", Kind::EmptyZone),
    ("71.100.in-addr.arpa", Kind::EmptyZone),
    ("72.100.in-addr.arpa", Kind::EmptyZone),
    ("73.100.in-addr.arpa", Kind::EmptyZone),
    ("74.100.in-addr.arpa", Kind::EmptyZone),
    ("75.100.in-addr.arpa", Kind::EmptyZone),
    ("76.100.in-addr.arpa", Kind::EmptyZone),
    ("77.100.in-addr.arpa", Kind::EmptyZone),
    ("78.100.in-addr.arpa", Kind::EmptyZone),
    ("79.100.in-addr.arpa", Kind::EmptyZone),
    ("8.b.d.0.1.0.0.2.ip6.arpa", Kind::TestZone),
    ("8.e.f.ip6.arpa", Kind::EmptyZone),
    ("80.100.in-addr.arpa", Kind::EmptyZone),
    ("81.100.in-addr.arpa", Kind::EmptyZone),
    ("82.100.in-addr.arpa", Kind::EmptyZone),
    ("83.100.in-addr.arpa", Kind::EmptyZone),
    ("84.100.in-addr.arpa", Kind::EmptyZone),
    ("85.100.in-addr.arpa", Kind::EmptyZone),
    ("86.100.in-addr.arpa", Kind::EmptyZone),
    ("87.100.in-addr.arpa", Kind::EmptyZone),
    ("88.100.in-addr.arpa", Kind::EmptyZone),
    ("89.100.in-addr.arpa", Kind::EmptyZone),
    ("9.e.f.ip6.arpa", Kind::EmptyZone),
    ("90.100.in-addr.arpa", Kind::EmptyZone),
    ("91.100.in-addr.arpa", Kind::EmptyZone),
    ("92.100.in-addr.arpa", Kind::EmptyZone),
    ("93.100.in-addr.arpa", Kind::EmptyZone),
    ("94.100.in-addr.arpa", Kind::EmptyZone),
    ("95.100.in-addr.arpa", Kind::EmptyZone),
    ("96.100.in-addr.arpa", Kind::EmptyZone),
    ("97.100.in-addr.arpa", Kind::EmptyZone),
    ("98.100.in-addr.arpa", Kind::EmptyZone),
    ("99.100.in-addr.arpa", Kind::EmptyZone),
    ("a.e.f.ip6.arpa", Kind::EmptyZone),
    ("alt", Kind::Nothing),
    ("b.e.f.ip6.arpa", Kind::EmptyZone),
    ("d.f.ip6.arpa", Kind::EmptyZone),
    ("home.arpa", Kind::Nothing),
    ("internal", Kind::Nothing),
    ("invalid", Kind::Never),
    ("lan", Kind::Nothing),
    ("local", Kind::Nothing),
    ("localhost", Kind::Localhost),
    ("onion", Kind::Nothing),
    ("resolver.arpa", Kind::NoData),
    ("service.arpa", Kind::Nothing),
    ("test", Kind::Test),
    ("use-application-dns.net", Kind::Nothing),
    ("whoami.sordino.invalid", Kind::Ourselves),
];

/// [`SPECIAL`], to be asked with names.
static BY_NAME: LazyLock<HashMap<Domain, Kind>> =
    LazyLock::new(|| SPECIAL.iter().filter_map(|(name, kind)| Some((name.parse().ok()?, *kind))).collect());

//----------- answer -----------------------------------------------------------

/// Returns our own answer to a question about a special name.
///
/// `zoned` says that the household has a zone for the name, which then is
/// special no more: its router may well know `fritz.box` and `10.in-addr.arpa`.
///
/// `own_root` says that it has root servers of its own, and so an Internet to
/// test with, in which there may be hosts at the top.
pub(super) fn answer(question: &Question, zoned: bool, own_root: bool) -> Option<AnswerData> {
    let Some((apex, kind)) = find(&question.name) else {
        return (!zoned && !own_root && is_bare(question)).then(|| negative(question, Name::root(), true));
    };
    if zoned && !matches!(kind, Kind::Localhost | Kind::Never | Kind::Ourselves) {
        return None;
    }
    if own_root && matches!(kind, Kind::Test | Kind::TestZone) {
        return None;
    }
    let at_apex = apex.as_wire() == question.name.as_wire();
    let zone = names::to_name(&apex);
    Some(match kind {
        Kind::Localhost => localhost(question, zone),
        // RFC 8375 section 5.2: DS of home.arpa is a question to the outside,
        // and its answer is what makes a zone of that name possible.
        Kind::Nothing if at_apex && question.rtype == DS && question.name.labels().count() > 1 => {
            return None;
        }
        // Nothing is above a name that is said not to exist, but its parent.
        Kind::Nothing | Kind::Never | Kind::Test if at_apex => negative(question, zone.base_name(), true),
        Kind::Ourselves if question.rtype == Rtype::TXT => {
            positive(question, RData::TXT(TXT::new(vec!["sordino".to_owned()])), 0)
        }
        Kind::NoData | Kind::Ourselves => negative(question, zone, false),
        Kind::EmptyZone | Kind::TestZone if at_apex => apex_of(question, zone),
        Kind::Nothing | Kind::Never | Kind::Test | Kind::EmptyZone | Kind::TestZone => {
            negative(question, zone, true)
        }
        Kind::ReverseLocalhost if at_apex && question.rtype == Rtype::PTR => {
            positive(question, RData::PTR(PTR(localhost_name())), TTL)
        }
        Kind::ReverseLocalhost => negative(question, zone, !at_apex),
    })
}

/// The DS type (RFC 4034).
const DS: Rtype = Rtype(43);

/// The types that are asked of a top-level domain by those who look into the
/// DNS itself: NS, SOA, DNAME, DS, NSEC, DNSKEY, NSEC3PARAM, CDS, CDNSKEY.
const OF_ZONES: [u16; 9] = [2, 6, 39, 43, 47, 48, 51, 59, 60];

/// Returns whether a question is about a bare name like `printer`, which only
/// this house can know: top-level domains have no hosts (RFC 7085 finds the few
/// that have harmful).
fn is_bare(question: &Question) -> bool {
    question.name.labels().count() == 1 && !OF_ZONES.contains(&question.rtype.0)
}

/// Returns the special name at or above `name` that is nearest to it.
fn find(name: &Domain) -> Option<(Domain, Kind)> {
    name.suffixes().find_map(|suffix| {
        let (apex, kind) = BY_NAME.get_key_value(suffix)?;
        Some((apex.clone(), *kind))
    })
}

/// Answers for `localhost` and names below it (RFC 6761 section 6.3).
fn localhost(question: &Question, zone: Name) -> AnswerData {
    match question.rtype {
        Rtype::A => positive(question, RData::A(Ipv4Addr::LOCALHOST.into()), TTL),
        Rtype::AAAA => positive(question, RData::AAAA(Ipv6Addr::LOCALHOST.into()), TTL),
        _ => negative(question, zone, false),
    }
}

/// Answers for the apex of an empty zone (RFC 6303 section 3).
fn apex_of(question: &Question, zone: Name) -> AnswerData {
    match question.rtype {
        Rtype::SOA => positive(question, RData::SOA(soa()), TTL),
        Rtype::NS => positive(question, RData::NS(NS(localhost_name())), TTL),
        _ => negative(question, zone, false),
    }
}

/// Returns an answer of one record.
fn positive(question: &Question, data: RData, ttl: u32) -> AnswerData {
    let record = Record::from_rdata(names::to_name(&question.name), ttl, data);
    AnswerData::new(question, ResponseCode::NoError, vec![record], Vec::new(), false)
}

/// Returns that there is nothing: no such name, or no such type.
pub(super) fn negative(question: &Question, zone: Name, no_name: bool) -> AnswerData {
    let rcode = if no_name { ResponseCode::NXDomain } else { ResponseCode::NoError };
    let soa = Record::from_rdata(zone, TTL, RData::SOA(soa()));
    AnswerData::new(question, rcode, Vec::new(), vec![soa], false)
}

/// Returns the SOA data of our own zones (RFC 6303 section 3).
fn soa() -> SOA {
    let rname = Name::from_labels([&b"nobody"[..], b"invalid"]).unwrap_or_else(|_| Name::root());
    SOA::new(localhost_name(), rname, 1, 3_600, 1_200, 604_800, TTL)
}

/// Returns `localhost.`.
fn localhost_name() -> Name {
    Name::from_labels([&b"localhost"[..]]).unwrap_or_else(|_| Name::root())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(name: &str, rtype: Rtype, zoned: bool) -> Option<AnswerData> {
        let question = Question { name: name.parse().unwrap(), rtype, checking_disabled: false };
        answer(&question, zoned, false)
    }

    /// RCODE, data or else the owner of the SOA record.
    fn shown(name: &str, rtype: Rtype) -> String {
        let Some(data) = ask(name, rtype, false) else { return "asks outside".to_owned() };
        let message = data.message();
        let records = message.answers.iter().map(|record| record.data.to_string());
        let soas = message.authorities.iter().map(|record| format!("SOA {}", record.name));
        let all: Vec<_> = records.chain(soas).collect();
        assert_eq!(all.len(), 1, "{data:?}");
        format!("{} {}", u16::from(data.rcode), all.concat())
    }

    #[test]
    fn the_table_is_sorted_and_readable() {
        assert!(SPECIAL.is_sorted_by(|a, b| a.0 < b.0));
        assert_eq!(BY_NAME.len(), SPECIAL.len());
    }

    #[test]
    fn special_names_are_answered_here() {
        for (name, rtype, expected) in [
            ("localhost", Rtype::A, "0 127.0.0.1"),
            ("a.b.localhost", Rtype::AAAA, "0 ::1"),
            ("localhost", Rtype::TXT, "0 SOA localhost."),
            ("x.invalid", Rtype::A, "3 SOA invalid."),
            ("invalid", Rtype::A, "3 SOA ."),
            ("www.test", Rtype::HTTPS, "3 SOA test."),
            ("abc.onion", Rtype::A, "3 SOA onion."),
            ("printer.local", Rtype::A, "3 SOA local."),
            ("x.home.arpa", Rtype::A, "3 SOA home.arpa."),
            ("home.arpa", DS, "asks outside"),
            ("x.alt", Rtype::A, "3 SOA alt."),
            ("x.service.arpa", Rtype::A, "3 SOA service.arpa."),
            ("_dns.resolver.arpa", Rtype::SVCB, "0 SOA resolver.arpa."),
            ("resolver.arpa", Rtype::A, "0 SOA resolver.arpa."),
            ("use-application-dns.net", Rtype::A, "3 SOA net."),
            ("1.178.168.192.in-addr.arpa", Rtype::PTR, "3 SOA 168.192.in-addr.arpa."),
            ("168.192.in-addr.arpa", Rtype::SOA, "0 localhost. nobody.invalid. 1 3600 1200 604800 10800"),
            ("168.192.in-addr.arpa", Rtype::NS, "0 localhost."),
            ("168.192.in-addr.arpa", Rtype::A, "0 SOA 168.192.in-addr.arpa."),
            ("1.2.31.172.in-addr.arpa", Rtype::PTR, "3 SOA 31.172.in-addr.arpa."),
            ("1.2.32.172.in-addr.arpa", Rtype::PTR, "asks outside"),
            ("1.2.64.100.in-addr.arpa", Rtype::PTR, "3 SOA 64.100.in-addr.arpa."),
            ("1.2.63.100.in-addr.arpa", Rtype::PTR, "asks outside"),
            ("1.0.0.127.in-addr.arpa", Rtype::PTR, "0 localhost."),
            ("2.0.0.127.in-addr.arpa", Rtype::PTR, "3 SOA 127.in-addr.arpa."),
            ("1.0.d.f.ip6.arpa", Rtype::PTR, "3 SOA d.f.ip6.arpa."),
            ("1.0.a.e.f.ip6.arpa", Rtype::PTR, "3 SOA a.e.f.ip6.arpa."),
            ("0.8.b.d.0.1.0.0.2.ip6.arpa", Rtype::PTR, "3 SOA 8.b.d.0.1.0.0.2.ip6.arpa."),
            ("fritz", Rtype::A, "3 SOA ."),
            ("com", Rtype::HTTPS, "3 SOA ."),
            ("com", Rtype::NS, "asks outside"),
            ("com", DS, "asks outside"),
            (".", Rtype::NS, "asks outside"),
            ("example.com", Rtype::A, "asks outside"),
            ("ipv4only.arpa", Rtype::AAAA, "asks outside"),
            ("mytest", Rtype::NS, "asks outside"),
        ] {
            assert_eq!(shown(name, rtype), expected, "{name} {rtype:?}");
        }
    }

    #[test]
    fn a_zone_of_the_household_comes_first_except_before_localhost_and_invalid() {
        for name in ["fritz", "x.home.arpa", "nas.local", "1.0.0.10.in-addr.arpa"] {
            assert!(ask(name, Rtype::A, false).is_some(), "{name}");
            assert!(ask(name, Rtype::A, true).is_none(), "{name}");
        }
        assert!(ask("localhost", Rtype::A, true).is_some());
        assert!(ask("x.invalid", Rtype::A, true).is_some());
    }

    #[test]
    fn with_root_servers_of_its_own_a_household_may_test() {
        for (name, outside) in [
            ("www.test", true),
            ("mine", true),
            ("1.8.b.d.0.1.0.0.2.ip6.arpa", true),
            ("x.local", false),
            ("x.invalid", false),
        ] {
            let question =
                Question { name: name.parse().unwrap(), rtype: Rtype::A, checking_disabled: false };
            assert_eq!(answer(&question, false, true).is_none(), outside, "{name}");
            assert!(answer(&question, false, false).is_some(), "{name}");
        }
    }
}
