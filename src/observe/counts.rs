//! [`Counts`]: the families that are counted query by query, added up from the
//! tallies of all threads.
//
//  Apart from `metrics`, whose families are brought up to date from elsewhere.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

use prometheus::IntCounter;
use prometheus::IntCounterVec;

use super::book::Book;
use super::book::Page;
use super::book::State;
use super::register::Register;
use super::register::counter;
use super::register::counters;
use super::register::raise;
use super::register::rcode_word;
use super::register::register;
use super::register::series;
use super::series::Series;
use super::times::Times;
use crate::base::Now;
use crate::base::way::give_way;
use crate::catalog::Purpose;
use crate::device::Device;
use crate::pipeline::Dropped;
use crate::pipeline::Household;
use crate::pipeline::Tally;
use crate::pipeline::tally::Last;
use crate::pipeline::tally::Queries;
use crate::pipeline::tally::Sum;
use crate::policy::Ground;
use crate::query::Transport;
use crate::querylog::Asker;
use crate::resolve::Origin;

/// Most devices that are shown although they never asked.
const MOST_SUSPECTS: usize = 64;

/// How many devices are written before others have the processor for a moment: some
/// quarter of a millisecond.
const AT_A_STRETCH: usize = 32;

/// What is counted query by query.
#[derive(Debug)]
pub(super) struct Counts {
    /// `queries_total`
    queries: Series<3>,
    /// `blocked_total`
    blocked: Series<4>,
    /// `blocked_retries_total`
    retries: Series<3>,
    /// `responses_total`
    responses: IntCounterVec,
    /// `query_duration_seconds`
    times: Times,
    /// `function_guarded_total`
    guarded: Series<2>,
    /// `stale_served_total`
    stale: IntCounter,
    /// `device_info`
    device_info: Series<4>,
    /// `device_state`
    device_state: Series<1>,
    /// `device_last_query_timestamp_seconds`
    device_asked: Series<1>,
    /// Who the devices are.
    book: Mutex<Book>,
    /// Who is there and asks somebody else, as it seems.
    suspects: Mutex<Vec<Page>>,
    /// What threads count.
    tallies: Mutex<Vec<Arc<Tally>>>,
}

impl Counts {
    /// Registers the families.
    pub(super) fn new(reg: &Register) -> prometheus::Result<Self> {
        Ok(Self {
            queries: series(
                reg,
                "queries_total",
                "counter",
                "Queries that went down the road.",
                ["device", "purpose", "verdict"],
            ),
            blocked: series(
                reg,
                "blocked_total",
                "counter",
                "Queries that were blocked, by what the verdict rests on.",
                ["device", "family", "purpose", "ground"],
            ),
            retries: series(
                reg,
                "blocked_retries_total",
                "counter",
                "Queries that asked again for a name that is blocked.",
                ["device", "family", "purpose"],
            ),
            responses: counters(reg, "responses_total", "Responses sent.", &["rcode", "transport"])?,
            guarded: series(
                reg,
                "function_guarded_total",
                "counter",
                "Times a list would have broken a function and was held back.",
                ["device", "function"],
            ),
            stale: counter(
                reg,
                "stale_served_total",
                "Answers served after their time, for want of a fresh one.",
            )?,
            device_info: series(
                reg,
                "device_info",
                "gauge",
                "How a device is known and what it is under; always 1.",
                ["device", "family", "policy", "identified_by"],
            ),
            device_state: series(
                reg,
                "device_state",
                "gauge",
                "0 offline (asked nothing for a day), 1 quiet (for a quarter of an hour), 2 functions only, \
                 3 tracking blocked, 4 tracking allowed, 5 bypass suspected (is there and asks somebody else).",
                ["device"],
            ),
            device_asked: series(
                reg,
                "device_last_query_timestamp_seconds",
                "gauge",
                "When a device last asked.",
                ["device"],
            ),
            times: register(reg, Times::new()?)?,
            book: Mutex::default(),
            suspects: Mutex::default(),
            tallies: Mutex::default(),
        })
    }

    /// Returns a new tally that is shown with the others.
    pub(super) fn tally(&self) -> Arc<Tally> {
        let tally = Arc::new(Tally::default());
        lock(&self.tallies).push(Arc::clone(&tally));
        tally
    }

    /// Returns the page on which queries of a device are counted.
    pub(super) fn page(&self, device: &Device, house: &Household) -> u16 {
        let page = page(device, house);
        let (number, new) = lock(&self.book).page(page.clone());
        if new {
            let Page { device, family, policy, identified_by } = page;
            tracing::info!(%device, %family, %policy, identified_by, "a device asks for the first time");
        }
        number
    }

