//! HTTP/2 as it is misused (CVE-2023-44487, CVE-2024-27316, CVE-2019-9512 and
//! their like), frame by frame: the connection ends or is held to its bounds,
//! memory stays, and whoever else asks gets answers.

use std::io::Read;
use std::io::Write;
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;
use rustls::ClientConnection;
use rustls::RootCertStore;
use rustls::StreamOwned;
use rustls::crypto::ring;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::ServerName;
use rustls::pki_types::pem::PemObject;

use super::House;
use super::encrypted;
use super::in_house;

/// How many frames, or octets, are sent before an attacker is content.
const MANY: usize = 100_000;

/// By how much memory may grow through all of it, in KiB.
const GROWTH: u64 = 32 * 1024;

// Types of frames (RFC 9113 section 6).
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const PRIORITY: u8 = 2;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const WINDOW_UPDATE: u8 = 8;
const CONTINUATION: u8 = 9;

// Their flags.
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

/// Writes what an attacker sends for a stream.
type Frames<'a> = &'a dyn Fn(u32) -> Vec<u8>;

/// An attacker on a connection of its own.
struct Attacker(StreamOwned<ClientConnection, TcpStream>);

impl Attacker {
    /// Connects and greets.
    fn connect(house: &House) -> Self {
        let pem = std::fs::read(house.folder.join("dns.home.example.ca.pem")).unwrap();
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(&pem).unwrap()).unwrap();
        let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = vec![b"h2".to_vec()];
        let tls = ClientConnection::new(Arc::new(config), ServerName::try_from("dns.home.example").unwrap());
        let stream = TcpStream::connect("192.168.178.2:443").unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(8))).unwrap();
        stream.set_write_timeout(Some(Duration::from_secs(2))).unwrap();
        let mut attacker = Self(StreamOwned::new(tls.unwrap(), stream));
        attacker.0.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").unwrap();
        assert!(attacker.send(&frame(SETTINGS, 0, 0, &[])));
        // Opening took its time; from now on nothing is waited for.
        attacker.0.sock.set_read_timeout(Some(Duration::from_millis(1))).unwrap();
        attacker
    }

    /// Sends octets.  Returns whether the other side still takes them.
    fn send(&mut self, octets: &[u8]) -> bool {
        self.0.write_all(octets).and_then(|()| self.0.flush()).is_ok()
    }

    /// Takes what came, as far as it is there.  Returns whether there may be more
    /// one day.
    fn hear(&mut self) -> bool {
        let mut room = [0; 16 * 1024];
        match self.0.read(&mut room) {
            Ok(read) => read > 0,
            Err(error) => {
                matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut)
            }
        }
    }

    /// Sends the same over and over, each time for another stream.  Returns
    /// whether the other side bore it to the end, and says nothing else for as long as
    /// `patience` times a millisecond.
    fn flood(&mut self, write: impl Fn(u32) -> Vec<u8>, patience: u32) -> bool {
        let mut sent = 0;
        let mut stream = 1;
        while sent < MANY {
            let batch: Vec<u8> = (0..64).flat_map(|nth| write(stream + 2 * nth)).collect();
            stream += 128;
            sent += 64;
            if !self.send(&batch) || (sent % 4096 == 0 && !self.hear()) {
                return false;
            }
        }
        // What was said to all that may be on its way.
        (0..patience).all(|_| self.hear())
    }
}

/// Writes a frame.
fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let mut frame = u32::try_from(payload.len()).unwrap().to_be_bytes()[1..].to_vec();
    frame.extend([kind, flags]);
    frame.extend(stream.to_be_bytes());
    frame.extend(payload);
    frame
}

/// The head of a request (RFC 7541): POST https://x/dns-query, and how long it is.
fn head() -> Vec<u8> {
    let mut head = vec![0x83, 0x87];
    for (index, value) in [(1, "x"), (4, "/dns-query")] {
        head.extend([index, u8::try_from(value.len()).unwrap()]);
        head.extend(value.as_bytes());
    }
    // content-type is number 31 of the table, which takes a second octet.
    head.extend([0x0f, 16, 23]);
    head.extend(b"application/dns-message");
    head
}

/// A header field with a new name, as long as it is.
fn field(length: usize) -> Vec<u8> {
    let mut field = vec![0, 1, b'a', 0x7f];
    let mut rest = length - 127;
    while rest >= 128 {
        field.push(u8::try_from(rest % 128).unwrap() | 128);
        rest /= 128;
    }
    field.push(u8::try_from(rest).unwrap());
    field.resize(field.len() + length, b'x');
    field
}

