//! Where the name servers of a zone are.

use std::collections::HashSet;
use std::net::IpAddr;
use std::net::SocketAddr;

use futures_util::future::join_all;
use hickory_proto::rr::Name;
use hickory_proto::rr::RData;
use hickory_proto::rr::RecordType;
use ipnet::IpNet;

use super::found::Found;
use super::found::Kind;
use super::job::Job;
use super::scrub::MAX_ADDRESSES;
use super::scrub::MAX_SERVERS;
use super::store::Delegation;
use super::trouble::Trouble;
use crate::resolve::stats::Limit;

/// How many name servers are looked up at a time.
const AT_A_TIME: usize = 2;

/// The port of DNS.
const PORT: u16 = 53;

/// Networks in which no name server of the outside is: special-purpose
/// addresses (RFC 6890 and the registries it made).  A delegation to one of
/// them is an attack on the house, or on ourselves.
pub(super) const DENIED: [&str; 24] = [
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.0.0.0/24",
    "192.0.2.0/24",
    "192.168.0.0/16",
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "224.0.0.0/4",
    "240.0.0.0/4",
    "::/128",
    "::1/128",
    "::ffff:0:0/96",
    "64:ff9b::/96",
    "64:ff9b:1::/48",
    "100::/64",
    "2001:db8::/32",
    "fc00::/7",
    "fe80::/10",
    "ff00::/8",
];

impl Job {
    /// Returns the addresses of a zone's servers that are known and may be asked.
    pub(super) fn addresses(&self, delegation: &Delegation) -> Vec<SocketAddr> {
        let mut addresses = delegation.fixed.clone();
        for server in &delegation.servers {
            // Parent and child may differ, and either may be the one that is right.
            let mut of_server = self.stored(server);
            let glue = delegation.glue.iter().filter(|(name, _)| name == server);
            of_server.extend(glue.map(|(_, address)| *address));
            addresses.extend(self.allowed(of_server));
        }
        addresses.sort();
        addresses.dedup();
        addresses
    }

    /// Returns whether a zone has servers that nothing was found wrong with yet,
    /// or may have.
    pub(super) fn has_others(&self, zone: &Name) -> bool {
        let Some(delegation) = self.engine.store.delegation(zone, self.now.instant) else { return true };
        let unknown = |server: &Name| {
            self.stored(server).is_empty() && !delegation.glue.iter().any(|(name, _)| name == server)
        };
        self.addresses(&delegation).iter().any(|server| !self.is_blamed(zone, *server))
            || delegation.servers.iter().any(unknown)
    }

    /// Returns the addresses of a name server that its own zone has told.
    fn stored(&self, server: &Name) -> Vec<IpAddr> {
        let get = |rtype| self.engine.store.get(server, rtype, self.now.instant);
        let found = [RecordType::A, RecordType::AAAA].into_iter().filter_map(get);
        found.flat_map(|found| addresses_in(&found)).collect()
    }

    /// Returns those addresses that may be asked.
    fn allowed(&self, addresses: Vec<IpAddr>) -> impl Iterator<Item = SocketAddr> {
        let options = &self.engine.options;
        let may = |address: &IpAddr| {
            let family = if address.is_ipv4() { options.ipv4 } else { options.ipv6 };
            let of = |nets: &[IpNet]| nets.iter().any(|net| net.contains(address));
            family && (!of(&options.denied) || of(&options.allowed))
        };
        let addresses: Vec<IpAddr> = addresses.into_iter().filter(may).take(MAX_ADDRESSES).collect();
        addresses.into_iter().map(|address| SocketAddr::new(address, PORT))
    }

    /// Looks up addresses of name servers that were not looked up yet: a few,
    /// and at least one, or it is an error.  Those in the zone itself only if
    /// `inside`.
    pub(super) async fn look_up(
        &self,
        delegation: &Delegation,
        inside: bool,
        looked_up: &mut HashSet<(Name, RecordType)>,
    ) -> Result<Vec<SocketAddr>, Trouble> {
        let options = &self.engine.options;
        let mut types = Vec::new();
        types.extend(options.ipv4.then_some(RecordType::A));
        types.extend(options.ipv6.then_some(RecordType::AAAA));
        let outside = |server: &&Name| inside || !delegation.zone.zone_of(server);
        let servers = delegation.servers.iter().take(MAX_SERVERS).filter(outside);
        let known: Vec<&Name> = delegation.glue.iter().map(|(name, _)| name).collect();
        // Those without glue first, and all of one family before the other.
        let mut wanted: Vec<(Name, RecordType)> = Vec::new();
        let (with, without): (Vec<&Name>, Vec<&Name>) = servers.partition(|name| known.contains(name));
        for names in [without, with] {
            for rtype in &types {
                wanted.extend(names.iter().map(|name| ((*name).clone(), *rtype)));
            }
        }
        wanted.retain(|key| !looked_up.contains(key));
        let mut worst = Trouble::NoServers;
        for some in wanted.chunks(AT_A_TIME) {
            let mut found = Vec::new();
            let looking = some.iter().map(|(name, rtype)| self.address_of(name, *rtype));
            for result in join_all(looking).await {
                match result {
                    Ok(addresses) => found.extend(addresses),
                    // The budget of the whole question, not of this way only.
                    Err(Trouble::Limit(Limit::Lookups)) => worst = Trouble::Limit(Limit::Lookups),
                    Err(trouble) if trouble.is_final() => return Err(trouble),
                    Err(trouble) => worst = trouble,
                }
            }
            looked_up.extend(some.iter().cloned());
            let found: Vec<SocketAddr> = self.allowed(found).collect();
            if !found.is_empty() {
                return Ok(found);
            }
            if worst.is_final() {
                return Err(worst);
            }
        }
        Err(worst)
    }

    /// Looks up the addresses of a name server in one family.
    async fn address_of(&self, server: &Name, rtype: RecordType) -> Result<Vec<IpAddr>, Trouble> {
        if self.engine.store.get(server, rtype, self.now.instant).is_none() {
            self.budget.take(Limit::Lookups, 1)?;
        }
        let found = self.find(server, rtype).await?;
        // RFC 2181 section 10.3: the name of a server is no alias.
        Ok(if found.kind == Kind::Data { addresses_in(&found) } else { Vec::new() })
    }
}

/// Returns the addresses in an answer.
pub(super) fn addresses_in(found: &Found) -> Vec<IpAddr> {
    let address = |data: &RData| match data {
        RData::A(a) => Some(IpAddr::V4(a.0)),
        RData::AAAA(a) => Some(IpAddr::V6(a.0)),
        _ => None,
    };
    found.answers.iter().filter_map(|record| address(&record.data)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_denied_networks_are_networks() {
        assert!(DENIED.iter().all(|net| net.parse::<IpNet>().is_ok()));
    }
}
