//! Tests of what is answered when nothing can be found out, with an upstream of
//! a script.

use std::net::IpAddr;
use std::net::Ipv4Addr;
use std::sync::Mutex;

use async_trait::async_trait;
use hickory_proto::op::ResponseCode;
use hickory_proto::rr::RData;
use hickory_proto::rr::Record;

use super::super::AnswerCache;
use super::super::dates::Dates;
use super::super::resolver::Switches;
use super::super::settings::Settings;
use super::super::upstream::Upstream;
use super::*;
use crate::base::Clock;
use crate::base::Domain;
use crate::base::time::ManualClock;
use crate::resolve::FailureKind;
use crate::resolve::Flaw;
use crate::resolve::names;

mod clock;

/// What the outside is like.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Outside {
    /// It answers.
    Fine,
    /// It answers after so many milliseconds.
    Slow(u64),
    /// It says nothing, and is given up after five seconds.
    Silent,
    /// It says that it has failed.
    Failing,
    /// It says what is not so.
    Forging,
    /// By our clock, its signatures have expired.
    Outdated,
    /// So have those of everybody but the root.
    Neglected,
}

/// An upstream whose N-th answer is 192.0.2.N.
struct Scripted {
    outside: Mutex<Outside>,
    asked: Mutex<u8>,
}

#[async_trait]
impl Upstream for Scripted {
    async fn fetch(&self, question: &Question, _: Now) -> Result<AnswerData, Failure> {
        let nth = {
            let mut asked = self.asked.lock().unwrap();
            *asked += 1;
            *asked
        };
        let fail = |kind| Err(Failure { kind, detail: String::new(), origin: Origin::Recursion });
        let outside = *self.outside.lock().unwrap();
        match outside {
            Outside::Fine => {}
            Outside::Slow(milliseconds) => tokio::time::sleep(Duration::from_millis(milliseconds)).await,
            Outside::Silent => {
                tokio::time::sleep(Duration::from_secs(5)).await;
                return fail(FailureKind::Timeout);
            }
            Outside::Failing => return fail(FailureKind::Unreachable),
            Outside::Forging | Outside::Outdated | Outside::Neglected if question.checking_disabled => {}
            Outside::Neglected if question.name.is_root() => {}
            Outside::Outdated | Outside::Neglected => return fail(FailureKind::Bogus(Flaw::Expired)),
            Outside::Forging => return fail(FailureKind::Bogus(Flaw::Other)),
        }
        let address = RData::A(Ipv4Addr::new(192, 0, 2, nth).into());
        let record = Record::from_rdata(names::to_name(&question.name), 60, address);
        Ok(AnswerData::new(question, ResponseCode::NoError, vec![record], vec![], true))
    }

    fn origin(&self) -> Origin {
        Origin::Recursion
    }
}

struct House {
    upstream: Arc<Scripted>,
    resolver: Resolver,
    clock: ManualClock,
}

/// Where an answer is from, its last octet; and how long it took in
/// milliseconds.
type Shown = (Origin, u8, u128);

/// Returns the moment by the clock that passes while everybody waits.
#[expect(clippy::disallowed_methods, reason = "it stands still")]
fn moment() -> tokio::time::Instant {
    tokio::time::Instant::now()
}

impl House {
    fn new() -> Self {
        let upstream = Arc::new(Scripted { outside: Mutex::new(Outside::Fine), asked: Mutex::new(0) });
        let cache = Arc::new(AnswerCache::new(1 << 20));
        let resolver = Resolver::with_upstream(Arc::clone(&upstream) as _, cache);
        Self { upstream, resolver, clock: ManualClock::at(0) }
    }

    /// Asks for these names, and lets their time pass.
    async fn with_old(names: &[&str]) -> Self {
        let house = Self::new();
        for name in names {
            house.ask(name).await.unwrap();
        }
        house.later(100);
        house
    }

    fn is(&self, outside: Outside) {
        *self.upstream.outside.lock().unwrap() = outside;
    }

    fn asked(&self) -> u8 {
        *self.upstream.asked.lock().unwrap()
    }

    fn later(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }

    /// Asks as a client does: on the fast road, and if need be on the other.
    async fn ask(&self, name: &str) -> Result<Shown, Failure> {
        let name: Domain = name.parse().unwrap();
        let (before, now) = (moment(), self.clock.now());
        let at_once = self.resolver.glance(name.borrowed(), Rtype::A, false, now);
        let resolved = if let Some(resolved) = at_once {
            resolved
        } else {
            let question = Question { name, rtype: Rtype::A, checking_disabled: false };
            self.resolver.answer(question, now).await?
        };
        // The clock of the house goes with that of those who wait.
        let took = before.elapsed();
        // Work that nobody waits for begins.
        tokio::task::yield_now().await;
        self.clock.advance(took);
        let Some(IpAddr::V4(address)) = resolved.data.addresses().pop() else { panic!("{resolved:?}") };
        Ok((resolved.origin, address.octets()[3], took.as_millis()))
    }

