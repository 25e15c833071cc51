//! Proofs with NSEC3 records of a zone that is signed well, put together so that
//! they say what is not so ([RFC 5155 section 8]).
//!
//! Whoever sits between can replay whatever the zone has signed, and no more.
//!
//! [RFC 5155 section 8]: https://www.rfc-editor.org/rfc/rfc5155#section-8

use hickory_proto::dnssec::Nsec3HashAlgorithm;
use hickory_proto::dnssec::rdata::DNSSECRData;
use hickory_proto::dnssec::rdata::NSEC3;
use hickory_proto::op::Message;
use hickory_proto::op::ResponseCode;
use hickory_proto::rr::Name;
use hickory_proto::rr::RData;
use hickory_proto::rr::Record;
use hickory_proto::rr::RecordType as T;

use super::House;
use super::dnssec::NOW;
use super::dnssec::Signed;
use super::dnssec::is_asked;
use super::dnssec::record_soa;
use super::internet::name;
use super::signed::Key;
use crate::resolve::FailureKind;
use crate::resolve::Flaw;
use crate::resolve::Unsupported;
use crate::resolve::stats::Limit;

/// The names of the zone and their types; `cut` and what is below is another's.
const NAMES: [(&str, &[T]); 6] = [
    ("example.com.", &[T::SOA, T::NS, T::DNSKEY]),
    ("ns.example.com.", &[T::A]),
    ("www.example.com.", &[T::A]),
    ("a.example.com.", &[]),
    ("b.a.example.com.", &[T::A]),
    ("cut.example.com.", &[T::NS]),
];

//----------- Chain ------------------------------------------------------------

/// The NSEC3 records of the zone.
struct Chain {
    hashed: Vec<(Vec<u8>, &'static [T])>,
    iterations: u16,
    opt_out: bool,
}

impl Chain {
    fn new(iterations: u16, opt_out: bool) -> Self {
        let mut hashed: Vec<_> =
            NAMES.iter().map(|(owner, types)| (hash(owner, iterations), *types)).collect();
        hashed.sort();
        Self { hashed, iterations, opt_out }
    }

    /// Returns the record of a name, or the one that covers it.
    fn at(&self, owner: &str) -> Record {
        let hash = hash(owner, self.iterations);
        let behind = self.hashed.iter().position(|(other, _)| *other > hash).unwrap_or(0);
        let last = self.hashed.len() - 1;
        let (owner, types) = &self.hashed[behind.checked_sub(1).unwrap_or(last)];
        let next = self.hashed[behind].0.clone();
        let data = NSEC3::new(
            Nsec3HashAlgorithm::SHA1,
            self.opt_out,
            self.iterations,
            Vec::new(),
            next,
            types.iter().copied(),
        );
        let owner = name("example.com.").prepend_label(base32(owner)).unwrap();
        Record::from_rdata(owner, 60, RData::DNSSEC(DNSSECRData::NSEC3(data)))
    }

    /// Puts the records of some names in place of a reply's proofs.
    fn prove(&self, reply: &mut Message, key: &Key, rcode: ResponseCode, of: &[&str]) {
        reply.metadata.response_code = rcode;
        reply.answers.clear();
        reply.authorities.clear();
        let mut records: Vec<Record> = of.iter().map(|owner| self.at(owner)).collect();
        records.dedup();
        for record in std::iter::once(record_soa()).chain(records) {
            reply.authorities.push(key.sign(
                &name("example.com."),
                std::slice::from_ref(&record),
                NOW,
                |_| {},
            ));
            reply.authorities.push(record);
        }
    }
}

fn hash(owner: &str, iterations: u16) -> Vec<u8> {
    Nsec3HashAlgorithm::SHA1.hash(&[], &name(owner), iterations).unwrap().as_ref().to_vec()
}

/// Writes Base32 with the extended hex alphabet (RFC 4648 section 7).
fn base32(octets: &[u8]) -> String {
    let bit = |at: usize| usize::from(octets[at / 8] >> (7 - at % 8) & 1);
    let digit = |from: usize| (0..5).fold(0, |value, nth| value << 1 | bit(from + nth));
    (0..octets.len() * 8)
        .step_by(5)
        .map(|at| char::from(b"0123456789abcdefghijklmnopqrstuv"[digit(at)]))
        .collect()
}

/// Returns a house whose `example.com` answers for `asked` with these proofs.
fn proving(
    asked: &'static str,
    chain: fn() -> Chain,
    rcode: ResponseCode,
    of: &'static [&'static str],
) -> Signed {
    Signed::spoiled(move |query, reply, key| {
        if is_asked(query, T::A) && query.queries[0].name().to_lowercase() == name(asked) {
            chain().prove(reply, key, rcode, of);
        }
    })
}

fn usual() -> Chain {
    Chain::new(0, false)
}

/// Returns a house in which a question takes more hashes than it is worth: 100
/// labels of 150 iterations each (CVE-2023-50868).
pub(super) fn with_many_labels() -> (House, String) {
    let of: &[&str] = &["example.com.", "1.example.com.", "*.example.com."];
    let signed = Signed::spoiled(move |query, reply, key| {
        if is_asked(query, T::A) && query.queries[0].name().iter().len() > 2 {
            Chain::new(150, false).prove(reply, key, ResponseCode::NXDomain, of);
        }
    });
    (signed.house, "1.".repeat(100) + "example.com")
}

