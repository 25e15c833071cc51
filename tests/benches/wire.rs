//! From an outcome to octets.

use std::hint::black_box;
use std::net::SocketAddr;
use std::sync::Arc;

use sordino::answer;
use sordino::answer::Answer;
use sordino::base::Client;
use sordino::matcher::Trail;
use sordino::resolve::Origin;
use sordino::resolve::Question;
use sordino::resolve::Resolved;

use super::case::Case;
use super::house;
use super::house::EXCEPTED;
use super::house::LAPTOP;
use super::house::SPEAKER;
use super::house::Script;

/// All cases.
pub(crate) fn cases() -> Vec<Case> {
    vec![
        Case::new("blocked", || blocked(SPEAKER, "x.ads.example.com", false)),
        Case::new("blocked by a rule, EDNS", || blocked(SPEAKER, "x.ads.example.com", true)),
        Case::new("blocked by an exception, EDNS", || blocked(LAPTOP, EXCEPTED, true)),
        Case::new("two addresses", || resolved("www.example.com", false)),
        Case::new("two addresses, EDNS", || resolved("www.example.com", true)),
        Case::new("no such name", || resolved("nothing.example.com", false)),
        Case::new("aliases", || resolved("alias.example.com", false)),
    ]
}

/// Makes what writes the blocked answer to `name`.
fn blocked(peer: &str, name: &str, edns: bool) -> impl FnMut() + 'static {
    let house = house::household(20);
    let query = house::query(name, edns);
    let client = Client::new(peer.parse::<SocketAddr>().unwrap().ip());
    let device = house.devices.identify(&client, &house.catalog);
    let trail = Trail::of(query.qname.borrowed());
    let rule = house.catalog.rule_on(device.family, &trail);
    let (judged, _) = house.policies.judge(query.borrowed(), &device, &trail, rule);
    assert!(judged.is_block());
    write(name, edns, Answer::Blocked(judged.ground))
}

/// Makes what writes an answer from the cache.
fn resolved(name: &str, edns: bool) -> impl FnMut() + 'static {
    let query = house::query(name, edns);
    let question = Question { name: query.qname, rtype: query.qtype, checking_disabled: false };
    let data = Arc::new(Script::answer(&question));
    write(name, edns, Answer::Resolved(Resolved { data, age: 7, origin: Origin::Cache }))
}

/// Makes what writes an answer.
fn write(name: &str, edns: bool, answer: Answer) -> impl FnMut() + 'static {
    let query = house::query(name, edns);
    let blocked = house::household(0).blocked;
    let mut out = Vec::with_capacity(1_232);
    move || {
        let query = black_box(&query).borrowed();
        black_box(answer::write(query, &answer, blocked, answer::limit(query), &mut out));
    }
}
