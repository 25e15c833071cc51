//! The commands tell what the server does.

use std::process::Command;

use super::in_house;

/// Runs a command of Sordino and returns what it printed.
fn sordino(args: &[&str]) -> String {
    let done = Command::new(env!("CARGO_BIN_EXE_sordino")).args(args).output().unwrap();
    assert!(done.status.success(), "{args:?}: {}", String::from_utf8_lossy(&done.stdout));
    String::from_utf8(done.stdout).unwrap()
}

#[test]
fn what_is_explained_is_what_happens() {
    in_house("house::explaining::what_is_explained_is_what_happens", |house| {
        let server = house.sordino("[device.kitchen]\nmac = \"44:65:0d:12:34:56\"\n");
        let config = server.config.to_str().unwrap();
        let name = "device-metrics-us.amazon.com";
        let answer = house.dig("echo", &format!("@192.168.178.2 {name}"));
        let ground = answer.error.unwrap();
        let ground = ground.strip_prefix("15 (Blocked): (").unwrap().strip_suffix(')').unwrap();
        // By name, and by the address the Echo just asked from.
        for by in [["--device", "kitchen"], ["--client", "192.168.178.20"]] {
            let text = sordino(&["explain", name, by[0], by[1], "--config", config]);
            for part in [
                "kitchen",
                "known by its mac",
                "amazon-echo",
                "PETS 2021 (arXiv 2105.05162)",
                "balanced",
                "block",
                ground,
                "NXDOMAIN",
            ] {
                assert!(text.contains(part), "no {part:?} in\n{text}");
            }
        }
        let laptop = sordino(&["explain", name, "--client", "192.168.178.30", "--config", config]);
        assert!(laptop.contains("household") && laptop.contains("allow"), "{laptop}");
        let json = sordino(&["explain", name, "--device", "kitchen", "--json", "--config", config]);
        assert!(json.starts_with("[\n") && json.contains("\"about\": \"verdict\""), "{json}");
    });
}

#[test]
fn devices_shows_who_is_there() {
    in_house("house::explaining::devices_shows_who_is_there", |house| {
        let server = house.sordino("[device.kitchen]\nmac = \"44:65:0d:12:34:56\"\n");
        house.dig("echo", "@192.168.178.2 api.amazon.com").assert_resolved();
        house.dig("laptop", "@192.168.178.2 api.amazon.com").assert_resolved();
        let text = sordino(&["devices", "--config", server.config.to_str().unwrap()]);
        let line =
            |name: &str| text.lines().find(|line| line.starts_with(name)).unwrap_or_else(|| panic!("{text}"));
        let below = |name: &str| {
            let mut rest = text.lines().skip_while(|line| !line.starts_with(name)).skip(1);
            rest.by_ref().take_while(|line| line.starts_with(' ')).collect::<String>()
        };
        assert!(line("kitchen").contains("balanced") && line("household").contains("open"), "{text}");
        assert!(
            below("kitchen").contains("192.168.178.20") && below("kitchen").contains("neighbor"),
            "{text}"
        );
        assert!(below("household").contains("192.168.178.30"), "{text}");
    });
}
