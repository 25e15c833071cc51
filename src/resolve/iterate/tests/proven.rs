//! What is known not to exist is not asked for ([RFC 8198]).
//!
//! [RFC 8198]: https://www.rfc-editor.org/rfc/rfc8198

use std::time::Duration;

use hickory_proto::op::ResponseCode;

use super::dnssec::Signed;
use crate::query::Rtype;
use crate::resolve::Question;
use crate::resolve::upstream::Upstream;

const NAME_ERROR: (ResponseCode, bool) = (ResponseCode::NXDomain, true);

#[tokio::test(start_paused = true)]
async fn a_range_without_names_is_asked_about_once() {
    let signed = Signed::new();
    let (rcode, secure, packets) = signed.get("e1.example.com").await;
    assert_eq!((rcode, secure), NAME_ERROR);
    for name in ["e2.example.com", "ea.example.com", "a.b.e.example.com", "www.e1.example.com"] {
        let (rcode, secure, now) = signed.get(name).await;
        assert_eq!((rcode, secure, now), (NAME_ERROR.0, NAME_ERROR.1, packets), "{name}");
    }
    // What exists is asked for, and so is what another range covers.
    assert_eq!(signed.get("www.example.com").await.0, ResponseCode::NoError);
    assert_eq!(signed.get("zzz.example.com").await.0, ResponseCode::NXDomain);
    assert!(signed.house.internet.packets() >= packets + 2);
}

#[tokio::test(start_paused = true)]
async fn neither_a_wildcard_nor_an_empty_name_nor_what_is_below_a_cut_is_denied() {
    let signed = Signed::new();
    for name in ["e1.example.com", "vvv.example.com", "zzz.example.com", "nothing.com", "zzz.com"] {
        assert_eq!(signed.get(name).await.0, ResponseCode::NXDomain, "{name}");
    }
    for name in ["a.wild.example.com", "ent.example.com", "x.ent.example.com", "www.plain.com"] {
        assert_eq!(signed.get(name).await.0, ResponseCode::NoError, "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_names_at_the_ends_of_a_range_are_not_in_it() {
    let signed = Signed::new();
    // What comes next in the zone is `www`, whose own record is not known.
    assert_eq!(signed.get("wo.example.com").await.0, ResponseCode::NXDomain);
    assert_eq!(signed.house.ask("www.example.com").await.unwrap().addresses().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn it_holds_as_long_as_the_proof_does_and_no_longer() {
    let signed = Signed::new();
    signed.get("e1.example.com").await;
    signed.house.internet.clock.advance(Duration::from_secs(40));
    let packets = signed.house.internet.packets();
    let data = signed.house.ask("e2.example.com").await.unwrap();
    assert_eq!((data.ttl, signed.house.internet.packets()), (20, packets));
    // What follows from it does not prolong it.
    signed.house.internet.clock.advance(Duration::from_secs(19));
    assert_eq!(signed.house.ask("e3.example.com").await.unwrap().ttl, 1);
    signed.house.internet.clock.advance(Duration::from_secs(1));
    signed.get("e4.example.com").await;
    assert!(signed.house.internet.packets() > packets);
}

#[tokio::test(start_paused = true)]
async fn who_wants_no_checks_gets_what_the_servers_say() {
    let signed = Signed::new();
    signed.get("e1.example.com").await;
    let packets = signed.house.internet.packets();
    let name = "e2.example.com".parse().unwrap();
    let question = Question { name, rtype: Rtype::A, checking_disabled: true };
    signed.house.recursion.fetch(&question, signed.house.now()).await.unwrap();
    assert!(signed.house.internet.packets() > packets);
}

#[tokio::test(start_paused = true)]
async fn what_is_not_signed_well_is_used_for_nothing() {
    let signed = Signed::forging_nsec();
    assert!(signed.house.ask("e1.example.com").await.is_err());
    let packets = signed.house.internet.packets();
    assert!(signed.house.ask("e2.example.com").await.is_err());
    assert!(signed.house.internet.packets() > packets);
}
