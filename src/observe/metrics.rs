//! [`Metrics`]: the Prometheus families of `deploy/prometheus/README.md`, and
//! what adds to them.
//!
//! Labels are closed enums and configured names, never a QNAME or an address.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Duration;

use prometheus::Encoder;
use prometheus::IntCounter;
use prometheus::IntCounterVec;
use prometheus::IntGauge;
use prometheus::IntGaugeVec;
use prometheus::TextEncoder;

use super::counts::Counts;
use super::identities::Identities;
use super::logged::Logged;
pub use super::register::Family;
use super::register::Register;
use super::register::count;
use super::register::counter;
use super::register::counters;
use super::register::gauge;
use super::register::gauges;
use super::register::raise;
use super::register::signed;
use crate::base::Now;
use crate::device::Device;
use crate::device::Finding;
use crate::device::findings::Problem;
use crate::pipeline::Dropped;
use crate::pipeline::Event;
use crate::pipeline::Household;
use crate::pipeline::Mark;
use crate::pipeline::Served;
use crate::pipeline::Tally;
use crate::query::Transport;
use crate::querylog::Asker;
use crate::querylog::Askers;
use crate::querylog::Facts;
use crate::resolve::Origin;
use crate::resolve::Stats;
use crate::resolve::stats::Limit;
use crate::resolve::stats::Security;
use crate::resolve::stats::Sent;

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
    registry: Register,
    /// `dropped_total`
    dropped: IntCounterVec,
    /// `panics_total`
    panics: IntCounter,
    /// How many of these were not in the work of resolving, which counts its own.
    panicked: AtomicU64,
    /// `clock_ok`
    clock: IntGauge,
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
    /// `identify_total`, `identify_wait_seconds`
    identities: Identities,
    /// `network_findings`
    findings: IntGaugeVec,
    /// `query_log_…`
    logged: Logged,
    /// What is counted query by query.
    counts: Counts,
}

impl Metrics {
    /// Registers all families.
    pub fn new() -> Result<Self, prometheus::Error> {
        let registry = Register::new()?;
        let reg = &registry;
        let build = gauges(reg, "build_info", "The version that runs; always 1.", &["version", "revision"])?;
        let revision = option_env!("SORDINO_REVISION").unwrap_or("unknown");
        build.with_label_values(&[env!("CARGO_PKG_VERSION"), revision]).set(1);
        let dropped =
            counters(reg, "dropped_total", "Packets not answered and events not booked.", &["reason"])?;
        for reason in Dropped::ALL {
            dropped.with_label_values(&[reason.as_str()]);
        }
        dropped.with_label_values(&["not-booked"]);
        Ok(Self {
            panics: counter(reg, "panics_total", "Faults in the program that a query ran into.")?,
            clock: gauge(
                reg,
                "clock_ok",
                "1 if the date can be right; 0 while it can't, and names of time servers resolve unchecked.",
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
            identities: Identities::new(reg)?,
            findings: gauges(
                reg,
                "network_findings",
                "What is wrong with the network, by how many it is about; see `sordino doctor`.",
                &["finding"],
            )?,
            logged: Logged::new(reg)?,
            counts: Counts::new(reg)?,
            dropped,
            missed: Arc::default(),
            panicked: AtomicU64::new(0),
            registry,
        })
    }

    /// Returns all families with our prefix, those without series too.
    pub fn families(&self) -> Vec<Family> {
        self.registry.families()
    }

    /// Returns the counter of missed events.
    pub(super) fn missed(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.missed)
    }

    //--- Events

