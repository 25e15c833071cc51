//! Real sockets on loopback, a resolver that knows one answer.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;

use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::net::UdpSocket;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::*;
use crate::answer::Blocked;
use crate::answer::BlockedAnswer;
use crate::base::MacAddr;
use crate::base::Now;
use crate::base::time::SystemClock;
use crate::catalog::Catalog;
use crate::device::PolicyId;
use crate::device::Registry;
use crate::device::Unlisted;
use crate::pipeline::Event;
use crate::pipeline::Household;
use crate::pipeline::Witness;
use crate::policy::Builtin;
use crate::policy::Permit;
use crate::policy::Policies;
use crate::resolve::Failure;
use crate::resolve::FailureKind;
use crate::resolve::Origin;
use crate::resolve::Resolved;
use access::Access;
use door::Home;
use identify::Identify;
use neighbor::Neighbors;
use neighbor::Sight;

/// Fails every query; panics at one name, as no resolver ever should, and takes
/// its time with others.
#[derive(Debug)]
struct Failing {
    /// A permit for each name `slow.example` whose time has come.
    gate: tokio::sync::Semaphore,
}

impl Resolve for Failing {
    async fn resolve(&self, permit: &Permit<'_>, _now: Now) -> Result<Resolved, Failure> {
        let name = permit.name().to_string();
        assert!(name != "panic.example", "as asked for");
        if name == "slow.example" {
            self.gate.acquire().await.unwrap().forget();
        }
        Err(Failure {
            kind: FailureKind::Timeout,
            detail: "nobody is there".into(),
            origin: Origin::Recursion,
        })
    }
}

/// Knows one MAC for everybody.
struct OneMac;

impl Neighbors for OneMac {
    fn look(&self, _peer: SocketAddr) -> Sight {
        Sight::Here(MacAddr([0, 0, 0x5e, 0, 0x53, 1]))
    }

    fn poke(&self, _peer: SocketAddr) {}
}

/// Keeps the words for what it is told.
#[derive(Default)]
struct Notes(Mutex<Vec<String>>);

impl Witness for Notes {
    fn note(&self, event: Event) {
        self.0.lock().unwrap().push(match event {
            Event::Served { served, .. } => format!("served {}", served.query.client.mac.unwrap()),
            Event::TurnedAway { rcode, transport } => format!("turned away {rcode} {}", transport.as_str()),
            Event::Dropped(reason) => format!("dropped {}", reason.as_str()),
            Event::Storm { .. } => "a storm".to_owned(),
            Event::Panicked => "panicked".to_owned(),
        });
    }
}

/// A door on loopback.
struct Fixture {
    address: SocketAddr,
    notes: Arc<Notes>,
    resolver: Arc<Failing>,
    stop: watch::Sender<bool>,
    serving: JoinHandle<io::Result<()>>,
}

impl Fixture {
    fn open(listen: &str, allow: &[&str], threads: usize) -> Self {
        let unlisted = Unlisted { speakers: PolicyId(0), others: PolicyId(0) };
        let house = Household {
            devices: Registry::new(Vec::new(), unlisted).unwrap(),
            catalog: Catalog::default(),
            policies: Policies { policies: vec![Builtin::Open.policy()], ..Policies::default() },
            blocked: Blocked { answer: BlockedAnswer::NxDomain, ttl: 60, max_ttl: 3_600 },
        };
        let allow: Vec<_> = allow.iter().map(|net| net.parse().unwrap()).collect();
        let resolver = Arc::new(Failing { gate: tokio::sync::Semaphore::const_new(0) });
        let access = Access::new(&allow);
        let home = Home::new(Arc::new(house), Arc::clone(&resolver), access);
        let notes = Arc::new(Notes::default());
        let clock = Arc::new(SystemClock::default());
        let identify = Arc::new(Identify::new(Arc::new(OneMac), Arc::default()));
        let door = Arc::new(Door::new(home, clock, identify, Arc::clone(&notes) as Arc<dyn Witness>));
        // TCP needs the port that UDP got; trying again is for the rare case
        // that somebody else has it.
        let sockets = (0..50)
            .find_map(|_| {
                let probe = std::net::UdpSocket::bind((listen, 0)).unwrap();
                let address = probe.local_addr().unwrap();
                drop(probe);
                bind(Addresses { dns: &[address], ..Addresses::default() }, threads).ok()
            })
            .unwrap();
        let address = sockets.addresses()[0];
        let (stop, stopped) = watch::channel(false);
        let serving = tokio::spawn(sockets.run(door, stopped));
        Self { address, notes, resolver, stop, serving }
    }

