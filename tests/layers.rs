//! The law of the house: who may use whom, and what a file looks like.
//!
//! ARCHITECTURE.md draws the floors; this holds them.

use std::fs;
use std::path::Path;
use std::path::PathBuf;

/// Which rooms a room may use, besides itself.
const LAW: &[(&str, &[&str])] = &[
    ("base", &[]),
    ("matcher", &["base"]),
    ("catalog", &["base", "matcher"]),
    ("device", &["base", "catalog"]),
    ("query", &["base"]),
    ("policy", &["base", "catalog", "device", "matcher", "query"]),
    ("resolve", &["base", "policy", "query"]),
    ("answer", &["base", "policy", "query", "resolve"]),
    ("pipeline", &["answer", "base", "catalog", "device", "matcher", "policy", "query", "resolve"]),
    ("querylog", &["base", "catalog", "pipeline", "policy", "query", "resolve"]),
    ("report", &["base", "catalog", "querylog", "resolve"]),
    ("listen", &["answer", "base", "catalog", "device", "pipeline", "query", "resolve"]),
    (
        "observe",
        &["answer", "base", "catalog", "device", "pipeline", "policy", "query", "querylog", "resolve"],
    ),
    ("web", &["base"]),
    ("config", &["answer", "base", "catalog", "device", "matcher", "policy", "querylog", "resolve"]),
    ("source", &["base", "catalog", "device", "matcher", "policy"]),
    (
        "app",
        &[
            "answer", "base", "catalog", "config", "device", "listen", "matcher", "observe", "pipeline",
            "policy", "query", "querylog", "resolve", "source", "web",
        ],
    ),
    (
        "cli",
        &[
            "answer", "app", "base", "catalog", "device", "listen", "matcher", "pipeline", "policy", "query",
            "querylog", "report", "resolve", "source",
        ],
    ),
];

/// Which rooms may use a crate or a part of the standard library.
const OUTSIDE: &[(&str, &[&str])] = &[
    ("hickory_proto::", &["answer", "listen", "resolve"]),
    ("hickory_server::", &["listen"]),
    ("prometheus", &["observe"]),
    ("toml::", &["config"]),
    ("jiff", &["cli", "config", "report"]),
    ("clap", &["cli"]),
    ("serde_json", &["app", "cli", "source"]),
    ("rusqlite", &["querylog"]),
    ("rtrb", &["pipeline"]),
    ("ureq", &["source"]),
    ("notify::", &["app"]),
    ("nix::", &["app", "listen"]),
    ("rustls", &["listen", "resolve"]),
    ("rcgen", &["app"]),
    ("base64::", &["listen", "resolve"]),
    ("memmap2", &["source"]),
    ("libc::", &["app", "listen"]),
    ("hyper", &["listen", "resolve", "web"]),
    ("tokio_rustls", &["listen", "resolve"]),
    ("webpki_roots", &["resolve"]),
    ("netlink_", &["listen"]),
    ("quinn_udp", &["listen"]),
    ("socket2", &["listen", "resolve"]),
    ("std::fs", &["app", "querylog", "source"]),
    ("std::process", &["app", "main"]),
    ("std::env", &["app", "observe"]),
    ("tokio::net", &["app", "listen", "resolve", "web"]),
    ("tokio::signal", &["app"]),
];

/// A file of the source.
struct Source {
    path: PathBuf,
    room: String,
    text: String,
}

/// Returns all files of `src`.
fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut folders = vec![root.clone()];
    let mut sources = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|kind| kind == "rs") {
                let inside = path.strip_prefix(&root).unwrap();
                let room = inside.components().next().unwrap().as_os_str().to_string_lossy();
                let room = room.trim_end_matches(".rs").to_owned();
                sources.push(Source { room, text: fs::read_to_string(&path).unwrap(), path });
            }
        }
    }
    sources.sort_by(|a, b| a.path.cmp(&b.path));
    assert!(sources.len() > 30, "the source was found");
    sources
}

/// Returns whether a file is for tests only.
fn is_test(source: &Source) -> bool {
    source.path.file_name().is_some_and(|name| name == "tests.rs")
        || source.path.iter().any(|part| part == "tests")
}

