//! What `judge` and `review` must never get wrong.

use std::net::IpAddr;
use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::base::Client;
use crate::base::Clock;
use crate::base::Place;
use crate::base::time::ManualClock;
use crate::catalog::Function;
use crate::catalog::foreign::About;
use crate::catalog::foreign::Format;
use crate::catalog::parse;
use crate::device::HOUSEHOLD;
use crate::device::Standing;
use crate::query::Query;
use crate::query::Rtype;

/// A family with a function, its alias target's zone, and names to block.
const LIST: &str = "\
family test-speaker

[identify]
mac 00:00:5e
    note 2026-01-01 documentation range

[function voice]
voice.example.com
    reported 2026-01-01 fixture

[function shopping]
shop.example.com
    reported 2026-01-01 fixture

[advertising]
*.ads.example.com
    listed 2026-01-01 fixture

[analytics]
metrics.example.com
    tried 2026-01-01 fixture
disputed.example.com
    tried 2026-01-01 fixture
    disputed 2026-01-01 fixture
";

/// A household with every built-in policy, a foreign list and a moment.
struct House {
    catalog: Catalog,
    policies: Policies,
    clock: ManualClock,
}

impl House {
    fn new() -> Self {
        let catalog = Catalog::build(&[parse::parse("test.txt", LIST).unwrap()]).unwrap();
        let mut policies: Vec<_> = Builtin::ALL.into_iter().map(Builtin::policy).collect();
        policies.push(Policy {
            name: Arc::from("listed"),
            lists: [0].into_iter().collect(),
            ..Builtin::Balanced.policy()
        });
        policies.push(Policy {
            name: Arc::from("no-shopping"),
            off: vec![Function::Shopping],
            ..Builtin::Balanced.policy()
        });
        let text = "*.example.com\n*.cloud.example\n";
        let about = About {
            name: Arc::from("other"),
            file: Arc::from("other.txt"),
            format: Some(Format::Wildcard),
            family: None,
            purpose: Purpose::Unknown,
        };
        let lists = Arc::new(Lists::of_texts(&[(about, text)]).unwrap());
        let policies = Policies { policies, lists, ..Policies::default() };
        Self { catalog, policies, clock: ManualClock::at(1_800_000_000) }
    }

    fn device(&self, policy: &str, speaker: bool) -> Device {
        Device {
            name: Arc::from(if speaker { "kitchen" } else { HOUSEHOLD }),
            family: if speaker { self.catalog.family_named("test-speaker") } else { None },
            policy: self.policies.named(policy).unwrap(),
            standing: Standing::Unknown,
            logged: true,
        }
    }

    fn query(&self, name: &str) -> Query {
        let client = Client::new("192.0.2.1".parse().unwrap());
        Query::new(client, name.parse().unwrap(), Rtype::A, self.clock.now())
    }

    fn judge(&self, policy: &str, speaker: bool, name: &str) -> Judged {
        let (device, query) = (self.device(policy, speaker), self.query(name));
        let trail = Trail::of(query.qname.borrowed());
        let rule = self.catalog.rule_on(device.family, &trail);
        self.policies.judge(query.borrowed(), &device, &trail, rule).0
    }

    fn blocks(&self, policy: &str, name: &str) -> bool {
        self.judge(policy, true, name).is_block()
    }

    fn review(&self, policy: &str, name: &str, names: &[&str], addresses: &[&str]) -> Judged {
        let (device, query) = (self.device(policy, true), self.query(name));
        let judged = self.judge(policy, true, name);
        let mut reached = Reached::default();
        reached.names.extend(names.iter().map(|name| name.parse::<Domain>().unwrap()));
        for address in addresses {
            reached.note(&query.qname, address.parse::<IpAddr>().unwrap());
        }
        self.policies.review(judged, query.borrowed(), &device, &self.catalog, &reached)
    }

    fn except(&mut self, name: &str, scope: Scope, action: Action, until: Option<i64>) {
        self.policies.exceptions.push(Exception {
            pattern: name.parse().unwrap(),
            scope,
            action,
            until,
            because: Arc::from("a test"),
            place: Place::new(Arc::from("config.toml"), 9),
        });
    }
}

