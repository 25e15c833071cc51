//! Every limit of work, hit from outside: the question ends there, it is counted
//! under its kind, and the asker is told.

use std::time::Duration;

use hickory_proto::dnssec::rdata::DNSSECRData;
use hickory_proto::dnssec::rdata::NSEC;
use hickory_proto::rr::RData;
use hickory_proto::rr::Record;
use hickory_proto::rr::RecordType;
use hickory_proto::rr::rdata::NULL;

use super::EXAMPLE;
use super::House;
use super::ROOT;
use super::USUAL;
use super::USUAL_COM;
use super::dnssec::NOW;
use super::dnssec::Signed;
use super::dnssec::is_asked;
use super::internet;
use super::internet::name;
use super::internet::record;
use super::internet::reply_to;
use super::nsec3;
use crate::resolve::FailureKind;
use crate::resolve::exchange::trouble::Trouble;
use crate::resolve::stats::Limit;

/// Returns a house in which a question goes beyond a limit, and the question.
fn beyond(limit: Limit) -> (House, String) {
    let www = "www.example.com".to_owned();
    // Aliases of many labels, each of which is asked for.
    let long = |nth: usize| format!("{}c{nth}.example.com.", "l.".repeat(20));
    match limit {
        Limit::Packets => {
            let example = zone(12, |nth| format!("{} CNAME {}", long(nth), long(nth + 1)));
            (House::new(internet(USUAL_COM, &example)), long(0))
        }
        Limit::Octets => {
            let mut internet = internet(USUAL_COM, USUAL);
            internet.script(EXAMPLE, |query, tcp| {
                let mut reply = reply_to(query);
                reply.metadata.authoritative = true;
                reply.metadata.truncation = !tcp;
                let asked = query.queries[0].name().to_lowercase().to_ascii();
                if tcp {
                    reply.add_answer(record(&format!("{asked} CNAME x{asked}")));
                    let rdata = NULL::with(vec![7; 60_000]);
                    let rdata = RData::Unknown { code: RecordType::Unknown(65_000), rdata };
                    reply.add_additional(Record::from_rdata(name(&asked), 300, rdata));
                }
                vec![reply.to_vec().unwrap()]
            });
            (House::new(internet), www)
        }
        Limit::Lookups => {
            let servers = zone(13, |nth| format!("example.com. NS ns.gone{nth}.com."));
            (House::new(internet(&servers, USUAL)), www)
        }
        Limit::Signatures => (padded(28, 0), "nothing.example.com".to_owned()),
        Limit::BadSignatures => (padded(28, 1), "nothing.example.com".to_owned()),
        Limit::Hashes => nsec3::with_many_labels(),
        Limit::Time => {
            // Servers that answer, each of them late but in time.
            let example = zone(9, |nth| format!("{} CNAME {}", long(nth), long(nth + 1)));
            let mut internet = internet(USUAL_COM, &example);
            internet.delay = Duration::from_millis(280);
            (House::new(internet), long(0))
        }
        Limit::Depth => {
            // The name server of the name server of the name server.
            let com = zone(12, |nth| format!("n{nth}.com. NS ns.n{}.com.", nth + 1));
            let house = House::with(internet(&com, USUAL), |settings| settings.ipv6 = false);
            (house, "www.n0.com".to_owned())
        }
        Limit::Aliases => {
            let example = zone(40, |nth| format!("c{nth}.example.com. CNAME c{}.example.com.", nth + 1));
            (House::new(internet(USUAL_COM, &example)), "c0.example.com".to_owned())
        }
        Limit::Records => {
            let mut internet = internet(USUAL_COM, USUAL);
            internet.script(ROOT, |query, _| {
                let mut reply = reply_to(query);
                for nth in 0..129 {
                    reply.add_authority(record(&format!("com. NS n{nth}.com.")));
                }
                vec![reply.to_vec().unwrap()]
            });
            (House::new(internet), www)
        }
    }
}

/// Returns a zone with so many lines.
fn zone(lines: usize, line: impl Fn(usize) -> String) -> String {
    (0..lines).map(line).collect::<Vec<_>>().join("\n")
}

/// A signed zone whose denials are padded with so many NSEC records, each of
/// them signed; `wrong` is how far off the signatures are (CVE-2026-11605).
fn padded(count: usize, wrong: i64) -> House {
    let signed = Signed::spoiled(move |query, reply, key| {
        if !is_asked(query, RecordType::A) {
            return;
        }
        for nth in 0..count {
            let owner = name(&format!("p{nth}.example.com."));
            let data = |next: &str| {
                let nsec = NSEC::new(name(next), [RecordType::A]);
                vec![Record::from_rdata(owner.clone(), 60, RData::DNSSEC(DNSSECRData::NSEC(nsec)))]
            };
            let there = data("q.example.com.");
            let of = if wrong == 0 { there.clone() } else { data("r.example.com.") };
            reply.add_authority(key.sign(&name("example.com."), &of, NOW, |_| {}));
            reply.add_authorities(there);
        }
    });
    signed.house
}

#[tokio::test(start_paused = true)]
async fn every_limit_ends_a_question_and_is_counted_and_told() {
    for limit in Limit::ALL {
        let (house, asked) = beyond(limit);
        let failure = house.ask(&asked).await.unwrap_err();
        assert_eq!(failure.kind, FailureKind::Limit, "{limit:?}: {failure}");
        for other in Limit::ALL {
            assert_eq!(house.exceeded(other), u64::from(other == limit), "{limit:?}: {other:?} ({failure})");
        }
        // What the EDE says, behind `work limit: `.
        assert!(limit == Limit::Records || failure.detail.contains(limit.as_str()), "{failure}");
        assert!(house.internet.packets() <= 100, "{limit:?}: {}", house.internet.packets());
    }
}

#[test]
fn every_limit_is_one_whatever_it_is_called() {
    for limit in Limit::ALL {
        let trouble = Trouble::Limit(limit);
        assert_eq!((trouble.limit(), trouble.kind()), (Some(limit), FailureKind::Limit));
    }
    assert_eq!(Trouble::Oversized.limit(), Some(Limit::Records));
}
