//! [`Register`]: where families are registered and can be told apart by name;
//! and small helpers of [`metrics`](super::metrics): raising counters to totals
//! that are kept elsewhere, words for numbers.

use std::sync::Mutex;
use std::sync::PoisonError;

use prometheus::IntCounter;
use prometheus::IntCounterVec;
use prometheus::IntGauge;
use prometheus::IntGaugeVec;
use prometheus::Opts;
use prometheus::Registry;
use prometheus::core::Collector;
use prometheus::process_collector::ProcessCollector;
use prometheus::proto::MetricFamily;
use prometheus::proto::MetricType;

use super::series::Series;

/// What the names of our families begin with.
const PREFIX: &str = "sordino";

//----------- Register ---------------------------------------------------------

/// A family of metrics, as it is registered.  One with labels has no series as
/// long as nothing was counted, and is there all the same.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Family {
    /// Its name, with the prefix.
    pub name: String,
    /// `counter`, `gauge` or `histogram`.
    pub kind: &'static str,
    /// Its labels, in the order of their names.
    pub labels: Vec<String>,
}

/// The families that are scraped.
#[derive(Debug)]
pub(super) struct Register {
    /// Ours.
    registry: Registry,
    /// Those about the process, which have no prefix of ours.
    process: ProcessCollector,
    /// What ours are.
    families: Mutex<Vec<Family>>,
}

impl Register {
    /// Makes a register without families of ours.
    pub(super) fn new() -> prometheus::Result<Self> {
        let registry = Registry::new_custom(Some(PREFIX.to_owned()), None)?;
        Ok(Self { registry, process: ProcessCollector::for_self(), families: Mutex::default() })
    }

    /// Returns all series.
    pub(super) fn gather(&self) -> Vec<MetricFamily> {
        let mut all = self.process.collect();
        all.extend(self.registry.gather());
        all
    }

    /// Returns all families of ours.
    pub(super) fn families(&self) -> Vec<Family> {
        self.families.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Registers a collector and returns it.
    fn add<C: Collector + Clone + 'static>(&self, collector: C) -> prometheus::Result<C> {
        self.registry.register(Box::new(collector.clone()))?;
        let kinds = collector.collect();
        let kind = match kinds.first().map(MetricFamily::get_field_type) {
            Some(MetricType::COUNTER) => "counter",
            Some(MetricType::HISTOGRAM) => "histogram",
            _ => "gauge",
        };
        for desc in collector.desc() {
            self.list(format!("{PREFIX}_{}", desc.fq_name), kind, desc.variable_labels.clone());
        }
        Ok(collector)
    }

    /// Takes down that there is a family.
    fn list(&self, name: String, kind: &'static str, mut labels: Vec<String>) {
        labels.sort_unstable();
        let family = Family { name, kind, labels };
        self.families.lock().unwrap_or_else(PoisonError::into_inner).push(family);
    }
}

/// Registers counters with labels.
pub(super) fn counters(
    registry: &Register,
    name: &str,
    help: &str,
    labels: &[&str],
) -> prometheus::Result<IntCounterVec> {
    register(registry, IntCounterVec::new(Opts::new(name, help), labels)?)
}

/// Registers a counter.
pub(super) fn counter(registry: &Register, name: &str, help: &str) -> prometheus::Result<IntCounter> {
    register(registry, IntCounter::new(name, help)?)
}

/// Registers gauges with labels.
pub(super) fn gauges(
    registry: &Register,
    name: &str,
    help: &str,
    labels: &[&str],
) -> prometheus::Result<IntGaugeVec> {
    register(registry, IntGaugeVec::new(Opts::new(name, help), labels)?)
}

/// Registers a gauge.
pub(super) fn gauge(registry: &Register, name: &str, help: &str) -> prometheus::Result<IntGauge> {
    register(registry, IntGauge::new(name, help)?)
}

/// Registers a family whose series are written by whoever counts them.
pub(super) fn series<const N: usize>(
    registry: &Register,
    name: &str,
    kind: &'static str,
    help: &str,
    labels: [&'static str; N],
) -> Series<N> {
    let name = format!("{PREFIX}_{name}");
    let series = Series::new(&name, kind, help, labels);
    registry.list(name, kind, labels.map(str::to_owned).into());
    series
}

/// Registers a collector and returns it.
pub(super) fn register<C: Collector + Clone + 'static>(
    registry: &Register,
    collector: C,
) -> prometheus::Result<C> {
    registry.add(collector)
}

/// Raises a counter to a total that is kept elsewhere.
pub(super) fn raise(counter: &IntCounter, total: u64) {
    counter.inc_by(total.saturating_sub(counter.get()));
}

/// Returns a count as gauges have it.
pub(super) fn count(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// Returns a total as gauges have it.
pub(super) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// Returns the mnemonic of an RCODE (IANA); those we never send are `other`.
pub(super) fn rcode_word(rcode: u16) -> &'static str {
    match rcode {
        0 => "NOERROR",
        1 => "FORMERR",
        2 => "SERVFAIL",
        3 => "NXDOMAIN",
        4 => "NOTIMP",
        5 => "REFUSED",
        16 => "BADVERS",
        _ => "other",
    }
}
