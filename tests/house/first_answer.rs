//! Every device gets its own policy on the first answer, whatever address it
//! asks from and whatever the kernel has forgotten.
//!
//! `SORDINO_ADDRESSES=1000` asks from a thousand addresses of each kind instead
//! of a hundred.  All namespaces together have room for 1,024 neighbors
//! (`gc_thresh3`), so that more than a few hundred are asked from in one test at a
//! time; other tests beside them may still take that room away.

use std::env;
use std::fmt::Write;
use std::fs::File;
use std::path::Path;
use std::process::Command;

use super::in_house;
use super::support::House;
use super::support::ip;

/// How many addresses of each kind.
fn addresses() -> u32 {
    env::var("SORDINO_ADDRESSES").map_or(100, |count| count.parse().unwrap())
}

/// From how many on there may be no room for those of two tests.
const MANY: u32 = 250;

/// Waits until no other test asks from many addresses, in whatever process; nothing
/// where there are few.
fn turn() -> Option<File> {
    let turn = Path::new(env!("CARGO_TARGET_TMPDIR")).join("neighbors.lock");
    (addresses() > MANY).then(|| {
        let file = File::create(turn).unwrap();
        file.lock().unwrap();
        file
    })
}

/// The speaker is `kitchen`; everybody else is blocked by nothing.
const CONFIG: &str = "[device.kitchen]\nmac = \"44:65:0d:12:34:56\"\n";

/// The name that only the speaker may not have.
const NAME: &str = "device-metrics-us.amazon.com";

/// Gives the speaker addresses, without a word about them on the network.
fn give(house: &House, family: &str, all: &[String]) {
    let batch = all.iter().fold(String::new(), |mut batch, addr| {
        let (length, silent) = if family == "-6" { (64, "nodad") } else { (16, "") };
        writeln!(batch, "addr add {addr}/{length} dev eth0 {silent}").unwrap();
        batch
    });
    let file = house.write("addresses", &batch);
    ip(&format!("-n echo {family} -batch {}", file.display()));
}

/// Asks once from each address, and expects a block.
fn all_blocked(house: &House, all: &[String], server: &str, transport: &str) {
    // One process for all of them: it is the answers that are in question.
    let script = all.iter().fold(String::new(), |mut script, addr| {
        writeln!(
            script,
            "dig +time=5 +tries=1 +nocookie +noall +comments {transport} -b {addr} @{server} {NAME} | \
             grep -q 'status: NXDOMAIN' || echo {addr}"
        )
        .unwrap();
        script
    });
    let file = house.write("first-answers", &script);
    let done = Command::new("ip").args(["netns", "exec", "echo", "bash"]).arg(file).output().unwrap();
    let missed = String::from_utf8_lossy(&done.stdout);
    let room =
        if all.len() > MANY as usize { "; is anybody else using up neighbors (gc_thresh3)?" } else { "" };
    assert_eq!(missed, "", "these first answers were not the speaker's: {}{room}", missed.lines().count());
}

/// Makes the kernel forget everybody.
fn forget() {
    ip("neigh flush dev house nud all");
    ip("-6 neigh flush dev house nud all");
}

/// Asks from fresh addresses of both families over a transport.
fn first_answers(house: &House, transport: &str) {
    let _turn = turn();
    ip("addr add 192.168.0.2/16 dev house");
    let server = house.sordino(CONFIG);
    // So that the speaker knows our MAC and has no reason to make itself known.
    for at in ["192.168.178.2", "fd00:178::2"] {
        assert_eq!(house.dig("echo", &format!("@{at} {NAME}")).status, "NXDOMAIN");
    }
    let count = addresses();
    let v4 = (0..count).map(|nth| format!("192.168.{}.{}", 180 + nth / 200, 10 + nth % 200)).collect();
    let v6 = (0..count).map(|nth| format!("fd00:178::1:{nth:x}")).collect();
    for (family, at, all) in [("-4", "192.168.178.2", v4), ("-6", "fd00:178::2", v6)] {
        let all: Vec<String> = all;
        give(house, family, &all);
        all_blocked(house, &all, at, transport);
        // And once more, now that the kernel has forgotten.
        forget();
        all_blocked(house, &all, at, transport);
    }
    let asked = 2 + 4 * u64::from(count);
    server.assert_metric("sordino_blocked_total", &["device=\"kitchen\""], asked);
    for line in server.metrics().lines().filter(|line| line.starts_with("sordino_identify")) {
        eprintln!("{transport}: {line}");
    }
}

#[test]
fn the_first_answer_to_a_new_address_is_the_devices_own() {
    in_house("house::first_answer::the_first_answer_to_a_new_address_is_the_devices_own", |house| {
        first_answers(house, "+notcp");
    });
}

#[test]
fn the_first_answer_over_tcp_too() {
    in_house("house::first_answer::the_first_answer_over_tcp_too", |house| {
        first_answers(house, "+tcp");
    });
}
