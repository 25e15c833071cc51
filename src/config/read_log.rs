//! The table `[query-log]`.

use std::time::Duration;

use super::read::Reader;
use super::v1;
use crate::base::units;
use crate::querylog::Level;
use crate::querylog::Place;
use crate::querylog::Settings;

/// The longest that queries may be remembered: a year.
const LONGEST: Duration = Duration::from_hours(366 * 24);

/// The most memory for them, in octets.
const MOST_MEMORY: u64 = 1 << 30;

impl Reader {
    /// `[query-log]`
    pub(super) fn query_log(&mut self, spec: &v1::QueryLog) -> Settings {
        let default = Settings::default();
        let levels = [("full", Level::Full), ("no-client", Level::NoClient), ("off", Level::Off)];
        let stores = [("memory", Place::Memory), ("disk", Place::Disk)];
        let keep = spec.keep.as_ref().and_then(|text| {
            self.parse(text, |text| match units::duration(text)? {
                short if short < Duration::from_mins(1) => {
                    Err("less than a minute; `level = \"off\"` keeps nothing")
                }
                long if long > LONGEST => Err("longer than a year"),
                keep => Ok(keep),
            })
        });
        let memory = spec.memory.as_ref().and_then(|text| {
            self.parse(text, |text| match units::size(text)? {
                large if large > MOST_MEMORY => Err("more than a GiB"),
                memory => usize::try_from(memory).map_err(|_| "more than this machine has"),
            })
        });
        let level = spec.level.as_ref().and_then(|text| self.word(text, "level", &levels));
        let store = spec.store.as_ref().and_then(|text| self.word(text, "store", &stores));
        Settings {
            level: level.unwrap_or(default.level),
            store: store.unwrap_or(default.store),
            keep: keep.unwrap_or(default.keep),
            memory: memory.unwrap_or(default.memory),
        }
    }
}