#[test]
fn levels_follow_evidence() {
    let house = House::new();
    for (name, blocking) in [
        ("metrics.example.com", &["light", "balanced", "strict", "essential-only"][..]),
        ("x.ads.example.com", &["balanced", "strict", "essential-only"]),
        ("disputed.example.com", &["strict", "essential-only"]),
        ("never-heard.example.org", &["essential-only"]),
        ("voice.example.com", &[]),
    ] {
        for policy in Builtin::ALL.map(Builtin::as_str) {
            assert_eq!(house.blocks(policy, name), blocking.contains(&policy), "{policy} {name}");
        }
    }
}

#[test]
fn what_is_not_a_speaker_is_not_judged_by_its_catalog() {
    let house = House::new();
    for policy in Builtin::ALL.map(Builtin::as_str) {
        assert!(!house.judge(policy, false, "metrics.example.com").is_block(), "{policy}");
    }
}

#[test]
fn a_foreign_list_cannot_break_a_function_and_is_held_back() {
    let house = House::new();
    let judged = house.judge("listed", true, "voice.example.com");
    assert!(!judged.is_block());
    let Ground::Function { held_back: Some(rule), .. } = judged.ground else {
        panic!("{:?}", judged.ground);
    };
    assert_eq!(rule.to_string(), "other.txt:1 list other");
    assert!(house.blocks("listed", "other.example.com"));
    assert!(house.judge("listed", false, "voice.example.com").is_block(), "a laptop has no such function");
}

#[test]
fn the_chain_of_a_function_is_not_looked_at() {
    let house = House::new();
    let judged = house.review("listed", "voice.example.com", &["a.cloud.example", "x.ads.example.com"], &[]);
    assert!(!judged.is_block());
}

#[test]
fn an_alias_to_a_blocked_name_is_blocked() {
    let house = House::new();
    let judged = house.review("balanced", "harmless.example.org", &["x.ads.example.com"], &["203.0.113.1"]);
    assert!(judged.is_block());
    assert_eq!(judged.purpose, Purpose::Advertising);
    assert_eq!(judged.ground.to_string(), "test.txt:16 advertising, by way of x.ads.example.com");
    assert!(!house.review("open", "harmless.example.org", &["x.ads.example.com"], &[]).is_block());
    // Whoever needs only functions may still pass through names of a CDN.
    assert!(!house.review("essential-only", "voice.example.com", &["cdn.example.org"], &[]).is_block());
}

#[test]
fn an_outside_name_cannot_have_an_inside_address() {
    let mut house = House::new();
    for policy in ["open", "observe", "balanced"] {
        let judged = house.review(policy, "evil.example.org", &[], &["203.0.113.1", "192.168.178.1"]);
        assert!(judged.is_block(), "{policy}");
        assert_eq!(judged.ground.as_str(), "rebinding");
    }
    house.policies.house_zones.push("fritz.box".parse().unwrap());
    assert!(!house.review("open", "nas.fritz.box", &[], &["192.168.178.2"]).is_block());
    house.policies.outside_networks.push("10.1.0.0/16".parse().unwrap());
    assert!(!house.review("open", "lab.example.org", &[], &["10.1.2.3"]).is_block());
    assert!(house.review("open", "lab.example.org", &[], &["10.2.2.3"]).is_block());
}

#[test]
fn a_function_can_be_switched_off_by_the_household_only() {
    let house = House::new();
    let judged = house.judge("no-shopping", true, "shop.example.com");
    assert!(judged.is_block());
    assert_eq!(judged.ground.as_str(), "function-off");
    assert!(!house.blocks("no-shopping", "voice.example.com"));
    assert!(!house.blocks("strict", "shop.example.com"));
}

#[test]
fn observing_allows_and_says_what_it_would_have_done() {
    let house = House::new();
    let judged = house.judge("observe", true, "metrics.example.com");
    assert!(!judged.is_block());
    assert_eq!(judged.observed.unwrap().as_str(), "rule");
}

#[test]
fn exceptions_outweigh_everything_until_their_time_is_up() {
    let mut house = House::new();
    let until = house.clock.now().unix + 60;
    house.except("metrics.example.com", Scope::House, Action::Allow, Some(until));
    house.except("voice.example.com", Scope::Device(Arc::from("kitchen")), Action::Block, None);
    assert!(!house.blocks("strict", "metrics.example.com"));
    assert!(house.blocks("open", "voice.example.com"));
    house.clock.advance(std::time::Duration::from_secs(61));
    assert!(house.blocks("strict", "metrics.example.com"));
    assert!(house.blocks("open", "voice.example.com"));
}

