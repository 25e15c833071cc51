//! Other resolvers in place of zones' own servers: what they say is checked all
//! the same.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::AtomicI64;

use hickory_proto::op::Message;
use hickory_proto::op::ResponseCode;
use hickory_proto::rr::RData;
use hickory_proto::rr::RecordType;

use super::EXAMPLE;
use super::House;
use super::dnssec::NOW;
use super::internet::Internet;
use super::internet::Zone;
use super::internet::answer;
use super::internet::record;
use super::internet::reply_to;
use super::signed::Key;
use super::signed::SignedZone;
use crate::query::Rtype;
use crate::resolve::AnswerData;
use crate::resolve::Failure;
use crate::resolve::FailureKind;
use crate::resolve::Flaw;
use crate::resolve::Mode;
use crate::resolve::Question;
use crate::resolve::Server;
use crate::resolve::Settings;
use crate::resolve::rootkeys::RootKeys;
use crate::resolve::upstream::Upstream;

/// The resolvers that are asked.
const FIRST: &str = "10.9.0.1";
const SECOND: &str = "10.9.0.2";

const ROOT_ZONE: &str = "com. NS a.gtld.";

const COM_ZONE: &str = "example.com. NS ns.example.com.
    other.com. NS ns.other.com.
    plain.com. NS ns.plain.com.";

const EXAMPLE_ZONE: &str = "www.example.com. A 192.0.2.1
    alias.example.com. CNAME www.other.com.
    gone.example.com. CNAME gone.other.com.
    unsigned.example.com. CNAME www.plain.com.
    *.wild.example.com. CNAME gone.other.com.";

const OTHER_ZONE: &str = "www.other.com. A 192.0.2.2";

const PLAIN_ZONE: &str = "www.plain.com. A 192.0.2.3";

/// What a resolver's replies are made of.
struct World {
    signed: Vec<SignedZone>,
    plain: Zone,
}

impl World {
    /// Answers one name.
    fn one(&self, query: &Message) -> Message {
        let (name, rtype) = (query.queries[0].name(), query.queries[0].query_type());
        if self.plain.apex.zone_of(name) && !(rtype == RecordType::DS && *name == self.plain.apex) {
            return answer(std::slice::from_ref(&self.plain), query);
        }
        let place = if rtype == RecordType::DS { name.base_name() } else { name.clone() };
        // From the lowest zone to the root.
        self.signed.iter().find(|zone| zone.apex().zone_of(&place)).unwrap().answer(query)
    }

    /// Answers like a resolver, along aliases.
    fn answer(&self, query: &Message) -> Message {
        let mut reply = self.one(query);
        let rtype = query.queries[0].query_type();
        let mut target = reply.answers.iter().find_map(|record| match &record.data {
            RData::CNAME(target) if rtype != RecordType::CNAME => Some(target.0.clone()),
            _ => None,
        });
        if let Some(target) = target.take() {
            let mut next = query.clone();
            next.queries[0].set_name(target);
            let rest = self.one(&next);
            reply.metadata.response_code = rest.metadata.response_code;
            reply.answers.extend(rest.answers);
            reply.authorities.extend(rest.authorities);
        }
        reply.metadata.authoritative = false;
        reply.metadata.recursion_available = true;
        reply
    }
}

/// What a resolver makes of its replies.
type Spoil = fn(&Message, &mut Message);

fn strip(_: &Message, reply: &mut Message) {
    for section in [&mut reply.answers, &mut reply.authorities] {
        section.retain(|record| !matches!(record.record_type(), RecordType::RRSIG | RecordType::NSEC));
    }
}

fn honest(_: &Message, _: &mut Message) {}

/// Has no keys either.
fn no_keys(query: &Message, reply: &mut Message) {
    strip(query, reply);
    if query.queries[0].query_type() == RecordType::DNSKEY {
        reply.answers.clear();
    }
}

/// Has an address for a name that does not exist, as routers do.
fn invent(query: &Message, reply: &mut Message) {
    let asked = &query.queries[0];
    if asked.name().to_ascii() == "nas.invented." && asked.query_type() == RecordType::A {
        *reply = reply_to(query);
        reply.add_answer(record("nas.invented. A 192.168.1.7"));
    }
}

