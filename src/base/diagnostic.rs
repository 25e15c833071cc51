//! [`Diagnostic`]: a complaint about a file, with line, column and caret.
//!
//! Config, lists and the command line complain in one voice:
//!
//! ```text
//! config.toml:67:10: no policy is named `stict`; there are: open, strict
//!   policy = "stict"
//!            ^^^^^^^
//! ```

use std::fmt;
use std::sync::Arc;

/// How much a [`Diagnostic`] matters.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Severity {
    /// The file cannot be used as it is.
    Fault,
    /// The file works, and somebody should look at this.
    Warning,
}

/// A complaint about a place in a file.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Diagnostic {
    /// How much it matters.
    pub severity: Severity,
    /// The file, as the user would name it.
    pub file: Arc<str>,
    /// The line, counted from 1; 0 where the whole file is meant.
    pub line: u32,
    /// The column in characters, counted from 1; 0 where the whole line is meant.
    pub column: u32,
    /// How many characters the caret underlines, at least 1.
    pub width: u32,
    /// What is wrong, and what there is instead.
    pub say: String,
    /// The line of the file, for showing; empty where there is none.
    pub source: String,
}

impl Diagnostic {
    /// Returns a fault of the whole of `file`: it is missing, unreadable, ….
    pub fn of_file(file: impl Into<Arc<str>>, say: impl Into<String>) -> Self {
        Self {
            severity: Severity::Fault,
            file: file.into(),
            line: 0,
            column: 0,
            width: 1,
            say: say.into(),
            source: String::new(),
        }
    }

    /// Returns a fault at octets `start..end` of `text`, which is all of `file`.
    pub fn at(
        file: impl Into<Arc<str>>,
        text: &str,
        start: usize,
        end: usize,
        say: impl Into<String>,
    ) -> Self {
        let start = floor(text, start);
        let end = floor(text, end).max(start);
        let (before, after) = text.split_at(start);
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let line_end = start + after.find('\n').unwrap_or(after.len());
        Self {
            severity: Severity::Fault,
            file: file.into(),
            line: count(before.matches('\n').count()) + 1,
            column: count(text[line_start..start].chars().count()) + 1,
            width: count(text[start..end.min(line_end)].chars().count()).max(1),
            say: say.into(),
            source: text[line_start..line_end].trim_end_matches('\r').to_owned(),
        }
    }

    /// Returns the same complaint as a warning.
    pub fn warning(self) -> Self {
        Self { severity: Severity::Warning, ..self }
    }

    /// Returns whether the file cannot be used.
    pub fn is_fault(&self) -> bool {
        self.severity == Severity::Fault
    }
}

/// Returns `at` or the character boundary before it, inside `text`.
fn floor(text: &str, at: usize) -> usize {
    (0..=at.min(text.len())).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0)
}

/// Returns a count as the numbers of a diagnostic have it.
fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// Returns the first `most` characters of `text` without those that control a
/// terminal: files are hostile, and so is what is quoted from them.
fn clean(text: &str, most: usize) -> String {
    let harmless = |c: char| match c {
        '\t' => ' ',
        c if c.is_control() => '\u{fffd}',
        c => c,
    };
    text.chars().take(most).map(harmless).collect()
}

/// Longest part of a source line that is shown, in characters.
const SHOWN: usize = 160;

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file)?;
        if self.line > 0 {
            write!(f, ":{}", self.line)?;
        }
        if self.column > 0 {
            write!(f, ":{}", self.column)?;
        }
        let warning = if self.is_fault() { "" } else { "warning: " };
        write!(f, ": {warning}{}", clean(&self.say, usize::MAX))?;
        if self.source.is_empty() {
            return Ok(());
        }
        let shown = clean(&self.source, SHOWN);
        write!(f, "\n  {shown}")?;
        let column = self.column as usize;
        if column > 0 && column <= SHOWN {
            let width = (self.width as usize).min(SHOWN + 1 - column);
            write!(f, "\n  {}{}", " ".repeat(column - 1), "^".repeat(width))?;
        }
        Ok(())
    }
}

/// Returns ` there are: a, b, c`, for the end of a complaint about a name.
pub fn there_are<'a>(known: impl IntoIterator<Item = &'a str>) -> String {
    let mut known: Vec<_> = known.into_iter().collect();
    known.sort_unstable();
    format!("; there are: {}", known.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_shown_with_its_caret() {
        let text = "a = 1\nbü = \"stict\"\n";
        let at = text.find("\"stict\"").unwrap();
        let complaint =
            Diagnostic::at("f.toml", text, at, at + 7, "no policy is named `stict`; there are: open");
        assert_eq!(
            complaint.to_string(),
            "f.toml:2:6: no policy is named `stict`; there are: open\n  bü = \"stict\"\n       ^^^^^^^"
        );
    }

    #[test]
    fn any_offset_is_borne() {
        let text = "ü\n";
        for start in 0..6 {
            for end in 0..6 {
                let _ = Diagnostic::at("f", text, start, end, "x").to_string();
            }
        }
    }

    #[test]
    fn a_hostile_line_does_not_reach_the_terminal() {
        let text = "\u{1b}[31mred";
        assert!(!Diagnostic::at("f", text, 0, 1, "x").to_string().contains('\u{1b}'));
        // Nor does what is quoted from it, and it cannot forge a second complaint.
        let said = Diagnostic::of_file("f", format!("`{text}\nf:1:1: fine`")).to_string();
        assert!(!said.contains(['\u{1b}', '\n']), "{said:?}");
    }
}
