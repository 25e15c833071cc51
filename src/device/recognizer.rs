//! [`Recognizer`]: what was seen of devices that nobody listed, and what they
//! seem to be.
//!
//! What is seen comes in afterwards, from those who take notes and those who
//! listen; the road only looks up what was concluded.  The text that
//! [`Recognizer::written`] returns brings it all back at the next start, so that
//! a speaker that was recognized once has its policy from the first packet.
//!
//! ```text
//! sordino-seen 1
//! 44:65:0d:12:34:56 1795600000 asks api.amazonalexa.com
//! ```
//
//  Facts are kept and not conclusions: lists change, and then conclusions do.

use std::collections::BTreeMap;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;

use arc_swap::ArcSwap;

use super::announcement::Announcement;
use super::recognition::Recognition;
use super::recognition::Who;
use crate::base::Client;
use crate::base::DomainRef;
use crate::catalog::Catalog;
use crate::catalog::Family;
use crate::catalog::SignKind;

/// Most devices that are watched.  A house has tens; anybody on the link can
/// make up more.
const MOST_DEVICES: usize = 1024;

/// Most facts that are kept of one device.
const MOST_FACTS: usize = 64;

/// The longest fact, in octets.
const MOST_FACT: usize = 300;

/// How long a fact holds of an address that may change hands, in seconds.
const HOLDS: i64 = 24 * 3600;

/// By how much a fact has to be newer before it is written down anew, in
/// seconds.
const AGAIN: i64 = 3600;

/// The first line of what is kept.
const MAGIC: &str = "sordino-seen 1";

/// The most that is read of what was kept, in octets.
pub const MAX_KEPT: usize = 4 << 20;

//----------- Recognizer -------------------------------------------------------

/// What was seen of devices that nobody listed.
#[derive(Debug, Default)]
pub struct Recognizer {
    /// What was seen.
    seen: Mutex<HashMap<Who, Facts>>,
    /// What follows from it.
    concluded: ArcSwap<HashMap<Who, Arc<Recognition>>>,
    /// Whether something was seen that is not written yet.
    unwritten: AtomicBool,
    /// Addresses that are no device's own: of routers, which ask for others.
    never: ArcSwap<Vec<IpAddr>>,
}

/// What was seen of one device, and when last, in seconds since 1970.
type Facts = BTreeMap<Box<str>, i64>;

impl Recognizer {
    /// Returns what a client seems to be.
    pub fn recognition(&self, client: &Client) -> Option<Arc<Recognition>> {
        self.concluded.load().get(&Who::of(client)).map(Arc::clone)
    }

    /// Returns all that was concluded.
    pub fn all(&self) -> Arc<HashMap<Who, Arc<Recognition>>> {
        self.concluded.load_full()
    }

    /// Takes note of nothing that comes from these addresses: routers ask for
    /// others.
    pub fn never(&self, addresses: &[IpAddr]) {
        if **self.never.load() != *addresses {
            self.never.store(Arc::new(addresses.to_vec()));
        }
    }

    /// Takes note that a client asked for a name, at `unix` seconds since 1970.
    /// Returns what it turned out to be, or not to be any more, if something else
    /// is to be done about it than before.
    pub fn asked(
        &self,
        client: &Client,
        name: DomainRef<'_>,
        catalog: &Catalog,
        unix: i64,
    ) -> Option<Arc<Recognition>> {
        self.saw(client, catalog.facts(name), catalog, unix)
    }

    /// Takes note of what a client announced.
    pub fn announced(
        &self,
        client: &Client,
        announcement: &Announcement,
        catalog: &Catalog,
        unix: i64,
    ) -> Option<Arc<Recognition>> {
        self.saw(client, fitting(catalog, |kind| announcement.fits(kind)), catalog, unix)
    }

    /// Takes note of the name a device gave itself when it asked for an address.
    pub fn is_called(
        &self,
        client: &Client,
        host: &str,
        catalog: &Catalog,
        unix: i64,
    ) -> Option<Arc<Recognition>> {
        let host = host.to_ascii_lowercase();
        let begins = |kind: &SignKind| matches!(kind, SignKind::Host(begin) if host.starts_with(&**begin));
        self.saw(client, fitting(catalog, begins), catalog, unix)
    }

    /// Takes note of what was seen of a device.
    fn saw(
        &self,
        client: &Client,
        facts: impl Iterator<Item = String>,
        catalog: &Catalog,
        unix: i64,
    ) -> Option<Arc<Recognition>> {
        let mut facts = facts.peekable();
        // What asks from this machine may be a server in front of us.
        if client.addr.is_loopback() || self.never.load().contains(&client.addr) {
            return None;
        }
        facts.peek()?;
        let who = Who::of(client);
        let mut seen = self.lock();
        if !seen.contains_key(&who) && seen.len() >= MOST_DEVICES {
            self.make_room(&mut seen);
        }
        if !seen.contains_key(&who) && seen.len() >= MOST_DEVICES {
            return None;
        }
        let there = seen.entry(who).or_default();
        let mut news = false;
        for fact in facts.filter(|fact| fact.len() <= MOST_FACT) {
            let known = there.get(fact.as_str()).copied();
            if known.is_some_and(|at| unix - at < AGAIN) || known.is_none() && there.len() >= MOST_FACTS {
                continue;
            }
            there.insert(fact.into(), unix);
            news |= known.is_none();
            self.unwritten.store(true, Ordering::Relaxed);
        }
        news.then(|| self.conclude(who, there, catalog))?
    }

