//! The last good config: a copy of the folder of the config, as far as it was
//! read, for a start at which the config is not good.
//!
//! It is the folder `STATE/good`, so that it can be read, and loaded, like any
//! other.  A new one is written beside it and renamed, so that whenever the
//! power goes, the old one is there or the new one, whole.

use std::fs;
use std::fs::DirBuilder;
use std::fs::File;
use std::fs::OpenOptions;
use std::io;
use std::io::ErrorKind;
use std::io::Write;
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::fs::symlink;
use std::path::Component;
use std::path::Path;
use std::path::PathBuf;

/// The folder.
const NAME: &str = "good";

/// The folder while it is written, and the one before while it is replaced.
const UNFINISHED: &str = "good.new";
const BEFORE: &str = "good.old";

/// Above this size, in octets, a file is not copied but pointed to: state folders
/// are on flash, and lists may have 256 MiB.
const MOST_COPIED: u64 = 1 << 20;

/// Most files in a folder that are kept.
const MOST_FILES: usize = 1000;

/// A file of the folder.
#[derive(Debug, Eq, PartialEq)]
enum Part {
    /// What it says.
    Text(Vec<u8>),
    /// Where it is.
    Elsewhere(PathBuf),
}

/// Returns the last good copy of a config of that name, if there is one.
pub fn find(state: &Path, config: &Path) -> Option<PathBuf> {
    let name = config.file_name()?;
    [NAME, BEFORE].iter().map(|folder| state.join(folder).join(name)).find(|path| path.is_file())
}

/// Keeps a config that says `text`, with what was read beside and below it.
/// Returns whether anything had to be written.
pub fn keep(state: &Path, config: &Path, text: &str, read: &[PathBuf]) -> io::Result<bool> {
    let base = config.parent().unwrap_or_else(|| Path::new(""));
    let name = config.file_name().ok_or(ErrorKind::InvalidInput)?;
    let mut parts = vec![(PathBuf::from(name), Part::Text(text.as_bytes().to_vec()))];
    for path in read.iter().filter(|path| *path != config) {
        let Ok(relative) = path.strip_prefix(base) else { continue };
        if !relative.components().all(|part| matches!(part, Component::Normal(_))) {
            continue;
        }
        for file in files(path)? {
            let within = file.strip_prefix(base).unwrap_or(relative).to_owned();
            parts.push((within, part(&file)?));
        }
    }
    let there = state.join(NAME);
    if parts.iter().all(|(name, part)| is_as(&there.join(name), part)) && count(&there)? == parts.len() {
        return Ok(false);
    }
    let new = state.join(UNFINISHED);
    remove(&new)?;
    for (name, part) in &parts {
        write(&new.join(name), part)?;
    }
    let before = state.join(BEFORE);
    remove(&before)?;
    match fs::rename(&there, &before) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    fs::rename(&new, &there)?;
    File::open(state)?.sync_all()?;
    remove(&before)?;
    Ok(true)
}

/// Returns a file, or the lists in a folder.
fn files(path: &Path) -> io::Result<Vec<PathBuf>> {
    if !path.is_dir() {
        return Ok(if path.is_file() { vec![path.to_owned()] } else { Vec::new() });
    }
    let mut files = Vec::new();
    for entry in fs::read_dir(path)?.take(MOST_FILES) {
        let file = entry?.path();
        if file.extension().is_some_and(|kind| kind == "txt") && file.is_file() {
            files.push(file);
        }
    }
    files.sort();
    Ok(files)
}

/// Returns how a file is kept.
fn part(file: &Path) -> io::Result<Part> {
    if fs::metadata(file)?.len() > MOST_COPIED {
        return Ok(Part::Elsewhere(fs::canonicalize(file)?));
    }
    fs::read(file).map(Part::Text)
}

/// Returns whether a file is there and as it should be.
fn is_as(path: &Path, part: &Part) -> bool {
    match part {
        Part::Text(text) => fs::read(path).is_ok_and(|there| there == *text),
        Part::Elsewhere(target) => fs::read_link(path).is_ok_and(|there| there == *target),
    }
}

