//! A replay of lists that broke speakers, each dated and with its source: with
//! the very rule subscribed, the speaker keeps its function under every level,
//! and for the laptop the rule counts.

use std::sync::Arc;

use sordino::base::Client;
use sordino::base::Clock;
use sordino::base::time::ManualClock;
use sordino::catalog::Catalog;
use sordino::catalog::Lists;
use sordino::catalog::Purpose;
use sordino::catalog::foreign::About;
use sordino::device::Device;
use sordino::device::PolicyId;
use sordino::device::Standing;
use sordino::matcher::Trail;
use sordino::policy::Builtin;
use sordino::policy::Policies;
use sordino::policy::Policy;
use sordino::policy::Reached;
use sordino::query::Query;
use sordino::query::Rtype;

/// What was reported.
struct Breakage {
    /// Where and when.
    source: &'static str,
    /// The rule, in the syntax of the list it stood on.
    rule: &'static str,
    /// The family that broke.
    family: &'static str,
    /// The name it needs, and the aliases behind it where they are known.
    name: &'static str,
    chain: &'static [&'static str],
    /// What stopped.
    function: &'static str,
}

/// Shorthand for a row of the table.
const fn row(
    source: &'static str,
    rule: &'static str,
    family: &'static str,
    name: &'static str,
    chain: &'static [&'static str],
    function: &'static str,
) -> Breakage {
    Breakage { source, rule, family, name, chain, function }
}

/// The alias that made `a2z.com` a trap.
const GATEWAY: &[&str] = &["avs-alexa-14-eu.eu.gateway.devices.a2z.com"];

const BREAKAGES: &[Breakage] = &[
    row(
        "2021-01-02 nextdns/metadata#516",
        "avs-alexa-14-eu.amazon.com",
        "amazon-echo",
        "avs-alexa-14-eu.amazon.com",
        GATEWAY,
        "voice",
    ),
    row(
        "2021-10-24 easylist#9474",
        "||a2z.com^",
        "amazon-echo",
        "avs-alexa-14-eu.amazon.com",
        GATEWAY,
        "voice",
    ),
    row(
        "2021-10-24 AdGuardSDNSFilter#809",
        "||a2z.com^",
        "sonos",
        "avs-alexa-14-eu.amazon.com",
        GATEWAY,
        "voice",
    ),
    row(
        "2021-10-24 badmojr/1Hosts#278",
        "0.0.0.0 avs-alexa-14-na.amazon.com",
        "amazon-echo",
        "avs-alexa-14-na.amazon.com",
        &[],
        "voice",
    ),
    row(
        "2023-05-04 ph00lt0/blocklist#18",
        "||avs-alexa-14-fe.amazon.com^",
        "amazon-echo",
        "avs-alexa-14-fe.amazon.com",
        &[],
        "voice",
    ),
    row(
        "2023-05-04 ph00lt0/blocklist#18",
        "||spclient.wg.spotify.com^",
        "amazon-echo",
        "spclient.wg.spotify.com",
        &[],
        "media",
    ),
    row(
        "2023-05-04 ph00lt0/blocklist#18",
        "||spclient.wg.spotify.com^",
        "sonos",
        "spclient.wg.spotify.com",
        &[],
        "media",
    ),
    row(
        "2023-07-13 RPiList/specials#1164",
        "bob-dispatch-prod-eu.amazon.com",
        "amazon-echo",
        "bob-dispatch-prod-eu.amazon.com",
        &[],
        "voice",
    ),
    row(
        "2024-07-24 hagezi#3272",
        "||web.diagnostic.networking.aws.dev^",
        "amazon-echo",
        "web.diagnostic.networking.aws.dev",
        &[],
        "connectivity",
    ),
    row(
        "2024-09-28 RPiList/specials#1781",
        "*.amazonalexa.com",
        "amazon-echo",
        "api.amazonalexa.com",
        &[],
        "voice",
    ),
    row(
        "2024-10-14 hkamran80/blocklists#6",
        "api.eu.amazonalexa.com",
        "amazon-echo",
        "api.eu.amazonalexa.com",
        &[],
        "voice",
    ),
    row(
        "2024-12-08 ph00lt0/blocklist#135",
        "||bob-dispatch-prod-eu.amazon.com^",
        "amazon-echo",
        "bob-dispatch-prod-eu.amazon.com",
        &[],
        "voice",
    ),
    row("2025-04-08 hagezi#5835", "||musicradio.com^", "amazon-echo", "musicradio.com", &[], "media"),
    row(
        "2026-01-15 ShadowWhisperer#245",
        "local=/devices.a2z.com/",
        "amazon-echo",
        "alexa.eu.gateway.devices.a2z.com",
        &[],
        "voice",
    ),
    row(
        "ShadowWhisperer#73",
        "||gue1-spclient.spotify.com^",
        "google-nest",
        "gue1-spclient.spotify.com",
        &[],
        "media",
    ),
    row(
        "notracking#165",
        "*.googleapis.com",
        "google-nest",
        "embeddedassistant.googleapis.com",
        &[],
        "voice",
    ),
    row("AdGuardDNS#85, unifi-sonos-doc#13", "*.sonos.com", "sonos", "ws.sonos.com", &[], "media"),
    row("hagezi#930", "||xp.apple.com^", "apple-homepod", "xp.apple.com", &[], "update"),
    row("1Hosts#1941", "||smoot.apple.com^", "apple-homepod", "api.smoot.apple.com", &[], "voice"),
];

