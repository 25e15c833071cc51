//! The iterator in an Internet that misbehaves.

mod aliases;
mod attacks;
mod blamed;
mod changes;
mod cuts;
mod dnssec;
mod failures;
mod forgeries;
mod forwarded;
mod glue;
mod internet;
mod limits;
mod nsec3;
mod oddities;
mod proven;
mod rollover;
mod signed;

use std::sync::Arc;
use std::time::Duration;

use hickory_proto::op::ResponseCode;

use super::Resolution;
use super::Zone;
use crate::base::Clock;
use crate::base::Now;
use crate::query::Rtype;
use crate::resolve::AnswerData;
use crate::resolve::Failure;
use crate::resolve::FailureKind;
use crate::resolve::File;
use crate::resolve::Question;
use crate::resolve::Settings;
use crate::resolve::cache::CacheStats;
use crate::resolve::dates::Dates;
use crate::resolve::rootkeys::RootKeys;
use crate::resolve::stats::Counters;
use crate::resolve::stats::Limit;
use crate::resolve::upstream::Upstream;
use internet::Internet;
use internet::record;
use internet::reply_to;

/// The root, `com.` and `net.`.
const ROOT: &str = "10.0.0.1";
const COM: &str = "10.0.0.2";
const EXAMPLE: &str = "10.0.1.1";
const OTHER: &str = "10.0.1.2";

const ROOT_ZONE: &str = ". NS a.root.
    a.root. A 10.0.0.1
    com. NS a.gtld.
    a.gtld. A 10.0.0.2
    net. NS a.gtld.";

/// An Internet in which `example.com` has the name server that `com` says.
fn internet(com: &str, example: &str) -> Internet {
    let mut internet = Internet::new();
    internet.serve(ROOT, &[(".", ROOT_ZONE)]);
    internet.serve(COM, &[("com.", com), ("net.", "net. NS a.gtld.")]);
    internet.serve(EXAMPLE, &[("example.com.", example)]);
    internet
}

const USUAL_COM: &str = "com. NS a.gtld.
    example.com. NS ns.example.com.
    ns.example.com. A 10.0.1.1";

const USUAL: &str = "example.com. NS ns.example.com.
    ns.example.com. A 10.0.1.1
    www.example.com. A 192.0.2.1
    alias.example.com. CNAME www.example.com.
    a.b.c.d.example.com. A 192.0.2.2";

struct House {
    internet: Arc<Internet>,
    recursion: Resolution,
    counters: Arc<Counters>,
}

impl House {
    fn new(internet: Internet) -> Self {
        Self::with(internet, |_| {})
    }

    fn with(internet: Internet, change: impl FnOnce(&mut Settings)) -> Self {
        Self::trusting(internet, RootKeys::default(), change)
    }

    fn trusting(internet: Internet, root_keys: RootKeys, change: impl FnOnce(&mut Settings)) -> Self {
        Self::of_zone(None, internet, root_keys, change)
    }

    fn of_zone(
        zone: Option<&Zone>,
        internet: Internet,
        root_keys: RootKeys,
        change: impl FnOnce(&mut Settings),
    ) -> Self {
        let hints = File { name: "hints".into(), text: format!("a.root. A {ROOT}") };
        let mut settings = Settings {
            root_hints: Some(hints),
            dnssec: false,
            allow_servers: vec!["10.0.0.0/8".parse().unwrap()],
            ..Settings::default()
        };
        change(&mut settings);
        let (internet, counters) = (Arc::new(internet), Arc::<Counters>::default());
        let network = Arc::clone(&internet);
        let outside =
            Resolution::new(&settings, Arc::clone(&counters), network, Arc::new(root_keys)).unwrap();
        let recursion = match zone {
            Some(zone) => outside.for_zone(&settings, zone, 1).unwrap(),
            None => outside,
        };
        Self { internet, recursion, counters }
    }

    async fn ask(&self, name: &str) -> Result<AnswerData, Failure> {
        let question = Question { name: name.parse().unwrap(), rtype: Rtype::A, checking_disabled: false };
        self.recursion.fetch(&question, self.internet.clock.now()).await
    }

    /// Returns what a name resolves to.
    async fn data(&self, name: &str) -> Vec<String> {
        let data = self.ask(name).await.unwrap();
        data.message().answers.iter().map(|record| record.data.to_string()).collect()
    }

    fn now(&self) -> Now {
        self.internet.clock.now()
    }

