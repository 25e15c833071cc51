//! Hears what devices announce to everybody on the link: services over mDNS
//! (RFC 6762) and SSDP (UPnP).  Speakers say what they are there.
//!
//! Says nothing itself but one question over mDNS on each link, once it is there:
//! for the services that are signs of a speaker.  Anybody on the link may say
//! anything: packets are bounded in size and number, and what is heard is one sign.

pub mod mdns;
pub mod ssdp;

use std::io;
use std::net::IpAddr;
use std::net::Ipv4Addr;
use std::net::Ipv6Addr;
use std::net::SocketAddr;
use std::net::SocketAddrV4;
use std::net::SocketAddrV6;
use std::time::Duration;

use socket2::Domain;
use socket2::Protocol;
use socket2::Socket;
use socket2::Type;
use tokio::net::UdpSocket;

use super::neighbor::around::Own;
use crate::base::Clock;
use crate::device::Announcement;

/// The largest packet that is read, in octets (RFC 6762 section 17).
const LARGEST: usize = 9000;

/// Packets that are read in a second; a busy house has a few.
const MOST_A_SECOND: u32 = 100;

/// The pause after a failed read.
const BREATH: Duration = Duration::from_secs(1);

/// How far a question over mDNS may go, to be believed (RFC 6762 section 11).
const HOPS: u32 = 255;

/// Where announcements are heard.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Channel {
    /// 224.0.0.251, port 5353.
    Mdns,
    /// ff02::fb, port 5353.
    Mdns6,
    /// 239.255.255.250, port 1900.
    Ssdp,
}

impl Channel {
    /// Returns where to hear, of these addresses of ours: each channel with those
    /// it is to be heard on.
    pub fn all(own: &[Own]) -> Vec<(Self, Vec<Own>)> {
        let is_v4 = |own: &&Own| own.address.is_ipv4() && !own.address.is_loopback();
        let v4: Vec<Own> = own.iter().filter(is_v4).copied().collect();
        // The group of IPv6 is one on each link.
        let of_link = |own: &&Own| matches!(own.address, IpAddr::V6(v6) if v6.is_unicast_link_local());
        let v6 = own.iter().filter(of_link).map(|own| (Self::Mdns6, vec![*own]));
        let v4 = [Self::Mdns, Self::Ssdp].map(|channel| (channel, v4.clone()));
        v4.into_iter().filter(|(_, own)| !own.is_empty()).chain(v6).collect()
    }

    /// Returns the group and port, on the link of an address of ours.
    fn group(self, own: Own) -> SocketAddr {
        match self {
            Self::Mdns => SocketAddrV4::new(Ipv4Addr::new(224, 0, 0, 251), 5353).into(),
            Self::Mdns6 => {
                let group = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 0xfb);
                SocketAddrV6::new(group, 5353, 0, own.link).into()
            }
            Self::Ssdp => SocketAddrV4::new(Ipv4Addr::new(239, 255, 255, 250), 1900).into(),
        }
    }

    /// Reads a packet that came from an address.
    fn read(self, packet: &[u8], from: IpAddr) -> Vec<Announcement> {
        match self {
            Self::Mdns | Self::Mdns6 => mdns::read(packet, from),
            Self::Ssdp => ssdp::read(packet),
        }
    }

    /// Hears announcements on the links of these addresses of ours, for ever,
    /// and hands each to `tell` with where it came from.  Once it hears, it puts
    /// this `question` (over mDNS) on each of these links.
    pub async fn hear(
        self,
        own: &[Own],
        question: Option<&[u8]>,
        clock: &dyn Clock,
        tell: impl Fn(SocketAddr, Announcement),
    ) -> io::Result<()> {
        let socket = UdpSocket::from_std(self.join(own)?)?;
        if let Some(question) = question.filter(|_| self != Self::Ssdp) {
            for own in own {
                if let Err(error) = self.put(question, *own) {
                    tracing::debug!(%error, channel = ?self, "asking who is there");
                }
            }
        }
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
                tell(from, announcement);
            }
        }
    }

    /// Opens a socket beside those of others (Avahi, say) and joins the group.
    fn join(self, own: &[Own]) -> io::Result<std::net::UdpSocket> {
        let nowhere = || io::Error::from(io::ErrorKind::AddrNotAvailable);
        let first = own.first().ok_or_else(nowhere)?;
        let mut joined = Err(nowhere());
        // The group's own address, so that nothing is taken from others which
        // was sent to this machine alone.
        let socket = beside_others(self.group(*first))?;
        for own in own {
            let join = match (self.group(*own).ip(), own.address) {
                (IpAddr::V4(group), IpAddr::V4(own)) => socket.join_multicast_v4(&group, &own),
                (IpAddr::V6(group), _) => socket.join_multicast_v6(&group, own.link),
                (IpAddr::V4(_), IpAddr::V6(_)) => continue,
            };
            joined = join.or(joined);
        }
        joined.map(|()| socket.into())
    }

    /// Puts a question to everybody on the link of an address of ours.  Asked from
    /// the port of mDNS it is answered to everybody, and so is heard where we hear.
    fn put(self, question: &[u8], own: Own) -> io::Result<()> {
        let from = match own.address {
            IpAddr::V4(v4) => SocketAddr::from((v4, 5353)),
            IpAddr::V6(v6) => SocketAddrV6::new(v6, 5353, 0, own.link).into(),
        };
        let socket = beside_others(from)?;
        match own.address {
            IpAddr::V4(v4) => {
                socket.set_multicast_if_v4(&v4)?;
                socket.set_multicast_ttl_v4(HOPS)?;
            }
            IpAddr::V6(_) => {
                socket.set_multicast_if_v6(own.link)?;
                socket.set_multicast_hops_v6(HOPS)?;
            }
        }
        socket.send_to(question, &self.group(own).into()).map(|_| ())
    }
}

/// Opens a socket at an address beside those of others.
fn beside_others(at: SocketAddr) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(at), Type::DGRAM, Some(Protocol::UDP))?;
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(true)?;
    socket.set_nonblocking(true)?;
    if at.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    socket.bind(&at.into())?;
    Ok(socket)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_channel_is_heard_on_the_links_that_have_it() {
        let own = |address: &str, link| Own { address: address.parse().unwrap(), link, permanent: true };
        let (lan, lan6) = (own("192.168.178.2", 2), own("fe80::2", 2));
        let all = [own("127.0.0.1", 1), own("::1", 1), lan, own("fd00::2", 2), lan6, own("fe80::3", 3)];
        let expected = [
            (Channel::Mdns, vec![lan]),
            (Channel::Ssdp, vec![lan]),
            (Channel::Mdns6, vec![lan6]),
            (Channel::Mdns6, vec![own("fe80::3", 3)]),
        ];
        assert_eq!(Channel::all(&all), expected);
        assert_eq!(Channel::all(&all[..2]), []);
    }
}
