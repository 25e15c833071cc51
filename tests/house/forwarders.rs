//! Behind a forwarder: dnsmasq says for whom it asks, and only it is believed.

use super::House;
use super::in_house;
use super::support::Program;
use super::support::eventually;
use super::support::ip;

/// What only the speaker may not have.
const NAME: &str = "device-metrics-us.amazon.com";

/// The speaker, and who else there is.
const CONFIG: &str = "\
[device.kitchen]
mac = \"44:65:0d:12:34:56\"
[device.flat]
id = \"flat-7\"
family = \"amazon-echo\"
policy = \"balanced\"
[device.nas]
mac = \"00:00:5e:00:53:99\"
policy = \"open\"
";

/// Whom to believe.
const TRUST: &str = "[identify]\ntrusted-forwarders = [\"192.168.178.1\", \"fd00:178::1\"]\n";

/// Adds a host with dnsmasq, which asks Sordino.
fn dnsmasq(house: &House, options: &str) -> Option<Program> {
    if !std::path::Path::new("/run/netns/box").exists() {
        ip("netns add box");
        ip("link add to-box type veth peer name eth0 netns box address 00:00:5e:00:53:01");
        ip("link set to-box master house up");
        ip("-n box link set lo up");
        ip("-n box link set eth0 up");
        ip("-n box addr add 192.168.178.1/24 dev eth0");
        ip("-n box -6 addr add fd00:178::1/64 dev eth0 nodad");
    }
    let plain = "--no-daemon --conf-file=/dev/null --no-hosts --no-resolv --cache-size=0 \
                 --pid-file= --server=192.168.178.2 --listen-address=192.168.178.1,fd00:178::1 --bind-interfaces";
    let running = Program::start(house, "box", "dnsmasq", &format!("{plain} {options}"))?;
    eventually("dnsmasq answers", || {
        (house.dig("laptop", "+time=1 @192.168.178.1 localhost").status == "NOERROR").then_some(())
    });
    Some(running)
}

/// Asks dnsmasq, and says what came of it.
fn through(house: &House, host: &str, args: &str) -> String {
    let answer = house.dig(host, &format!("@192.168.178.1 {NAME} {args}"));
    answer.status
}

#[test]
fn dnsmasq_says_for_whom_it_asks() {
    in_house("house::forwarders::dnsmasq_says_for_whom_it_asks", |house| {
        let server = house.sordino(&format!("{CONFIG}{TRUST}"));
        let blocked = |device: &str, times| {
            server.assert_metric("sordino_blocked_total", &[&format!("device=\"{device}\"")], times);
        };
        for (nth, add) in
            (1..).zip(["--add-mac", "--add-mac=text", "--add-mac=base64", "--add-subnet=32,128"])
        {
            let Some(_running) = dnsmasq(house, add) else { return };
            assert_eq!(through(house, "echo", ""), "NXDOMAIN", "{add}");
            assert_eq!(through(house, "laptop", ""), "NOERROR", "{add}");
            blocked("kitchen", nth);
        }
        {
            let Some(_running) = dnsmasq(house, "--add-cpe-id=flat-7") else { return };
            assert_eq!(through(house, "laptop", ""), "NXDOMAIN");
            blocked("flat", 1);
        }
        for source in ["edns-mac", "edns-subnet", "edns-cpe"] {
            let labels = [&*format!("source=\"{source}\""), "result=\"listed\""];
            assert!(server.metric("sordino_identify_total", &labels) > 0, "{source}: {}", server.metrics());
        }
    });
}

#[test]
fn a_new_address_is_known_while_dnsmasq_does_not_know_it() {
    in_house("house::forwarders::a_new_address_is_known_while_dnsmasq_does_not_know_it", |house| {
        let server = house.sordino(&format!("{CONFIG}{TRUST}"));
        let options = "--add-mac --add-subnet=32,128 --strip-mac --strip-subnet";
        let Some(_running) = dnsmasq(house, options) else { return };
        let ask = |host: &str, from: &str| house.dig(host, &format!("-b {from} @fd00:178::1 {NAME}")).status;
        assert_eq!(ask("echo", "fd00:178::20"), "NXDOMAIN");
        assert_eq!(ask("laptop", "fd00:178::30"), "NOERROR");
        // dnsmasq remembers for 90 seconds that it knows nobody there.
        for nth in 1..20 {
            ip(&format!("-n echo -6 addr add fd00:178::5:{nth} dev eth0 nodad"));
            ip(&format!("-n laptop -6 addr add fd00:178::6:{nth} dev eth0 nodad"));
            assert_eq!(ask("echo", &format!("fd00:178::5:{nth}")), "NXDOMAIN", "{nth}");
            assert_eq!(ask("laptop", &format!("fd00:178::6:{nth}")), "NOERROR", "{nth}");
        }
        server.assert_metric("sordino_blocked_total", &["device=\"kitchen\""], 20);
    });
}

#[test]
fn a_hint_never_loosens_a_policy_whoever_sends_it() {
    in_house("house::forwarders::a_hint_never_loosens_a_policy_whoever_sends_it", |house| {
        let strict = format!(
            "{CONFIG}[device.box]\nip = \"192.168.178.1\"\nfamily = \"amazon-echo\"\npolicy = \"strict\"\n"
        );
        let server = house.sordino(&format!("{strict}{TRUST}"));
        let hint = |mac: &str| format!("+ednsopt=65001:{mac}");
        let (speaker, nas) = (hint("44650d123456"), hint("00005e005399"));
        // Whoever is not listed may say what it likes, in every form.
        let ask = |host: &str, args: &str| house.dig(host, &format!("@192.168.178.2 {NAME} {args}")).status;
        let text = "+ednsopt=65073:30303a30303a35653a30303a35333a3939";
        for args in [&*nas, text, "+subnet=192.168.178.30/32", "+ednsopt=65074:666c61742d37"] {
            assert_eq!(ask("echo", args), "NXDOMAIN", "{args}");
            assert_eq!(ask("laptop", args), "NOERROR", "{args}");
        }
        assert_eq!(ask("laptop", &speaker), "NOERROR", "a laptop that plays a speaker is a laptop");
        let labels = ["device=\"nas\""];
        assert_eq!(server.metric("sordino_queries_total", &labels), 0);
        // Through the forwarder, which has a policy of its own here.
        let Some(_running) = dnsmasq(house, "--add-mac") else { return };
        assert_eq!(through(house, "laptop", ""), "NXDOMAIN", "the forwarder's policy holds");
        assert_eq!(through(house, "laptop", &nas), "NXDOMAIN");
        assert_eq!(through(house, "echo", &nas), "NXDOMAIN");
        let refused = server.metric("sordino_identify_total", &["result=\"refused\""]);
        assert!(refused >= 2, "{}", server.metrics());
    });
}
