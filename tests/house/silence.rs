//! A speaker that is on the network and asks nothing here is found in the kernel's
//! own neighbor table, on a clock that is moved by hand.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;

use sordino::app::load;
use sordino::app::load::Options;
use sordino::app::network::Lookout;
use sordino::app::network::Network;
use sordino::base::Client;
use sordino::base::Clock;
use sordino::base::Source;
use sordino::base::time::ManualClock;
use sordino::device::Addresses;
use sordino::device::Binding;
use sordino::device::Feed;
use sordino::listen::neighbor::around;
use sordino::observe::metrics::Metrics;
use sordino::pipeline::Household;
use sordino::querylog::Facts;
use sordino::resolve::Resolver;
use sordino::resolve::Settings;

use super::in_house;
use super::support::eventually;
use super::support::ip;
use super::support::run;

/// A Google Nest, which nobody listed, and its name in metrics.
const NEST: (&str, &str, &str) = ("192.168.178.40", "f4:f5:d8:00:00:01", "google-nest-000001");

/// Whoever looks, on a clock of its own.
struct Watch {
    lookout: Lookout,
    network: Arc<Network>,
    metrics: Arc<Metrics>,
    house: Arc<Household>,
    addresses: Addresses,
    clock: ManualClock,
}

impl Watch {
    /// Looks a minute later, and returns what the Nest is doing then.
    fn minute(&mut self) -> Option<u8> {
        self.clock.advance(Duration::from_mins(1));
        let now = self.clock.now();
        let told = self.addresses.all(now);
        self.lookout.look(&around::look().unwrap(), &told, &[], &self.house, now.unix);
        let stats = Resolver::new(&Settings::default()).unwrap().stats();
        let text = String::from_utf8(self.metrics.render(&stats, &[], &Facts::default(), now)).unwrap();
        let line = format!("sordino_device_state{{device=\"{}\"}} ", NEST.2);
        text.lines().find_map(|text| text.strip_prefix(&line)).map(|state| state.parse().unwrap())
    }

    /// Takes note that somebody asks.
    fn asks(&self, address: &str, mac: &str) {
        let client = Client::new(address.parse().unwrap()).with_mac(mac.parse().ok());
        self.network.visitors.met(&client, self.clock.now().unix);
    }

    /// Returns the minute in which the Nest is flagged; the Echo asks in each.
    fn flagged(&mut self) -> Option<u32> {
        (0..20).find(|_| {
            self.asks("192.168.178.20", "44:65:0d:12:34:56");
            self.minute() == Some(5)
        })
    }
}

/// What a FRITZ!Box says of the Echo in its guest network.
fn guest() -> Binding {
    Binding {
        addr: [192, 168, 179, 20].into(),
        mac: "44:65:0d:12:34:56".parse().unwrap(),
        name: None,
        guest: true,
        until: None,
    }
}

/// Where lines of the log go.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(octets)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Log {
    /// Returns the lines with a word in them.
    fn count(&self, word: &str) -> usize {
        String::from_utf8(self.0.lock().unwrap().clone())
            .unwrap()
            .lines()
            .filter(|l| l.contains(word))
            .count()
    }
}

#[test]
fn a_speaker_that_asks_elsewhere_is_flagged_within_a_quarter_of_an_hour() {
    in_house(
        "house::silence::a_speaker_that_asks_elsewhere_is_flagged_within_a_quarter_of_an_hour",
        |house| {
            let config = house.write("config.toml", "[device.kitchen]\nmac = \"44:65:0d:12:34:56\"\n");
            let state_dir = Some(house.state.clone());
            let options = Options { config: Some(config), state_dir, ..Options::default() };
            let network = Arc::new(Network::new(Arc::clone(&options.recognizer)));
            let metrics = Arc::new(Metrics::new().unwrap());
            let mut watch = Watch {
                lookout: Lookout::new(Arc::clone(&network), Arc::clone(&metrics)),
                house: load::load(&options).unwrap().house,
                addresses: Addresses::default(),
                clock: ManualClock::at(1_800_000_000),
                network,
                metrics,
            };
            // So that the kernel finds out in a second who is gone.
            for soon in ["base_reachable_time_ms=500", "delay_first_probe_time=1", "retrans_time_ms=100"] {
                run(&["sysctl", "-qw", &format!("net.ipv4.neigh.house.{soon}")]);
            }
            ip("netns add nest");
            ip(&format!("link add to-nest type veth peer name eth0 netns nest address {}", NEST.1));
            ip("link set to-nest master house up");
            ip("-n nest link set eth0 up");
            ip(&format!("-n nest addr add {}/24 dev eth0", NEST.0));
            let nest: IpAddr = NEST.0.parse().unwrap();
            let is_there = || around::look().unwrap().neighbors.iter().any(|(address, _)| *address == nest);
            around::poke((nest, 0).into());
            eventually("the kernel knows the Nest", || is_there().then_some(()));

            let log = Log::default();
            let lines = log.clone();
            let subscriber =
                tracing_subscriber::fmt().with_ansi(false).with_writer(move || lines.clone()).finish();
            tracing::subscriber::with_default(subscriber, || {
                let minute = watch.flagged().expect("it is flagged");
                assert!((10..=15).contains(&minute), "in minute {minute}");
                for _ in 0..20 {
                    watch.asks("192.168.178.20", "44:65:0d:12:34:56");
                    assert_eq!(watch.minute(), Some(5));
                }
                let shown = String::from_utf8(watch.network.shown()).unwrap();
                assert!(shown.contains("silent-speaker") && shown.contains(NEST.2), "{shown}");
                assert!(!shown.contains("kitchen"), "{shown}");
                // Whoever asks is no longer suspected.
                watch.asks(NEST.0, NEST.1);
                assert_eq!(watch.minute(), None);
                assert_eq!(watch.network.shown(), br#"{"clients":2,"findings":[]}"#);
                // A day later it is, and not once it is switched off.
                watch.clock.advance(Duration::from_hours(24));
                assert_eq!(watch.flagged(), Some(0), "it was there all the time");
                ip("-n nest link set eth0 down");
                let fritzbox = Feed { source: Source::FritzBox, name: Arc::from("box") };
                watch.addresses.replace(&fritzbox, &[guest()], watch.clock.now());
                watch.minute();
                let shown = String::from_utf8(watch.network.shown()).unwrap();
                assert!(shown.contains("guest-network") && shown.contains("kitchen (44:"), "{shown}");
                watch.addresses.replace(&fritzbox, &[], watch.clock.now());
                eventually("the Nest is gone", || (watch.minute().is_none()).then_some(()));
                assert!(!is_there());
            });
            assert_eq!(log.count(" WARN "), 3, "once each time");
            assert_eq!(log.count("not so any more"), 3);
        },
    );
}
