//! Speakers with a resolver built in: the printed rules and the claimed address
//! bring their queries here, and who asks stays known.

use std::path::Path;
use std::process::Command;

use super::House;
use super::in_house;
use super::leases::behind_a_router;
use super::support::eventually;
use super::support::ip;
use super::support::run;
use super::support::sordino;

/// The speaker is listed.
const CONFIG: &str = "[device.kitchen]\nmac = \"44:65:0d:12:34:56\"\n";

/// The same, and Sordino listens on the claimed addresses; on all it can't, since
/// this machine is the Internet as well.
const CLAIMING: &str = "[listen]\ndns = [\"192.168.178.2\", \"fd00:178::2\", \"8.8.8.8\", \"2001:4860:4860::8888\"]\n\n[device.kitchen]\nmac = \"44:65:0d:12:34:56\"\n";

/// Makes the resolver the gateway of the house, and its way to the Internet one
/// on which nobody answers.
fn be_the_gateway() {
    ip("link add wan type bridge");
    ip("link set wan up");
    ip("addr add 203.0.113.254/24 dev wan");
    ip("route add default dev wan");
    run(&["sysctl", "-qw", "net.ipv4.ip_forward=1"]);
    ip("-n echo route add default via 192.168.178.2");
    ip("-n laptop route add default via 192.168.178.2");
}

/// Prints rules and checks that there are some.
fn print(house: &House, how: &[&str]) -> String {
    let text = sordino(house, &[&["firewall", "print"], how].concat());
    assert!(text.contains("44:65:0d:12:34:56"), "{text}");
    text
}

/// Returns how a stream to an address and port ends: `refused`, or something
/// else after a second.
fn connect(host: &str, to: &str) -> String {
    let script = format!("timeout 1 bash -c 'exec 3<>/dev/tcp/{to}' 2>&1 || true");
    let done = Command::new("ip").args(["netns", "exec", host, "bash", "-c", &script]).output().unwrap();
    String::from_utf8_lossy(&done.stdout).into_owned()
}

/// Asks a public resolver from both hosts: the Echo gets what its policy says, and the
/// laptop gets nothing.
fn the_echo_is_brought_here(house: &House, config: &str, at: &str, laptop_too: bool) {
    let server = house.sordino(config);
    let metrics = format!("@{at} device-metrics-us.amazon.com");
    let soon = format!("+time=1 {metrics}");
    eventually("the Echo is known", || (house.dig("echo", &soon).status == "NXDOMAIN").then_some(()));
    // The second time over UDP, what may pass is in the cache and is answered by the
    // fast path.
    for transport in ["", "", "+tcp "] {
        let blocked = house.dig("echo", &format!("{transport}{metrics}"));
        assert_eq!(blocked.status, "NXDOMAIN", "{}", blocked.shown);
        let voice = format!("{transport}@{at} avs-alexa-14-eu.amazon.com");
        let passed = house.dig("echo", &voice);
        passed.assert_resolved();
        for answer in [blocked, passed] {
            assert!(answer.shown.contains(&format!("SERVER: {at}#53({at})")), "{}", answer.shown);
        }
    }
    assert!(server.metric("sordino_blocked_total", &["device=\"kitchen\""]) >= 2, "by its own name");
    let laptop = house.dig("laptop", if laptop_too { &metrics } else { &soon });
    assert_eq!(laptop.status == "NOERROR", laptop_too, "{}", laptop.shown);
}

/// Fails unless streams of the Echo to other resolvers are refused at once, and
/// those of the laptop are not.
fn others_are_refused() {
    for to in ["9.9.9.9/853", "1.1.1.1/443", "198.51.100.9/853"] {
        assert!(connect("echo", to).contains("refused"), "{to}: {}", connect("echo", to));
        assert!(!connect("laptop", to).contains("refused"), "{to}: {}", connect("laptop", to));
    }
    assert!(!connect("echo", "198.51.100.9/443").contains("refused"));
}

#[test]
fn the_printed_nft_rules_bring_a_speakers_queries_here() {
    in_house("house::bypass::the_printed_nft_rules_bring_a_speakers_queries_here", |house| {
        house.write("config.toml", CONFIG);
        let file = house.write("rules.nft", &print(house, &["--nft"]));
        run(&["nft", "-c", "-f", file.to_str().unwrap()]);
        be_the_gateway();
        // Twice: loading them again replaces them.
        for _ in 0..2 {
            run(&["nft", "-f", file.to_str().unwrap()]);
        }
        the_echo_is_brought_here(house, CONFIG, "8.8.8.8", false);
        others_are_refused();
    });
}

#[test]
fn the_printed_iptables_rules_bring_a_speakers_queries_here() {
    let found = ["/usr/sbin/iptables", "/sbin/iptables"].iter().any(|path| Path::new(path).exists());
    if !found {
        eprintln!("skipped: the rules for iptables were not loaded: no `iptables` (Debian: iptables)");
        return;
    }
    in_house("house::bypass::the_printed_iptables_rules_bring_a_speakers_queries_here", |house| {
        house.write("config.toml", CONFIG);
        let file = house.write("rules.sh", &print(house, &["--iptables"]));
        be_the_gateway();
        for _ in 0..2 {
            run(&["sh", file.to_str().unwrap()]);
        }
        the_echo_is_brought_here(house, CONFIG, "8.8.8.8", false);
        others_are_refused();
    });
}

