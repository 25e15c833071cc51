//! Where the name servers of a zone are.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::net::SocketAddr;
use std::sync::Arc;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use hickory_proto::rr::Name;
use hickory_proto::rr::RData;
use hickory_proto::rr::RecordType;
use ipnet::IpNet;
use tokio::task::JoinHandle;

use super::ask::Ask;
use super::ask::FEW_TRIES_EACH;
use super::found::Found;
use super::found::Kind;
use super::heard::Says;
use super::job::Job;
use super::referral::MAX_ADDRESSES;
use super::referral::MAX_SERVERS;
use super::store::Delegation;
use super::walk::Reached;
use crate::resolve::exchange::trouble::Trouble;
use crate::resolve::forward::Forwarder;
use crate::resolve::stats::Limit;

/// How many name servers are looked up at a time.
const AT_A_TIME: usize = 2;

/// How many aliases of a name server's name are followed.  There should be none
/// (RFC 2181 section 10.3), and some zones have one.
const SERVER_ALIASES: usize = 2;

/// The types of addresses.
const ADDRESSES: [RecordType; 2] = [RecordType::A, RecordType::AAAA];

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
            of_server.extend(delegation.glue_of(server));
            if of_server.is_empty() {
                of_server = self.engine.glue.of(server, self.now.instant);
            }
            addresses.extend(self.allowed(&of_server));
        }
        addresses.sort();
        addresses.dedup();
        addresses
    }

    /// Returns whether a zone has servers that nothing was found wrong with yet,
    /// or may have.
    pub(super) fn has_others(&self, zone: &Name) -> bool {
        if zone.is_root() && self.engine.forwards() {
            let mut servers = self.engine.forwarders().flat_map(Forwarder::addresses);
            return servers.any(|server| !self.is_blamed(zone, server));
        }
        let Some(delegation) = self.engine.store.delegation(zone, self.now.instant) else { return true };
        self.addresses(&delegation).iter().any(|server| !self.is_blamed(zone, *server))
            || delegation.servers.iter().any(|server| self.is_unknown(&delegation, server))
    }

    /// Returns whether no address of a name server is known.
    fn is_unknown(&self, delegation: &Delegation, server: &Name) -> bool {
        let has = |rtype| self.engine.store.has_data(server, rtype, self.now.instant);
        !delegation.has_glue(server)
            && !ADDRESSES.into_iter().any(has)
            && !self.engine.glue.knows(server, self.now.instant)
    }

    /// Returns the addresses of a name server that its own zone has told.
    fn stored(&self, server: &Name) -> Vec<IpAddr> {
        let get = |rtype| self.engine.store.data(server, rtype, self.now.instant);
        let found = ADDRESSES.into_iter().filter_map(get);
        found.flat_map(|found| addresses_in(&found)).collect()
    }

    /// Returns those addresses that may be asked.
    pub(super) fn allowed<'a>(&'a self, addresses: &'a [IpAddr]) -> impl Iterator<Item = SocketAddr> + 'a {
        let options = &self.engine.options;
        let may = |address: &&IpAddr| {
            let family = if address.is_ipv4() { options.ipv4 } else { options.ipv6 };
            let of = |nets: &[IpNet]| nets.iter().any(|net| net.contains(*address));
            family && (!of(&options.denied) || of(&options.allowed))
        };
        addresses.iter().filter(may).take(MAX_ADDRESSES).map(|address| SocketAddr::new(*address, PORT))
    }

    /// Prepares to look up the name servers of a zone: those without glue first,
    /// and all of one family before the other.
    pub(super) fn looking_up<'a>(&self, delegation: &'a Delegation) -> LookingUp<'a> {
        let has_glue = |server: &&Name| delegation.has_glue(server);
        let (with, without): (Vec<&Name>, Vec<&Name>) =
            delegation.servers.iter().take(MAX_SERVERS).partition(has_glue);
        let mut wanted = VecDeque::new();
        for names in [without, with] {
            for rtype in self.engine.options.address_types() {
                wanted.extend(names.iter().map(|name| (*name, rtype)));
            }
        }
        LookingUp { delegation, wanted, told: VecDeque::new(), running: FuturesUnordered::new() }
    }

    /// Asks the zone above for addresses of servers in the zone itself that did not
    /// come with the referral: some leave them out, and nobody else can know them.
    /// They are kept as if they had come.
    pub(super) async fn ask_above(&self, delegation: &Delegation) -> Result<Vec<SocketAddr>, Trouble> {
        let Delegation { zone, servers, glue, .. } = delegation;
        let is_missing = |server: &&Name| {
            let known: Vec<IpAddr> =
                self.stored(server).into_iter().chain(delegation.glue_of(server)).collect();
            zone.zone_of(server) && self.allowed(&known).next().is_none()
        };
        let missing: Vec<&Name> = servers.iter().filter(is_missing).take(AT_A_TIME).collect();
        if missing.is_empty() || zone.is_root() {
            return Ok(Vec::new());
        }
        let Ok(above) = self.start(&zone.base_name(), RecordType::A).await else { return Ok(Vec::new()) };
        let addresses = self.addresses(&above);
        let mut told = Vec::new();
        for server in missing {
            for rtype in self.engine.options.address_types() {
                self.budget.take(Limit::Lookups, 1)?;
                let (zone, name) = (above.zone.clone(), server.clone());
                let ask = Ask { zone, name, rtype, checking_disabled: false, priming: false, whole: false };
                let of_server = match self.ask(&ask, &addresses, FEW_TRIES_EACH).await {
                    Ok(Says::Answer(found, _) | Says::Hearsay(found)) => addresses_in(&found),
                    Ok(Says::Referral(next)) => next.glue_of(server).collect(),
                    Err(trouble) if trouble.is_final() => return Err(trouble),
                    Err(_) => Vec::new(),
                };
                told.extend(of_server.into_iter().map(|address| (server.clone(), address)));
            }
        }
        if !told.is_empty() {
            let glue = [glue.as_slice(), &told].concat();
            self.engine.store.delegate(&Arc::new(Delegation { glue, ..delegation.clone() }));
        }
        let told: Vec<IpAddr> = told.into_iter().map(|(_, address)| address).collect();
        Ok(self.allowed(&told).collect())
    }

    /// Starts to look up the addresses of a name server in one family; if `anew`,
    /// in its own zone and not as one above it tells.
    fn address_of(
        &self,
        server: &Name,
        rtype: RecordType,
        anew: bool,
    ) -> JoinHandle<Result<Vec<IpAddr>, Trouble>> {
        let (job, server) = (self.clone(), server.clone());
        tokio::spawn(async move { job.look_up(server, rtype, anew).await })
    }

    /// Looks up the addresses of a name server in one family.
    async fn look_up(&self, mut server: Name, rtype: RecordType, anew: bool) -> Result<Vec<IpAddr>, Trouble> {
        for _ in 0..=SERVER_ALIASES {
            let known = self.known(&server, rtype);
            if known.is_none() {
                self.budget.take(Limit::Lookups, 1)?;
            }
            let found = match known {
                Some(found) => found,
                None if anew => self.find_out(&server, rtype).await?,
                None => match self.find_server(&server, rtype).await? {
                    Reached::Answer(found) => found,
                    Reached::Enough(addresses) => return Ok(addresses),
                },
            };
            match found.comes_to(rtype) {
                Kind::Data => return Ok(addresses_in(&found)),
                Kind::Alias(target) => server = target.to_lowercase(),
                Kind::TooLong | Kind::NoData | Kind::NxDomain => break,
            }
        }
        Ok(Vec::new())
    }
}

