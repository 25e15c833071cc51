//! Zones whose name servers are in another zone, as those of most providers are.

use super::*;

const EXAMPLE_BY_PROVIDER: &str = "example.com. NS ns.provider.net.
    www.example.com. A 192.0.2.1";

/// An Internet in which `example.com` has the name server of a provider, and `com`
/// does not say where that is.
fn internet_of_provider(net: &str) -> Internet {
    let mut internet = internet("com. NS a.gtld.", EXAMPLE_BY_PROVIDER);
    let com = "com. NS a.gtld.
        example.com. NS ns.provider.net.
        second.com. NS ns.provider.net.";
    internet.serve(COM, &[("com.", com), ("net.", net)]);
    internet
}

const PROVIDER: &str = "provider.net. NS ns.provider.net.
    ns.provider.net. A 10.0.1.1";

#[tokio::test(start_paused = true)]
async fn where_a_providers_servers_are_is_known_from_the_zone_above() {
    let mut internet = internet_of_provider(&format!("net. NS a.gtld.\n {PROVIDER}"));
    let second = ("second.com.", "second.com. NS ns.provider.net.\n www.second.com. A 192.0.2.2");
    internet.serve(EXAMPLE, &[("example.com.", EXAMPLE_BY_PROVIDER), ("provider.net.", PROVIDER), second]);
    let house = House::new(internet);
    assert_eq!(house.data("www.example.com").await, ["192.0.2.1"]);
    assert_eq!(house.internet.names_at(EXAMPLE), ["www.example.com. A"]);
    let before = house.internet.packets();
    assert_eq!(house.data("www.second.com").await, ["192.0.2.2"]);
    assert_eq!(house.internet.packets() - before, 2, "{:?}", house.internet.asked);
    // And is never an answer.
    assert_eq!(house.data("ns.provider.net").await, ["10.0.1.1"]);
    assert_eq!(house.internet.names_at(EXAMPLE).last().unwrap(), "ns.provider.net. A");
}

#[tokio::test(start_paused = true)]
async fn what_one_referral_tells_serves_zones_that_are_told_of_without() {
    let mut internet = internet("com. NS a.gtld.", EXAMPLE_BY_PROVIDER);
    let net = "net. NS a.gtld.
        first.net. NS ns.provider.net.
        ns.provider.net. A 10.0.1.1";
    let com = "com. NS a.gtld.\n example.com. NS ns.provider.net.";
    internet.serve(COM, &[("com.", com), ("net.", net)]);
    let first = ("first.net.", "first.net. NS ns.provider.net.\n www.first.net. A 192.0.2.3");
    internet.serve(EXAMPLE, &[("example.com.", EXAMPLE_BY_PROVIDER), first]);
    let house = House::new(internet);
    assert_eq!(house.data("www.first.net").await, ["192.0.2.3"]);
    let before = house.internet.packets();
    assert_eq!(house.data("www.example.com").await, ["192.0.2.1"]);
    // The root of com, com of the zone, and the zone.
    assert_eq!(house.internet.packets() - before, 3, "{:?}", house.internet.asked);
}

#[tokio::test(start_paused = true)]
async fn where_nobody_answers_at_what_the_zone_above_tells_the_servers_own_zone_is_asked() {
    // Of the provider's two servers one has moved, and net does not know.
    let net = "net. NS a.gtld.
        provider.net. NS ns.provider.net.
        provider.net. NS ns2.provider.net.
        ns.provider.net. A 10.0.9.9
        ns2.provider.net. A 10.0.1.2";
    let provider = "provider.net. NS ns.provider.net.
        provider.net. NS ns2.provider.net.
        ns.provider.net. A 10.0.1.1
        ns2.provider.net. A 10.0.1.2";
    let mut internet = internet_of_provider(net);
    internet.serve(OTHER, &[("provider.net.", provider)]);
    let house = House::new(internet);
    assert_eq!(house.data("www.example.com").await, ["192.0.2.1"]);
    assert!(
        house.internet.names_at(OTHER).contains(&"ns.provider.net. A".into()),
        "{:?}",
        house.internet.asked
    );
}

#[tokio::test(start_paused = true)]
async fn what_the_zone_above_tells_is_forgotten_with_its_delegation() {
    let mut internet = internet_of_provider(&format!("net. NS a.gtld.\n {PROVIDER}"));
    internet.serve(EXAMPLE, &[("example.com.", EXAMPLE_BY_PROVIDER), ("provider.net.", PROVIDER)]);
    let house = House::new(internet);
    house.data("www.example.com").await;
    let asked =
        |house: &House| house.internet.names_at(COM).iter().filter(|name| *name == "provider.net. A").count();
    assert_eq!(asked(&house), 1);
    house.internet.clock.advance(Duration::from_hours(48));
    house.data("www.example.com").await;
    assert_eq!(asked(&house), 2, "{:?}", house.internet.asked);
}