#[test]
fn the_narrowest_exception_wins_then_the_most_specific_then_the_last() {
    let mut house = House::new();
    house.except("*.example.com", Scope::Device(Arc::from("kitchen")), Action::Allow, None);
    house.except("metrics.example.com", Scope::House, Action::Block, None);
    assert!(!house.blocks("balanced", "metrics.example.com"));
    house.except("metrics.example.com", Scope::Device(Arc::from("kitchen")), Action::Block, None);
    assert!(house.blocks("open", "metrics.example.com"));
    house.except("metrics.example.com", Scope::Device(Arc::from("kitchen")), Action::Allow, None);
    assert!(!house.blocks("balanced", "metrics.example.com"));
    assert!(!house.judge("open", false, "x.ads.example.com").is_block());
}

/// Some exceptions, by a number.
fn exceptions(house: &mut House, which: u8) {
    let name = ["metrics.example.com", "*.example.com", "other.example.org", "shop.example.com"];
    for (nth, name) in name.into_iter().enumerate() {
        let bits = which >> (2 * nth) & 3;
        if bits == 0 {
            continue;
        }
        let scope = match (bits + u8::try_from(nth).unwrap()) % 3 {
            0 => Scope::House,
            1 => Scope::Device(Arc::from("kitchen")),
            _ => Scope::Policy(house.policies.named("balanced").unwrap()),
        };
        house.except(name, scope, if bits == 1 { Action::Allow } else { Action::Block }, None);
    }
}

#[test]
fn strictness_is_told_for_the_policies_there_are() {
    let house = House::new();
    let strict = |one: (&str, bool), other: (&str, bool)| {
        let (one, other) = (house.device(one.0, one.1), house.device(other.0, other.1));
        house.policies.is_as_strict(&one, &other, Word::Forwarder)
    };
    for policy in Builtin::ALL.map(Builtin::as_str) {
        assert!(strict((policy, true), ("open", false)), "{policy}");
        assert!(strict((policy, true), ("observe", true)), "{policy}");
        assert!(strict((policy, true), ("strict", false)), "nothing is known of an unknown device's names");
        assert!(!strict(("open", false), (policy, true)) || matches!(policy, "open" | "observe"), "{policy}");
    }
    assert!(strict(("balanced", true), ("light", true)) && !strict(("light", true), ("balanced", true)));
    assert!(strict(("strict", true), ("balanced", true)));
    assert!(strict(("listed", true), ("listed", false)) && strict(("listed", true), ("balanced", true)));
    assert!(
        !strict(("balanced", true), ("listed", false)),
        "whoever says that it is a speaker escapes a list"
    );
    let (speaker, laptop) = (house.device("listed", true), house.device("listed", false));
    assert!(!house.policies.is_as_strict(&speaker, &laptop, Word::Own), "and gets its functions");
}

proptest! {
    #[test]
    fn who_is_as_strict_lets_nothing_pass_that_the_other_blocks(
        policies in (0usize..8, 0usize..8),
        speakers in any::<(bool, bool)>(),
        which in any::<u8>(),
        own in any::<bool>(),
    ) {
        let word = if own { Word::Own } else { Word::Forwarder };
        let mut house = House::new();
        exceptions(&mut house, which);
        let name = |at: usize| house.policies.policies[at].name.to_string();
        let (one, other) = (name(policies.0), name(policies.1));
        let devices = (house.device(&one, speakers.0), house.device(&other, speakers.1));
        if house.policies.is_as_strict(&devices.0, &devices.1, word) {
            for name in [
                "voice.example.com", "shop.example.com", "x.ads.example.com", "metrics.example.com",
                "disputed.example.com", "other.example.com", "other.example.org", "a.cloud.example",
            ] {
                let judged = house.judge(&one, speakers.0, name);
                let needed = matches!(judged.ground, Ground::Function { .. });
                let open = !judged.is_block() && (own || !needed);
                prop_assert!(
                    !(open && house.judge(&other, speakers.1, name).is_block()),
                    "{one} is as strict as {other}, and {name} passes"
                );
            }
        }
    }
}
