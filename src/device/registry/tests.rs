//! Tests of who is taken for which device.

use super::*;

fn listing(name: &str, macs: &[&str], networks: &[&str], policy: Option<u16>) -> Listing {
    Listing {
        name: Arc::from(name),
        place: Place::new(Arc::from("config.toml"), 1),
        macs: macs.iter().map(|mac| mac.parse().unwrap()).collect(),
        id: None,
        networks: networks.iter().map(|net| net.parse().unwrap()).collect(),
        family: None,
        policy: policy.map(PolicyId),
        logged: true,
    }
}

const UNLISTED: Unlisted = Unlisted { speakers: PolicyId(1), others: PolicyId(0) };

fn registry() -> Registry {
    let listings = vec![
        listing("net", &[], &["192.0.2.0/24", "2001:db8::/32"], Some(2)),
        listing("addr", &[], &["192.0.2.7/32"], Some(3)),
        listing("mac", &["00:00:5e:00:53:01", "00:00:5e:00:53:02"], &[], Some(4)),
        listing("half", &[], &["192.0.2.0/25"], Some(5)),
    ];
    Registry::new(listings, UNLISTED).unwrap()
}

fn who(addr: &str, mac: Option<&str>) -> (String, PolicyId) {
    let client = Client::new(addr.parse().unwrap()).with_mac(mac.map(|mac| mac.parse().unwrap()));
    let device = registry().identify(&client, &Catalog::default());
    (device.name.to_string(), device.policy)
}

#[test]
fn mac_before_address_before_the_longest_network() {
    assert_eq!(who("192.0.2.7", Some("00:00:5e:00:53:02")), ("mac".into(), PolicyId(4)));
    assert_eq!(who("192.0.2.7", Some("00:00:5e:00:53:09")), ("addr".into(), PolicyId(3)));
    assert_eq!(who("192.0.2.8", None), ("half".into(), PolicyId(5)));
    assert_eq!(who("192.0.2.200", None), ("net".into(), PolicyId(2)));
    assert_eq!(who("2001:db8::1", None), ("net".into(), PolicyId(2)));
}

#[test]
fn mapped_addresses_are_ipv4() {
    assert_eq!(who("::ffff:192.0.2.7", None), ("addr".into(), PolicyId(3)));
}

#[test]
fn the_unknown_get_what_unlisted_says() {
    assert_eq!(who("198.51.100.1", None), (HOUSEHOLD.into(), PolicyId(0)));
    assert_eq!(who("198.51.100.1", Some("00:00:5e:00:53:09")), (HOUSEHOLD.into(), PolicyId(0)));
}

#[test]
fn who_is_recognized_is_a_speaker_unless_that_could_loosen_its_policy() {
    let text = "family box\n[identify]\nmac 00:00:5e\nasks a.example\nasks b.example\n";
    let catalog = Catalog::build(&[crate::catalog::parse::parse("box.txt", text).unwrap()]).unwrap();
    let recognizer = Arc::new(Recognizer::default());
    let by_mac = Client::new("192.0.2.99".parse().unwrap()).with_mac("00:00:5e:00:53:07".parse().ok());
    let by_address = Client::new("198.51.100.7".parse().unwrap());
    let of = |client: &Client, only_restricts| {
        let registry = Registry::new(Vec::new(), UNLISTED).unwrap();
        let registry = registry.recognizing(Arc::clone(&recognizer), only_restricts);
        registry.identify(client, &catalog)
    };
    assert!(matches!(of(&by_mac, true).standing, Standing::Unknown), "its prefix alone only proposes");
    for name in ["a.example", "b.example"] {
        let name: crate::base::Domain = name.parse().unwrap();
        for client in [&by_mac, &by_address] {
            recognizer.asked(client, name.borrowed(), &catalog, 1000);
        }
    }
    let device = of(&by_mac, false);
    assert_eq!((&*device.name, device.policy), ("box-005307", PolicyId(1)));
    assert!(device.is_watched(true) && !device.is_watched(false));
    assert_eq!((&*of(&by_address, true).name, of(&by_address, true).policy), ("box", PolicyId(1)));
    assert!(of(&by_address, true).is_watched(false));
    assert_eq!(of(&by_address, false).policy, PolicyId(0));
}

#[test]
fn whose_mac_cannot_be_seen_has_the_family_of_those_it_is_listed_with() {
    let text = "family box\n[identify]\nmac 00:00:5e\n";
    let catalog = Catalog::build(&[crate::catalog::parse::parse("box.txt", text).unwrap()]).unwrap();
    let listed = listing("kitchen", &["00:00:5e:00:53:01"], &["192.0.2.7/32"], None);
    let registry = Registry::new(vec![listed], UNLISTED).unwrap();
    let policy = |mac: Option<&str>| {
        let client = Client::new("192.0.2.7".parse().unwrap());
        registry.identify(&client.with_mac(mac.map(|mac| mac.parse().unwrap())), &catalog).policy
    };
    assert_eq!(policy(Some("00:00:5e:00:53:01")), UNLISTED.speakers);
    assert_eq!(policy(None), UNLISTED.speakers, "behind a router");
    assert_eq!(policy(Some("44:65:0d:12:34:56")), UNLISTED.others, "another that has its address");
}

#[test]
fn two_devices_cannot_claim_the_same() {
    for (a, b) in [
        (listing("a", &["00:00:5e:00:53:01"], &[], None), listing("b", &["00:00:5e:00:53:01"], &[], None)),
        (listing("a", &[], &["192.0.2.0/24"], None), listing("b", &[], &["192.0.2.9/24"], None)),
    ] {
        let error = Registry::new(vec![a, b], UNLISTED).unwrap_err();
        assert_eq!((&*error.first, &*error.second), ("a", "b"));
    }
}