    /// Concludes what a device is.  Returns that, or what it is not any more, if
    /// something else is to be done about it than before.
    fn conclude(&self, who: Who, facts: &Facts, catalog: &Catalog) -> Option<Arc<Recognition>> {
        let next = Recognition::of(who, &|fact| facts.contains_key(fact), catalog).map(Arc::new);
        let before = self.concluded.load_full();
        let old = before.get(&who);
        if old == next.as_ref() {
            return None;
        }
        let decided =
            |one: Option<&Arc<Recognition>>| one.filter(|one| one.decides).map(|one| Arc::clone(&one.family));
        let changed = decided(old) != decided(next.as_ref());
        let mut all = (*before).clone();
        match &next {
            Some(next) => all.insert(who, Arc::clone(next)),
            None => all.remove(&who),
        };
        self.concluded.store(Arc::new(all));
        let no_more = || old.map(|old| Arc::new(Recognition { decides: false, ..(**old).clone() }));
        if changed { next.or_else(no_more) } else { None }
    }

    /// Concludes everything anew: lists may have changed, and what was seen of
    /// an address a day ago may have been somebody else.
    pub fn review(&self, catalog: &Catalog, unix: i64) {
        let mut seen = self.lock();
        seen.retain(|who, facts| {
            let before = facts.len();
            facts.retain(|_, at| who.lasts() || unix - *at < HOLDS);
            if facts.len() < before {
                self.unwritten.store(true, Ordering::Relaxed);
            }
            !facts.is_empty()
        });
        let all = seen.iter().filter_map(|(who, facts)| {
            let found = Recognition::of(*who, &|fact| facts.contains_key(fact), catalog)?;
            Some((*who, Arc::new(found)))
        });
        self.concluded.store(Arc::new(all.collect()));
    }

    /// Forgets the device that was seen longest ago among those that turned out
    /// to be nothing.
    fn make_room(&self, seen: &mut HashMap<Who, Facts>) {
        let concluded = self.concluded.load();
        let decided = |who: &Who| concluded.get(who).is_some_and(|found| found.decides);
        let oldest = seen
            .iter()
            .filter(|(who, _)| !decided(who))
            .min_by_key(|(_, facts)| facts.values().max().copied())
            .map(|(who, _)| *who);
        if let Some(who) = oldest {
            seen.remove(&who);
        }
    }

    //--- From one start to the next

    /// Returns whether there is something new since it was last written.
    pub fn has_news(&self) -> bool {
        self.unwritten.load(Ordering::Relaxed)
    }

    /// Returns what was seen, as text, if there is something new since it was
    /// last written.
    pub fn written(&self) -> Option<String> {
        if !self.unwritten.swap(false, Ordering::Relaxed) {
            return None;
        }
        let seen = self.lock();
        let mut lines: Vec<_> = seen
            .iter()
            .flat_map(|(who, facts)| facts.iter().map(move |(fact, at)| format!("{who} {at} {fact}\n")))
            .collect();
        lines.sort();
        Some(format!("{MAGIC}\n{}", lines.concat()))
    }

    /// Takes note that what was to be written is not: it is new still.
    pub fn not_written(&self) {
        self.unwritten.store(true, Ordering::Relaxed);
    }

    /// Takes up what was written.  Lines that can't be read are passed over and
    /// counted.
    pub fn take_up(&self, text: &str, catalog: &Catalog, unix: i64) -> Result<usize, NotKept> {
        let mut lines = text.lines();
        if lines.next() != Some(MAGIC) {
            return Err(NotKept);
        }
        let mut passed_over = 0;
        {
            let mut seen = self.lock();
            for line in lines {
                let Some((who, at, fact)) = read(line, unix) else {
                    passed_over += 1;
                    continue;
                };
                let full = seen.len() >= MOST_DEVICES && !seen.contains_key(&who);
                if full || seen.get(&who).is_some_and(|facts| facts.len() >= MOST_FACTS) {
                    passed_over += 1;
                    continue;
                }
                seen.entry(who).or_default().insert(fact.into(), at);
            }
        }
        self.review(catalog, unix);
        Ok(passed_over)
    }

    /// Locks what no fault leaves half done.
    fn lock(&self) -> MutexGuard<'_, HashMap<Who, Facts>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reads `WHO SECONDS FACT`.
fn read(line: &str, unix: i64) -> Option<(Who, i64, &str)> {
    let mut parts = line.splitn(3, ' ');
    let who = parts.next()?.parse().ok()?;
    // What is dated after today was seen by a clock that was wrong.
    let at = parts.next()?.parse::<i64>().ok()?.clamp(0, unix.max(0));
    let fact = parts.next()?;
    let fine =
        !fact.is_empty() && fact.len() <= MOST_FACT && fact.bytes().all(|b| (b' '..=b'~').contains(&b));
    fine.then_some((who, at, fact))
}

/// Returns the facts of the signs that fit.
fn fitting<'c>(
    catalog: &'c Catalog,
    fits: impl Fn(&SignKind) -> bool + 'c,
) -> impl Iterator<Item = String> + 'c {
    let signs = catalog.families().iter().flat_map(Family::signs);
    signs.filter(move |sign| fits(&sign.kind)).flat_map(|sign| sign.facts())
}

/// Some text is not what a recognizer has written.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct NotKept;

impl std::fmt::Display for NotKept {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "it does not begin with `{MAGIC}`")
    }
}

impl std::error::Error for NotKept {}

#[cfg(test)]
mod tests;