//----------- LookingUp --------------------------------------------------------

/// Looking up the name servers of a zone, a few at a time.
///
/// The first one does, so that no name server holds up another.  Those that are
/// under way go on by themselves: they are known by the time that the first
/// turns out to be dead.
pub(super) struct LookingUp<'a> {
    /// Where the zone is delegated to.
    delegation: &'a Delegation,
    /// What was not looked up yet.
    wanted: VecDeque<(&'a Name, RecordType)>,
    /// What a zone above may tell, which is not the last word: where nobody answers
    /// at these addresses, the servers' own zone is asked.
    told: VecDeque<(&'a Name, RecordType)>,
    /// What is being looked up.
    running: FuturesUnordered<JoinHandle<Result<Vec<IpAddr>, Trouble>>>,
}

impl<'a> LookingUp<'a> {
    /// Returns whether addresses may be found that are not known.
    pub(super) fn is_promising(&self, job: &Job) -> bool {
        let mut wanted = self.wanted.iter().map(|(server, _)| *server);
        !self.running.is_empty()
            || wanted.any(|server| {
                !self.delegation.zone.zone_of(server) && job.is_unknown(self.delegation, server)
            })
    }

    /// Returns what is looked up next, and whether in the name server's own zone.
    fn pop(&mut self, job: &Job) -> Option<(&'a Name, RecordType, bool)> {
        let is_told = |server: &Name| job.engine.glue.knows(server, job.now.instant);
        let Some((server, rtype)) = self.wanted.pop_front() else {
            self.told.retain(|(server, _)| is_told(server));
            return self.told.pop_front().map(|(server, rtype)| (server, rtype, true));
        };
        let anew = self.delegation.has_glue(server) || is_told(server);
        if !anew {
            self.told.push_back((server, rtype));
        }
        Some((server, rtype, anew))
    }

    /// Returns further addresses, at least one, or it is an error.  Those of
    /// servers in the zone itself only if `inside`.
    pub(super) async fn next(&mut self, job: &Job, inside: bool) -> Result<Vec<SocketAddr>, Trouble> {
        if !inside {
            let zone = &self.delegation.zone;
            self.wanted.retain(|(server, _)| !zone.zone_of(server));
            self.told.retain(|(server, _)| !zone.zone_of(server));
        }
        let mut worst = Trouble::NoServers;
        loop {
            while self.running.len() < AT_A_TIME
                && let Some((server, rtype, anew)) = self.pop(job)
            {
                self.running.push(job.address_of(server, rtype, anew));
            }
            let Some(ended) = self.running.next().await else { return Err(worst) };
            match ended.unwrap_or(Err(Trouble::NoServers)) {
                Ok(addresses) => {
                    let found: Vec<SocketAddr> = job.allowed(&addresses).collect();
                    if !found.is_empty() {
                        return Ok(found);
                    }
                }
                // The budget of the whole question: what is under way may do.
                Err(Trouble::Limit(Limit::Lookups)) => {
                    self.wanted.clear();
                    self.told.clear();
                    worst = Trouble::Limit(Limit::Lookups);
                }
                Err(trouble) if trouble.is_final() => return Err(trouble),
                Err(trouble) if !worst.is_final() => worst = trouble,
                Err(_) => {}
            }
        }
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
