//! Random and mutated packets: no panic, no growth, still answering.
//!
//! Ten seconds in a normal run; `SORDINO_NOISE_SECONDS=300` for the long one.

use std::io::Read;
use std::io::Write;
use std::net::TcpStream;
use std::net::UdpSocket;
use std::time::Duration;
use std::time::Instant;

use super::in_house;

/// A small generator of numbers that are all over the place (xorshift64).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, below: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % below as u64).unwrap()
    }

    fn byte(&mut self) -> u8 {
        u8::try_from(self.roll(256)).unwrap()
    }

    /// A good query, broken in up to eight places; or nothing but noise.
    fn packet(&mut self) -> Vec<u8> {
        if self.roll(4) == 0 {
            let length = self.roll(600);
            return (0..length).map(|_| self.byte()).collect();
        }
        let mut packet = vec![self.byte(), self.byte(), 1, 0, 0, 1, 0, 0, 0, 0, 0, 1];
        for label in [&b"load-1"[..], b"amazon", b"com"] {
            packet.push(u8::try_from(label.len()).unwrap());
            packet.extend(label);
        }
        packet.extend([0, 0, 1, 0, 1, 0, 0, 41, 4, 208, 0, 0, 0x80, 0, 0, 0]);
        for _ in 0..self.roll(9) {
            let at = self.roll(packet.len());
            match self.roll(3) {
                0 => packet[at] = self.byte(),
                1 => packet.insert(at, self.byte()),
                _ => packet.truncate(at.max(1)),
            }
        }
        packet
    }
}

#[test]
#[expect(clippy::disallowed_methods, reason = "noise lasts for a time by the clock")]
fn noise_neither_stops_it_nor_makes_it_grow() {
    in_house("house::noise::noise_neither_stops_it_nor_makes_it_grow", |house| {
        // A small cache is full soon: what grows then is a leak.
        let server = house.sordino("[cache]\nsize = \"1 MiB\"\n");
        let seconds =
            std::env::var("SORDINO_NOISE_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(10);
        let socket = UdpSocket::bind("192.168.178.3:0").unwrap();
        socket.set_nonblocking(true).unwrap();
        let mut dice = Dice(0x5eed_0f50_0d1f_f1ce);
        let (mut datagrams, mut streams) = (0u64, 0u64);
        let mut make_noise = |time: Duration| {
            let end = Instant::now() + time;
            let mut room = [0; 4096];
            while Instant::now() < end {
                for _ in 0..64 {
                    let _ = socket.send_to(&dice.packet(), "192.168.178.2:53");
                    datagrams += 1;
                }
                while socket.recv(&mut room).is_ok() {}
                let mut stream = TcpStream::connect("192.168.178.2:53").unwrap();
                stream.set_read_timeout(Some(Duration::from_millis(5))).unwrap();
                for _ in 0..=dice.roll(4) {
                    let packet = dice.packet();
                    let length = if dice.roll(8) == 0 { dice.roll(65536) } else { packet.len() };
                    let _ = stream.write_all(&u16::try_from(length).unwrap().to_be_bytes());
                    let _ = stream.write_all(&packet);
                }
                let _ = stream.read(&mut room);
                streams += 1;
            }
        };
        // The first part fills caches and buffers; what counts comes after.
        make_noise(Duration::from_secs(seconds) / 4);
        let before = server.memory();
        make_noise(Duration::from_secs(seconds) * 3 / 4);
        let after = server.memory();
        server.assert_alive();
        house.dig("laptop", "@192.168.178.2 api.amazon.com").assert_resolved();
        house.dig("laptop", "+tcp @192.168.178.2 api.amazon.com").assert_resolved();
        assert_eq!(server.metric("sordino_panics_total", &[]), 0);
        assert!(!server.log().contains("panicked"), "{}", server.log());
        eprintln!("{datagrams} datagrams, {streams} streams, {before} KiB before, {after} KiB after");
        assert!(after < before + 16 * 1024, "grew from {before} to {after} KiB");
    });
}
