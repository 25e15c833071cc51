//! Hears what devices announce to everybody on the link: services over mDNS
//! (RFC 6762) and SSDP (UPnP).  Speakers say what they are there.
//!
//! Only listens, and says nothing itself.  Anybody on the link may say anything:
//! packets are bounded in size and number, and what is heard is one sign.

pub mod mdns;
pub mod ssdp;

use std::io;
use std::net::IpAddr;
use std::net::Ipv4Addr;
use std::net::SocketAddr;
use std::net::SocketAddrV4;
use std::time::Duration;

use socket2::Domain;
use socket2::Protocol;
use socket2::Socket;
use socket2::Type;
use tokio::net::UdpSocket;

use crate::base::Clock;
use crate::device::Announcement;

/// The largest packet that is read, in octets (RFC 6762 section 17).
const LARGEST: usize = 9000;

/// Packets that are read in a second; a busy house has a few.
const MOST_A_SECOND: u32 = 100;

/// The pause after a failed read.
const BREATH: Duration = Duration::from_secs(1);

/// Where announcements are heard.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Channel {
    /// 224.0.0.251, port 5353.
    Mdns,
    /// 239.255.255.250, port 1900.
    Ssdp,
}

impl Channel {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Mdns, Self::Ssdp];

    /// Returns the group and port.
    fn group(self) -> (Ipv4Addr, u16) {
        match self {
            Self::Mdns => (Ipv4Addr::new(224, 0, 0, 251), 5353),
            Self::Ssdp => (Ipv4Addr::new(239, 255, 255, 250), 1900),
        }
    }

    /// Reads a packet that came from an address.
    fn read(self, packet: &[u8], from: IpAddr) -> Vec<Announcement> {
        match self {
            Self::Mdns => mdns::read(packet, from),
            Self::Ssdp => ssdp::read(packet),
        }
    }

    /// Hears announcements on the links of these addresses of ours, for ever,
    /// and hands each to `tell` with where it came from.
    pub async fn hear(
        self,
        own: &[Ipv4Addr],
        clock: &dyn Clock,
        tell: impl Fn(IpAddr, &Announcement),
    ) -> io::Result<()> {
        let socket = UdpSocket::from_std(self.join(own)?)?;
        let mut room = vec![0; LARGEST];
        let (mut second, mut read) = (0, 0);
        loop {
            let (length, from) = match socket.recv_from(&mut room).await {
                Ok(received) => received,
                Err(error) => {
                    tracing::debug!(%error, channel = ?self, "hearing announcements");
                    tokio::time::sleep(BREATH).await;
                    continue;
                }
            };
            let unix = clock.now().unix;
            if unix != second {
                (second, read) = (unix, 0);
            }
            read += 1;
            if read > MOST_A_SECOND {
                continue;
            }
            for announcement in self.read(room.get(..length).unwrap_or_default(), from.ip()) {
                tell(from.ip(), &announcement);
            }
        }
    }

    /// Opens a socket beside those of others (Avahi, say) and joins the group.
    fn join(self, own: &[Ipv4Addr]) -> io::Result<std::net::UdpSocket> {
        let (group, port) = self.group();
        let socket = Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP))?;
        socket.set_reuse_address(true)?;
        socket.set_reuse_port(true)?;
        socket.set_nonblocking(true)?;
        // The group's own address, so that nothing is taken from others which
        // was sent to this machine alone.
        socket.bind(&SocketAddr::V4(SocketAddrV4::new(group, port)).into())?;
        let mut joined = Err(io::Error::from(io::ErrorKind::AddrNotAvailable));
        for own in own {
            joined = socket.join_multicast_v4(&group, own).or(joined);
        }
        joined.map(|()| socket.into())
    }
}
