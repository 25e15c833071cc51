//! Files to a [`Catalog`], with functions defended.
//!
//! A rule that would take a name away from a function is an error here, when
//! the catalog is built, and not a surprise in somebody's kitchen.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use crate::base::Diagnostic;
use crate::base::Place;
use crate::base::diagnostic::there_are;
use crate::matcher::Names;

use super::Catalog;
use super::family::Family;
use super::family::FamilyFile;
use super::family::FamilyId;
use super::rule::Rule;
use super::sign::SignKind;

/// Most families.
const MAX_FAMILIES: usize = 1000;

impl Catalog {
    /// Builds a catalog of files.
    ///
    /// Several files may be about one family: a household adds to what came
    /// with Sordino.  What the first of them says goes before the others.
    pub fn build(files: &[FamilyFile]) -> Result<Self, Vec<Diagnostic>> {
        let mut faults = Vec::new();
        let mut catalog = Self::default();
        let (order, by_name) = index(files);
        for (at, name) in order.iter().enumerate().take(MAX_FAMILIES) {
            let family = family(files, name, &by_name, &mut faults);
            defend(&family, &mut faults);
            catalog.add_telling(&family);
            catalog.families.push(family);
            let id = FamilyId(u16::try_from(at).unwrap_or(u16::MAX));
            for file in by_name.get(name).into_iter().flatten() {
                catalog.add_prefixes(file, id, &mut faults);
            }
        }
        if order.len() > MAX_FAMILIES {
            faults.push(Diagnostic::of_file("blocklists", format!("more than {MAX_FAMILIES} families")));
        }
        if faults.is_empty() { Ok(catalog) } else { Err(faults) }
    }

    /// Takes in the names that are signs of a family.
    fn add_telling(&mut self, family: &Family) {
        // Those that speak against a family first: the first word stays.
        for against in [true, false] {
            for sign in family.signs().iter().filter(|sign| sign.against == against) {
                let SignKind::Asks(patterns) = &sign.kind else { continue };
                for pattern in patterns {
                    for name in pattern.names() {
                        self.telling.insert(name.clone(), pattern.is_subtree(), against);
                    }
                }
            }
        }
    }

    /// Takes in the MAC prefixes that are signs of a family.
    fn add_prefixes(&mut self, file: &FamilyFile, id: FamilyId, faults: &mut Vec<Diagnostic>) {
        for (sign, prefix) in
            file.signs.iter().filter_map(|sign| sign.kind.prefix().map(|prefix| (sign, prefix)))
        {
            match self.prefixes.entry(prefix) {
                Entry::Vacant(free) => {
                    free.insert((id, Arc::clone(sign)));
                }
                Entry::Occupied(there)
                    if there.get().0 == id && !Arc::ptr_eq(&there.get().1.place.file, &sign.place.file) => {}
                Entry::Occupied(there) => {
                    let first = &there.get().1.place;
                    faults.push(at(&sign.place, format!("{prefix} is a sign already, in {first}")));
                }
            }
        }
    }
}

/// Complains about a line.
fn at(place: &Place, say: String) -> Diagnostic {
    Diagnostic { line: place.line, ..Diagnostic::of_file(Arc::clone(&place.file), say) }
}

/// The files of each family, by its name.
type ByName<'a> = HashMap<&'a str, Vec<&'a FamilyFile>>;

/// Finds files by the names of their families; and the names, in order.
fn index(files: &[FamilyFile]) -> (Vec<&str>, ByName<'_>) {
    let (mut order, mut by_name) = (Vec::new(), ByName::new());
    for file in files {
        let same = by_name.entry(&*file.name).or_default();
        if same.is_empty() {
            order.push(&*file.name);
        }
        same.push(file);
    }
    (order, by_name)
}

/// Compiles one family: its own files, and then those it includes.
fn family(files: &[FamilyFile], own: &str, by_name: &ByName<'_>, faults: &mut Vec<Diagnostic>) -> Family {
    let (mut rules, mut names) = (Vec::new(), Names::default());
    // Families to take in; each once, so that circles come to an end.
    let mut order = vec![own];
    let mut next = 0;
    while let Some(name) = order.get(next).copied() {
        for file in by_name.get(name).into_iter().flatten() {
            for (include, place) in &file.includes {
                match files.iter().find(|file| file.name == *include) {
                    Some(found) if !order.contains(&&*found.name) => order.push(&found.name),
                    // Said once, by the file's own family.
                    None if next == 0 => {
                        let known = there_are(by_name.keys().copied());
                        faults.push(at(place, format!("no family is named `{include}`{known}")));
                    }
                    Some(_) | None => {}
                }
            }
            for rule in &file.rules {
                add(rule, next == 0, &mut rules, &mut names, faults);
            }
        }
        next += 1;
    }
    let of_own = by_name.get(own).into_iter().flatten();
    let has_devices = of_own.clone().any(|file| file.identifies);
    let signs = of_own.clone().flat_map(|file| &file.signs).filter(|sign| sign.kind.prefix().is_none());
    let signs = signs.cloned().collect();
    let name = of_own.map(|file| Arc::clone(&file.name)).next().unwrap_or_default();
    Family { name, has_devices, rules, names, signs }
}

/// Adds a rule; the first word about a name stays, and the family's own come
/// first.
fn add(
    rule: &Arc<Rule>,
    own: bool,
    rules: &mut Vec<Arc<Rule>>,
    names: &mut Names<u32>,
    faults: &mut Vec<Diagnostic>,
) {
    let nth = u32::try_from(rules.len()).unwrap_or(u32::MAX);
    for name in rule.pattern.names() {
        let there = names.insert(name.clone(), rule.pattern.is_subtree(), nth);
        let Some(first) = there.and_then(|there| rules.get(there as usize)) else {
            continue;
        };
        // A household may have a changed copy of a whole list, so it is not by
        // their names that files are told apart.
        if own && Arc::ptr_eq(&first.place.file, &rule.place.file) {
            let say = format!("`{}` is said already, in {}: {}", rule.pattern, first.place, first.purpose);
            faults.push(at(&rule.place, say));
            break;
        }
    }
    rules.push(Arc::clone(rule));
}

