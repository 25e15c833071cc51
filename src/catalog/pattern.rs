//! [`Pattern`]: the left of a rule, and which names it matches.
//!
//! `name` is that name only; `*.name` is the name and all below it; inside a
//! label `#` is one run of digits and `{a,b}` a choice.  No regular
//! expressions, so a lookup stays one probe per label and a rule means the
//! same in every export.

use std::fmt;
use std::str::FromStr;

use crate::base::Domain;
use crate::base::DomainRef;
use crate::base::labels::DomainError;
use crate::matcher::MOST_LABELS;
use crate::matcher::name_matches;

/// Most names one pattern may stand for after its choices are written out.
pub const MAX_CHOICES: usize = 256;

//----------- Pattern ----------------------------------------------------------

/// Which names a rule is about.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Pattern {
    /// As typed, lower case.
    text: Box<str>,
    /// Whether it began with `*.`.
    subtree: bool,
    /// The choices written out.  A `#` in here stands for digits.
    names: Box<[Domain]>,
}

impl Pattern {
    /// Returns whether names below are meant too.
    pub fn is_subtree(&self) -> bool {
        self.subtree
    }

    /// Returns the names it stands for, every choice written out.  In them a
    /// `#` inside a label still stands for one run of digits.
    pub fn names(&self) -> &[Domain] {
        &self.names
    }

    /// Returns whether a `#` stands for digits anywhere in it.
    pub fn has_digits(&self) -> bool {
        self.text.contains('#')
    }

    /// Returns whether `name` is matched.
    pub fn matches(&self, name: DomainRef<'_>) -> bool {
        self.names.iter().any(|own| {
            let mut suffixes = name.suffixes();
            if self.subtree {
                suffixes.any(|suffix| name_matches(own.as_wire(), suffix))
            } else {
                name_matches(own.as_wire(), name.as_wire())
            }
        })
    }

    /// Returns a name it matches for each choice, with `1` for every run of
    /// digits.
    pub fn examples(&self) -> impl Iterator<Item = Domain> {
        self.names.iter().filter_map(|name| name.to_string().replace('#', "1").parse().ok())
    }
}

//--- Reading and writing

impl FromStr for Pattern {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, PatternError> {
        let text = text.to_ascii_lowercase();
        let (subtree, rest) = match text.strip_prefix("*.") {
            Some(rest) => (true, rest),
            None => (false, text.as_str()),
        };
        if rest.contains('*') {
            return Err(PatternError::Star);
        }
        // No more than host names have: an escaped `#` could not be told from
        // digits, and nobody's speaker asks for one.
        let usual =
            |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'#' | b'{' | b'}' | b',');
        if !rest.bytes().all(usual) {
            return Err(PatternError::Name(DomainError::NotAscii));
        }
        let mut names = Vec::new();
        for choice in choices(rest)? {
            // Written out, since a choice may bring the digit: `#{a,1}`.
            if choice.contains("##") || digits_touch(&choice) {
                return Err(PatternError::Digits);
            }
            names.push(choice.parse().map_err(PatternError::Name)?);
        }
        if names.iter().any(Domain::is_root) {
            return Err(PatternError::Root);
        }
        if names.iter().any(|name| name.labels().count() > usize::from(MOST_LABELS)) {
            return Err(PatternError::Labels);
        }
        Ok(Self { subtree, names: names.into_boxed_slice(), text: text.into_boxed_str() })
    }
}

/// Returns whether a `#` stands right beside a digit, where it could mean two
/// things.
fn digits_touch(text: &str) -> bool {
    text.as_bytes()
        .windows(2)
        .any(|pair| matches!(pair, [b'#', other] | [other, b'#'] if other.is_ascii_digit()))
}

/// Writes out the `{a,b}` of a pattern.
fn choices(text: &str) -> Result<Vec<String>, PatternError> {
    let mut done = vec![String::new()];
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        let (inside, next) = after.split_once('}').ok_or(PatternError::Braces)?;
        if before.contains('}') || inside.contains(['{', '.']) || inside.split(',').any(str::is_empty) {
            return Err(PatternError::Braces);
        }
        if done.len() * inside.split(',').count() > MAX_CHOICES {
            return Err(PatternError::TooMany);
        }
        done = done
            .iter()
            .flat_map(|head| inside.split(',').map(move |choice| format!("{head}{before}{choice}")))
            .collect();
        rest = next;
    }
    if rest.contains('}') {
        return Err(PatternError::Braces);
    }
    for head in &mut done {
        head.push_str(rest);
    }
    Ok(done)
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

