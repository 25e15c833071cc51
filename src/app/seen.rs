//! What was seen of devices, from one start to the next, in the file `seen` of
//! the state folder: a speaker that was recognized once has its policy from the
//! first packet.
//!
//! Private like the cache, and nothing about it is worth a start that fails.

use std::io::ErrorKind;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::state;
use crate::base::Clock;
use crate::base::Diagnostic;
use crate::base::time::SystemClock;
use crate::catalog::Catalog;
use crate::device::Recognizer;
use crate::device::recognizer::MAX_KEPT;
use crate::listen::door::Door;
use crate::resolve::Resolver;

/// The name of the file.
const NAME: &str = "seen";

/// How often what is new is thought over and written, and what is old is let go.
const ROUND: Duration = Duration::from_secs(5);

/// For how many rounds nothing is written after something was: five minutes.  Anybody
/// on the link can be seen as something new at any time, and memory cards wear out.
const REST: u32 = 60;

/// Takes up what was seen before.  At a reload that changes nothing.
pub(super) fn load(
    state: &Path,
    recognizer: &Recognizer,
    catalog: &Catalog,
    clock_offset: i64,
) -> Option<Diagnostic> {
    if !recognizer.all().is_empty() {
        return None;
    }
    let path = state.join(NAME);
    let warn = |say: String| Some(Diagnostic::of_file(path.display().to_string(), say).warning());
    let octets = match state::read(&path, MAX_KEPT) {
        Ok(octets) => octets,
        Err(error) if error.kind() == ErrorKind::NotFound => return None,
        Err(error) if error.kind() == ErrorKind::PermissionDenied => {
            return warn(
                "what was seen of devices is not for this user; as root it counts here too".to_owned(),
            );
        }
        Err(error) => return warn(format!("what was seen of devices can't be read: {error}")),
    };
    if octets.len() > MAX_KEPT {
        return warn(format!("more than {MAX_KEPT} octets; what was seen of devices is not taken up"));
    }
    let now = SystemClock::new(clock_offset).now();
    match recognizer.take_up(&String::from_utf8_lossy(&octets), catalog, now.unix) {
        Ok(0) => None,
        Ok(lines) => warn(format!("{lines} lines about devices can't be read and are passed over")),
        Err(error) => warn(format!("what was seen of devices is not taken up: {error}")),
    }
}

/// Writes what is new, for ever, and lets go of what is old.  The first news after a
/// while is written at once; what comes then waits, and whoever stops writes it.
pub(super) async fn keep(
    state: PathBuf,
    recognizer: Arc<Recognizer>,
    door: Arc<Door<Resolver>>,
    clock: Arc<dyn Clock>,
) {
    let mut rest = 0;
    loop {
        tokio::time::sleep(ROUND).await;
        recognizer.review(&door.home().house.catalog, clock.now().unix);
        if rest > 0 {
            rest -= 1;
            continue;
        }
        if !recognizer.has_news() {
            continue;
        }
        rest = REST;
        let (state, recognizer) = (state.clone(), Arc::clone(&recognizer));
        // A thread that may wait for the disk; if it panicked, that was said.
        let _ = tokio::task::spawn_blocking(move || save(&state, &recognizer)).await;
    }
}

/// Writes what is new.  What could not be written is new still, and is tried again.
pub(super) fn save(folder: &Path, recognizer: &Recognizer) {
    let Some(text) = recognizer.written() else { return };
    if let Err(error) = state::replace(folder, NAME, text.as_bytes()) {
        state::complain(folder, &error, "what was seen of devices can't be kept");
        recognizer.not_written();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Client;
    use crate::catalog::parse::parse;

    #[test]
    fn what_could_not_be_written_is_written_once_it_can_be() {
        let text = "family box\n[identify]\nmac 00:00:5e\nasks a.example\nasks b.example\n";
        let catalog = Catalog::build(&[parse("box.txt", text).unwrap()]).unwrap();
        let recognizer = Recognizer::default();
        let client = Client::new([192, 0, 2, 1].into()).with_mac("00:00:5e:00:53:07".parse().ok());
        let name: crate::base::Domain = "a.example".parse().unwrap();
        recognizer.asked(&client, name.borrowed(), &catalog, 1000);
        let folder = std::env::temp_dir().join(format!("sordino-seen-{}", std::process::id()));
        // There is no such folder.
        save(&folder, &recognizer);
        assert!(recognizer.has_news());
        std::fs::create_dir(&folder).unwrap();
        save(&folder, &recognizer);
        let written = std::fs::read_to_string(folder.join(NAME)).unwrap();
        assert!(written.contains("a.example"), "{written}");
        assert!(!recognizer.has_news());
        std::fs::remove_dir_all(folder).unwrap();
    }
}
