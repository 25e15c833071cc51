//! What is found in a table, and which octets are no table.

use std::collections::BTreeMap;
use std::convert::Infallible;

use proptest::prelude::*;

use super::*;
use crate::base::Domain;
use crate::matcher::About;
use crate::matcher::BuildError;
use crate::matcher::Built;
use crate::matcher::Sink;
use crate::matcher::Word;
use crate::matcher::build;
use crate::matcher::build::build_as;
use crate::matcher::hash_of;
use crate::matcher::key_of;
use crate::matcher::layout::HEADER;
use crate::matcher::plan::Plan;
use crate::matcher::verify;

/// A mention: name, list, subtree, pass, line.
type Said = (String, u8, bool, bool, u32);

fn wire(name: &str) -> Vec<u8> {
    name.parse::<Domain>().unwrap().as_wire().to_vec()
}

fn feed(said: &[Said], sink: &mut Sink) -> Vec<u8> {
    for (name, list, subtree, pass, line) in said {
        sink.add(&wire(name), Word { list: *list, subtree: *subtree, pass: *pass }, *line);
    }
    b"facts".to_vec()
}

fn about(most: usize) -> About {
    About { lists: MOST, fingerprint: [7; 16], most }
}

/// How many lists there are in these tests.
const MOST: usize = 100;

fn image(said: &[Said], most: usize) -> (Vec<u8>, Built) {
    let mut image = Vec::new();
    let built = build(&mut image, &about(most), &mut |sink| Ok::<_, Infallible>(feed(said, sink))).unwrap();
    assert_eq!(image.len() as u64, built.octets);
    (image, built)
}

fn open(image: Vec<u8>) -> Table {
    assert_eq!(verify(&mut image.as_slice()).unwrap(), (Key::ours(), [7; 16]));
    Table::open(Arc::new(image)).unwrap()
}

/// Returns the list that blocks a name, and the line.
fn find(table: &Table, name: &str, wanted: &[usize]) -> Option<(u8, Option<u32>)> {
    let name: Domain = name.parse().unwrap();
    let hit = table.find(&Trail::of(name.borrowed()), wanted.iter().copied().collect())?;
    Some((hit.list, table.line(hit)))
}

fn said(all: &[(&str, u8, bool, bool, u32)]) -> Vec<Said> {
    all.iter()
        .map(|&(name, list, subtree, pass, line)| (name.to_owned(), list, subtree, pass, line))
        .collect()
}

#[test]
fn each_list_speaks_for_itself() {
    let said = said(&[
        ("example.com", 0, true, false, 1),
        ("good.example.com", 0, true, true, 2),
        ("bad.good.example.com", 0, true, false, 3),
        ("good.example.com", 3, true, false, 4),
        ("one.example.com", 0, false, true, 5),
        (".", 0, true, false, 6),
    ]);
    let (image, built) = image(&said, 100);
    assert_eq!((built.names, built.rounds, &built.rules[..4]), (4, 1, &[4, 0, 0, 1][..]));
    let table = open(image);
    assert_eq!((table.len(), table.rules(0), table.rules(3), table.rules(500)), (4, 4, 1, 0));
    assert_eq!((table.facts(), table.fingerprint()), (&b"facts"[..], [7; 16]));
    assert_eq!(find(&table, "x.example.com", &[0, 3]), Some((0, Some(1))));
    assert_eq!(find(&table, "x.good.example.com", &[0]), None);
    assert_eq!(find(&table, "x.good.example.com", &[0, 3]), Some((3, Some(4))));
    assert_eq!(find(&table, "x.bad.good.example.com", &[0, 3]), Some((0, Some(3))));
    assert_eq!(find(&table, "one.example.com", &[0]), None);
    assert_eq!(find(&table, "x.one.example.com", &[0]), Some((0, Some(1))));
    assert_eq!(find(&table, "example.com", &[3]), None);
    assert_eq!(find(&table, "example.com", &[]), None);
    assert_eq!(find(&table, "example.org", &[0, 3]), None);
    assert_eq!(find(&table, ".", &[0, 3]), None);
    assert_eq!(find(&Table::empty(), "example.com", &[0, 3]), None);
}

