//! Every panel of every dashboard shows something: its queries are asked of a
//! real Prometheus that scrapes the real program in a house with traffic.
//!
//! With `SORDINO_PICTURES=FOLDER` the house goes on for a while, and what
//! the panels showed is written there for `deploy/grafana/draw.py`.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Child;
use std::process::Command;
use std::time::Duration;

use serde_json::Value;
use serde_json::json;

use super::House;
use super::in_house;
use super::support::Server;
use super::support::eventually;
use super::support::pause;
use super::support::source;

/// The speakers of the house, and a list that would break one of them.
const CONFIG: &str = r#"
[device.kitchen]
ip     = "192.168.178.20"
[device.living-room]
ip     = "192.168.178.21"
family = "sonos"
[device.bedroom]
ip     = "192.168.178.22"
family = "google-nest"
policy = "observe"
[policy.balanced]
lists  = ["wide"]
[list.wide]
path   = "wide.txt"
[list.away]
url    = "https://lists.nowhere.com/list.txt"
"#;

/// What is asked, by whom: the address, the name.
const TRAFFIC: [(u8, &str); 14] = [
    (20, "avs-alexa-14-eu.amazon.com"),
    (20, "device-metrics-us.amazon.com"),
    (20, "device-metrics-us.amazon.com"),
    (20, "api.amazon.com"),
    (20, "minerva.devices.a2z.com"),
    (21, "sve.sslauth.sonos.com"),
    (21, "clientdata.sslauth.sonos.com"),
    (21, "aax-eu.amazon-adsystem.com"),
    (22, "www.google.com"),
    (22, "www.google-analytics.com"),
    (23, "device-metrics-us.amazon.com"),
    (23, "api.amazon.com"),
    (30, "www.signed.org"),
    (30, "www.bogus.org"),
];

/// Lets everybody ask once.
fn everybody_asks(house: &House, round: u8) {
    for (host, name) in TRAFFIC {
        let from = if host == 30 { "laptop" } else { "echo" };
        house.dig(from, &format!("+time=2 -b 192.168.178.{host} @192.168.178.2 {name}"));
    }
    let load = format!("@192.168.178.2 load-{}.amazon.com", 1 + round % 200);
    house.dig("laptop", &load);
    house.dig("laptop", &format!("+tcp {load}"));
}

/// A Prometheus with the config and rules that are deployed, in seconds for
/// what they say in minutes.
struct Prometheus(Child);

impl Prometheus {
    fn start(house: &House) -> Self {
        for file in ["sordino.rules.yml", "sordino.alerts.yml"] {
            fs::copy(source("deploy/prometheus").join(file), house.folder.join(file)).unwrap();
        }
        let config = fs::read_to_string(source("deploy/prometheus/prometheus.yml")).unwrap();
        let config = house.write("prometheus.yml", &config.replace("15s", "1s"));
        let started = Command::new("prometheus")
            .arg(format!("--config.file={}", config.display()))
            .arg(format!("--storage.tsdb.path={}", house.folder.join("tsdb").display()))
            .arg("--web.listen-address=127.0.0.1:9090")
            .stderr(fs::File::create(house.folder.join("prometheus.log")).unwrap())
            .spawn();
        Self(started.unwrap())
    }

