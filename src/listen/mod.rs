//! From sockets to queries, and from responses to sockets.
//!
//! ```text
//!   UDP socket ─▶ fast ──┬─▶ the road, as far as it goes at once ─▶ UDP socket
//!                        │ the rest
//!                     datagram ─┐                                 ┌─▶ UDP socket
//!                               ├─▶ inquiry ─▶ door ─▶ the road ─▶┤
//!   TCP socket ─▶ accept ─▶ stream ─┘           │                 └─▶ TCP socket
//!                                               └─ neighbor: which MAC is that?
//! ```
//!
//! Where there is no fast path, `udp` reads the datagrams.  Limits have files of
//! their own: `connections`, `places` for queries in hand, and `pace`.
//!
//! [`bind`] opens the sockets while we may; [`Listeners::run`] answers until it
//! is told to stop, and then everything that had come in.

mod accept;
pub mod access;
mod connections;
mod datagram;
pub mod door;
#[cfg(target_os = "linux")]
pub mod fast;
mod inquiry;
pub mod neighbor;
mod pace;
mod places;
pub mod probe;
mod stream;
pub mod udp;

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

use crate::resolve::Resolve;
use connections::Connections;
use door::Door;
use udp::UdpListener;

/// How long queries in hand get after the order to stop.
const DRAIN: Duration = Duration::from_secs(6);

/// Room for datagrams that wait to be read, in octets: some 20 ms of all that one
/// thread can answer.
const RECEIVE_BUFFER: usize = 4 << 20;

//----------- bind -------------------------------------------------------------

/// The sockets of all addresses, bound and not yet read.
pub struct Sockets {
    /// For datagrams.
    udp: Vec<std::net::UdpSocket>,
    /// For datagrams on the fast path.
    fast: Vec<std::net::UdpSocket>,
    /// For streams.
    tcp: Vec<std::net::TcpListener>,
}

/// Binds UDP and TCP on each address, with so many threads on the fast path;
/// with none, or where there is no fast path, every query takes the slow road.
pub fn bind(addresses: &[SocketAddr], threads: usize) -> Result<Sockets, BindError> {
    let mut sockets = Sockets { udp: Vec::new(), fast: Vec::new(), tcp: Vec::new() };
    let threads = if cfg!(target_os = "linux") { threads } else { 0 };
    for &address in addresses {
        let failed = |source| BindError { address, source };
        // The stream first: its port is nobody else's then, while sockets that
        // share a port share it with every program of the same user.
        sockets.tcp.push(socket(address, Type::STREAM, false).map_err(failed)?.into());
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
        self.tcp.iter().filter_map(|socket| socket.local_addr().ok()).collect()
    }

    /// Answers queries until `stop` says so; then answers what had come in by
    /// then, and returns.
    pub async fn run<R: Resolve + 'static>(
        self,
        door: Arc<Door<R>>,
        mut stop: watch::Receiver<bool>,
    ) -> io::Result<()> {
        let mut tasks = JoinSet::new();
        for socket in self.udp {
            let listener = UdpListener::new(socket)?;
            tasks.spawn(listener.run(Arc::clone(&door), stop.clone()));
        }
        #[cfg(target_os = "linux")]
        let threads = fast::Threads::start(self.fast, &door)?;
        let connections = Connections::new(door.clock(), descriptors());
        for listener in self.tcp {
            let listener = tokio::net::TcpListener::from_std(listener)?;
            tasks.spawn(accept::run(listener, Arc::clone(&connections), Arc::clone(&door), stop.clone()));
        }
        let _ = stop.wait_for(|stop| *stop).await;
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
