//! [`Metrics`]: the Prometheus families of `design/contract.md`, and what adds
//! to them.
//!
//! Labels are closed enums and configured names, never a QNAME or an address.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

use prometheus::Encoder;
use prometheus::HistogramOpts;
use prometheus::HistogramVec;
use prometheus::IntCounter;
use prometheus::IntCounterVec;
use prometheus::IntGauge;
use prometheus::IntGaugeVec;
use prometheus::Registry;
use prometheus::TextEncoder;

use super::book::Book;
use super::book::Page;
use super::register::count;
use super::register::counter;
use super::register::counters;
use super::register::gauge;
use super::register::gauges;
use super::register::raise;
use super::register::rcode_word;
use super::register::signed;
use crate::base::Now;
use crate::catalog::Purpose;
use crate::pipeline::Dropped;
use crate::pipeline::Event;
use crate::pipeline::Household;
use crate::pipeline::Served;
use crate::policy::Ground;
use crate::query::Transport;
use crate::resolve::Origin;
use crate::resolve::Stats;
use crate::resolve::stats::Limit;
use crate::resolve::stats::Security;
use crate::resolve::stats::Sent;

/// Upper bounds of the histogram of answer times, in seconds: from a blocked
/// answer to the client's patience.
const BUCKETS: [f64; 12] = [0.0001, 0.0005, 0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0];

//----------- Download ---------------------------------------------------------

/// What is known of a list that is downloaded.
#[derive(Clone, Debug)]
pub struct Download {
    /// Its name.
    pub list: Arc<str>,
    /// When its copy was last known to be fresh, in seconds since 1970.
    pub last_success: Option<i64>,
    /// How many downloads came to nothing.
    pub failures: u64,
}

//----------- Metrics ----------------------------------------------------------

/// All metrics.
#[derive(Debug)]
pub struct Metrics {
    /// What is scraped.
    registry: Registry,
    /// `queries_total`
    queries: IntCounterVec,
    /// `blocked_total`
    blocked: IntCounterVec,
    /// `responses_total`
    responses: IntCounterVec,
    /// `query_duration_seconds`
    durations: HistogramVec,
    /// `function_guarded_total`
    guarded: IntCounterVec,
    /// `dropped_total`
    dropped: IntCounterVec,
    /// `panics_total`
    panics: IntCounter,
    /// `stale_served_total`
    stale: IntCounter,
    /// `cache_entries`, `cache_bytes`
    cache: [IntGauge; 2],
    /// `cache_hits_total`, `cache_misses_total`
    cache_use: [IntCounter; 2],
    /// `upstream_packets_total`
    upstream: IntCounterVec,
    /// `dnssec_total`
    dnssec: IntCounterVec,
    /// `budget_exceeded_total`
    budget: IntCounterVec,
    /// `device_info`
    device_info: IntGaugeVec,
    /// `device_state`
    device_state: IntGaugeVec,
    /// `device_last_query_timestamp_seconds`
    device_asked: IntGaugeVec,
    /// `list_rules`
    list_rules: IntGaugeVec,
    /// `list_last_success_timestamp_seconds`
    list_read: IntGaugeVec,
    /// `list_rules_set_aside`
    list_aside: IntGaugeVec,
    /// `list_refresh_failures_total`
    list_failures: IntCounterVec,
    /// `config_last_reload_ok`, `config_last_reload_timestamp_seconds`
    reload: [IntGauge; 2],
    /// Events that were missed.
    missed: Arc<AtomicU64>,
    /// What is remembered of each device.
    book: Mutex<Book>,
}