/// Makes sure that no rule takes a name away from a function that names it.
fn defend(family: &Family, faults: &mut Vec<Diagnostic>) {
    for rule in family.rules().iter().filter(|rule| rule.purpose.function().is_some()) {
        for example in rule.pattern.examples() {
            let Some(winner) = family.rule(&example) else { continue };
            if winner.purpose.function().is_none() {
                let say = format!(
                    "`{}` ({}) would take `{example}` from function {} ({})",
                    winner.pattern, winner.purpose, rule.purpose, rule.place
                );
                faults.push(at(&winner.place, say));
                break;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::parse::parse;

    fn build(files: &[(&str, &str)]) -> Result<Catalog, Vec<String>> {
        let files: Vec<_> = files.iter().map(|(name, text)| parse(name, text).unwrap()).collect();
        Catalog::build(&files).map_err(|faults| faults.iter().map(ToString::to_string).collect())
    }

    fn purpose(catalog: &Catalog, family: &str, name: &str) -> Option<String> {
        let rule = catalog.rule(catalog.family_named(family), &name.parse().unwrap())?;
        Some(format!("{} {}", rule.place, rule.purpose))
    }

    #[test]
    fn the_most_specific_rule_wins() {
        let text =
            "family f\n[function voice]\n*.a2z.com\n[analytics]\n*.minerva.devices.a2z.com\nx#.a2z.com\n";
        let catalog = build(&[("f", text)]).unwrap();
        assert_eq!(purpose(&catalog, "f", "a.a2z.com").unwrap(), "f:3 voice");
        assert_eq!(purpose(&catalog, "f", "y.minerva.devices.a2z.com").unwrap(), "f:5 analytics");
        assert_eq!(purpose(&catalog, "f", "x12.a2z.com").unwrap(), "f:6 analytics");
        assert_eq!(purpose(&catalog, "f", "b.com"), None);
    }

    #[test]
    fn a_familys_own_word_goes_before_an_included_one() {
        let own = ("a", "family a\ninclude b\n[function media]\nx.com\n");
        let other = ("b", "family b\n[advertising]\nx.com\n*.y.com\n");
        let catalog = build(&[own, other]).unwrap();
        assert_eq!(purpose(&catalog, "a", "x.com").unwrap(), "a:4 media");
        assert_eq!(purpose(&catalog, "a", "z.y.com").unwrap(), "b:4 advertising");
        assert!(!catalog.families()[0].has_devices());
    }

    #[test]
    fn what_a_household_adds_goes_before_what_came_along() {
        let own = ("local.txt", "family f\n[advertising]\nb.x.com\n*.x.com\n");
        let came = ("f.txt", "family f\n[identify]\n[function voice]\na.x.com\n[analytics]\n*.x.com\n");
        let catalog = build(&[own, came]).unwrap();
        assert_eq!(purpose(&catalog, "f", "c.x.com").unwrap(), "local.txt:4 advertising");
        assert_eq!(purpose(&catalog, "f", "a.x.com").unwrap(), "f.txt:4 voice");
        assert_eq!(catalog.families().len(), 1);
        assert!(catalog.families()[0].has_devices());
        let changed = ("f.txt", "family f\n[identify]\n[function media]\na.x.com\n");
        let catalog = build(&[changed, came]).unwrap();
        assert_eq!(purpose(&catalog, "f", "a.x.com").unwrap(), "f.txt:4 media");
        let faults = build(&[("local.txt", "family f\n[advertising]\na.x.com\n"), came]).unwrap_err();
        assert!(faults[0].starts_with("local.txt:3: `a.x.com` (advertising) would take"), "{faults:?}");
    }

    #[test]
    fn files_that_include_each_other_come_to_an_end() {
        let own = ("a", "family a\ninclude b\n[function media]\nx.com\n");
        let other = ("b", "family b\ninclude a\n[advertising]\ny.com\n");
        let catalog = build(&[own, other]).unwrap();
        assert_eq!(purpose(&catalog, "b", "x.com").unwrap(), "a:4 media");
    }

    #[test]
    fn a_rule_that_takes_a_name_from_a_function_is_an_error() {
        let text = "family f\n[function voice]\nvoice-#-{eu,us}.com\n[analytics]\nvoice-1-eu.com\n";
        let faults = build(&[("f.txt", text)]).unwrap_err();
        assert_eq!(
            faults,
            [
                "f.txt:5: `voice-1-eu.com` (analytics) would take `voice-1-eu.com` from function voice (f.txt:3)"
            ]
        );
    }

    #[test]
    fn what_does_not_go_together_is_an_error() {
        for (files, say) in [
            (
                vec![("f", "family f\n[analytics]\na.b\na.b\n")],
                "f:4: `a.b` is said already, in f:3: analytics",
            ),
            (vec![("f", "family f\ninclude g\n")], "f:2: no family is named `g`; there are: f"),
            (
                vec![
                    ("f", "family f\n[identify]\nmac 00:00:01\n"),
                    ("g", "family g\n[identify]\nmaker 00:00:01\n"),
                ],
                "g:3: 00:00:01 is a sign already, in f:3",
            ),
        ] {
            assert_eq!(build(&files).unwrap_err(), [say]);
        }
    }
}
