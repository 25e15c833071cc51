//! What is at hand.

use std::hint::black_box;

use sordino::matcher::Trail;
use sordino::policy::Verdict;
use sordino::query::Query;
use sordino::resolve::Resolve;

use super::case::Case;
use super::house;
use super::house::POPULAR;

/// All cases.
pub(crate) fn cases() -> Vec<Case> {
    vec![
        Case::new("hit", || at_hand(house::popular(7), true)),
        Case::new("hit, no such name", || at_hand("nothing.example.com".to_owned(), true)),
        Case::new("miss", || at_hand("www.popular-x.example.com".to_owned(), false)),
        Case::new("hit, all names in turn", in_turn),
    ]
}

/// Makes what looks for one name.
fn at_hand(name: String, there: bool) -> impl FnMut() + 'static {
    look(&[name], there)
}

/// Makes what looks for one popular name after the other.
fn in_turn() -> impl FnMut() + 'static {
    look(&(0..POPULAR).map(house::popular).collect::<Vec<_>>(), true)
}

/// Makes what looks for one of the names after the other.
fn look(names: &[String], there: bool) -> impl FnMut() + use<> {
    let house = house::household(0);
    let resolver = house::resolver(&house, &["nothing.example.com"]);
    // Permits lie in their queries, which stay for as long as it is measured.
    let queries: &'static [Query] = Vec::leak(names.iter().map(|name| house::query(name, false)).collect());
    let device = house.devices.identify(&queries[0].client, &house.catalog);
    let permit = |query: &'static Query| {
        let trail = Trail::of(query.qname.borrowed());
        match house.policies.judge(query.borrowed(), &device, &trail, None).1 {
            Verdict::Allow(permit) => permit,
            Verdict::Block => unreachable!("an open policy"),
        }
    };
    let permits: Vec<_> = queries.iter().map(permit).collect();
    let (now, mut next) = (house::now(), 0);
    assert!(permits.iter().all(|permit| resolver.at_hand(permit, now).is_some() == there));
    move || {
        black_box(resolver.at_hand(black_box(&permits[next]), now));
        next = if next + 1 == permits.len() { 0 } else { next + 1 };
    }
}
