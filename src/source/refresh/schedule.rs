//! When to download next.
//!
//! Not all houses at the same time, and less often when it does not work.

use std::time::Duration;

/// How long from one download to the next unless the config says otherwise:
/// list authors publish once a day.
pub const DEFAULT_INTERVAL: Duration = Duration::from_hours(24);

/// The wait after the first failure; it doubles up to the interval.
const FIRST_RETRY: Duration = Duration::from_mins(5);

/// Whatever the config says, nobody is asked more often than this.
const LEAST: Duration = Duration::from_secs(1);

/// Returns how long to wait after `failures` failures in a row, 10 % more or
/// less by `draw`.
pub fn next_delay(interval: Duration, failures: u32, draw: u64) -> Duration {
    let doubled = failures.checked_sub(1).map(|more| FIRST_RETRY.saturating_mul(1 << more.min(16)));
    let base = doubled.map_or(interval, |retry| retry.min(interval)).max(LEAST);
    // 90 % to 110 %, in steps of a thousandth of a percent.
    let share = u32::try_from(draw % 20_001).unwrap_or(0) + 90_000;
    (base / 100_000).saturating_mul(share)
}

/// Returns how old a copy is; one from the future is infinitely old, so that a
/// clock that was wrong does no harm for long.
pub(super) fn age(confirmed: i64, now: i64) -> Duration {
    match u64::try_from(now.saturating_sub(confirmed)) {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => Duration::MAX,
    }
}

/// Returns a number that differs from house to house, list to list and time to
/// time: splitmix64 over a hash (FNV-1a) of the name.
pub(super) fn draw(seed: u64, name: &str, count: u64) -> u64 {
    let fnv = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325, fnv);
    let mut x = (seed ^ hash).wrapping_add(count.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::any;
    use proptest::proptest;

    #[test]
    fn failures_are_waited_for_ever_longer_up_to_the_interval() {
        let middle = 10_000;
        let minutes = |failures| next_delay(DEFAULT_INTERVAL, failures, middle).as_secs() / 60;
        assert_eq!([0, 1, 2, 3, 4].map(minutes), [1_440, 5, 10, 20, 40]);
        assert_eq!([9, 10, 99, u32::MAX].map(minutes), [1_280, 1_440, 1_440, 1_440]);
        assert_eq!(next_delay(Duration::from_mins(2), 3, middle), Duration::from_mins(2));
    }

    #[test]
    fn a_copy_from_the_future_is_old() {
        assert_eq!(age(100, 160), Duration::from_mins(1));
        assert_eq!(age(160, 100), Duration::MAX);
        assert_eq!(age(i64::MIN, i64::MAX), Duration::from_secs(i64::MAX.unsigned_abs()));
    }

    #[test]
    fn houses_and_lists_ask_at_different_times() {
        let mut draws: Vec<_> =
            (0..100).flat_map(|seed| ["a", "b"].map(|name| draw(seed, name, 1) % 20_001)).collect();
        draws.sort_unstable();
        draws.dedup();
        assert!(draws.len() > 180, "{}", draws.len());
        assert!(draws[0] < 1_000 && draws[draws.len() - 1] > 19_000);
    }

    proptest! {
        #[test]
        fn the_delay_is_within_a_tenth_of_what_it_should_be(
            seconds in 1..10_000_000_u64, failures in any::<u32>(), draw in any::<u64>(),
        ) {
            let interval = Duration::from_secs(seconds);
            let delay = next_delay(interval, failures, draw);
            assert!(delay <= interval.mul_f64(1.1001));
            let base = if failures == 0 { interval } else { interval.min(FIRST_RETRY) };
            assert!(delay >= base.mul_f64(0.8999));
        }

        #[test]
        fn any_interval_is_borne(millis in any::<u64>(), failures in any::<u32>(), draw in any::<u64>()) {
            assert!(next_delay(Duration::from_millis(millis), failures, draw) >= LEAST.mul_f64(0.8999));
        }
    }
}
