//! The answer cache from a stop to the next start, in the file `cache` of the
//! state folder.
//!
//! It is private: what a household asked for is nobody's business but its own,
//! so only the user that Sordino runs as may read the file.  Nothing about it
//! is worth a start or a stop that fails.

use std::io::ErrorKind;
use std::path::Path;

use super::state;
use crate::base::Now;
use crate::resolve::MAX_SAVED;
use crate::resolve::Resolver;

/// The name of the file.
const NAME: &str = "cache";

/// Takes up the answers that were kept in a state folder.
pub(super) fn load(folder: &Path, resolver: &Resolver, now: Now) {
    let path = folder.join(NAME);
    let saved = match state::read(&path, MAX_SAVED) {
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
    if let Err(error) = state::replace(folder, NAME, &resolver.save(now)) {
        state::complain(folder, &error, "the cache can't be saved");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Clock;
    use crate::base::time::ManualClock;
    use crate::resolve::Settings;
    use std::fs;
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
