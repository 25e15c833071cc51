//! [`Probe`]: asks ourselves a query, as a client would.
//!
//! Over a real socket and down the whole road, so that an answer proves what no
//! timer could: packets are read, threads and tasks run, answers leave.  The
//! name is answered here (RFC 6761 section 6.3), so nothing outside of the
//! house matters.

use std::io;
use std::net::IpAddr;
use std::net::Ipv4Addr;
use std::net::Ipv6Addr;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::UdpSocket;
use tokio::time::timeout;

/// How long one answer may take.
const PATIENCE: Duration = Duration::from_secs(1);

/// How often a query is sent until its asker gives up.
const TRIES: usize = 3;

/// `localhost. IN A`, recursion desired, after the ID.
const QUESTION: &[u8] = b"\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x09localhost\x00\x00\x01\x00\x01";

//----------- Probe ------------------------------------------------------------

/// Knows where we listen.
#[derive(Clone, Copy, Debug)]
pub struct Probe {
    /// An address that reaches us.
    at: SocketAddr,
}

impl Probe {
    /// Returns a probe of the first of our addresses.
    pub fn new(addresses: &[SocketAddr]) -> Option<Self> {
        addresses.first().map(|&at| Self { at: reachable(at) })
    }

    /// Asks once, on a port of its own, and sends the query again if need be.
    pub async fn ask(&self) -> io::Result<()> {
        let asker = self.asker().await?;
        for _ in 1..TRIES {
            match asker.ask().await {
                Err(error) if error.kind() == io::ErrorKind::TimedOut => {}
                done => return done,
            }
        }
        asker.ask().await
    }

    /// Asks until there is an answer, from one and the same port: the kernel
    /// gives a port's queries to one thread, and one that hangs is not to be
    /// excused by another.
    pub async fn ask_until_answered(&self) {
        loop {
            if let Ok(asker) = self.asker().await {
                while asker.ask().await.is_err() {
                    tokio::time::sleep(PATIENCE / 4).await;
                }
                return;
            }
            tokio::time::sleep(PATIENCE).await;
        }
    }

    /// Opens a port to ask from.
    async fn asker(&self) -> io::Result<Asker> {
        let any = match self.at {
            SocketAddr::V4(_) => IpAddr::from(Ipv4Addr::UNSPECIFIED),
            SocketAddr::V6(_) => IpAddr::from(Ipv6Addr::UNSPECIFIED),
        };
        let socket = UdpSocket::bind((any, 0)).await?;
        socket.connect(self.at).await?;
        let id = socket.local_addr()?.port();
        Ok(Asker { socket, id })
    }
}

/// Returns an address that leads to what listens on `at`.
fn reachable(at: SocketAddr) -> SocketAddr {
    let ip = match at.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, at.port())
}

//----------- Asker ------------------------------------------------------------

/// A port to ask from.
struct Asker {
    /// The socket, connected.
    socket: UdpSocket,
    /// The ID of the query.
    id: u16,
}

impl Asker {
    /// Sends the query and waits for its answer.
    async fn ask(&self) -> io::Result<()> {
        let mut query = self.id.to_be_bytes().to_vec();
        query.extend_from_slice(QUESTION);
        self.socket.send(&query).await?;
        let mut room = [0; 512];
        let read = timeout(PATIENCE, self.socket.recv(&mut room)).await;
        let read = read.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
        judge(room.get(..read).unwrap_or_default(), self.id)
    }
}

/// Returns whether this is an answer to our query.  REFUSED is one too: the
/// house may not let its own machine ask.
fn judge(answer: &[u8], id: u16) -> io::Result<()> {
    match *answer {
        [a, b, flags, low, ..] if u16::from_be_bytes([a, b]) == id && flags & 0x80 != 0 => match low & 15 {
            0 | 5 => Ok(()),
            rcode => Err(io::Error::other(format!("RCODE {rcode}"))),
        },
        _ => Err(io::Error::from(io::ErrorKind::InvalidData)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Answers every query with this RCODE, after `silent` of them.
    async fn responder(rcode: u8, mut silent: usize) -> SocketAddr {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let at = socket.local_addr().unwrap();
        tokio::spawn(async move {
            let mut room = [0; 512];
            loop {
                let (read, peer) = socket.recv_from(&mut room).await.unwrap();
                if silent > 0 {
                    silent -= 1;
                    continue;
                }
                room[2] |= 0x80;
                room[3] = rcode;
                socket.send_to(&room[..read], peer).await.unwrap();
            }
        });
        at
    }

    #[tokio::test(start_paused = true)]
    async fn only_an_answer_counts() {
        let ask = async |rcode, silent| Probe::new(&[responder(rcode, silent).await]).unwrap().ask().await;
        assert!(ask(0, 0).await.is_ok());
        assert!(ask(5, 2).await.is_ok(), "asked again");
        assert!(ask(2, 0).await.is_err(), "SERVFAIL");
        assert_eq!(ask(0, TRIES).await.unwrap_err().kind(), io::ErrorKind::TimedOut);
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_asks_until_answered_does_not_change_the_port() {
        Probe::new(&[responder(0, 7).await]).unwrap().ask_until_answered().await;
        let silent = Probe::new(&[responder(0, usize::MAX).await]).unwrap();
        assert!(timeout(Duration::from_mins(1), silent.ask_until_answered()).await.is_err());
    }

    #[test]
    fn an_address_that_means_all_is_reached_by_loopback() {
        let at = |text: &str| reachable(text.parse().unwrap()).to_string();
        assert_eq!(at("0.0.0.0:53"), "127.0.0.1:53");
        assert_eq!(at("[::]:5300"), "[::1]:5300");
        assert_eq!(at("192.168.178.2:53"), "192.168.178.2:53");
        assert!(Probe::new(&[]).is_none());
    }
}
