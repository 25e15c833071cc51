//! Reload and stop, under load: nothing is lost.

use std::net::UdpSocket;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::time::Duration;

use super::in_house;
use super::support::eventually;
use super::support::pause;

/// Clients that each ask, wait for the answer, and ask again.
const CLIENTS: usize = 8;

/// What the clients saw.
#[derive(Default)]
pub(super) struct Tally {
    pub(super) stop: AtomicBool,
    /// Set when the order to stop goes out: what is sent from now on need not
    /// be answered.
    leaving: AtomicBool,
    sent: AtomicU64,
    pub(super) answered: AtomicU64,
    pub(super) lost: AtomicU64,
}

/// Writes a query for `load-N.amazon.com`.
fn query(id: u16, number: usize) -> Vec<u8> {
    let mut packet = id.to_be_bytes().to_vec();
    packet.extend([1, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
    for label in [format!("load-{number}"), "amazon".to_owned(), "com".to_owned()] {
        packet.push(u8::try_from(label.len()).unwrap());
        packet.extend(label.as_bytes());
    }
    packet.extend([0, 0, 1, 0, 1]);
    packet
}

/// Starts the clients.
pub(super) fn load(tally: &Arc<Tally>) -> Vec<JoinHandle<()>> {
    let client = |nth: usize| {
        let tally = Arc::clone(tally);
        std::thread::spawn(move || {
            let socket = UdpSocket::bind("192.168.178.3:0").unwrap();
            socket.connect("192.168.178.2:53").unwrap();
            socket.set_read_timeout(Some(Duration::from_secs(4))).unwrap();
            let mut answer = [0; 1500];
            for id in (0..=u16::MAX).cycle() {
                if tally.stop.load(Ordering::SeqCst) {
                    return;
                }
                // Answers come so fast that without a pause the clients would take
                // both cores of a small machine, and nobody could do anything else.
                pause(Duration::from_millis(1));
                let leaving = tally.leaving.load(Ordering::SeqCst);
                let asked = socket.send(&query(id, 1 + (nth * 37 + usize::from(id)) % 200));
                tally.sent.fetch_add(1, Ordering::SeqCst);
                let read = asked.and_then(|_| socket.recv(&mut answer));
                let right = read
                    .is_ok_and(|read| read > 12 && answer[..2] == id.to_be_bytes() && answer[3] & 15 == 0);
                if right {
                    tally.answered.fetch_add(1, Ordering::SeqCst);
                } else if leaving {
                    return;
                } else if tally.leaving.load(Ordering::SeqCst) {
                    // Sent around the moment of the order; it may have come after.
                    return;
                } else {
                    tally.lost.fetch_add(1, Ordering::SeqCst);
                }
            }
        })
    };
    (0..CLIENTS).map(client).collect()
}

#[test]
fn a_reload_under_load_loses_no_query() {
    in_house("house::life::a_reload_under_load_loses_no_query", |house| {
        house.write("more.txt", "nothing.example\n");
        let config = "[policy.open]\nlists = [\"more\"]\n[list.more]\npath = \"more.txt\"\n";
        let server = house.sordino(config);
        let tally = Arc::new(Tally::default());
        let clients = load(&tally);
        for round in 0..10 {
            let lines: Vec<_> = (0..2000).map(|nth| format!("r{round}-{nth}.example.net")).collect();
            house.write("more.txt", &lines.join("\n"));
            server.signal("HUP");
            pause(Duration::from_millis(200));
        }
        tally.stop.store(true, Ordering::SeqCst);
        for client in clients {
            client.join().unwrap();
        }
        let (sent, answered) = (tally.sent.load(Ordering::SeqCst), tally.answered.load(Ordering::SeqCst));
        assert_eq!((tally.lost.load(Ordering::SeqCst), sent), (0, answered), "{}", server.log());
        assert!(sent > 1000, "{sent} is no load");
        eprintln!("{sent} queries over 10 reloads, none lost");
        // What was read while everybody was busy takes a moment longer.
        let answer = || house.dig("laptop", "@192.168.178.2 r9-1999.example.net");
        for _ in 0..50 {
            if answer().error.is_some() {
                break;
            }
            pause(Duration::from_millis(100));
        }
        answer().assert_blocked("more.txt:2000 list more");
    });
}

#[test]
fn a_faulty_config_keeps_the_old_one_and_says_why() {
    in_house("house::life::a_faulty_config_keeps_the_old_one_and_says_why", |house| {
        let server = house.sordino("[device.kitchen]\nmac = \"44:65:0d:12:34:56\"\n");
        let good = std::fs::read_to_string(&server.config).unwrap();
        house.write("config.toml", &good.replace("44:65:0d:12:34:56", "44:65:0d"));
        server.signal("HUP");
        eventually("the refusal", || server.log().contains("reload refused").then_some(()));
        assert!(server.log().contains("not a MAC address"), "{}", server.log());
        assert_eq!(server.metric("sordino_config_last_reload_ok", &[]), 0);
        assert_eq!(house.dig("echo", "@192.168.178.2 device-metrics-us.amazon.com").status, "NXDOMAIN");
        house.write("config.toml", &format!("{good}\n[unlisted]\nothers = \"strict\"\n"));
        server.signal("HUP");
        eventually("the reload", || (server.metric("sordino_config_last_reload_ok", &[]) > 0).then_some(()));
    });
}

#[test]
fn a_saved_list_is_live_without_a_signal() {
    in_house("house::life::a_saved_list_is_live_without_a_signal", |house| {
        house.write("mine.txt", "nothing.example\n");
        let _server = house.sordino("[policy.open]\nlists = [\"mine\"]\n[list.mine]\npath = \"mine.txt\"\n");
        house.dig("laptop", "@192.168.178.2 api.amazon.com").assert_resolved();
        house.write("mine.txt", "api.amazon.com\n");
        eventually("the saved list", || {
            (house.dig("laptop", "@192.168.178.2 api.amazon.com").status == "NXDOMAIN").then_some(())
        });
    });
}

#[test]
fn a_stop_under_load_answers_what_was_taken_in() {
    in_house("house::life::a_stop_under_load_answers_what_was_taken_in", |house| {
        let mut server = house.sordino("");
        let tally = Arc::new(Tally::default());
        let clients = load(&tally);
        pause(Duration::from_secs(1));
        // Queries that wait for the network when the order comes: their server
        // is silent, so the answer is SERVFAIL, but there is one.
        let slow = UdpSocket::bind("192.168.178.3:0").unwrap();
        slow.connect("192.168.178.2:53").unwrap();
        slow.set_read_timeout(Some(Duration::from_secs(12))).unwrap();
        for id in 0..20u16 {
            slow.send(&query(id, 1 + usize::from(id))).unwrap();
        }
        pause(Duration::from_millis(20));
        tally.leaving.store(true, Ordering::SeqCst);
        server.signal("TERM");
        let status = server.wait();
        assert!(status.success(), "{status}: {}", server.log());
        let mut answer = [0; 1500];
        for _ in 0..20 {
            slow.recv(&mut answer).expect("an answer to what was taken in");
        }
        tally.stop.store(true, Ordering::SeqCst);
        for client in clients {
            client.join().unwrap();
        }
        assert_eq!(tally.lost.load(Ordering::SeqCst), 0, "{}", server.log());
        assert!(tally.answered.load(Ordering::SeqCst) > 500);
    });
}
