//! From sockets to queries, and from responses to sockets.
//!
//! ```text
//!   UDP socket ─▶ fast ──┬─▶ the road, as far as it goes at once ─▶ UDP socket
//!                        │ the rest
//!                     datagram ─┐                                 ┌─▶ UDP socket
//!                               ├─▶ inquiry ─▶ door ─▶ the road ─▶┤
//!   TCP socket ─▶ accept ─▶ stream, https ─┘    │                 └─▶ TCP socket
//!                                               └─ identify: who is that?
//! ```
//!
//! Where there is no fast path, `udp` reads the datagrams.  `accept` opens TLS
//! (`tls`) where it is offered (`offer`), and takes what proxies say (`proxy`).  Limits have files of
//! their own: `connections`, `places` for queries in hand, and `pace`.
//!
//! [`bind`] opens the sockets while we may; [`Listeners::run`] answers until it
//! is told to stop, and then everything that had come in.

mod accept;
pub mod access;
pub mod announce;
pub mod arrival;
mod connections;
mod datagram;
pub mod door;
#[cfg(target_os = "linux")]
pub mod fast;
pub mod https;
pub mod identify;
pub mod inquiry;
pub mod neighbor;
pub mod offer;
mod options;
mod pace;
mod places;
pub mod probe;
pub mod proxy;
pub mod reply;
mod request;
pub mod reverse;
mod stream;
pub mod tls;
pub mod turns;
pub mod udp;
#[cfg(target_os = "linux")]
pub mod uplink;

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use socket2::Domain;
use socket2::Protocol;
use socket2::Socket;
use socket2::Type;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::query::Transport;
use crate::resolve::Resolve;
use connections::Connections;
use door::Door;
use udp::UdpListener;

/// How long queries in hand get after the order to stop.
const DRAIN: Duration = Duration::from_secs(6);

/// How long proxies get to notice that we are about to go, and send queries to
/// others.  They look every second or two.
const FAREWELL: Duration = Duration::from_secs(3);

/// Room for datagrams that wait to be read, in octets; the kernel takes twice as
/// many, for what it notes of each.  That is some 80 ms of all that one thread can
/// answer: a machine beneath this one may take its processors away for 40.  Without
/// CAP_NET_ADMIN it is what `net.core.rmem_max` allows, by default a fortieth.
const RECEIVE_BUFFER: usize = 8 << 20;

//----------- bind -------------------------------------------------------------

/// The sockets of all addresses, bound and not yet read.
pub struct Sockets {
    /// For datagrams.
    udp: Vec<std::net::UdpSocket>,
    /// For datagrams on the fast path.
    fast: Vec<std::net::UdpSocket>,
    /// For streams, and what is spoken on them.
    streams: Vec<(Transport, std::net::TcpListener)>,
}

/// Where to listen.
#[derive(Clone, Copy, Debug, Default)]
pub struct Addresses<'a> {
    /// For DNS over UDP and TCP.
    pub dns: &'a [SocketAddr],
    /// For DNS over TLS.
    pub tls: &'a [SocketAddr],
    /// For DNS over HTTPS.
    pub https: &'a [SocketAddr],
}

/// Binds all addresses, those for UDP with so many threads on the fast path; with
/// none, or where there is no fast path, every query takes the slow road.
pub fn bind(addresses: Addresses<'_>, threads: usize) -> Result<Sockets, BindError> {
    let mut sockets = Sockets { udp: Vec::new(), fast: Vec::new(), streams: Vec::new() };
    let threads = if cfg!(target_os = "linux") { threads } else { 0 };
    let Addresses { dns, tls, https } = addresses;
    // Streams first: their port is nobody else's then, while sockets that share a
    // port share it with every program of the same user.
    for (transport, addresses) in [(Transport::Tcp, dns), (Transport::Dot, tls), (Transport::Doh, https)] {
        for &address in addresses {
            let socket = socket(address, Type::STREAM, false);
            let socket = socket.map_err(|source| BindError { address, source })?;
            sockets.streams.push((transport, socket.into()));
        }
    }
    for &address in dns {
        let failed = |source| BindError { address, source };
        if threads == 0 {
            let socket = socket(address, Type::DGRAM, false).map_err(failed)?;
            socket.set_nonblocking(true).map_err(failed)?;
            sockets.udp.push(socket.into());
        }
        for _ in 0..threads {
            let socket = socket(address, Type::DGRAM, threads > 1).map_err(failed)?;
            tell_asked(&socket, address).map_err(failed)?;
            sockets.fast.push(socket.into());
        }
    }
    Ok(sockets)
}

