//! The table of lists over restarts of the program, each with a random start of
//! its own.

use std::fs;
use std::io::BufRead;
use std::io::BufReader;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::Command;
use std::process::Stdio;

/// Serves until it says so, and stops again.
fn serve(folder: &Path) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_sordino"))
        .args(["run", "--config"])
        .arg(folder.join("config.toml"))
        .arg("--state-dir")
        .arg(folder.join("state"))
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut log = BufReader::new(child.stderr.take().unwrap()).lines();
    let serving = log.by_ref().map_while(Result::ok).any(|line| line.contains("\"serving\""));
    assert!(Command::new("kill").arg(child.id().to_string()).status().unwrap().success());
    // Read to its end, so that nobody waits for room in the pipe.
    log.for_each(drop);
    assert!(child.wait().unwrap().success() && serving);
}

#[test]
fn a_restart_takes_the_table_as_it_is_and_a_changed_list_makes_another() {
    let folder = std::env::temp_dir().join(format!("sordino-table-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    fs::write(
        folder.join("config.toml"),
        "[listen]\ndns = [\"127.0.0.1:0\"]\n[metrics]\nlisten = \"127.0.0.1:0\"\n[web]\nlisten = \"127.0.0.1:0\"\n\
         [list.mine]\npath = \"mine.txt\"\n[policy.open]\nlists = [\"mine\"]\n",
    )
    .unwrap();
    fs::write(folder.join("mine.txt"), "a.example\n").unwrap();
    let table = || fs::metadata(folder.join("state/lists.table")).unwrap().ino();
    serve(&folder);
    let first = table();
    serve(&folder);
    assert_eq!(table(), first);
    fs::write(folder.join("mine.txt"), "b.example\n").unwrap();
    serve(&folder);
    assert_ne!(table(), first);
    fs::remove_dir_all(&folder).unwrap();
}
