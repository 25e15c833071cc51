//! [`Place`]: a file and a line, so that whatever was decided can say by whom.

use std::fmt;
use std::sync::Arc;

/// A line of a file.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Place {
    /// The file, as the user would name it: `blocklists/amazon-echo.txt`.
    pub file: Arc<str>,

    /// The line, counted from 1.
    pub line: u32,
}

impl Place {
    /// Returns line `line` of `file`.
    pub fn new(file: Arc<str>, line: u32) -> Self {
        Self { file, line }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        f.write_str(":")?;
        self.line.fmt(f)
    }
}
