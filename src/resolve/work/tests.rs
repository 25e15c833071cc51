//! Tests of fetching popular answers anew, with an upstream of a script.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::FutureExt;
use hickory_proto::op::ResponseCode;
use hickory_proto::rr::RData;
use hickory_proto::rr::Record;

use crate::base::Clock;
use crate::base::Domain;
use crate::base::Now;
use crate::base::time::ManualClock;
use crate::query::Rtype;
use crate::resolve::AnswerCache;
use crate::resolve::AnswerData;
use crate::resolve::Failure;
use crate::resolve::FailureKind;
use crate::resolve::Mode;
use crate::resolve::Origin;
use crate::resolve::Question;
use crate::resolve::Resolved;
use crate::resolve::Resolver;
use crate::resolve::Settings;
use crate::resolve::Upstream;
use crate::resolve::cache::Key;
use crate::resolve::names;

/// An upstream whose N-th answer is 192.0.2.N, and that may be broken.
#[derive(Default)]
struct Scripted {
    /// How often it was asked, and asked for something anew.
    asked: Mutex<(u8, u8)>,
    /// Whether it is broken.
    broken: Mutex<bool>,
}

#[async_trait]
impl Upstream for Scripted {
    async fn fetch(&self, question: &Question, _: Now) -> Result<AnswerData, Failure> {
        self.asked.lock().unwrap().0 += 1;
        if *self.broken.lock().unwrap() {
            let (kind, detail) = (FailureKind::Timeout, "as the script says".to_owned());
            return Err(Failure { kind, detail, origin: Origin::Recursion });
        }
        assert!(!question.name.to_string().starts_with("fault"), "as the test wants it");
        let ttl = if question.name.to_string().starts_with("short") { 9 } else { 300 };
        let address = RData::A(Ipv4Addr::new(192, 0, 2, self.asked().0).into());
        let record = Record::from_rdata(names::to_name(&question.name), ttl, address);
        Ok(AnswerData::new(question, ResponseCode::NoError, vec![record], vec![], true))
    }

    async fn renew(&self, question: &Question, now: Now) -> Result<AnswerData, Failure> {
        self.asked.lock().unwrap().1 += 1;
        self.fetch(question, now).await
    }

    fn origin(&self) -> Origin {
        Origin::Recursion
    }
}

impl Scripted {
    fn asked(&self) -> (u8, u8) {
        *self.asked.lock().unwrap()
    }
}

struct House {
    upstream: Arc<Scripted>,
    resolver: Resolver,
    clock: ManualClock,
}

impl House {
    fn new() -> Self {
        let (upstream, cache) = (Arc::<Scripted>::default(), Arc::new(AnswerCache::new(1 << 20)));
        let resolver = Resolver::with_upstream(Arc::clone(&upstream) as _, cache);
        Self { upstream, resolver, clock: ManualClock::at(0) }
    }

    /// Asks on the slow road.
    async fn ask(&self, name: &str) -> Resolved {
        let question = Question { name: name.parse().unwrap(), rtype: Rtype::A, checking_disabled: false };
        self.resolver.answer(question, self.clock.now()).await.unwrap()
    }

    /// Asks on the fast road.
    fn glance(&self, name: &str) -> Option<Resolved> {
        let name: Domain = name.parse().unwrap();
        self.resolver.glance(name.borrowed(), Rtype::A, false, self.clock.now())
    }

    fn later(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }

    /// Lets work that nobody waits for end.
    async fn settle(&self) {
        while self.resolver.0.work.len() > 0 {
            tokio::task::yield_now().await;
        }
    }
}

/// Returns the last octet of the address, and the age.
fn shown(resolved: &Resolved) -> (String, u32) {
    (resolved.data.message().answers[0].data.to_string(), resolved.age)
}

#[tokio::test]
async fn a_popular_answer_is_fetched_anew_once_and_served_meanwhile() {
    let house = House::new();
    house.ask("a.example").await;
    for _ in 0..3 {
        assert!(house.glance("a.example").is_some());
    }
    house.later(269);
    assert!(house.glance("a.example").is_some());
    house.later(1);
    // The first one of those at the end has to take the slow road.
    assert!(house.glance("a.example").is_none());
    assert!(house.glance("a.example").is_some());
    let called = house.ask("a.example").await;
    assert_eq!((called.origin, shown(&called)), (Origin::Cache, ("192.0.2.1".into(), 270)));
    // It is not fetched yet, and nobody else has it fetched.
    assert!(house.glance("a.example").is_some());
    assert_eq!(shown(&house.ask("a.example").await), ("192.0.2.1".into(), 270));
    house.settle().await;
    assert_eq!(house.upstream.asked(), (2, 1));
    // Demand is counted anew: once is not enough.
    house.later(290);
    assert_eq!(shown(&house.glance("a.example").unwrap()), ("192.0.2.2".into(), 290));
    house.settle().await;
    assert_eq!((house.upstream.asked(), house.resolver.stats().cache.misses), ((2, 1), 1));
}

