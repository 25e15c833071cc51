//! [`Identify`]: who is at an address, from whatever can be known of it.
//!
//! ```text
//!   forwarder we trust? ─ yes ─▶ its hint: MAC, id, address ─┐
//!        │ no                                                │
//!        ▼                                                   ▼
//!   the kernel's neighbor ── on link, silent ──▶ asked for, and waited for
//!        │           │                           once, beside resolution
//!      there     off-link
//!        │           └──▶ what leases and others said
//!        └──▶ that MAC
//! ```
//!
//! The kernel is asked before anything is remembered, because its entry is
//! where our answer will go: whoever gets the answer is who it names, and who
//! takes over an address inherits nothing.  Threads of the fast path go as far
//! as [`at_once`](Identify::at_once); who is silent takes the road.

pub mod hints;
mod waiting;

use std::net::IpAddr;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::time::Duration;

use arc_swap::ArcSwap;
use ipnet::IpNet;

use super::neighbor::Neighbor;
use super::neighbor::Neighbors;
use super::neighbor::Sight;
use crate::base::Client;
use crate::base::MacAddr;
use crate::base::Now;
use crate::base::Source;
use crate::device::Addresses;
use crate::device::Binding;
use crate::device::Feed;
use crate::device::addresses::Key;
use hints::Hint;
use waiting::Wait;
use waiting::Waiting;

/// How long it is remembered who had an address that the kernel has forgotten:
/// a privacy address is used for a week at most (RFC 8981 section 3.8).
const REMEMBERED: i64 = 7 * 24 * 3600;

//----------- Settings ---------------------------------------------------------

/// What the household says about finding out.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Settings {
    /// Forwarders whose hints are believed.
    pub forwarders: Vec<IpNet>,
    /// How long a query waits at most for its client to be found.
    pub wait: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self { forwarders: Vec::new(), wait: Duration::from_millis(30) }
    }
}

//----------- Identify ---------------------------------------------------------

/// Finds out who is at an address.
pub struct Identify {
    /// Who tells what the network shows.
    neighbors: Arc<dyn Neighbors>,
    /// What others told us.
    addresses: Arc<Addresses>,
    /// What the household says.
    settings: ArcSwap<Settings>,
    /// Who is waited for.
    waiting: Mutex<Waiting>,
    /// How what neighbors do is entered in `addresses`.
    feed: Feed,
}

/// A client that has to be waited for.
#[derive(Clone, Copy, Debug)]
pub struct Unseen {
    /// What is known of it.
    pub client: Client,
    /// Where it is.
    at: SocketAddr,
    /// Who says so, if it is found there.
    source: Source,
}

impl Identify {
    /// Asks `neighbors`, and believes `addresses` where they show nobody.
    pub fn new(neighbors: Arc<dyn Neighbors>, addresses: Arc<Addresses>) -> Self {
        let feed = Feed { source: Source::Neighbor, name: Arc::from("kernel") };
        Self { neighbors, addresses, settings: ArcSwap::default(), waiting: Mutex::default(), feed }
    }

    /// Returns what others told us.
    pub fn addresses(&self) -> &Arc<Addresses> {
        &self.addresses
    }

    /// Goes by other settings from now on.
    pub fn set(&self, settings: Settings) {
        self.settings.store(Arc::new(settings));
    }

    /// Returns whether hints from an address are believed.
    pub fn trusts(&self, forwarder: IpAddr) -> bool {
        let forwarder = forwarder.to_canonical();
        self.settings.load().forwarders.iter().any(|network| network.contains(&forwarder))
    }

    /// Hears of neighbors.
    pub fn hear(&self, neighbors: &[Neighbor], now: Now) {
        let until = Some(now.unix.saturating_add(REMEMBERED));
        let words = neighbors.iter().map(|Neighbor { addr, link, mac }| {
            ((*addr, *link), Binding { addr: *addr, mac: *mac, name: None, guest: false, until })
        });
        self.addresses.hear(&self.feed, words, now);
        let waiting = self.lock();
        if !waiting.is_empty() {
            for Neighbor { addr, link, mac } in neighbors {
                waiting.tell((*addr, *link), *mac);
            }
        }
    }

    //--- Finding out

