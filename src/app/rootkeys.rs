//! The keys of the root over the years ([RFC 5011]), in the file `root-keys` of
//! the state folder.
//!
//! Without the file, or with one that is damaged, those count that are built
//! in: good until the root has changed both.
//!
//! [RFC 5011]: https://www.rfc-editor.org/rfc/rfc5011

use std::io::ErrorKind;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::state;
use crate::base::Clock;
use crate::listen::door::Door;
use crate::resolve::MAX_ROOT_KEYS;
use crate::resolve::Resolver;

/// The name of the file.
const NAME: &str = "root-keys";

/// How often it is looked whether there are new keys.  They are asked for when
/// their TTL has passed, once a day (RFC 5011 section 2.3).
const PAUSE: Duration = Duration::from_hours(3);

/// How long after a start they are looked at for the first time.
const FIRST: Duration = Duration::from_mins(1);

/// Takes up the keys that were kept in a state folder.
pub(super) fn load(folder: &Path, resolver: &Resolver) {
    let path = folder.join(NAME);
    let saved = match state::read(&path, MAX_ROOT_KEYS) {
        Ok(saved) => saved,
        Err(error) if error.kind() == ErrorKind::NotFound => return,
        Err(error) => {
            return state::complain(folder, &error, "the root's keys can't be read; the built-in ones count");
        }
    };
    match resolver.restore_root_keys(&String::from_utf8_lossy(&saved)) {
        Ok(()) => tracing::info!(keys = resolver.save_root_keys().0, "the root's keys"),
        Err(error) => {
            let file = path.display();
            tracing::warn!(%file, %error, "the root's keys can't be used; the built-in ones count");
        }
    }
}

/// Looks at the root's keys for ever, and keeps them when they have changed.
pub(super) async fn follow(door: Arc<Door<Resolver>>, folder: PathBuf, clock: Arc<dyn Clock>) {
    let (_, mut known) = door.home().resolver.save_root_keys();
    let mut pause = FIRST;
    loop {
        tokio::time::sleep(pause).await;
        pause = PAUSE;
        let resolver = Arc::clone(&door.home().resolver);
        // Whoever asks next looks at them too; but if they are no good, no name is.
        if let Err(failure) = resolver.look_at_root_keys(clock.now()).await
            && failure.is_bogus()
        {
            tracing::warn!(%failure, "the root's keys fail validation, and so do all names");
        }
        let (keys, text) = resolver.save_root_keys();
        if text == known {
            continue;
        }
        tracing::info!(keys, "the root has changed its keys");
        match state::replace(&folder, NAME, text.as_bytes()) {
            Ok(()) => known = text,
            Err(error) => {
                state::complain(&folder, &error, "the root's keys can't be saved");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resolve::Settings;
    use std::fs;

    #[test]
    fn the_file_is_taken_up_and_a_faulty_one_changes_nothing() {
        let state = std::env::temp_dir().join(format!("sordino-root-keys-{}", std::process::id()));
        fs::create_dir_all(&state).unwrap();
        let resolver = Resolver::new(&Settings::default()).unwrap();
        load(&state, &resolver);
        let (shown, text) = resolver.save_root_keys();
        assert_eq!(shown, "20326 valid, 38696 valid");
        state::replace(&state, NAME, text.replace("valid", "gone").as_bytes()).unwrap();
        load(&state, &resolver);
        fs::write(state.join(NAME), [0xff; 100]).unwrap();
        load(&state, &resolver);
        assert_eq!(resolver.save_root_keys(), (shown, text.clone()));
        state::replace(&state, NAME, text.as_bytes()).unwrap();
        load(&state, &resolver);
        assert_eq!(resolver.save_root_keys().1, text);
        fs::remove_dir_all(&state).unwrap();
    }
}
