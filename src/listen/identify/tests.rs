//! Who is found, in which order, and what is not waited for.

use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;

use super::*;
use crate::base::ClientId;
use crate::base::Clock;
use crate::base::time::ManualClock;

const SPEAKER: MacAddr = MacAddr([0x44, 0x65, 0x0d, 0, 0, 1]);
const LAPTOP: MacAddr = MacAddr([0, 0, 0x5e, 0, 0x53, 1]);
const ROUTER: MacAddr = MacAddr([0, 0, 0x5e, 0, 0x53, 2]);

/// A link with a router (.1), a speaker (.2), a laptop (.3), and a speaker that
/// is only found when it is asked for (.4); nobody else is on it.  What does not
/// begin with 192.0.2 is behind the router.
#[derive(Default)]
struct Link {
    pokes: AtomicUsize,
    awake: AtomicUsize,
}

impl Neighbors for Link {
    fn look(&self, peer: SocketAddr) -> Sight {
        match peer.ip().to_string().strip_prefix("192.0.2.") {
            Some("1") => Sight::Here(ROUTER),
            Some("2") => Sight::Here(SPEAKER),
            Some("3") => Sight::Here(LAPTOP),
            Some("4") if self.awake.load(Ordering::Relaxed) > 0 => Sight::Here(SPEAKER),
            Some(_) => Sight::Silent,
            None => Sight::Away,
        }
    }

    fn poke(&self, _peer: SocketAddr) {
        self.pokes.fetch_add(1, Ordering::Relaxed);
    }
}

struct Fixture {
    link: Arc<Link>,
    identify: Arc<Identify>,
    clock: ManualClock,
}

fn fixture() -> Fixture {
    let link = Arc::new(Link::default());
    let identify = Arc::new(Identify::new(Arc::clone(&link) as Arc<dyn Neighbors>, Arc::default()));
    Fixture { link, identify, clock: ManualClock::at(1_000_000) }
}

/// Reads the clock of the runtime, which passes when everybody waits.
#[expect(clippy::disallowed_methods, reason = "it is not the machine's clock")]
fn moment() -> tokio::time::Instant {
    tokio::time::Instant::now()
}

fn at(addr: &str) -> SocketAddr {
    SocketAddr::new(addr.parse().unwrap(), 5353)
}

impl Fixture {
    fn told(&self, source: Source, addr: &str, mac: MacAddr) {
        let binding = Binding { addr: addr.parse().unwrap(), mac, name: None, guest: false, until: None };
        let feed = Feed { source, name: Arc::from("test") };
        self.identify.addresses().replace(&feed, &[binding], self.clock.now());
    }

    fn found(&self, addr: &str) -> Option<(Option<MacAddr>, Source)> {
        self.identify.at_once(at(addr), self.clock.now()).ok().map(|client| (client.mac, client.source))
    }

    async fn waited(&self, addr: &str) -> (Option<MacAddr>, Source) {
        let unseen = self.identify.at_once(at(addr), self.clock.now()).unwrap_err();
        let (client, _) = self.identify.wait_for(unseen, self.clock.now()).await;
        (client.mac, client.source)
    }

    fn hinted(&self, hint: Hint) -> Client {
        self.identify.hinted(at("192.0.2.1"), hint, self.clock.now()).unwrap()
    }
}

#[test]
fn what_the_network_shows_goes_before_what_anybody_says() {
    let house = fixture();
    house.told(Source::Lease, "192.0.2.3", SPEAKER);
    assert_eq!(house.found("192.0.2.3"), Some((Some(LAPTOP), Source::Neighbor)));
    house.told(Source::Pushed, "198.51.100.7", SPEAKER);
    assert_eq!(house.found("198.51.100.7"), Some((Some(SPEAKER), Source::Pushed)));
    assert_eq!(house.found("198.51.100.8"), Some((None, Source::Address)));
    // On link and silent: not to be decided at once, whatever is remembered.
    house.told(Source::Lease, "192.0.2.9", SPEAKER);
    assert_eq!(house.found("192.0.2.9"), None);
}

#[tokio::test(start_paused = true)]
async fn a_silent_neighbor_is_waited_for_once() {
    let house = fixture();
    let begun = moment();
    assert_eq!(house.waited("192.0.2.9").await, (None, Source::Address));
    assert_eq!(begun.elapsed(), Duration::from_millis(30));
    assert_eq!(house.waited("192.0.2.9").await, (None, Source::Address));
    assert_eq!(begun.elapsed(), Duration::from_millis(30), "not a second time");
    assert_eq!(house.link.pokes.load(Ordering::Relaxed), 1);
    let unseen = house.identify.at_once(at("192.0.2.9"), house.clock.now()).unwrap_err();
    assert!(!house.identify.wait_for(unseen, house.clock.now()).await.1, "and it is not said that it was");
    // What is remembered is better than nothing, once nobody has answered.
    house.told(Source::Lease, "192.0.2.9", SPEAKER);
    assert_eq!(house.waited("192.0.2.9").await, (Some(SPEAKER), Source::Lease));
    house.clock.advance(Duration::from_secs(61));
    assert_eq!(house.waited("192.0.2.9").await, (Some(SPEAKER), Source::Lease));
    assert_eq!(house.link.pokes.load(Ordering::Relaxed), 2);
}