    /// Returns who is at an address, or that it has to be waited for.  Neither
    /// waits nor allocates nor locks; takes microseconds.
    pub fn at_once(&self, peer: SocketAddr, now: Now) -> Result<Client, Unseen> {
        let client = Client::new(peer.ip());
        match self.neighbors.look(peer) {
            Sight::Here(mac) => Ok(client.with_mac(Some(mac))),
            Sight::Away => Ok(self.remembered(client, peer, now)),
            Sight::Silent => Err(Unseen { client, at: peer, source: Source::Neighbor }),
        }
    }

    /// Returns who a forwarder at `peer` asks for.
    pub fn hinted(&self, peer: SocketAddr, hint: Hint, now: Now) -> Result<Client, Unseen> {
        let forwarder = self.at_once(peer, now).unwrap_or_else(|unseen| unseen.client);
        let addr = hint.addr.unwrap_or_else(|| peer.ip().to_canonical());
        let by = match hint {
            Hint { mac: Some(_), .. } => Source::EdnsMac,
            Hint { addr: Some(_), .. } => Source::EdnsSubnet,
            _ => Source::EdnsCpe,
        };
        let client = Client {
            mac: hint.mac,
            id: hint.id,
            source: by,
            forwarder: Some((forwarder.addr, forwarder.mac)),
            ..Client::new(addr)
        };
        let Some(addr) = hint.addr else { return Ok(client) };
        let at = SocketAddr::new(addr, 0);
        match self.neighbors.look(at) {
            // What the network shows goes before what somebody says.
            Sight::Here(mac) if hint.mac == Some(mac) => Ok(client),
            Sight::Here(mac) => Ok(client.known(Some(mac), Source::EdnsSubnet)),
            Sight::Silent | Sight::Away if hint.mac.is_some() => Ok(client),
            Sight::Silent => Err(Unseen { client, at, source: Source::EdnsSubnet }),
            Sight::Away => Ok(self.remembered(client, at, now)),
        }
    }

    /// Waits until a client is found, but not for long and not twice.  Returns it, and
    /// whether it was waited for.
    pub async fn wait_for(&self, unseen: Unseen, now: Now) -> (Client, bool) {
        let Unseen { client, at, source } = unseen;
        let key = key(at);
        let begun = self.lock().begin(key, now.instant);
        let (mut pending, ours) = match begun {
            Wait::Not => return (self.remembered(client, at, now), false),
            Wait::Join(pending) => (pending, false),
            Wait::Ask(pending) => (pending, true),
        };
        let found = if ours { self.ask(at) } else { None };
        let found = if found.is_some() {
            found
        } else {
            let news = pending.wait_for(Option::is_some);
            let told = tokio::time::timeout(self.settings.load().wait, news).await;
            // Where the machine is busy, news is late; the kernel is not.
            told.ok().and_then(|told| told.ok().and_then(|mac| *mac)).or_else(|| self.here(at))
        };
        if ours {
            self.lock().end(key, found.is_some(), now.instant);
        }
        let client = match found {
            Some(mac) => client.known(Some(mac), source),
            None => self.remembered(client, at, now),
        };
        (client, true)
    }

    /// Has the network asked for a client.  Returns its MAC address if it was
    /// found since it was last looked for.
    fn ask(&self, at: SocketAddr) -> Option<MacAddr> {
        self.neighbors.poke(at);
        self.here(at)
    }

    /// Returns the MAC address of a client if the network shows it by now.
    fn here(&self, at: SocketAddr) -> Option<MacAddr> {
        match self.neighbors.look(at) {
            Sight::Here(mac) => Some(mac),
            Sight::Silent | Sight::Away => None,
        }
    }

    /// Returns a client with what others told us of it.
    fn remembered(&self, client: Client, at: SocketAddr, now: Now) -> Client {
        match self.addresses.find(key(at), now) {
            // What a forwarder says stays what a forwarder says.
            Some(entry) if client.forwarder.is_some() => client.known(Some(entry.mac), client.source),
            Some(entry) => client.known(Some(entry.mac), entry.source),
            None => client,
        }
    }

    /// Locks who is waited for.
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns what an address is remembered by.
fn key(at: SocketAddr) -> Key {
    let link = match at {
        SocketAddr::V6(v6) if v6.ip().is_unicast_link_local() => v6.scope_id(),
        _ => 0,
    };
    (at.ip().to_canonical(), link)
}

#[cfg(test)]
mod tests;
