//! The Echo's reporting is blocked, its voice is not, and the laptop has its
//! way: over every transport, family and type, whoever asks first.

use super::House;
use super::in_house;
use super::support::source;

/// A house with the Echo listed by its MAC, and a list that has silenced Alexa
/// in five projects.
const CONFIG: &str = r#"
[device.kitchen]
mac = "44:65:0d:12:34:56"

[policy.balanced]
lists = ["too-wide"]

[list.too-wide]
path = "too-wide.txt"
"#;

/// How a name is asked for: transport and family.
const WAYS: [&str; 4] = ["@192.168.178.2", "+tcp @192.168.178.2", "@fd00:178::2", "+tcp @fd00:178::2"];

/// The types asked for.
const TYPES: [&str; 5] = ["A", "AAAA", "HTTPS", "ANY", "TXT"];

const METRICS: &str = "device-metrics-us.amazon.com";
const VOICE: &str = "avs-alexa-14-eu.amazon.com";

/// Returns the ground on which the bundled list blocks a name.
fn ground(name: &str) -> String {
    let text = std::fs::read_to_string(source("blocklists/amazon-echo.txt")).unwrap();
    let line = text.lines().position(|line| line == name).unwrap() + 1;
    format!("blocklists/amazon-echo.txt:{line} analytics")
}

fn ask_all(house: &House, hosts: [&str; 2]) {
    let ground = ground(METRICS);
    for way in WAYS {
        for rtype in TYPES {
            for host in hosts {
                let metrics = house.dig(host, &format!("{way} {METRICS} {rtype}"));
                if host == "echo" {
                    metrics.assert_blocked(&ground);
                } else {
                    metrics.assert_resolved();
                }
                house.dig(host, &format!("{way} {VOICE} {rtype}")).assert_resolved();
            }
        }
    }
}

#[test]
fn the_echo_is_muted_and_speaks_and_the_laptop_has_its_way() {
    in_house("house::blocking::the_echo_is_muted_and_speaks_and_the_laptop_has_its_way", |house| {
        house.write("too-wide.txt", "*.a2z.com\n");
        for hosts in [["echo", "laptop"], ["laptop", "echo"]] {
            let server = house.sordino(CONFIG);
            // Cold, and then from the cache.
            ask_all(house, hosts);
            ask_all(house, hosts);
            let voice = house.dig("echo", &format!("@192.168.178.2 {VOICE} A"));
            assert!(
                voice.records.iter().any(|record| record.ends_with("devices.a2z.com.")),
                "{}",
                voice.shown
            );
            assert!(voice.records.contains(&"A 203.0.113.20".to_owned()), "{}", voice.shown);
            // 4 ways, 5 types, 2 rounds; the voice once more.
            let kitchen = "device=\"kitchen\"";
            server.assert_metric("sordino_blocked_total", &[kitchen, "ground=\"rule\""], 40);
            server.assert_metric("sordino_queries_total", &[kitchen, "purpose=\"voice\"", "allow"], 41);
            assert_eq!(server.metric("sordino_queries_total", &["device=\"household\"", "block"]), 0);
        }
    });
}

#[test]
fn a_list_that_covers_a_function_is_held_back_and_counted() {
    in_house("house::blocking::a_list_that_covers_a_function_is_held_back_and_counted", |house| {
        house.write("too-wide.txt", "*.amazon.com\n");
        let server = house.sordino(CONFIG);
        house.dig("echo", &format!("@192.168.178.2 {VOICE}")).assert_resolved();
        house.dig("echo", "@192.168.178.2 load-1.amazon.com").assert_blocked("too-wide.txt:1 list too-wide");
        server.assert_metric("sordino_function_guarded_total", &["kitchen", "voice"], 1);
    });
}

#[test]
fn names_that_lead_to_advertising_or_into_the_house_are_blocked() {
    in_house("house::blocking::names_that_lead_to_advertising_or_into_the_house_are_blocked", |house| {
        house.write("too-wide.txt", "nothing.example\n");
        let _server = house.sordino(CONFIG);
        for host in ["laptop", "echo"] {
            for (name, rtype) in [("www.innocent.com", "A"), ("svc.innocent.com", "HTTPS")] {
                let answer = house.dig(host, &format!("@192.168.178.2 {name} {rtype}"));
                if host == "laptop" {
                    answer.assert_resolved();
                } else {
                    assert_eq!(answer.status, "NXDOMAIN", "{}", answer.shown);
                    let error = answer.error.unwrap_or_default();
                    assert!(error.contains("advertising, by way of aax-eu.amazon-adsystem.com"), "{error}");
                }
            }
            let rebind = house.dig(host, "@192.168.178.2 rebind.innocent.com");
            rebind.assert_blocked(
                "rebind.innocent.com gave 192.168.178.1, an address inside the house (DNS rebinding)",
            );
            house.dig(host, "@192.168.178.2 plain.innocent.com").assert_resolved();
        }
    });
}

#[test]
fn each_form_of_a_blocked_answer_holds_for_every_type() {
    in_house("house::blocking::each_form_of_a_blocked_answer_holds_for_every_type", |house| {
        house.write("too-wide.txt", "nothing.example\n");
        for (form, status) in [
            ("zero-address", "NOERROR"),
            ("nodata", "NOERROR"),
            ("refused", "REFUSED"),
            ("nxdomain", "NXDOMAIN"),
        ] {
            let _server = house.sordino(&format!("{CONFIG}\n[blocked]\nanswer = \"{form}\"\nttl = \"7s\"\n"));
            for rtype in ["A", "AAAA", "HTTPS", "SVCB", "TXT", "MX", "SRV", "ANY", "SOA"] {
                let answer = house.dig("echo", &format!("@192.168.178.2 {METRICS} {rtype}"));
                assert_eq!(answer.status, status, "{}", answer.shown);
                assert!(answer.error.unwrap().contains("15 (Blocked)"));
                let expected: &[&str] = match (form, rtype) {
                    ("zero-address", "A") => &["A 0.0.0.0"],
                    ("zero-address", "AAAA") => &["AAAA ::"],
                    ("zero-address", "ANY") => &["A 0.0.0.0", "AAAA ::"],
                    _ => &[],
                };
                assert_eq!(answer.records, expected, "{}", answer.shown);
                let negative = expected.is_empty() && form != "refused";
                assert_eq!(answer.shown.contains("SOA\tlocalhost."), negative, "{}", answer.shown);
            }
        }
    });
}
