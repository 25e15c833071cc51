//! What a config may say, and how a fault in it is told; and what is explained
//! by it.

mod explain;

use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;

use proptest::prelude::*;
use sordino::config;

/// Returns a file of the project.
fn source(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn read(path: &str) -> String {
    fs::read_to_string(source(path)).unwrap()
}

#[test]
fn the_reference_says_what_an_empty_file_does() {
    let reference = config::load("reference.toml", &read("config/reference.toml")).unwrap();
    let empty = config::load("empty.toml", "").unwrap();
    assert_eq!(reference.warnings, []);
    assert_eq!(reference.listen, empty.listen);
    assert_eq!(reference.resolve, empty.resolve);
    assert_eq!(reference.policies, empty.policies);
    assert_eq!(format!("{:?}", reference.unlisted), format!("{:?}", empty.unlisted));
    assert_eq!(reference.blocked, empty.blocked);
    assert_eq!(reference.download, empty.download);
    assert_eq!(reference.identify, empty.identify);
    assert_eq!(reference.query_log, empty.query_log);
    assert_eq!(reference.metrics, empty.metrics);
    assert!(reference.devices.is_empty() && reference.lists.is_empty() && reference.exceptions.is_empty());
}

#[test]
fn the_reference_names_every_key() {
    let reference = read("config/reference.toml");
    let typed = read("src/config/v1.rs");
    let fields = typed.lines().filter_map(|line| line.trim().strip_prefix("pub(super) "));
    let keys = fields.filter_map(|field| field.split_once(": ")).map(|(name, _)| name.replace('_', "-"));
    let mut count = 0;
    for key in keys.filter(|key| key.starts_with(|c: char| c.is_ascii_lowercase())) {
        let inner = ["resolve", "identify"].iter().any(|outer| reference.contains(&format!("{outer}.{key}")));
        let table = reference.contains(&format!("[{key}")) || inner;
        let named =
            reference.lines().any(|line| line.trim_start_matches('#').starts_with(&format!("{key} ")))
                || table;
        assert!(named, "no `{key}` in config/reference.toml");
        count += 1;
    }
    assert!(count > 40, "{count} keys were found");
}

#[test]
fn what_is_installed_and_what_is_tried_is_right() {
    for file in ["config/config.toml", "config/trial.toml"] {
        let config = config::load(file, &read(file)).unwrap();
        assert_eq!(config.warnings, [], "{file}");
    }
    // The examples in it, too.
    let with_examples = read("config/config.toml")
        .lines()
        .map(|line| match line.strip_prefix('#') {
            Some(rest) if rest.starts_with(|c: char| c.is_ascii_lowercase() || c == '[') => rest.to_owned(),
            _ => line.to_owned(),
        })
        .collect::<Vec<_>>()
        .join("\n");
    let config = config::load("config.toml", &with_examples).unwrap();
    assert_eq!((config.devices.len(), config.exceptions.len()), (3, 1));
}

#[test]
fn a_made_up_mac_address_is_remarked() {
    let text = "[device.phone]\nmac = [\"44:65:0d:12:34:56\", \"02:11:22:33:44:55\"]\n";
    let warnings = config::load("made-up.toml", text).unwrap().warnings;
    let [one] = &warnings[..] else { panic!("{warnings:?}") };
    assert_eq!((one.line, one.column), (2, 29));
    assert!(one.to_string().contains("02:11:22:33:44:55 is made up"), "{one}");
}

#[test]
fn what_does_nothing_is_remarked() {
    let text = "[list.a]\npath = \"a\"\n[list.b]\npath = \"b\"\n[policy.p]\nlists = [\"b\"]\n\
                [resolve]\nforward-to = [\"192.0.2.1\"]\n";
    let warnings: Vec<_> = config::load("c.toml", text)
        .unwrap()
        .warnings
        .iter()
        .map(|w| format!("{}: {}", w.line, w.say))
        .collect();
    assert_eq!(
        warnings,
        [
            "2: list `a` blocks nothing: no policy has it in its `lists`",
            "8: nobody is asked here: `forward-to` is for mode `forward`",
        ]
    );
}

/// Each file in `bad/` has one fault or two, and beside it what is said of
/// them.  `UPDATE=1` writes that anew.
#[test]
fn every_fault_is_told_with_its_place_and_what_there_is() {
    let folder = source("tests/config/bad");
    let mut names: Vec<_> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|kind| kind == "toml"))
        .collect();
    names.sort();
    assert!(names.len() >= 20);
    for path in names {
        let name = path.file_name().unwrap();
        let done = Command::new(env!("CARGO_BIN_EXE_sordino"))
            .current_dir(&folder)
            .args(["check", "--config"])
            .arg(name)
            .args(["--state-dir", "/nonexistent"])
            .output()
            .unwrap();
        let said = String::from_utf8(done.stdout).unwrap();
        assert_eq!(done.status.code(), Some(1), "{}: {said}", path.display());
        let first = said.lines().next().unwrap();
        let mut place = first.split(':').skip(1).take(2);
        assert!(place.all(|number| number.parse::<u32>().is_ok()), "no line and column: {first}");
        let expected = path.with_extension("expected");
        if std::env::var_os("UPDATE").is_some() {
            fs::write(expected, said).unwrap();
        } else {
            assert_eq!(said, fs::read_to_string(&expected).unwrap_or_default(), "{}", path.display());
        }
    }
}

#[test]
fn faults_as_json() {
    let done = Command::new(env!("CARGO_BIN_EXE_sordino"))
        .current_dir(source("tests/config/bad"))
        .args(["check", "--json", "--config", "unknown-policy.toml"])
        .output()
        .unwrap();
    let rows: serde_json::Value = serde_json::from_slice(&done.stdout).unwrap();
    assert_eq!(rows[0]["file"], "unknown-policy.toml");
    assert_eq!((&rows[0]["line"], &rows[0]["column"]), (&6.into(), &10.into()));
    assert_eq!(rows[0]["severity"], "fault");
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in "(\\[[a-z.]{1,10}\\]\n|[a-z-]{1,10} = [\"a-z0-9:./\\[\\],-]{0,20}\n|.{0,20}\n){0,20}") {
        let _ = config::load("any.toml", &text);
    }

    #[test]
    fn a_changed_reference_is_read_or_refused(at in any::<usize>(), with in ".{0,3}") {
        let mut text = read("config/reference.toml");
        let at = (0..=at % (text.len() + 1)).rev().find(|at| text.is_char_boundary(*at)).unwrap();
        text.insert_str(at, &with);
        let _ = config::load("changed.toml", &text);
    }
}