//----------- tests ------------------------------------------------------------

#[tokio::test(start_paused = true)]
async fn below_what_is_proven_not_to_be_there_nobody_is_asked() {
    let of = &["example.com.", "nothing.example.com.", "*.example.com."];
    let signed = proving("nothing.example.com.", usual, ResponseCode::NXDomain, of);
    let (_, _, packets) = signed.get("nothing.example.com").await;
    for below in ["x.nothing.example.com", "x.y.z.nothing.example.com"] {
        assert_eq!(signed.get(below).await, (ResponseCode::NXDomain, true, packets), "{below}");
    }
    // Beside it, somebody is.
    assert!(signed.get("www.example.com").await.2 > packets);
    // What the proof was stripped from is no proof: the name below is asked for.
    let signed = proving("nothing.example.com.", usual, ResponseCode::NXDomain, &[]);
    signed.flaw("nothing.example.com").await;
    let packets = signed.house.internet.packets();
    assert!(signed.get("x.nothing.example.com").await.2 > packets);
}

#[tokio::test(start_paused = true)]
async fn what_is_proven_well_is_secure() {
    use ResponseCode::NXDomain;
    use ResponseCode::NoError;
    let proofs: [(&str, ResponseCode, &[&str]); 3] = [
        ("gone.example.com.", NXDomain, &["example.com.", "gone.example.com.", "*.example.com."]),
        ("x.b.a.example.com.", NXDomain, &["b.a.example.com.", "x.b.a.example.com.", "*.b.a.example.com."]),
        ("a.example.com.", NoError, &["a.example.com."]),
    ];
    for (asked, rcode, of) in proofs {
        let (there, secure, _) = proving(asked, usual, rcode, of).get(asked).await;
        assert_eq!((there, secure), (rcode, true), "{asked}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_wrong_closest_encloser_proves_nothing() {
    // The names are such that no record happens to say more than is meant here.
    let proofs: [(&str, &[&str]); 5] = [
        // The encloser is the apex, and the next closer name is not covered.
        ("b.a.example.com.", &["example.com.", "*.example.com."]),
        // It is one above the real one: `a` exists, so it cannot be covered.
        ("c.a.example.com.", &["example.com.", "c.a.example.com.", "*.example.com."]),
        // Covered is the name itself and not the next closer one.
        ("x.q.example.com.", &["example.com.", "x.q.example.com.", "*.example.com."]),
        // There is no encloser at all.
        ("x.q.example.com.", &["q.example.com.", "*.example.com."]),
        // The wildcard is not denied.
        ("x.q.example.com.", &["example.com.", "q.example.com."]),
    ];
    for (asked, of) in proofs {
        let failure = proving(asked, usual, ResponseCode::NXDomain, of).house.ask(asked).await.unwrap_err();
        assert_eq!(failure.kind, FailureKind::Bogus(Flaw::NoProof), "{asked} {of:?}");
    }
    // The encloser is a delegation without DS records: what is below is not signed.
    let of: &[&str] = &["cut.example.com.", "x.cut.example.com.", "*.cut.example.com."];
    let cut = proving("x.cut.example.com.", usual, ResponseCode::NXDomain, of);
    let (rcode, secure, _) = cut.get("x.cut.example.com.").await;
    assert_eq!((rcode, secure), (ResponseCode::NXDomain, false));
}

#[tokio::test(start_paused = true)]
async fn an_opt_out_span_makes_nothing_secure() {
    let of: &[&str] = &["example.com.", "gone.example.com.", "*.example.com."];
    let signed = proving("gone.example.com.", || Chain::new(0, true), ResponseCode::NXDomain, of);
    let (rcode, secure, _) = signed.get("gone.example.com.").await;
    assert_eq!((rcode, secure), (ResponseCode::NXDomain, false));
}

#[tokio::test(start_paused = true)]
async fn more_iterations_than_it_is_worth_are_insecure_and_it_is_said() {
    let of: &[&str] = &["example.com.", "gone.example.com.", "*.example.com."];
    for (chain, unsupported) in [
        ((|| Chain::new(150, false)) as fn() -> Chain, None),
        (|| Chain::new(151, false), Some(Unsupported::Iterations)),
    ] {
        let signed = proving("gone.example.com.", chain, ResponseCode::NXDomain, of);
        let data = signed.house.ask("gone.example.com.").await.unwrap();
        assert_eq!((data.secure, data.unsupported), (unsupported.is_none(), unsupported));
        assert_eq!(signed.house.exceeded(Limit::Hashes), 0);
    }
}

#[test]
fn hashes_are_written_as_they_are_read() {
    // RFC 5155 appendix A.
    let hash =
        Nsec3HashAlgorithm::SHA1.hash(&[0xaa, 0xbb, 0xcc, 0xdd], &Name::from_ascii("example.").unwrap(), 12);
    assert_eq!(base32(hash.unwrap().as_ref()), "0p9mhaveqvm6t7vbl5lop2u3t2rp3tom");
}
