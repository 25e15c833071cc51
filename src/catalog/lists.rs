//! [`Lists`]: other people's lists, which know names and neither families nor
//! purposes, all in one table; and [`ListRule`], a line of one.
//
//  Apart from `foreign`, where one list is read.

use std::fmt;
use std::sync::Arc;

use crate::base::Diagnostic;
use crate::base::Domain;
use crate::base::DomainRef;
use crate::base::Place;
use crate::matcher;
use crate::matcher::Hit;
use crate::matcher::ListSet;
use crate::matcher::Table;
use crate::matcher::Trail;

use super::family::FamilyId;
use super::foreign;
use super::foreign::About;
use super::foreign::ForeignError;
use super::foreign::ForeignList;

//----------- Lists ------------------------------------------------------------

/// The lists a household subscribes to.
#[derive(Debug, Default)]
pub struct Lists {
    /// What is known of each, by its position.
    all: Vec<ForeignList>,
    /// What they say.
    table: Table,
    /// Those that are for every device.
    common: ListSet,
    /// Those that concern a family, by its id.
    concerned: Vec<ListSet>,
}

impl Lists {
    /// Puts lists and their table together.
    pub fn new(mut all: Vec<ForeignList>, table: Table) -> Self {
        for (position, list) in all.iter_mut().enumerate() {
            list.rules = table.rules(position);
        }
        let families = all.iter().filter_map(|list| list.about.family);
        let most = families.map(|family| usize::from(family.0) + 1).max().unwrap_or_default();
        let of = |family: Option<FamilyId>| {
            let fits = |list: &ForeignList| list.about.family.is_none() || list.about.family == family;
            (0..).zip(&all).filter(|(_, list)| fits(list)).map(|(position, _)| position).collect()
        };
        let concerned = (0..most).map(|id| of(u16::try_from(id).ok().map(FamilyId))).collect();
        Self { common: of(None), concerned, all, table }
    }

    /// Reads lists whose text is at hand, and keeps their table in memory.
    pub fn of_texts(texts: &[(About, &str)]) -> Result<Self, Diagnostic> {
        let mut image = Vec::new();
        let mut lists = Vec::new();
        let about = matcher::About { lists: texts.len(), fingerprint: [0; 16], most: matcher::MOST_MENTIONS };
        let built = matcher::build(&mut image, &about, &mut |sink| {
            lists.clear();
            for (position, (about, text)) in (0..).zip(texts) {
                let facts = foreign::read(text.as_bytes(), about, position, sink)?;
                lists.push(ForeignList { about: about.clone(), facts, rules: 0 });
            }
            Ok::<_, ForeignError>(Vec::new())
        });
        let table = match built {
            Ok(_) => Table::open(Arc::new(image)).map_err(|error| error.to_string()),
            Err(matcher::BuildError::Feed(ForeignError::Refused(fault))) => return Err(fault),
            Err(error) => Err(error.to_string()),
        };
        table.map(|table| Self::new(lists, table)).map_err(|say| Diagnostic::of_file("lists", say))
    }

    /// Returns what is known of each list, by its position.
    pub fn all(&self) -> &[ForeignList] {
        &self.all
    }

    /// Returns which lists are for devices of a family.
    pub fn concerned(&self, family: Option<FamilyId>) -> ListSet {
        family.and_then(|id| self.concerned.get(usize::from(id.0))).copied().unwrap_or(self.common)
    }

    /// Returns the rule by which one of the lists in `wanted` blocks a name, if
    /// one does.  Each list speaks for itself: where its most specific rule
    /// lets the name pass, it does not block it.
    pub fn find(self: &Arc<Self>, trail: &Trail<'_>, wanted: ListSet) -> Option<ListRule> {
        let hit = self.table.find(trail, wanted)?;
        Some(ListRule { lists: Arc::clone(self), hit })
    }

    /// Returns the place of the rule by which any of the lists in `wanted`
    /// blocks a name.
    pub fn blocks<'n>(&self, name: impl Into<DomainRef<'n>>, wanted: ListSet) -> Option<Place> {
        self.table.find(&Trail::of(name.into()), wanted).map(|hit| self.place(hit))
    }

    /// Returns all lists in `wanted` that block a name, by position, and the
    /// place of the rule by which each does.
    pub fn all_that_block(&self, name: &Domain, wanted: ListSet) -> Vec<(usize, Place)> {
        let trail = Trail::of(name.borrowed());
        let (mut wanted, mut found) = (wanted, Vec::new());
        while let Some(hit) = self.table.find(&trail, wanted) {
            let list = usize::from(hit.list);
            wanted = wanted.without([list].into_iter().collect());
            found.push((list, self.place(hit)));
        }
        found
    }

    /// Returns where a rule is written.
    fn place(&self, hit: Hit) -> Place {
        let list = self.all.get(usize::from(hit.list));
        let file = list.map(|list| Arc::clone(&list.about.file)).unwrap_or_default();
        Place::new(file, self.table.line(hit).unwrap_or_default())
    }
}

//----------- ListRule ---------------------------------------------------------

/// A rule of a list, which knows where it is written.
//
//  The line is looked up when somebody wants to know it: it lies in a part of
//  the table that nobody else reads, and so need not be in memory.
#[derive(Clone)]
pub struct ListRule {
    /// The lists.
    lists: Arc<Lists>,
    /// Where in their table it is.
    hit: Hit,
}

