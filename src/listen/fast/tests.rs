//! The fast path gives the same octets as the slow road, and counts the same.
//!
//! Whole queries and mutated ones take both ways.  `SORDINO_PACKETS=10000000`
//! takes more of them.

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
use hickory_proto::rr::rdata::TXT;
use hickory_server::net::xfer::Protocol;
use hickory_server::server::Request;

use super::super::access::Access;
use super::super::arrival::Arrival;
use super::super::identify::Identify;
use super::super::neighbor::NoNeighbors;
use super::super::reply::Reply;
use super::*;
use crate::answer::Blocked;
use crate::answer::BlockedAnswer;
use crate::base::Clock;
use crate::base::Place;
use crate::base::time::ManualClock;
use crate::catalog::Catalog;
use crate::catalog::parse::parse;
use crate::device::Listing;
use crate::device::PolicyId;
use crate::device::Registry;
use crate::device::Unlisted;
use crate::pipeline::Household;
use crate::pipeline::Served;
use crate::pipeline::Witness;
use crate::policy::Builtin;
use crate::policy::Policies;
use crate::query::Rtype;
use crate::resolve::AnswerCache;
use crate::resolve::AnswerData;
use crate::resolve::Failure;
use crate::resolve::FailureKind;
use crate::resolve::Origin;
use crate::resolve::Question;
use crate::resolve::Resolver;
use crate::resolve::Upstream;
use crate::resolve::names;

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

/// Names that are asked for, and what comes of each is written in [`Script`].
const NAMES: [&str; 12] = [
    "voice-7.example.com",
    "x.ads.example.com",
    "metrics-eu.example.com",
    "www.example.com",
    "nothing.example.com",
    "alias-to-ads.example.com",
    "inside.example.com",
    "large.example.com",
    "fails.example.com",
    "localhost",
    "printer",
    "never-asked-before.example.com",
];

/// Answers by what the name begins with.
struct Script;

#[async_trait]
impl Upstream for Script {
    async fn fetch(&self, question: &Question, _now: Now) -> Result<AnswerData, Failure> {
        let owner = names::to_name(&question.name);
        let record = |data| Record::from_rdata(owner.clone(), 300, data);
        let a = |octets: [u8; 4]| record(RData::A(Ipv4Addr::from(octets).into()));
        let text = question.name.to_string();
        let answers = match text.split(['-', '.']).next().unwrap() {
            "nothing" | "metrics" => vec![],
            "alias" => vec![record(RData::CNAME(CNAME(Name::from_ascii("y.ads.example.com.").unwrap())))],
            "inside" => vec![a([192, 168, 1, 1])],
            "large" => (0..20).map(|nth| record(RData::TXT(TXT::new(vec![format!("{nth:0>90}")])))).collect(),
            "fails" => {
                let detail = "nobody is there".to_owned();
                return Err(Failure { kind: FailureKind::Timeout, detail, origin: Origin::Recursion });
            }
            _ => vec![a([192, 0, 2, 1]), a([192, 0, 2, 2])],
        };
        let rcode = if answers.is_empty() { ResponseCode::NXDomain } else { ResponseCode::NoError };
        let soa = SOA::new(owner.base_name(), Name::root(), 1, 1, 1, 1, 200);
        let soa = Record::from_rdata(owner.base_name(), 300, RData::SOA(soa));
        let secure = text.starts_with('w');
        Ok(AnswerData::new(question, rcode, answers, vec![soa], secure))
    }

    fn origin(&self) -> Origin {
        Origin::Recursion
    }
}

/// Hears nothing.
struct Nobody;

impl Witness for Nobody {
    fn note(&self, event: Event) {
        assert!(!matches!(event, Event::Panicked));
    }
}

/// A house with a speaker at 127.0.0.2.
fn door(clock: &Arc<ManualClock>) -> Door<Resolver> {
    let catalog = Catalog::build(&[parse("test.txt", LIST).unwrap()]).unwrap();
    let speaker = Listing {
        name: Arc::from("kitchen"),
        place: Place::new(Arc::from("config.toml"), 1),
        macs: Vec::new(),
        id: None,
        networks: vec!["127.0.0.2/32".parse().unwrap()],
        family: catalog.family_named("test-speaker"),
        policy: Some(PolicyId(1)),
        logged: true,
    };
    let unlisted = Unlisted { speakers: PolicyId(1), others: PolicyId(0) };
    let policies = vec![Builtin::Open.policy(), Builtin::Balanced.policy()];
    let house = Household {
        devices: Registry::new(vec![speaker], unlisted).unwrap(),
        catalog,
        policies: Policies { policies, ..Policies::default() },
        blocked: Blocked { answer: BlockedAnswer::NxDomain, ttl: 60, max_ttl: 3_600 },
    };
    let resolver = Resolver::with_upstream(Arc::new(Script), Arc::new(AnswerCache::new(1 << 20)));
    let access = Access::new(&["127.0.0.0/8".parse().unwrap()]);
    let home = Home::new(Arc::new(house), Arc::new(resolver), access);
    let identify = Arc::new(Identify::new(Arc::new(NoNeighbors), Arc::default()));
    Door::new(home, Arc::clone(clock) as Arc<dyn Clock>, identify, Arc::new(Nobody))
}

/// Numbers that look like chance and are the same each time.
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % bound as u64).unwrap()
    }

    fn one<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }
}