#[test]
fn of_the_same_word_twice_passing_counts_and_then_the_first_line() {
    let said = said(&[
        ("a.b", 1, true, false, 2),
        ("a.b", 1, true, true, 9),
        ("c.b", 1, false, false, 8),
        ("c.b", 1, false, false, 7),
    ]);
    let table = open(image(&said, 100).0);
    assert_eq!(find(&table, "a.b", &[1]), None);
    assert_eq!(find(&table, "c.b", &[1]), Some((1, Some(7))));
}

/// The same, told plainly: for each list and name its word and line.
#[derive(Default)]
struct Model(BTreeMap<(u8, String, bool), (bool, u32)>);

impl Model {
    fn of(said: &[Said]) -> Self {
        let mut model = Self::default();
        for (name, list, subtree, pass, line) in said {
            let new = (!pass, *line);
            let there = model.0.entry((*list, name.clone(), *subtree)).or_insert(new);
            *there = new.min(*there);
        }
        model
    }

    fn find(&self, name: &str, wanted: &[usize]) -> Option<(u8, Option<u32>)> {
        let labels: Vec<_> = name.split('.').collect();
        let mut best = None;
        for &list in wanted {
            let list = u8::try_from(list).unwrap();
            let word = (0..labels.len()).find_map(|level| {
                let suffix = labels[level..].join(".");
                let exact = self.0.get(&(list, suffix.clone(), false)).filter(|_| level == 0);
                Some((level, *exact.or_else(|| self.0.get(&(list, suffix, true)))?))
            });
            if let Some((level, (true, line))) = word {
                best = [best, Some((level, list, line))].into_iter().flatten().min();
            }
        }
        best.map(|(_, list, line)| (list, Some(line)))
    }
}

/// Mentions of few names, by few lists.
fn mentions() -> impl Strategy<Value = Vec<Said>> {
    let list = prop_oneof![0..4u8, Just(99)];
    let one = ("[ab]{1,2}(\\.[ab]){0,3}", list, any::<bool>(), any::<bool>(), 1..2000u32);
    proptest::collection::vec(one, 0..60)
}

proptest! {
    #[test]
    fn what_is_found_is_what_was_said(
        said in mentions(),
        asked in proptest::collection::vec("[ab]{1,2}(\\.[ab]){0,4}", 0..30),
        wanted in proptest::sample::subsequence(vec![0, 1, 2, 3, 99], 0..5),
        most in 1..50usize,
    ) {
        let (first, built) = image(&said, 1000);
        let (again, in_ranges) = image(&said, most);
        prop_assert!(first == again, "in {} rounds", in_ranges.rounds);
        prop_assert_eq!(built.rounds, 1);
        let model = Model::of(&said);
        let table = open(first);
        for list in 0..100 {
            let rules = model.0.keys().filter(|(of, _, _)| *of == list).count() as u64;
            prop_assert_eq!(table.rules(usize::from(list)), rules);
            prop_assert_eq!(built.rules[usize::from(list)], rules);
        }
        for name in asked.iter().chain(said.iter().map(|said| &said.0)) {
            prop_assert_eq!(find(&table, name, &wanted), model.find(name, &wanted), "{}", name);
        }
    }

    #[test]
    fn any_octets_are_refused(octets in proptest::collection::vec(any::<u8>(), 0..2000)) {
        prop_assert!(Table::open(Arc::new(octets.clone())).is_err());
        prop_assert!(verify(&mut octets.as_slice()).is_err());
        key_of(&mut octets.as_slice());
    }

    #[test]
    fn a_damaged_table_is_refused_or_answers_something(
        places in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..40),
    ) {
        let mut image = image(&crowd(60), 100).0;
        for (place, octet) in places {
            // The header has a CRC; what is behind it is not looked at.
            let at = HEADER + place.index(image.len() - HEADER);
            image[at] = octet;
        }
        if let Ok(table) = Table::open(Arc::new(image)) {
            for (name, ..) in crowd(60) {
                find(&table, &name, &[0, 1]);
            }
        }
    }

    #[test]
    fn a_header_that_lies_is_refused_or_answers_something(
        at in 48..HEADER - 4, octet in any::<u8>(), other in 48..HEADER - 4,
    ) {
        let mut image = image(&crowd(60), 100).0;
        image[at] = octet;
        image[other] = octet;
        sign(&mut image);
        if let Ok(table) = Table::open(Arc::new(image)) {
            for (name, ..) in crowd(60) {
                find(&table, &name, &[0, 1]);
            }
        }
    }
}

