//! Whoever lies on the link about who it is gets rid of no policy: an answer goes
//! to whom the kernel takes for the asker, and that is whose policy it is under.
//! What forwarders and clients may say in a query is tried in `forwarders` and
//! `encrypted`.

use super::House;
use super::in_house;
use super::support::eventually;
use super::support::ip;
use super::support::run;

/// What neither the speaker nor the child may have.
const NAME: &str = "device-metrics-us.amazon.com";

/// A speaker, a child's laptop, and a machine that may ask for everything.
const CONFIG: &str = "\
[device.kitchen]
mac = \"44:65:0d:12:34:56\"
[device.child]
mac = \"00:00:5e:00:53:30\"
policy = \"house\"
[device.nas]
mac = \"00:00:5e:00:53:99\"
policy = \"open\"
[policy.house]
lists = [\"mine\"]
[list.mine]
path = \"mine.txt\"
";

/// Says to the resolver by ARP (RFC 826) and neighbor discovery (RFC 4861) that
/// two addresses are at a MAC address.
const LIE: &str = r#"
import socket, sys
v4, v6, mac = sys.argv[1], sys.argv[2], bytes.fromhex(sys.argv[3].replace(":", ""))
index = socket.if_nametoindex("eth0")
link = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
link.bind(("eth0", 0))
own, to = link.getsockname()[4], b"\xff" * 6
for operation in (1, 2):
    says = socket.inet_aton(v4)
    arp = b"\0\x01\x08\0\x06\x04" + operation.to_bytes(2, "big") + mac + says + to + socket.inet_aton("192.168.178.2")
    link.send(to + own + b"\x08\x06" + arp)
icmp = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)
icmp.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS, 255)
advertisement = b"\x88\0\0\0\x20\0\0\0" + socket.inet_pton(socket.AF_INET6, v6) + b"\x02\x01" + mac
icmp.sendto(advertisement, ("fd00:178::2", 0, 0, index))
"#;

/// The laptop says that the addresses of a host are at a MAC address.
fn lie(host: u8, mac: &str) {
    let (v4, v6) = (format!("192.168.178.{host}"), format!("fd00:178::{host}"));
    run(&["ip", "netns", "exec", "laptop", "python3", "-c", LIE, &v4, &v6, mac]);
}

/// Returns the MAC address that the kernel takes for that of an address.
fn believed(address: &str) -> String {
    let shown = std::process::Command::new("ip").args(["neigh", "show", address]).output().unwrap();
    String::from_utf8(shown.stdout).unwrap()
}

/// Asks once, over either family; nothing if no answer comes.
fn asks(house: &House, host: &str, server: &str) -> String {
    house.dig(host, &format!("+time=1 +tries=1 @{server} {NAME}")).status
}

#[test]
fn a_lie_about_an_address_loosens_nothing() {
    in_house("house::spoofing::a_lie_about_an_address_loosens_nothing", |house| {
        house.write("mine.txt", "*.amazon.com\n");
        let _server = house.sordino(CONFIG);
        // So that the kernel believes at once, and finds out in a second.
        for soon in ["base_reachable_time_ms=500", "delay_first_probe_time=1", "retrans_time_ms=100"] {
            run(&["sysctl", "-qw", &format!("net.ipv4.neigh.house.{soon}")]);
            run(&["sysctl", "-qw", &format!("net.ipv6.neigh.house.{soon}")]);
        }
        run(&["sysctl", "-qw", "net.ipv4.neigh.house.locktime=0"]);
        let servers = [("192.168.178.2", "192.168.178."), ("fd00:178::2", "fd00:178::")];
        for (server, _) in servers {
            assert_eq!(asks(house, "echo", server), "NXDOMAIN");
            assert_eq!(asks(house, "laptop", server), "NXDOMAIN");
        }
        // The Echo's addresses at the MAC of the laptop, and of somebody who may
        // ask for everything; the laptop's own at that one.
        for (host, mac, victim) in [
            (20, "00:00:5e:00:53:30", "echo"),
            (20, "00:00:5e:00:53:99", "echo"),
            (30, "00:00:5e:00:53:99", "laptop"),
        ] {
            lie(host, mac);
            for (server, network) in servers {
                assert!(
                    believed(&format!("{network}{host}")).contains(mac),
                    "the kernel believes it, {server}"
                );
                let answer = asks(house, victim, server);
                assert!(answer.is_empty() || answer == "NXDOMAIN", "{victim} gets {answer} from {server}");
            }
            for (server, _) in servers {
                eventually("the truth comes out", || {
                    (asks(house, victim, server) == "NXDOMAIN").then_some(())
                });
            }
        }
    });
}

#[test]
fn who_takes_another_mac_is_whoever_has_that() {
    in_house("house::spoofing::who_takes_another_mac_is_whoever_has_that", |house| {
        house.write("mine.txt", "*.amazon.com\n");
        let server = house.sordino(&format!("{CONFIG}[unlisted]\nothers = \"house\"\n"));
        let becomes = |mac: &str| {
            ip("-n laptop link set eth0 down");
            ip(&format!("-n laptop link set eth0 address {mac}"));
            ip("-n laptop link set eth0 up");
            ip("neigh flush dev house");
        };
        // Made up, of a maker of speakers, and made up to look like one: a stranger.
        for mac in ["02:00:5e:00:53:30", "44:65:0d:99:99:99", "46:65:0d:12:34:56"] {
            becomes(mac);
            assert_eq!(asks(house, "laptop", "192.168.178.2"), "NXDOMAIN", "{mac}");
            let voice = house.dig("laptop", "@192.168.178.2 avs-alexa-14-eu.amazon.com");
            assert_eq!(voice.status, "NXDOMAIN", "{mac} gets no function of a speaker: {}", voice.shown);
        }
        assert_eq!(server.metric("sordino_device_info", &["identified_by=\"signs\""]), 0);
        // The speaker that takes a made-up one is a stranger as well.
        ip("-n echo link set eth0 down");
        ip("-n echo link set eth0 address 02:00:5e:00:53:20");
        ip("-n echo link set eth0 up");
        ip("neigh flush dev house");
        assert_eq!(asks(house, "echo", "192.168.178.2"), "NXDOMAIN");
    });
}
