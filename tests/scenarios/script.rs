//! Text to steps.

use std::fmt;

/// A step of a scenario.
pub(crate) struct Step {
    /// What kind of step.
    pub(crate) word: String,
    /// What stands behind the word.
    pub(crate) rest: String,
    /// The lines below it, without what they are indented by.
    pub(crate) body: Vec<String>,
    /// Where it is.
    place: String,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} {}", self.place, self.word, self.rest)
    }
}

/// Reads a scenario, which opens by saying what it proves.
pub(crate) fn read(name: &str, text: &str) -> Vec<Step> {
    assert!(text.starts_with("; "), "{name} does not say what it proves");
    let mut steps: Vec<Step> = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        if line.starts_with(';') || line.trim().is_empty() {
            continue;
        }
        if let Some(body) = line.strip_prefix('\t') {
            steps
                .last_mut()
                .unwrap_or_else(|| panic!("{name}:{number}: below nothing"))
                .body
                .push(body.to_owned());
            continue;
        }
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        let place = format!("{name}:{number}");
        steps.push(Step { word: word.to_owned(), rest: rest.trim().to_owned(), body: Vec::new(), place });
    }
    steps
}
