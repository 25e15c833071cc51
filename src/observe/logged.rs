//! `query_log_…`: how much the query log holds, and what it could not keep.

use prometheus::IntCounterVec;
use prometheus::IntGauge;

use super::register::Register;
use super::register::count;
use super::register::counters;
use super::register::gauge;
use super::register::raise;
use crate::querylog::Facts;

/// The families.
#[derive(Debug)]
pub(super) struct Logged {
    /// `query_log_rows`
    rows: IntGauge,
    /// `query_log_bytes`
    bytes: IntGauge,
    /// `query_log_disk_ok`
    disk_ok: IntGauge,
    /// `query_log_dropped_total`
    dropped: IntCounterVec,
}

impl Logged {
    /// Registers the families.
    pub(super) fn new(reg: &Register) -> prometheus::Result<Self> {
        Ok(Self {
            rows: gauge(reg, "query_log_rows", "Rows of the query log in memory.")?,
            bytes: gauge(reg, "query_log_bytes", "Octets they take.")?,
            disk_ok: gauge(
                reg,
                "query_log_disk_ok",
                "0 if the query log is to be on disk and can't be written, else 1.",
            )?,
            dropped: counters(
                reg,
                "query_log_dropped_total",
                "Queries and rows the query log has not kept, because too much came or the disk failed.",
                &["reason"],
            )?,
        })
    }

    /// Brings the families up to date.
    pub(super) fn show(&self, facts: &Facts) {
        self.rows.set(count(facts.rows));
        self.bytes.set(count(facts.bytes));
        self.disk_ok.set(i64::from(facts.disk_ok));
        for (reason, total) in [("busy", facts.dropped), ("disk", facts.lost)] {
            raise(&self.dropped.with_label_values(&[reason]), total);
        }
    }
}
