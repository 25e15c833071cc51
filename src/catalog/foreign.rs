//! [`ForeignList`]: other people's lists, which know names and neither families
//! nor purposes.
//!
//! What is not understood is counted and kept by line, never guessed.  What
//! the lines of each syntax mean is told in `format.rs`.

use std::sync::Arc;

use crate::base::Diagnostic;
use crate::base::Domain;
use crate::base::DomainRef;
use crate::base::Place;
use crate::matcher::Names;

use super::family::FamilyId;
use super::format::Line;
use super::purpose::Purpose;

pub use super::format::Format;

/// The largest list, in octets.
pub const MAX_FOREIGN: usize = 64 << 20;

/// How many lines that are not understood are kept, to be shown.
const KEPT: usize = 50;

/// What a foreign list says of a name.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Word {
    /// Block it; at this line.
    Block(u32),
    /// Leave it alone (`@@||name^`, `rpz-passthru`); at this line.
    Pass(u32),
}

//----------- ForeignList ------------------------------------------------------

/// A list by somebody else.
#[derive(Debug)]
pub struct ForeignList {
    /// Its name in the config.
    pub name: Arc<str>,
    /// The file or URL it came from, as shown to people.
    pub file: Arc<str>,
    /// The purpose the config gives to its rules.
    pub purpose: Purpose,
    /// The family it is for; without one it is for every device.
    pub family: Option<FamilyId>,
    /// Lines that were not understood: line number and the line, the first
    /// few of them.
    pub not_understood: Vec<(u32, String)>,
    /// How many lines were not understood.
    pub not_understood_count: usize,
    /// How many names were read.
    pub understood_count: usize,
    /// From names to what is said of them.
    pub(super) names: Names<Word>,
}

/// What the config says of a list.
#[derive(Clone, Debug)]
pub struct About {
    /// Its name.
    pub name: Arc<str>,
    /// Its file, as the user would name it.
    pub file: Arc<str>,
    /// Its syntax; without one it is found out.
    pub format: Option<Format>,
    /// The family it is for.
    pub family: Option<FamilyId>,
    /// What its names are for.
    pub purpose: Purpose,
}

impl ForeignList {
    /// Reads a list.  It is refused as a whole if it is too large, or if more
    /// of it is not understood than is: then it is something else.
    pub fn parse(about: About, text: &str) -> Result<Self, Diagnostic> {
        let refuse = |say: String| Err(Diagnostic::of_file(Arc::clone(&about.file), say));
        if text.len() > MAX_FOREIGN {
            return refuse(format!("a list larger than {MAX_FOREIGN} octets"));
        }
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let format = about.format.unwrap_or_else(|| Format::detect(text));
        let mut list = Self {
            name: about.name,
            file: Arc::clone(&about.file),
            purpose: about.purpose,
            family: about.family,
            not_understood: Vec::new(),
            not_understood_count: 0,
            understood_count: 0,
            names: Names::default(),
        };
        for (number, line) in (1..).zip(text.lines()) {
            list.take(number, line, format);
        }
        if list.not_understood_count > list.understood_count {
            let Self { not_understood_count: bad, understood_count: good, .. } = list;
            let first = list.not_understood.first().map(|(number, line)| format!("; line {number}: {line}"));
            let first = first.unwrap_or_default();
            return refuse(format!("read as {format}, {bad} lines are not understood and {good} are{first}"));
        }
        Ok(list)
    }

    /// Takes in one line.
    fn take(&mut self, number: u32, line: &str, format: Format) {
        let mut clear = true;
        match format.read(line) {
            Line::Nothing => return,
            Line::Unclear => clear = false,
            Line::Names { names, subtree, pass } => {
                for name in names {
                    match name.parse::<Domain>() {
                        Ok(name) => {
                            let word = if pass { Word::Pass(number) } else { Word::Block(number) };
                            let there = self.names.insert(name.clone(), subtree, word);
                            // Of two words about one name, the one for passing
                            // counts, as in all programs that know both.
                            if pass && matches!(there, Some(Word::Block(_))) {
                                self.names.replace(name, subtree, word);
                            }
                        }
                        Err(_) => clear = false,
                    }
                }
            }
        }
        if clear {
            self.understood_count += 1;
        } else {
            self.not_understood_count += 1;
            if self.not_understood.len() < KEPT {
                self.not_understood.push((number, line.chars().take(120).collect()));
            }
        }
    }

    /// Returns the place of the rule that blocks `name`, if one does and no
    /// more specific one lets it pass.
    pub fn blocks<'n>(&self, name: impl Into<DomainRef<'n>>) -> Option<Place> {
        match self.names.lookup(name.into()).next()? {
            Word::Block(line) => Some(Place::new(Arc::clone(&self.file), line)),
            Word::Pass(_) => None,
        }
    }

    /// Returns how many rules it has.
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Returns whether it has no rules.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn list(text: &str, format: Option<Format>) -> Result<ForeignList, Diagnostic> {
        let about = About {
            name: Arc::from("test"),
            file: Arc::from("test.txt"),
            format,
            family: None,
            purpose: Purpose::Unknown,
        };
        ForeignList::parse(about, text)
    }

    fn blocks(list: &ForeignList, name: &str) -> Option<u32> {
        list.blocks(name.parse::<Domain>().unwrap().borrowed()).map(|place| place.line)
    }

    #[test]
    fn a_more_specific_line_lets_a_name_pass() {
        let list =
            list("! x\n||example.com^\n@@||good.example.com^\n||bad.good.example.com^\n", None).unwrap();
        assert_eq!(blocks(&list, "a.example.com"), Some(2));
        assert_eq!(blocks(&list, "x.good.example.com"), None);
        assert_eq!(blocks(&list, "bad.good.example.com"), Some(4));
        assert_eq!(list.len(), 3);
    }

    #[test]
    fn of_two_words_about_a_name_the_one_for_passing_counts() {
        for text in ["||a.example^\n@@||a.example^\n", "@@||a.example^\n||a.example^\n"] {
            let list = list(text, None).unwrap();
            assert_eq!((blocks(&list, "a.example"), list.len()), (None, 1), "{text}");
        }
    }

    #[test]
    fn what_is_not_understood_is_counted_and_shown() {
        let list = list("0.0.0.0 a.example\nwhat is this\n0.0.0.0 b.example\n", None).unwrap();
        assert_eq!(list.not_understood_count, 1);
        assert_eq!(list.not_understood, [(2, "what is this".to_owned())]);
    }

    #[test]
    fn something_else_is_refused() {
        let fault = list("<html>\n<body>\nNot found\n", None).unwrap_err();
        assert!(
            fault.to_string().contains("3 lines are not understood and 0 are; line 1: <html>"),
            "{fault}"
        );
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "([|@*a-z.^/=:\"# \n]{0,30}\n){0,20}", at in 0..7usize) {
            let _ = list(&text, Some(Format::ALL[at]));
            let _ = list(&text, None);
        }
    }
}