//----------- PatternError -----------------------------------------------------

/// Why some text is no pattern.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum PatternError {
    /// A star anywhere but in front.
    Star,
    /// A `#` beside a digit or another `#`.
    Digits,
    /// Braces that do not pair, are empty or reach over a dot.
    Braces,
    /// More than [`MAX_CHOICES`] names.
    TooMany,
    /// It would match every name.
    Root,
    /// More than [`MOST_LABELS`] labels.
    Labels,
    /// What remains is no name.
    Name(DomainError),
}

impl fmt::Display for PatternError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Star => f.write_str("a star can only stand in front, as in `*.example.com`"),
            Self::Digits => f.write_str(
                "a `#` stands for a whole run of digits, so no digit and no other `#` can be beside it",
            ),
            Self::Braces => {
                f.write_str("a choice is written `{a,b}`, inside one label and not inside another choice")
            }
            Self::TooMany => write!(f, "more than {MAX_CHOICES} names in one pattern"),
            Self::Root => f.write_str("this would match every name there is"),
            Self::Labels => write!(f, "more than {MOST_LABELS} labels in one name"),
            Self::Name(error) => write!(f, "{error}"),
        }
    }
}

impl std::error::Error for PatternError {}

//----------- Tests ------------------------------------------------------------

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn matches(pattern: &str, name: &str) -> bool {
        pattern.parse::<Pattern>().unwrap().matches(name.parse::<Domain>().unwrap().borrowed())
    }

    #[test]
    fn a_name_is_that_name_only() {
        assert!(matches("a.example", "A.Example"));
        assert!(!matches("a.example", "b.a.example"));
        assert!(!matches("a.example", "example"));
    }

    #[test]
    fn a_star_is_the_name_and_all_below() {
        assert!(matches("*.a.example", "a.example"));
        assert!(matches("*.a.example", "x.y.a.example"));
        assert!(!matches("*.a.example", "ba.example"));
    }

    #[test]
    fn digits_are_one_whole_run() {
        let pattern = "avs-alexa-#-{na,eu,fe}.amazon.com";
        assert!(matches(pattern, "avs-alexa-14-eu.amazon.com"));
        assert!(matches(pattern, "avs-alexa-9-na.amazon.com"));
        assert!(!matches(pattern, "avs-alexa--eu.amazon.com"));
        assert!(!matches(pattern, "avs-alexa-14-de.amazon.com"));
        assert!(!matches(pattern, "avs-alexa-1a-eu.amazon.com"));
        assert!(matches("*.n#.example", "x.n12.example"));
        assert!(!matches("*.n#.example", "x.n.example"));
    }

    #[test]
    fn what_is_no_pattern_is_refused() {
        for (text, error) in [
            ("a*.b", PatternError::Star),
            ("*.*.b", PatternError::Star),
            ("a\\#.b", PatternError::Name(DomainError::NotAscii)),
            ("a/b", PatternError::Name(DomainError::NotAscii)),
            ("a##.b", PatternError::Digits),
            ("a1#.b", PatternError::Digits),
            ("a#{b,1}.c", PatternError::Digits),
            ("{a,b.c", PatternError::Braces),
            ("a}.c", PatternError::Braces),
            ("{a,}.c", PatternError::Braces),
            ("{a.b,c}.d", PatternError::Braces),
            ("*..", PatternError::Root),
            ("a..b", PatternError::Name(DomainError::EmptyLabel)),
            (".", PatternError::Root),
        ] {
            assert_eq!(text.parse::<Pattern>().map_err(|e| e.to_string()), Err(error.to_string()), "{text}");
        }
        assert_eq!("a.".repeat(41).parse::<Pattern>(), Err(PatternError::Labels));
        let many = "{a,b}".repeat(9) + ".example";
        assert_eq!(many.parse::<Pattern>(), Err(PatternError::TooMany));
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "[a-z0-9#{},.*\\\\-]{0,40}") {
            if let Ok(pattern) = text.parse::<Pattern>() {
                for example in pattern.examples() {
                    prop_assert!(pattern.matches(example.borrowed()), "{} {}", pattern, example);
                }
                prop_assert_eq!(pattern.to_string().parse::<Pattern>(), Ok(pattern.clone()));
            }
        }
    }
}