#[test]
fn what_a_speaker_asks_sordino_by_way_of_a_gateway_is_left_alone() {
    in_house("house::bypass::what_a_speaker_asks_sordino_by_way_of_a_gateway_is_left_alone", |house| {
        // The laptop is the router of another network, and has no DNS server.
        behind_a_router("10.9.0.7");
        ip("-n guest link set eth0 down");
        ip("-n guest link set eth0 address 44:65:0d:12:34:57");
        ip("-n guest link set eth0 up");
        ip("-n guest route add default via 10.9.0.1");
        ip("-n laptop route add default via 192.168.178.2");
        let config = "[device.kitchen]\nmac = \"44:65:0d:12:34:57\"\nip = \"10.9.0.7\"\n";
        let _server = house.sordino(config);
        let ways = [
            "@192.168.178.2 device-metrics-us.amazon.com",
            "+tcp @192.168.178.2 device-metrics-us.amazon.com",
        ];
        for (syntax, shell) in [("--nft", "nft -f"), ("--iptables", "sh")] {
            if shell == "sh" && !Path::new("/usr/sbin/iptables").exists() {
                eprintln!("skipped: no `iptables` (Debian: iptables)");
                continue;
            }
            for how in [&[syntax][..], &[syntax, "--reject"]] {
                let text = sordino(house, &[&["firewall", "print"], how].concat());
                let file = house.write("rules", &text);
                run(&["ip", "netns", "exec", "laptop", "sh", "-c", &format!("{shell} {}", file.display())]);
                for way in ways {
                    let answer = house.dig("guest", &format!("+time=2 {way}"));
                    assert!(
                        answer.error.is_some_and(|error| error.starts_with("15 ")),
                        "{how:?}: {}",
                        answer.shown
                    );
                }
                let elsewhere = house.dig("guest", "+time=1 @8.8.8.8 localhost");
                assert!(elsewhere.shown.contains("connection refused"), "{how:?}: {}", elsewhere.shown);
            }
            run(&["ip", "netns", "exec", "laptop", "nft", "flush", "ruleset"]);
        }
    });
}

#[test]
fn rules_without_a_redirect_refuse_at_once_so_that_a_speaker_asks_the_network() {
    in_house(
        "house::bypass::rules_without_a_redirect_refuse_at_once_so_that_a_speaker_asks_the_network",
        |house| {
            house.write("config.toml", CONFIG);
            let file = house.write("rules.nft", &print(house, &["--nft", "--reject"]));
            be_the_gateway();
            run(&["nft", "-f", file.to_str().unwrap()]);
            let refused = house.dig("echo", "+time=1 @8.8.8.8 localhost");
            assert!(refused.shown.contains("connection refused"), "{}", refused.shown);
            others_are_refused();
        },
    );
}

#[test]
fn the_rules_for_openwrt_are_a_script_that_a_shell_reads() {
    in_house("house::bypass::the_rules_for_openwrt_are_a_script_that_a_shell_reads", |house| {
        house.write("config.toml", CONFIG);
        let file = house.write("rules.sh", &print(house, &["--uci"]));
        run(&["sh", "-n", file.to_str().unwrap()]);
    });
}

#[test]
fn a_claimed_address_answers_without_translation() {
    in_house("house::bypass::a_claimed_address_answers_without_translation", |house| {
        house.write("config.toml", CLAIMING);
        let said = sordino(house, &["claim", "8.8.8.8", "2001:4860:4860::8888"]);
        let commands: Vec<_> = said.lines().filter_map(|line| line.strip_prefix("ip ")).collect();
        assert_eq!(commands.len(), 2, "{said}");
        for command in commands {
            ip(command);
        }
        // A router of its own, which knows nothing but the printed routes.
        ip("netns add router");
        ip("link add to-router type veth peer name eth0 netns router");
        ip("link set to-router master house up");
        ip("-n router link set eth0 up");
        ip("-n router addr add 192.168.178.1/24 dev eth0");
        ip("-n router addr add fd00:178::1/64 dev eth0 nodad");
        for forwarding in ["ipv4.ip_forward", "ipv6.conf.all.forwarding"] {
            run(&["ip", "netns", "exec", "router", "sysctl", "-qw", &format!("net.{forwarding}=1")]);
        }
        let routes: Vec<_> =
            said.lines().filter_map(|line| line.strip_prefix("#        ip route add ")).collect();
        assert_eq!(routes.len(), 2, "{said}");
        for route in routes {
            ip(&format!("-n router route add {route}"));
        }
        for host in ["echo", "laptop"] {
            ip(&format!("-n {host} route add default via 192.168.178.1"));
            ip(&format!("-n {host} route add default via fd00:178::1"));
        }
        for at in ["8.8.8.8", "2001:4860:4860::8888"] {
            the_echo_is_brought_here(house, CLAIMING, at, true);
        }
    });
}
