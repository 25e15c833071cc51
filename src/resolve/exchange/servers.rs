//! [`Servers`]: what is known of each name server: how fast it is, what it
//! does not understand, and which zones it does not know.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::SocketAddr;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::time::Duration;
use std::time::Instant;

use hickory_proto::rr::Name;

/// How many servers are remembered.
const MAX_SERVERS: usize = 8_192;

/// How long something is remembered of a server that is not asked (unbound's
/// `infra-host-ttl`).
const MEMORY: Duration = Duration::from_mins(15);

/// What a server is thought to need before it was ever asked, in milliseconds.
const UNKNOWN: u32 = 120;

/// The most a server is thought to need, in milliseconds.
const SLOWEST: u32 = 8_000;

/// How long a server is waited for, at least, before another one is asked as
/// well, in milliseconds.
const PATIENCE: u32 = 300;

/// And at least if it is not known and others are usually quick.
const LEAST_PATIENCE: u32 = 50;

/// How often a server has to stay silent in a row to be taken for dead.
const DEAD: u32 = 8;

/// How long ago it has to have answered for that: where every second packet is
/// lost, many who ask at once lose eight in a row.
const ALIVE: Duration = Duration::from_secs(10);

/// How often a whole family has to stay silent, with nobody answering in
/// between, to be asked last.
const FAMILY_DEAD: u32 = 4;

//----------- Servers ----------------------------------------------------------

/// What is known of the name servers.
#[derive(Debug, Default)]
pub(in crate::resolve) struct Servers {
    /// By address.
    known: Mutex<HashMap<SocketAddr, Server>>,
    /// Zones that a server is said to serve and does not, and since when.
    lame: Mutex<HashMap<(Name, SocketAddr), Instant>>,
    /// How often in a row servers were silent: IPv4, IPv6.
    silent: Mutex<[u32; 2]>,
    /// What servers need that are asked for the first time.
    usual: Mutex<Usual>,
}

/// What is known of a server.
#[derive(Clone, Copy, Debug)]
struct Server {
    /// The smoothed round-trip time, in milliseconds (RFC 6298 section 2).
    srtt: u32,
    /// How often it was silent since it last answered.
    silences: u32,
    /// When it last answered.
    answered: Option<Instant>,
    /// It changes the case of letters.
    mangles_case: bool,
    /// How often it refused EDNS in a row.
    no_edns: u8,
    /// When this was last changed.
    since: Instant,
}

/// What servers need, on this line, that are asked for the first time: in
/// milliseconds, smoothed, and how far they are off (RFC 6298 section 2).
#[derive(Clone, Copy, Debug, Default)]
struct Usual {
    /// The mean; 0 if nobody was asked yet.
    mean: u32,
    /// The deviation from it.
    deviation: u32,
}

impl Usual {
    /// Takes in what a server needed.
    fn learn(&mut self, took: u32) {
        if self.mean == 0 {
            (self.mean, self.deviation) = (took, took / 2);
        } else {
            self.deviation = (self.deviation * 3 + self.mean.abs_diff(took)) / 4;
            self.mean = (self.mean * 7 + took) / 8;
        }
    }

    /// Returns how long to wait for a server that was never asked.
    fn patience(self) -> u32 {
        let known = self.mean.saturating_add(self.deviation.saturating_mul(4)).max(LEAST_PATIENCE);
        if self.mean == 0 { PATIENCE } else { known.min(PATIENCE) }
    }
}

impl Server {
    /// Returns a server of which nothing is known.
    fn new(now: Instant) -> Self {
        Self { srtt: UNKNOWN, silences: 0, answered: None, mangles_case: false, no_edns: 0, since: now }
    }
}

/// Locks a map; what another thread's panic left in it is fine.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Makes room in a map that is full: forgets what is old, and if nothing is,
/// everything.
fn make_room<K: Eq + Hash, V>(map: &mut HashMap<K, V>, is_old: impl Fn(&V) -> bool) {
    if map.len() >= MAX_SERVERS {
        map.retain(|_, value| !is_old(value));
        if map.len() >= MAX_SERVERS {
            map.clear();
        }
    }
}

