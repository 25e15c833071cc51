//! [`Access`]: who may ask at all.
//!
//! A resolver that answers strangers is a weapon in their hands, so the
//! default is the house: loopback, private and link-local networks.

use std::net::IpAddr;

use ipnet::IpNet;

/// The networks that may ask.
#[derive(Clone, Debug)]
pub struct Access(Vec<IpNet>);

impl Access {
    /// Lets these networks in and nobody else.
    pub fn new(allow: &[IpNet]) -> Self {
        Self(IpNet::aggregate(&allow.to_vec()))
    }

    /// Returns whether `address` may ask.
    pub fn admits(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|network| network.contains(&address))
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
