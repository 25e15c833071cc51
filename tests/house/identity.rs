//! Who asks is known from the first packet.

use std::process::Command;

use super::in_house;

const CONFIG: &str = "[device.kitchen]\nmac = \"44:65:0d:12:34:56\"\n";

fn ip(args: &str) {
    let done = Command::new("ip").args(args.split_whitespace()).output().unwrap();
    assert!(done.status.success(), "ip {args}: {}", String::from_utf8_lossy(&done.stderr));
}

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
        assert_eq!(server.metric("sordino_blocked_total", &["device=\"kitchen\""]), 30);
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
fn an_unlisted_echo_is_recognized_by_its_prefix() {
    in_house("house::identity::an_unlisted_echo_is_recognized_by_its_prefix", |house| {
        let server = house.sordino("");
        assert_eq!(house.dig("echo", "@192.168.178.2 device-metrics-us.amazon.com").status, "NXDOMAIN");
        let labels = ["device=\"amazon-echo-123456\"", "identified_by=\"mac-prefix\"", "policy=\"balanced\""];
        assert_eq!(server.metric("sordino_device_info", &labels), 1);
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
        assert_eq!(server.metric("sordino_queries_total", &[]), 1);
    });
}