impl Servers {
    /// Forgets who is slow, silent or lame, and which family leads nowhere.  How
    /// a server wants to be asked is its own affair, and is kept.
    pub(in crate::resolve) fn forget(&self) {
        for known in lock(&self.known).values_mut() {
            (known.srtt, known.silences, known.answered) = (UNKNOWN, 0, None);
        }
        lock(&self.lame).clear();
        *lock(&self.silent) = [0; 2];
        *lock(&self.usual) = Usual::default();
    }

    /// Returns what is known of a server.
    fn get(&self, server: SocketAddr, now: Instant) -> Server {
        let known = lock(&self.known).get(&server).copied();
        known
            .filter(|known| now.saturating_duration_since(known.since) < MEMORY)
            .unwrap_or_else(|| Server::new(now))
    }

    /// Changes what is known of a server.
    fn change(&self, server: SocketAddr, now: Instant, change: impl FnOnce(&mut Server)) {
        let mut known = lock(&self.known);
        make_room(&mut known, |known| now.saturating_duration_since(known.since) >= MEMORY);
        let known = known.entry(server).or_insert_with(|| Server::new(now));
        if now.saturating_duration_since(known.since) >= MEMORY {
            *known = Server::new(now);
        }
        change(known);
        known.since = now;
    }

    /// Returns how long an answer is likely to take, in milliseconds: the
    /// smaller, the earlier it should be asked.
    pub(in crate::resolve) fn rank(&self, server: SocketAddr, now: Instant) -> u32 {
        let known = self.get(server, now);
        let silence = known.silences.saturating_mul(400);
        let family = lock(&self.silent)[usize::from(server.is_ipv6())];
        let family = if family >= FAMILY_DEAD { SLOWEST } else { 0 };
        known.srtt.saturating_add(silence).min(SLOWEST).saturating_add(family)
    }

    /// Returns how long to wait for a server before another is asked as well.
    pub(in crate::resolve) fn patience(&self, server: SocketAddr, now: Instant) -> Duration {
        let known = self.get(server, now);
        let patience = if known.srtt == UNKNOWN && known.silences == 0 {
            lock(&self.usual).patience()
        } else {
            known.srtt.saturating_mul(2).clamp(PATIENCE, 1_200)
        };
        Duration::from_millis(u64::from(patience))
    }

    /// Returns whether a server has been silent so often that once is enough.
    pub(in crate::resolve) fn is_dead(&self, server: SocketAddr, now: Instant) -> bool {
        let known = self.get(server, now);
        let answers = known.answered.is_some_and(|at| now.saturating_duration_since(at) < ALIVE);
        known.silences >= DEAD && !answers
    }

    /// Returns whether a server understands EDNS and keeps the case of letters.
    pub(in crate::resolve) fn manners(&self, server: SocketAddr, now: Instant) -> (bool, bool) {
        let known = self.get(server, now);
        // One refusal may be forged, and must not take DNSSEC away.
        (known.no_edns < 3, !known.mangles_case)
    }

    /// Notes that a server answered.
    pub(in crate::resolve) fn answered(&self, server: SocketAddr, after: Duration, now: Instant) {
        let took = u32::try_from(after.as_millis()).unwrap_or(SLOWEST).clamp(1, SLOWEST);
        let mut is_first = false;
        self.change(server, now, |known| {
            is_first = known.srtt == UNKNOWN;
            known.srtt = if is_first { took } else { (known.srtt * 7 + took) / 8 };
            known.silences = 0;
            known.answered = Some(now);
        });
        if is_first {
            lock(&self.usual).learn(took);
        }
        lock(&self.silent)[usize::from(server.is_ipv6())] = 0;
    }

    /// Notes that a server did not answer in time.
    pub(in crate::resolve) fn was_silent(&self, server: SocketAddr, now: Instant) {
        self.change(server, now, |known| known.silences = known.silences.saturating_add(1));
        let silent = &mut lock(&self.silent)[usize::from(server.is_ipv6())];
        *silent = silent.saturating_add(1);
    }

    /// Notes that a server answered to nothing at all.
    pub(in crate::resolve) fn died(&self, server: SocketAddr, now: Instant) {
        self.change(server, now, |known| known.silences = known.silences.max(DEAD));
    }

    /// Notes that a server changes the case of letters.
    pub(in crate::resolve) fn mangles_case(&self, server: SocketAddr, now: Instant) {
        self.change(server, now, |known| known.mangles_case = true);
    }

