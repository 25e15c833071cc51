//! Who has which MAC address: what the network itself says of an address.
//!
//! [`Neighbors::mac`] is asked for the asker of the query in hand, before
//! there is a query, so the road itself never waits for it.  The first packet
//! of a new IPv4 client finds its entry there already: it had to ask for our
//! MAC before it could ask us anything.
//
//  Apart from `device`, because this asks the operating system and identifying
//  does not.

#[cfg(target_os = "linux")]
pub mod linux;

use std::net::IpAddr;
use std::net::SocketAddr;

use crate::base::MacAddr;

/// What is known of the link-layer addresses around us.
pub trait Neighbors: Send + Sync {
    /// Returns the MAC address behind `peer`, if it is on one of our links
    /// and known.  Takes microseconds and never waits.
    fn mac(&self, peer: SocketAddr) -> Option<MacAddr>;

    /// Returns everybody who is known.
    fn all(&self) -> Vec<(IpAddr, MacAddr)>;

    /// Returns a number that is another one whenever somebody has another MAC
    /// address than before, or one for the first time.
    fn changes(&self) -> u64 {
        0
    }
}

/// Knows nobody: for systems without a neighbor table we can read.
#[derive(Clone, Copy, Debug)]
pub struct NoNeighbors;

impl Neighbors for NoNeighbors {
    fn mac(&self, _peer: SocketAddr) -> Option<MacAddr> {
        None
    }

    fn all(&self) -> Vec<(IpAddr, MacAddr)> {
        Vec::new()
    }
}
