//! A house to measure in: a speaker, a laptop, and an Internet that is a
//! script.  The same in every run.

use std::net::Ipv4Addr;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use hickory_proto::op::ResponseCode;
use hickory_proto::rr::Name;
use hickory_proto::rr::RData;
use hickory_proto::rr::Record;
use hickory_proto::rr::rdata::CNAME;
use hickory_proto::rr::rdata::SOA;
use sordino::answer::Blocked;
use sordino::answer::BlockedAnswer;
use sordino::base::Client;
use sordino::base::Clock;
use sordino::base::Domain;
use sordino::base::Now;
use sordino::base::Place;
use sordino::base::time::ManualClock;
use sordino::catalog::Catalog;
use sordino::catalog::Lists;
use sordino::catalog::Purpose;
use sordino::catalog::foreign::About;
use sordino::catalog::foreign::Format;
use sordino::catalog::parse::parse;
use sordino::device::Listing;
use sordino::device::PolicyId;
use sordino::device::Registry;
use sordino::device::Unlisted;
use sordino::listen::access::Access;
use sordino::listen::door::Door;
use sordino::listen::door::Home;
use sordino::listen::identify::Identify;
use sordino::listen::neighbor::NoNeighbors;
use sordino::pipeline;
use sordino::pipeline::Event;
use sordino::pipeline::Household;
use sordino::pipeline::Storms;
use sordino::pipeline::Witness;
use sordino::policy::Action;
use sordino::policy::Builtin;
use sordino::policy::Exception;
use sordino::policy::Policies;
use sordino::policy::Policy;
use sordino::policy::Scope;
use sordino::query::Edns;
use sordino::query::Query;
use sordino::query::Rtype;
use sordino::resolve::AnswerCache;
use sordino::resolve::AnswerData;
use sordino::resolve::Failure;
use sordino::resolve::FailureKind;
use sordino::resolve::Origin;
use sordino::resolve::Question;
use sordino::resolve::Resolver;
use sordino::resolve::Upstream;
use sordino::resolve::names;

/// What the speaker's names are for.
const LIST: &str = "\
family test-speaker

[identify]

[function voice]
voice-#.example.com
    reported 2026-01-01 fixture

[advertising]
*.ads.example.com
    tried 2026-01-01 fixture

[analytics]
metrics-{eu,us}.example.com
    tried 2026-01-01 fixture
";

/// Where the speaker is.
pub(crate) const SPEAKER: &str = "192.0.2.2:5353";

/// Where the laptop is.
pub(crate) const LAPTOP: &str = "192.0.2.3:5353";

/// Where the tablet is, whose policy has lists.
pub(crate) const TABLET: &str = "192.0.2.4:5353";

/// What one of them blocks.
pub(crate) const LISTED: &str = "www.listed-7.example.net";

/// What an exception blocks.
pub(crate) const EXCEPTED: &str = "www.unwanted-19.example.net";

/// The largest datagram that clients with EDNS take, in octets.
const UDP_SIZE: u16 = 1_232;

/// How many octets of answers there is room for.
const CACHE: u64 = 8 << 20;

/// How many names everybody asks for.
pub(crate) const POPULAR: usize = 1_000;

/// Returns one of the names that everybody asks for.
pub(crate) fn popular(nth: usize) -> String {
    format!("www.popular-{nth}.example.com")
}

/// When everything happens, in seconds since 1970.
const MOMENT: i64 = 1_800_000_000;

/// Returns the moment in which everything happens.
pub(crate) fn now() -> Now {
    ManualClock::at(MOMENT).now()
}

/// Returns a moment so long before that answers of then have had their time.
fn before() -> Now {
    let Now { instant, unix } = now();
    Now { instant: instant.checked_sub(Duration::from_secs(400)).unwrap(), unix: unix - 400 }
}

//----------- Script -----------------------------------------------------------

/// Answers by what the name begins with.
pub(crate) struct Script;

impl Script {
    /// Returns the answer to a question.
    pub(crate) fn answer(question: &Question) -> AnswerData {
        let owner = names::to_name(&question.name);
        let a = |owner: &Name, octets: [u8; 4]| {
            Record::from_rdata(owner.clone(), 300, RData::A(Ipv4Addr::from(octets).into()))
        };
        let alias =
            |from: &Name, to: &Name| Record::from_rdata(from.clone(), 300, RData::CNAME(CNAME(to.clone())));
        let name = |text: &str| Name::from_ascii(text).unwrap();
        let answers = match question.name.to_string().split(['-', '.']).next().unwrap() {
            "nothing" => vec![],
            "alias" => {
                let (cloud, edge) = (name("www.cloud.example.net."), name("edge-7.cloud.example.net."));
                vec![alias(&owner, &cloud), alias(&cloud, &edge), a(&edge, [192, 0, 2, 7])]
            }
            "hidden" => {
                let ads = name("y.ads.example.com.");
                vec![alias(&owner, &ads), a(&ads, [192, 0, 2, 8])]
            }
            "inside" => vec![a(&owner, [192, 168, 1, 1])],
            _ => vec![a(&owner, [192, 0, 2, 1]), a(&owner, [192, 0, 2, 2])],
        };
        let rcode = if answers.is_empty() { ResponseCode::NXDomain } else { ResponseCode::NoError };
        let soa = SOA::new(name("ns.example.com."), name("hostmaster.example.com."), 1, 1, 1, 1, 300);
        let soa = Record::from_rdata(owner.base_name(), 300, RData::SOA(soa));
        AnswerData::new(question, rcode, answers, vec![soa], false)
    }
}

