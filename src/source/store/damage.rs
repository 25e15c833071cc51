//! [`Damage`]: a copy that can't be used, and where it is now.
//!
//! Apart from the store, because whoever reads a copy bit by bit finds it late.

use std::fmt;
use std::fs;
use std::path::PathBuf;

/// A copy that can't be used.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Damage {
    /// The file of the copy.
    pub path: PathBuf,
    /// What is wrong.
    pub why: String,
    /// Where it is now, if it was set aside.
    pub aside: Option<PathBuf>,
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: the saved list can't be used: {}", self.path.display(), self.why)?;
        match &self.aside {
            Some(aside) => write!(f, "; it is now {}", aside.display()),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Damage {}

/// Sets a copy aside that is not what was written.
pub(super) fn aside(path: PathBuf, why: &str) -> Damage {
    let aside = path.with_extension("bad");
    let moved = fs::rename(&path, &aside).is_ok();
    Damage { path, why: why.to_owned(), aside: moved.then_some(aside) }
}
