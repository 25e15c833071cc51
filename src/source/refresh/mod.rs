//! [`Refresher`]: new rules only when they are fit to be used.
//!
//! A download counts after [`accept`] has looked at it; until then, and
//! whenever anything goes wrong, the last good copy stays and says how old it
//! is.  Each list stands by itself: the trouble of one is no trouble of another.
//
//  No thread and no timer lives here.  The app asks `due(now)`, calls `refresh`
//  where waiting is fine, and swaps the household if it brought a list.  Times
//  to come are on the clock that is never set back: a router without a battery
//  wakes up in 1970.

use std::fmt;
use std::sync::Mutex;
use std::sync::TryLockError;
use std::time::Duration;

use super::fetch::Fetched;
use super::fetch::Fetcher;
use super::fetch::Validators;
use super::store::Header;
use super::store::Store;
use crate::base::Diagnostic;
use crate::base::Now;

mod accept;
mod entry;
mod outcome;
mod schedule;

pub use accept::Counts;
pub use accept::Doubt;
pub use accept::Refusal;
pub use accept::accept;
pub use entry::Facts;
pub use entry::Source;
pub use outcome::Loaded;
pub use outcome::Outcome;
pub use outcome::Why;
pub use schedule::DEFAULT_INTERVAL;
pub use schedule::next_delay;

use entry::Entry;
use entry::State;

/// What can be refreshed: a list that was parsed.
pub trait Parsed {
    /// Returns how many rules it has and how many lines were not understood.
    fn counts(&self) -> Counts;
}

impl Parsed for Counts {
    fn counts(&self) -> Counts {
        *self
    }
}

/// Turns the text of the source with this index into a list; for the app, which
/// reads lists from their copies, into what there is to count.
pub type Parse<L> = Box<dyn Fn(usize, &str) -> Result<L, Diagnostic> + Send + Sync>;

//----------- Refresher --------------------------------------------------------

/// Downloads lists, each in its time.
pub struct Refresher<L = Counts> {
    /// The lists, in the order they were given.
    entries: Vec<Entry>,
    /// Downloads.
    fetcher: Fetcher,
    /// Keeps.
    store: Store,
    /// Understands.
    parse: Parse<L>,
    /// Makes this house ask at other times than its neighbors.
    seed: u64,
}

impl<L: Parsed> Refresher<L> {
    /// Returns a refresher of these lists, of which nothing is known yet: call
    /// [`Self::load`] for each before anything else.
    ///
    /// `seed` is any number that differs from house to house.
    pub fn new(sources: Vec<Source>, fetcher: Fetcher, store: Store, parse: Parse<L>, seed: u64) -> Self {
        let state = State {
            facts: Facts::default(),
            validators: Validators::default(),
            last_good: None,
            next: None,
            draws: 0,
        };
        let entry = |source| Entry { source, state: Mutex::new(state.clone()), busy: Mutex::new(()) };
        Self { entries: sources.into_iter().map(entry).collect(), fetcher, store, parse, seed }
    }

    /// Returns the lists.
    pub fn sources(&self) -> impl Iterator<Item = &Source> {
        self.entries.iter().map(|entry| &entry.source)
    }

    /// Reads the last good copy of a list; without the network.
    ///
    /// A copy of another URL (the config changed) is used until there is one of
    /// the right URL, and that is not compared with it.
    pub fn load(&self, index: usize, now: Now) -> Loaded<L> {
        let mut loaded = Loaded { list: None, complaint: None };
        let Some(entry) = self.entries.get(index) else { return loaded };
        let saved = match self.store.load(&entry.source.name) {
            Ok(Some(saved)) => saved,
            Ok(None) => return loaded,
            Err(damage) => {
                loaded.complaint = Some(damage.to_string());
                return loaded;
            }
        };
        match (self.parse)(index, &saved.text) {
            Err(complaint) => {
                let same = *saved.header.url == *entry.source.url;
                entry.state().last_good = same.then_some(saved.header.rules);
                loaded.complaint = Some(complaint.to_string());
            }
            Ok(list) => {
                self.take_up(entry, &saved.header, saved.confirmed, list.counts().rules, now);
                loaded.list = Some(list);
            }
        }
        loaded
    }

    /// Like [`load`](Self::load), for a list that somebody else read from its
    /// copy, with so many rules: only the head of the copy is read.
    pub fn loaded(&self, index: usize, rules: u64, now: Now) {
        let Some(entry) = self.entries.get(index) else { return };
        if let Ok(Some(copy)) = self.store.open(&entry.source.name) {
            self.take_up(entry, &copy.header, copy.confirmed, rules, now);
        }
    }

    /// Takes down what is known of a last good copy.
    fn take_up(&self, entry: &Entry, header: &Header, confirmed: i64, rules: u64, now: Now) {
        let mut state = entry.state();
        let same = *header.url == *entry.source.url;
        state.facts.rules = Some(rules);
        state.facts.last_success = Some(confirmed);
        // Counted as we count today, which may not be as it was saved.
        state.last_good = same.then_some(rules);
        if same {
            state.validators = header.validators();
            self.plan(entry, &mut state, now, schedule::age(confirmed, now.unix));
        }
    }