    fn exceeded(&self, limit: Limit) -> u64 {
        self.counters.read(CacheStats::default(), &Dates::new(&[])).exceeded(limit)
    }
}

//----------- The usual --------------------------------------------------------

#[tokio::test(start_paused = true)]
async fn a_name_takes_one_query_per_zone_and_the_next_one_less() {
    let house = House::new(internet(USUAL_COM, USUAL));
    assert_eq!(house.data("www.example.com").await, ["192.0.2.1"]);
    // Priming, com, example.com, www.
    assert_eq!(house.internet.packets(), 4);
    assert_eq!(house.data("alias.example.com").await, ["www.example.com.", "192.0.2.1"]);
    assert_eq!(house.internet.packets(), 5);
    let gone = house.ask("nothing.example.com").await.unwrap();
    assert_eq!((gone.rcode, gone.ttl, house.internet.packets()), (ResponseCode::NXDomain, 60, 6));
}

#[tokio::test(start_paused = true)]
async fn what_is_known_is_known_until_its_time_is_up() {
    let house = House::new(internet(USUAL_COM, USUAL));
    house.data("www.example.com").await;
    house.internet.clock.advance(Duration::from_secs(299));
    let data = house.ask("www.example.com").await.unwrap();
    assert_eq!((data.ttl, house.internet.packets()), (1, 4));
    house.internet.clock.advance(Duration::from_secs(1));
    house.data("www.example.com").await;
    assert_eq!(house.internet.packets(), 8);
}

#[tokio::test(start_paused = true)]
async fn what_is_renewed_is_asked_for_again_as_far_as_its_time_is_almost_up() {
    let house = House::new(internet(USUAL_COM, USUAL));
    let question =
        Question { name: "alias.example.com".parse().unwrap(), rtype: Rtype::A, checking_disabled: false };
    let renew = || house.recursion.renew(&question, house.internet.clock.now());
    house.data("www.example.com").await;
    house.internet.clock.advance(Duration::from_secs(100));
    // The alias is new, the address is not.
    assert_eq!(house.ask("alias.example.com").await.unwrap().ttl, 200);
    let before = house.internet.packets();
    assert_eq!((renew().await.unwrap().ttl, house.internet.packets()), (200, before));
    house.internet.clock.advance(Duration::from_mins(3));
    assert_eq!(house.ask("alias.example.com").await.unwrap().ttl, 20);
    // By now the address has 20 seconds and the alias has 120.
    assert_eq!((renew().await.unwrap().ttl, house.internet.packets()), (120, before + 1));
}

#[tokio::test(start_paused = true)]
async fn servers_see_no_more_of_a_name_than_they_need() {
    let house = House::new(internet(USUAL_COM, USUAL));
    assert_eq!(house.data("a.b.c.d.example.com").await, ["192.0.2.2"]);
    assert_eq!(house.internet.names_at(ROOT), [". NS", "com. A"]);
    assert_eq!(house.internet.names_at(COM), ["example.com. A"]);
    assert_eq!(house.internet.names_at(EXAMPLE)[0], "d.example.com. A");
    let house = House::with(internet(USUAL_COM, USUAL), |settings| settings.qname_minimisation = false);
    assert_eq!(house.data("a.b.c.d.example.com").await, ["192.0.2.2"]);
    assert_eq!(house.internet.names_at(ROOT)[1], "a.b.c.d.example.com. A");
}

#[tokio::test(start_paused = true)]
async fn servers_that_know_whole_names_only_are_asked_for_them() {
    for rcode in [ResponseCode::NXDomain, ResponseCode::Refused] {
        let mut internet = internet(USUAL_COM, USUAL);
        internet.script(EXAMPLE, move |query, _| {
            let mut reply = reply_to(query);
            reply.metadata.authoritative = true;
            if query.queries[0].name().to_lowercase().to_ascii() == "a.b.c.d.example.com." {
                reply.add_answer(record("a.b.c.d.example.com. A 192.0.2.2"));
            } else {
                reply.metadata.response_code = rcode;
            }
            vec![reply.to_vec().unwrap()]
        });
        let house = House::new(internet);
        assert_eq!(house.data("a.b.c.d.example.com").await, ["192.0.2.2"]);
        assert!(house.internet.packets() <= 6, "{:?}", house.internet.asked);
    }
}