#[tokio::test]
async fn what_cannot_be_fetched_anew_stays_until_its_time_is_up() {
    let house = House::new();
    for _ in 0..4 {
        house.ask("a.example").await;
    }
    *house.upstream.broken.lock().unwrap() = true;
    house.later(280);
    for _ in 0..3 {
        assert_eq!(shown(&house.ask("a.example").await).1, 280);
        house.settle().await;
    }
    house.later(19);
    assert!(house.glance("a.example").is_some());
    // It was tried once.
    assert_eq!(house.upstream.asked(), (2, 1));
    house.later(1);
    assert!(house.glance("a.example").is_none());
    *house.upstream.broken.lock().unwrap() = false;
    assert_eq!(house.ask("a.example").await.origin, Origin::Recursion);
}

#[tokio::test]
async fn short_answers_and_those_hardly_asked_for_are_not_fetched_anew() {
    let house = House::new();
    for _ in 0..5 {
        house.ask("short.example").await;
    }
    house.later(8);
    assert!(house.glance("short.example").is_some());
    house.ask("rare.example").await;
    house.later(290);
    assert!(house.glance("rare.example").is_some());
    house.settle().await;
    assert_eq!(house.upstream.asked(), (2, 0));
}

#[tokio::test]
async fn it_can_be_switched_off_and_what_was_saved_is_good_for_both() {
    let to = vec!["127.0.0.1:9".parse().unwrap()];
    let settings = Settings { mode: Mode::Forward, forward_to: to, dnssec: false, ..Settings::default() };
    let without = Settings { prefetch: false, ..settings.clone() };
    let other = Settings { dnssec: true, ..settings.clone() };
    let resolvers = [&settings, &without, &other].map(|settings| Resolver::new(settings).unwrap());
    let clock = ManualClock::at(1_800_000_000);
    let name: Domain = "a.example".parse().unwrap();
    let key = Key {
        realm: resolvers[0].realm(name.borrowed()),
        question: Question { name: name.clone(), rtype: Rtype::A, checking_disabled: false },
    };
    let upstream = Scripted::default();
    let data = upstream.fetch(&key.question, clock.now()).await.unwrap();
    data.demand.note();
    data.demand.note();
    data.demand.note();
    resolvers[0].0.cache.put(key.clone(), &Arc::new(data), clock.now());
    // What is answered here never was in the cache, and does not get there so.
    let local = Question { name: "localhost".parse().unwrap(), ..key.question.clone() };
    let data = upstream.fetch(&local, clock.now()).await.unwrap();
    resolvers[0].0.cache.put(Key { question: local, ..key }, &Arc::new(data), clock.now());
    let saved = resolvers[0].save(clock.now());
    let counts = resolvers.each_ref().map(|resolver| resolver.restore(&saved, clock.now()));
    assert_eq!(counts, [Ok(1), Ok(1), Ok(0)]);
    clock.advance(Duration::from_secs(290));
    let called = resolvers.each_ref().map(|resolver| {
        let glance = || resolver.glance(name.borrowed(), Rtype::A, false, clock.now());
        (0..5).filter(|_| glance().is_none()).count()
    });
    assert_eq!(called, [1, 0, 5]);
}

#[tokio::test]
async fn a_question_that_we_can_not_bear_is_not_tried_for_each_who_asks() {
    let house = House::new();
    for _ in 0..3 {
        let question =
            Question { name: "fault.example".parse().unwrap(), rtype: Rtype::A, checking_disabled: false };
        let failure = house.resolver.answer(question, house.clock.now()).await.unwrap_err();
        assert_eq!(failure.kind, FailureKind::Fault);
    }
    assert_eq!((house.upstream.asked().0, house.resolver.stats().faults), (1, 1));
    assert_eq!(shown(&house.ask("a.example").await).1, 0);
}

#[test]
fn a_question_that_comes_while_the_program_ends_holds_nobody_up() {
    let house = House::new();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let handle = runtime.handle().clone();
    drop(runtime);
    let _entered = handle.enter();
    let question =
        Question { name: "late.example".parse().unwrap(), rtype: Rtype::A, checking_disabled: false };
    let outcome = house.resolver.answer(question, house.clock.now()).now_or_never().unwrap();
    assert_eq!(outcome.unwrap_err().kind, FailureKind::Fault);
    assert_eq!(house.resolver.0.work.len(), 0);
}
