//! From a name to what somebody said about it.

use std::collections::HashMap;
use std::convert::Infallible;
use std::hint::black_box;
use std::sync::Arc;
use std::sync::LazyLock;
use std::sync::Mutex;

use sordino::base::Domain;
use sordino::matcher::About;
use sordino::matcher::ListSet;
use sordino::matcher::MOST_MENTIONS;
use sordino::matcher::Names;
use sordino::matcher::Table;
use sordino::matcher::Trail;
use sordino::matcher::Word;
use sordino::matcher::build;

use super::case::Case;

/// How many trails are followed in turn: they and what they lead to stay in the
/// processor's cache.
const TRAILS: usize = 256;

/// How many names are hashed and looked for in turn: in a large table they lead
/// all over the memory.
const FAR: usize = 1 << 16;

/// The names of a table of which instructions are counted.  They are the same
/// in a larger one, which only misses the processor's caches more often.
pub(crate) const SMALL: usize = 10_000;

/// How many lists a table is made of.
pub(crate) const LISTS: [u8; 2] = [1, 50];

/// All cases, with tables of so many names.
pub(crate) fn cases(sizes: &[usize]) -> Vec<Case> {
    let mut cases = vec![
        Case::new("trail of 3 labels", || trail("www.example.com")),
        Case::new("trail of 6 labels", || trail("d1a2b3c4e5.r7.eu-central-1.cloud-front.example.com")),
        Case::new("names, hit", || first("x.rule-77.example.com", true)),
        Case::new("names, hit with digits", || first("device-7.metrics-3.example.com", true)),
        Case::new("names, miss", || first("www.example.org", false)),
    ];
    for &size in sizes {
        for lists in LISTS {
            let name = |what: &str| format!("table, {what}, {size} names, lists: {lists}");
            cases.push(Case::new(name("hit"), move || find(size, lists, true)));
            cases.push(Case::new(name("miss"), move || find(size, lists, false)));
            cases.push(Case::new(name("hash and hit all over"), move || find_far(size, lists)));
        }
    }
    cases
}

/// Makes what hashes a name.
fn trail(name: &str) -> impl FnMut() + 'static {
    let name: Domain = name.parse().unwrap();
    move || {
        // The hashes are made when the first one is asked for.
        black_box(Trail::of(black_box(&name).borrowed()).steps().next());
    }
}

/// Makes what asks our own rules for a name.
fn first(name: &'static str, there: bool) -> impl FnMut() + 'static {
    let mut names = Names::default();
    for nth in 0..2_000u32 {
        names.insert(format!("rule-{nth}.example.com").parse().unwrap(), true, nth);
    }
    for nth in 0..20 {
        names.insert(format!("device-#.metrics-{nth}.example.com").parse().unwrap(), false, nth);
    }
    let trail = trails([name.to_owned()].into_iter()).remove(0);
    assert_eq!(names.first(&trail).is_some(), there);
    move || {
        black_box(names.first(black_box(&trail)));
    }
}

/// Makes what follows one trail after the other.
fn find(size: usize, lists: u8, there: bool) -> impl FnMut() + 'static {
    let (table, wanted) = (table(size, lists), wanted(lists));
    let name = |nth| if there { format!("x.{}", said(nth)) } else { format!("x.un{}", said(nth)) };
    let trails = trails((0..TRAILS).map(|nth| name(nth * (size / TRAILS))));
    assert!(trails.iter().all(|trail| table.find(trail, wanted).is_some() == there));
    let mut next = 0;
    move || {
        black_box(table.find(black_box(&trails[next]), wanted));
        next = (next + 1) % TRAILS;
    }
}

/// Makes what hashes one name after the other and looks for it.
fn find_far(size: usize, lists: u8) -> impl FnMut() + 'static {
    let (table, wanted) = (table(size, lists), wanted(lists));
    let far = FAR.min(size);
    // An odd factor leads through all of them, in an order that looks like none.
    let name = |nth: usize| format!("x.{}", said(nth.wrapping_mul(0x9e37_79b1) % size));
    let names: Vec<Domain> = (0..far).map(|nth| name(nth).parse().unwrap()).collect();
    let mut next = 0;
    move || {
        black_box(table.find(&Trail::of(black_box(&names[next]).borrowed()), wanted));
        next = if next + 1 == far { 0 } else { next + 1 };
    }
}

/// Returns trails of names that stay for as long as it is measured.
fn trails(names: impl Iterator<Item = String>) -> Vec<Trail<'static>> {
    let names: &'static [Domain] = Vec::leak(names.map(|name| name.parse().unwrap()).collect());
    names.iter().map(|name| Trail::of(name.borrowed())).collect()
}

/// Returns a name that stands in the lists.
fn said(nth: usize) -> String {
    format!("host-{nth}.group-{}.example", nth % 1_000)
}

/// Returns the set of all lists.
fn wanted(lists: u8) -> ListSet {
    (0..usize::from(lists)).collect()
}

/// Returns a table, which is built once.
fn table(size: usize, lists: u8) -> Table {
    static BUILT: LazyLock<Mutex<HashMap<(usize, u8), Table>>> = LazyLock::new(Mutex::default);
    let mut built = BUILT.lock().unwrap();
    let open = || Table::open(Arc::new(image(&mentions(size, lists), lists))).unwrap();
    built.entry((size, lists)).or_insert_with(open).clone()
}

/// What a list says: a name in wire form, by which list, at which line.
pub(crate) type Mention = (Box<[u8]>, u8, u32);

/// Returns what lists say.  They share every tenth name.
pub(crate) fn mentions(size: usize, lists: u8) -> Vec<Mention> {
    let mut mentions = Vec::with_capacity(size + size / 10);
    for nth in 0..size {
        let wire: Box<[u8]> = said(nth).parse::<Domain>().unwrap().as_wire().into();
        let list = u8::try_from(nth % usize::from(lists)).unwrap();
        let line = u32::try_from(nth).unwrap() + 1;
        if nth % 10 == 0 {
            mentions.push((wire.clone(), (list + 1) % lists, line));
        }
        mentions.push((wire, list, line));
    }
    mentions
}

/// Builds the image of a table.
pub(crate) fn image(mentions: &[Mention], lists: u8) -> Vec<u8> {
    let about = About { lists: usize::from(lists), fingerprint: [7; 16], most: MOST_MENTIONS };
    let mut image = Vec::new();
    let built = build(&mut image, &about, &mut |sink| {
        for (wire, list, line) in mentions {
            sink.add(wire, Word { list: *list, subtree: true, pass: false }, *line);
        }
        Ok::<_, Infallible>(Vec::new())
    });
    built.unwrap();
    image
}
