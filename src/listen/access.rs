//! [`Access`]: who may ask at all, and how fast.
//!
//! A resolver that answers strangers is a weapon in their hands, so the
//! default is the house: loopback, private and link-local networks.

use std::net::IpAddr;
use std::num::NonZeroU32;

use ipnet::IpNet;

/// Who may ask.
#[derive(Clone, Debug)]
pub struct Access {
    /// The networks that may.
    allow: Vec<IpNet>,
    /// How many queries a second each address may send over UDP.
    pace: Option<NonZeroU32>,
    /// The networks of proxies, which say for whom they ask.
    proxies: Vec<IpNet>,
}

impl Access {
    /// Lets these networks in and nobody else, as fast as they like.
    pub fn new(allow: &[IpNet]) -> Self {
        Self { allow: IpNet::aggregate(&allow.to_vec()), pace: None, proxies: Vec::new() }
    }

    /// Lets each address send so many queries a second over UDP.
    pub fn paced(self, pace: Option<NonZeroU32>) -> Self {
        Self { pace, ..self }
    }

    /// Believes proxies in these networks that say for whom they ask, and takes
    /// nothing else from there.
    pub fn behind(self, proxies: &[IpNet]) -> Self {
        Self { proxies: IpNet::aggregate(&proxies.to_vec()), ..self }
    }

    /// Returns whether a proxy is at `address`.
    pub(super) fn is_proxy(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.proxies.iter().any(|network| network.contains(&address))
    }

    /// Returns whether there are proxies.
    pub(super) fn has_proxies(&self) -> bool {
        !self.proxies.is_empty()
    }

    /// Returns how many queries a second an address may send over UDP; a proxy's are
    /// those of many.
    pub(super) fn pace(&self, address: IpAddr) -> Option<NonZeroU32> {
        self.pace.filter(|_| !self.is_proxy(address))
    }

    /// Returns whether `address` may ask.
    pub fn admits(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.allow.iter().any(|network| network.contains(&address))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_listed_networks_get_in() {
        let access = Access::new(&["192.168.0.0/16".parse().unwrap(), "fd00::/8".parse().unwrap()]);
        for inside in ["192.168.178.20", "::ffff:192.168.1.1", "fd12::1"] {
            assert!(access.admits(inside.parse().unwrap()), "{inside}");
        }
        for outside in ["192.169.0.1", "8.8.8.8", "2001:db8::1", "::1"] {
            assert!(!access.admits(outside.parse().unwrap()), "{outside}");
        }
        assert!(!Access::new(&[]).admits("127.0.0.1".parse().unwrap()));
    }
}
