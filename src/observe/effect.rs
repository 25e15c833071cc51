//! `list_…` and `config_last_reload_…`: what is in effect, and since when.

use std::sync::Arc;

use prometheus::IntCounterVec;
use prometheus::IntGauge;
use prometheus::IntGaugeVec;

use super::register::Register;
use super::register::count;
use super::register::counters;
use super::register::gauge;
use super::register::gauges;
use super::register::raise;
use super::register::signed;
use crate::base::Now;
use crate::pipeline::Household;

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

//----------- Effect -----------------------------------------------------------

/// The families.
#[derive(Debug)]
pub(super) struct Effect {
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
}

impl Effect {
    /// Registers the families.
    pub(super) fn new(reg: &Register) -> prometheus::Result<Self> {
        Ok(Self {
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
        })
    }

    /// Takes down what a household's lists hold, and that it took effect.
    pub(super) fn loaded(&self, house: &Household, set_aside: &[(Arc<str>, usize)], now: Now) {
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

    /// Takes down that a reload did not take effect.
    pub(super) fn kept(&self, now: Now) {
        let [ok, at] = &self.reload;
        ok.set(0);
        at.set(now.unix);
    }

    /// Takes down what is known of lists that are downloaded.
    pub(super) fn show(&self, downloads: &[Download]) {
        for Download { list, last_success, failures } in downloads {
            // Zero as long as there is no copy: a list of 1970 is too old.
            self.list_read.with_label_values(&[&**list]).set(last_success.unwrap_or(0));
            raise(&self.list_failures.with_label_values(&[&**list]), *failures);
        }
    }
}