    async fn udp(&self, packet: &[u8]) -> Option<Vec<u8>> {
        let from = if self.address.is_ipv4() { "127.0.0.1:0" } else { "[::1]:0" };
        let socket = UdpSocket::bind(from).await.unwrap();
        socket.connect(self.address).await.unwrap();
        socket.send(packet).await.unwrap();
        let mut answer = vec![0; 4096];
        let read = tokio::time::timeout(Duration::from_millis(500), socket.recv(&mut answer)).await.ok()?;
        answer.truncate(read.ok()?);
        Some(answer)
    }

    async fn tcp(&self, packet: &[u8]) -> Option<Vec<u8>> {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        write(&mut stream, packet).await;
        read(&mut stream).await
    }

    async fn close(self) -> Vec<String> {
        self.stop.send(true).unwrap();
        self.serving.await.unwrap().unwrap();
        let notes = self.notes.0.lock().unwrap();
        notes.clone()
    }
}

/// Writes a message to a stream.
async fn write(stream: &mut TcpStream, packet: &[u8]) {
    stream.write_u16(u16::try_from(packet.len()).unwrap()).await.unwrap();
    stream.write_all(packet).await.unwrap();
}

/// Reads a message from a stream; none if it ends, or nothing comes.
async fn read(stream: &mut TcpStream) -> Option<Vec<u8>> {
    let read = async {
        let length = stream.read_u16().await.ok()?;
        let mut answer = vec![0; usize::from(length)];
        stream.read_exact(&mut answer).await.ok()?;
        Some(answer)
    };
    tokio::time::timeout(Duration::from_millis(500), read).await.ok()?
}

/// Writes a query: flags, one question, and an OPT record of a version.
fn query(flags: u16, name: &str, qtype: u16, class: u16, edns: Option<u8>) -> Vec<u8> {
    let mut packet = vec![0x12, 0x34];
    packet.extend(flags.to_be_bytes());
    packet.extend([0, 1, 0, 0, 0, 0, 0, u8::from(edns.is_some())]);
    for label in name.split('.') {
        packet.push(u8::try_from(label.len()).unwrap());
        packet.extend(label.as_bytes());
    }
    packet.push(0);
    packet.extend(qtype.to_be_bytes());
    packet.extend(class.to_be_bytes());
    if let Some(version) = edns {
        packet.extend([0, 0, 41, 0x04, 0xd0, 0, version, 0, 0, 0, 0]);
    }
    packet
}

/// RD.
const RD: u16 = 0x0100;

/// Returns the RCODE, with the upper bits from the OPT record if one ends the
/// message.
fn rcode(answer: &[u8]) -> u16 {
    let low = u16::from(answer[3] & 15);
    let opt = answer.len().checked_sub(11).map(|at| &answer[at..]);
    match opt {
        Some([0, 0, 41, _, _, high, ..]) => u16::from(*high) << 4 | low,
        _ => low,
    }
}

#[tokio::test]
async fn every_kind_of_packet_gets_its_rcode() {
    for (listen, threads) in [("127.0.0.1", 0), ("::1", 0), ("127.0.0.1", 1), ("::1", 2)] {
        let door = Fixture::open(listen, &["127.0.0.0/8", "::1/128"], threads);
        let name = "Www.Example";
        for (packet, expected) in [
            (query(RD, name, 1, 1, None), 2),
            (query(RD, name, 1, 1, Some(0)), 2),
            (query(RD, "panic.example", 1, 1, None), 2),
            (query(RD, name, 1, 1, Some(1)), 16),
            (query(0, name, 1, 1, None), 5),
            (query(RD, name, 1, 3, None), 5),
            (query(RD, name, 252, 1, None), 5),
            (query(RD, name, 250, 1, None), 4),
            (query(RD, name, 41, 1, None), 1),
            (query(RD | 0x2000, name, 1, 1, None), 4),
            (query(RD, name, 1, 1, None)[..20].to_vec(), 1),
            (vec![0x12, 0x34, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0], 1),
            (vec![0x12, 0x34, 1, 0, 0xff, 0xff, 0, 0, 0, 0, 0, 0], 1),
        ] {
            for answer in [door.udp(&packet).await, door.tcp(&packet).await] {
                let answer = answer.unwrap_or_else(|| panic!("no answer to {packet:x?}"));
                assert_eq!(rcode(&answer), expected, "{packet:x?}");
                assert_eq!(answer[..2], packet[..2]);
                assert_eq!(answer[2] & 0x80, 0x80, "QR");
            }
        }
        let notes = door.close().await;
        assert!(notes.contains(&"served 00:00:5e:00:53:01".to_owned()));
        assert_eq!(notes.iter().filter(|note| *note == "panicked").count(), 2);
    }
}

#[tokio::test]
async fn responses_and_scraps_are_dropped() {
    let door = Fixture::open("127.0.0.1", &["127.0.0.0/8"], 1);
    assert_eq!(door.udp(&query(RD | 0x8000, "a.example", 1, 1, None)).await, None);
    assert_eq!(door.udp(&[1, 2, 3]).await, None);
    assert_eq!(door.tcp(&query(RD | 0x8000, "a.example", 1, 1, None)).await, None);
    let dropped = "dropped not-a-query".to_owned();
    assert_eq!(door.close().await, [dropped.clone(), dropped.clone(), dropped]);
}

