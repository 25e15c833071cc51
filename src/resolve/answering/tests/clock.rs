//! Tests of what is answered while the clock is wrong.

use super::*;

#[tokio::test(start_paused = true)]
async fn time_servers_are_found_while_the_clock_cannot_be_right_and_nobody_else_is() {
    let house = House::new();
    house.is(Outside::Forging);
    let ask = async |name: &str, for_time| {
        let question = Question { name: name.parse().unwrap(), rtype: Rtype::A, checking_disabled: false };
        house.resolver.answer_at_any_date(question, for_time, house.clock.now()).await
    };
    // Nothing is known of the date.
    assert!(ask("2.pool.ntp.org", false).await.is_err());
    house.resolver.set_earliest(1_000_000);
    assert!(house.resolver.is_behind(house.clock.now()));
    for (name, for_time) in [("2.pool.ntp.org", false), ("ntp.speaker.example", true)] {
        assert!(ask(name, for_time).await.is_ok(), "{name}");
    }
    assert!(ask("www.example", false).await.unwrap_err().is_bogus());
    // Once it was set.
    house.later(1_000_000);
    assert!(ask("2.pool.ntp.org", false).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_is_ahead_is_known_by_the_root_and_can_be_set() {
    let house = House::new();
    let ask = async |name: &str| {
        let question = Question { name: name.parse().unwrap(), rtype: Rtype::A, checking_disabled: false };
        house.resolver.answer_at_any_date(question, false, house.clock.now()).await
    };
    // That one zone has let its signatures expire says nothing.
    house.is(Outside::Neglected);
    assert!(ask("0.pool.ntp.org").await.unwrap_err().is_bogus());
    assert!(!house.resolver.is_clock_wrong(house.clock.now()));
    house.later(86_400);
    house.is(Outside::Outdated);
    assert!(ask("www.example").await.unwrap_err().is_bogus());
    assert!(!house.resolver.is_ahead(), "nobody has looked");
    assert!(ask("1.pool.ntp.org").await.is_ok());
    assert!(house.resolver.is_clock_wrong(house.clock.now()));
    assert!(ask("www.example").await.unwrap_err().is_bogus());
    // Once it was set.
    house.is(Outside::Fine);
    house.resolver.look_at_clock(house.clock.now()).await;
    house.resolver.network_changed();
    assert!(!house.resolver.is_ahead());
    assert!(ask("www.example").await.is_ok());
}