/// Returns the lines of code: no comments, and nothing from the tests of the
/// file on.
fn code(source: &Source) -> impl Iterator<Item = (usize, &str)> {
    let text = source.text.split("#[cfg(test)]\nmod tests {").next().unwrap();
    (1..).zip(text.lines()).filter(|(_, line)| !line.trim_start().starts_with("//"))
}

/// Fails with everything that is wrong.
fn assert_none(wrong: &[String]) {
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}

#[test]
fn no_room_uses_one_above_it() {
    let mut wrong = Vec::new();
    for source in sources().iter().filter(|source| !is_test(source)) {
        if matches!(source.room.as_str(), "lib" | "main") {
            continue;
        }
        let path = source.path.display();
        let Some((_, allowed)) = LAW.iter().find(|(room, _)| *room == source.room) else {
            wrong.push(format!("{path}: room {} is not in the law", source.room));
            continue;
        };
        for (number, line) in code(source) {
            for (at, _) in line.match_indices("crate::") {
                let rest = &line[at + "crate::".len()..];
                let used: String =
                    rest.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
                if used.is_empty() {
                    wrong.push(format!("{path}:{number}: one `use` per room, so that the law can be read"));
                } else if used != source.room && !allowed.contains(&used.as_str()) {
                    wrong.push(format!("{path}:{number}: {} must not use {used}", source.room));
                }
            }
        }
    }
    assert_none(&wrong);
}

#[test]
fn what_comes_from_outside_stays_in_its_rooms() {
    let mut wrong = Vec::new();
    for source in sources().iter().filter(|source| !is_test(source)) {
        for (number, line) in code(source) {
            for (outside, rooms) in OUTSIDE {
                let word = |at: usize| {
                    !line[..at].ends_with(|c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':')
                };
                let used = line.match_indices(outside).any(|(at, _)| word(at));
                if used && !rooms.contains(&source.room.as_str()) {
                    wrong.push(format!(
                        "{}:{number}: {} must not use {outside}",
                        source.path.display(),
                        source.room
                    ));
                }
            }
        }
    }
    assert_none(&wrong);
}

#[test]
fn every_file_says_what_it_is_for_and_is_short() {
    let mut wrong = Vec::new();
    for source in sources() {
        let path = source.path.display();
        if !source.text.starts_with("//! ") {
            wrong.push(format!("{path}: does not open with `//!`"));
        }
        let lines = source.text.lines().count();
        let header: String = source.text.lines().take_while(|line| line.starts_with("//")).collect();
        if lines > 400 && !header.contains("long") {
            wrong.push(format!("{path}: {lines} lines, and the header does not say why it is long"));
        }
        if source.room == "main" && lines > 50 {
            wrong.push(format!("{path}: {lines} lines; main is thin"));
        }
    }
    assert_none(&wrong);
}

#[test]
fn only_policy_makes_a_permit() {
    for source in sources() {
        let makes =
            code(&source).any(|(_, line)| line.contains("Permit::grant(") || line.contains("Permit {"));
        let own = source.path.ends_with("policy/permit.rs") || source.path.ends_with("policy/mod.rs");
        assert!(!makes || own, "{}", source.path.display());
    }
}

#[test]
fn the_road_fits_on_a_screen() {
    let sources = sources();
    let pipeline = sources.iter().find(|source| source.path.ends_with("src/pipeline.rs")).unwrap();
    let body = pipeline.text.split("pub async fn serve").nth(1).unwrap().split("\n}\n").next().unwrap();
    assert!(body.lines().count() <= 25, "{body}");
}

#[test]
fn no_dependency_is_one_we_swore_off() {
    let lock = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.lock")).unwrap();
    let packages: Vec<_> = lock.split("[[package]]").skip(1).collect();
    let version = |package: &str| -> Option<Vec<u32>> {
        let found = packages.iter().find(|text| text.contains(&format!("name = \"{package}\"")))?;
        let version = found.split("version = \"").nth(1)?.split('"').next()?;
        Some(version.split('.').filter_map(|part| part.parse().ok()).collect())
    };
    assert_eq!(version("hickory-recursor"), None, "a dead crate");
    for (package, floor) in [("hickory-proto", [0, 26, 3]), ("h2", [0, 4, 16]), ("quinn-proto", [0, 11, 15])]
    {
        assert!(
            version(package).is_none_or(|version| version.as_slice() >= floor.as_slice()),
            "{package} is older than {floor:?}"
        );
    }
}
