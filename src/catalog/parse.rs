//! The text of a list to a [`FamilyFile`], or all that is wrong with it.
//!
//! The grammar, all of it (`blocklists/README.md` tells it to people):
//!
//! ```text
//! # a comment, on a line of its own or after a blank
//! family NAME                     first
//! include NAME                    the rules of that file count too
//! [identify] | [function WORD] | [PURPOSE]
//! PATTERN                         in a purpose's section
//! [not] WORD TEXT [NN%]           in [identify]: mac, maker, host, mdns, ssdp,
//!                                 asks; see `sign`
//!     KEY DATE TEXT               evidence for the lines right above
//! ```
//!
//! In `[identify]` several `mac` lines in a row share the evidence below the
//! last of them: two hundred prefixes come from one registry.

use std::str::FromStr;
use std::sync::Arc;

use super::family::FamilyFile;
use super::purpose::Function;
use super::purpose::Purpose;
use super::rule::Rule;
use super::sign::Sign;
use crate::base::Diagnostic;
use crate::base::Place;
use crate::base::diagnostic::there_are;

mod entries;

/// The largest list, in octets.
pub const MAX_LIST: usize = 4 << 20;

/// The longest line, in octets.
const MAX_LINE: usize = 1000;

/// Most complaints about one file; who makes more has another kind of file.
const MAX_FAULTS: usize = 100;

/// The longest name of a family, in octets.  Names are labels of metrics.
const MAX_FAMILY: usize = 64;

/// Reads a list.  `file` is how the user would name it.
pub fn parse(file: &str, text: &str) -> Result<FamilyFile, Vec<Diagnostic>> {
    if text.len() > MAX_LIST {
        return Err(vec![Diagnostic::of_file(file, format!("a list larger than {MAX_LIST} octets"))]);
    }
    let mut parser = Parser::new(file, text);
    for (number, line) in (1..).zip(text.split('\n')) {
        parser.number = number;
        parser.line(line.strip_suffix('\r').unwrap_or(line));
        if parser.faults.len() >= MAX_FAULTS {
            break;
        }
    }
    parser.finish()
}

//----------- Parser -----------------------------------------------------------

/// Which section the parser is in.
#[derive(Clone, Copy)]
enum Section {
    /// Before the first.
    Head,
    /// `[identify]`
    Identify,
    /// A purpose's.
    Purpose(Purpose),
    /// One that is not understood and was complained about.
    Unknown,
}

/// What evidence belongs to.
#[derive(Clone, Copy)]
enum Above {
    /// Nothing that could have any.
    Nothing,
    /// The last rule.
    Rule,
    /// The signs from this one on.
    Signs(usize),
    /// Something that was complained about.
    Fault,
}

/// Reads a list line by line.
struct Parser<'a> {
    /// The file, for places.
    file: Arc<str>,
    /// All of the text, for positions.
    text: &'a str,
    /// The line in hand, from 1.
    number: u32,
    /// The section it is in.
    section: Section,
    /// What evidence would belong to.
    above: Above,
    /// Whether the line before was evidence.
    after_evidence: bool,
    /// What `family` said.
    family: Option<(Arc<str>, Place)>,
    /// What `include` said.
    includes: Vec<(Arc<str>, Place)>,
    /// Whether there is an `[identify]`.
    identifies: bool,
    /// The signs so far.
    signs: Vec<Sign>,
    /// The rules so far.
    rules: Vec<Rule>,
    /// What is wrong.
    faults: Vec<Diagnostic>,
}

impl<'a> Parser<'a> {
    /// Starts at the top.
    fn new(file: &str, text: &'a str) -> Self {
        Self {
            file: Arc::from(file),
            text,
            number: 0,
            section: Section::Head,
            above: Above::Nothing,
            after_evidence: false,
            family: None,
            includes: Vec::new(),
            identifies: false,
            signs: Vec::new(),
            rules: Vec::new(),
            faults: Vec::new(),
        }
    }

    /// Complains about `part`, which is a slice of the text.
    fn fault(&mut self, part: &str, say: impl Into<String>) {
        let start = part.as_ptr().addr().saturating_sub(self.text.as_ptr().addr());
        let fault = Diagnostic::at(Arc::clone(&self.file), self.text, start, start + part.len(), say);
        self.faults.push(fault);
    }

