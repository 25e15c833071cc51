//! What `sordino explain` prints, whole.
//
//  Apart from the house in a box, which proves that it tells what the server
//  does: these need neither server nor namespaces, so they run everywhere.

use std::fs;
use std::process::Command;

use super::source;

/// Each `.ask` in `explain/` holds the arguments, the `.expected` beside it the
/// exit code and what is printed.  `UPDATE=1` writes that anew.
#[test]
fn every_explanation_is_told_in_these_words() {
    let folder = source("tests/config/explain");
    let mut asks: Vec<_> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|kind| kind == "ask"))
        .collect();
    asks.sort();
    assert!(asks.len() >= 17);
    for ask in asks {
        let args = fs::read_to_string(&ask).unwrap();
        let done = Command::new(env!("CARGO_BIN_EXE_sordino"))
            .current_dir(&folder)
            .arg("explain")
            .args(args.split_whitespace())
            .args(["--config", "config.toml", "--blocklists", "lists", "--state-dir", "/nonexistent"])
            .output()
            .unwrap();
        let said = String::from_utf8(done.stdout).unwrap();
        let said = format!("exit {}\n{said}", done.status.code().unwrap());
        let expected = ask.with_extension("expected");
        if std::env::var_os("UPDATE").is_some() {
            fs::write(expected, said).unwrap();
        } else {
            assert_eq!(said, fs::read_to_string(&expected).unwrap_or_default(), "{}", ask.display());
        }
    }
}