/// Makes a changed header look as if it had been written so.
fn sign(image: &mut [u8]) {
    let crc = crc(&image[..HEADER - 4]);
    image[HEADER - 4..HEADER].copy_from_slice(&crc.to_le_bytes());
}

/// Many names; two lists have each third one.
fn crowd(names: u32) -> Vec<Said> {
    let one = |nth: u32| {
        let name = format!("ads{nth}.example{}.com", nth % 7);
        let first = (name.clone(), 0, nth.is_multiple_of(2), false, nth + 1);
        [Some(first), nth.is_multiple_of(3).then(|| (name, 1, true, false, nth + 5))]
    };
    (0..names).flat_map(one).flatten().collect()
}

#[test]
fn names_that_find_their_bucket_full_are_found_in_another() {
    let said = crowd(5000);
    for plan in [
        (|names| Plan { homes: 1, spare: names / 8 + 1 }) as fn(u64) -> Plan,
        |names| Plan { homes: 3, spare: names / 8 + 1 },
        |names| Plan { homes: names / 8 + 1, spare: 40 },
    ] {
        let mut image = Vec::new();
        let mut feed = |sink: &mut Sink| Ok::<_, Infallible>(feed(&said, sink));
        build_as(&mut image, &about(100_000), &mut feed, Key::ours(), plan).unwrap();
        let table = open(image);
        for (name, list, _, _, line) in &said {
            assert_eq!(find(&table, name, &[usize::from(*list)]), Some((*list, Some(*line))), "{name}");
            assert_eq!(find(&table, &format!("x{name}"), &[0, 1]), None);
        }
    }
    let mut feed = |sink: &mut Sink| Ok::<_, Infallible>(feed(&said, sink));
    let plan = |names| Plan { homes: 1, spare: names / 8 - 1 };
    let crowded = build_as(&mut Vec::new(), &about(100_000), &mut feed, Key::ours(), plan);
    assert!(matches!(crowded, Err(BuildError::Crowded)), "{crowded:?}");
}

#[test]
fn all_of_many_names_are_found_and_none_that_are_near() {
    let wire = |nth: u32| {
        let mut wire = [0; 16];
        let text = format!("\x08n{nth:07}\x05e{:04}", nth % 10_000);
        wire[..text.len()].copy_from_slice(text.as_bytes());
        wire
    };
    let mut image = Vec::new();
    let mut feed = |sink: &mut Sink| {
        for nth in 0..300_000 {
            sink.add(&wire(nth), Word { list: 2, subtree: true, pass: false }, nth + 1);
        }
        Ok::<_, Infallible>(b"facts".to_vec())
    };
    let built = build(&mut image, &about(70_000), &mut feed).unwrap();
    assert_eq!((built.names, built.rules[2]), (300_000, 300_000));
    assert!((8..14).contains(&built.rounds), "{}", built.rounds);
    assert!(image.len() < 300_000 * 14, "{}", image.len());
    let table = open(image);
    let wanted = [2].into_iter().collect();
    for nth in 0..600_000 {
        let name = Domain::from_wire(&wire(nth)).unwrap();
        let hit = table.find(&Trail::of(name.borrowed()), wanted);
        assert_eq!(hit.and_then(|hit| table.line(hit)), (nth < 300_000).then_some(nth + 1), "{name}");
    }
}

#[test]
fn whoever_is_said_again_and_again_takes_no_room() {
    let said: Vec<_> = (0..1000).map(|nth| ("a.b".to_owned(), 0, false, false, 1000 - nth)).collect();
    let (image, built) = image(&said, 10);
    assert_eq!((built.names, built.rounds), (1, 1));
    assert_eq!(find(&open(image), "a.b", &[0]), Some((0, Some(1))));
}