/// Returns how many files are in a folder and in those below it.
fn count(folder: &Path) -> io::Result<usize> {
    let mut files = 0;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        files += if entry.file_type()?.is_dir() { count(&entry.path())? } else { 1 };
    }
    Ok(files)
}

/// Writes a file that only we may read.
fn write(path: &Path, part: &Part) -> io::Result<()> {
    let folder = path.parent().unwrap_or(path);
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    match part {
        Part::Text(text) => {
            let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
            file.write_all(text)?;
            file.sync_all()?;
        }
        Part::Elsewhere(target) => symlink(target, path)?,
    }
    File::open(folder)?.sync_all()
}

/// Removes a folder, if it is there.
fn remove(folder: &Path) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    /// A folder with a config and what it names, and a state folder.
    fn folders(name: &str) -> (PathBuf, PathBuf) {
        let root = std::env::temp_dir().join(format!("sordino-good-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&root);
        fs::create_dir_all(root.join("etc/blocklists")).unwrap();
        fs::create_dir_all(root.join("state")).unwrap();
        fs::write(root.join("etc/blocklists/mine.txt"), "family mine\n").unwrap();
        fs::write(root.join("etc/blocklists/notes.md"), "no list").unwrap();
        fs::write(root.join("etc/small.txt"), "a.example\n").unwrap();
        fs::write(root.join("etc/large.txt"), vec![b'#'; 2 << 20]).unwrap();
        fs::write(root.join("outside.txt"), "b.example\n").unwrap();
        (root.join("etc"), root.join("state"))
    }

    #[test]
    fn what_the_config_names_beside_it_is_kept_and_written_once() {
        let (etc, state) = folders("kept");
        let config = etc.join("config.toml");
        assert_eq!(find(&state, &config), None);
        let read = ["config.toml", "blocklists", "small.txt", "large.txt", "../outside.txt", "gone.txt"];
        let read: Vec<_> = read.iter().map(|name| etc.join(name)).collect();
        assert!(keep(&state, &config, "version = 1\n", &read).unwrap());
        assert!(!keep(&state, &config, "version = 1\n", &read).unwrap(), "nothing is new");
        let good = find(&state, &config).unwrap();
        assert_eq!(fs::read_to_string(&good).unwrap(), "version = 1\n");
        let kept = good.parent().unwrap();
        assert_eq!(fs::read_to_string(kept.join("blocklists/mine.txt")).unwrap(), "family mine\n");
        assert_eq!(fs::metadata(kept.join("large.txt")).unwrap().len(), 2 << 20);
        assert_eq!(count(kept).unwrap(), 4, "neither notes nor what is elsewhere");
        assert_eq!(fs::metadata(&good).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(keep(&state, &config, "version = 1\n", &read[..2]).unwrap(), "less than before");
        assert_eq!(count(kept).unwrap(), 2);
        fs::remove_dir_all(etc.parent().unwrap()).unwrap();
    }

    #[test]
    fn wherever_the_power_goes_there_is_a_good_one() {
        let (etc, state) = folders("power");
        let config = etc.join("config.toml");
        keep(&state, &config, "version = 1 # old\n", &[]).unwrap();
        // Between the two renames.
        fs::rename(state.join(NAME), state.join(BEFORE)).unwrap();
        fs::create_dir(state.join(UNFINISHED)).unwrap();
        let text = |path: PathBuf| fs::read_to_string(path).unwrap();
        assert_eq!(text(find(&state, &config).unwrap()), "version = 1 # old\n");
        keep(&state, &config, "version = 1 # new\n", &[]).unwrap();
        assert_eq!(text(find(&state, &config).unwrap()), "version = 1 # new\n");
        assert!(!state.join(BEFORE).exists());
        fs::remove_dir_all(etc.parent().unwrap()).unwrap();
    }
}