    /// Shows these devices as such that ask somebody else, and no others.
    pub(super) fn suspect<'d>(&self, devices: impl Iterator<Item = &'d Device>, house: &Household) {
        *lock(&self.suspects) = devices.take(MOST_SUSPECTS).map(|device| page(device, house)).collect();
    }

    /// Returns whose queries are counted on a page.
    pub(super) fn asker(&self, page: u16) -> Option<Asker> {
        let book = lock(&self.book);
        let Page { device, family, .. } = book.get(page)?;
        Some(Asker { device: Arc::clone(device), family: Arc::clone(family) })
    }

    /// Returns how many answers came from there.
    pub(super) fn answered_from(&self, origin: Origin) -> u64 {
        Sum(&lock(&self.tallies)).times(origin).0.iter().sum()
    }

    /// Returns how many packets were not answered for a reason.
    pub(super) fn dropped(&self, reason: Dropped) -> u64 {
        Sum(&lock(&self.tallies)).dropped(reason)
    }

    //--- Showing

    /// Brings the families up to date that the library writes.
    pub(super) fn show(&self) {
        let tallies = lock(&self.tallies);
        let sum = Sum(&tallies);
        self.times.show(&sum);
        self.show_responses(&sum);
        raise(&self.stale, sum.times(Origin::Stale).0.iter().sum());
    }

    /// Writes those of devices, of which there are many.
    pub(super) fn write(&self, now: Now, text: &mut Vec<u8>) {
        // Threads that answer look into the book too, and do not wait for this.
        let mut pages: Vec<(u16, Page)> =
            lock(&self.book).pages().map(|(number, page)| (number, page.clone())).collect();
        pages.sort_by(|(_, one), (_, other)| one.device.cmp(&other.device));
        let suspects = lock(&self.suspects).clone();
        self.write_queries(&pages, text);
        self.write_devices(&pages, &suspects, now, text);
    }

    /// Shows the responses.
    fn show_responses(&self, sum: &Sum<'_>) {
        for transport in Transport::ALL {
            // Several RCODEs are `other`.
            let mut words: BTreeMap<&str, u64> = BTreeMap::new();
            for rcode in Sum::rcodes() {
                let word = rcode_word(u16::try_from(rcode).unwrap_or(u16::MAX));
                *words.entry(word).or_default() += sum.responses(transport, rcode);
            }
            for (word, count) in words.into_iter().filter(|(_, count)| *count > 0) {
                raise(&self.responses.with_label_values(&[word, transport.as_str()]), count);
            }
        }
    }

    /// Writes what devices asked for.
    fn write_queries(&self, pages: &[(u16, Page)], text: &mut Vec<u8>) {
        let tallies = lock(&self.tallies);
        let sum = Sum(&tallies);
        let (mut queries, mut guarded) = (self.queries.lines(), self.guarded.lines());
        let (mut blocked, mut retries) = (self.blocked.lines(), self.retries.lines());
        let by_device = pages.chunk_by(|(_, one), (_, other)| one.device == other.device);
        for (nth, of_device) in by_device.enumerate() {
            if nth % AT_A_STRETCH == 0 {
                give_way();
            }
            let sums: Vec<_> =
                of_device.iter().filter_map(|(number, page)| Some((page, sum.page(*number)?))).collect();
            let Some((Page { device, .. }, _)) = sums.first() else { continue };
            for purpose in Purpose::all() {
                let (mut total, word) = (Queries::default(), purpose.as_str());
                for (Page { family, .. }, sum) in &sums {
                    for (ground, of_ground) in Ground::WORDS.into_iter().enumerate() {
                        let here = sum.queries(purpose, ground);
                        total.add(here);
                        if here.blocked > 0 {
                            blocked.add([device, family, word, of_ground], here.blocked);
                        }
                    }
                    let again = sum.retries(purpose);
                    if again > 0 {
                        retries.add([device, family, word], again);
                    }
                }
                for (count, verdict) in [(total.passed(), "allow"), (total.blocked, "block")] {
                    if count > 0 {
                        queries.add([device, word, verdict], count);
                    }
                }
                if total.held_back > 0 {
                    guarded.add([device, word], total.held_back);
                }
            }
        }
        queries.end(text);
        blocked.end(text);
        retries.end(text);
        guarded.end(text);
    }

    /// Writes who devices are and how they do.
    fn write_devices(&self, pages: &[(u16, Page)], suspects: &[Page], now: Now, text: &mut Vec<u8>) {
        let tallies = lock(&self.tallies);
        let sum = Sum(&tallies);
        let (mut asked, mut states) = (self.device_asked.lines(), BTreeMap::new());
        for of_device in pages.chunk_by(|(_, one), (_, other)| one.device == other.device) {
            let lasts = of_device.iter().filter_map(|(number, _)| sum.page(*number)).map(|page| page.last);
            let last = lasts.fold(Last::default(), Last::later);
            let Some((_, Page { device, .. })) = of_device.first() else { continue };
            asked.add([device], last.asked);
            states.insert(&**device, State::of(last, now.unix));
        }
        states.extend(suspects.iter().map(|page| (&*page.device, State::BypassSuspected)));
        let mut state = self.device_state.lines();
        for (device, is) in states {
            state.add([device], is as i64);
        }
        // Whoever never asked has no page, and whoever asked may be suspected.
        let all = pages.iter().map(|(_, page)| page).chain(suspects).map(Page::labels);
        let mut info = self.device_info.lines();
        for labels in all.collect::<BTreeSet<_>>() {
            info.add(labels, 1);
        }
        info.end(text);
        state.end(text);
        asked.end(text);
    }
}

/// Returns who a device is, as metrics show it.
fn page(device: &Device, house: &Household) -> Page {
    let family = device.family.and_then(|id| house.catalog.family(id));
    let policy = house.policies.policy(device.policy);
    Page {
        device: Arc::clone(&device.name),
        family: family.map(|family| Arc::clone(family.name())).unwrap_or_default(),
        policy: policy.map(|policy| Arc::clone(&policy.name)).unwrap_or_default(),
        identified_by: device.standing.as_str(),
    }
}

/// Locks what no fault leaves half done.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
