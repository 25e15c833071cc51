//! Configs with faults, at a start and at a reload: what was good last goes on, and it
//! is said which line is wrong.
//!
//! Some starts in a normal run; `SORDINO_BOOTS=200` for all of them.

use std::fs;

use sordino::app::load;
use sordino::app::load::Options;

use super::in_house;
use super::robust::CONFIG;
use super::robust::assert_well;
use super::robust::with_state;
use super::support::eventually;
use super::support::source;

/// Spoils texts, each time elsewhere and otherwise.
struct Spoiler(u64);

impl Spoiler {
    /// Returns a text with three faults of an octet or five.
    fn spoil(&mut self, good: &str) -> Vec<u8> {
        let mut octets = good.as_bytes().to_vec();
        for _ in 0..3 {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let at = usize::try_from(self.0 >> 33).unwrap() % octets.len();
            match self.0 >> 20 & 3 {
                0 => octets[at] = b'"',
                1 => drop(octets.drain(at..(at + 5).min(octets.len()))),
                2 => octets.insert(at, b'='),
                _ => octets[at] = 0xff,
            }
        }
        octets
    }
}

#[test]
fn a_start_with_a_faulty_config_takes_the_last_good_one_and_says_so() {
    in_house("house::faulty::a_start_with_a_faulty_config_takes_the_last_good_one_and_says_so", |house| {
        let (house, _) = with_state(house);
        fs::create_dir(house.folder.join("blocklists")).unwrap();
        house.write(
            "blocklists/mine.txt",
            "family amazon-echo\n\n[advertising]\n\nplain.innocent.com\n    listed 2026-11-25 ours\n",
        );
        house.write("mine.txt", "listed.example.net\n");
        let mut server = house.sordino(CONFIG);
        let good = fs::read_to_string(&server.config).unwrap();
        let well = || {
            assert_eq!(
                house.dig("echo", "@192.168.178.2 plain.innocent.com").status,
                "NXDOMAIN",
                "our own list"
            );
            assert_eq!(house.dig("laptop", "@192.168.178.2 listed.example.net").status, "NXDOMAIN");
            house.dig("laptop", "@192.168.178.2 api.amazon.com").assert_resolved();
        };
        well();
        server.signal("TERM");
        server.wait();
        // The config, our own list and the one that is named are all spoilt.
        house.write("config.toml", &good.replace("44:65:0d:12:34:56", "44:65:0d"));
        house.write("blocklists/mine.txt", "family");
        fs::remove_file(house.folder.join("mine.txt")).unwrap();
        let server = house.sordino_again();
        well();
        assert!(server.log().contains("THE CONFIG IS FAULTY"), "{}", server.log());
        assert!(server.log().contains("not a MAC address"), "{}", server.log());
        assert_eq!(server.metric("sordino_config_last_reload_ok", &[]), 0);
        // Another reload of the same: nothing changes, and the copy stays good.
        server.signal("HUP");
        eventually("the refusal", || server.log().contains("reload refused").then_some(()));
        well();
        house.write("mine.txt", "listed.example.net\n");
        house.write("blocklists/mine.txt", "family amazon-echo\n");
        house.write("config.toml", &good);
        eventually("mended", || (server.metric("sordino_config_last_reload_ok", &[]) == 1).then_some(()));
        house.dig("echo", "@192.168.178.2 plain.innocent.com").assert_resolved();
    });
}

#[test]
fn whatever_is_wrong_with_it_a_start_takes_the_last_good_config() {
    in_house("house::faulty::whatever_is_wrong_with_it_a_start_takes_the_last_good_config", |house| {
        let boots = std::env::var("SORDINO_BOOTS").ok().and_then(|text| text.parse().ok()).unwrap_or(4);
        let (house, _) = with_state(house);
        house.write("mine.txt", "listed.example.net\n");
        let mut server = house.sordino(CONFIG);
        let path = server.config.clone();
        let good = fs::read_to_string(&path).unwrap();
        assert_well(&house);
        server.signal("TERM");
        server.wait();
        let mut spoiler = Spoiler(0xb007);
        // Not the folder of the one that runs.
        let state_dir = Some(house.folder.join("tried"));
        let options = Options { config: Some(path.clone()), state_dir, ..Options::default() };
        // What is spoilt may be right by chance, and is something else then.
        let mut write_a_faulty_one = || {
            loop {
                fs::write(&path, spoiler.spoil(&good)).unwrap();
                if load::load(&options).is_err() {
                    return;
                }
            }
        };
        for _ in 0..boots {
            write_a_faulty_one();
            let mut server = house.sordino_again();
            assert_well(&house);
            let said = server.log();
            assert!(said.contains("THE CONFIG IS FAULTY") && said.contains("config.toml:"), "{said}");
            assert_eq!(server.metric("sordino_config_last_reload_ok", &[]), 0);
            write_a_faulty_one();
            server.signal("HUP");
            eventually("the refusal", || server.log().contains("reload refused").then_some(()));
            assert_well(&house);
            server.signal("TERM");
            assert!(server.wait().success(), "{}", server.log());
        }
        eprintln!("{boots} starts with faulty configs");
    });
}

#[test]
fn two_hundred_faulty_configs_change_nothing() {
    // In this process: a house would take minutes for it.
    let good = fs::read_to_string(source("config/config.toml")).unwrap()
        + "\n[device.kitchen]\nmac = \"44:65:0d:12:34:56\"\n[list.a]\npath = \"a.txt\"\n[policy.balanced]\nlists = [\"a\"]\n";
    let folder = std::env::temp_dir().join(format!("sordino-faulty-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("a.txt"), "a.example\n").unwrap();
    let path = folder.join("config.toml");
    let options =
        Options { config: Some(path.clone()), state_dir: Some(folder.join("state")), ..Options::default() };
    fs::write(&path, &good).unwrap();
    load::load(&options).unwrap();
    let (mut refused, mut spoiler) = (0, Spoiler(0x5eed));
    for _ in 0..200 {
        fs::write(&path, spoiler.spoil(&good)).unwrap();
        if let Err(faults) = load::load(&options) {
            refused += 1;
            assert!(
                faults.iter().all(|fault| !fault.say.is_empty() && fault.file.ends_with("config.toml")),
                "{faults:?}"
            );
        }
    }
    assert!(refused > 100, "{refused} is no test");
    fs::remove_dir_all(folder).unwrap();
}
