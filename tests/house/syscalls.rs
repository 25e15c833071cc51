//! The unit's filter of system calls lets through all that the program asks for
//! while it starts, answers, reloads and stops.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use super::in_house;
use super::support::Server;
use super::support::eventually;
use super::support::source;

/// Asked for by root alone, to become somebody else; the unit's user never is.
const AS_ROOT: [&str; 5] = ["setgroups", "setgid", "setuid", "chown", "lchown"];

/// Returns the system calls in a set of systemd's, with those in the sets it
/// names.
fn set(name: &str) -> BTreeSet<String> {
    let listed = Command::new("systemd-analyze").args(["syscall-filter", name]).output().unwrap();
    let listed = String::from_utf8(listed.stdout).unwrap();
    let words =
        listed.lines().skip(1).map(str::trim).filter(|word| !word.is_empty() && !word.starts_with('#'));
    words
        .flat_map(|word| if word.starts_with('@') { set(word) } else { BTreeSet::from([word.to_owned()]) })
        .collect()
}

/// Returns the system calls that the unit allows.
fn allowed() -> BTreeSet<String> {
    let unit = fs::read_to_string(source("deploy/systemd/sordino.service")).unwrap();
    let mut allowed = BTreeSet::new();
    for line in unit.lines().filter_map(|line| line.strip_prefix("SystemCallFilter=")) {
        let (denies, words) = line.strip_prefix('~').map_or((false, line), |rest| (true, rest));
        for word in words.split(' ') {
            let calls = if word.starts_with('@') { set(word) } else { BTreeSet::from([word.to_owned()]) };
            if denies {
                allowed = &allowed - &calls;
            } else {
                allowed.extend(calls);
            }
        }
    }
    allowed
}

#[test]
fn the_unit_allows_what_the_program_asks_for() {
    for (tool, package) in [("strace", "strace"), ("systemd-analyze", "systemd")] {
        if Command::new(tool).arg("--version").output().is_err() {
            return eprintln!("skipped: no `{tool}` (Debian: {package})");
        }
    }
    in_house("house::syscalls::the_unit_allows_what_the_program_asks_for", |house| {
        house.write("mine.txt", "listed.example.net\n");
        let config = "[policy.open]\nlists = [\"mine\"]\n[list.mine]\npath = \"mine.txt\"\n\
            [list.away]\nurl = \"https://lists.nowhere.com/list.txt\"\n";
        let asked = house.folder.join("asked");
        drop(house.sordino(config));
        // The tracer steps aside, so that the child is Sordino.
        let by = ["strace", "-D", "-f", "-c", "-o", asked.to_str().unwrap()];
        let mut server = Server::spawn(house, house.folder.join("config.toml"), &[], &by);
        house.dig("echo", "@192.168.178.2 api.amazon.com").assert_resolved();
        house.dig("laptop", "+tcp @192.168.178.2 listed.example.net");
        assert!(!server.metrics().is_empty());
        house.write("mine.txt", "more.example.net\n");
        eventually("the reload", || {
            (house.dig("laptop", "@192.168.178.2 more.example.net").status == "NXDOMAIN").then_some(())
        });
        server.signal("TERM");
        server.wait();
        let table = eventually("the summary", || {
            fs::read_to_string(&asked).ok().filter(|table| table.contains("total"))
        });
        let names = table.lines().filter_map(|line| line.split_whitespace().last());
        let asked: BTreeSet<_> = names
            .filter(|name| name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_'))
            .filter(|name| !["syscall", "total"].contains(name))
            .map(str::to_owned)
            .collect();
        assert!(asked.len() > 20 && asked.contains("recvmmsg"), "{table}");
        assert!(asked.contains("sched_setattr"), "the reload did not step back: {table}");
        let known: BTreeSet<_> = AS_ROOT.iter().map(|name| (*name).to_owned()).collect();
        let denied = &(&asked - &allowed()) - &known;
        assert!(denied.is_empty(), "the unit denies {denied:?}");
    });
}
