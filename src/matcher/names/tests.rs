//! What is found, and in which order.

use proptest::prelude::*;

use super::*;

fn names(rules: &[(&str, bool)]) -> Names<usize> {
    let mut names = Names::default();
    for (nth, (name, subtree)) in rules.iter().enumerate() {
        names.insert(name.parse().unwrap(), *subtree, nth);
    }
    names
}

fn lookup(names: &Names<usize>, name: &str) -> Vec<usize> {
    let name: Domain = name.parse().unwrap();
    let trail = Trail::of(name.borrowed());
    let found: Vec<_> = names.lookup_on(&trail).collect();
    assert_eq!(names.first(&trail), found.first().copied());
    found
}

#[test]
fn the_most_specific_leads() {
    let names =
        names(&[("com", true), ("b.com", true), ("a.b.com", true), ("a.b.com", false), ("n#.b.com", true)]);
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

#[test]
fn a_word_about_the_root_is_about_everything() {
    let names = names(&[(".", true), (".", false)]);
    assert_eq!(lookup(&names, "a.b"), [0]);
    assert_eq!(lookup(&names, "."), [1, 0]);
}

#[test]
fn a_label_of_35_octets_is_no_pattern() {
    // Its length octet is the one of `#`.
    let long = format!("{}.com", "a".repeat(35));
    let names = names(&[(&long, false)]);
    assert_eq!(lookup(&names, &long), [0]);
    assert_eq!(names.digit_depths, 0);
}

#[test]
fn names_that_meet_in_a_hash_are_told_apart() {
    let mut names = Names::default();
    for (nth, name) in ["a.b", "c.b", "d.b", "c.b"].iter().enumerate() {
        names.said(7, name.parse().unwrap()).exact = Some(nth);
    }
    names.depths = depth(2);
    let found = |name: &str| {
        let name: Domain = name.parse().unwrap();
        names.at(Step { hash: 7, wire: name.as_wire(), labels: 2, whole: true }, None).next()
    };
    assert_eq!([found("a.b"), found("c.b"), found("d.b"), found("e.b")], [Some(0), Some(3), Some(2), None]);
}

#[test]
fn a_name_of_the_most_labels_is_found_by_its_shape() {
    let most = ["1"; 40].join(".");
    let pattern = ["#"; 40].join(".");
    let names = names(&[(&pattern, false), (&pattern, true), ("1.1", true)]);
    assert_eq!(lookup(&names, &most), [0, 1, 2]);
}

/// The same, told plainly.
#[derive(Default)]
struct Model {
    exact: HashMap<Domain, usize>,
    subtree: HashMap<Domain, usize>,
    exact_digits: Vec<(Domain, usize)>,
    subtree_digits: Vec<(Domain, usize)>,
}

impl Model {
    fn insert(&mut self, name: Domain, subtree: bool, value: usize) -> Option<usize> {
        if name.to_string().contains('#') {
            let table = if subtree { &mut self.subtree_digits } else { &mut self.exact_digits };
            if let Some((_, there)) = table.iter().find(|(other, _)| *other == name) {
                return Some(*there);
            }
            table.push((name, value));
            return None;
        }
        let table = if subtree { &mut self.subtree } else { &mut self.exact };
        if let Some(there) = table.get(&name) {
            return Some(*there);
        }
        table.insert(name, value);
        None
    }

    fn lookup(&self, name: &Domain) -> Vec<usize> {
        let find = |table: &[(Domain, usize)], wire: &[u8]| {
            table.iter().find(|(own, _)| name_matches(own.as_wire(), wire)).map(|(_, value)| *value)
        };
        let mut found = Vec::new();
        found.extend(self.exact.get(name.as_wire()).copied());
        found.extend(find(&self.exact_digits, name.as_wire()));
        for suffix in name.suffixes() {
            found.extend(self.subtree.get(suffix).copied());
            found.extend(find(&self.subtree_digits, suffix));
        }
        found
    }
}

proptest! {
    #[test]
    fn everything_is_found_that_is_there(
        rules in proptest::collection::vec(("[ab1#-]{1,3}(\\.[ab1#]{1,2}){0,2}", any::<bool>()), 0..40),
        asked in proptest::collection::vec("[ab12#-]{1,4}(\\.[ab12]{1,6}){0,3}", 0..40),
    ) {
        let (mut names, mut model) = (Names::default(), Model::default());
        for (nth, (name, subtree)) in rules.iter().enumerate() {
            let name: Domain = name.parse().unwrap();
            prop_assert_eq!(
                names.insert(name.clone(), *subtree, nth),
                model.insert(name, *subtree, nth)
            );
        }
        let tables = [model.exact.len(), model.subtree.len(), model.exact_digits.len(), model.subtree_digits.len()];
        prop_assert_eq!(names.len(), tables.iter().sum::<usize>());
        for name in asked.iter().chain(rules.iter().map(|(name, _)| name)) {
            prop_assert_eq!(lookup(&names, name), model.lookup(&name.parse().unwrap()), "{}", name);
        }
    }
}