#[tokio::test(start_paused = true)]
async fn all_who_wait_are_told_as_soon_as_it_is_found() {
    let house = fixture();
    // The lease is of whoever had the address before.
    house.told(Source::Lease, "192.0.2.9", LAPTOP);
    let begun = moment();
    let told = async {
        tokio::time::sleep(Duration::from_millis(3)).await;
        let neighbor = Neighbor { addr: "192.0.2.9".parse().unwrap(), link: 0, mac: SPEAKER };
        house.identify.hear(&[neighbor], house.clock.now());
    };
    let (one, two, ()) = tokio::join!(house.waited("192.0.2.9"), house.waited("192.0.2.9"), told);
    assert_eq!([one, two], [(Some(SPEAKER), Source::Neighbor); 2]);
    assert_eq!(begun.elapsed(), Duration::from_millis(3));
    assert_eq!(house.link.pokes.load(Ordering::Relaxed), 1);
}

#[tokio::test(start_paused = true)]
async fn who_is_there_when_the_time_is_up_is_found_although_the_news_is_late() {
    let house = fixture();
    let wakes = async {
        tokio::time::sleep(Duration::from_millis(3)).await;
        house.link.awake.store(1, Ordering::Relaxed);
    };
    let (found, ()) = tokio::join!(house.waited("192.0.2.4"), wakes);
    assert_eq!(found, (Some(SPEAKER), Source::Neighbor));
}

#[tokio::test(start_paused = true)]
async fn who_answers_before_we_listen_is_found_all_the_same() {
    let house = fixture();
    let unseen = house.identify.at_once(at("192.0.2.4"), house.clock.now()).unwrap_err();
    house.link.awake.store(1, Ordering::Relaxed);
    let (client, waited) = house.identify.wait_for(unseen, house.clock.now()).await;
    assert!(waited);
    assert_eq!((client.mac, client.source), (Some(SPEAKER), Source::Neighbor));
}

#[tokio::test(start_paused = true)]
async fn not_everybody_is_waited_for_at_once() {
    let house = fixture();
    let begun = moment();
    let all = (0..1000u32).map(|nth| {
        let house = &house;
        let unseen = Unseen {
            client: Client::new("192.0.2.9".parse().unwrap()),
            at: SocketAddr::new(IpAddr::V4((0xc000_0300 + nth).into()), 53),
            source: Source::Neighbor,
        };
        async move { house.identify.wait_for(unseen, house.clock.now()).await }
    });
    futures_util::future::join_all(all).await;
    assert_eq!(begun.elapsed(), Duration::from_millis(30));
    assert_eq!(house.link.pokes.load(Ordering::Relaxed), 256);
}

#[test]
fn hints_are_taken_from_listed_forwarders_only() {
    let house = fixture();
    assert!(!house.identify.trusts("192.0.2.1".parse().unwrap()));
    let forwarders = vec!["192.0.2.1/32".parse().unwrap(), "2001:db8::/64".parse().unwrap()];
    house.identify.set(Settings { forwarders, ..Settings::default() });
    for (address, trusted) in
        [("192.0.2.1", true), ("::ffff:192.0.2.1", true), ("2001:db8::9", true), ("192.0.2.2", false)]
    {
        assert_eq!(house.identify.trusts(address.parse().unwrap()), trusted, "{address}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_hint_names_the_client_and_who_said_it() {
    let house = fixture();
    let forwarder = Some(("192.0.2.1".parse().unwrap(), Some(ROUTER)));
    let client = house.hinted(Hint { mac: Some(SPEAKER), ..Hint::default() });
    assert_eq!((client.mac, client.source, client.forwarder), (Some(SPEAKER), Source::EdnsMac, forwarder));
    let id = ClientId::new(b"home1");
    let client = house.hinted(Hint { id, ..Hint::default() });
    assert_eq!((client.id, client.mac, client.source), (id, None, Source::EdnsCpe));
    assert_eq!(client.without_hint().unwrap().mac, Some(ROUTER));
    // The address alone: the network shows who is there.
    let addr = |text: &str| Some(text.parse().unwrap());
    let client = house.hinted(Hint { addr: addr("192.0.2.2"), ..Hint::default() });
    assert_eq!((client.mac, client.source), (Some(SPEAKER), Source::EdnsSubnet));
    // A MAC address that is not the one the network shows is a lie or old.
    let client = house.hinted(Hint { mac: Some(SPEAKER), addr: addr("192.0.2.3"), ..Hint::default() });
    assert_eq!((client.mac, client.source), (Some(LAPTOP), Source::EdnsSubnet));
    // Off-link, what a lease says counts, and stays a hint.
    house.told(Source::Lease, "198.51.100.7", SPEAKER);
    let client = house.hinted(Hint { addr: addr("198.51.100.7"), ..Hint::default() });
    assert_eq!((client.mac, client.source, client.forwarder), (Some(SPEAKER), Source::EdnsSubnet, forwarder));
    // On link, silent, and no MAC: it is looked for.
    let hint = Hint { addr: addr("192.0.2.4"), ..Hint::default() };
    let unseen = house.identify.hinted(at("192.0.2.1"), hint, house.clock.now()).unwrap_err();
    house.link.awake.store(1, Ordering::Relaxed);
    let (client, waited) = house.identify.wait_for(unseen, house.clock.now()).await;
    assert!(waited);
    assert_eq!((client.mac, client.source, client.forwarder), (Some(SPEAKER), Source::EdnsSubnet, forwarder));
}
