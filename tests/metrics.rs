//! The metrics are those of `deploy/prometheus/README.md`, and none of their
//! labels grows with what strangers do.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use sordino::app::load;
use sordino::app::load::Options;
use sordino::base::Clock;
use sordino::base::time::ManualClock;
use sordino::catalog::Function;
use sordino::catalog::Purpose;
use sordino::device::Device;
use sordino::observe::Observer;
use sordino::observe::metrics::Download;
use sordino::observe::metrics::Family;
use sordino::observe::metrics::Metrics;
use sordino::pipeline::Mark;
use sordino::pipeline::Retry;
use sordino::pipeline::Witness;
use sordino::policy::Ground;
use sordino::query::Transport;
use sordino::querylog::Askers;
use sordino::querylog::QueryLog;
use sordino::resolve::Origin;
use sordino::resolve::Resolver;
use sordino::resolve::Settings;

/// Returns the page that documents them.
fn page() -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/prometheus/README.md")).unwrap()
}

/// Returns the rows of the page's tables whose first cell is code.
fn rows(page: &str) -> impl Iterator<Item = Vec<&str>> {
    let rows = page.lines().filter(|line| line.starts_with("| `"));
    rows.map(|line| line.trim_matches('|').split('|').map(str::trim).collect())
}

/// Returns the words in a cell that are code.
fn words(cell: &str) -> Vec<String> {
    cell.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

#[test]
fn every_documented_metric_exists_with_its_labels_and_no_other() {
    let page = page();
    let documented: BTreeSet<_> = rows(&page)
        .filter(|row| row[0].contains("`sordino_"))
        .map(|row| {
            let kind = ["counter", "gauge", "histogram"].into_iter().find(|kind| *kind == row[1]).unwrap();
            Family { name: words(row[0]).remove(0), kind, labels: words(row[2]) }
        })
        .collect();
    let there: BTreeSet<_> = Metrics::new().unwrap().families().into_iter().collect();
    let missing: Vec<_> = documented.difference(&there).collect();
    let unsaid: Vec<_> = there.difference(&documented).collect();
    assert!(missing.is_empty() && unsaid.is_empty(), "not there: {missing:#?}\nnot documented: {unsaid:#?}");
}

/// Returns all values of all labels in a scrape.
fn labels(text: &str) -> BTreeMap<String, BTreeSet<String>> {
    let mut values: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let Some((_, rest)) = line.split_once('{') else { continue };
        let inside = rest.rsplit_once('}').unwrap().0;
        for pair in inside.split("\",") {
            let (label, value) = pair.split_once("=\"").unwrap();
            values.entry(label.to_owned()).or_default().insert(value.trim_end_matches('"').to_owned());
        }
    }
    values
}

/// Starts an observer, with a query log in memory.
fn observer(metrics: &Arc<Metrics>) -> (Observer, Arc<QueryLog>) {
    let clock: Arc<dyn Clock> = Arc::new(ManualClock::at(1_000_000));
    let settings = sordino::querylog::Settings::default();
    let askers = Arc::clone(metrics) as Arc<dyn Askers>;
    let log = QueryLog::start(Path::new("nowhere"), askers, Arc::clone(&clock), || ()).unwrap();
    log.set(settings).unwrap();
    (Observer::start(Arc::clone(metrics), Arc::default(), Arc::default(), &log, clock).unwrap(), log)
}

