//! When a list is due, and what a start finds; the network is in `tests/refresh`.

use std::sync::Arc;

use super::*;

use std::io;
use std::net::IpAddr;
use std::path::PathBuf;

use crate::base::Clock;
use crate::base::time::ManualClock;

use super::super::fetch::Lookup;
use super::super::fetch::Settings;

/// A list that counts its lines; `?` is not understood, `!!` spoils the file.
struct Lines(Counts);

impl Parsed for Lines {
    fn counts(&self) -> Counts {
        self.0
    }
}

/// See [`Lines`].
fn parse(_: usize, text: &str) -> Result<Lines, Diagnostic> {
    if text.starts_with("!!") {
        return Err(Diagnostic::of_file("a", "spoiled"));
    }
    let not_understood = text.lines().filter(|line| *line == "?").count() as u64;
    Ok(Lines(Counts { rules: text.lines().count() as u64 - not_understood, not_understood }))
}

/// A resolver that finds nothing.
struct Nothing;

impl Lookup for Nothing {
    fn lookup(&self, _: &str) -> io::Result<Vec<IpAddr>> {
        Err(io::Error::other("the network is down"))
    }
}

/// A state folder, a clock, and a refresher of the lists `a` and `b`.
struct House {
    folder: PathBuf,
    clock: Arc<ManualClock>,
}

const DAY: Duration = Duration::from_hours(24);

impl House {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("sordino-refresh-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        Self { folder, clock: Arc::new(ManualClock::at(1_700_000_000)) }
    }

    fn store(&self) -> Store {
        Store::new(&self.folder, 1 << 20)
    }

    fn save(&self, name: &str, url: &str, text: &str) {
        let header = Header {
            url: url.to_owned(),
            etag: Some("\"1\"".to_owned()),
            last_modified: None,
            fetched: self.clock.now().unix,
            rules: text.lines().count() as u64,
        };
        self.store().save(name, &header, text).unwrap();
    }

    fn refresher(&self) -> Refresher<Lines> {
        let source = |name: &str| Source {
            name: name.into(),
            url: format!("https://lists.example/{name}").into(),
            interval: DAY,
        };
        let clock = Arc::clone(&self.clock) as Arc<dyn Clock>;
        let fetcher = Fetcher::new(Settings::default(), Arc::new(Nothing), clock);
        Refresher::new(vec![source("a"), source("b")], fetcher, self.store(), Box::new(parse), 7)
    }
}

impl Drop for House {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

#[test]
fn a_start_without_a_network_has_the_last_good_rules() {
    let house = House::new("start");
    house.save("a", "https://lists.example/a", "x\ny\n");
    house.clock.advance(DAY / 2);
    let refresher = house.refresher();
    let loaded = refresher.load(0, house.clock.now());
    assert_eq!(loaded.list.unwrap().0.rules, 2);
    assert!(loaded.complaint.is_none());
    let other = refresher.load(1, house.clock.now());
    assert!(other.list.is_none() && other.complaint.is_none());
    let facts: Vec<_> = refresher.facts().map(|(_, facts)| facts).collect();
    assert_eq!((facts[0].rules, facts[0].last_success), (Some(2), Some(1_700_000_000)));
    assert_eq!(facts[1], Facts::default());
    // The one that is there is half a day old, the other is missing.
    assert_eq!(refresher.due(house.clock.now()), [1]);
    house.clock.advance(DAY * 39 / 100);
    assert_eq!(refresher.due(house.clock.now()), [1]);
    house.clock.advance(DAY * 22 / 100);
    assert_eq!(refresher.due(house.clock.now()), [0, 1]);
}

#[test]
fn a_failure_keeps_the_rules_counts_and_backs_off() {
    let house = House::new("failure");
    house.save("a", "https://lists.example/a", "x\ny\n");
    let refresher = house.refresher();
    refresher.load(0, house.clock.now());
    house.clock.advance(DAY * 2);
    for (failures, minutes) in [(1_u32, 5), (2, 10), (3, 20)] {
        let now = house.clock.now();
        assert!(refresher.due(now).contains(&0));
        let Outcome::Failed(why) = refresher.refresh(0, now, Doubt::Refuse) else { panic!("no failure") };
        assert!(why.to_string().contains("the network is down"), "{why}");
        let (_, facts) = refresher.facts().next().unwrap();
        assert_eq!((facts.failures_total, facts.failures_in_row), (failures.into(), failures));
        assert_eq!((facts.rules, facts.last_success), (Some(2), Some(1_700_000_000)));
        assert_eq!(facts.last_failure, Some(why.to_string()));
        assert!(!refresher.due(now).contains(&0));
        house.clock.advance(Duration::from_mins(minutes) * 11 / 10 + Duration::from_secs(1));
    }
    assert_eq!(house.store().load("a").unwrap().unwrap().text, "x\ny\n");
}

#[test]
fn a_copy_that_is_damaged_or_not_understood_is_said() {
    let house = House::new("damage");
    house.save("a", "https://lists.example/a", "!! x\n");
    house.save("b", "https://lists.example/b", "x\n");
    std::fs::write(house.store().path("b").unwrap(), "torn").unwrap();
    let refresher = house.refresher();
    for index in [0, 1] {
        let loaded = refresher.load(index, house.clock.now());
        assert!(loaded.list.is_none() && loaded.complaint.is_some());
    }
    assert_eq!(refresher.due(house.clock.now()), [0, 1]);
    // A 304 must not answer for rules that nobody has.
    assert!(refresher.entries.iter().all(|entry| entry.state().validators.is_empty()));
}

#[test]
fn a_copy_of_another_url_is_used_until_the_right_one_comes() {
    let house = House::new("url");
    house.save("a", "https://elsewhere.example/a", "x\ny\n");
    let refresher = house.refresher();
    assert!(refresher.load(0, house.clock.now()).list.is_some());
    assert!(refresher.due(house.clock.now()).contains(&0));
    let state = refresher.entries[0].state();
    assert!(state.validators.is_empty() && state.last_good.is_none());
}

#[test]
fn a_clock_that_was_wrong_does_not_hold_a_list_back() {
    let house = House::new("clock");
    house.clock.advance(DAY * 1_000);
    house.save("a", "https://lists.example/a", "x\n");
    let wrong = ManualClock::at(1_000);
    let refresher = house.refresher();
    refresher.load(0, wrong.now());
    assert!(refresher.due(wrong.now()).contains(&0));
}

#[test]
fn a_reload_forgets_neither_failures_nor_plans() {
    let house = House::new("reload");
    let old = house.refresher();
    let now = house.clock.now();
    assert!(matches!(old.refresh(0, now, Doubt::Refuse), Outcome::Failed(_)));
    let new = house.refresher();
    new.take_over(&old);
    assert_eq!(new.due(now), [1]);
    assert_eq!(new.facts().next().unwrap().1.failures_total, 1);
    assert_eq!(new.wait(now), Some(Duration::ZERO));
}

#[test]
fn a_list_is_refreshed_once_at_a_time_and_an_unknown_one_never() {
    let house = House::new("busy");
    let refresher = house.refresher();
    let busy = refresher.entries[0].busy.lock().unwrap();
    assert!(matches!(refresher.refresh(0, house.clock.now(), Doubt::Refuse), Outcome::Busy));
    drop(busy);
    assert!(matches!(refresher.refresh(0, house.clock.now(), Doubt::Refuse), Outcome::Failed(_)));
    assert!(matches!(refresher.refresh(9, house.clock.now(), Doubt::Refuse), Outcome::Busy));
}