impl Metrics {
    /// Registers all families.
    #[expect(clippy::too_many_lines, reason = "a table of all families; splitting it would hide one")]
    pub fn new() -> Result<Self, prometheus::Error> {
        let registry = Registry::new_custom(Some("sordino".to_owned()), None)?;
        let reg = &registry;
        let build = gauges(reg, "build_info", "The version that runs; always 1.", &["version", "revision"])?;
        let revision = option_env!("SORDINO_REVISION").unwrap_or("unknown");
        build.with_label_values(&[env!("CARGO_PKG_VERSION"), revision]).set(1);
        let durations = HistogramVec::new(
            HistogramOpts::new("query_duration_seconds", "From a query's arrival to its answer's leaving.")
                .buckets(BUCKETS.to_vec()),
            &["origin"],
        )?;
        reg.register(Box::new(durations.clone()))?;
        for origin in Origin::ALL {
            durations.with_label_values(&[origin.as_str()]);
        }
        let dropped =
            counters(reg, "dropped_total", "Packets not answered and events not booked.", &["reason"])?;
        for reason in Dropped::ALL {
            dropped.with_label_values(&[reason.as_str()]);
        }
        dropped.with_label_values(&["not-booked"]);
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
            responses: counters(reg, "responses_total", "Responses sent.", &["rcode", "transport"])?,
            guarded: counters(
                reg,
                "function_guarded_total",
                "Times a list would have broken a function and was held back.",
                &["device", "function"],
            )?,
            panics: counter(reg, "panics_total", "Faults in the program that a query ran into.")?,
            stale: counter(
                reg,
                "stale_served_total",
                "Answers served after their time, for want of a fresh one.",
            )?,
            cache: [
                gauge(reg, "cache_entries", "Answers in the cache.")?,
                gauge(reg, "cache_bytes", "Octets the answers in the cache take.")?,
            ],
            cache_use: [
                counter(reg, "cache_hits_total", "Questions answered from the cache.")?,
                counter(reg, "cache_misses_total", "Questions the cache had no answer to.")?,
            ],
            upstream: counters(
                reg,
                "upstream_packets_total",
                "Queries sent to other servers, by how they ended.",
                &["transport", "result"],
            )?,
            dnssec: counters(reg, "dnssec_total", "Answers validated, by result.", &["result"])?,
            budget: counters(
                reg,
                "budget_exceeded_total",
                "Questions given up because they took too much work of a kind.",
                &["kind"],
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
                "0 offline, 1 quiet, 2 functions only, 3 tracking blocked, 4 tracking allowed.",
                &["device"],
            )?,
            device_asked: gauges(
                reg,
                "device_last_query_timestamp_seconds",
                "When a device last asked.",
                &["device"],
            )?,
            list_rules: gauges(reg, "list_rules", "Rules of a list that are in effect.", &["list"])?,
            list_read: gauges(
                reg,
                "list_last_success_timestamp_seconds",
                "When a list was last read whole; of one that is downloaded, when it was last known to be fresh.",
                &["list"],
            )?,
            list_aside: gauges(
                reg,
                "list_rules_set_aside",
                "Rules of a list that would break a function of a speaker, and do not count for it.",
                &["list"],
            )?,
            list_failures: counters(
                reg,
                "list_refresh_failures_total",
                "Downloads of a list that came to nothing.",
                &["list"],
            )?,
            reload: [
                gauge(
                    reg,
                    "config_last_reload_ok",
                    "1 if the last reload took effect, 0 if the old config was kept.",
                )?,
                gauge(reg, "config_last_reload_timestamp_seconds", "When the config was last read.")?,
            ],
            durations,
            dropped,
            missed: Arc::default(),
            book: Mutex::default(),
            registry,
        })
    }

    /// Returns the counter of missed events.
    pub(super) fn missed(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.missed)
    }

    //--- Events

    /// Books an event.
    pub(super) fn book(&self, event: &Event) {
        match event {
            Event::Served { served, house, seconds } => self.book_served(served, house, *seconds),
            Event::TurnedAway { rcode, transport } => {
                self.responses.with_label_values(&[rcode_word(*rcode), transport.as_str()]).inc();
            }
            Event::Dropped(reason) => self.dropped.with_label_values(&[reason.as_str()]).inc(),
            Event::Panicked => self.panics.inc(),
        }
    }

    /// Books a query that was served.
    fn book_served(&self, served: &Served, house: &Household, seconds: f64) {
        let Served { query, device, judged, answer, response } = served;
        let family = device.family.and_then(|id| house.catalog.family(id)).map_or("", |family| family.name());
        let purpose = judged.purpose.as_str();
        let label = self.book_device(served, house, family);
        let verdict = if judged.is_block() { "block" } else { "allow" };
        self.queries.with_label_values(&[&label, purpose, verdict]).inc();
        if judged.is_block() {
            self.blocked.with_label_values(&[&label, family, purpose, judged.ground.as_str()]).inc();
        }
        if let Ground::Function { held_back: Some(_), .. } = &judged.ground {
            self.guarded.with_label_values(&[&label, purpose]).inc();
        }
        if answer.origin() == Origin::Stale {
            self.stale.inc();
        }
        let rcode = rcode_word(response.rcode);
        self.responses.with_label_values(&[rcode, query.transport.as_str()]).inc();
        self.durations.with_label_values(&[answer.origin().as_str()]).observe(seconds);
    }

    /// Takes down who asked, and returns the label for it.
    fn book_device(&self, served: &Served, house: &Household, family: &str) -> Arc<str> {
        let Served { query, device, judged, .. } = served;
        let policy = house.policies.policy(device.policy).map(|policy| Arc::clone(&policy.name));
        let fresh = Page {
            family: Arc::from(family),
            policy: policy.unwrap_or_default(),
            identified_by: device.standing.as_str(),
            asked: query.received.unix,
            blocked: None,
            tracked: None,
        };
        let mut book = self.book.lock().unwrap_or_else(PoisonError::into_inner);
        let (label, page, known) = book.page(&device.name, || fresh.clone());
        if !known {
            tracing::info!(
                device = %label,
                family = %fresh.family,
                policy = %fresh.policy,
                identified_by = fresh.identified_by,
                "a device asks for the first time"
            );
        }
        let at = Some(query.received.unix);
        let tracks = !matches!(judged.purpose, Purpose::Function(_) | Purpose::Unknown);
        *page = Page {
            blocked: if judged.is_block() && tracks { at } else { page.blocked },
            tracked: if !judged.is_block() && tracks { at } else { page.tracked },
            ..fresh
        };
        label
    }

    //--- Reloads

    /// Takes down what a household's lists hold, and that it took effect.
    pub fn loaded(&self, house: &Household, set_aside: &[(Arc<str>, usize)], now: Now) {
        self.list_aside.reset();
        for (name, rules) in set_aside {
            self.list_aside.with_label_values(&[&**name]).set(count(*rules));
        }
        self.list_rules.reset();
        self.list_read.reset();
        let families = house.catalog.families().iter().map(|family| (family.name(), family.rules().len()));
        let foreign = house.policies.lists.iter().map(|list| (&list.name, list.len()));
        for (name, rules) in families.chain(foreign) {
            self.list_rules.with_label_values(&[&**name]).set(count(rules));
            self.list_read.with_label_values(&[&**name]).set(now.unix);
        }
        let [ok, at] = &self.reload;
        ok.set(1);
        at.set(now.unix);
    }

    /// Takes down that a reload did not take effect.
    pub fn kept(&self, now: Now) {
        let [ok, at] = &self.reload;
        ok.set(0);
        at.set(now.unix);
    }

    //--- Scrapes

    /// Writes all metrics as Prometheus reads them.
    pub fn render(&self, stats: &Stats, downloads: &[Download], now: Now) -> Vec<u8> {
        for Download { list, last_success, failures } in downloads {
            // Zero as long as there is no copy: a list of 1970 is too old.
            self.list_read.with_label_values(&[&**list]).set(last_success.unwrap_or(0));
            raise(&self.list_failures.with_label_values(&[&**list]), *failures);
        }
        let [entries, bytes] = &self.cache;
        entries.set(signed(stats.cache.entries));
        bytes.set(signed(stats.cache.bytes));
        let [hits, misses] = &self.cache_use;
        raise(hits, stats.cache.hits);
        raise(misses, stats.cache.misses);
        for transport in [Transport::Udp, Transport::Tcp] {
            for sent in Sent::ALL {
                let labels = [transport.as_str(), sent.as_str()];
                raise(&self.upstream.with_label_values(&labels), stats.upstream(transport, sent));
            }
        }
        for security in Security::ALL {
            raise(&self.dnssec.with_label_values(&[security.as_str()]), stats.dnssec(security));
        }
        for limit in Limit::ALL {
            raise(&self.budget.with_label_values(&[limit.as_str()]), stats.exceeded(limit));
        }
        let missed = self.missed.load(Ordering::Relaxed);
        raise(&self.dropped.with_label_values(&["not-booked"]), missed);
        self.render_devices(now);
        let mut text = Vec::new();
        if let Err(error) = TextEncoder::new().encode(&self.registry.gather(), &mut text) {
            tracing::warn!(%error, "metrics could not be written");
        }
        text
    }

    /// Brings the gauges of devices up to date.
    fn render_devices(&self, now: Now) {
        self.device_info.reset();
        let book = self.book.lock().unwrap_or_else(PoisonError::into_inner);
        for (device, page) in book.pages() {
            let labels: [&str; 4] = [device, &page.family, &page.policy, page.identified_by];
            self.device_info.with_label_values(&labels).set(1);
            self.device_state.with_label_values(&[&**device]).set(page.state(now.unix) as i64);
            self.device_asked.with_label_values(&[&**device]).set(page.asked);
        }
    }
}
