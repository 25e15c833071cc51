//! Where lists and config come from: files and the net, bounded.
//!
//! The only place that reads the files of the household, and that downloads.
//! A list that was downloaded passes through three files here: `fetch` gets
//! it, `refresh` decides whether it is fit to be used, `store` keeps the last
//! good copy.  `compiled` makes one table of all lists, and keeps that too.  `good`
//! keeps the config that was in effect last.  Apart from these, `identity` reads
//! who is behind which address.

pub mod compiled;
pub mod fetch;
pub mod good;
pub mod identity;
pub mod local;
pub mod refresh;
pub mod store;

use std::fs::File;
use std::io;
use std::io::Read;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use crate::base::Diagnostic;
use crate::catalog::FamilyFile;
use crate::catalog::bundled;
use crate::catalog::parse;

/// Most lists in a folder.
const MAX_LISTS: usize = 1000;

/// Reads a file that should be text of at most `most` octets.  `shown` is how
/// the user would name it.
pub fn read_text(path: &Path, shown: &str, most: usize) -> Result<String, Diagnostic> {
    let fault = |say: String| Diagnostic::of_file(shown, say);
    let mut bytes = Vec::new();
    let limit = u64::try_from(most).unwrap_or(u64::MAX).saturating_add(1);
    File::open(path)
        .and_then(|file| file.take(limit).read_to_end(&mut bytes))
        .map_err(|error| fault(explain(&error)))?;
    if bytes.len() > most {
        return Err(fault(format!("larger than {most} octets")));
    }
    String::from_utf8(bytes).map_err(|error| {
        let bytes = error.as_bytes();
        let at = error.utf8_error().valid_up_to();
        let lossy = String::from_utf8_lossy(bytes);
        Diagnostic::at(shown, &lossy, at, at + 1, "not UTF-8; save the file as UTF-8")
    })
}

/// Writes a file anew: beside it first, then in its place, so that there is
/// never half a file.
pub fn replace(path: &Path, text: &str) -> io::Result<()> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let beside = path.with_file_name(format!(".{name}.new"));
    let mut file = File::create(&beside)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    std::fs::rename(&beside, path)
}

/// Says what the system said, without its number.
fn explain(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "there is no such file".to_owned(),
        io::ErrorKind::PermissionDenied => "may not be read by this user".to_owned(),
        io::ErrorKind::IsADirectory => "is a folder and not a file".to_owned(),
        _ => error.to_string(),
    }
}

/// Reads the lists of families: those that come with Sordino, or all `*.txt`
/// of `folder` instead; and before them those of `own`, the household's.  What
/// the household says goes before what came with Sordino.
pub fn families(folder: Option<&Path>, own: Option<&Path>) -> Result<Vec<FamilyFile>, Vec<Diagnostic>> {
    let mut texts = own.map(folder_texts).transpose()?.unwrap_or_default();
    match folder {
        None => {
            let bundled = bundled::FILES.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned()));
            texts.extend(bundled);
        }
        Some(folder) => texts.extend(folder_texts(folder)?),
    }
    let mut faults = Vec::new();
    let mut files = Vec::new();
    for (name, text) in texts {
        match parse::parse(&name, &text) {
            Ok(file) => files.push(file),
            Err(found) => faults.extend(found),
        }
    }
    if faults.is_empty() { Ok(files) } else { Err(faults) }
}

/// Reads the `*.txt` of a folder, each with the name to show.
fn folder_texts(folder: &Path) -> Result<Vec<(String, String)>, Vec<Diagnostic>> {
    let shown = folder.display().to_string();
    let fault =
        |error: io::Error| vec![Diagnostic::of_file(Arc::<str>::from(shown.as_str()), explain(&error))];
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(fault)? {
        let path = entry.map_err(fault)?.path();
        if path.extension().is_some_and(|kind| kind == "txt") && path.is_file() {
            paths.push(path);
        }
    }
    paths.sort();
    if paths.len() > MAX_LISTS {
        return Err(vec![Diagnostic::of_file(shown.as_str(), format!("more than {MAX_LISTS} lists"))]);
    }
    // As in `blocklists/amazon-echo.txt`: the folder's own name is enough to
    // find the file, and fits into an extended DNS error.
    let base = folder.file_name().map_or_else(|| shown.clone(), |name| name.to_string_lossy().into_owned());
    let mut texts = Vec::new();
    let mut faults = Vec::new();
    for path in paths {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let name = format!("{base}/{name}");
        match read_text(&path, &name, parse::MAX_LIST) {
            Ok(text) => texts.push((name, text)),
            Err(fault) => faults.push(fault),
        }
    }
    if faults.is_empty() { Ok(texts) } else { Err(faults) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_read_is_named() {
        let read = |path: &str| read_text(Path::new(path), "x.txt", 100).map_err(|fault| fault.to_string());
        assert_eq!(read("/does/not/exist"), Err("x.txt: there is no such file".into()));
        assert_eq!(read("/"), Err("x.txt: is a folder and not a file".into()));
        assert_eq!(read("/dev/zero"), Err("x.txt: larger than 100 octets".into()));
    }

    #[test]
    fn a_folder_of_lists_is_read_in_order_and_its_faults_are_named() {
        let folder = std::env::temp_dir().join(format!("sordino-source-{}", std::process::id()));
        let lists = folder.join("blocklists");
        std::fs::create_dir_all(&lists).unwrap();
        std::fs::write(lists.join("b.txt"), "family b\n").unwrap();
        std::fs::write(lists.join("a.txt"), "family a\n").unwrap();
        std::fs::write(lists.join("README.md"), "not a list\n").unwrap();
        let names: Vec<_> =
            families(Some(&lists), None).unwrap().iter().map(|file| file.place.to_string()).collect();
        assert_eq!(names, ["blocklists/a.txt:1", "blocklists/b.txt:1"]);
        std::fs::write(lists.join("c.txt"), b"family \xff\n").unwrap();
        let faults = families(Some(&lists), None).unwrap_err();
        assert!(faults[0].to_string().starts_with("blocklists/c.txt:1:8: not UTF-8"), "{}", faults[0]);
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
