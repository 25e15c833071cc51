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
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;

use arc_swap::ArcSwap;

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

    /// Takes note that a device asked for a name, at `unix` seconds since 1970.
    /// Returns what it turned out to be, or not to be any more, if something else
    /// is to be done about it than before.
    pub fn asked(
        &self,
        who: Who,
        name: DomainRef<'_>,
        catalog: &Catalog,
        unix: i64,
    ) -> Option<Arc<Recognition>> {
        self.saw(who, catalog.facts(name), catalog, unix)
    }

    /// Takes note of the name a device gave itself when it asked for an address.
    pub fn is_called(&self, who: Who, host: &str, catalog: &Catalog, unix: i64) -> Option<Arc<Recognition>> {
        let host = host.to_ascii_lowercase();
        let begins = |kind: &SignKind| matches!(kind, SignKind::Host(begin) if host.starts_with(&**begin));
        self.saw(who, fitting(catalog, begins), catalog, unix)
    }

    /// Takes note of what was seen of a device.
    fn saw(
        &self,
        who: Who,
        facts: impl Iterator<Item = String>,
        catalog: &Catalog,
        unix: i64,
    ) -> Option<Arc<Recognition>> {
        let mut facts = facts.peekable();
        facts.peek()?;
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
pub(super) fn fitting<'c>(
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
mod tests {
    use super::*;
    use crate::base::Domain;
    use crate::catalog::parse::parse;
    use proptest::prelude::*;

    fn catalog() -> Catalog {
        let text = "family box\n[identify]\nmac 00:00:5e\nasks a.example\nasks b.example\nhost box-\nnot asks tv.example\n";
        Catalog::build(&[parse("box.txt", text).unwrap()]).unwrap()
    }

    fn who(text: &str) -> Who {
        text.parse().unwrap()
    }

    fn ask(recognizer: &Recognizer, from: &str, name: &str, unix: i64) -> Option<bool> {
        let name: Domain = name.parse().unwrap();
        recognizer.asked(who(from), name.borrowed(), &catalog(), unix).map(|found| found.decides)
    }

    fn decides(recognizer: &Recognizer, from: &str) -> bool {
        recognizer.all().get(&who(from)).is_some_and(|found| found.decides)
    }

    const BOX: &str = "00:00:5e:00:53:01";

    #[test]
    fn what_was_concluded_is_there_after_a_restart() {
        let (first, second) = (Recognizer::default(), Recognizer::default());
        assert_eq!(ask(&first, BOX, "nothing.example", 1000), None);
        assert_eq!(first.written(), None);
        assert_eq!(ask(&first, BOX, "a.example", 1000), Some(true));
        assert_eq!(ask(&first, BOX, "a.example", 1001), None, "it is no news");
        let text = first.written().unwrap();
        assert_eq!(text, "sordino-seen 1\n00:00:5e:00:53:01 1000 asks a.example\n");
        assert_eq!(first.written(), None);
        assert_eq!(second.take_up(&text, &catalog(), 2000), Ok(0));
        assert!(decides(&second, BOX));
    }

    #[test]
    fn a_sign_against_it_undoes_it() {
        let recognizer = Recognizer::default();
        ask(&recognizer, BOX, "a.example", 1000);
        ask(&recognizer, BOX, "tv.example", 1000);
        assert!(!decides(&recognizer, BOX));
    }

    #[test]
    fn of_an_address_facts_hold_for_a_day_and_are_renewed() {
        let recognizer = Recognizer::default();
        for unix in [0, 50_000] {
            ask(&recognizer, "192.0.2.1", "a.example", unix);
            ask(&recognizer, "192.0.2.1", "b.example", unix);
        }
        recognizer.review(&catalog(), HOLDS + 40_000);
        assert!(decides(&recognizer, "192.0.2.1"));
        recognizer.review(&catalog(), HOLDS + 50_000);
        assert!(!decides(&recognizer, "192.0.2.1"));
    }

    #[test]
    fn a_host_name_is_a_sign_too() {
        let recognizer = Recognizer::default();
        let found = recognizer.is_called(who(BOX), "Box-Kitchen", &catalog(), 1).unwrap();
        assert!(found.decides);
    }

    #[test]
    fn made_up_devices_push_out_nobody_who_was_recognized() {
        let recognizer = Recognizer::default();
        ask(&recognizer, BOX, "a.example", 1);
        for nth in 0..3000u32 {
            let address = std::net::Ipv4Addr::from(0x0a00_0000 + nth).to_string();
            ask(&recognizer, &address, "a.example", 1000 + i64::from(nth));
        }
        assert!(decides(&recognizer, BOX));
        assert_eq!(recognizer.lock().len(), MOST_DEVICES);
    }

    #[test]
    fn what_is_not_ours_is_not_taken_up() {
        let recognizer = Recognizer::default();
        assert_eq!(recognizer.take_up("nonsense", &catalog(), 1), Err(NotKept));
        let faulty =
            format!("{MAGIC}\n{BOX}\n{BOX} x asks a.example\n{BOX} 5 \n{BOX} 5 asks\ta\nnobody 5 asks a\n");
        assert_eq!(recognizer.take_up(&faulty, &catalog(), 1), Ok(5));
    }

    proptest! {
        #[test]
        fn any_text_is_taken_up_or_passed_over(text in "(sordino-seen 1\n)?([0-9a-f:. ]{0,20}|.{0,20}\n){0,10}") {
            let recognizer = Recognizer::default();
            if recognizer.take_up(&text, &catalog(), 1000).is_ok() {
                recognizer.unwritten.store(true, Ordering::Relaxed);
                let again = Recognizer::default();
                let written = recognizer.written().unwrap();
                prop_assert_eq!(again.take_up(&written, &catalog(), 1000), Ok(0));
            }
        }
    }
}
