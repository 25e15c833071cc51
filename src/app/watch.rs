//! [`Watch`]: notices that a file people edit was saved.
//!
//! Folders are watched and not files, because editors save by writing a new
//! file and renaming it over the old one, and a watch on the old one would
//! stay with a file that nobody sees any more.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;

use notify::Event;
use notify::EventKind;
use notify::RecommendedWatcher;
use notify::RecursiveMode;
use notify::Watcher;
use tokio::sync::mpsc;

/// How long it must be quiet after a change before it counts as one: an
/// editor's several writes are one save.
const SETTLED: Duration = Duration::from_millis(150);

/// How long changes are gathered at most, if it does not get quiet.
const AT_MOST: Duration = Duration::from_millis(600);

/// Watches files and folders of lists.
pub struct Watch {
    /// Kept alive: dropping it ends the watch.
    watcher: Option<RecommendedWatcher>,
    /// The folders that are watched.
    folders: HashSet<PathBuf>,
    /// What in them counts.
    wanted: Arc<Mutex<Wanted>>,
    /// A word for each change.
    changes: mpsc::Receiver<()>,
}

impl Watch {
    /// Starts watching nothing yet.  Where the system can't watch, nothing is
    /// ever noticed and SIGHUP remains; this is said once.
    pub fn start() -> Self {
        let (sender, changes) = mpsc::channel(1);
        let wanted = Arc::new(Mutex::new(Wanted::default()));
        let counts = Arc::clone(&wanted);
        let watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
            let counts = counts.lock().unwrap_or_else(PoisonError::into_inner);
            if event.is_ok_and(|event| counts.matters(&event)) {
                // Full means that a change is waiting to be noticed already.
                let _ = sender.try_send(());
            }
        });
        let watcher = watcher.inspect_err(|error| {
            tracing::warn!(%error, "files cannot be watched; SIGHUP reloads them");
        });
        Self { watcher: watcher.ok(), folders: HashSet::new(), wanted, changes }
    }

    /// Starts watching the folders of these files, or the folders themselves.
    pub fn of(paths: &[PathBuf]) -> Self {
        let mut watch = Self::start();
        watch.only(paths);
        watch
    }

    /// Watches the folders of these files, or the folders themselves, and
    /// nothing else.
    pub fn only(&mut self, paths: &[PathBuf]) {
        let Some(watcher) = &mut self.watcher else {
            return;
        };
        // Whoever tells of changes does so by whole paths.
        let paths: Vec<PathBuf> = paths.iter().filter_map(|path| std::path::absolute(path).ok()).collect();
        let wanted: HashSet<PathBuf> = paths.iter().map(|path| folder_of(path)).collect();
        *self.wanted.lock().unwrap_or_else(PoisonError::into_inner) = Wanted::of(&paths);
        for folder in self.folders.difference(&wanted) {
            let _ = watcher.unwatch(folder);
        }
        for folder in wanted.difference(&self.folders) {
            if let Err(error) = watcher.watch(folder, RecursiveMode::NonRecursive) {
                tracing::warn!(folder = %folder.display(), %error, "cannot be watched; SIGHUP reloads it");
            }
        }
        self.folders = wanted;
    }

    /// Waits for a change, and then until it has settled.
    pub async fn changed(&mut self) {
        if self.changes.recv().await.is_none() {
            // Nothing can be watched: no change will ever come.
            std::future::pending::<()>().await;
        }
        let settle =
            async { while let Ok(Some(())) = tokio::time::timeout(SETTLED, self.changes.recv()).await {} };
        let _ = tokio::time::timeout(AT_MOST, settle).await;
    }
}

/// Returns the folder to watch for a whole path.
fn folder_of(path: &Path) -> PathBuf {
    if path.is_dir() {
        return path.to_owned();
    }
    path.parent().unwrap_or(path).to_owned()
}

//----------- Wanted -----------------------------------------------------------

/// What counts among all that happens in a folder.
#[derive(Debug, Default)]
struct Wanted {
    /// These files.
    files: HashSet<PathBuf>,
    /// All lists (`*.txt`) in these folders.
    folders: HashSet<PathBuf>,
}

impl Wanted {
    /// Sorts paths into files and folders.
    fn of(paths: &[PathBuf]) -> Self {
        let (folders, files): (Vec<_>, Vec<_>) = paths.iter().partition(|path| path.is_dir());
        let name = |path: &PathBuf| folder_of(path).join(path.file_name().unwrap_or_default());
        Self { files: files.into_iter().map(name).collect(), folders: folders.into_iter().cloned().collect() }
    }

    /// Returns whether an event may mean that something has other contents
    /// now.
    fn matters(&self, event: &Event) -> bool {
        let is_change =
            matches!(event.kind, EventKind::Create(_) | EventKind::Modify(_) | EventKind::Remove(_));
        let ours = |path: &PathBuf| {
            let is_list = path.extension().and_then(OsStr::to_str) == Some("txt")
                && path.file_name().and_then(OsStr::to_str).is_some_and(|name| !name.starts_with('.'));
            let in_folder = path.parent().is_some_and(|parent| self.folders.contains(parent));
            self.files.contains(path) || (is_list && in_folder)
        };
        is_change && event.paths.iter().any(ours)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Waits for a change, for a while.
    async fn noticed(watch: &mut Watch) -> bool {
        tokio::time::timeout(Duration::from_secs(5), watch.changed()).await.is_ok()
    }

    /// Returns the path from the folder we are in to a file.
    fn from_here(file: &Path) -> PathBuf {
        let here = std::env::current_dir().unwrap();
        let up = here.components().skip(1).map(|_| "..").collect::<PathBuf>();
        up.join(file.strip_prefix("/").unwrap())
    }

    #[tokio::test]
    async fn a_save_is_noticed_however_the_editor_does_it() {
        let folder = std::env::temp_dir().join(format!("sordino-watch-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let file = folder.join("local.txt");
        std::fs::write(&file, "one").unwrap();
        let mut watch = Watch::start();
        watch.only(std::slice::from_ref(&file));
        std::fs::write(&file, "two").unwrap();
        assert!(noticed(&mut watch).await, "written in place");
        let new = folder.join(".local.txt.new");
        std::fs::write(&new, "three").unwrap();
        std::fs::rename(&new, &file).unwrap();
        assert!(noticed(&mut watch).await, "renamed over");
        std::fs::write(folder.join(".local.txt.swp"), "editor").unwrap();
        std::fs::read(&file).unwrap();
        std::fs::write(folder.join("somebody-elses.txt"), "other").unwrap();
        let quiet = tokio::time::timeout(Duration::from_millis(300), watch.changed()).await;
        assert!(quiet.is_err(), "other files in the folder are no change");
        watch.only(&[from_here(&file)]);
        std::fs::write(&file, "four").unwrap();
        assert!(noticed(&mut watch).await, "named from where we are");
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
