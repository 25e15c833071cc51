//! The query log as the config wants it: at start, and after a reload.

use std::collections::BTreeSet;
use std::io;
use std::path::Path;
use std::sync::Arc;

use crate::base::Clock;
use crate::config::Config;
use crate::observe::metrics::Metrics;
use crate::querylog::Askers;
use crate::querylog::QueryLog;

/// Starts it.  What a run before this one noted of devices that are left out now
/// is erased soon.
pub(super) fn start(
    config: &Config,
    state: &Path,
    metrics: &Arc<Metrics>,
    clock: &Arc<dyn Clock>,
) -> io::Result<Arc<QueryLog>> {
    let askers = Arc::clone(metrics) as Arc<dyn Askers>;
    let log = QueryLog::start(config.query_log, state, askers, Arc::clone(clock))?;
    let (leaving, devices) = (Arc::clone(&log), left_out(config));
    // Nobody waits for the disk to go through a year.
    tokio::task::spawn_blocking(move || leaving.leave_out(devices));
    Ok(log)
}

/// Changes it after a reload.  What is not to be kept any more is erased, which
/// may take as long as the disk does.
pub(super) fn set(log: &QueryLog, config: &Config) {
    log.set(config.query_log);
    log.leave_out(left_out(config));
}

/// Returns the devices whose queries are not noted.
fn left_out(config: &Config) -> BTreeSet<Arc<str>> {
    let devices = config.devices.iter().filter(|device| !device.log);
    devices.map(|device| Arc::clone(&device.name)).collect()
}
