//! What devices announce to everybody over mDNS and SSDP, by themselves and when
//! they are asked.

use std::process::Child;
use std::process::Command;

use super::House;
use super::in_house;
use super::support::eventually;
use super::support::ip;
use super::support::run;
use super::support::sordino;

/// Says over mDNS that a Sonos is here, after some octets that are no message.
const ANNOUNCE: &str = r#"
import socket
def name(text):
    return b"".join(bytes([len(label)]) + label.encode() for label in text.split(".")) + b"\0"
owner, rdata = name("_sonos._tcp.local"), name("x._sonos._tcp.local")
record = owner + b"\0\x0c\0\x01\0\0\0\x78" + len(rdata).to_bytes(2, "big") + rdata
link = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for message in [b"\xff" * 700, b"\0\0\x84\0\0\0\xff\xff\0\0\0\0", b"\0\0\x84\0\0\0\0\x01\0\0\0\0" + record]:
    link.sendto(message, ("224.0.0.251", 5353))
link.sendto(b"NOTIFY * HTTP/1.1\r\nNT: roku:ecp\r\nNTS: ssdp:alive\r\n\r\n", ("239.255.255.250", 1900))
"#;

/// A Sonos in a room, which says nothing until it is asked, over one family.
const RESPONDER: &str = r#"
import socket, struct, sys, time
family, room = sys.argv[1:]
def name(*labels):
    return b"".join(bytes([len(label)]) + label for label in (label.encode() for label in labels)) + b"\0"
owner, rdata = name("_sonos", "_tcp", "local"), name("RINCON_00005E@" + room, "_sonos", "_tcp", "local")
answer = b"\0\0\x84\0\0\0\0\x01\0\0\0\0" + owner + b"\0\x0c\0\x01\0\0\0\x78" + len(rdata).to_bytes(2, "big") + rdata
index = socket.if_nametoindex("eth0")
if family == "4":
    link, group = socket.socket(socket.AF_INET, socket.SOCK_DGRAM), ("224.0.0.251", 5353)
    link.bind(group)
    join = socket.inet_aton(group[0]) + struct.pack("@ii", 0, index)
    link.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, join)
    out = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    out.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, struct.pack("@4sii", b"\0" * 4, 0, index))
else:
    link, group = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM), ("ff02::fb", 5353, 0, index)
    link.bind(group)
    join = socket.inet_pton(socket.AF_INET6, "ff02::fb") + struct.pack("@I", index)
    link.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, join)
    out = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
print("ready", flush=True)
while True:
    packet, (host, port, *_) = link.recvfrom(9000)
    if packet[2] < 128 and b"\x06_sonos" in packet and port == 5353:
        print("asked", flush=True)
        break
# As devices do that are new on a link, more than once.
while True:
    out.sendto(answer, group)
    time.sleep(0.5)
"#;

/// A program that waits until it is asked.
struct Speaker(Child, std::path::PathBuf);

impl Speaker {
    /// Starts it in a host's namespace.
    fn start(house: &House, host: &str, family: &str, room: &str) -> Self {
        let log = house.folder.join(format!("speaker-{host}"));
        let child = Command::new("ip")
            .args(["netns", "exec", host, "python3", "-c", RESPONDER, family, room])
            .stdout(std::fs::File::create(&log).unwrap())
            .spawn()
            .unwrap();
        let speaker = Self(child, log);
        eventually("the speaker listens", || speaker.said("ready").then_some(()));
        speaker
    }

    /// Returns whether it has said this.
    fn said(&self, word: &str) -> bool {
        std::fs::read_to_string(&self.1).unwrap_or_default().contains(word)
    }
}

impl Drop for Speaker {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn what_a_device_announces_is_one_sign_and_what_it_asks_for_another() {
    let name = "house::announcements::what_a_device_announces_is_one_sign_and_what_it_asks_for_another";
    in_house(name, |house| {
        let server = house.sordino("");
        ip("-n laptop route add 224.0.0.0/4 dev eth0");
        house.dig("laptop", "@192.168.178.2 localhost").assert_resolved();
        let shown = eventually("the announcement is heard", || {
            run(&["ip", "netns", "exec", "laptop", "python3", "-c", ANNOUNCE]);
            let shown = sordino(house, &["devices"]);
            shown.contains("perhaps sonos").then_some(shown)
        });
        assert!(shown.contains("perhaps sonos, 60 %: mdns _sonos._tcp (blocklists/sonos.txt:"), "{shown}");
        let speakers = ["identified_by=\"signs\"", "family=\"sonos\""];
        assert_eq!(server.metric("sordino_device_info", &speakers), 0);
        eventually("it is recognized", || {
            house.dig("laptop", "@192.168.178.2 msmetrics.ws.sonos.com");
            (server.metric("sordino_device_info", &speakers) == 1).then_some(())
        });
        server.assert_alive();
    });
}

#[test]
fn a_pair_is_proposed_as_one() {
    in_house("house::announcements::a_pair_is_proposed_as_one", |house| {
        // Another speaker in the same room.
        ip("netns add sub");
        ip("link add to-sub type veth peer name eth0 netns sub address 00:00:5e:00:53:31");
        ip("link set to-sub master house up");
        ip("-n sub link set eth0 up");
        ip("-n sub addr add 192.168.178.31/24 dev eth0");
        let tentative = |host: &str| {
            let shown =
                Command::new("ip").args(["-n", host, "-6", "addr", "show", "tentative"]).output().unwrap();
            !shown.stdout.is_empty()
        };
        let own = || Command::new("ip").args(["-6", "addr", "show", "tentative"]).output().unwrap();
        eventually("addresses are in use", || {
            (own().stdout.is_empty() && !tentative("laptop") && !tentative("sub")).then_some(())
        });
        // Neither has ever talked to this machine.
        let speakers =
            [Speaker::start(house, "laptop", "4", "Küche links"), Speaker::start(house, "sub", "6", "Küche")];
        let _server = house.sordino("");
        eventually("both are asked", || speakers.iter().all(|speaker| speaker.said("asked")).then_some(()));
        let shown = eventually("both are heard", || {
            let shown = sordino(house, &["devices"]);
            (shown.matches("perhaps sonos").count() == 2).then_some(shown)
        });
        let pair = "in \"Küche links\", like 00:00:5e:00:53:31: a pair or a set; list them as one sonos,";
        assert!(shown.contains(pair), "{shown}");
        assert!(shown.contains("mac    = [\"00:00:5e:00:53:30\", \"00:00:5e:00:53:31\"]"), "{shown}");
    });
}
