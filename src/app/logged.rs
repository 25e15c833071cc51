//! The query log as the config wants it: at start, and after a reload.

use std::collections::BTreeSet;
use std::io;
use std::path::Path;
use std::sync::Arc;

use super::state;
use crate::base::Clock;
use crate::config::Config;
use crate::listen::turns;
use crate::observe::metrics::Metrics;
use crate::querylog::Askers;
use crate::querylog::QueryLog;

/// Starts it.  What a run before this one noted of devices that are left out now
/// is erased soon.
pub(super) fn start(
    config: &Config,
    folder: &Path,
    metrics: &Arc<Metrics>,
    clock: &Arc<dyn Clock>,
) -> io::Result<Arc<QueryLog>> {
    let askers = Arc::clone(metrics) as Arc<dyn Askers>;
    let log = QueryLog::start(folder, askers, Arc::clone(clock), turns::step_back)?;
    tell(&log, config, folder);
    let (leaving, devices) = (Arc::clone(&log), left_out(config));
    // Nobody waits for the disk to go through a year.
    tokio::task::spawn_blocking(move || leaving.leave_out(devices));
    Ok(log)
}

/// Changes it after a reload.  What is not to be kept any more is erased, which
/// may take as long as the disk does.
pub(super) fn set(log: &QueryLog, config: &Config, folder: &Path) {
    tell(log, config, folder);
    log.leave_out(left_out(config));
}

/// Tells it what to do.
fn tell(log: &QueryLog, config: &Config, folder: &Path) {
    if let Err(error) = log.set(config.query_log) {
        state::complain(folder, &error, "what there is of the query log on disk can't be removed");
    }
}

/// Returns the devices whose queries are not noted.
fn left_out(config: &Config) -> BTreeSet<Arc<str>> {
    let devices = config.devices.iter().filter(|device| !device.log);
    devices.map(|device| Arc::clone(&device.name)).collect()
}
