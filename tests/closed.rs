//! Started as root with a state folder that the user it becomes can't enter, as in
//! `/root`: that is said once.

use std::fs;
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::fs::MetadataExt;
use std::process::Command;

use super::house::eventually;

#[test]
fn a_state_folder_that_is_closed_is_one_line() {
    if !Command::new("unshare").args(["--net", "true"]).status().is_ok_and(|status| status.success()) {
        return eprintln!("skipped: no network namespace may be made here");
    }
    let folder = std::env::temp_dir().join(format!("sordino-closed-{}", std::process::id()));
    fs::DirBuilder::new().mode(0o700).create(&folder).unwrap();
    let done = (fs::metadata(&folder).unwrap().uid() == 0).then(|| {
        // No process between us and it: who kills that one leaves it alive.
        let log = fs::File::create(folder.join("log")).unwrap();
        let mut server = Command::new("unshare")
            .args(["--net", "sh", "-c", "ip link set lo up; exec \"$@\"", "-"])
            .args([env!("CARGO_BIN_EXE_sordino"), "--state-dir"])
            .arg(folder.join("state"))
            .stderr(log)
            .spawn()
            .unwrap();
        let said = || fs::read_to_string(folder.join("log")).unwrap();
        eventually("it serves", || said().contains("\"serving\"").then_some(()));
        server.kill().unwrap();
        server.wait().unwrap();
        said()
    });
    fs::remove_dir_all(&folder).unwrap();
    let Some(said) = done else { return eprintln!("skipped: not root") };
    if !said.contains("whom Sordino became") {
        return eprintln!("skipped: no other user here");
    }
    let warnings: Vec<_> = said.lines().filter(|line| line.contains("\"WARN\"")).collect();
    assert_eq!(warnings.len(), 1, "{warnings:#?}");
    assert!(warnings[0].contains("is closed to the user") && warnings[0].contains("--state-dir"));
}