/// Binds one socket.
fn socket(address: SocketAddr, kind: Type, shared: bool) -> io::Result<Socket> {
    let protocol = if kind == Type::DGRAM { Protocol::UDP } else { Protocol::TCP };
    let socket = Socket::new(Domain::for_address(address), kind, Some(protocol))?;
    if address.is_ipv6() {
        // Each family has an address of its own in the config, so that what
        // is listed is what is bound.
        socket.set_only_v6(true)?;
    }
    if kind == Type::STREAM {
        socket.set_nonblocking(true)?;
        // So that a restart need not wait for old connections to be forgotten.
        socket.set_reuse_address(true)?;
    } else {
        // Best effort: without CAP_NET_ADMIN it is capped at net.core.rmem_max.
        let _ = socket.set_recv_buffer_size(RECEIVE_BUFFER);
        #[cfg(target_os = "linux")]
        let _ =
            nix::sys::socket::setsockopt(&socket, nix::sys::socket::sockopt::RcvBufForce, &RECEIVE_BUFFER);
        if shared {
            // The kernel hands each client's queries to one of the sockets.
            socket.set_reuse_port(true)?;
        }
    }
    socket.bind(&address.into())?;
    if kind == Type::STREAM {
        socket.listen(1024)?;
    }
    Ok(socket)
}

/// Has the kernel tell which of our addresses was asked, where the socket has
/// several.
#[cfg(target_os = "linux")]
fn tell_asked(socket: &Socket, address: SocketAddr) -> io::Result<()> {
    use nix::sys::socket::setsockopt;
    use nix::sys::socket::sockopt::Ipv4PacketInfo;
    use nix::sys::socket::sockopt::Ipv6RecvPacketInfo;
    if !address.ip().is_unspecified() {
        return Ok(());
    }
    let set = if address.is_ipv4() {
        setsockopt(socket, Ipv4PacketInfo, &true)
    } else {
        setsockopt(socket, Ipv6RecvPacketInfo, &true)
    };
    set.map_err(io::Error::from)
}

/// Has nothing to do: there is no fast path.
#[cfg(not(target_os = "linux"))]
fn tell_asked(_socket: &Socket, _address: SocketAddr) -> io::Result<()> {
    Ok(())
}

/// An address could not be bound.
#[derive(Debug)]
pub struct BindError {
    /// The address.
    pub address: SocketAddr,
    /// What the system said.
    pub source: io::Error,
}

impl fmt::Display for BindError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { address, source } = self;
        write!(f, "cannot listen on {address}: {source}")?;
        match source.kind() {
            io::ErrorKind::AddrInUse => {
                write!(
                    f,
                    "; another DNS server has it (systemd-resolved, dnsmasq?): `ss -lnp sport = :{}` tells",
                    address.port()
                )
            }
            io::ErrorKind::PermissionDenied => {
                f.write_str("; ports below 1024 take root or the capability CAP_NET_BIND_SERVICE")
            }
            io::ErrorKind::AddrNotAvailable => f.write_str("; this machine does not have that address"),
            _ => Ok(()),
        }
    }
}

impl std::error::Error for BindError {}

//----------- Listeners --------------------------------------------------------

impl Sockets {
    /// Returns the addresses that were bound, ports filled in.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.streams.iter().filter_map(|(_, socket)| socket.local_addr().ok()).collect()
    }

    /// Answers queries until `stop` says so; then answers what had come in by
    /// then, and returns.
    pub async fn run<R: Resolve + 'static>(
        self,
        door: Arc<Door<R>>,
        mut stop: watch::Receiver<bool>,
    ) -> io::Result<()> {
        let mut tasks = JoinSet::new();
        let (end, ended) = watch::channel(false);
        for socket in self.udp {
            let listener = UdpListener::new(socket)?;
            tasks.spawn(listener.run(Arc::clone(&door), ended.clone()));
        }
        #[cfg(target_os = "linux")]
        let threads = fast::Threads::start(self.fast, &door)?;
        let connections = Connections::new(door.clock(), descriptors());
        for (transport, listener) in self.streams {
            let listener = tokio::net::TcpListener::from_std(listener)?;
            let (connections, door) = (Arc::clone(&connections), Arc::clone(&door));
            tasks.spawn(accept::run(listener, transport, connections, door, ended.clone()));
        }
        let _ = stop.wait_for(|stop| *stop).await;
        if door.home().access.has_proxies() {
            door.leave();
            tokio::time::sleep(FAREWELL).await;
        }
        let _ = end.send(true);
        #[cfg(target_os = "linux")]
        tokio::task::spawn_blocking(|| threads.stop()).await?;
        while tasks.join_next().await.is_some() {}
        door.close();
        let _ = tokio::time::timeout(DRAIN, door.all_answered()).await;
        Ok(())
    }
}

/// Returns how many file descriptors this process may have.
fn descriptors() -> usize {
    use nix::sys::resource::Resource;
    use nix::sys::resource::getrlimit;
    /// What systems give at least, where they do not say.
    const USUAL: usize = 256;
    getrlimit(Resource::RLIMIT_NOFILE).map_or(USUAL, |(soft, _)| usize::try_from(soft).unwrap_or(usize::MAX))
}

#[cfg(test)]
mod tests;
