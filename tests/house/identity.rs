//! Who asks is known from the first packet.

use super::in_house;
use super::support::eventually;
use super::support::ip;
use super::support::sordino;

const CONFIG: &str = "[device.kitchen]\nmac = \"44:65:0d:12:34:56\"\n";

#[test]
fn the_first_query_of_a_fresh_address_already_gets_its_policy() {
    in_house("house::identity::the_first_query_of_a_fresh_address_already_gets_its_policy", |house| {
        let server = house.sordino(CONFIG);
        for host in 100..130 {
            ip("-n echo addr flush dev eth0 scope global");
            ip(&format!("-n echo addr add 192.168.178.{host}/24 dev eth0"));
            let answer = house.dig("echo", "@192.168.178.2 device-metrics-us.amazon.com");
            assert_eq!(answer.status, "NXDOMAIN", "192.168.178.{host}: {}", answer.shown);
        }
        server.assert_metric("sordino_blocked_total", &["device=\"kitchen\""], 30);
    });
}

#[test]
fn who_takes_over_an_address_does_not_inherit_its_policy() {
    in_house("house::identity::who_takes_over_an_address_does_not_inherit_its_policy", |house| {
        let _server = house.sordino(CONFIG);
        house.dig("laptop", "@192.168.178.2 device-metrics-us.amazon.com").assert_resolved();
        assert_eq!(house.dig("echo", "@192.168.178.2 device-metrics-us.amazon.com").status, "NXDOMAIN");
        ip("-n echo addr flush dev eth0");
        ip("-n laptop addr flush dev eth0");
        // The kernel believes a MAC for a second after it changed
        // (net.ipv4.neigh.*.locktime); a lease takes longer to change hands.
        super::support::pause(std::time::Duration::from_millis(1200));
        ip("-n laptop addr add 192.168.178.20/24 dev eth0");
        ip("-n echo addr add 192.168.178.30/24 dev eth0");
        house.dig("laptop", "@192.168.178.2 device-metrics-us.amazon.com").assert_resolved();
        assert_eq!(house.dig("echo", "@192.168.178.2 device-metrics-us.amazon.com").status, "NXDOMAIN");
    });
}

#[test]
fn an_unlisted_echo_is_recognized_by_two_signs_and_remembered() {
    in_house("house::identity::an_unlisted_echo_is_recognized_by_two_signs_and_remembered", |house| {
        let metrics = "@192.168.178.2 device-metrics-us.amazon.com";
        let labels = ["device=\"amazon-echo-123456\"", "identified_by=\"signs\"", "policy=\"balanced\""];
        {
            let mut server = house.sordino("");
            // Its prefix alone only proposes.
            house.dig("echo", metrics).assert_resolved();
            // What a laptop asks for makes it no speaker: it is one sign.
            house.dig("laptop", "@192.168.178.2 avs-alexa-14-eu.amazon.com").assert_resolved();
            house.dig("echo", "@192.168.178.2 avs-alexa-14-eu.amazon.com").assert_resolved();
            eventually("the Echo is recognized", || {
                (house.dig("echo", metrics).status == "NXDOMAIN").then_some(())
            });
            house.dig("laptop", metrics).assert_resolved();
            server.assert_metric("sordino_device_info", &labels, 1);
            server.signal("TERM");
            assert!(server.wait().success());
        }
        let server = house.sordino("");
        assert_eq!(house.dig("echo", metrics).status, "NXDOMAIN", "from the first query on");
        server.assert_metric("sordino_device_info", &labels, 1);
        let shown = sordino(house, &["devices"]);
        assert!(shown.contains("amazon-echo, 80 %: mac 44:65:0d (blocklists/amazon-echo.txt:"), "{shown}");
        assert!(
            shown.contains("perhaps amazon-echo, 50 %: asks avs-alexa-#-{na,eu,fe}.amazon.com"),
            "{shown}"
        );
        // The lines that list the laptop, if it were one.
        let lines: Vec<_> = shown.lines().filter_map(|line| line.strip_prefix("        ")).collect();
        let expected =
            ["[device.amazon-echo-005330]", "mac    = \"00:00:5e:00:53:30\"", "family = \"amazon-echo\""];
        assert_eq!(lines, expected);
        house.write("config.toml", &lines.join("\n"));
        assert!(sordino(house, &["check"]).contains("1 devices"));
    });
}

