//! A start without a battery: time servers are found, and signatures of all
//! others are wrong.

use super::in_house;
use super::support::Server;

#[test]
fn a_clock_that_is_behind_can_be_set() {
    in_house("house::clock::a_clock_that_is_behind_can_be_set", |house| {
        let config = "[resolve]\ntime-names = [\"www.signed.org\"]\n";
        let server = house.sordino(config);
        house.dig("laptop", "@192.168.178.2 x.wild.signed.org").assert_resolved();
        assert_eq!(server.metric("sordino_clock_ok", &[]), 1);
        drop(server);
        let three_years_ago = "exec \"$0\" \"$@\" --clock-offset=-100000000";
        let config = house.folder.join("config.toml");
        let server = Server::spawn(house, config, &[], &["sh", "-c", three_years_ago]);
        assert!(server.log().contains("the clock is behind"), "{}", server.log());
        let found = house.dig("laptop", "@192.168.178.2 +dnssec www.signed.org");
        found.assert_resolved();
        assert!(!found.flag("ad"), "{}", found.shown);
        let other = house.dig("laptop", "@192.168.178.2 x.wild.signed.org");
        assert_eq!(other.status, "SERVFAIL", "{}", other.shown);
        assert_eq!(server.metric("sordino_clock_ok", &[]), 0);
    });
}
