//! `sordino report` tells of what was asked in the house, from the log in memory.

use std::process::Command;

use super::House;
use super::in_house;
use super::support::eventually;

/// Returns what `sordino report` says.
fn report(house: &House, args: &str) -> String {
    let done = Command::new(env!("CARGO_BIN_EXE_sordino"))
        .args(["--state-dir", house.folder.to_str().unwrap(), "report"])
        .args(args.split_whitespace())
        .output()
        .unwrap();
    format!("{}{}", String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr))
}

#[test]
fn a_report_tells_what_was_asked_and_since_when_that_is_known() {
    in_house("house::report::a_report_tells_what_was_asked_and_since_when_that_is_known", |house| {
        assert!(report(house, "").contains("none has left a query log on disk"));
        let _server = house.sordino("[device.kitchen]\nmac = \"44:65:0d:12:34:56\"\n");
        let none = report(house, "");
        assert!(none.contains("[query-log] level = \"full\""), "{none}");
        house.dig("echo", "@192.168.178.2 device-metrics-us.amazon.com");
        house.dig("echo", "@192.168.178.2 avs-alexa-14-eu.amazon.com").assert_resolved();
        house.dig("laptop", "@192.168.178.2 plain.innocent.com").assert_resolved();
        let text = eventually("all is told", || {
            let text = report(house, "--lang de").replace('\n', " ");
            (text.contains("1 beantwortet, 1 verhindert") && text.contains("Ein Gerät ist hier nicht dabei"))
                .then_some(text)
        });
        assert!(text.contains("kitchen") && text.contains("Verhinderte Abfragen: 1 von 2"), "{text}");
        assert!(text.contains("Das Abfrageprotokoll beginnt am"), "{text}");
        assert!(!text.contains("innocent"), "{text}");
        let page = report(house, "--format html --device kitchen --since 7d");
        assert!(page.starts_with("<!doctype html>") && page.contains("Measuring behavior"), "{page}");
        let sheet = report(house, "--format svg");
        assert!(sheet.starts_with("<svg ") && sheet.contains("What DNS cannot stop"), "{sheet}");
        assert!(report(house, "--since 5m").contains("from 1h to 31d"));
    });
}