/// Writes a query as clients do, mostly.
fn packet(chance: &mut Chance) -> Vec<u8> {
    let flags = match chance.below(8) {
        0 => chance.one(&[0u16, 0x8100, 0x2100, 0x0140]),
        _ => chance.one(&[0x0100, 0x0120, 0x0110, 0x0130]),
    };
    let mut packet = u16::try_from(chance.below(65_536)).unwrap().to_be_bytes().to_vec();
    packet.extend(flags.to_be_bytes());
    let edns = chance.below(2) == 0;
    packet.extend([0, 1, 0, 0, 0, 0, 0, u8::from(edns)]);
    for label in chance.one(&NAMES).split('.') {
        packet.push(u8::try_from(label.len()).unwrap());
        packet.extend(label.bytes().map(|b| if chance.below(3) == 0 { b.to_ascii_uppercase() } else { b }));
    }
    packet.push(0);
    packet.extend(chance.one(&[1u16, 1, 28, 16, 65, 255, 5, 48]).to_be_bytes());
    packet.extend(if chance.below(20) == 0 { [0, 3] } else { [0, 1] });
    if edns {
        let size = chance.one(&[512u16, 1_232, 4_096, 0]).to_be_bytes();
        packet.extend([0, 0, 41, size[0], size[1], 0, chance.one(&[0, 0, 0, 0, 1])]);
        packet.extend(chance.one(&[[0u8, 0], [0x80, 0], [0, 1]]));
        let options: &[u8] =
            chance.one(&[&[][..], b"\0\x0a\0\x08cookies!", b"\0\x0c\0\x02\0\0", b"\0\x08\0"]);
        packet.extend(u16::try_from(options.len()).unwrap().to_be_bytes());
        packet.extend(options);
    }
    packet
}

/// Spoils a packet.
fn mutate(packet: &mut Vec<u8>, chance: &mut Chance) {
    for _ in 0..chance.below(4) {
        match chance.below(4) {
            0 => packet.truncate(chance.below(packet.len() + 1)),
            1 => packet.push(chance.one(&[0, 1, 41, 0xc0, 0xff])),
            _ if packet.is_empty() => {}
            2 => {
                let at = chance.below(packet.len());
                packet[at] = chance.one(&[0, 1, 12, 63, 64, 0xc0, 0xff]);
            }
            _ => {
                let at = chance.below(packet.len());
                packet[at] ^= 1 << chance.below(8);
            }
        }
    }
}

/// Sends a packet down the slow road.
async fn slowly(door: &Door<Resolver>, packet: &[u8], peer: SocketAddr, now: Now) -> Option<Box<Served>> {
    if door.glance(packet, peer).is_some() {
        return None;
    }
    let request = Request::from_bytes(packet.to_vec(), peer, Protocol::Udp).ok()?;
    match door.serve(&request, &Arrival::new(peer, Transport::Udp, now)).await {
        Reply::Served(served, _) => Some(served),
        _ => None,
    }
}

#[tokio::test]
async fn both_ways_give_the_same() {
    let packets = std::env::var("SORDINO_PACKETS").map_or(20_000, |count| count.parse().unwrap());
    let clock = Arc::new(ManualClock::at(1_800_000_000));
    let door = door(&clock);
    let home = door.home();
    // Each road has met its own storms only.
    let aside = Home::new(Arc::clone(&home.house), Arc::clone(&home.resolver), home.access.clone());
    let identify = Arc::new(Identify::new(Arc::new(NoNeighbors), Arc::default()));
    let slow_door = Door::new(aside, Arc::clone(&clock) as Arc<dyn Clock>, identify, Arc::new(Nobody));
    let peers: [SocketAddr; 3] =
        ["127.0.0.1:5353", "127.0.0.2:5353", "192.0.2.1:5353"].map(|peer| peer.parse().unwrap());
    let mut chance = Chance(0x5eed_5eed_5eed_5eed);
    let (mut at_once, mut blocked, mut again, mut left, mut out) = (0, 0, 0, 0, Vec::new());
    for nth in 0..packets {
        let mut packet = packet(&mut chance);
        if nth % 2 == 0 {
            mutate(&mut packet, &mut chance);
        }
        let (peer, now) = (chance.one(&peers), clock.now());
        let known = Known::find(peer, &door, &home, now).unwrap();
        out.clear();
        let fast = answer(&packet, &known, &home, now, &mut out);
        let slow = slowly(&slow_door, &packet, peer, now).await;
        if let (None, Some(slow)) = (&fast, &slow) {
            home.storms.calm(slow.query.borrowed(), &slow.answer, home.house.blocked);
        }
        if let Some(fast) = fast {
            let slow = slow.unwrap_or_else(|| panic!("the slow road does not answer {packet:x?}"));
            assert_eq!(out, slow.response.wire, "{packet:x?}");
            let origin = slow.answer.origin();
            let mark = Mark::new(
                known.page,
                slow.device.logged,
                &slow.judged,
                slow.retry,
                origin,
                slow.response.rcode,
                Transport::Udp,
            );
            assert_eq!(fast, mark, "{packet:x?}");
            at_once += 1;
            blocked += usize::from(mark.blocked);
            again += usize::from(mark.retry != Retry::No);
        } else if let Some(slow) = slow.filter(|_| nth % 2 == 1) {
            // What it leaves to the slow road was not at hand, or is odd.
            let odd = packet.get(3).is_none_or(|flags| flags & 0x40 != 0)
                || slow.query.edns.is_some()
                || slow.query.qtype == Rtype::ANY;
            let asked = !matches!(slow.answer.origin(), Origin::Policy | Origin::Cache);
            // The first who asks for an answer whose time is nearly up goes the
            // slow road, so that it is fetched anew.
            left += usize::from(!(odd || asked || slow.judged.is_block()));
        }
        if nth % 1_000 == 0 {
            clock.advance(Duration::from_secs(7));
        }
    }
    assert!(left <= at_once / 100, "{left} that could have been answered at once were not");
    assert!(again > packets / 50, "{again} asked again");
    assert!(at_once > packets / 7 && blocked > packets / 33, "{at_once} at once, {blocked} blocked");
}
