//! The state folder: making it, files in it, and where it is closed to the user that
//! Sordino became, saying so once, and not by everybody who would keep something there.

use std::fmt::Display;
use std::fs;
use std::fs::DirBuilder;
use std::fs::File;
use std::fs::OpenOptions;
use std::io;
use std::io::ErrorKind;
use std::io::Read;
use std::io::Write;
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::path::PathBuf;

use super::privileges::Dropped;

/// Makes the folder, for us only, and returns the folders that are to be ours.
pub(super) fn make(folder: &Path) -> [PathBuf; 2] {
    let lists = folder.join("lists");
    if let Err(error) = DirBuilder::new().recursive(true).mode(0o700).create(&lists) {
        tracing::warn!(folder = %folder.display(), %error, "nothing can be kept over a restart");
    }
    [folder.to_owned(), lists]
}

/// Reads a file of the folder, not far beyond what is allowed.
pub(super) fn read(path: &Path, most: usize) -> io::Result<Vec<u8>> {
    let mut saved = Vec::new();
    File::open(path)?.take(most as u64 + 1).read_to_end(&mut saved)?;
    Ok(saved)
}

/// Replaces a file of the folder, readable to nobody else, so that whenever the
/// power goes, the old one is there or the new one, whole.
pub(super) fn replace(folder: &Path, name: &str, saved: &[u8]) -> io::Result<()> {
    let unfinished = folder.join(format!("{name}.tmp"));
    // One that is left over may be readable to others.
    match fs::remove_file(&unfinished) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&unfinished)?;
    file.write_all(saved)?;
    file.sync_all()?;
    drop(file);
    fs::rename(&unfinished, folder.join(name))?;
    File::open(folder)?.sync_all()
}

//--- Where it is closed

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
    fs::metadata(folder.join(".")).is_err_and(|error| error.kind() == ErrorKind::PermissionDenied)
}
