//! What is written to disk, by the whole program: memory cards wear out.
//!
//! Half a minute in a normal run; `SORDINO_WEAR_MINUTES=30` for the long one.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use super::House;
use super::in_house;
use super::robust::CONFIG;
use super::robust::with_state;
use super::support::Server;
use super::support::ip;
use super::support::pause;

/// The system calls that wait for a disk.
const WAITS: &str = "trace=fsync,fdatasync,sync,syncfs,sync_file_range,msync";

/// Returns how many times the disk was waited for, by what a tracer wrote.
fn waits(traced: &Path) -> usize {
    let text = fs::read_to_string(traced).unwrap_or_default();
    // One that another thread interrupts has a second line.
    text.lines().filter(|line| line.contains("sync") && !line.contains(" resumed>")).count()
}

/// Returns how many octets a program has sent towards the disk.
fn written(server: &Server) -> u64 {
    let io = fs::read_to_string(format!("/proc/{}/io", server.pid())).unwrap();
    let line = io.lines().find_map(|line| line.strip_prefix("write_bytes: ")).unwrap();
    line.parse().unwrap()
}

/// Waits until what was new at the start is written, and returns how many times the
/// disk was waited for until then.
fn once_quiet(traced: &Path) -> usize {
    let mut before = waits(traced);
    loop {
        pause(Duration::from_secs(2));
        let now = waits(traced);
        if now == before {
            return now;
        }
        before = now;
    }
}

/// The laptop becomes another device, one that asks as speakers do: news that is to be
/// there after a start.
fn become_another(house: &House, nth: u32) {
    let (mac, address) =
        (format!("44:65:0d:aa:aa:{:02x}", nth % 100), format!("192.168.178.{}", 100 + nth % 100));
    ip(&format!("-n laptop link set eth0 address {mac}"));
    ip(&format!("-n laptop address add {address}/24 dev eth0"));
    for name in ["api.amazonalexa.com", "device-metrics-us.amazon.com"] {
        house.dig("laptop", &format!("-b {address} +time=2 @192.168.178.2 {name}"));
    }
    ip(&format!("-n laptop address del {address}/24 dev eth0"));
}

#[test]
fn the_disk_is_waited_for_less_than_once_a_minute() {
    if Command::new("strace").arg("--version").output().is_err() {
        return eprintln!("skipped: no `strace` (Debian: strace)");
    }
    in_house("house::wear::the_disk_is_waited_for_less_than_once_a_minute", |house| {
        let minutes = std::env::var("SORDINO_WEAR_MINUTES").ok().and_then(|text| text.parse::<u32>().ok());
        for store in ["memory", "disk"] {
            let (house, _) = with_state(house);
            house.write("mine.txt", "listed.example.net\n");
            drop(house.sordino(&format!("{CONFIG}[query-log]\nstore = \"{store}\"\n")));
            let traced = house.folder.join(format!("waits-{store}"));
            // The tracer steps aside, so that the child is Sordino.
            let by = ["strace", "-D", "-f", "--seccomp-bpf", "-e", WAITS, "-o", traced.to_str().unwrap()];
            let server = Server::spawn(&house, house.folder.join("config.toml"), &[], &by);
            let before = once_quiet(&traced);
            let written_before = written(&server);
            let seconds = minutes.map_or(14, |minutes| minutes * 60);
            for nth in 0..seconds / 2 {
                become_another(&house, nth);
                pause(Duration::from_secs(2));
            }
            let waited = waits(&traced) - before;
            let written = written(&server) - written_before;
            eprintln!(
                "log {store}: the disk was waited for {waited} times in {seconds} s, for {written} octets"
            );
            assert!(server.metrics().contains("sordino_"));
            // A file and its folder are two.
            let most = minutes.map_or(2, |minutes| 2 + usize::try_from(minutes).unwrap());
            assert!((1..=most).contains(&waited), "log {store}: {waited} times in {seconds} s");
            // 20 MB a day, and what is new at first.
            assert!(
                written <= u64::from(seconds) * 230 + 200_000,
                "log {store}: {written} octets in {seconds} s"
            );
        }
    });
}

#[test]
fn little_is_written_and_nobody_else_may_read_it() {
    in_house("house::wear::little_is_written_and_nobody_else_may_read_it", |house| {
        let (house, state) = with_state(house);
        fs::remove_dir(&state).unwrap();
        house.write("mine.txt", "listed.example.net\n");
        let mut server = house.sordino(&format!("{CONFIG}[query-log]\nstore = \"disk\"\n"));
        let mode = fs::metadata(&state).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "the folder can be entered by others: {mode:o}");
        pause(Duration::from_millis(300));
        assert!(state.join("query-log.db-wal").is_file());
        assert!(state.join("control").exists(), "{}", server.log());
        let before = written(&server);
        for nth in 1..100 {
            house.dig("echo", &format!("@192.168.178.2 load-{nth}.amazon.com"));
            house.dig("echo", "@192.168.178.2 device-metrics-us.amazon.com");
        }
        // 50,000 queries a day may take 20 MB.
        let written = written(&server) - before;
        assert!(written <= 200 * 400, "{written} octets for 200 queries");
        server.signal("TERM");
        server.wait();
        let mut folders = vec![state];
        let mut files = 0;
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(&folder).unwrap() {
                let path = entry.unwrap().path();
                let mode = fs::symlink_metadata(&path).unwrap().permissions().mode();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    files += 1;
                    assert_eq!(mode & 0o077, 0, "{} can be read by others", path.display());
                }
            }
        }
        assert!(files >= 5, "table, cache, config, query log, control socket");
    });
}