    /// Takes over what another refresher knows of the same lists: for a
    /// reload, after [`Self::load`].
    pub fn take_over(&self, other: &Self) {
        for entry in &self.entries {
            let Some(old) = other.entries.iter().find(|old| old.source.name == entry.source.name) else {
                continue;
            };
            let old_state = old.state().clone();
            let mut state = entry.state();
            state.facts.failures_total = old_state.facts.failures_total;
            if old.source == entry.source {
                state.facts.failures_in_row = old_state.facts.failures_in_row;
                state.facts.last_failure = old_state.facts.last_failure;
                state.next = old_state.next;
                state.draws = old_state.draws;
            }
        }
    }

    /// Returns the lists that are to be downloaded now, by index.
    pub fn due(&self, now: Now) -> Vec<usize> {
        let is_due = |entry: &Entry| entry.state().next.is_none_or(|next| next <= now.instant);
        (0..).zip(&self.entries).filter(|(_, entry)| is_due(entry)).map(|(index, _)| index).collect()
    }

    /// Returns how long to wait until something is due; `None` if there is no
    /// list.
    pub fn wait(&self, now: Now) -> Option<Duration> {
        let wait = |entry: &Entry| {
            entry.state().next.map_or(Duration::ZERO, |next| next.saturating_duration_since(now.instant))
        };
        self.entries.iter().map(wait).min()
    }

    /// Returns what is to be shown of each list.
    pub fn facts(&self) -> impl Iterator<Item = (&Source, Facts)> {
        self.entries.iter().map(|entry| (&entry.source, entry.state().facts.clone()))
    }

    /// Downloads a list, looks at it and keeps it.  Waits for the network.
    ///
    /// With [`Doubt::Waive`] a list that fell or rose is taken all the same:
    /// the household was asked.
    pub fn refresh(&self, index: usize, now: Now, doubt: Doubt) -> Outcome<L> {
        let Some(entry) = self.entries.get(index) else { return Outcome::Busy };
        let _busy = match entry.busy.try_lock() {
            Ok(busy) => busy,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return Outcome::Busy,
        };
        let outcome = self.download(index, entry, now, doubt);
        let mut state = entry.state();
        match &outcome {
            Outcome::Failed(why) => {
                state.facts.failures_total = state.facts.failures_total.saturating_add(1);
                state.facts.failures_in_row = state.facts.failures_in_row.saturating_add(1);
                state.facts.last_failure = Some(why.to_string());
            }
            Outcome::Updated { .. } | Outcome::Unchanged | Outcome::Busy => {
                state.facts.last_success = Some(now.unix);
                state.facts.failures_in_row = 0;
                state.facts.last_failure = None;
            }
        }
        self.plan(entry, &mut state, now, Duration::ZERO);
        outcome
    }

    /// See [`Self::refresh`]; this is it without the bookkeeping of outcomes.
    fn download(&self, index: usize, entry: &Entry, now: Now, doubt: Doubt) -> Outcome<L> {
        let source = &entry.source;
        let (validators, last_good) = {
            let state = entry.state();
            (state.validators.clone(), state.last_good)
        };
        let known = if doubt == Doubt::Waive { Validators::default() } else { validators };
        let (body, validators) = match self.fetcher.fetch(&source.url, &known) {
            Err(why) => return Outcome::Failed(Why::Fetch(why)),
            Ok(Fetched::Unchanged) => {
                // If the time can't be noted, the next start asks early.  No harm.
                let _ = self.store.confirm(&source.name, now.unix);
                return Outcome::Unchanged;
            }
            Ok(Fetched::New { body, validators }) => (body, validators),
        };
        let (text, list) = match self.judge(index, body, last_good, doubt) {
            Err(refusal) => return Outcome::Failed(Why::Refused(refusal)),
            Ok(judged) => judged,
        };
        let rules = list.counts().rules;
        let header = Header {
            url: source.url.to_string(),
            etag: validators.etag.clone(),
            last_modified: validators.last_modified.clone(),
            fetched: now.unix,
            rules,
        };
        let unsaved = self.store.save(&source.name, &header, &text).err().map(|why| why.to_string());
        let mut state = entry.state();
        // Without a copy on the disk the next download must be a whole one.
        state.validators = if unsaved.is_none() { validators } else { Validators::default() };
        state.last_good = Some(rules);
        state.facts.rules = Some(rules);
        Outcome::Updated { list, rules, before: last_good, unsaved }
    }

    /// Turns a body into a list that may be used.
    fn judge(
        &self,
        index: usize,
        body: Vec<u8>,
        last_good: Option<u64>,
        doubt: Doubt,
    ) -> Result<(String, L), Refusal> {
        let text = accept::text(body)?;
        let list = (self.parse)(index, &text).map_err(Refusal::Parse)?;
        accept(last_good, &text, list.counts(), doubt)?;
        Ok((text, list))
    }

    /// Plans the next download of a list that is `age` old.
    fn plan(&self, entry: &Entry, state: &mut State, now: Now, age: Duration) {
        state.draws = state.draws.wrapping_add(1);
        let draw = schedule::draw(self.seed, &entry.source.name, state.draws);
        let delay = next_delay(entry.source.interval, state.facts.failures_in_row, draw);
        state.next = now.instant.checked_add(delay.saturating_sub(age));
    }
}

impl<L> fmt::Debug for Refresher<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sources = self.entries.iter().map(|entry| &entry.source);
        f.debug_list().entries(sources).finish()
    }
}

#[cfg(test)]
mod tests;