#[async_trait]
impl Upstream for Script {
    async fn fetch(&self, question: &Question, now: Now) -> Result<AnswerData, Failure> {
        if is_old(&question.name.to_string()) && now.unix == MOMENT {
            let (kind, detail) = (FailureKind::Timeout, String::new());
            return Err(Failure { kind, detail, origin: Origin::Recursion });
        }
        Ok(Self::answer(question))
    }

    fn origin(&self) -> Origin {
        Origin::Recursion
    }
}

/// Returns whether a name was asked for before, and cannot be resolved any more.
fn is_old(name: &str) -> bool {
    name.starts_with("old.")
}

/// Hears nothing.
struct Nobody;

impl Witness for Nobody {
    fn note(&self, _event: Event) {}
}

//----------- House ------------------------------------------------------------

/// Returns what the house knows, with as many exceptions.
pub(crate) fn household(exceptions: usize) -> Household {
    let catalog = Catalog::build(&[parse("test.txt", LIST).unwrap()]).unwrap();
    let speaker = Listing {
        name: Arc::from("kitchen"),
        place: place(),
        macs: Vec::new(),
        id: None,
        networks: vec!["192.0.2.2/32".parse().unwrap()],
        family: catalog.family_named("test-speaker"),
        policy: Some(PolicyId(1)),
        logged: true,
    };
    let tablet = Listing {
        name: Arc::from("tablet"),
        place: place(),
        macs: Vec::new(),
        id: None,
        networks: vec!["192.0.2.4/32".parse().unwrap()],
        family: None,
        policy: Some(PolicyId(2)),
        logged: true,
    };
    let unlisted = Unlisted { speakers: PolicyId(1), others: PolicyId(0) };
    let listed = Policy { lists: [0, 1].into_iter().collect(), ..Builtin::Open.policy() };
    let exceptions = (0..exceptions).map(|nth| Exception {
        pattern: format!("*.unwanted-{nth}.example.net").parse().unwrap(),
        scope: if nth % 2 == 0 { Scope::Device(Arc::from("kitchen")) } else { Scope::House },
        action: Action::Block,
        until: None,
        because: Arc::from("measured"),
        place: place(),
    });
    Household {
        devices: Registry::new(vec![speaker, tablet], unlisted).unwrap(),
        catalog,
        policies: Policies {
            policies: vec![Builtin::Open.policy(), Builtin::Balanced.policy(), listed],
            exceptions: exceptions.collect(),
            lists: Arc::new(lists()),
            ..Policies::default()
        },
        blocked: Blocked { answer: BlockedAnswer::NxDomain, ttl: 60, max_ttl: 3_600 },
    }
}

/// Returns two lists with thousands of names.
fn lists() -> Lists {
    let about = |name: &str| About {
        name: Arc::from(name),
        file: Arc::from(format!("{name}.txt")),
        format: Some(Format::Wildcard),
        family: None,
        purpose: Purpose::Unknown,
    };
    let text = |what: &str| (0..5_000).map(|nth| format!("{what}-{nth}.example.net")).collect::<Vec<_>>();
    let (one, other) = (text("tracker").join("\n"), text("listed").join("\n"));
    Lists::of_texts(&[(about("one"), &one), (about("other"), &other)]).unwrap()
}

/// Returns where everything is written.
fn place() -> Place {
    Place::new(Arc::from("config.toml"), 1)
}

/// Returns a door to a house in which everybody has asked for everything once:
/// for the popular names and for `more`.
pub(crate) fn door(exceptions: usize, more: &[&str]) -> Door<Resolver> {
    let house = household(exceptions);
    let resolver = resolver(&house, more);
    let access = Access::new(&["192.0.2.0/24".parse().unwrap()]);
    let home = Home::new(Arc::new(house), Arc::new(resolver), access);
    Door::new(
        home,
        Arc::new(ManualClock::at(0)),
        Arc::new(Identify::new(Arc::new(NoNeighbors), Arc::default())),
        Arc::new(Nobody),
    )
}

/// Returns a resolver that was asked for the popular names and for `more`.
pub(crate) fn resolver(house: &Household, more: &[&str]) -> Resolver {
    let resolver = Resolver::with_upstream(Arc::new(Script), Arc::new(AnswerCache::new(CACHE)));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let more = more.iter().map(|&name| name.to_owned());
    for name in (0..POPULAR).map(popular).chain(more) {
        let storms = Storms::default();
        if is_old(&name) {
            let query = Query { received: before(), ..query(&name, false) };
            runtime.block_on(pipeline::serve(query, house, &resolver, &storms));
        }
        let served = runtime.block_on(pipeline::serve(query(&name, false), house, &resolver, &storms));
        assert!(!served.judged.is_block() || name.starts_with("inside"), "{name}");
    }
    resolver
}

//----------- Queries ----------------------------------------------------------

/// Returns a query of the laptop.
pub(crate) fn query(name: &str, edns: bool) -> Query {
    let laptop: SocketAddr = LAPTOP.parse().unwrap();
    let edns = edns.then_some(Edns { udp_size: UDP_SIZE, dnssec_ok: false });
    Query { id: 7, edns, ..Query::new(Client::new(laptop.ip()), name.parse().unwrap(), Rtype::A, now()) }
}

/// Returns the same as a packet.
pub(crate) fn packet(name: &str, edns: bool) -> Vec<u8> {
    let name: Domain = name.parse().unwrap();
    let mut packet = vec![0, 7, 1, 0, 0, 1, 0, 0, 0, 0, 0, u8::from(edns)];
    packet.extend_from_slice(name.as_wire());
    packet.extend_from_slice(&[0, 1, 0, 1]);
    if edns {
        let [high, low] = UDP_SIZE.to_be_bytes();
        packet.extend_from_slice(&[0, 0, 41, high, low, 0, 0, 0, 0, 0, 0]);
    }
    packet
}