impl ListRule {
    /// Returns the name of its list.
    pub fn list(&self) -> &str {
        self.lists.all.get(usize::from(self.hit.list)).map_or("", |list| &list.about.name)
    }

    /// Returns where it is written.
    pub fn place(&self) -> Place {
        self.lists.place(self.hit)
    }
}

impl fmt::Display for ListRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} list {}", self.place(), self.list())
    }
}

impl fmt::Debug for ListRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ListRule({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::Purpose;
    use crate::catalog::foreign::Format;
    use proptest::prelude::*;

    fn about(file: &str, format: Option<Format>, family: Option<u16>) -> About {
        About {
            name: Arc::from("test"),
            file: Arc::from(file),
            format,
            family: family.map(FamilyId),
            purpose: Purpose::Unknown,
        }
    }

    fn list(text: &str, format: Option<Format>) -> Result<Lists, Diagnostic> {
        Lists::of_texts(&[(about("test.txt", format, None), text)])
    }

    fn blocks(lists: &Lists, name: &str) -> Option<u32> {
        let name: Domain = name.parse().unwrap();
        lists.blocks(&name, lists.concerned(None)).map(|place| place.line)
    }

    #[test]
    fn a_more_specific_line_lets_a_name_pass() {
        let list =
            list("! x\n||example.com^\n@@||good.example.com^\n||bad.good.example.com^\n", None).unwrap();
        assert_eq!(blocks(&list, "a.example.com"), Some(2));
        assert_eq!(blocks(&list, "x.good.example.com"), None);
        assert_eq!(blocks(&list, "bad.good.example.com"), Some(4));
        assert_eq!(list.all()[0].rules, 3);
    }

    #[test]
    fn of_two_words_about_a_name_the_one_for_passing_counts() {
        for text in ["||a.example^\n@@||a.example^\n", "@@||a.example^\n||a.example^\n"] {
            let list = list(text, None).unwrap();
            assert_eq!((blocks(&list, "a.example"), list.all()[0].rules), (None, 1), "{text}");
        }
    }

    #[test]
    fn what_is_not_understood_is_counted_and_shown() {
        let text = "0.0.0.0 a.example\nwhat is this\r\n0.0.0.0 b.example\n# K\u{f6}ln\n";
        let list = list(text, None).unwrap();
        let facts = &list.all()[0].facts;
        assert_eq!((facts.understood, facts.not_understood), (2, 1));
        assert_eq!(facts.shown, [(2, "what is this".to_owned())]);
    }

    #[test]
    fn something_else_is_refused() {
        let fault = list("<html>\n<body>\nNot found\n", None).unwrap_err().to_string();
        assert!(
            fault.contains("3 lines are not understood and 0 are; line 1: <html>; this is a web page"),
            "{fault}"
        );
    }

    #[test]
    fn lines_are_told_apart_however_long_they_are() {
        let long = format!("\u{feff}0.0.0.0 a.example\n0.0.0.0 {}\n0.0.0.0 b.example", "x".repeat(200_000));
        let list = list(&long, None).unwrap();
        assert_eq!((blocks(&list, "a.example"), blocks(&list, "b.example")), (Some(1), Some(3)));
        assert_eq!(list.all()[0].facts.not_understood, 1);
    }

    #[test]
    fn a_list_for_a_family_is_for_no_other() {
        let texts = [
            (about("all.txt", None, None), "a.example\n"),
            (about("one.txt", None, Some(1)), "# one\nb.example\n"),
        ];
        let lists = Arc::new(Lists::of_texts(&texts).unwrap());
        let rule = |family: Option<u16>, name: &str| {
            let name: Domain = name.parse().unwrap();
            let wanted = lists.concerned(family.map(FamilyId));
            lists.find(&Trail::of(name.borrowed()), wanted).map(|rule| rule.place().to_string())
        };
        assert_eq!(rule(Some(1), "b.example").as_deref(), Some("one.txt:2"));
        assert_eq!(rule(Some(1), "a.example").as_deref(), Some("all.txt:1"));
        for other in [None, Some(0), Some(2)] {
            assert_eq!(rule(other, "b.example"), None);
            assert_eq!(rule(other, "a.example").as_deref(), Some("all.txt:1"));
        }
    }

    #[test]
    fn every_list_that_blocks_a_name_is_found() {
        let texts = [
            (about("one.txt", None, None), "a.b.example\n"),
            (about("two.txt", None, None), "@@||a.b.example^\n||c.example^\n"),
            (about("three.txt", None, None), "||b.example^\n"),
        ];
        let lists = Lists::of_texts(&texts).unwrap();
        let name: Domain = "a.b.example".parse().unwrap();
        let mut found = lists.all_that_block(&name, lists.concerned(None));
        found.sort();
        let found: Vec<_> = found.into_iter().map(|(list, place)| format!("{list} {place}")).collect();
        assert_eq!(found, ["0 one.txt:1", "2 three.txt:1"]);
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "([|@*a-z.^/=:\"# \n]{0,30}\n){0,20}", at in 0..7usize) {
            let _ = list(&text, Some(Format::ALL[at]));
            let _ = list(&text, None);
        }
    }
}