    /// Books an event, in the tally of the thread that does it.
    /// Returns the mark of a query that was served.
    pub(super) fn book(&self, event: &Event, tally: &Tally) -> Option<Mark> {
        match event {
            Event::Served { served, house, seconds } => {
                let Served { query, device, judged, answer, response, retry } = &**served;
                let page = self.counts.page(device, house);
                let mark = Mark::new(
                    page,
                    device.logged,
                    judged,
                    *retry,
                    answer.origin(),
                    response.rcode,
                    query.transport,
                );
                tally.served(&mark, query.received.unix, Duration::from_secs_f64(*seconds));
                return Some(mark);
            }
            Event::TurnedAway { rcode, transport } => tally.responded(*rcode, *transport),
            Event::Dropped(reason) => tally.dropped(*reason),
            Event::Panicked => {
                self.panicked.fetch_add(1, Ordering::Relaxed);
            }
            // Told to whoever watches storms.
            Event::Storm { .. } => {}
        }
        None
    }

    /// Returns what is counted query by query.
    pub(super) fn counts(&self) -> &Counts {
        &self.counts
    }

    /// Returns how it was found out who asks.
    pub(super) fn identities(&self) -> &Identities {
        &self.identities
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
        let families = house.catalog.families().iter();
        let families = families.map(|family| (family.name(), count(family.rules().len())));
        let foreign = house.policies.lists.all().iter().map(|list| (&list.about.name, signed(list.rules)));
        for (name, rules) in families.chain(foreign) {
            self.list_rules.with_label_values(&[&**name]).set(rules);
            self.list_read.with_label_values(&[&**name]).set(now.unix);
        }
        let [ok, at] = &self.reload;
        ok.set(1);
        at.set(now.unix);
    }

    /// Takes down what is wrong with the network, and which speakers are there
    /// and ask nothing here.
    pub fn found<'d>(
        &self,
        findings: &[Finding],
        silent: impl Iterator<Item = &'d Device>,
        house: &Household,
    ) {
        for problem in Problem::ALL {
            let found = findings.iter().find(|finding| finding.problem == problem);
            let about = found.map_or(0, |finding| finding.about.len());
            self.findings.with_label_values(&[problem.as_str()]).set(count(about));
        }
        self.counts.suspect(silent, house);
    }

    /// Takes down that a reload did not take effect.
    pub fn kept(&self, now: Now) {
        let [ok, at] = &self.reload;
        ok.set(0);
        at.set(now.unix);
    }

    //--- Scrapes

    /// Writes all metrics as Prometheus reads them.
    pub fn render(&self, stats: &Stats, downloads: &[Download], log: &Facts, now: Now) -> Vec<u8> {
        for Download { list, last_success, failures } in downloads {
            // Zero as long as there is no copy: a list of 1970 is too old.
            self.list_read.with_label_values(&[&**list]).set(last_success.unwrap_or(0));
            raise(&self.list_failures.with_label_values(&[&**list]), *failures);
        }
        self.clock.set(i64::from(now.unix >= stats.earliest && !stats.ahead));
        let [entries, bytes] = &self.cache;
        entries.set(signed(stats.cache.entries));
        bytes.set(signed(stats.cache.bytes));
        let [hits, misses] = &self.cache_use;
        raise(hits, self.counts.answered_from(Origin::Cache));
        raise(misses, stats.cache.misses);
        for transport in Transport::ALL {
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
        raise(&self.panics, self.panicked.load(Ordering::Relaxed) + stats.faults);
        for reason in Dropped::ALL {
            raise(&self.dropped.with_label_values(&[reason.as_str()]), self.counts.dropped(reason));
        }
        let missed = self.missed.load(Ordering::Relaxed);
        raise(&self.dropped.with_label_values(&["not-booked"]), missed);
        self.identities.show();
        self.logged.show(log);
        self.counts.show();
        let mut text = Vec::new();
        if let Err(error) = TextEncoder::new().encode(&self.registry.gather(), &mut text) {
            tracing::warn!(%error, "metrics could not be written");
        }
        self.counts.write(now, &mut text);
        text
    }
}

impl Askers for Metrics {
    fn asker(&self, page: u16) -> Option<Asker> {
        self.counts.asker(page)
    }
}