/// Has another address than was signed.
fn other(query: &Message, reply: &mut Message) {
    if query.queries[0].query_type() == RecordType::A {
        reply.answers.retain(|record| record.record_type() == RecordType::RRSIG);
        reply.add_answer(record("www.example.com. A 192.168.1.9"));
    }
}

struct Forwarding(House);

impl Forwarding {
    fn new(spoil: Spoil, change: impl FnOnce(&mut Settings)) -> Self {
        Self::over(&[(FIRST, spoil)], change)
    }

    /// Returns a house that asks these resolvers.
    fn over(resolvers: &[(&str, Spoil)], change: impl FnOnce(&mut Settings)) -> Self {
        Self::of_zone(None, resolvers, change)
    }

    /// Returns a house that asks the first of them, and the second about `zone`.
    fn for_zone(zone: &str, spoil: Spoil, change: impl FnOnce(&mut Settings)) -> Self {
        let servers = vec![SocketAddr::new(SECOND.parse().unwrap(), 53)];
        let zone = (zone.parse().unwrap(), servers);
        Self::of_zone(Some(&zone), &[(FIRST, honest), (SECOND, spoil)], |settings| {
            settings.forward_to.truncate(1);
            change(settings);
        })
    }

    fn of_zone(
        zone: Option<&super::Zone>,
        resolvers: &[(&str, Spoil)],
        change: impl FnOnce(&mut Settings),
    ) -> Self {
        let now = Arc::new(AtomicI64::new(NOW));
        let [root, com, example, other] = [0; 4].map(|_| Key::new());
        let trusted = RootKeys::of([root.dnskey()].into_iter());
        let below = [example.ds("example.com."), other.ds("other.com.")];
        let world = World {
            signed: vec![
                SignedZone::new("example.com.", EXAMPLE_ZONE, &example, &[], &now),
                SignedZone::new("other.com.", OTHER_ZONE, &other, &[], &now),
                SignedZone::new("com.", COM_ZONE, &com, &below, &now),
                SignedZone::new(".", ROOT_ZONE, &root, &[com.ds("com.")], &now),
            ],
            plain: Zone::read("plain.com.", PLAIN_ZONE),
        };
        let (world, mut internet) = (Arc::new(world), Internet::new());
        for (address, spoil) in resolvers.iter().copied() {
            let world = Arc::clone(&world);
            internet.script(address, move |query, _| {
                assert!(query.metadata.recursion_desired);
                let mut reply = world.answer(query);
                spoil(query, &mut reply);
                vec![reply.to_vec().unwrap()]
            });
        }
        internet.serve(EXAMPLE, &[("corp.", "nas.corp. A 192.168.1.5")]);
        let forward_to = resolvers.iter().map(|(address, _)| server(address)).collect();
        Self(House::of_zone(zone, internet, trusted, |settings| {
            settings.dnssec = true;
            settings.mode = Mode::Forward;
            settings.forward_to = forward_to;
            settings.choice = crate::resolve::Choice::Strict;
            change(settings);
        }))
    }

    async fn get(&self, name: &str) -> (ResponseCode, bool) {
        let AnswerData { rcode, secure, .. } = self.0.ask(name).await.unwrap();
        (rcode, secure)
    }

    async fn flaw(&self, name: &str) -> (Flaw, String) {
        match self.0.ask(name).await.unwrap_err() {
            Failure { kind: FailureKind::Bogus(flaw), detail, .. } => (flaw, detail),
            other => panic!("{other:?}"),
        }
    }

    /// Asks with CD.
    async fn unchecked(&self, name: &str) -> Result<AnswerData, Failure> {
        let question = Question { name: name.parse().unwrap(), rtype: Rtype::A, checking_disabled: true };
        self.0.recursion.fetch(&question, self.0.now()).await
    }
}

fn server(address: &str) -> Server {
    Server::Plain(SocketAddr::new(address.parse().unwrap(), 53))
}