    /// Notes whether a server took EDNS.  That it is silent says nothing of that (DNS
    /// flag day 2019).
    pub(in crate::resolve) fn took_edns(&self, server: SocketAddr, took: bool, now: Instant) {
        self.change(server, now, |known| {
            known.no_edns = if took { 0 } else { known.no_edns.saturating_add(1) };
        });
    }

    /// Notes that a server does not know a zone that it is said to serve.
    pub(in crate::resolve) fn is_lame(&self, zone: &Name, server: SocketAddr, now: Instant) {
        let mut lame = lock(&self.lame);
        make_room(&mut lame, |since| now.saturating_duration_since(*since) >= MEMORY);
        lame.insert((zone.clone(), server), now);
    }

    /// Returns whether a server is known not to know a zone.
    pub(in crate::resolve) fn was_lame(&self, zone: &Name, server: SocketAddr, now: Instant) -> bool {
        let lame = lock(&self.lame);
        // Most often nobody is, and then a name need not be copied to be looked up.
        let since = if lame.is_empty() { None } else { lame.get(&(zone.clone(), server)).copied() };
        since.is_some_and(|since| now.saturating_duration_since(since) < MEMORY)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Clock;
    use crate::base::time::ManualClock;

    fn server(last: u8) -> SocketAddr {
        SocketAddr::from(([192, 0, 2, last], 53))
    }

    #[test]
    fn the_fast_go_before_the_unknown_and_these_before_the_silent() {
        let (servers, now) = (Servers::default(), ManualClock::at(0).now().instant);
        servers.answered(server(1), Duration::from_millis(10), now);
        servers.was_silent(server(3), now);
        assert!(servers.rank(server(1), now) < servers.rank(server(2), now));
        assert!(servers.rank(server(2), now) < servers.rank(server(3), now));
        let later = now + MEMORY;
        assert_eq!(servers.rank(server(3), later), servers.rank(server(2), later));
    }

    #[test]
    fn a_dead_family_goes_last_until_it_answers() {
        let (servers, now) = (Servers::default(), ManualClock::at(0).now().instant);
        let six = |last| SocketAddr::from(([0x2001, 0xdb8, 0, 0, 0, 0, 0, last], 53));
        for last in 0..4 {
            servers.was_silent(six(last), now);
        }
        assert!(servers.rank(six(9), now) > servers.rank(server(1), now));
        servers.answered(six(1), Duration::from_millis(5), now);
        assert_eq!(servers.rank(six(9), now), servers.rank(server(1), now));
    }

    #[test]
    fn where_servers_are_quick_an_unknown_one_is_not_waited_for_long() {
        let (servers, now) = (Servers::default(), ManualClock::at(0).now().instant);
        let patience = |last| servers.patience(server(last), now).as_millis();
        assert_eq!(patience(200), 300);
        for last in 0..20 {
            servers.answered(server(last), Duration::from_millis(20), now);
        }
        assert_eq!((patience(200), patience(0)), (50, 300));
        for last in 20..40 {
            servers.answered(server(last), Duration::from_millis(if last % 2 == 0 { 150 } else { 20 }), now);
        }
        assert_eq!(patience(200), 300);
        servers.was_silent(server(200), now);
        assert_eq!(patience(200), 300);
    }

    #[test]
    fn who_has_just_answered_is_not_dead() {
        let (servers, now) = (Servers::default(), ManualClock::at(0).now().instant);
        servers.died(server(1), now);
        assert!(servers.is_dead(server(1), now));
        servers.answered(server(1), Duration::from_millis(20), now);
        for _ in 0..20 {
            servers.was_silent(server(1), now);
        }
        assert!(!servers.is_dead(server(1), now));
        assert!(servers.is_dead(server(1), now + ALIVE));
    }

    #[test]
    fn one_refusal_does_not_take_edns_away() {
        let (servers, now) = (Servers::default(), ManualClock::at(0).now().instant);
        servers.took_edns(server(1), false, now);
        assert!(servers.manners(server(1), now).0);
        servers.took_edns(server(1), false, now);
        servers.took_edns(server(1), false, now);
        assert!(!servers.manners(server(1), now).0);
    }
}
