//! What is seen is kept, bounded, and concluded from.

use super::*;
use crate::base::Domain;
use crate::catalog::parse::parse;
use proptest::prelude::*;

fn catalog() -> Catalog {
    let text = "family box\n[identify]\nmac 00:00:5e\nasks a.example\nasks b.example\nhost box-\nnot asks tv.example\n";
    Catalog::build(&[parse("box.txt", text).unwrap()]).unwrap()
}

fn who(text: &str) -> Who {
    text.parse().unwrap()
}

fn client(from: &str) -> Client {
    match who(from) {
        Who::Mac(mac) => Client::new("192.0.2.99".parse().unwrap()).with_mac(Some(mac)),
        Who::Address(addr) => Client::new(addr),
    }
}

fn ask(recognizer: &Recognizer, from: &str, name: &str, unix: i64) -> Option<bool> {
    let name: Domain = name.parse().unwrap();
    recognizer.asked(&client(from), name.borrowed(), &catalog(), unix).map(|found| found.decides)
}

fn decides(recognizer: &Recognizer, from: &str) -> bool {
    recognizer.all().get(&who(from)).is_some_and(|found| found.decides)
}

const BOX: &str = "00:00:5e:00:53:01";

#[test]
fn what_was_concluded_is_there_after_a_restart() {
    let (first, second) = (Recognizer::default(), Recognizer::default());
    assert_eq!(ask(&first, BOX, "nothing.example", 1000), None);
    assert_eq!(first.written(), None);
    assert_eq!(ask(&first, BOX, "a.example", 1000), Some(true));
    assert_eq!(ask(&first, BOX, "a.example", 1001), None, "it is no news");
    let text = first.written().unwrap();
    assert_eq!(text, "sordino-seen 1\n00:00:5e:00:53:01 1000 asks a.example\n");
    assert_eq!(first.written(), None);
    assert_eq!(second.take_up(&text, &catalog(), 2000), Ok(0));
    assert!(decides(&second, BOX));
}

#[test]
fn a_sign_against_it_undoes_it() {
    let recognizer = Recognizer::default();
    ask(&recognizer, BOX, "a.example", 1000);
    ask(&recognizer, BOX, "tv.example", 1000);
    assert!(!decides(&recognizer, BOX));
}

#[test]
fn of_an_address_facts_hold_for_a_day_and_are_renewed() {
    let recognizer = Recognizer::default();
    for unix in [0, 50_000] {
        ask(&recognizer, "192.0.2.1", "a.example", unix);
        ask(&recognizer, "192.0.2.1", "b.example", unix);
    }
    recognizer.review(&catalog(), HOLDS + 40_000);
    assert!(decides(&recognizer, "192.0.2.1"));
    recognizer.review(&catalog(), HOLDS + 50_000);
    assert!(!decides(&recognizer, "192.0.2.1"));
}

#[test]
fn a_host_name_is_a_sign_too() {
    let recognizer = Recognizer::default();
    let found = recognizer.is_called(&client(BOX), "Box-Kitchen", &catalog(), 1).unwrap();
    assert!(found.decides);
}

#[test]
fn a_router_that_asks_for_others_is_no_speaker() {
    let recognizer = Recognizer::default();
    recognizer.never(&["192.0.2.99".parse().unwrap()]);
    assert_eq!(ask(&recognizer, BOX, "a.example", 1), None);
    assert_eq!(ask(&recognizer, "127.0.0.1", "a.example", 1), None);
    assert!(recognizer.all().is_empty());
}

#[test]
fn made_up_devices_push_out_nobody_who_was_recognized() {
    let recognizer = Recognizer::default();
    ask(&recognizer, BOX, "a.example", 1);
    for nth in 0..3000u32 {
        let address = std::net::Ipv4Addr::from(0x0a00_0000 + nth).to_string();
        ask(&recognizer, &address, "a.example", 1000 + i64::from(nth));
    }
    assert!(decides(&recognizer, BOX));
    assert_eq!(recognizer.lock().len(), MOST_DEVICES);
}

#[test]
fn what_is_not_ours_is_not_taken_up() {
    let recognizer = Recognizer::default();
    assert_eq!(recognizer.take_up("nonsense", &catalog(), 1), Err(NotKept));
    let faulty =
        format!("{MAGIC}\n{BOX}\n{BOX} x asks a.example\n{BOX} 5 \n{BOX} 5 asks\ta\nnobody 5 asks a\n");
    assert_eq!(recognizer.take_up(&faulty, &catalog(), 1), Ok(5));
}

proptest! {
    #[test]
    fn any_text_is_taken_up_or_passed_over(text in "(sordino-seen 1\n)?([0-9a-f:. ]{0,20}|.{0,20}\n){0,10}") {
        let recognizer = Recognizer::default();
        if recognizer.take_up(&text, &catalog(), 1000).is_ok() {
            recognizer.unwritten.store(true, Ordering::Relaxed);
            let again = Recognizer::default();
            let written = recognizer.written().unwrap();
            prop_assert_eq!(again.take_up(&written, &catalog(), 1000), Ok(0));
        }
    }
}