#[tokio::test(start_paused = true)]
async fn what_is_signed_well_is_secure_whoever_brings_it() {
    let forwarding = Forwarding::new(honest, |_| {});
    for (name, rcode, secure) in [
        ("www.example.com", ResponseCode::NoError, true),
        ("nothing.example.com", ResponseCode::NXDomain, true),
        ("alias.example.com", ResponseCode::NoError, true),
        ("gone.example.com", ResponseCode::NXDomain, true),
        ("x.wild.example.com", ResponseCode::NXDomain, true),
        ("wild.example.com", ResponseCode::NoError, true),
        ("www.plain.com", ResponseCode::NoError, false),
        ("nothing.plain.com", ResponseCode::NXDomain, false),
        ("unsigned.example.com", ResponseCode::NoError, false),
        ("nothing.com", ResponseCode::NXDomain, true),
        ("nothing", ResponseCode::NXDomain, true),
    ] {
        assert_eq!(forwarding.get(name).await, (rcode, secure), "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_resolver_is_asked_for_whole_names_and_for_keys_beside_digests() {
    let forwarding = Forwarding::new(honest, |_| {});
    forwarding.get("www.example.com").await;
    let mut asked = forwarding.0.internet.names_at(FIRST);
    assert_eq!(asked[0], "www.example.com. A");
    asked.sort();
    let expected = [
        ". DNSKEY",
        "com. DNSKEY",
        "com. DS",
        "example.com. DNSKEY",
        "example.com. DS",
        "www.example.com. A",
    ];
    assert_eq!(asked, expected);
    // And where the zone is known, for nothing else; a chain is one reply.
    forwarding.get("nothing.example.com").await;
    assert_eq!(forwarding.0.internet.packets(), 7);
    forwarding.get("gone.example.com").await;
    assert_eq!(forwarding.0.internet.names_at(FIRST)[7..].len(), 3);
}

#[tokio::test(start_paused = true)]
async fn no_record_is_told_twice() {
    let forwarding = Forwarding::new(honest, |_| {});
    let message = forwarding.0.ask("x.wild.example.com").await.unwrap().message();
    let soas = message.authorities.iter().filter(|record| record.record_type() == RecordType::SOA);
    assert_eq!(soas.count(), 1);
    let mut records = message.authorities.clone();
    records.dedup();
    for record in &records {
        assert_eq!(message.authorities.iter().filter(|other| *other == record).count(), 1, "{record}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_forged_is_bogus() {
    fn forge(query: &Message, reply: &mut Message) {
        if query.queries[0].query_type() == RecordType::A {
            for record in &mut reply.answers {
                if let RData::A(address) = &mut record.data {
                    *address = "192.0.2.66".parse::<std::net::Ipv4Addr>().unwrap().into();
                }
            }
        }
    }
    let forwarding = Forwarding::new(forge, |_| {});
    assert_eq!(forwarding.flaw("www.example.com").await.0, Flaw::Other);
    assert_eq!(forwarding.flaw("alias.example.com").await.0, Flaw::Other);
    assert_eq!(forwarding.get("www.plain.com").await, (ResponseCode::NoError, false));
    // Whoever checks by himself gets it.
    assert!(!forwarding.unchecked("www.example.com").await.unwrap().secure);
    // The root has proof that nobody has registered this one.
    let forwarding = Forwarding::new(invent, |_| {});
    assert_eq!(forwarding.flaw("nas.invented").await.0, Flaw::NoSignature);
    let with = |settings: &mut Settings| {
        settings.negative_trust_anchors = vec!["invented".parse().unwrap()];
    };
    assert_eq!(Forwarding::new(invent, with).get("nas.invented").await, (ResponseCode::NoError, false));
}

#[tokio::test(start_paused = true)]
async fn who_strips_signatures_is_told_apart_and_another_is_asked() {
    let forwarding = Forwarding::new(strip, |_| {});
    let (flaw, why) = forwarding.flaw("www.example.com").await;
    assert_eq!(flaw, Flaw::NoSignature);
    assert!(why.contains("`dnssec`"), "{why}");
    assert_eq!(Forwarding::new(no_keys, |_| {}).flaw("www.plain.com").await.0, Flaw::NoKey);
    let forwarding = Forwarding::over(&[(FIRST, strip), (SECOND, honest)], |_| {});
    assert_eq!(forwarding.get("www.example.com").await, (ResponseCode::NoError, true));
    assert_eq!(forwarding.get("www.plain.com").await, (ResponseCode::NoError, false));
    // Checked or not, that is for the household to say.
    let forwarding = Forwarding::new(strip, |settings| settings.dnssec = false);
    assert_eq!(forwarding.get("www.example.com").await, (ResponseCode::NoError, false));
}

/// The last query's CD, for each name.
static CHECKING: Mutex<Vec<(String, bool)>> = Mutex::new(Vec::new());

#[tokio::test(start_paused = true)]
async fn cd_says_who_checks() {
    fn note(query: &Message, reply: &mut Message) {
        let cd = query.metadata.checking_disabled;
        let name = query.queries[0].name().to_ascii();
        CHECKING.lock().unwrap().push((name, cd));
        // A resolver that checks.
        if !cd {
            reply.metadata.response_code = ResponseCode::ServFail;
            reply.answers.clear();
        }
    }
    let forwarding = Forwarding::new(note, |_| {});
    forwarding.get("www.example.com").await;
    forwarding.unchecked("www.other.com").await.unwrap();
    assert!(CHECKING.lock().unwrap().drain(..).all(|(_, cd)| cd));
    // Without checks of our own we rely on theirs, and what was not checked at
    // all is for those alone who want it so.
    let forwarding = Forwarding::new(note, |settings| settings.dnssec = false);
    forwarding.unchecked("www.example.com").await.unwrap();
    assert!(forwarding.0.ask("www.example.com").await.is_err());
    forwarding.unchecked("www.example.com").await.unwrap();
    let asked: Vec<bool> = CHECKING.lock().unwrap().iter().map(|(_, cd)| *cd).collect();
    assert_eq!(asked.first(), Some(&true));
    assert!(asked.contains(&false));
}

#[tokio::test(start_paused = true)]
async fn zones_with_servers_of_their_own_are_asked_there() {
    let stub = SocketAddr::new(EXAMPLE.parse().unwrap(), 53);
    let forwarding = Forwarding::new(honest, |settings| {
        settings.stubs = vec![("corp".parse().unwrap(), vec![stub])];
    });
    assert_eq!(forwarding.get("nas.corp").await, (ResponseCode::NoError, false));
    assert_eq!((forwarding.0.internet.packets_to(FIRST), forwarding.0.internet.packets_to(EXAMPLE)), (0, 1));
}

#[tokio::test(start_paused = true)]
async fn who_knows_a_zone_is_believed_and_secure_where_it_is_signed_well() {
    // Whatever links the zone to others is asked elsewhere.
    fn knows_no_more(query: &Message, reply: &mut Message) {
        let asked = &query.queries[0];
        assert!(asked.query_type() != RecordType::DS, "{asked}");
        let apex = super::internet::name("example.com.");
        assert!(asked.query_type() != RecordType::DNSKEY || *asked.name() == apex, "{asked}");
        reply.metadata.recursion_available = false;
    }
    let forwarding = Forwarding::for_zone("example.com", knows_no_more, |_| {});
    assert_eq!(forwarding.get("www.example.com").await, (ResponseCode::NoError, true));
    assert_eq!(forwarding.get("nothing.example.com").await, (ResponseCode::NXDomain, true));
    assert_eq!(forwarding.0.internet.names_at(FIRST).len(), 4);
    // Names of the house are nobody else's business.
    let forwarding = Forwarding::for_zone("example.com", strip, |_| {});
    assert_eq!(forwarding.get("www.example.com").await, (ResponseCode::NoError, false));
    assert_eq!((forwarding.0.internet.packets_to(FIRST), forwarding.0.internet.packets_to(SECOND)), (0, 1));
    let forwarding = Forwarding::for_zone("example.com", other, |_| {});
    assert_eq!(forwarding.get("www.example.com").await, (ResponseCode::NoError, false));
    assert_eq!(forwarding.0.data("www.example.com").await[0], "192.168.1.9");
}

#[tokio::test(start_paused = true)]
async fn only_the_chain_is_taken_from_a_reply() {
    fn poison(_: &Message, reply: &mut Message) {
        reply.add_answer(record("www.plain.com. A 6.6.6.6"));
        reply.add_additional(record("www.plain.com. A 6.6.6.6"));
        reply.add_authority(record("plain.com. NS evil.plain.com."));
    }
    let forwarding = Forwarding::new(poison, |settings| settings.dnssec = false);
    assert_eq!(forwarding.0.data("www.example.com").await[0], "192.0.2.1");
    assert!(!forwarding.0.data("www.example.com").await.contains(&"6.6.6.6".to_owned()));
    let before = forwarding.0.internet.packets();
    forwarding.0.ask("www.plain.com").await.unwrap();
    assert_eq!(forwarding.0.internet.packets(), before + 1);
}
