//! What was asked is shown, exported and erased with `sordino log`; and a disk
//! that is full, read-only or gone disturbs nobody who asks.

use std::process::Command;

use super::House;
use super::in_house;
use super::support::Server;
use super::support::eventually;
use super::support::run;

const METRICS: &str = "device-metrics-us.amazon.com";

const DEVICES: &str = "[device.kitchen]\nmac = \"44:65:0d:12:34:56\"\n\
     [device.laptop]\nmac = \"00:00:5e:00:53:30\"\nlog = false\n";

/// Returns what `sordino log` says.
fn log(house: &House, args: &str) -> String {
    let done = Command::new(env!("CARGO_BIN_EXE_sordino"))
        .args(["--state-dir", house.folder.to_str().unwrap(), "log"])
        .args(args.split_whitespace())
        .output()
        .unwrap();
    format!("{}{}", String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr))
}

#[test]
fn what_a_device_asked_is_shown_exported_and_erased() {
    in_house("house::querylog::what_a_device_asked_is_shown_exported_and_erased", |house| {
        let server = house.sordino(&format!("{DEVICES}[query-log]\nstore = \"disk\"\n"));
        for way in ["", "+tcp"] {
            house.dig("echo", &format!("{way} @192.168.178.2 {METRICS}"));
            house.dig("laptop", &format!("{way} @192.168.178.2 plain.innocent.com")).assert_resolved();
        }
        house.dig("echo", "@192.168.178.2 avs-alexa-14-eu.amazon.com").assert_resolved();
        // The fast path tells a moment later, the slow road too.
        let shown = eventually("all is shown", || {
            let shown = log(house, "show");
            (shown.matches(METRICS).count() == 1
                && shown.contains("avs-alexa")
                && shown.contains("    2 block"))
            .then_some(shown)
        });
        assert!(!shown.contains("innocent"), "the laptop is not to be logged: {shown}");
        let csv = log(house, "export --device kitchen --blocked --format csv");
        assert!(
            csv.lines().count() == 2
                && csv.contains(
                    ",\"kitchen\",\"amazon-echo\",\"device-metrics-us.amazon.com\",1,analytics,block,rule,policy,3,2,1"
                ),
            "{csv}"
        );
        // Of a device that is left out from now on, what is there goes too.
        let config = std::fs::read_to_string(&server.config).unwrap();
        house.write("config.toml", &config.replace("34:56\"\n", "34:56\"\nlog = false\n"));
        eventually("left out", || (!log(house, "export").contains("kitchen")).then_some(()));
        house.write("config.toml", &config);
        eventually("let in again", || {
            house.dig("echo", &format!("@192.168.178.2 {METRICS}"));
            log(house, "export").contains("kitchen").then_some(())
        });
        assert!(log(house, "erase --device kitchen").ends_with("rows erased\n"));
        assert!(!log(house, "export").contains("kitchen"));
        assert!(!server.log().contains("amazon.com"), "{}", server.log());
    });
}

#[test]
fn a_log_that_is_left_on_disk_is_read_without_a_server() {
    in_house("house::querylog::a_log_that_is_left_on_disk_is_read_without_a_server", |house| {
        let mut server = house.sordino(&format!("{DEVICES}[query-log]\nstore = \"disk\"\n"));
        house.dig("echo", &format!("@192.168.178.2 {METRICS}"));
        server.signal("TERM");
        assert!(server.wait().success());
        let shown = log(house, "show");
        assert!(shown.contains(METRICS), "{shown}");
        assert_eq!(log(house, "erase --all"), "1 rows erased\n");
        for file in std::fs::read_dir(&house.folder).unwrap() {
            let path = file.unwrap().path();
            let octets = if path.is_file() { std::fs::read(&path).unwrap() } else { Vec::new() };
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            let there = octets.windows(METRICS.len()).any(|window| window == METRICS.as_bytes());
            assert!(!name.starts_with("query-log") || !there, "{name}");
        }
    });
}

/// Asks a server whose disk does not do its part.
fn ask_all_the_same(house: &House, server: &Server) {
    house.dig("echo", &format!("@192.168.178.2 {METRICS}"));
    // A reload opens the file, and so does each minute.
    server.signal("HUP");
    for nth in 0..30 {
        let name = if nth % 2 == 0 { METRICS } else { "avs-alexa-14-eu.amazon.com" };
        let answer = house.dig("echo", &format!("@192.168.178.2 {name}"));
        assert!(["NXDOMAIN", "NOERROR"].contains(&&*answer.status), "{}", answer.shown);
    }
    server.assert_alive();
    eventually("it is in memory", || {
        let shown = log(house, "show");
        (shown.contains(METRICS) && shown.contains("avs-alexa")).then_some(())
    });
}

#[test]
fn a_full_disk_disturbs_nobody() {
    in_house("house::querylog::a_full_disk_disturbs_nobody", |house| {
        run(&["mount", "-t", "tmpfs", "-o", "size=400k", "tmpfs", house.folder.to_str().unwrap()]);
        let mut server = house.sordino(&format!("{DEVICES}[query-log]\nstore = \"disk\"\n"));
        // Not an octet is left.
        let _ = std::fs::write(house.folder.join("ballast"), vec![7; 1 << 20]);
        ask_all_the_same(house, &server);
        server.signal("TERM");
        assert!(server.wait().success());
    });
}

#[test]
fn a_read_only_disk_disturbs_nobody_and_is_told_once() {
    in_house("house::querylog::a_read_only_disk_disturbs_nobody_and_is_told_once", |house| {
        let file = house.write("query-log.db", "");
        let path = file.to_str().unwrap();
        run(&["mount", "--bind", path, path]);
        run(&["mount", "-o", "remount,bind,ro", path]);
        let server = house.sordino(&format!("{DEVICES}[query-log]\nstore = \"disk\"\n"));
        ask_all_the_same(house, &server);
        let log = server.log();
        assert_eq!(log.matches("the query log can't be written to disk").count(), 1, "{log}");
        assert_eq!(server.metric("sordino_query_log_disk_ok", &[]), 0);
    });
}