#[test]
fn nobody_gets_rid_of_a_policy_by_asking_for_what_a_speaker_asks_for() {
    in_house("house::identity::nobody_gets_rid_of_a_policy_by_asking_for_what_a_speaker_asks_for", |house| {
        house.write("house.txt", "*.amazon.com\n");
        let config = "[unlisted]\nothers = \"strict-house\"\n\n[policy.strict-house]\nlists = [\"house\"]\n\n[list.house]\npath = \"house.txt\"\n";
        let server = house.sordino(config);
        for name in ["avs-alexa-14-eu.amazon.com", "bob-dispatch-prod-eu.amazon.com"] {
            assert_eq!(house.dig("laptop", &format!("@192.168.178.2 {name}")).status, "NXDOMAIN");
        }
        eventually("both were noted", || sordino(house, &["devices"]).contains("75 %").then_some(()));
        let voice = house.dig("laptop", "@192.168.178.2 avs-alexa-14-eu.amazon.com");
        assert_eq!(voice.status, "NXDOMAIN", "{}", voice.shown);
        assert_eq!(server.metric("sordino_device_info", &["identified_by=\"signs\""]), 0);
    });
}

#[test]
fn strangers_are_refused() {
    in_house("house::identity::strangers_are_refused", |house| {
        let listen = "[listen]\ndns = [\"192.168.178.2\"]\nallow = [\"192.168.178.20\"]\n";
        let server = house.sordino(listen);
        assert_eq!(house.dig("laptop", "@192.168.178.2 api.amazon.com").status, "REFUSED");
        assert_eq!(house.dig("laptop", "+tcp @192.168.178.2 api.amazon.com").status, "REFUSED");
        house.dig("echo", "@192.168.178.2 api.amazon.com").assert_resolved();
        server.assert_metric("sordino_queries_total", &[], 1);
    });
}

#[test]
fn a_client_behind_a_router_gets_the_policy_of_its_network_and_never_waits() {
    let name = "house::identity::a_client_behind_a_router_gets_the_policy_of_its_network_and_never_waits";
    in_house(name, |house| {
        // The Echo becomes a router with a guest network behind it.
        ip("netns add guest");
        ip("link add eth1 netns echo type veth peer name eth0 netns guest");
        ip("-n echo addr add 10.9.0.1/24 dev eth1");
        ip("-n echo link set eth1 up");
        ip("-n guest addr add 10.9.0.7/24 dev eth0");
        ip("-n guest link set eth0 up");
        ip("-n guest route add default via 10.9.0.1");
        ip("netns exec echo sysctl -qw net.ipv4.ip_forward=1");
        ip("route add 10.9.0.0/24 via 192.168.178.20");
        let guests =
            "[device.guests]\nip = \"10.9.0.0/24\"\nfamily = \"amazon-echo\"\npolicy = \"balanced\"\n";
        let server = house.sordino(&format!("{CONFIG}{guests}"));
        for _ in 0..3 {
            let answer = house.dig("guest", "@192.168.178.2 device-metrics-us.amazon.com");
            assert_eq!(answer.status, "NXDOMAIN", "{}", answer.shown);
        }
        server.assert_metric("sordino_blocked_total", &["device=\"guests\""], 3);
        assert_eq!(server.metric("sordino_identify_wait_seconds_count", &[]), 0);
        let labels = ["source=\"address\"", "result=\"listed\""];
        assert!(server.metric("sordino_identify_total", &labels) > 0, "{}", server.metrics());
    });
}
