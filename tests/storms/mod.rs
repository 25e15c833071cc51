//! An experiment: how often does a device ask for a blocked name in twelve
//! hours, by how it retries, how it is answered, and how long the answer holds?
//!
//! `cargo test --test all storms`, with `UPDATE=1` to write `result.md` anew.
//! The devices are scripts; what they do is taken from the reports named in
//! `result.md`.  They are answered by the real road.

use std::fs;
use std::path::Path;
use std::time::Duration;

use hickory_proto::op::Message;
use hickory_proto::op::ResponseCode;
use sordino::answer;
use sordino::app::house;
use sordino::base::Client;
use sordino::base::Clock;
use sordino::base::Domain;
use sordino::base::time::ManualClock;
use sordino::catalog::parse;
use sordino::config;
use sordino::pipeline;
use sordino::pipeline::Household;
use sordino::pipeline::Storms;
use sordino::query::Query;
use sordino::query::Rtype;
use sordino::resolve::AnswerCache;
use sordino::resolve::Resolver;

use crate::scenarios::network::Network;

/// How long it goes on, in seconds.
const TIME: u64 = 12 * 3_600;

/// What a device that keeps asking does.
struct Device {
    /// What it is called in the table.
    name: &'static str,
    /// How often it wants the name, in seconds.
    every: u64,
    /// Whether it keeps addresses as long as it is told, and whether it keeps
    /// that there is none.
    keeps: (bool, bool),
    /// How often it asks again at once when it is refused.
    when_refused: u64,
}

const DEVICES: [Device; 5] = [
    Device { name: "keeps nothing, every 3 s", every: 3, keeps: (false, false), when_refused: 0 },
    Device { name: "keeps addresses only, every 3 s", every: 3, keeps: (true, false), when_refused: 0 },
    Device { name: "keeps all answers, every 3 s", every: 3, keeps: (true, true), when_refused: 0 },
    Device { name: "keeps all answers, every 5 min", every: 300, keeps: (true, true), when_refused: 0 },
    Device {
        name: "keeps all answers, every 3 s; refused, again at once",
        every: 3,
        keeps: (true, true),
        when_refused: 3,
    },
];

const STYLES: [&str; 4] = ["zero-address", "nxdomain", "nodata", "refused"];

/// TTLs, at first and at most, with their names.
const TTLS: [(&str, &str, &str); 4] =
    [("10s", "10s", "10 s"), ("60s", "60s", "1 min"), ("1h", "1h", "1 h"), ("10s", "1h", "10 s to 1 h")];

/// Builds a house that answers in one way.
fn house(style: &str, ttl: &str, max_ttl: &str) -> Household {
    let text = format!(
        "[device.kitchen]\nip = \"192.0.2.10\"\nfamily = \"test-speaker\"\n\
         [blocked]\nanswer = \"{style}\"\nttl = \"{ttl}\"\nmax-ttl = \"{max_ttl}\"\n"
    );
    let list =
        "family test-speaker\n[identify]\n[analytics]\nmetrics.example\n    tried 2026-01-01 fixture\n";
    let config = config::load("CONFIG", &text).unwrap();
    let family = parse::parse("LIST", list).unwrap();
    let nowhere = Path::new("");
    let recognizer = std::sync::Arc::default();
    let places = house::Files { base: nowhere, state: nowhere, keep: false, recognizer: &recognizer };
    house::build(&config, &[family], &places, &mut Vec::new())
        .map_err(|faults| faults[0].clone())
        .unwrap()
        .house
}

/// Returns how often a device asks.
fn play(device: &Device, house: &Household) -> u64 {
    let upstream = std::sync::Arc::new(Network::default());
    let resolver = Resolver::with_upstream(upstream, std::sync::Arc::new(AnswerCache::new(1 << 16)));
    let (storms, clock) = (Storms::default(), ManualClock::at(1_800_000_000));
    let client = Client::new("192.0.2.10".parse().unwrap());
    let kitchen = house.devices.identify(&client, &house.catalog);
    let name: Domain = "metrics.example".parse().unwrap();
    let (mut asked, mut second, mut kept_until, mut wire) = (0, 0, 0, Vec::new());
    while second < TIME {
        if second >= kept_until {
            asked += 1;
            let query = Query::new(client, name.clone(), Rtype::A, clock.now());
            let query = query.borrowed();
            let end = pipeline::serve_at_once(query, &kitchen, house, &resolver).expect("a block");
            let (blocked, _) = storms.calm(query, &end.answer, house.blocked);
            answer::write(query, &end.answer, blocked, 512, &mut wire);
            let response = Message::from_vec(&wire).unwrap();
            if response.metadata.response_code == ResponseCode::Refused {
                asked += device.when_refused;
            }
            let address = response.answers.first().map(|record| record.ttl).filter(|_| device.keeps.0);
            // RFC 2308 section 5: a negative answer is kept as long as its SOA record says.
            let negative = response.authorities.first().map(|record| record.ttl).filter(|_| device.keeps.1);
            kept_until = second + u64::from(address.or(negative).unwrap_or(0));
        }
        second += device.every;
        clock.advance(Duration::from_secs(device.every));
    }
    asked
}

/// Plays all, and writes it down.
fn result() -> String {
    let mut text = String::from(PREFACE);
    for device in &DEVICES {
        text += &["\n", device.name, "\n\n| answer |"].concat();
        text += &TTLS.map(|(_, _, shown)| format!(" {shown} |")).concat();
        text += "\n|---|---|---|---|---|\n";
        for style in STYLES {
            text += &["| ", style, " |"].concat();
            for (ttl, max_ttl, _) in TTLS {
                let asked = play(device, &house(style, ttl, max_ttl)).to_string();
                text += &[" ", &asked, " |"].concat();
            }
            text.push('\n');
        }
    }
    text
}

/// What stands above the tables.
const PREFACE: &str = include_str!("preface.md");

#[test]
fn the_result_is_as_it_is_written_down() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/storms/result.md");
    let result = result();
    if std::env::var_os("UPDATE").is_some() {
        fs::write(&path, &result).unwrap();
    }
    assert_eq!(fs::read_to_string(path).unwrap(), result);
}
