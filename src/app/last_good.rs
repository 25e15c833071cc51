//! A start with a faulty config: what was in effect last goes on, and says so.
//!
//! It may be the only DNS of the house; a typo before a power cut must not take
//! the house offline.  Nor may it take the filter away, so without a good copy
//! there is no start.

use std::path::Path;
use std::path::PathBuf;

use super::load;
use super::load::INSTALLED;
use super::load::Loaded;
use super::load::Options;
use super::state;
use crate::base::Diagnostic;
use crate::observe::log;
use crate::source::good;

/// What a start was made with.
pub(super) struct Start {
    /// Everything that files say.
    pub(super) loaded: Loaded,
    /// Whether that is not what they say now, but what they said last.
    pub(super) is_old: bool,
}

/// Returns where the config is.
fn config(options: &Options) -> PathBuf {
    options.config.clone().unwrap_or_else(|| PathBuf::from(INSTALLED))
}

/// Reads everything, or else what was good last.  Fails with what is wrong now.
pub(super) fn load(options: &Options, state: &Path) -> Result<Start, Vec<Diagnostic>> {
    let faults = match load::load(options) {
        Ok(loaded) => return Ok(Start { loaded, is_old: false }),
        Err(faults) => faults,
    };
    let config = config(options);
    let Some(good) = good::find(state, &config) else {
        return Err(faults);
    };
    let Ok(mut loaded) = load::load(&Options { config: Some(good.clone()), ..options.clone() }) else {
        return Err(faults);
    };
    log::complain(&faults);
    for line in BANNER {
        tracing::error!(in_effect = %good.display(), "{line}");
    }
    // What is to be mended is where it was.
    let base = config.parent().unwrap_or_else(|| Path::new("")).to_owned();
    loaded.files = loaded
        .files
        .iter()
        .map(|path| {
            path.strip_prefix(good.parent().unwrap_or(&good))
                .map_or_else(|_| path.clone(), |part| base.join(part))
        })
        .chain([config])
        .collect();
    Ok(Start { loaded, is_old: true })
}

/// What is said in the log, loudly.
const BANNER: [&str; 3] = [
    "******** THE CONFIG IS FAULTY: see the lines above ********",
    "the last good one is in effect, and changes since then are not",
    "******** `sordino check` shows the faults; once they are mended and saved, all is live ********",
];

/// Keeps what came into effect, for such a start.
pub(super) fn keep(options: &Options, folder: &Path, loaded: &Loaded) {
    if loaded.trial {
        return;
    }
    if let Err(error) = good::keep(folder, &config(options), &loaded.config.text.text, &loaded.files) {
        let say = "the config can't be kept; after a fault in it there would be no start";
        state::complain(folder, &error, say);
    }
}