/// A house that subscribes to one list with one rule, under all levels.
fn policies(rule: &str) -> Policies {
    let about = About {
        name: Arc::from("subscribed"),
        file: Arc::from("subscribed.txt"),
        format: None,
        family: None,
        purpose: Purpose::Unknown,
    };
    let lists = Arc::new(Lists::of_texts(&[(about, rule)]).unwrap());
    let levels = [Builtin::Light, Builtin::Balanced, Builtin::Strict, Builtin::Open].map(Builtin::policy);
    let policies = levels.map(|policy| Policy { lists: [0].into_iter().collect(), ..policy });
    Policies { policies: policies.into(), lists, ..Policies::default() }
}

fn query(name: &str, clock: &ManualClock) -> Query {
    let client = Client::new("192.0.2.1".parse().unwrap());
    Query::new(client, name.parse().unwrap(), Rtype::A, clock.now())
}

#[test]
fn no_list_breaks_a_wanted_function_and_the_laptop_is_still_blocked() {
    let catalog = Catalog::build(&sordino::source::families(None, None).unwrap()).unwrap();
    let clock = ManualClock::at(1_800_000_000);
    for Breakage { source, rule, family, name, chain, function } in BREAKAGES {
        let policies = policies(rule);
        let query = query(name, &clock);
        let reached =
            Reached { names: chain.iter().map(|name| name.parse().unwrap()).collect(), inside: Vec::new() };
        let device = |family, policy| Device {
            name: Arc::from("device"),
            family,
            policy: PolicyId(policy),
            standing: Standing::Unknown,
            logged: true,
        };
        let verdict = |device: &Device| {
            let asked = query.borrowed();
            let trail = Trail::of(asked.qname);
            let (judged, _) = policies.judge(asked, device, &trail, catalog.rule_on(device.family, &trail));
            policies.review(judged, asked, device, &catalog, &reached)
        };
        for level in 0..3 {
            let judged = verdict(&device(catalog.family_named(family), level));
            assert!(!judged.is_block(), "{source}: {name} is blocked for {family}: {}", judged.ground);
            assert_eq!(judged.purpose.as_str(), *function, "{source}: {name}");
        }
        assert!(verdict(&device(None, 3)).is_block(), "{source}: {name} is not blocked for the laptop");
    }
}