#[tokio::test]
async fn strangers_are_refused() {
    let door = Fixture::open("127.0.0.1", &["192.168.0.0/16"], 1);
    let packet = query(RD, "a.example", 1, 1, None);
    assert_eq!(rcode(&door.udp(&packet).await.unwrap()), 5);
    assert_eq!(rcode(&door.tcp(&packet).await.unwrap()), 5);
    let mut notes = door.close().await;
    notes.sort();
    assert_eq!(notes, ["turned away 5 tcp", "turned away 5 udp"]);
}

#[tokio::test]
async fn the_case_of_the_name_comes_back() {
    let door = Fixture::open("127.0.0.1", &["127.0.0.0/8"], 1);
    let packet = query(RD, "wWw.eXaMpLe", 1, 1, None);
    for answer in [door.udp(&packet).await.unwrap(), door.tcp(&packet).await.unwrap()] {
        assert_eq!(answer[12..packet.len()], packet[12..]);
    }
    door.close().await;
}

#[tokio::test]
async fn on_a_stream_the_quick_overtake_the_slow_and_sixteen_are_in_hand() {
    let door = Fixture::open("127.0.0.1", &["127.0.0.0/8"], 1);
    let mut stream = TcpStream::connect(door.address).await.unwrap();
    let with_id = |id: u8, name| [&[0, id], &query(RD, name, 1, 1, None)[2..]].concat();
    for id in 1..16 {
        write(&mut stream, &with_id(id, "slow.example")).await;
    }
    for id in 16..19 {
        write(&mut stream, &with_id(id, "quick.example")).await;
        assert_eq!(read(&mut stream).await.unwrap()[1], id);
    }
    write(&mut stream, &with_id(19, "slow.example")).await;
    write(&mut stream, &with_id(20, "quick.example")).await;
    assert_eq!(read(&mut stream).await, None, "sixteen are in hand");
    door.resolver.gate.add_permits(16);
    let mut ids = Vec::new();
    for _ in 0..17 {
        ids.push(read(&mut stream).await.unwrap()[1]);
    }
    ids.sort_unstable();
    assert_eq!(ids, (1..16).chain(19..21).collect::<Vec<_>>());
    door.close().await;
}

#[tokio::test]
async fn whoever_says_that_it_is_done_still_gets_its_answers() {
    let door = Fixture::open("127.0.0.1", &["127.0.0.0/8"], 1);
    let mut stream = TcpStream::connect(door.address).await.unwrap();
    write(&mut stream, &query(RD, "slow.example", 1, 1, None)).await;
    stream.shutdown().await.unwrap();
    door.resolver.gate.add_permits(1);
    assert_eq!(rcode(&read(&mut stream).await.unwrap()), 2);
    door.close().await;
}

#[tokio::test]
async fn a_stop_answers_what_is_in_hand_and_takes_no_more() {
    let mut door = Fixture::open("127.0.0.1", &["127.0.0.0/8"], 1);
    let mut stream = TcpStream::connect(door.address).await.unwrap();
    write(&mut stream, &query(RD, "quick.example", 1, 1, None)).await;
    write(&mut stream, &query(RD, "slow.example", 1, 1, None)).await;
    assert!(read(&mut stream).await.is_some());
    // The slow one was read in the same breath as the quick one, or is now.
    write(&mut stream, &query(RD, "quick.example", 1, 1, None)).await;
    assert!(read(&mut stream).await.is_some());
    door.stop.send(true).unwrap();
    assert_eq!(read(&mut stream).await, None);
    assert!(TcpStream::connect(door.address).await.is_err());
    door.resolver.gate.add_permits(1);
    assert_eq!(rcode(&read(&mut stream).await.unwrap()), 2);
    assert_eq!(stream.read(&mut [0]).await.unwrap(), 0, "closed in good order");
    (&mut door.serving).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_client_that_goes_away_is_noted_too() {
    let door = Fixture::open("127.0.0.1", &["127.0.0.0/8"], 1);
    let mut stream = TcpStream::connect(door.address).await.unwrap();
    write(&mut stream, &query(RD, "slow.example", 1, 1, None)).await;
    write(&mut stream, &query(RD, "quick.example", 1, 1, None)).await;
    assert!(read(&mut stream).await.is_some());
    stream.set_zero_linger().unwrap();
    drop(stream);
    door.resolver.gate.add_permits(1);
    let mut notes = door.close().await;
    notes.sort();
    assert_eq!(notes, ["dropped send-failed", "served 00:00:5e:00:53:01"]);
}
