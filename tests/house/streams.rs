//! Many queries on one TCP connection, and a validator behind one.

use std::io::Read;
use std::io::Write;
use std::net::TcpStream;
use std::process::Command;
use std::time::Duration;

use super::in_house;
use super::support::delv;
use super::support::eventually;

/// Writes a query for `load-N.amazon.com`, with its length.
fn query(id: u16, label: &str) -> Vec<u8> {
    let mut packet = id.to_be_bytes().to_vec();
    packet.extend([1, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
    for label in [label, "amazon", "com"] {
        packet.push(u8::try_from(label.len()).unwrap());
        packet.extend(label.as_bytes());
    }
    packet.extend([0, 0, 1, 0, 1]);
    [&u16::try_from(packet.len()).unwrap().to_be_bytes()[..], &packet].concat()
}

#[test]
fn ten_thousand_queries_on_one_connection_are_all_answered() {
    in_house("house::streams::ten_thousand_queries_on_one_connection_are_all_answered", |house| {
        let _server = house.sordino("");
        let stream = TcpStream::connect("192.168.178.2:53").unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(8))).unwrap();
        let mut write = stream.try_clone().unwrap();
        let writing = std::thread::spawn(move || {
            for id in 0..10_000 {
                write.write_all(&query(id, &format!("load-{}", 1 + id % 200))).unwrap();
            }
        });
        let mut seen = vec![false; 10_000];
        let mut read = std::io::BufReader::new(stream);
        for _ in 0..10_000 {
            let mut length = [0; 2];
            read.read_exact(&mut length).unwrap();
            let mut answer = vec![0; usize::from(u16::from_be_bytes(length))];
            read.read_exact(&mut answer).unwrap();
            assert_eq!(answer[3] & 15, 0);
            seen[usize::from(u16::from_be_bytes([answer[0], answer[1]]))] = true;
        }
        writing.join().unwrap();
        assert!(seen.into_iter().all(|seen| seen));
    });
}

#[test]
fn whoever_keeps_all_connections_open_locks_nobody_out() {
    in_house("house::streams::whoever_keeps_all_connections_open_locks_nobody_out", |house| {
        let server = house.sordino("");
        for address in 2..40 {
            let done = Command::new("ip")
                .args(["addr", "add", &format!("192.168.178.{}/24", 100 + address), "dev", "house"])
                .status();
            assert!(done.unwrap().success());
        }
        let connect = |from: u8| {
            let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
            socket.bind(&std::net::SocketAddr::from(([192, 168, 178, from], 0)).into()).unwrap();
            socket.connect(&std::net::SocketAddr::from(([192, 168, 178, 2], 53)).into()).unwrap();
            TcpStream::from(socket)
        };
        let mut held = Vec::new();
        for nth in 0..600u16 {
            let mut stream = connect(102 + u8::try_from(nth % 38).unwrap());
            // Half of them begin a query that they never end.
            if nth % 2 == 0 {
                stream.write_all(&[0, 40, 1]).unwrap();
            }
            held.push(stream);
        }
        let answer = house.dig("laptop", "+tcp @192.168.178.2 api.amazon.com");
        answer.assert_resolved();
        let open = std::fs::read_dir(format!("/proc/{}/fd", server.pid())).unwrap().count();
        assert!(open < 330, "{open} descriptors");
        drop(held);
    });
}

#[test]
fn a_client_that_does_not_read_is_left_alone_after_a_while() {
    in_house("house::streams::a_client_that_does_not_read_is_left_alone_after_a_while", |house| {
        let server = house.sordino("");
        let mut stream = TcpStream::connect("192.168.178.2:53").unwrap();
        stream.set_write_timeout(Some(Duration::from_secs(15))).unwrap();
        let asked: Vec<u8> = (0..1000).flat_map(|id| query(id, "load-1")).collect();
        // Until nobody takes any more, and then until we are thrown out.
        while stream.write_all(&asked).is_ok() {}
        server.assert_alive();
        eventually("what could not be sent is counted", || {
            (server.metric("sordino_dropped_total", &["send-failed"]) > 0).then_some(())
        });
    });
}

#[test]
fn streams_say_how_long_they_may_be_idle_and_a_validator_is_content() {
    in_house("house::streams::streams_say_how_long_they_may_be_idle_and_a_validator_is_content", |house| {
        let _server = house.sordino("");
        let keepalive =
            |args: &str| house.dig("laptop", &format!("{args} +keepalive @192.168.178.2 localhost")).shown;
        let said = keepalive("+tcp");
        assert!(said.contains("TCP KEEPALIVE: 10.0 secs"), "{said}");
        assert!(!keepalive("+notcp").contains("KEEPALIVE"));
        let said = delv(house, &["+tcp", "www.signed.org", "A"]);
        assert!(said.contains("; fully validated"), "{said}");
    });
}