#[tokio::test(start_paused = true)]
async fn the_hints_do_where_the_root_does_not_tell_of_itself() {
    let mut internet = internet(USUAL_COM, USUAL);
    let zone = "com. NS a.gtld.\n a.gtld. A 10.0.0.2";
    internet.serve(ROOT, &[(".", zone)]);
    let house = House::new(internet);
    assert_eq!(house.data("www.example.com").await, ["192.0.2.1"]);
    // And the root is not asked about itself for each question.
    house.ask("www.nothing.com").await.unwrap();
    assert_eq!(house.internet.names_at(ROOT).iter().filter(|name| *name == ". NS").count(), 1);
}

//----------- What others say --------------------------------------------------

#[tokio::test(start_paused = true)]
async fn nobody_is_believed_about_other_names() {
    let mut internet = internet(USUAL_COM, USUAL);
    internet.script(EXAMPLE, |query, _| {
        let mut reply = reply_to(query);
        reply.metadata.authoritative = true;
        reply.add_answer(record("www.example.com. CNAME www.victim.net."));
        reply.add_answer(record("www.victim.net. A 6.6.6.6"));
        reply.add_authority(record("net. NS ns.example.com."));
        reply.add_authority(record("victim.net. NS ns.example.com."));
        reply.add_additional(record("ns.example.com. A 6.6.6.6"));
        reply.add_additional(record("ns.victim.net. A 6.6.6.6"));
        vec![reply.to_vec().unwrap()]
    });
    internet.serve(
        COM,
        &[("com.", USUAL_COM), ("net.", "victim.net. NS ns.victim.net.\n ns.victim.net. A 10.0.1.2")],
    );
    internet.serve(OTHER, &[("victim.net.", "www.victim.net. A 192.0.2.9\n ns.victim.net. A 10.0.1.2")]);
    let house = House::new(internet);
    assert_eq!(house.data("www.example.com").await, ["www.victim.net.", "192.0.2.9"]);
    assert_eq!(house.data("ns.victim.net").await, ["10.0.1.2"]);
    assert_eq!(house.internet.packets_to("6.6.6.6"), 0);
}

#[tokio::test(start_paused = true)]
async fn glue_is_never_an_answer() {
    let com = "example.com. NS ns.example.com.\n ns.example.com. A 10.0.1.1";
    let example = "ns.example.com. A 192.0.2.77\n www.example.com. A 192.0.2.1";
    let house = House::new(internet(com, example));
    house.data("www.example.com").await;
    assert_eq!(house.data("ns.example.com").await, ["192.0.2.77"]);
}

#[tokio::test(start_paused = true)]
async fn glue_out_of_bailiwick_is_not_even_asked() {
    let com = "example.com. NS ns.victim.net.\n ns.victim.net. A 10.0.1.1";
    let house = House::new(internet(com, USUAL));
    assert!(house.ask("www.example.com").await.is_err());
    assert_eq!(house.internet.packets_to(EXAMPLE), 0);
}

#[tokio::test(start_paused = true)]
async fn servers_inside_the_house_are_not_asked() {
    let house = House::with(internet(USUAL_COM, USUAL), |settings| {
        settings.allow_servers = vec!["10.0.0.0/24".parse().unwrap()];
    });
    let failure = house.ask("www.example.com").await.unwrap_err();
    assert_eq!((failure.kind, house.internet.packets_to(EXAMPLE)), (FailureKind::Unreachable, 0));
}

#[tokio::test(start_paused = true)]
async fn loops_of_aliases_end() {
    let example = "ns.example.com. A 10.0.1.1
        a.example.com. CNAME b.example.com.
        b.example.com. CNAME a.example.com.";
    let house = House::new(internet(USUAL_COM, example));
    assert_eq!(house.ask("a.example.com").await.unwrap_err().kind, FailureKind::Limit);
    assert_eq!(house.exceeded(Limit::Aliases), 1);
    assert!(house.internet.packets() <= 3 + 2);
    let link = |n| format!("c{n}.example.com. CNAME c{}.example.com.", n + 1);
    let chain = (0..40).map(link).collect::<Vec<_>>().join("\n");
    let house = House::new(internet(USUAL_COM, &chain));
    assert_eq!(house.ask("c0.example.com").await.unwrap_err().kind, FailureKind::Limit);
    assert!(house.internet.packets() <= 3 + 14);
}

#[tokio::test(start_paused = true)]
async fn names_below_a_dname_are_aliases() {
    let example = "old.example.com. DNAME new.example.com.\n x.new.example.com. A 192.0.2.5";
    let house = House::new(internet(USUAL_COM, example));
    let data = house.data("x.old.example.com").await;
    assert_eq!(data[1..], ["x.new.example.com.", "192.0.2.5"]);
}
