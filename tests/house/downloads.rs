//! A subscribed list: downloaded through our own resolver, kept, never lost.

use std::fs;
use std::process::Child;
use std::process::Command;
use std::process::Stdio;
use std::time::Duration;

use super::House;
use super::in_house;
use super::support::eventually;
use super::support::pause;

/// Serves the test's folder over HTTP on the name server's address, as
/// `ns.amazon.com`; ends with the value.
struct ListServer(Child);

impl ListServer {
    fn start(house: &House) -> Self {
        let folder = house.folder.join("www");
        fs::create_dir_all(&folder).unwrap();
        let server = Command::new("python3")
            .args(["-m", "http.server", "--bind", "205.251.192.1", "8080", "--directory"])
            .arg(folder)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        eventually("the list server", || std::net::TcpStream::connect("205.251.192.1:8080").ok());
        Self(server)
    }
}

impl Drop for ListServer {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

const CONFIG: &str = r#"
[policy.open]
lists = ["subscribed"]
[list.subscribed]
url = "http://ns.amazon.com:8080/list.txt"
[download]
http = true
"#;

/// Puts something on the server, later than what was there by its clock, which
/// tells seconds.
fn put(house: &House, text: &str) {
    let path = house.folder.join("www/list.txt");
    if path.exists() {
        pause(Duration::from_millis(1100));
    }
    fs::write(path, text).unwrap();
}

/// Puts a list on the server.
fn list(house: &House, names: &[&str]) {
    put(house, &(names.join("\n") + "\n"));
}

#[test]
fn a_subscribed_list_is_downloaded_kept_and_survives_its_server() {
    in_house("house::downloads::a_subscribed_list_is_downloaded_kept_and_survives_its_server", |house| {
        let www = ListServer::start(house);
        list(house, &["api.amazon.com", "a.example.net", "b.example.net"]);
        let blocked = || {
            let answer = house.dig("laptop", "@192.168.178.2 api.amazon.com");
            (answer.status == "NXDOMAIN").then_some(answer)
        };
        let server = house.sordino(CONFIG);
        let answer = eventually("the first download", blocked);
        answer.assert_blocked("subscribed:1 list subscribed");
        assert_eq!(server.metric("sordino_list_rules{", &["list=\"subscribed\""]), 3);
        assert!(
            server.metric("sordino_list_last_success_timestamp_seconds", &["subscribed"]) > 1_700_000_000
        );
        let update = |expected: &str| {
            let done = Command::new(env!("CARGO_BIN_EXE_sordino"))
                .args(["lists", "update", "--config"])
                .arg(&server.config)
                .arg("--state-dir")
                .arg(&house.folder)
                .output()
                .unwrap();
            let said = String::from_utf8_lossy(&done.stdout).into_owned();
            assert!(said.contains(expected), "{said}");
        };
        // Something that is no list does not replace one.
        put(house, "<html><body>Not today</body></html>\n");
        update("the rules stay as they are");
        server.signal("HUP");
        eventually("the old rules", blocked);
        // A good one does.
        list(house, &["load-1.amazon.com", "a.example.net", "b.example.net"]);
        update("3 rules, 3 before");
        server.signal("HUP");
        eventually("the new rules", || {
            (house.dig("laptop", "@192.168.178.2 load-1.amazon.com").status == "NXDOMAIN").then_some(())
        });
        house.dig("laptop", "@192.168.178.2 api.amazon.com").assert_resolved();
        // Without its server it starts with the last good copy.
        drop((www, server));
        let _server = house.sordino(CONFIG);
        assert_eq!(house.dig("laptop", "@192.168.178.2 load-1.amazon.com").status, "NXDOMAIN");
    });
}

#[test]
fn killed_at_any_point_of_a_download_it_starts_with_good_rules() {
    in_house("house::downloads::killed_at_any_point_of_a_download_it_starts_with_good_rules", |house| {
        let _www = ListServer::start(house);
        let names: Vec<_> = (0..20_000).map(|nth| format!("n{nth}.example.net")).collect();
        let mut names: Vec<_> = names.iter().map(String::as_str).collect();
        names.push("api.amazon.com");
        list(house, &names);
        let kills = std::env::var("SORDINO_TEST_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(12);
        let mut had_it = false;
        // On a busy machine it may be killed more often until it had its first copy.
        for nth in 0..10 * kills {
            if nth >= kills && had_it {
                break;
            }
            let mut server = house.sordino(CONFIG);
            // Once there is a copy, it is in use from the first query on.
            let blocked = house.dig("laptop", "@192.168.178.2 api.amazon.com").status == "NXDOMAIN";
            assert!(blocked || !had_it, "the copy was lost:\n{}", server.log());
            had_it |= house.folder.join("lists/subscribed.txt").exists();
            // On a busy machine the first download takes its time.
            pause(Duration::from_millis(nth * 7 % 60 + if had_it { 0 } else { nth * 40 }));
            server.signal("KILL");
            server.wait();
            if nth % 3 == 2 && had_it {
                // So that the next start has something to download.
                names.pop();
                names.push("api.amazon.com");
                fs::remove_file(house.folder.join("www/list.txt")).unwrap();
                list(house, &names);
            }
        }
        assert!(had_it);
    });
}

#[test]
fn what_a_household_writes_is_live_at_once_and_a_fault_changes_nothing() {
    in_house(
        "house::downloads::what_a_household_writes_is_live_at_once_and_a_fault_changes_nothing",
        |house| {
            fs::create_dir_all(house.folder.join("blocklists")).unwrap();
            let local = "blocklists/local.txt";
            house.write(local, "family amazon-echo\n");
            let server = house.sordino("[device.kitchen]\nmac = \"44:65:0d:12:34:56\"\n");
            let ask = || house.dig("echo", "@192.168.178.2 load-7.amazon.com");
            ask().assert_resolved();
            let rule = "family amazon-echo\n\n[analytics]\nload-7.amazon.com\n    tried 2026-11-01  nothing stopped\n";
            house.write(local, rule);
            let answer = eventually("the rule", || Some(ask()).filter(|answer| answer.status == "NXDOMAIN"));
            answer.assert_blocked("blocklists/local.txt:4 analytics");
            house.write(local, &rule.replace("tried", "treid"));
            eventually("the message", || {
                server.log().contains("`treid` is no kind of evidence").then_some(())
            });
            assert!(server.log().contains("blocklists/local.txt:5:5"), "{}", server.log());
            assert_eq!(ask().status, "NXDOMAIN");
            assert_eq!(server.metric("sordino_config_last_reload_ok", &[]), 0);
        },
    );
}
