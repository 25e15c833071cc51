//! The state folder: making it, and where it is closed to the user that Sordino
//! became, saying so once, and not by everybody who would keep something there.

use std::fmt::Display;
use std::fs;
use std::io;
use std::path::Path;
use std::path::PathBuf;

use super::privileges::Dropped;

/// Makes the folder, and returns the folders that are to be ours.
pub(super) fn make(folder: &Path) -> [PathBuf; 2] {
    let lists = folder.join("lists");
    if let Err(error) = fs::create_dir_all(&lists) {
        tracing::warn!(folder = %folder.display(), %error, "nothing can be kept over a restart");
    }
    [folder.to_owned(), lists]
}

/// Says what is not to be had, if the folder is closed to us.
pub(super) fn look(folder: &Path, dropped: &Dropped) {
    if let (Dropped::Became(user), true) = (dropped, is_closed(folder)) {
        tracing::warn!(
            folder = %folder.display(),
            "the state folder is closed to the user {user}, whom Sordino became: nothing is kept over a \
             restart (answers, the root's keys, the last good config, what devices are), and `sordino log`, \
             `devices` and `identity` can't ask it; name another folder, as in `--state-dir /var/lib/sordino`, or start it as an \
             ordinary user"
        );
    }
}

/// Complains that something in the folder can't be read or kept, unless that follows
/// from what was said.
pub(super) fn complain(folder: &Path, error: &dyn Display, say: &str) {
    if is_closed(folder) {
        tracing::debug!(folder = %folder.display(), %error, "{say}");
    } else {
        tracing::warn!(folder = %folder.display(), %error, "{say}");
    }
}

/// Returns whether we can't enter a folder.
fn is_closed(folder: &Path) -> bool {
    fs::metadata(folder.join(".")).is_err_and(|error| error.kind() == io::ErrorKind::PermissionDenied)
}
