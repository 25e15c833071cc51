//! A storm is counted and told once, in the log without the name.

use super::in_house;
use super::support::eventually;

#[test]
fn a_storm_is_counted_and_told_once() {
    in_house("house::storms::a_storm_is_counted_and_told_once", |house| {
        let server = house.sordino("[device.kitchen]\nmac = \"44:65:0d:12:34:56\"\n");
        let name = "device-metrics-us.amazon.com";
        // Over the fast path, and over the slow road, which share what they know.
        for nth in 0..30 {
            let way = if nth % 3 == 0 { "+tcp" } else { "" };
            let answer = house.dig("echo", &format!("{way} @192.168.178.2 {name}"));
            assert_eq!(answer.status, "NXDOMAIN", "{}", answer.shown);
        }
        let labels = ["device=\"kitchen\"", "family=\"amazon-echo\"", "purpose=\"analytics\""];
        eventually("29 retries are counted", || {
            (server.metric("sordino_blocked_retries_total", &labels) == 29).then_some(())
        });
        let log = server.log();
        assert_eq!(log.matches("a storm: it asks again and again").count(), 1, "{log}");
        assert!(log.contains("\"device\":\"kitchen\"") && !log.contains(name), "{log}");
        assert_eq!(server.metric("sordino_blocked_retries_total", &["household"]), 0);
    });
}
