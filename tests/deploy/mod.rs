//! What is deployed beside the program is right, as far as real programs can
//! say: Prometheus's own for rules and alerts, systemd's for the unit.

use std::path::Path;
use std::process::Command;

/// Runs a program in the project's folder.  Returns what it said, and whether it
/// was content; `None` if it is not there.
fn run(program: &str, args: &[&str]) -> Option<(String, bool)> {
    let there = Path::new(env!("CARGO_MANIFEST_DIR"));
    let done = Command::new(program).args(args).current_dir(there).output().ok()?;
    let said = [&done.stdout[..], &done.stderr[..]].concat();
    Some((String::from_utf8_lossy(&said).into_owned(), done.status.success()))
}

/// Fails unless a program is content.  Where it is missing, says so.
fn assert_content(program: &str, package: &str, args: &[&str]) -> Option<String> {
    let Some((said, content)) = run(program, args) else {
        eprintln!("skipped: no `{program}` (Debian: {package})");
        return None;
    };
    assert!(content, "{program} {args:?}:\n{said}");
    Some(said)
}

#[test]
fn prometheus_takes_config_and_rules() {
    assert_content("promtool", "prometheus", &["check", "config", "deploy/prometheus/prometheus.yml"]);
}

#[test]
fn every_alert_fires_when_it_should_and_only_then() {
    assert_content("promtool", "prometheus", &["test", "rules", "tests/deploy/alerts.yml"]);
    let text =
        |path: &str| std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap();
    let (alerts, tests) = (text("deploy/prometheus/sordino.alerts.yml"), text("tests/deploy/alerts.yml"));
    for alert in alerts.lines().filter_map(|line| line.trim().strip_prefix("- alert: ")) {
        let fires = tests.contains(&format!("alertname: {alert}\n        exp_alerts:"));
        let silent = tests.contains(&format!("alertname: {alert}}}"));
        assert!(fires && silent, "{alert} is not tried both ways");
    }
}