#[test]
fn every_cut_and_every_flipped_bit_is_seen() {
    let (image, _) = image(&crowd(20), 100);
    for len in 0..image.len() {
        assert!(verify(&mut &image[..len]).is_err(), "{len}");
        assert!(Table::open(Arc::new(image[..len].to_vec())).is_err(), "{len}");
    }
    let mut flipped = image.clone();
    for bit in 0..image.len() * 8 {
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert!(verify(&mut flipped.as_slice()).is_err(), "{bit}");
        flipped[bit / 8] ^= 1 << (bit % 8);
    }
    let longer = [&image[..], &[0]].concat();
    assert!(matches!(verify(&mut longer.as_slice()), Err(TableError::Long)));
    assert!(matches!(Table::open(Arc::new(longer)), Err(TableError::Long)));
}

#[test]
fn a_table_with_another_key_hash_or_version_is_refused_and_says_so() {
    let other = Key::from_bytes([9; 16]);
    let mut written = Vec::new();
    let mut feed = |sink: &mut Sink| Ok::<_, Infallible>(feed(&crowd(9), sink));
    build_as(&mut written, &about(100), &mut feed, other, |_| Plan { homes: 2, spare: 2 }).unwrap();
    assert_eq!(key_of(&mut written.as_slice()), Some(other));
    assert_eq!(verify(&mut written.as_slice()).unwrap().0, other);
    let why = |image: &[u8]| Table::open(Arc::new(image.to_vec())).unwrap_err().to_string();
    assert_eq!(why(&written), "the table was written with another key than the one in use");
    let mut image = image(&crowd(9), 100).0;
    image[32] ^= 1;
    sign(&mut image);
    assert_eq!(why(&image), "the table was written by a program that hashes names differently");
    image[8] = 9;
    assert_eq!(why(&image), "the table is of version 9, and this program knows version 1");
    assert_eq!(why(b"sordino-list 1"), "this is no table of names");
    assert_eq!(why(&image[..100]), "the table is cut off");
    assert_eq!(key_of(&mut &b"sordtab\n"[..]), None);
}

#[test]
fn what_is_too_much_is_an_error() {
    let fail = |lists: usize, word: Word, line: u32| {
        let about = About { lists, ..about(10) };
        let name = wire("a.b");
        let mut feed = |sink: &mut Sink| {
            sink.add(&name, word, line);
            Ok::<_, Infallible>(Vec::new())
        };
        build(&mut Vec::new(), &about, &mut feed).unwrap_err().to_string()
    };
    let word = Word { list: 3, subtree: false, pass: false };
    assert_eq!(fail(129, word, 1), "129 lists, and there can be 128");
    assert_eq!(fail(3, word, 1), "a name of list 3, which there is none");
    assert_eq!(fail(4, word, 1 << 24), "a name at line 16777216, and lists can have 16777215 lines");
    let full =
        build_as(&mut Vec::new(), &about(10), &mut |_| Ok::<_, Infallible>(Vec::new()), Key::ours(), |_| {
            Plan { homes: 1 << 28, spare: 1 }
        });
    assert!(matches!(full, Err(BuildError::Names)));
    let failed = build(&mut Vec::new(), &about(10), &mut |_| Err("no list")).unwrap_err();
    assert_eq!(failed.to_string(), "no list");
}

#[test]
fn a_feed_that_changes_is_noticed() {
    let mut round = 0;
    let mut feed = |sink: &mut Sink| {
        round += 1;
        for (name, list, subtree, pass, line) in crowd(100 + round) {
            sink.add(&wire(&name), Word { list, subtree, pass }, line);
        }
        Ok::<_, Infallible>(Vec::new())
    };
    // Counts may agree by chance, and so there is no chance here.
    let key = Key::from_bytes([7; 16]);
    let changed = build_as(&mut Vec::new(), &about(30), &mut feed, key, |names| Plan {
        homes: names / 8 + 1,
        spare: 40,
    });
    assert!(matches!(changed, Err(BuildError::Changed | BuildError::Crowded)), "{changed:?}");
}

#[test]
fn a_hit_is_small() {
    assert_eq!(size_of::<Option<Hit>>(), 12);
    assert_eq!(hash_of(Key::ours(), &[]), hash_of(Key::ours(), &[0]));
}
