//! [`accept`]: is this download fit to replace the rules that work?
//!
//! Apart because it is a plain function of its arguments, and the one place
//! where the limits stand.

use std::fmt;

use crate::base::Diagnostic;

/// Of this many lines, one may be not understood: less than 5 %.
const NOT_UNDERSTOOD: u64 = 20;

/// A list may lose less than half of its rules from one download to the next.
const FALL: u64 = 2;

/// A list may grow to less than ten times its rules.
const RISE: u64 = 10;

/// What parsing counted.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Counts {
    /// How many rules there are.
    pub rules: u64,
    /// How many lines were not understood.
    pub not_understood: u64,
}

/// What to do with a list that fell or rose.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Doubt {
    /// Refuse it; the schedule does so.
    Refuse,
    /// Take it all the same; the household says that it is right.
    Waive,
}

/// Returns the text of a download; octets that are no UTF-8 are not guessed.
pub(super) fn text(body: Vec<u8>) -> Result<String, Refusal> {
    String::from_utf8(body).map_err(|fault| Refusal::NotText(fault.utf8_error().valid_up_to()))
}

/// Says whether a list may replace the last good one, which had `last_good`
/// rules.
pub fn accept(last_good: Option<u64>, text: &str, counts: Counts, doubt: Doubt) -> Result<(), Refusal> {
    let text = text.trim_start_matches('\u{feff}').trim_start();
    // No syntax of lists begins so.  It is a login page or the like.
    if text.starts_with('<') {
        return Err(Refusal::Html);
    }
    let Counts { rules, not_understood } = counts;
    let of = lines(text).max(rules.saturating_add(not_understood));
    if not_understood.saturating_mul(NOT_UNDERSTOOD) >= of.max(1) {
        return Err(Refusal::NotUnderstood { lines: not_understood, of });
    }
    if rules == 0 {
        return Err(Refusal::Empty);
    }
    match last_good.filter(|_| doubt == Doubt::Refuse) {
        Some(from) if rules.saturating_mul(FALL) <= from => Err(Refusal::Fell { from, to: rules }),
        Some(from) if from > 0 && rules >= from.saturating_mul(RISE) => {
            Err(Refusal::Rose { from, to: rules })
        }
        _ => Ok(()),
    }
}

/// Counts the lines that say something: neither empty nor a comment in any of
/// the syntaxes.
fn lines(text: &str) -> u64 {
    let says = |line: &&str| !line.trim().is_empty() && !line.trim_start().starts_with(['#', '!', ';']);
    text.lines().filter(says).count() as u64
}

//----------- Refusal ----------------------------------------------------------

/// Why a download was not taken.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Refusal {
    /// It is no UTF-8 from this octet on.
    NotText(usize),
    /// It is a web page.
    Html,
    /// It has no rule.
    Empty,
    /// It can't be parsed at all.
    Parse(Diagnostic),
    /// Too many lines were not understood.
    NotUnderstood {
        /// How many were not.
        lines: u64,
        /// How many there are.
        of: u64,
    },
    /// Half of the rules or more are gone.
    Fell {
        /// How many there were.
        from: u64,
        /// How many there would be.
        to: u64,
    },
    /// There are ten times as many rules or more.
    Rose {
        /// How many there were.
        from: u64,
        /// How many there would be.
        to: u64,
    },
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotText(at) => write!(f, "it is no text (UTF-8) from octet {at} on"),
            Self::Html => f.write_str("it is a web page, no list"),
            Self::Empty => f.write_str("it has no rule"),
            Self::Parse(complaint) => write!(f, "it can't be parsed: {complaint}"),
            Self::NotUnderstood { lines, of } => write!(f, "{lines} of {of} lines were not understood"),
            Self::Fell { from, to } => write!(f, "it fell from {from} to {to} rules"),
            Self::Rose { from, to } => write!(f, "it rose from {from} to {to} rules"),
        }
    }
}

impl std::error::Error for Refusal {}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::any;
    use proptest::proptest;

    /// Judges a list of so many rules.
    fn judge(last_good: Option<u64>, rules: u64, not_understood: u64) -> Result<(), Refusal> {
        accept(last_good, "a.example\n", Counts { rules, not_understood }, Doubt::Refuse)
    }

    #[test]
    fn a_list_may_shrink_to_more_than_half_and_grow_to_less_than_ten_times() {
        assert_eq!(judge(Some(1_000), 501, 0), Ok(()));
        assert_eq!(judge(Some(1_000), 500, 0), Err(Refusal::Fell { from: 1_000, to: 500 }));
        assert_eq!(judge(Some(1_000), 9_999, 0), Ok(()));
        assert_eq!(judge(Some(1_000), 10_000, 0), Err(Refusal::Rose { from: 1_000, to: 10_000 }));
        assert_eq!(judge(None, 1, 0), Ok(()));
        assert_eq!(judge(Some(0), 1_000, 0), Ok(()));
    }

    #[test]
    fn the_household_may_waive_the_doubt_and_nothing_else() {
        let counts = Counts { rules: 1, not_understood: 0 };
        assert_eq!(accept(Some(1_000), "a.example", counts, Doubt::Waive), Ok(()));
        assert_eq!(accept(Some(1_000), "<html>", counts, Doubt::Waive), Err(Refusal::Html));
        let counts = Counts { rules: 0, not_understood: 0 };
        assert_eq!(accept(Some(1_000), "", counts, Doubt::Waive), Err(Refusal::Empty));
    }

    #[test]
    fn one_line_in_twenty_is_too_many_not_to_understand() {
        assert_eq!(judge(None, 96, 4), Ok(()));
        assert_eq!(judge(None, 95, 5), Err(Refusal::NotUnderstood { lines: 5, of: 100 }));
        assert!(judge(None, 0, 1).is_err());
        // Twice the same rule is one rule and two lines.
        let text = "a.example\n".repeat(99) + "? what\n";
        assert_eq!(accept(None, &text, Counts { rules: 1, not_understood: 1 }, Doubt::Refuse), Ok(()));
        // Comments are no lines that could have been understood.
        let text = "# comment\n".repeat(99) + "a.example\n? what\n";
        assert!(accept(None, &text, Counts { rules: 1, not_understood: 1 }, Doubt::Refuse).is_err());
    }

    #[test]
    fn a_web_page_is_no_list_however_it_begins() {
        let counts = Counts { rules: 10, not_understood: 0 };
        for page in ["<!doctype html>", "\u{feff}<!DOCTYPE HTML>", "\r\n  <html>", "<?xml version", "<head>"]
        {
            assert_eq!(accept(None, page, counts, Doubt::Refuse), Err(Refusal::Html), "{page}");
        }
    }

    #[test]
    fn octets_that_are_no_text_are_not_guessed() {
        assert_eq!(text(b"a.example\n\xff".to_vec()), Err(Refusal::NotText(10)));
        assert!(text("\u{feff}bücher.example".into()).is_ok());
    }

    proptest! {
        #[test]
        fn what_is_taken_keeps_the_promises(
            last in any::<Option<u64>>(), rules in any::<u64>(), missed in any::<u64>(), text in any::<String>(),
        ) {
            if accept(last, &text, Counts { rules, not_understood: missed }, Doubt::Refuse).is_ok() {
                assert!(rules > 0);
                if let Some(last) = last {
                    assert!(u128::from(rules) * 2 > u128::from(last));
                }
            }
        }
    }
}
