//! A network that says what a scenario wrote down, and records as text.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;

use async_trait::async_trait;
use hickory_proto::op::Message;
use hickory_proto::op::ResponseCode;
use hickory_proto::rr::Name;
use hickory_proto::rr::RData;
use hickory_proto::rr::Record;
use hickory_proto::rr::rdata::A;
use hickory_proto::rr::rdata::AAAA;
use hickory_proto::rr::rdata::CNAME;
use hickory_proto::rr::rdata::HTTPS;
use hickory_proto::rr::rdata::SOA;
use hickory_proto::rr::rdata::SVCB;
use hickory_proto::rr::rdata::opt::EdnsCode;
use hickory_proto::rr::rdata::opt::EdnsOption;
use hickory_proto::rr::rdata::svcb::IpHint;
use hickory_proto::rr::rdata::svcb::SvcParamKey;
use hickory_proto::rr::rdata::svcb::SvcParamValue;
use sordino::base::Domain;
use sordino::base::Now;
use sordino::query::Rtype;
use sordino::resolve::AnswerData;
use sordino::resolve::Failure;
use sordino::resolve::FailureKind;
use sordino::resolve::Flaw;
use sordino::resolve::Origin;
use sordino::resolve::Question;
use sordino::resolve::Upstream;

/// What was written down for a question.
#[derive(Clone)]
struct Script {
    outcome: String,
    answers: Vec<Record>,
    authorities: Vec<Record>,
}

/// The network.
#[derive(Default)]
pub(crate) struct Network {
    scripts: Mutex<HashMap<(Domain, Rtype), Script>>,
    asked: AtomicUsize,
}

impl Network {
    /// Takes down what to say; a later word replaces an earlier one.
    pub(crate) fn add(&self, name: &str, rtype: &str, outcome: &str, body: &[String]) {
        let is_soa = |line: &&String| line.contains(" SOA ");
        let answers = body.iter().filter(|line| !is_soa(line)).map(|line| record(line)).collect();
        let authorities = body.iter().filter(is_soa).map(|line| record(line)).collect();
        let script = Script { outcome: outcome.to_owned(), answers, authorities };
        self.scripts.lock().unwrap().insert((name.parse().unwrap(), self::rtype(rtype)), script);
    }

    /// Returns how often it was asked.
    pub(crate) fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl Upstream for Network {
    async fn fetch(&self, question: &Question, _now: Now) -> Result<AnswerData, Failure> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let key = (question.name.clone(), question.rtype);
        let script = self.scripts.lock().unwrap().get(&key).cloned();
        let script = script.unwrap_or_else(|| panic!("nobody said what {} is", question.name));
        let fail =
            |kind, detail: &str| Err(Failure { kind, detail: detail.to_owned(), origin: Origin::Recursion });
        let rcode = match script.outcome.as_str() {
            "NOERROR" => ResponseCode::NoError,
            "NXDOMAIN" => ResponseCode::NXDomain,
            "BOGUS" if question.checking_disabled => ResponseCode::NoError,
            "BOGUS" => return fail(FailureKind::Bogus(Flaw::Other), "the signature is of somebody else"),
            "TIMEOUT" => return fail(FailureKind::Timeout, "nobody answered"),
            other => panic!("{other} is no outcome"),
        };
        Ok(AnswerData::new(question, rcode, script.answers, script.authorities, false))
    }

    fn origin(&self) -> Origin {
        Origin::Recursion
    }
}

//----------- Text -------------------------------------------------------------

/// Reads a type.
pub(crate) fn rtype(text: &str) -> Rtype {
    match text {
        "A" => Rtype::A,
        "AAAA" => Rtype::AAAA,
        "CNAME" => Rtype::CNAME,
        "HTTPS" => Rtype::HTTPS,
        "TXT" => Rtype::TXT,
        "PTR" => Rtype::PTR,
        "SVCB" => Rtype::SVCB,
        "ANY" => Rtype::ANY,
        _ => panic!("{text}: a type that scenarios don't know"),
    }
}

fn name(text: &str) -> Name {
    let mut name = Name::from_ascii(text).unwrap();
    name.set_fqdn(true);
    name
}

/// Reads a record: `name TTL TYPE data`.
pub(crate) fn record(line: &str) -> Record {
    let words: Vec<_> = line.split_whitespace().collect();
    let [owner, ttl, rtype, data @ ..] = &words[..] else { panic!("{line}: no record") };
    let data = match (*rtype, data) {
        ("A", [addr]) => RData::A(A(addr.parse().unwrap())),
        ("AAAA", [addr]) => RData::AAAA(AAAA(addr.parse().unwrap())),
        ("CNAME", [target]) => RData::CNAME(CNAME(name(target))),
        // SOA MINIMUM: the rest of it matters to nobody here.
        ("SOA", [minimum]) => {
            RData::SOA(SOA::new(name("ns.example"), name("h.example"), 1, 2, 3, 4, minimum.parse().unwrap()))
        }
        // HTTPS target [IPv4 hint].
        ("HTTPS", [target, hint @ ..]) => {
            let hint = hint.first().map(|addr| {
                (SvcParamKey::Ipv4Hint, SvcParamValue::Ipv4Hint(IpHint(vec![A(addr.parse().unwrap())])))
            });
            RData::HTTPS(HTTPS(SVCB::new(1, name(target), hint.into_iter().collect())))
        }
        _ => panic!("{line}: a record that scenarios don't know"),
    };
    Record::from_rdata(name(owner), ttl.parse().unwrap(), data)
}

/// Returns the extended DNS error of a response: code and text.
pub(crate) fn extended_error(message: &Message) -> Option<(u16, String)> {
    /// Extended DNS Error (RFC 8914).
    const EDE: u16 = 15;
    let option = message.edns.as_ref()?.option(EdnsCode::Unknown(EDE))?;
    let EdnsOption::Unknown(_, octets) = option else { return None };
    let (code, text) = octets.split_at_checked(2)?;
    Some((u16::from_be_bytes([code[0], code[1]]), String::from_utf8_lossy(text).into_owned()))
}
