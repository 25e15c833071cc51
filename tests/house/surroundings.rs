//! Networks in which devices can't be told apart, as the kernel shows them: what is
//! found there, and shown in metrics and at `/api/v1/network`.

use std::fs;
use std::net::UdpSocket;
use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use sordino::app::load;
use sordino::app::load::Options;
use sordino::app::network::Lookout;
use sordino::app::network::Network;
use sordino::base::Clock;
use sordino::base::time::ManualClock;
use sordino::listen::identify::Identify;
use sordino::listen::neighbor::around;
use sordino::listen::neighbor::linux::KernelNeighbors;
use sordino::observe::metrics::Metrics;
use sordino::pipeline::Household;
use sordino::querylog::Facts;
use sordino::resolve::Resolver;
use sordino::resolve::Settings;

use super::House;
use super::in_house;
use super::leases::behind_a_router;
use super::support::ip;
use super::support::run;

/// For how many seconds each host asks: enough for something to be said.
const LONG: i64 = 40;

/// Takes queries, and looks.
struct Watch {
    socket: UdpSocket,
    identify: Identify,
    lookout: Lookout,
    network: Arc<Network>,
    metrics: Arc<Metrics>,
    house: Arc<Household>,
    clock: ManualClock,
}

impl Watch {
    /// Begins to watch, and nothing was asked yet.
    fn new(house: &House) -> Self {
        let config = house.write("config.toml", "[device.kitchen]\nmac = \"44:65:0d:12:34:56\"\n");
        let state_dir = Some(house.state.clone());
        let options = Options { config: Some(config), state_dir, ..Options::default() };
        let network = Arc::new(Network::new(Arc::clone(&options.recognizer)));
        let metrics = Arc::new(Metrics::new().unwrap());
        let socket = UdpSocket::bind("0.0.0.0:5300").unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        let mut watch = Self {
            socket,
            identify: Identify::new(Arc::new(KernelNeighbors::open().unwrap()), Arc::default()),
            lookout: Lookout::new(Arc::clone(&network), Arc::clone(&metrics)),
            house: load::load(&options).unwrap().house,
            clock: ManualClock::at(1_800_000_000),
            network,
            metrics,
        };
        assert_eq!(watch.found(), []);
        watch
    }

    /// Has a host ask, as `dig` is told to, and for a while.
    fn asked(&self, house: &House, host: &str, args: &str) {
        let from = thread::scope(|scope| {
            let asking = scope.spawn(|| house.dig(host, &format!("-p 5300 {args} localhost")));
            let mut room = [0; 512];
            let (length, from) = self.socket.recv_from(&mut room).unwrap();
            // The question is the answer.
            room[2] |= 0x80;
            self.socket.send_to(&room[..length], from).unwrap();
            assert_eq!(asking.join().unwrap().status, "NOERROR");
            from
        });
        let client = self.identify.at_once(from, self.clock.now()).unwrap_or_else(|unseen| unseen.client);
        for second in 0..LONG {
            self.network.visitors.met(&client, self.clock.now().unix + second);
        }
    }

    /// Looks, and returns what is found and about whom.
    fn found(&mut self) -> Vec<(String, String)> {
        self.clock.advance(Duration::from_mins(1));
        let now = self.clock.now();
        self.lookout.look(&around::look().unwrap(), &[], &[], &self.house, now.unix);
        let shown: serde_json::Value = serde_json::from_slice(&self.network.shown()).unwrap();
        let stats = Resolver::new(&Settings::default()).unwrap().stats();
        let text = String::from_utf8(self.metrics.render(&stats, &[], &Facts::default(), now)).unwrap();
        let found = shown["findings"].as_array().unwrap().iter().map(|one| {
            let (word, about) = (one["finding"].as_str().unwrap(), one["about"].as_array().unwrap());
            let line = format!("sordino_network_findings{{finding=\"{word}\"}} {}", about.len());
            assert!(text.lines().any(|text| text == line), "{line}");
            let about: Vec<_> = about.iter().map(|one| one.as_str().unwrap()).collect();
            (word.to_owned(), about.join(" "))
        });
        found.collect()
    }
}

