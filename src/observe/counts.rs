//! [`Counts`]: the families that are counted query by query, added up from the
//! tallies of all threads.
//
//  Apart from `metrics`, whose families are brought up to date from elsewhere.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

use prometheus::IntCounter;
use prometheus::IntCounterVec;
use prometheus::IntGaugeVec;

use super::book::Book;
use super::book::Page;
use super::book::State;
use super::register::Register;
use super::register::counter;
use super::register::counters;
use super::register::gauges;
use super::register::raise;
use super::register::rcode_word;
use super::register::register;
use super::times::Times;
use crate::base::Now;
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

/// What is counted query by query.
#[derive(Debug)]
pub(super) struct Counts {
    /// `queries_total`
    queries: IntCounterVec,
    /// `blocked_total`
    blocked: IntCounterVec,
    /// `blocked_retries_total`
    retries: IntCounterVec,
    /// `responses_total`
    responses: IntCounterVec,
    /// `query_duration_seconds`
    times: Times,
    /// `function_guarded_total`
    guarded: IntCounterVec,
    /// `stale_served_total`
    stale: IntCounter,
    /// `device_info`
    device_info: IntGaugeVec,
    /// `device_state`
    device_state: IntGaugeVec,
    /// `device_last_query_timestamp_seconds`
    device_asked: IntGaugeVec,
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
            queries: counters(
                reg,
                "queries_total",
                "Queries that went down the road.",
                &["device", "purpose", "verdict"],
            )?,
            blocked: counters(
                reg,
                "blocked_total",
                "Queries that were blocked, by what the verdict rests on.",
                &["device", "family", "purpose", "ground"],
            )?,
            retries: counters(
                reg,
                "blocked_retries_total",
                "Queries that asked again for a name that is blocked.",
                &["device", "family", "purpose"],
            )?,
            responses: counters(reg, "responses_total", "Responses sent.", &["rcode", "transport"])?,
            guarded: counters(
                reg,
                "function_guarded_total",
                "Times a list would have broken a function and was held back.",
                &["device", "function"],
            )?,
            stale: counter(
                reg,
                "stale_served_total",
                "Answers served after their time, for want of a fresh one.",
            )?,
            device_info: gauges(
                reg,
                "device_info",
                "How a device is known and what it is under; always 1.",
                &["device", "family", "policy", "identified_by"],
            )?,
            device_state: gauges(
                reg,
                "device_state",
                "0 offline (asked nothing for a day), 1 quiet (for a quarter of an hour), 2 functions only, \
                 3 tracking blocked, 4 tracking allowed, 5 bypass suspected (is there and asks somebody else).",
                &["device"],
            )?,
            device_asked: gauges(
                reg,
                "device_last_query_timestamp_seconds",
                "When a device last asked.",
                &["device"],
            )?,
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

    /// Brings all families up to date.
    pub(super) fn show(&self, now: Now) {
        let tallies = lock(&self.tallies);
        let sum = Sum(&tallies);
        self.times.show(&sum);
        self.show_responses(&sum);
        raise(&self.stale, sum.times(Origin::Stale).0.iter().sum());
        let book = lock(&self.book);
        let mut lasts: BTreeMap<&str, Last> = BTreeMap::new();
        let mut totals = Totals::new();
        self.device_info.reset();
        for (number, page) in book.pages() {
            self.show_queries(&sum, number, page, &mut totals);
            self.device_info.with_label_values(&page.labels()).set(1);
            let (last, other) = (lasts.entry(&page.device).or_default(), sum.last(number));
            *last = Last {
                asked: last.asked.max(other.asked),
                blocked: last.blocked.max(other.blocked),
                tracked: last.tracked.max(other.tracked),
            };
        }
        self.show_totals(&totals);
        self.device_state.reset();
        for (device, last) in lasts {
            self.device_state.with_label_values(&[device]).set(State::of(last, now.unix) as i64);
            self.device_asked.with_label_values(&[device]).set(last.asked);
        }
        for page in &*lock(&self.suspects) {
            self.device_info.with_label_values(&page.labels()).set(1);
            self.device_state.with_label_values(&[&*page.device]).set(State::BypassSuspected as i64);
        }
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

    /// Shows the queries of one page, and adds them to those of its device.
    fn show_queries<'p>(&self, sum: &Sum<'_>, number: u16, page: &'p Page, totals: &mut Totals<'p>) {
        if !sum.is_used(number) {
            return;
        }
        for purpose in Purpose::all() {
            let mut all = Queries::default();
            for (ground, word) in Ground::WORDS.into_iter().enumerate() {
                let here = sum.queries(number, purpose, ground);
                all.allowed += here.allowed + here.held_back;
                all.blocked += here.blocked;
                all.held_back += here.held_back;
                if here.blocked > 0 {
                    let labels = [&*page.device, &page.family, purpose.as_str(), word];
                    raise(&self.blocked.with_label_values(&labels), here.blocked);
                }
            }
            let again = sum.retries(number, purpose);
            if again > 0 {
                let labels = [&*page.device, &page.family, purpose.as_str()];
                raise(&self.retries.with_label_values(&labels), again);
            }
            if all != Queries::default() {
                let total = totals.entry((&page.device, purpose)).or_default();
                total.allowed += all.allowed;
                total.blocked += all.blocked;
                total.held_back += all.held_back;
            }
        }
    }

    /// Shows the queries of devices.
    fn show_totals(&self, totals: &Totals<'_>) {
        for ((device, purpose), total) in totals {
            for (count, verdict) in [(total.allowed, "allow"), (total.blocked, "block")] {
                if count > 0 {
                    raise(&self.queries.with_label_values(&[device, purpose.as_str(), verdict]), count);
                }
            }
            if total.held_back > 0 {
                raise(&self.guarded.with_label_values(&[device, purpose.as_str()]), total.held_back);
            }
        }
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

/// What was counted by device and purpose.
type Totals<'p> = BTreeMap<(&'p str, Purpose), Queries>;

/// Locks what no fault leaves half done.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
