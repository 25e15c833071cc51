//! Scenarios of unbound and deckard, and our own in the same format, played on
//! the whole road: real resolver, scripted network, a clock moved by hand.
//!
//! Others' are in `../shared/rpl`, where it is there; ours are beside this file.
//! `excluded.txt` names those that are about something else, each with why.

mod config;
mod garbled;
mod network;
mod play;
mod records;
mod refused;
mod scenario;
mod values;
mod wire;

use std::fs;
use std::path::Path;
use std::path::PathBuf;

use proptest::prelude::*;

/// Returns the scenarios in a folder and below, in their order.
fn scenarios(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut found = Vec::new();
    for entry in entries {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(scenarios(&path));
        } else if path.extension().is_some_and(|kind| kind == "rpl") {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// What is not played or not compared.
struct Table(String);

impl Table {
    /// Reads the table.
    fn read() -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/rpl/excluded.txt");
        Self(fs::read_to_string(path).unwrap())
    }

    /// Returns what stands before the reasons.
    fn entries(&self) -> impl Iterator<Item = &str> {
        let lines = self.0.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
        lines.map(|line| line.split_once(": ").expect("a name, a colon, and why").0)
    }

    /// Returns whether a scenario is not played.
    fn excludes(&self, name: &str) -> bool {
        self.entries().any(|entry| entry == name)
    }

    /// Returns what of a scenario is not compared.
    fn words(&self, name: &str) -> Vec<&str> {
        self.entries()
            .filter_map(|entry| entry.split_once(' ').filter(|(of, _)| *of == name))
            .map(|(_, word)| word)
            .collect()
    }
}

/// Returns a runtime for one scenario, whose time passes by itself when
/// everybody waits.
fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap()
}

/// Returns the name that a scenario has in the table, and how it ended.
fn play(path: &Path, table: &Table) -> (String, Result<(), String>) {
    let words: Vec<_> = path.iter().rev().take(2).map(|part| part.to_string_lossy()).collect();
    let name = format!("{}/{}", words[1], words[0]);
    let text = fs::read_to_string(path).unwrap();
    let ended = runtime().block_on(play::play(&name, &text, &table.words(&name)));
    (name, ended)
}

#[test]
fn scenarios_of_others_end_as_written() {
    let table = Table::read();
    let paths = scenarios(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/rpl"));
    if paths.is_empty() {
        eprintln!("skipped: there is no ../shared/rpl");
        return;
    }
    let (mut passed, mut faults) = (0, Vec::new());
    for path in paths {
        match play(&path, &table) {
            (name, Ok(())) if table.excludes(&name) => {
                faults.push(format!("{name} passes and is in excluded.txt"));
            }
            (_, Ok(())) => passed += 1,
            (name, Err(_)) if table.excludes(&name) => {}
            (_, Err(say)) => faults.push(say),
        }
    }
    assert!(faults.is_empty(), "{passed} pass\n{}", faults.join("\n"));
}

#[test]
fn our_own_scenarios_end_as_written() {
    let paths = scenarios(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/rpl"));
    assert!(!paths.is_empty());
    let table = Table::read();
    let faults: Vec<String> = paths.iter().filter_map(|path| play(path, &table).1.err()).collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_text_is_read_or_refused(lines in proptest::collection::vec(
        "(CONFIG_END|SCENARIO_BEGIN x|RANGE_BEGIN 0 [0-9a]{1,3}|ADDRESS 1.2.3.4|ENTRY_BEGIN|ENTRY_END|RANGE_END\
         |MATCH all|REPLY QR|STEP 1 QUERY|HEX_ANSWER_BEGIN|HEX_ANSWER_END|[0-9a-f]{1,3}|SECTION (QUESTION|ANSWER)\
         |[.a\"(@\\\\]{1,4} IN (A|DS|NSEC|NSEC3|RRSIG|TXT|SOA|TYPE7) [\\PC]{0,12})", 0..40)
    ) {
        let _ = scenario::read(&lines.join("\n"));
    }
}