#[test]
fn labels_stay_bounded_whatever_strangers_do() {
    let metrics = Arc::new(Metrics::new().unwrap());
    let (observer, log) = observer(&metrics);
    let loaded = load::load(&Options::default()).unwrap();
    let clock = ManualClock::at(1_000_000);
    let tally = observer.tally();
    let speaker = loaded.house.devices.named("trial-echo", &loaded.house.catalog).unwrap();
    // Somebody makes up MAC addresses of a maker, and asks for everything.
    for stranger in 0..1000u32 {
        let device = Device { name: Arc::from(format!("amazon-echo-{stranger:06x}")), ..speaker.clone() };
        let page = observer.page(&device, &loaded.house);
        for (nth, purpose) in Purpose::all().enumerate() {
            for ground in 0..Ground::WORDS.len() {
                for blocked in [false, true] {
                    let mark = Mark {
                        page,
                        logged: true,
                        purpose,
                        ground: u8::try_from(ground).unwrap(),
                        blocked,
                        held_back: !blocked && nth < Function::ALL.len(),
                        retry: if blocked { Retry::Again } else { Retry::No },
                        origin: Origin::ALL[nth % Origin::ALL.len()],
                        rcode: u16::try_from(nth * 300).unwrap(),
                        transport: if blocked { Transport::Udp } else { Transport::Tcp },
                    };
                    tally.served(&mark, 999_990, Duration::from_micros(40));
                }
            }
        }
    }
    metrics.loaded(&loaded.house, &[(Arc::from("mine"), 3)], clock.now());
    let downloads = [Download { list: Arc::from("mine"), last_success: None, failures: 2 }];
    let resolver = Resolver::new(&Settings::default()).unwrap();
    let text =
        String::from_utf8(metrics.render(&resolver.stats(), &downloads, &log.facts(), clock.now())).unwrap();

    let page = page();
    let closed = |label: &str| -> BTreeSet<String> {
        let row = rows(&page).find(|row| words(row[0]) == [label]).unwrap();
        words(row[1]).into_iter().collect()
    };
    let functions: BTreeSet<_> = Function::ALL.iter().map(|function| function.as_str().to_owned()).collect();
    let families: BTreeSet<_> =
        loaded.house.catalog.families().iter().map(|family| family.name().to_string()).collect();
    let policies: BTreeSet<_> =
        loaded.house.policies.policies.iter().map(|policy| policy.name.to_string()).collect();
    for (label, values) in labels(&text) {
        let within = |allowed: &BTreeSet<String>| {
            let strange: Vec<_> = values.difference(allowed).collect();
            assert!(strange.is_empty(), "{label} is {strange:?}");
        };
        match label.as_str() {
            "device" => assert!(values.len() <= 256 && values.contains("other"), "{} devices", values.len()),
            "family" => within(&families.iter().cloned().chain([String::new()]).collect()),
            "policy" => within(&policies.iter().cloned().chain([String::new()]).collect()),
            "list" => within(&families.iter().cloned().chain(["mine".to_owned()]).collect()),
            "purpose" => within(&closed("purpose").union(&functions).cloned().collect()),
            "function" => within(&functions),
            "verdict" | "ground" | "origin" => within(&closed(&label)),
            // Each value of these is written out in the source.
            "rcode" | "transport" | "result" | "kind" | "reason" | "identified_by" | "le" | "version"
            | "revision" | "source" => assert!(values.len() <= 20, "{label} is {values:?}"),
            _ => panic!("nobody bounds the label {label}"),
        }
    }
}

#[test]
fn the_words_for_states_are_those_of_the_page() {
    let text = {
        let clock = ManualClock::at(1_000_000);
        let metrics = Metrics::new().unwrap();
        let loaded = load::load(&Options::default()).unwrap();
        metrics.loaded(&loaded.house, &[], clock.now());
        let metrics = Arc::new(metrics);
        let (observer, log) = observer(&metrics);
        let device = loaded.house.devices.named("trial-echo", &loaded.house.catalog).unwrap();
        observer.page(&device, &loaded.house);
        let resolver = Resolver::new(&Settings::default()).unwrap();
        String::from_utf8(metrics.render(&resolver.stats(), &[], &log.facts(), clock.now())).unwrap()
    };
    let help = text.lines().find_map(|line| line.strip_prefix("# HELP sordino_device_state ")).unwrap();
    for line in page()
        .lines()
        .filter(|line| line.starts_with("| ") && line[2..].starts_with(|c: char| c.is_ascii_digit()))
    {
        let cells: Vec<_> = line.trim_matches('|').split('|').map(str::trim).collect();
        assert!(help.contains(&format!("{} {}", cells[0], cells[1])), "{help:?} does not say {cells:?}");
    }
}
