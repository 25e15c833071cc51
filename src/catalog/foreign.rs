//! [`ForeignList`]: what is known of somebody else's list, but for its names,
//! which are in the table of all [`Lists`](super::Lists); and how a list is
//! read, line by line.
//!
//! What is not understood is counted and kept by line, never guessed.  What
//! the lines of each syntax mean is told in `format.rs`.

use std::borrow::Cow;
use std::fmt;
use std::io;
use std::io::BufRead;
use std::sync::Arc;

use serde::Deserialize;
use serde::Serialize;

use crate::base::Diagnostic;
use crate::base::DomainRef;
use crate::base::labels::MAX_NAME;
use crate::base::way::give_way;
use crate::matcher::MOST_LABELS;
use crate::matcher::Sink;
use crate::matcher::Word;

use super::family::FamilyId;
use super::format::line::Line;
use super::purpose::Purpose;

pub use super::format::Format;

/// The largest list, in octets.  Five million names take 105 MiB.
pub const MAX_FOREIGN: usize = 256 << 20;

/// The longest line, in octets.  Some programs put all names into one, and
/// nobody's is longer than this.
const MAX_LINE: usize = 64 << 10;

/// How many lines are read in one go: less than half a millisecond.
const TURN: u32 = 1024;

/// How many lines that are not understood are kept, to be shown.
const KEPT: usize = 50;

/// How much of such a line is kept, in characters.
const SHOWN: usize = 120;

//----------- ForeignList ------------------------------------------------------

/// What the config says of a list.
#[derive(Clone, Debug)]
pub struct About {
    /// Its name.
    pub name: Arc<str>,
    /// Its file, as the user would name it.
    pub file: Arc<str>,
    /// Its syntax; without one it is found out.
    pub format: Option<Format>,
    /// The family it is for; without one it is for every device.
    pub family: Option<FamilyId>,
    /// What its names are for.
    pub purpose: Purpose,
}

/// A list by somebody else, without its names.
#[derive(Clone, Debug)]
pub struct ForeignList {
    /// What the config says of it.
    pub about: About,
    /// What reading it brought to light.
    pub facts: Facts,
    /// How many rules it has.
    pub rules: u64,
}

/// What reading a list brings to light, besides names.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Facts {
    /// How many lines were understood and say something.
    pub understood: u64,
    /// How many lines were not understood.
    pub not_understood: u64,
    /// The first of those: line number and line.
    pub shown: Vec<(u32, String)>,
}

//----------- Reading ----------------------------------------------------------

/// Reads a list from somewhere and tells `sink` its names, as those of the list
/// at this position.
///
/// It is refused as a whole if it is too large, or if more of it is not
/// understood than is: then it is something else.
pub fn read(from: impl BufRead, about: &About, position: u8, sink: &mut Sink) -> Result<Facts, ForeignError> {
    let refuse = |say: String| ForeignError::Refused(Diagnostic::of_file(Arc::clone(&about.file), say));
    let mut lines = Lines { from, line: Vec::new(), octets: 0 };
    let head = lines.peek().map_err(ForeignError::Read)?;
    let format = about.format.unwrap_or_else(|| Format::detect(&head));
    let mut facts = Facts::default();
    let mut number = 0u32;
    let unreadable = |error: io::Error| match error.kind() {
        io::ErrorKind::FileTooLarge => refuse(format!("a list larger than {MAX_FOREIGN} octets")),
        _ => ForeignError::Read(error),
    };
    while let Some(line) = lines.next().map_err(unreadable)? {
        number = number.saturating_add(1);
        facts.take(number, line, format, position, sink);
        if number.is_multiple_of(TURN) {
            give_way();
        }
    }
    if facts.not_understood > facts.understood {
        let Facts { understood, not_understood, shown } = facts;
        let first = shown.first().map(|(number, line)| format!("; line {number}: {line}"));
        let page = shown.first().is_some_and(|(_, line)| line.trim_start().starts_with('<'));
        let first = first.unwrap_or_default() + if page { "; this is a web page and not a list" } else { "" };
        let say = format!(
            "read as {format}, {not_understood} lines are not understood and {understood} are{first}"
        );
        return Err(refuse(say));
    }
    Ok(facts)
}

impl Facts {
    /// Takes in one line.
    fn take(&mut self, number: u32, line: &[u8], format: Format, position: u8, sink: &mut Sink) {
        let text = str::from_utf8(line).map_or_else(|_| String::from_utf8_lossy(line), Cow::Borrowed);
        let mut clear = true;
        match format.read(&text) {
            Line::Nothing => return,
            Line::Unclear => clear = false,
            Line::Names { names, subtree, pass } => {
                let word = Word { list: position, subtree, pass };
                for name in names {
                    match DomainRef::from_text(name, &mut [0; MAX_NAME]) {
                        Ok(name) if name.labels().count() <= usize::from(MOST_LABELS) => {
                            sink.add(name.as_wire(), word, number);
                        }
                        _ => clear = false,
                    }
                }
            }
        }
        if clear {
            self.understood += 1;
            return;
        }
        self.not_understood += 1;
        if self.shown.len() < KEPT {
            self.shown.push((number, text.trim_end().chars().take(SHOWN).collect()));
        }
    }
}

/// The lines of a text of any size, of which one is held at a time.
struct Lines<R> {
    /// Where they come from.
    from: R,
    /// The line in hand.
    line: Vec<u8>,
    /// How many octets there were until now.
    octets: usize,
}

impl<R: BufRead> Lines<R> {
    /// Returns the beginning, as far as it has been read into memory, and takes
    /// a byte order mark away from it.
    fn peek(&mut self) -> io::Result<String> {
        if self.from.fill_buf()?.starts_with(b"\xef\xbb\xbf") {
            self.from.consume(3);
        }
        Ok(String::from_utf8_lossy(self.from.fill_buf()?).into_owned())
    }

    /// Returns the next line, if there is one.  Fails if there are too many
    /// octets; what is too long of a line is left out.
    fn next(&mut self) -> io::Result<Option<&[u8]>> {
        self.line.clear();
        loop {
            let read = self.from.fill_buf()?;
            if read.is_empty() {
                let more = !self.line.is_empty();
                return Ok(more.then_some(self.line.as_slice()));
            }
            let end = memchr::memchr(b'\n', read);
            let part = read.get(..end.unwrap_or(read.len())).unwrap_or_default();
            let room = MAX_LINE.saturating_sub(self.line.len());
            self.line.extend_from_slice(part.get(..room.min(part.len())).unwrap_or_default());
            let used = part.len() + usize::from(end.is_some());
            self.from.consume(used);
            self.octets += used;
            if self.octets > MAX_FOREIGN {
                return Err(io::ErrorKind::FileTooLarge.into());
            }
            if end.is_some() {
                return Ok(Some(self.line.as_slice()));
            }
        }
    }
}

//----------- ForeignError -----------------------------------------------------

/// Why a list is not used.
#[derive(Debug)]
pub enum ForeignError {
    /// It is no list, or too large a one.
    Refused(Diagnostic),
    /// It can't be read.
    Read(io::Error),
}

impl fmt::Display for ForeignError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(fault) => fault.fmt(f),
            Self::Read(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for ForeignError {}