/// Fails unless a neighbor is answered, in the clear and over HTTPS.
fn assert_answered(house: &House, what: &str) {
    house.dig("laptop", "+time=2 @192.168.178.2 api.amazon.com").assert_resolved();
    let said = encrypted::kdig(
        house,
        "laptop",
        "@192.168.178.2 +tls-host=dns.home.example +https",
        "api.amazon.com",
    );
    assert!(said.contains("status: NOERROR"), "{what}: {said}");
}

#[test]
fn whoever_misuses_http_harms_nobody() {
    in_house("house::floods::whoever_misuses_http_harms_nobody", |house| {
        let server = encrypted::start(house);
        assert_answered(house, "before");
        let before = server.memory();
        let open = |stream| frame(HEADERS, END_HEADERS, stream, &head());
        let reset = |stream| frame(RST_STREAM, 0, stream, &8u32.to_be_bytes());
        let bomb = |stream| {
            let head = [head(), field(12_000)].concat();
            frame(HEADERS, END_HEADERS | END_STREAM, stream, &head)
        };
        // What is sent, and whether it may be borne to the end: some is merely
        // useless.
        let attacks: [(&str, Frames<'_>, Option<bool>); 9] = [
            ("streams that are reset at once", &|nth| [open(nth), reset(nth)].concat(), Some(false)),
            ("streams beyond their number", &|nth| open(nth), Some(false)),
            (
                "a head without end",
                &|nth| match nth {
                    1 => frame(HEADERS, 0, 1, &head()),
                    _ => frame(CONTINUATION, 0, 1, &field(1_000)),
                },
                Some(false),
            ),
            (
                "a head without end, of nothing",
                &|nth| match nth {
                    1 => frame(HEADERS, 0, 1, &head()),
                    _ => frame(CONTINUATION, 0, 1, &[]),
                },
                Some(false),
            ),
            ("large heads", &bomb, None),
            ("settings", &|_| frame(SETTINGS, 0, 0, &[0, 4, 0, 1, 0, 0]), None),
            ("pings", &|_| frame(PING, 0, 0, &[7; 8]), None),
            (
                "data of nothing",
                &|nth| match nth {
                    1 => open(1),
                    _ => frame(DATA, 0, 1, &[]),
                },
                None,
            ),
            (
                "windows and weights",
                &|nth| {
                    [frame(WINDOW_UPDATE, 0, 0, &[0, 0, 0, 1]), frame(PRIORITY, 0, nth, &[0, 0, 0, 0, 9])]
                        .concat()
                },
                None,
            ),
        ];
        for (what, write, borne) in attacks {
            // Whoever is to be thrown out is, however busy the machine is.
            let patience = if borne == Some(false) { 8_000 } else { 200 };
            let to_the_end = Attacker::connect(house).flood(write, patience);
            assert!(borne.is_none_or(|borne| borne == to_the_end), "{what}: {to_the_end}");
            assert_answered(house, what);
            let grown = server.memory().saturating_sub(before);
            eprintln!("{what}: to the end: {to_the_end}, {grown} KiB more");
            assert!(grown <= GROWTH, "{what}: {grown} KiB more");
        }
        server.assert_runs();
        assert_eq!(server.metric("sordino_panics_total", &[]), 0);
    });
}

#[test]
fn slow_bodies_lock_nobody_out() {
    in_house("house::floods::slow_bodies_lock_nobody_out", |house| {
        let server = encrypted::start(house);
        // Each begins as many requests as it may, and gives an octet to none.
        let mut slow: Vec<_> = (0..24)
            .map(|_| {
                let mut attacker = Attacker::connect(house);
                for nth in 0..16 {
                    assert!(attacker.send(&frame(HEADERS, END_HEADERS, 1 + 2 * nth, &head())));
                }
                attacker
            })
            .collect();
        assert_answered(house, "while they dawdle");
        let open = std::fs::read_dir(format!("/proc/{}/fd", server.pid())).unwrap().count();
        assert!(open < 100, "{open} descriptors");
        // A body octet by octet is silence, too.
        let mut bored = false;
        for _ in 0..60 {
            super::support::pause(Duration::from_millis(100));
            bored =
                slow.iter_mut().all(|attacker| !(attacker.send(&frame(DATA, 0, 1, &[0])) && attacker.hear()));
            if bored {
                break;
            }
        }
        assert!(bored, "somebody was borne for six seconds");
        assert_answered(house, "afterwards");
    });
}
