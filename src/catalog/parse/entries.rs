//! What stands in a line of a list: a family's name, a sign, a pattern, evidence.
//!
//! Apart from the parser, which knows lines and sections.

use std::str::FromStr;
use std::sync::Arc;

use super::super::evidence::Evidence;
use super::super::evidence::EvidenceKind;
use super::super::pattern::Pattern;
use super::super::purpose::Purpose;
use super::super::rule::Rule;
use super::super::sign::Sign;
use super::super::sign::SignError;
use super::super::sign::SignKind;
use super::Above;
use super::MAX_FAMILY;
use super::Parser;
use crate::base::diagnostic::there_are;

impl<'a> Parser<'a> {
    /// Reads the name of a family.
    pub(super) fn family_name(&mut self, name: &'a str, content: &'a str) -> Option<Arc<str>> {
        let fine = (1..=MAX_FAMILY).contains(&name.len())
            && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        if !fine {
            self.fault(content, "a family's name is made of a-z, 0-9 and -, like `amazon-echo`");
        }
        fine.then(|| Arc::from(name))
    }

    /// Reads `family NAME`.
    pub(super) fn family(&mut self, name: &'a str, content: &'a str) {
        if let Some((_, place)) = &self.family {
            let say = format!("a second `family`; the first is in line {}", place.line);
            return self.fault(content, say);
        }
        if let Some(name) = self.family_name(name, content) {
            self.family = Some((name, self.place()));
        }
    }

    /// Reads a sign.
    pub(super) fn sign(&mut self, word: &'a str, rest: &'a str, against: bool) {
        let (value, weight) = match rest.rsplit_once([' ', '\t']) {
            Some((value, last)) if last.ends_with('%') => (value.trim_end(), Some(last)),
            _ => (rest, None),
        };
        let said = weight.map(|text| text.trim_end_matches('%').parse());
        if let (Some(text), Some(Err(_) | Ok(0 | 100..))) = (weight, &said) {
            self.above = Above::Fault;
            return self.fault(text, "a weight is written `20%`, from 1 to 99");
        }
        match SignKind::read(word, value) {
            Ok(kind) => {
                let weight = said.and_then(Result::ok).unwrap_or_else(|| kind.weight());
                self.add_sign(Sign { kind, against, weight, evidence: Vec::new(), place: self.place() });
            }
            Err(error) => {
                self.above = Above::Fault;
                match error {
                    SignError::Word(say) => self.fault(word, say),
                    SignError::Value(say) => self.fault(value, say),
                }
            }
        }
    }

    /// Adds a sign to those that share the evidence below.
    fn add_sign(&mut self, sign: Sign) {
        let shared = matches!(self.above, Above::Signs(_)) && !self.after_evidence;
        if !shared {
            self.above = Above::Signs(self.signs.len());
        }
        self.signs.push(sign);
    }

    /// Reads a pattern.
    pub(super) fn rule(&mut self, content: &'a str, purpose: Purpose) {
        match content.parse::<Pattern>() {
            Ok(pattern) => {
                let place = self.place();
                self.rules.push(Rule { pattern, purpose, evidence: Vec::new(), place });
                self.above = Above::Rule;
            }
            Err(error) => {
                self.above = Above::Fault;
                self.fault(content, error.to_string());
            }
        }
    }

    /// Reads a line of evidence.
    pub(super) fn evidence(&mut self, content: &'a str) {
        let mut words = content.splitn(3, [' ', '\t']).map(str::trim);
        let key = words.next().unwrap_or_default();
        // Between key and date there may be more than one blank, for columns.
        let rest = content.get(key.len()..).unwrap_or_default().trim_start();
        let (date, text) = rest.split_once([' ', '\t']).map_or((rest, ""), |(d, t)| (d, t.trim()));
        let Ok(kind) = EvidenceKind::from_str(key) else {
            let known = there_are(EvidenceKind::ALL.map(EvidenceKind::as_str));
            return self.fault(key, format!("`{key}` is no kind of evidence{known}"));
        };
        if !is_date(date) {
            let part = if date.is_empty() { content } else { date };
            return self.fault(part, "here stands the date, like 2026-03-31");
        }
        if text.is_empty() {
            return self.fault(content, "evidence says where it is from: KEY DATE TEXT");
        }
        let evidence = Evidence { kind, date: date.into(), text: text.into() };
        match self.above {
            Above::Rule => {
                if let Some(rule) = self.rules.last_mut() {
                    rule.evidence.push(evidence);
                }
            }
            Above::Signs(first) => {
                for sign in self.signs.iter_mut().skip(first) {
                    sign.evidence.push(evidence.clone());
                }
            }
            Above::Nothing => self.fault(content, "evidence belongs below a name; there is none above"),
            Above::Fault => {}
        }
    }
}

/// Returns whether `text` is a day of the calendar, as `YYYY-MM-DD`.
fn is_date(text: &str) -> bool {
    let mut parts = text.split('-').map(|part| (part.len(), part.parse::<u32>().ok()));
    let (Some((4, Some(year))), Some((2, Some(month))), Some((2, Some(day))), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return false;
    };
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let days = match month {
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        1..=12 => 31,
        _ => 0,
    };
    text.bytes().all(|b| b.is_ascii_digit() || b == b'-') && (1..=days).contains(&day)
}
