//! Who has which MAC address: what the network itself says of an address.
//!
//! [`Neighbors::look`] is asked for the asker of the query in hand, before
//! there is a query, so the road itself never waits for it.  The first packet
//! of a new IPv4 client finds its entry there already: it had to ask for our
//! MAC before it could ask us anything.  Who knew our MAC from another address
//! of its own finds none, and has to be looked for ([`Neighbors::poke`]).
//
//  Apart from `device`, because this asks the operating system and identifying
//  does not.

pub mod around;
#[cfg(target_os = "linux")]
mod asking;
#[cfg(target_os = "linux")]
pub mod linux;
#[cfg(target_os = "linux")]
pub(super) mod message;

use std::net::IpAddr;
use std::net::SocketAddr;

use crate::base::MacAddr;

/// What the kernel knows of an address.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Sight {
    /// This MAC address is there.
    Here(MacAddr),
    /// It is on one of our links, and the kernel knows no MAC address for it.
    Silent,
    /// It is behind a router, or our own, or nowhere.
    Away,
}

/// A neighbor.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Neighbor {
    /// Its address.
    pub addr: IpAddr,
    /// The interface, where it takes one to tell the address from another; or 0.
    pub link: u32,
    /// Its MAC address.
    pub mac: MacAddr,
}

/// What is known of the link-layer addresses around us.
pub trait Neighbors: Send + Sync {
    /// Returns what is known of an address.  Takes microseconds and never waits.
    fn look(&self, peer: SocketAddr) -> Sight;

    /// Has the network asked who is at an address.  Does not wait for the answer.
    fn poke(&self, peer: SocketAddr);
}

/// Knows nobody: for systems without a neighbor table we can read.
#[derive(Clone, Copy, Debug)]
pub struct NoNeighbors;

impl Neighbors for NoNeighbors {
    fn look(&self, _peer: SocketAddr) -> Sight {
        Sight::Away
    }

    fn poke(&self, _peer: SocketAddr) {}
}
