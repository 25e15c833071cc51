//! A real Prometheus scrapes what the Echo was allowed and denied.

use std::fs::File;
use std::process::Command;

use super::in_house;
use super::support::eventually;

/// Returns whether a program is there.
fn has(program: &str) -> bool {
    Command::new(program).arg("--version").output().is_ok()
}

#[test]
fn promtool_finds_nothing_to_remark() {
    if !has("promtool") {
        return eprintln!("skipped: no `promtool` (Debian: prometheus)");
    }
    in_house("house::prometheus::promtool_finds_nothing_to_remark", |house| {
        let server = house.sordino("[device.kitchen]\nmac = \"44:65:0d:12:34:56\"\n");
        house.dig("echo", "@192.168.178.2 device-metrics-us.amazon.com");
        house.dig("echo", "@192.168.178.2 api.amazon.com").assert_resolved();
        let metrics = house.write("metrics", &server.metrics());
        let checked = Command::new("promtool")
            .args(["check", "metrics"])
            .stdin(File::open(metrics).unwrap())
            .output()
            .unwrap();
        let said = format!(
            "{}{}",
            String::from_utf8_lossy(&checked.stdout),
            String::from_utf8_lossy(&checked.stderr)
        );
        assert!(checked.status.success() && said.is_empty(), "{said}");
    });
}

#[test]
fn prometheus_scrapes_what_the_echo_was_allowed_and_denied() {
    if !has("prometheus") {
        return eprintln!("skipped: no `prometheus` (Debian: prometheus)");
    }
    in_house("house::prometheus::prometheus_scrapes_what_the_echo_was_allowed_and_denied", |house| {
        let _server = house.sordino("[device.kitchen]\nmac = \"44:65:0d:12:34:56\"\n");
        for _ in 0..3 {
            house.dig("echo", "@192.168.178.2 device-metrics-us.amazon.com");
            house.dig("echo", "@192.168.178.2 avs-alexa-14-eu.amazon.com").assert_resolved();
        }
        let config = "scrape_configs:\n- job_name: sordino\n  scrape_interval: 1s\n  static_configs:\n  - targets: ['127.0.0.1:9953']\n";
        let config = house.write("prometheus.yml", config);
        let mut prometheus = Command::new("prometheus")
            .arg(format!("--config.file={}", config.display()))
            .arg(format!("--storage.tsdb.path={}", house.folder.join("tsdb").display()))
            .arg("--web.listen-address=127.0.0.1:9090")
            .stderr(File::create(house.folder.join("prometheus.log")).unwrap())
            .spawn()
            .unwrap();
        for (series, expected) in [
            (
                r#"sordino_blocked_total{device="kitchen",family="amazon-echo",purpose="analytics",ground="rule"}"#,
                "3",
            ),
            (r#"sordino_queries_total{device="kitchen",purpose="voice",verdict="allow"}"#, "3"),
            (r#"sordino_device_info{device="kitchen",policy="balanced"}"#, "1"),
        ] {
            eventually(series, || {
                let done = Command::new("curl")
                    .args(["-sfG", "http://127.0.0.1:9090/api/v1/query", "--data-urlencode"])
                    .arg(format!("query={series}"))
                    .output()
                    .unwrap();
                let text = String::from_utf8_lossy(&done.stdout).into_owned();
                text.contains(&format!(",\"{expected}\"]")).then_some(())
            });
        }
        prometheus.kill().unwrap();
        prometheus.wait().unwrap();
    });
}
