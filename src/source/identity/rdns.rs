//! [`ReverseDns`]: what a router calls the addresses of the house; names only,
//! for showing, and never who somebody is.
//!
//! Only private addresses are asked about, a few in a round, each once an hour.

use std::collections::HashMap;
use std::fmt;
use std::io;
use std::net::IpAddr;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::Teller;
use super::Told;
use super::name;
use crate::base::Diagnostic;
use crate::base::Now;
use crate::base::Source;
use crate::device::Addresses;
use crate::device::Feed;
use crate::device::addresses::About;
use crate::device::addresses::Shown;

/// How often it is seen whether there is somebody to ask about.
const ROUND: Duration = Duration::from_mins(1);

/// Most addresses that are asked about in a round.
const MOST_AT_ONCE: usize = 16;

/// Most addresses that are remembered.
const MOST: usize = 1024;

/// How long a name holds, in seconds.
const HOLDS: i64 = 3600;

/// Asks the router at an address what another one is called.
pub type Ask = fn(SocketAddr, IpAddr) -> io::Result<Option<String>>;

/// A router that knows names.
pub struct ReverseDns {
    /// Where it is.
    router: SocketAddr,
    /// Who it is.
    feed: Feed,
    /// How it is asked.
    how: Ask,
    /// Who is where.
    addresses: Arc<Addresses>,
    /// What it said, and when, in seconds since 1970.
    said: HashMap<IpAddr, (Option<Arc<str>>, i64)>,
}

impl ReverseDns {
    /// Asks the router at an address about everybody in `addresses`.
    pub fn new(router: SocketAddr, addresses: Arc<Addresses>, how: Ask) -> Self {
        let name = Arc::from(format!("names from {router}"));
        Self { router, feed: Feed { source: Source::Address, name }, how, addresses, said: HashMap::new() }
    }

    /// Asks about those of whom nothing is known, or nothing fresh.
    fn catch_up(&mut self, all: &[Shown], now: Now) -> io::Result<()> {
        let fresh = |at: i64| now.unix - at < HOLDS;
        self.said.retain(|addr, (_, at)| fresh(*at) && all.iter().any(|shown| shown.addr == *addr));
        let mut left = MOST_AT_ONCE;
        for addr in all.iter().map(|shown| shown.addr).filter(|addr| is_private(*addr)) {
            if left == 0 || self.said.len() >= MOST {
                break;
            }
            if !self.said.contains_key(&addr) {
                left -= 1;
                let called = (self.how)(self.router, addr)?;
                self.said.insert(addr, (called.as_deref().and_then(name), now.unix));
            }
        }
        Ok(())
    }
}

impl Teller for ReverseDns {
    fn feed(&self) -> &Feed {
        &self.feed
    }

    fn ask(&mut self, now: Now) -> Result<Told, Diagnostic> {
        let all = self.addresses.all(now);
        let caught_up = self.catch_up(&all, now);
        let about = all.iter().filter_map(|shown| {
            let (called, _) = self.said.get(&shown.addr)?;
            Some((shown.entry.mac, About { name: Some(called.clone()?), ..About::default() }))
        });
        let told = Told { about: about.collect(), ..Told::default() };
        match caught_up {
            Err(error) if told.about.is_empty() => {
                let say = format!("it does not say what addresses are called: {error}");
                Err(Diagnostic::of_file(Arc::clone(&self.feed.name), say).warning())
            }
            _ => Ok(told),
        }
    }

    fn again(&self) -> (Vec<PathBuf>, Duration) {
        (Vec::new(), ROUND)
    }
}

impl fmt::Debug for ReverseDns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReverseDns").field("router", &self.router).finish_non_exhaustive()
    }
}

/// Returns whether an address is one of the house, which nobody outside is to be
/// asked about (RFC 1918, RFC 4193).
fn is_private(addr: IpAddr) -> bool {
    match addr {
        IpAddr::V4(v4) => v4.is_private(),
        IpAddr::V6(v6) => v6.is_unique_local(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Clock;
    use crate::base::MacAddr;
    use crate::base::time::ManualClock;
    use crate::device::Binding;

    /// Calls an address by its last octet, and is not asked about others.
    #[expect(clippy::unnecessary_wraps, reason = "a router may say nothing")]
    fn router(_: SocketAddr, addr: IpAddr) -> io::Result<Option<String>> {
        let IpAddr::V4(v4) = addr else { return Ok(None) };
        assert!(v4.is_private(), "{v4} is nobody's business");
        Ok(Some(format!("host-{}.fritz.box", v4.octets()[3])))
    }

    fn silent(_: SocketAddr, _: IpAddr) -> io::Result<Option<String>> {
        Err(io::ErrorKind::TimedOut.into())
    }

    fn house(clock: &ManualClock, count: u8) -> Arc<Addresses> {
        let addresses = Arc::new(Addresses::default());
        let binding = |addr: [u8; 4]| Binding {
            addr: addr.into(),
            mac: MacAddr([0, 0, 0x5e, 0, 0x53, addr[3]]),
            name: None,
            guest: false,
            until: None,
        };
        let mut all: Vec<_> = (1..=count).map(|host| binding([192, 168, 178, host])).collect();
        all.push(binding([203, 0, 113, 200]));
        let feed = Feed { source: Source::Lease, name: Arc::from("leases") };
        addresses.replace(&feed, &all, clock.now());
        addresses
    }

    #[test]
    fn private_addresses_are_asked_about_a_few_at_a_time_and_seldom() {
        let clock = ManualClock::at(1_800_000_000);
        let addresses = house(&clock, 20);
        let mut names = ReverseDns::new("192.168.178.1:53".parse().unwrap(), Arc::clone(&addresses), router);
        assert_eq!(names.ask(clock.now()).unwrap().about.len(), MOST_AT_ONCE);
        let told = names.ask(clock.now()).unwrap();
        assert_eq!((told.about.len(), told.bindings.len()), (20, 0), "names only");
        assert_eq!(told.about[6].1.name.as_deref(), Some("host-7.fritz.box"));
        // While they hold nobody is asked.
        names.how = silent;
        assert_eq!(names.ask(clock.now()).unwrap().about.len(), 20);
        clock.advance(Duration::from_hours(2));
        assert!(names.ask(clock.now()).unwrap_err().to_string().contains("does not say"));
    }
}
