//! A start with a clock that is wrong: time servers are found, and signatures of
//! all others are wrong.  Nothing of it is left when it is right again.

use sordino::base::Clock;
use sordino::base::time::SystemClock;

use super::House;
use super::in_house;
use super::support::Server;

/// A name of a time server, which is signed.
const CONFIG: &str = "[device.kitchen]\nmac = \"44:65:0d:12:34:56\"\n\
     [resolve]\ntime-names = [\"www.signed.org\"]\n";

/// Another name that is signed.
const OTHER: &str = "@192.168.178.2 x.wild.signed.org";

/// A day, in seconds.
const DAY: i64 = 86_400;

/// Starts with a clock that is wrong by so many seconds.
fn start(house: &House, seconds: i64) -> Server {
    let wrong = format!("exec \"$0\" \"$@\" --clock-offset={seconds}");
    Server::spawn(house, house.folder.join("config.toml"), &[], &["sh", "-c", &wrong])
}

/// Fails unless the clock is right, or as good as, and all is as ever.
fn assert_right(house: &House, server: &Server) {
    house.dig("laptop", OTHER).assert_resolved();
    assert_eq!(server.metric("sordino_clock_ok", &[]), 1);
}

/// Fails unless time servers are found, without a word that they were checked, what
/// is muted is muted, and all else that is signed is refused.
fn assert_can_be_set(house: &House, server: &Server) {
    let found = house.dig("laptop", "@192.168.178.2 +dnssec www.signed.org");
    found.assert_resolved();
    assert!(!found.flag("ad"), "{}", found.shown);
    assert_eq!(server.metric("sordino_clock_ok", &[]), 0);
    assert_eq!(house.dig("echo", "@192.168.178.2 device-metrics-us.amazon.com").status, "NXDOMAIN");
    let other = house.dig("laptop", OTHER);
    assert_eq!(other.status, "SERVFAIL", "{}", other.shown);
}

#[test]
fn a_clock_that_is_behind_can_be_set() {
    in_house("house::clock::a_clock_that_is_behind_can_be_set", |house| {
        assert_right(house, &house.sordino(CONFIG));
        // In the first year of all clocks, and three years ago.
        let now = SystemClock::default().now().unix;
        for behind in [now - 700_000, 100_000_000] {
            let server = start(house, -behind);
            assert!(server.log().contains("the clock is behind"), "{}", server.log());
            assert_can_be_set(house, &server);
        }
        // Yesterday: that much signatures of a month are allowed to be off.
        let yesterday = start(house, -DAY);
        house.dig("laptop", "@192.168.178.2 www.signed.org").assert_resolved();
        house.dig("laptop", OTHER).assert_resolved();
        drop(yesterday);
        assert_right(house, &house.sordino_again());
    });
}

#[test]
fn a_clock_that_is_ahead_can_be_set_and_is_forgotten() {
    in_house("house::clock::a_clock_that_is_ahead_can_be_set_and_is_forgotten", |house| {
        assert_right(house, &house.sordino(CONFIG));
        for ahead in [31 * DAY, 3_652 * DAY] {
            let mut server = start(house, ahead);
            assert_can_be_set(house, &server);
            server.signal("TERM");
            assert!(server.wait().success(), "{}", server.log());
        }
        assert_right(house, &house.sordino_again());
    });
}
