//! Aliases: of names, of all names below one, over zones that are signed and that
//! are not.

use hickory_proto::op::ResponseCode;

use super::House;
use super::USUAL;
use super::USUAL_COM;
use super::dnssec::Signed;
use super::internet;
use crate::query::Rtype;
use crate::resolve::AnswerData;
use crate::resolve::Question;
use crate::resolve::upstream::Upstream;

const ZONE: &str = "example.com. NS ns.example.com.
    ns.example.com. A 10.0.1.1
    www.example.com. A 192.0.2.1
    alias.example.com. CNAME www.example.com.
    gone.example.com. CNAME nothing.example.com.
    away.example.com. CNAME www.plain.com.
    there.example.com. CNAME back.plain.com.
    *.wild.example.com. CNAME www.example.com.
    old.example.com. DNAME example.com.
    long.example.com. DNAME a-name-that-takes-a-lot-of-room.and-one-more-of-that-kind.example.com.";

impl House {
    async fn of_type(&self, name: &str, rtype: Rtype) -> (AnswerData, Vec<String>) {
        let question = Question { name: name.parse().unwrap(), rtype, checking_disabled: false };
        let data = self.recursion.fetch(&question, self.now()).await.unwrap();
        let types = data.message().answers.iter().map(|record| record.record_type().to_string()).collect();
        (data, types)
    }
}

#[tokio::test(start_paused = true)]
async fn an_alias_is_data_for_who_asks_for_it_and_an_alias_for_all_others() {
    for order in [[Rtype::CNAME, Rtype::A], [Rtype::A, Rtype::CNAME]] {
        let house = House::new(internet(USUAL_COM, USUAL));
        for rtype in order {
            let (_, types) = house.of_type("alias.example.com", rtype).await;
            let expected: &[&str] = if rtype == Rtype::A { &["CNAME", "A"] } else { &["CNAME"] };
            assert_eq!(types, expected, "{order:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_chain_is_worth_as_much_as_its_weakest_link() {
    for (name, rcode, secure) in [
        ("alias.example.com", ResponseCode::NoError, true),
        ("gone.example.com", ResponseCode::NXDomain, true),
        ("a.wild.example.com", ResponseCode::NoError, true),
        ("www.old.example.com", ResponseCode::NoError, true),
        ("alias.old.example.com", ResponseCode::NoError, true),
        ("nothing.old.example.com", ResponseCode::NXDomain, true),
        ("away.example.com", ResponseCode::NoError, false),
        ("away.old.example.com", ResponseCode::NoError, false),
        // And back to what is signed.
        ("there.example.com", ResponseCode::NoError, false),
        ("back.plain.com", ResponseCode::NoError, false),
    ] {
        let (there, secure_there, _) = Signed::of(ZONE, |_, _, _| {}).get(name).await;
        assert_eq!((there, secure_there), (rcode, secure), "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_alias_that_a_dname_makes_is_as_good_as_the_dname() {
    let signed = Signed::of(ZONE, |_, _, _| {});
    for name in ["www.old.example.com", "alias.old.example.com"] {
        let (data, types) = signed.house.of_type(name, Rtype::CNAME).await;
        assert_eq!((data.rcode, data.secure), (ResponseCode::NoError, true));
        assert_eq!(types, ["DNAME", "RRSIG", "CNAME"]);
    }
    let (data, types) = signed.house.of_type("old.example.com", Rtype(39)).await;
    assert_eq!((data.rcode, data.secure, &types[0][..]), (ResponseCode::NoError, true, "DNAME"));
    // The name itself is none of those below.
    let (data, types) = signed.house.of_type("old.example.com", Rtype::A).await;
    assert_eq!((data.rcode, data.secure, types.len()), (ResponseCode::NoError, true, 0));
}

#[tokio::test(start_paused = true)]
async fn an_alias_that_would_be_too_long_is_told_and_remembered() {
    let signed = Signed::of(ZONE, |_, _, _| {});
    let name = format!("{}long.example.com", "forty-octets-are-in-each-of-these-labels.".repeat(5));
    let (data, types) = signed.house.of_type(&name, Rtype::A).await;
    assert_eq!((data.rcode, data.secure, data.ttl), (ResponseCode::YXDomain, true, 300));
    assert_eq!(types, ["DNAME", "RRSIG"]);
    let before = signed.house.internet.packets();
    signed.house.of_type(&name, Rtype::A).await;
    assert_eq!(signed.house.internet.packets(), before);
}
