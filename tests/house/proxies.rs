//! dnsdist before two Sordinos: each client keeps its policy, and when one of the
//! two goes, nobody notices.

use std::net::UdpSocket;
use std::process::Child;
use std::process::Command;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::House;
use super::in_house;
use super::life::Tally;
use super::life::load;
use super::support::Server;
use super::support::eventually;
use super::support::pause;

const METRICS: &str = "device-metrics-us.amazon.com";

/// dnsdist, where the house expects its resolver; ends with the value.
struct Dnsdist(Child);

impl Dnsdist {
    /// Starts it; none without the program.
    fn start(house: &House) -> Option<Self> {
        let server = |port: u16| {
            format!(
                "newServer({{address=\"127.0.0.1:{port}\", useProxyProtocol=true, checkName=\"localhost.\", \
                 checkInterval=1, maxCheckFailures=1}})\n"
            )
        };
        let config = format!(
            "setLocal(\"192.168.178.2:53\")\naddLocal(\"[fd00:178::2]:53\")\nsetACL({{\"0.0.0.0/0\", \"::/0\"}})\n\
             setServerPolicy(roundrobin)\n{}{}",
            server(5301),
            server(5302)
        );
        let config = house.write("dnsdist.conf", &config);
        let mut command = Command::new("dnsdist");
        command.args(["--supervised", "--disable-syslog", "-C"]).arg(config);
        Some(Self(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().ok()?))
    }
}

impl Drop for Dnsdist {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts one of the two.
fn start(house: &House, nth: u16) -> Server {
    let folder = house.folder.join(nth.to_string());
    std::fs::create_dir_all(&folder).unwrap();
    let house = House { zones: house.zones.clone(), state: folder.clone(), folder };
    let config = format!(
        "[listen]\ndns = [\"127.0.0.1:{}\"]\nproxy-protocol-from = [\"127.0.0.1\"]\n\
         [metrics]\nlisten = \"127.0.0.1:{}\"\n[web]\nlisten = \"127.0.0.1:{}\"\n\
         [device.kitchen]\nmac = \"44:65:0d:12:34:56\"\n",
        5300 + nth,
        9952 + nth,
        8052 + nth,
    );
    house.sordino(&config)
}

/// Starts the two and dnsdist before them, and waits until it has found both.
fn start_all(house: &House) -> Option<(Server, Server, Dnsdist)> {
    let (one, two) = (start(house, 1), start(house, 2));
    let Some(dnsdist) = Dnsdist::start(house) else {
        eprintln!("skipped: no `dnsdist` (Debian: dnsdist)");
        return None;
    };
    eventually("dnsdist", || {
        let answer = house.dig("laptop", "+time=1 @192.168.178.2 localhost");
        (answer.status == "NOERROR").then_some(())
    });
    pause(Duration::from_secs(2));
    Some((one, two, dnsdist))
}

#[test]
fn each_client_keeps_its_policy_behind_a_proxy() {
    in_house("house::proxies::each_client_keeps_its_policy_behind_a_proxy", |house| {
        let Some(_all) = start_all(house) else { return };
        for way in ["@192.168.178.2", "+tcp @192.168.178.2", "@fd00:178::2", "+tcp @fd00:178::2"] {
            for _ in 0..4 {
                let echo = house.dig("echo", &format!("{way} {METRICS}"));
                assert_eq!(echo.status, "NXDOMAIN", "{way}: {}", echo.shown);
                house.dig("laptop", &format!("{way} {METRICS}")).assert_resolved();
            }
        }
    });
}

#[test]
fn a_header_is_believed_of_proxies_only_and_wanted_of_them() {
    in_house("house::proxies::a_header_is_believed_of_proxies_only_and_wanted_of_them", |house| {
        let server = house.sordino(
            "[listen]\ndns = [\"192.168.178.2\", \"127.0.0.1\"]\nproxy-protocol-from = [\"192.168.178.3\"]\n",
        );
        let mut query = vec![0, 7, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
        query.extend(b"\x09localhost\0\0\x01\0\x01");
        let header = b"\r\n\r\n\0\r\nQUIT\n\x21\x12\0\x0c\xc0\xa8\xb2\x1e\xc0\xa8\xb2\x02\x30\x39\0\x35";
        let headed = [&header[..], &query].concat();
        let mut dropped = 0;
        for (from, packet, answered) in [
            ("192.168.178.3:0", &headed, true),
            ("192.168.178.3:0", &query, false),
            ("192.168.178.2:0", &headed, false),
            ("192.168.178.2:0", &query, true),
        ] {
            let socket = UdpSocket::bind(from).unwrap();
            socket.connect("192.168.178.2:53").unwrap();
            socket.set_read_timeout(Some(Duration::from_millis(if answered { 8000 } else { 300 }))).unwrap();
            socket.send(packet).unwrap();
            assert_eq!(socket.recv(&mut [0; 512]).is_ok(), answered, "{from}");
            dropped += u64::from(!answered);
        }
        server.assert_metric("sordino_dropped_total", &["proxy-header"], dropped);
        let tcp = house.dig("resolver", "+tcp -b 192.168.178.3 +time=5 @192.168.178.2 localhost");
        assert_ne!(tcp.status, "NOERROR", "{}", tcp.shown);
    });
}

#[test]
fn one_of_two_goes_and_nobody_notices() {
    in_house("house::proxies::one_of_two_goes_and_nobody_notices", |house| {
        for signal in ["TERM", "KILL"] {
            let Some((one, mut two, _dnsdist)) = start_all(house) else { return };
            let tally = Arc::new(Tally::default());
            let clients = load(&tally);
            pause(Duration::from_secs(1));
            two.signal(signal);
            two.wait();
            // Longer than a client waits.
            pause(Duration::from_secs(5));
            let lost_by_then = tally.lost.load(Ordering::SeqCst);
            pause(Duration::from_secs(2));
            tally.stop.store(true, Ordering::SeqCst);
            for client in clients {
                client.join().unwrap();
            }
            let (answered, lost) = (tally.answered.load(Ordering::SeqCst), tally.lost.load(Ordering::SeqCst));
            eprintln!("{signal}: {answered} answered, {lost} lost");
            assert!(answered > 1000, "{answered} is no load");
            if signal == "TERM" {
                assert_eq!(lost, 0, "{}", one.log());
            } else {
                // What it had in hand, and what dnsdist sent until it looked: one
                // query of each client, which waits for its answer.
                assert!(lost_by_then <= 16 && lost == lost_by_then, "{lost_by_then}, then {lost}");
            }
        }
    });
}