    /// Returns whether there is an answer on the fast road.
    fn glance(&self, name: &str) -> Option<Origin> {
        let name: Domain = name.parse().unwrap();
        let resolved = self.resolver.glance(name.borrowed(), Rtype::A, false, self.clock.now());
        resolved.map(|resolved| resolved.origin)
    }

    /// Lets work that nobody waits for end.
    async fn settle(&self) {
        while self.resolver.0.work.len() > 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn who_asks_first_waits_for_a_moment_and_all_others_not_at_all() {
    let house = House::with_old(&["a.de"]).await;
    house.is(Outside::Silent);
    assert_eq!(house.ask("a.de").await, Ok((Origin::Stale, 1, 1_700)));
    for _ in 0..3 {
        assert_eq!(house.glance("a.de"), Some(Origin::Stale));
        house.later(1);
    }
    house.settle().await;
    assert_eq!(house.asked(), 2);
    // When it is tried again, nobody waits for it.
    house.later(6);
    assert_eq!(house.ask("a.de").await, Ok((Origin::Stale, 1, 0)));
    assert_eq!(house.asked(), 3);
    house.settle().await;
    // And what comes of it is the next one's.
    house.is(Outside::Fine);
    house.later(16);
    assert_eq!(house.ask("a.de").await, Ok((Origin::Stale, 1, 0)));
    house.settle().await;
    assert_eq!(house.ask("a.de").await, Ok((Origin::Cache, 4, 0)));
}

#[tokio::test(start_paused = true)]
async fn what_comes_in_time_is_waited_for() {
    let house = House::with_old(&["a.de"]).await;
    house.is(Outside::Slow(1_500));
    assert_eq!(house.ask("a.de").await, Ok((Origin::Recursion, 2, 1_500)));
    house.later(100);
    house.is(Outside::Slow(2_500));
    assert_eq!(house.ask("a.de").await, Ok((Origin::Stale, 2, 1_700)));
    house.settle().await;
    assert_eq!(house.ask("a.de").await, Ok((Origin::Cache, 3, 0)));
}

#[tokio::test(start_paused = true)]
async fn while_nobody_answers_old_answers_are_given_at_once_and_one_question_a_second_is_tried() {
    let names: Vec<_> = (0..30).map(|nth| format!("n{nth}.de")).collect();
    let house = House::with_old(&names.iter().map(String::as_str).collect::<Vec<_>>()).await;
    house.is(Outside::Silent);
    let mut waited = 0;
    for name in &names {
        let (origin, _, took) = house.ask(name).await.unwrap();
        assert_eq!(origin, Origin::Stale);
        waited += u32::from(took > 0);
    }
    assert_eq!(waited, 2);
    // All names in each second of a minute.
    let before = house.asked();
    house.is(Outside::Failing);
    for _ in 0..60 {
        house.later(1);
        for name in &names {
            assert_eq!(house.ask(name).await.unwrap().0, Origin::Stale);
        }
    }
    let tried = house.asked() - before;
    assert!((50..=61).contains(&tried), "{tried}");
    // Back: the one question that is tried brings back all.
    house.settle().await;
    house.is(Outside::Fine);
    house.later(1);
    assert_eq!(house.ask("n0.de").await.unwrap().0, Origin::Stale);
    house.settle().await;
    for name in &names {
        assert!(matches!(house.ask(name).await.unwrap().0, Origin::Recursion | Origin::Cache));
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_begun_before_the_line_was_back_and_fails_after_it_says_nothing() {
    let house = House::with_old(&["a.de", "b.de", "c.de"]).await;
    house.is(Outside::Silent);
    for name in ["a.de", "b.de"] {
        assert_eq!(house.ask(name).await.unwrap().0, Origin::Stale);
    }
    // Both are still worked on, in vain, when the line is back.
    house.is(Outside::Fine);
    house.later(1);
    assert_eq!(house.ask("c.de").await.unwrap().0, Origin::Stale);
    house.settle().await;
    assert_eq!(house.ask("c.de").await.unwrap().0, Origin::Cache);
    for name in ["a.de", "b.de"] {
        assert_eq!(house.ask(name).await.unwrap().0, Origin::Recursion, "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn one_name_that_fails_leaves_others_alone() {
    let house = House::with_old(&["a.de", "b.de"]).await;
    house.is(Outside::Failing);
    assert_eq!(house.ask("a.de").await, Ok((Origin::Stale, 1, 0)));
    house.is(Outside::Slow(500));
    assert_eq!(house.ask("b.de").await, Ok((Origin::Recursion, 4, 500)));
}

#[tokio::test(start_paused = true)]
async fn what_is_forged_now_is_not_answered_with_what_was_true() {
    let house = House::with_old(&["a.de"]).await;
    house.is(Outside::Forging);
    assert!(house.ask("a.de").await.unwrap_err().is_bogus());
    assert_eq!(house.glance("a.de"), None);
    for _ in 0..59 {
        assert!(house.ask("a.de").await.unwrap_err().is_bogus());
        house.later(1);
    }
    assert_eq!(house.asked(), 2);
    house.later(2);
    house.is(Outside::Silent);
    assert_eq!(house.ask("a.de").await.unwrap_err().kind, FailureKind::Timeout);
}

#[tokio::test(start_paused = true)]
async fn an_answer_is_given_for_a_day_after_its_time() {
    let house = House::with_old(&["a.de", "b.de"]).await;
    house.is(Outside::Failing);
    house.later(86_400 - 41);
    assert_eq!(house.ask("b.de").await.unwrap().0, Origin::Stale);
    house.later(1);
    assert_eq!(house.ask("a.de").await.unwrap_err().kind, FailureKind::Unreachable);
}

#[tokio::test(start_paused = true)]
async fn a_failure_is_kept_for_those_who_ask_next() {
    let house = House::new();
    house.is(Outside::Failing);
    for _ in 0..5 {
        assert!(house.ask("a.de").await.is_err());
        house.later(1);
    }
    assert_eq!(house.asked(), 1);
    house.is(Outside::Fine);
    house.later(1);
    assert_eq!(house.ask("a.de").await, Ok((Origin::Recursion, 2, 0)));
}

#[tokio::test(start_paused = true)]
async fn it_can_be_switched_off() {
    let house = House::with_old(&["a.de"]).await;
    let switches = Switches { stale: false, ..house.resolver.0.switches.clone() };
    let ways = Way::new(Arc::clone(&house.upstream) as _, 0).into();
    let cache = Arc::clone(&house.resolver.0.cache);
    let (counters, keys, dates) = (Arc::default(), Arc::default(), Dates::new(&[]));
    let resolver = Resolver::assemble(ways, cache, counters, switches, keys, dates);
    let house = House { resolver, ..house };
    house.is(Outside::Silent);
    assert!(house.ask("a.de").await.is_err());
    assert_eq!(house.glance("a.de"), None);
}

//----------- own answers ------------------------------------------------------

/// Asks for the address of a name, at once or else not at once: where the answer
/// is from, its RCODE and how old it is said to be.
async fn own(resolver: &Resolver, name: &str, now: Now) -> (bool, Origin, u16, u32) {
    let name: Domain = name.parse().unwrap();
    let at_once = resolver.glance(name.borrowed(), Rtype::A, false, now);
    let was = at_once.is_some();
    let resolved = if let Some(resolved) = at_once {
        resolved
    } else {
        let question = Question { name, rtype: Rtype::A, checking_disabled: false };
        resolver.answer(question, now).await.unwrap()
    };
    (was, resolved.origin, u16::from(resolved.data.rcode), resolved.age)
}

#[tokio::test]
async fn that_a_name_is_nobodys_is_said_at_once_the_second_time() {
    let House { upstream, resolver, clock } = House::new();
    for name in ["wpad", "printer.local", "1.178.168.192.in-addr.arpa"] {
        assert_eq!(own(&resolver, name, clock.now()).await, (false, Origin::Local, 3, 0), "{name}");
        clock.advance(Duration::from_mins(59));
        assert_eq!(own(&resolver, name, clock.now()).await, (true, Origin::Local, 3, 0), "{name}");
    }
    // There is no end of names below it, and each exists.
    for _ in 0..2 {
        assert_eq!(own(&resolver, "x.localhost", clock.now()).await, (false, Origin::Local, 0, 0));
    }
    assert_eq!(*upstream.asked.lock().unwrap(), 0);
}

#[tokio::test]
async fn that_a_name_is_nobodys_is_not_said_any_more_when_the_household_makes_a_zone_of_it() {
    let now = ManualClock::at(0).now();
    let before = Settings::default();
    let resolver = Resolver::new(&before).unwrap();
    for was in [false, true] {
        assert_eq!(own(&resolver, "nas.home.arpa", now).await, (was, Origin::Local, 3, 0));
    }
    let mut after = before.clone();
    after.zones.push(("home.arpa".parse().unwrap(), vec!["192.0.2.1:53".parse().unwrap()]));
    let name: Domain = "nas.home.arpa".parse().unwrap();
    let rebuilt = resolver.rebuilt(&before, &after).unwrap();
    assert!(rebuilt.glance(name.borrowed(), Rtype::A, false, now).is_none());
}
