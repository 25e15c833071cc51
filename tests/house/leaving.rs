//! What leaves the house: names that others have to answer, and nothing of whoever
//! asked for them.

use std::net::UdpSocket;
use std::sync::Arc;
use std::sync::Mutex;
use std::thread;
use std::time::Duration;

use hickory_proto::op::Message;

use super::in_house;

/// Answers everything with NXDOMAIN, and keeps what it was asked.
fn stranger(address: &str) -> Arc<Mutex<Vec<Message>>> {
    let socket = UdpSocket::bind(address).unwrap();
    socket.set_read_timeout(Some(Duration::from_mins(1))).unwrap();
    let asked = Arc::<Mutex<Vec<Message>>>::default();
    let kept = Arc::clone(&asked);
    thread::spawn(move || {
        let mut room = [0; 4096];
        while let Ok((length, from)) = socket.recv_from(&mut room) {
            kept.lock().unwrap().push(Message::from_vec(&room[..length]).unwrap());
            room[2] |= 0x80;
            room[3] = 0x83;
            socket.send_to(&room[..length], from).unwrap();
        }
    });
    asked
}

#[test]
fn nothing_of_a_client_leaves_and_no_name_of_the_house() {
    in_house("house::leaving::nothing_of_a_client_leaves_and_no_name_of_the_house", |house| {
        let asked = stranger("127.0.0.9:5399");
        let _server = house.sordino("[resolve]\nmode = \"forward\"\nforward-to = [\"127.0.0.9:5399\"]\n");
        let telling =
            "+subnet=198.51.100.7/32 +cookie=0123456789abcdef +ednsopt=65001:a1b2c3 +padding=128 +nsid";
        for name in ["www.example.net", "WwW.Example.ORG"] {
            house.dig("echo", &format!("{telling} @192.168.178.2 {name}"));
        }
        for own in [
            "printer",
            "nas.lan",
            "speaker.local",
            "router.internal",
            "dns.home.arpa",
            "x.onion",
            "-x 192.168.178.20",
            "-x 10.1.2.3",
            "-x 169.254.1.1",
            "-x fd00:178::20",
            "-x fe80::1",
        ] {
            house.dig("echo", &format!("{telling} @192.168.178.2 {own}"));
        }
        let asked = asked.lock().unwrap();
        let names: Vec<_> =
            asked.iter().map(|asked| asked.queries[0].name().to_string().to_lowercase()).collect();
        for public in ["www.example.net.", "www.example.org."] {
            assert!(names.iter().any(|name| name == public), "{names:?}");
        }
        // Keys on the way to them are asked for as well.
        let above =
            |name: &&String| ["www.example.net.", "www.example.org."].iter().any(|all| all.ends_with(*name));
        assert!(names.iter().all(|name| above(&name)), "{names:?}");
        for query in asked.iter() {
            let options = query.edns.as_ref().map_or(0, |edns| edns.options().options.len());
            assert_eq!(options, 0, "{query:?}");
        }
    });
}
