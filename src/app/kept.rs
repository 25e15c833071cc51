//! The answer cache from a stop to the next start, in the file `cache` of the
//! state folder.
//!
//! It is private: what a household asked for is nobody's business but its own,
//! so only the user that Sordino runs as may read the file.  Nothing about it
//! is worth a start or a stop that fails.

use std::fs;
use std::fs::File;
use std::fs::OpenOptions;
use std::io;
use std::io::ErrorKind;
use std::io::Read;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use super::rootkeys;
use super::state;
use crate::base::Now;
use crate::resolve::MAX_SAVED;
use crate::resolve::Resolver;

/// The name of the file.
const NAME: &str = "cache";

/// Takes up the answers that were kept in a state folder, and the root's keys.
pub(super) fn load(folder: &Path, resolver: &Resolver, now: Now) {
    rootkeys::load(folder, resolver);
    let path = folder.join(NAME);
    let saved = match read(&path, MAX_SAVED) {
        Ok(saved) => saved,
        Err(error) if error.kind() == ErrorKind::NotFound => return,
        Err(error) => {
            return state::complain(folder, &error, "the saved cache can't be read; starting without");
        }
    };
    match resolver.restore(&saved, now) {
        Ok(answers) => tracing::info!(answers, "the cache is there again"),
        Err(error) => {
            tracing::warn!(file = %path.display(), %error, "the saved cache can't be used; starting without");
        }
    }
}

/// Keeps the answers of a resolver in a state folder.
pub(super) fn save(folder: &Path, resolver: &Resolver, now: Now) {
    if let Err(error) = replace(folder, NAME, &resolver.save(now)) {
        state::complain(folder, &error, "the cache can't be saved");
    }
}

/// Reads a file, not far beyond what is allowed.
pub(super) fn read(path: &Path, most: usize) -> io::Result<Vec<u8>> {
    let mut saved = Vec::new();
    File::open(path)?.take(most as u64 + 1).read_to_end(&mut saved)?;
    Ok(saved)
}

/// Replaces a file of the state folder, so that whenever the power goes, the old
/// one is there or the new one, whole.
pub(super) fn replace(state: &Path, name: &str, saved: &[u8]) -> io::Result<()> {
    let unfinished = state.join(format!("{name}.tmp"));
    // One that is left over may be readable to others.
    match fs::remove_file(&unfinished) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&unfinished)?;
    file.write_all(saved)?;
    file.sync_all()?;
    drop(file);
    fs::rename(&unfinished, state.join(name))?;
    File::open(state)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Clock;
    use crate::base::time::ManualClock;
    use crate::resolve::Settings;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn the_file_is_for_us_only_and_a_faulty_one_stops_nothing() {
        let state = std::env::temp_dir().join(format!("sordino-kept-{}", std::process::id()));
        fs::create_dir_all(&state).unwrap();
        let (resolver, now) = (Resolver::new(&Settings::default()).unwrap(), ManualClock::at(1_000).now());
        load(&state, &resolver, now);
        fs::write(state.join("cache.tmp"), "left over").unwrap();
        save(&state, &resolver, now);
        let saved = fs::read(state.join(NAME)).unwrap();
        assert_eq!(resolver.restore(&saved, now), Ok(0));
        assert_eq!(fs::metadata(state.join(NAME)).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(!state.join("cache.tmp").exists());
        fs::write(state.join(NAME), "nonsense").unwrap();
        load(&state, &resolver, now);
        save(&state.join("nowhere"), &resolver, now);
        fs::remove_dir_all(&state).unwrap();
    }
}
