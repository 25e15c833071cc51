//! [`Metrics`]: the Prometheus families of `deploy/prometheus/README.md`, and
//! what adds to them.
//!
//! Labels are closed enums and configured names, never a QNAME or an address.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Duration;

use prometheus::Encoder;
use prometheus::IntCounter;
use prometheus::IntCounterVec;
use prometheus::IntGaugeVec;
use prometheus::TextEncoder;

use super::counts::Counts;
pub use super::effect::Download;
use super::effect::Effect;
use super::identities::Identities;
use super::logged::Logged;
pub use super::register::Family;
use super::register::Register;
use super::register::count;
use super::register::counter;
use super::register::counters;
use super::register::gauges;
use super::register::raise;
use super::resolving::Resolving;
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
use crate::querylog::Asker;
use crate::querylog::Askers;
use crate::querylog::Facts;
use crate::resolve::Origin;
use crate::resolve::Stats;

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
    /// What resolving did.
    resolving: Resolving,
    /// What is in effect.
    effect: Effect,
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
    /// Held by whoever writes: counters are raised to totals by what is missing, which
    /// two at a time would both add.
    writing: Mutex<()>,
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
            resolving: Resolving::new(reg)?,
            effect: Effect::new(reg)?,
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
            writing: Mutex::default(),
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

    /// Takes down what a household's lists hold, and that it took effect.
    pub fn loaded(&self, house: &Household, set_aside: &[(Arc<str>, usize)], now: Now) {
        self.effect.loaded(house, set_aside, now);
    }

    /// Takes down that a reload did not take effect.
    pub fn kept(&self, now: Now) {
        self.effect.kept(now);
    }

    //--- Scrapes

    /// Writes all metrics as Prometheus reads them.
    pub fn render(&self, stats: &Stats, downloads: &[Download], log: &Facts, now: Now) -> Vec<u8> {
        let _writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        self.effect.show(downloads);
        self.resolving.show(stats, self.counts.answered_from(Origin::Cache), now);
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