    /// Asks for what a query shows now, or over the time until now.
    fn ask(&self, expr: &str, over: Option<Duration>) -> Vec<Value> {
        let mut command = Command::new("curl");
        command.args(["-sG", "--data-urlencode"]).arg(format!("query={expr}"));
        match over {
            None => command.arg("http://127.0.0.1:9090/api/v1/query"),
            Some(over) => {
                let now = Command::new("date").arg("+%s").output().unwrap();
                let end: u64 = String::from_utf8(now.stdout).unwrap().trim().parse().unwrap();
                let seconds = over.as_secs();
                command.arg("-d").arg(format!(
                    "start={}&end={end}&step={}",
                    end - seconds,
                    (seconds / 60).max(1)
                ));
                command.arg("http://127.0.0.1:9090/api/v1/query_range")
            }
        };
        let said = command.output().unwrap().stdout;
        let answer: Value = serde_json::from_slice(&said).unwrap_or_default();
        assert_ne!(answer["status"], "error", "{expr}: {answer}");
        answer["data"]["result"].as_array().cloned().unwrap_or_default()
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Returns whether a series has a number somewhere.
fn has_number(series: &Value) -> bool {
    let one = series["value"].as_array().into_iter();
    let many = series["values"].as_array().into_iter().flatten().filter_map(Value::as_array);
    one.chain(many).filter_map(|pair| pair.get(1)?.as_str()?.parse::<f64>().ok()).any(f64::is_finite)
}

/// Fills in what Grafana would.
fn filled(expr: &str, range: Duration) -> String {
    expr.replace("$__rate_interval", "15s")
        .replace("$__range", &format!("{}s", range.as_secs()))
        .replace("$device", "kitchen")
}

/// Asks for all that a dashboard shows.  Returns it by panel, and what shows
/// nothing.
fn look(prometheus: &Prometheus, path: &Path, range: Duration) -> (BTreeMap<String, Value>, Vec<String>) {
    let dashboard: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    let (mut shown, mut nothing) = (BTreeMap::new(), Vec::new());
    for panel in dashboard["panels"].as_array().unwrap() {
        assert_eq!(panel["datasource"]["uid"], "${datasource}", "{}", panel["title"]);
        let mut answers = Vec::new();
        for target in panel["targets"].as_array().unwrap() {
            let expr = filled(target["expr"].as_str().unwrap(), range);
            let over = (target["instant"] != true).then_some(range);
            let answer = prometheus.ask(&expr, over);
            if !answer.iter().any(has_number) {
                nothing.push(format!("{} › {}: {expr}", dashboard["title"], panel["title"]));
            }
            answers.push(json!(answer));
        }
        shown.insert(panel["id"].to_string(), json!(answers));
    }
    for note in dashboard["annotations"]["list"].as_array().unwrap() {
        prometheus.ask(note["expr"].as_str().unwrap(), Some(range));
    }
    (shown, nothing)
}

/// Makes the config faulty, so that there is an alert.
fn break_config(house: &House, server: &Server) {
    let good = fs::read_to_string(&server.config).unwrap();
    house.write("config.toml", &good.replace("family = \"sonos\"", "family = \"sono\""));
    server.signal("HUP");
    eventually("the refusal", || server.log().contains("reload refused").then_some(()));
}

#[test]
fn every_panel_shows_something() {
    if Command::new("prometheus").arg("--version").output().is_err() {
        return eprintln!("skipped: no `prometheus` (Debian: prometheus)");
    }
    in_house("house::grafana::every_panel_shows_something", |house| {
        let pictures = std::env::var_os("SORDINO_PICTURES");
        let rounds = if pictures.is_some() { 40 } else { 4 };
        for host in [21, 22, 23] {
            let address = format!("192.168.178.{host}/24");
            let done =
                Command::new("ip").args(["-n", "echo", "addr", "add", &address, "dev", "eth0"]).status();
            assert!(done.unwrap().success());
        }
        house.write("wide.txt", "||a2z.com^\n||avs-alexa-14-eu.amazon.com^\n");
        let server = house.sordino(CONFIG);
        let prometheus = Prometheus::start(house);
        for round in 0..rounds {
            if round == rounds * 3 / 4 {
                break_config(house, &server);
            }
            everybody_asks(house, round);
            pause(Duration::from_millis(if pictures.is_some() { 1000 } else { 200 }));
        }
        let range = Duration::from_secs(if pictures.is_some() { 120 } else { 30 });
        let mut dashboards: Vec<_> = fs::read_dir(source("deploy/grafana/dashboards/en"))
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        dashboards.sort();
        assert_eq!(dashboards.len(), 3);
        for path in dashboards {
            let mut shown = BTreeMap::new();
            eventually("all panels show something", || {
                let (all, nothing) = look(&prometheus, &path, range);
                shown = all;
                if !nothing.is_empty() {
                    eprintln!("shows nothing yet: {nothing:#?}");
                    everybody_asks(house, 0);
                }
                nothing.is_empty().then_some(())
            });
            if let Some(folder) = &pictures {
                let name = path.file_name().unwrap();
                fs::write(Path::new(folder).join(name), serde_json::to_string(&shown).unwrap()).unwrap();
            }
        }
        for rule in ["sordino:servfail:ratio5m", "device_family_purpose:sordino_prevented:increase1h"] {
            eventually(rule, || prometheus.ask(rule, None).iter().any(has_number).then_some(()));
        }
    });
}