    /// Returns the place of the line in hand.
    fn place(&self) -> Place {
        Place::new(Arc::clone(&self.file), self.number)
    }

    /// Reads one line.
    fn line(&mut self, line: &'a str) {
        // A byte order mark is an editor's, not the author's.
        let line = if self.number == 1 { line.strip_prefix('\u{feff}').unwrap_or(line) } else { line };
        if line.len() > MAX_LINE {
            return self.fault(line, format!("a line longer than {MAX_LINE} octets"));
        }
        let content = line.trim();
        if content.is_empty() || content.starts_with('#') {
            return;
        }
        if line.starts_with([' ', '\t']) {
            self.evidence(content);
            self.after_evidence = true;
            return;
        }
        let content = without_comment(content);
        if content.starts_with('[') {
            self.section(content);
        } else {
            self.entry(content);
        }
        self.after_evidence = false;
    }

    /// Reads a section's head.
    fn section(&mut self, content: &'a str) {
        self.above = Above::Nothing;
        self.section = Section::Unknown;
        let Some(inside) = content.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) else {
            return self.fault(content, "a section is written `[analytics]` or `[function voice]`");
        };
        if let Some(word) = inside.strip_prefix("function ") {
            if let Ok(function) = Function::from_str(word.trim()) {
                self.section = Section::Purpose(Purpose::Function(function));
            } else {
                let known = there_are(Function::ALL.map(Function::as_str));
                self.fault(word.trim(), format!("`{}` is no function{known}", word.trim()));
            }
        } else if inside == "identify" {
            self.identifies = true;
            self.section = Section::Identify;
        } else if let Ok(purpose) = Purpose::from_str(inside) {
            self.section = Section::Purpose(purpose);
        } else {
            let words = Purpose::BLOCKABLE.map(Purpose::as_str);
            let known = there_are(words.into_iter().chain(["identify", "function …"]));
            self.fault(inside, format!("`{inside}` is no section{known}"));
        }
    }

    /// Reads a line at column 0 that is no section.
    fn entry(&mut self, content: &'a str) {
        let (word, rest) = content.split_once([' ', '\t']).map_or((content, ""), |(w, r)| (w, r.trim()));
        match (self.section, word) {
            (Section::Head, "family") => self.family(rest, content),
            (Section::Head, "include") => {
                if let Some(name) = self.family_name(rest, content) {
                    self.includes.push((name, self.place()));
                }
            }
            (Section::Head, _) => {
                self.fault(
                    content,
                    "before the first section only `family NAME` and `include NAME` can stand",
                );
            }
            (Section::Identify, "not") => {
                let (word, rest) = rest.split_once([' ', '\t']).map_or((rest, ""), |(w, r)| (w, r.trim()));
                self.sign(word, rest, true);
            }
            (Section::Identify, _) => self.sign(word, rest, false),
            (Section::Purpose(purpose), _) => self.rule(content, purpose),
            (Section::Unknown, _) => self.above = Above::Fault,
        }
    }

    /// Ends the file.
    fn finish(mut self) -> Result<FamilyFile, Vec<Diagnostic>> {
        if self.family.is_none() && self.faults.is_empty() {
            self.faults.push(Diagnostic::of_file(
                Arc::clone(&self.file),
                "the file does not begin with `family NAME`",
            ));
        }
        match self.family {
            Some((name, place)) if self.faults.is_empty() => Ok(FamilyFile {
                name,
                place,
                includes: self.includes,
                identifies: self.identifies,
                signs: self.signs.into_iter().map(Arc::new).collect(),
                rules: self.rules.into_iter().map(Arc::new).collect(),
            }),
            _ => Err(self.faults),
        }
    }
}

/// Cuts off a comment: a `#` after a blank.  A `#` inside a pattern stands for
/// digits.
fn without_comment(content: &str) -> &str {
    let at = content.match_indices('#').find(|(at, _)| content[..*at].ends_with([' ', '\t']));
    at.map_or(content, |(at, _)| content[..at].trim_end())
}

#[cfg(test)]
mod tests;
