//! Extended errors: why there is no answer, or why it is worth less than it
//! seems.

use super::*;
use crate::resolve::Flaw;
use crate::resolve::Unsupported;

#[test]
fn failures_are_servfail_and_say_why() {
    for (kind, code, text) in [
        (FailureKind::Bogus(Flaw::Other), 6, "what"),
        (FailureKind::Bogus(Flaw::Expired), 7, "what"),
        (FailureKind::Bogus(Flaw::NotYetValid), 8, "what"),
        (FailureKind::Bogus(Flaw::NoKey), 9, "what"),
        (FailureKind::Bogus(Flaw::NoSignature), 10, "what"),
        (FailureKind::Bogus(Flaw::NoZoneKey), 11, "what"),
        (FailureKind::Bogus(Flaw::NoProof), 12, "what"),
        (FailureKind::Timeout, 22, "what"),
        (FailureKind::Unreachable, 22, "what"),
        (FailureKind::Network, 23, "what"),
        (FailureKind::Limit, 0, "work limit: what"),
        (FailureKind::Fault, 0, "what"),
    ] {
        let failure = Failure { kind, detail: "what".to_owned(), origin: Origin::Recursion };
        let message =
            sent(&query(Rtype::A, edns(false)), &Answer::Failed(failure), block(BlockedAnswer::NoData));
        assert_eq!(message.metadata.response_code, ResponseCode::ServFail);
        assert_eq!(ede(&message), Some((code, text.to_owned())));
    }
}

#[test]
fn what_is_signed_but_not_as_we_know_it_says_so() {
    for (unsupported, code) in
        [(Unsupported::Algorithm, 1), (Unsupported::Digest, 2), (Unsupported::Iterations, 27)]
    {
        let mut data = resolved(Rtype::A, vec![a_record("track.example.com.", 300)], vec![], 20);
        Arc::get_mut(&mut data.data).unwrap().unsupported = Some(unsupported);
        let answer = Answer::Resolved(data);
        let message = sent(&query(Rtype::A, edns(false)), &answer, block(BlockedAnswer::NoData));
        assert_eq!(ede(&message), Some((code, String::new())));
    }
}
