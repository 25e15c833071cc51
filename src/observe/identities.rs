//! `identify_total` and `identify_wait_seconds`: how it was found out who asks,
//! and what that cost.
//
//  Apart from `counts`, because it is not counted query by query: threads of the
//  fast path find somebody out once a second at most.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Duration;

use prometheus::Histogram;
use prometheus::HistogramOpts;
use prometheus::IntCounterVec;

use super::register::Register;
use super::register::counters;
use super::register::raise;
use super::register::register;
use crate::base::Source;
use crate::pipeline::Found;

/// Upper bounds of the buckets of waits, in seconds: from a wire to the default
/// of `identify.wait` and more.
const WAITS: [f64; 10] = [0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.03, 0.1];

/// The two families.
#[derive(Debug)]
pub(super) struct Identities {
    /// `identify_total`, as it is shown.
    total: IntCounterVec,
    /// `identify_total`, as it is counted: by source and by what came of it.
    counted: [[AtomicU64; Found::ALL.len()]; Source::ALL.len()],
    /// `identify_wait_seconds`
    waits: Histogram,
}

impl Identities {
    /// Registers the families.
    pub(super) fn new(reg: &Register) -> prometheus::Result<Self> {
        let waits = HistogramOpts::new(
            "identify_wait_seconds",
            "How long first queries of unknown addresses waited for their client to be found.",
        );
        Ok(Self {
            total: counters(
                reg,
                "identify_total",
                "Times it was found out who a client is, by who said so and what came of it.",
                &["source", "result"],
            )?,
            counted: Default::default(),
            waits: register(reg, Histogram::with_opts(waits.buckets(WAITS.to_vec()))?)?,
        })
    }

    /// Takes note that it was found out who a client is.  Adds one and no more.
    pub(super) fn note(&self, source: Source, found: Found, waited: Option<Duration>) {
        if let Some(count) = self.counted.get(source as usize).and_then(|row| row.get(found as usize)) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        if let Some(waited) = waited {
            self.waits.observe(waited.as_secs_f64());
        }
    }

    /// Brings the families up to date.
    pub(super) fn show(&self) {
        for (source, row) in Source::ALL.iter().zip(&self.counted) {
            for (found, count) in Found::ALL.iter().zip(row) {
                let count = count.load(Ordering::Relaxed);
                if count > 0 {
                    raise(&self.total.with_label_values(&[source.as_str(), found.as_str()]), count);
                }
            }
        }
    }
}
