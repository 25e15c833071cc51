//! [`Names`]: from a name to what somebody said about it, the most specific
//! first.
//!
//! Knows nothing of families, purposes or lists: it maps patterns to values.
//! The cost of a lookup depends on the labels of the name, never on how many
//! names there are.
//
//  Patterns with `#` are found by shape: every run of digits in the name is
//  replaced by one `#`, and what is found under that shape is then compared
//  in full.  So they cost one more probe per label and no search.

use std::collections::HashMap;

use crate::base::Domain;
use crate::base::DomainRef;
use crate::base::domain;

/// A table from names to values.
#[derive(Clone, Debug)]
pub struct Names<V> {
    /// Names that mean themselves only.
    exact: HashMap<Domain, V>,
    /// Names that mean themselves and all below.
    subtree: HashMap<Domain, V>,
    /// Names with `#`, by shape: only themselves.
    exact_digits: HashMap<Box<[u8]>, Vec<(Domain, V)>>,
    /// Names with `#`, by shape: themselves and all below.
    subtree_digits: HashMap<Box<[u8]>, Vec<(Domain, V)>>,
}

impl<V> Default for Names<V> {
    fn default() -> Self {
        Self {
            exact: HashMap::new(),
            subtree: HashMap::new(),
            exact_digits: HashMap::new(),
            subtree_digits: HashMap::new(),
        }
    }
}

impl<V: Copy> Names<V> {
    /// Adds a name; `#` in it stands for a run of digits.  The first value
    /// said about a name stays; the one that was there is returned.
    pub fn insert(&mut self, name: Domain, subtree: bool, value: V) -> Option<V> {
        if name.as_wire().contains(&b'#') {
            let table = if subtree { &mut self.subtree_digits } else { &mut self.exact_digits };
            let same = table.entry(shape(name.as_wire())).or_default();
            if let Some((_, there)) = same.iter().find(|(other, _)| *other == name) {
                return Some(*there);
            }
            same.push((name, value));
            return None;
        }
        let table = if subtree { &mut self.subtree } else { &mut self.exact };
        match table.entry(name) {
            std::collections::hash_map::Entry::Occupied(there) => Some(*there.get()),
            std::collections::hash_map::Entry::Vacant(free) => {
                free.insert(value);
                None
            }
        }
    }

    /// Says something else about a name without `#` that was inserted before.
    pub fn replace(&mut self, name: Domain, subtree: bool, value: V) {
        let table = if subtree { &mut self.subtree } else { &mut self.exact };
        table.insert(name, value);
    }

    /// Returns everything said about `name`, the most specific first: the
    /// name itself, then its subtree, then the subtrees above it.  Where a
    /// literal name and one with `#` are equally long, the literal one leads.
    pub fn lookup(&self, name: DomainRef<'_>) -> impl Iterator<Item = V> {
        let exact = self.exact.get(name.as_wire()).copied();
        let exact_digits = find(&self.exact_digits, name.as_wire());
        let subtrees = name.suffixes().flat_map(|suffix| {
            let literal = self.subtree.get(suffix).copied();
            literal.into_iter().chain(find(&self.subtree_digits, suffix))
        });
        exact.into_iter().chain(exact_digits).chain(subtrees)
    }

    /// Returns whether nothing was said about anything.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns about how many names something was said.
    pub fn len(&self) -> usize {
        self.exact.len()
            + self.subtree.len()
            + self.exact_digits.values().chain(self.subtree_digits.values()).map(Vec::len).sum::<usize>()
    }
}

/// Finds a name with `#` that `wire` matches.
fn find<V: Copy>(table: &HashMap<Box<[u8]>, Vec<(Domain, V)>>, wire: &[u8]) -> Option<V> {
    if table.is_empty() {
        return None;
    }
    let same = table.get(&shape(wire))?;
    same.iter().find(|(own, _)| name_matches(own.as_wire(), wire)).map(|(_, value)| *value)
}

/// Returns the labels of `wire`, ended by zero octets, with one `#` for every
/// run of digits.
fn shape(wire: &[u8]) -> Box<[u8]> {
    let mut shape = Vec::with_capacity(wire.len());
    for label in domain::labels(wire) {
        for &byte in label {
            let byte = if byte.is_ascii_digit() { b'#' } else { byte };
            if byte != b'#' || shape.last() != Some(&b'#') {
                shape.push(byte);
            }
        }
        shape.push(0);
    }
    shape.into_boxed_slice()
}

/// Returns whether the wire name `name` is `own`, in which `#` stands for one
/// run of digits.
pub fn name_matches(own: &[u8], name: &[u8]) -> bool {
    let mut theirs = domain::labels(name);
    domain::labels(own).all(|own| theirs.next().is_some_and(|label| label_matches(own, label)))
        && theirs.next().is_none()
}

/// Returns whether `label` is `own`, in which `#` stands for one run of digits.
//
//  A run is taken whole: `a#` matches `a12`, and `a#2` could never match,
//  because the run ends where the digits end.
fn label_matches(own: &[u8], label: &[u8]) -> bool {
    let mut label = label;
    for &byte in own {
        if byte == b'#' {
            let digits = label.iter().take_while(|b| b.is_ascii_digit()).count();
            if digits == 0 {
                return false;
            }
            label = label.get(digits..).unwrap_or_default();
        } else {
            match label.split_first() {
                Some((&first, rest)) if first == byte => label = rest,
                _ => return false,
            }
        }
    }
    label.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(rules: &[(&str, bool)]) -> Names<usize> {
        let mut names = Names::default();
        for (nth, (name, subtree)) in rules.iter().enumerate() {
            names.insert(name.parse().unwrap(), *subtree, nth);
        }
        names
    }

    fn lookup(names: &Names<usize>, name: &str) -> Vec<usize> {
        names.lookup(name.parse::<Domain>().unwrap().borrowed()).collect()
    }

    #[test]
    fn the_most_specific_leads() {
        let names = names(&[
            ("com", true),
            ("b.com", true),
            ("a.b.com", true),
            ("a.b.com", false),
            ("n#.b.com", true),
        ]);
        assert_eq!(lookup(&names, "a.b.com"), [3, 2, 1, 0]);
        assert_eq!(lookup(&names, "x.a.b.com"), [2, 1, 0]);
        assert_eq!(lookup(&names, "x.n12.b.com"), [4, 1, 0]);
        assert_eq!(lookup(&names, "n12.b.com"), [4, 1, 0]);
        assert!(lookup(&names, "b.org").is_empty());
    }

    #[test]
    fn digits_in_a_pattern_that_are_meant_literally_are_compared() {
        let names = names(&[("det-#-g7g.a", false)]);
        assert_eq!(lookup(&names, "det-14-g7g.a"), [0]);
        assert!(lookup(&names, "det-14-g8g.a").is_empty());
        assert!(lookup(&names, "det-#-g7g.a").is_empty());
    }

    #[test]
    fn the_first_word_about_a_name_stays() {
        let mut names = names(&[("a.b", true)]);
        assert_eq!(names.insert("a.b".parse().unwrap(), true, 9), Some(0));
        assert_eq!(names.insert("a.b".parse().unwrap(), false, 9), None);
        assert_eq!(lookup(&names, "a.b"), [9, 0]);
        assert_eq!(names.len(), 2);
    }

    #[test]
    fn labels_do_not_run_together() {
        let names = names(&[("a#.b", false)]);
        assert!(lookup(&names, "a.1b").is_empty());
        assert!(lookup(&names, "a1b").is_empty());
    }
}
