//! The tables of attacks, faults and secrets say where each is tested, and it is true.

use std::fs;
use std::path::Path;

/// Returns the text of all Rust files below a folder.
fn sources(folder: &Path) -> String {
    let mut all = String::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && path.file_name().is_some_and(|name| name != "target") {
            all += &sources(&path);
        } else if path.extension().is_some_and(|kind| kind == "rs") {
            all += &fs::read_to_string(path).unwrap();
        }
    }
    all
}

#[test]
fn every_row_has_a_test_that_is_there() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let tests = here.join("tests");
    let table = fs::read_to_string(tests.join("README.md")).unwrap();
    let all = sources(&here.join("src")) + &sources(&tests);
    let mut faults = Vec::new();
    for line in table.lines().filter(|line| line.starts_with("| ") && !line.ends_with("| tests |")) {
        let named: Vec<&str> = line.split('`').skip(1).step_by(2).collect();
        if named.is_empty() {
            faults.push(line.to_owned());
        }
        let is_there = |name: &&str| {
            if name.contains(['.', '/']) {
                tests.join(name).exists()
            } else {
                all.contains(&format!("fn {name}("))
            }
        };
        faults.extend(named.into_iter().filter(|name| !is_there(name)).map(str::to_owned));
    }
    assert!(faults.is_empty(), "{faults:#?}");
}
