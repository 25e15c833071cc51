//! `cache_…`, `upstream_packets_total`, `dnssec_total`, `budget_exceeded_total` and
//! `clock_ok`: what resolving did.
//
//  Apart from `counts`, because the resolver counts it, and it is only copied.

use prometheus::IntCounter;
use prometheus::IntCounterVec;
use prometheus::IntGauge;

use super::register::Register;
use super::register::counter;
use super::register::counters;
use super::register::gauge;
use super::register::raise;
use super::register::signed;
use crate::base::Now;
use crate::query::Transport;
use crate::resolve::Stats;
use crate::resolve::stats::Limit;
use crate::resolve::stats::Security;
use crate::resolve::stats::Sent;

/// The families.
#[derive(Debug)]
pub(super) struct Resolving {
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
}

impl Resolving {
    /// Registers the families.
    pub(super) fn new(reg: &Register) -> prometheus::Result<Self> {
        Ok(Self {
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
        })
    }

    /// Takes down what the resolver counted, and how many queries were `answered` from
    /// the cache.
    pub(super) fn show(&self, stats: &Stats, answered: u64, now: Now) {
        self.clock.set(i64::from(now.unix >= stats.earliest && !stats.ahead));
        let [entries, bytes] = &self.cache;
        entries.set(signed(stats.cache.entries));
        bytes.set(signed(stats.cache.bytes));
        let [hits, misses] = &self.cache_use;
        raise(hits, answered);
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
    }
}