/// One finding.
fn one(word: &str, about: &str) -> Vec<(String, String)> {
    vec![(word.to_owned(), about.to_owned())]
}

/// Makes this machine one behind a host that translates addresses, as Docker does:
/// the house asks 192.168.178.9, and the network here is 172.17.0.0/16.
fn behind_a_bridge() {
    ip("addr flush dev house");
    ip("netns add dock");
    ip("link add to-dock type veth peer name eth0 netns dock");
    ip("link set to-dock master house up");
    ip("link add eth0 type veth peer name docker0 netns dock");
    for (device, address) in [("eth0", "192.168.178.9/24"), ("docker0", "172.17.0.1/16")] {
        ip(&format!("-n dock addr add {address} dev {device}"));
        ip(&format!("-n dock link set {device} up"));
    }
    ip("addr add 172.17.0.2/16 dev eth0");
    ip("link set eth0 up");
    ip("route add default via 172.17.0.1");
    run(&["ip", "netns", "exec", "dock", "sysctl", "-qw", "net.ipv4.ip_forward=1"]);
    for rule in [
        "add table ip nat",
        "add chain ip nat pre { type nat hook prerouting priority dstnat; }",
        "add rule ip nat pre udp dport 5300 dnat to 172.17.0.2",
        "add chain ip nat post { type nat hook postrouting priority srcnat; }",
        "add rule ip nat post oifname docker0 masquerade",
    ] {
        run(&["ip", "netns", "exec", "dock", "nft", rule]);
    }
}

#[test]
fn a_containers_bridge_is_told_from_a_router_that_forwards() {
    in_house("house::surroundings::a_containers_bridge_is_told_from_a_router_that_forwards", |house| {
        behind_a_bridge();
        let asked = || {
            let mut watch = Watch::new(house);
            watch.asked(house, "echo", "@192.168.178.9");
            watch.asked(house, "laptop", "@192.168.178.9");
            watch.found()
        };
        // Everything comes from the bridge, or with addresses and still without a MAC.
        let everybody = "192.168.178.20 192.168.178.30";
        for (container, hidden, shown) in
            [(true, "container-bridge", "container-bridge"), (false, "all-from-gateway", "off-link")]
        {
            if container {
                fs::write("/run/.containerenv", "").unwrap();
            } else if Path::new("/.dockerenv").exists() {
                eprintln!("skipped: this machine is a container itself");
                break;
            } else {
                fs::remove_file("/run/.containerenv").unwrap();
            }
            run(&["ip", "netns", "exec", "dock", "nft", "flush chain ip nat post"]);
            assert_eq!(asked(), one(shown, everybody), "in a container: {container}");
            run(&["ip", "netns", "exec", "dock", "nft", "add rule ip nat post oifname docker0 masquerade"]);
            assert_eq!(asked(), one(hidden, "172.17.0.1"), "in a container: {container}");
        }
    });
}

#[test]
fn several_behind_one_mac_and_one_behind_a_router_are_told() {
    in_house("house::surroundings::several_behind_one_mac_and_one_behind_a_router_are_told", |house| {
        let mut watch = Watch::new(house);
        watch.asked(house, "echo", "@192.168.178.2");
        watch.asked(house, "laptop", "@192.168.178.2");
        assert_eq!(watch.found(), [], "a house in order");
        // A repeater, or a server with containers in the house's own network.
        for host in 41..44 {
            ip(&format!("-n laptop addr add 192.168.178.{host}/24 dev eth0"));
            watch.asked(house, "laptop", &format!("-b 192.168.178.{host} @192.168.178.2"));
        }
        assert_eq!(watch.found(), one("mac-shared", "00:00:5e:00:53:30"));
        drop(watch);
        let mut watch = Watch::new(house);
        behind_a_router("10.9.0.7");
        watch.asked(house, "guest", "@192.168.178.2");
        assert_eq!(watch.found(), one("off-link", "10.9.0.7"));
    });
}
