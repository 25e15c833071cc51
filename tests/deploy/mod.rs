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

#[test]
fn the_unit_is_valid_and_as_hard_as_we_say() {
    let text =
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/systemd/sordino.service"));
    let folder = std::env::temp_dir().join(format!("sordino-unit-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let unit = folder.join("sordino.service");
    // Verifying looks for the program.
    let text = text.unwrap().replace("/usr/bin/sordino", env!("CARGO_BIN_EXE_sordino"));
    std::fs::write(&unit, text).unwrap();
    let unit = unit.to_str().unwrap();
    assert_content("systemd-analyze", "systemd", &["verify", "--man=no", unit]);
    assert_content("systemd-analyze", "systemd", &["security", "--offline=true", "--threshold=16", unit]);
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn german_dashboards_say_what_the_english_ones_do() {
    assert_content("python3", "python3", &["deploy/grafana/german.py", "--check"]);
}
