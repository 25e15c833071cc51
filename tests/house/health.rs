//! Whether it is well, asked over HTTP and by systemd's watchdog.

use std::os::unix::net::UnixDatagram;
use std::process::Command;
use std::time::Duration;

use super::in_house;
use super::support::eventually;

/// Returns the status and the text of a page.
fn page(path: &str) -> (u16, String) {
    let url = format!("http://127.0.0.1:8053{path}");
    let done = Command::new("curl").args(["-s", "-w", "%{http_code}", &url]).output().unwrap();
    let mut text = String::from_utf8(done.stdout).unwrap();
    let status = text.split_off(text.len() - 3);
    (status.parse().unwrap(), text)
}

/// Takes the link to ourselves down, or up again: the program runs and nobody
/// can reach it.
fn loopback(state: &str) {
    assert!(Command::new("ip").args(["link", "set", "lo", state]).status().unwrap().success());
}

#[test]
fn ready_is_whoever_answers_a_query() {
    in_house("house::health::ready_is_whoever_answers_a_query", |house| {
        // Nothing of it depends on names outside.
        let server = house.sordino("[listen]\ndns = [\"[::]:53\", \"127.0.0.1\"]\n");
        assert_eq!(page("/healthz"), (200, "ok\n".to_owned()));
        assert_eq!(page("/readyz"), (200, "ok\n".to_owned()));
        assert_eq!(page("/elsewhere").0, 404);
        server.assert_metric("sordino_responses_total", &["NOERROR", "udp"], 1);
        drop(server);
        let server = house.sordino("[listen]\nallow = [\"192.168.178.0/24\"]\ndns = [\"127.0.0.1\"]\n");
        assert_eq!(page("/readyz").0, 200, "refused, and that by somebody");
        server.assert_runs();
    });
}

#[test]
fn the_watchdog_is_fed_by_answers_alone() {
    in_house("house::health::the_watchdog_is_fed_by_answers_alone", |house| {
        let path = house.folder.join("notify");
        let systemd = UnixDatagram::bind(&path).unwrap();
        systemd.set_read_timeout(Some(Duration::from_secs(4))).unwrap();
        let fed = || {
            let mut room = [0; 512];
            std::iter::from_fn(|| systemd.recv(&mut room).ok().map(|read| room[..read].to_vec()))
                .any(|word| word.starts_with(b"WATCHDOG=1"))
        };
        let environment = [("NOTIFY_SOCKET", path.to_str().unwrap()), ("WATCHDOG_USEC", "2000000")];
        let server = house.sordino_with("", &environment);
        assert!(fed() && fed(), "every half second");
        loopback("down");
        // What was on its way.
        systemd.set_nonblocking(true).unwrap();
        eventually("hunger", || (!fed()).then_some(()));
        systemd.set_nonblocking(false).unwrap();
        assert!(!fed(), "the program runs and does not answer");
        server.assert_runs();
        loopback("up");
        assert!(fed(), "it answers again");
    });
}
