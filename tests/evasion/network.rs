//! A network that has an answer to everything, with a secret in each.

use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;

use async_trait::async_trait;
use hickory_proto::op::ResponseCode;
use hickory_proto::rr::Name;
use hickory_proto::rr::RData;
use hickory_proto::rr::Record;
use hickory_proto::rr::RecordType;
use hickory_proto::rr::rdata::A;
use hickory_proto::rr::rdata::AAAA;
use hickory_proto::rr::rdata::CNAME;
use hickory_proto::rr::rdata::HTTPS;
use hickory_proto::rr::rdata::MX;
use hickory_proto::rr::rdata::NS;
use hickory_proto::rr::rdata::NULL;
use hickory_proto::rr::rdata::PTR;
use hickory_proto::rr::rdata::SOA;
use hickory_proto::rr::rdata::SVCB;
use hickory_proto::rr::rdata::TXT;
use hickory_proto::rr::rdata::svcb::IpHint;
use hickory_proto::rr::rdata::svcb::SvcParamKey;
use hickory_proto::rr::rdata::svcb::SvcParamValue;
use sordino::base::Now;
use sordino::resolve::AnswerData;
use sordino::resolve::Failure;
use sordino::resolve::FailureKind;
use sordino::resolve::Origin;
use sordino::resolve::Question;
use sordino::resolve::Upstream;
use sordino::resolve::names;

/// How long its answers hold, in seconds.
pub(crate) const TTL: u64 = 300;

/// The secret, as an address and as octets.
const ADDRESS: [u8; 4] = [45, 115, 101, 99];

/// As an IPv6 address.
const ADDRESS_6: [u8; 16] = *b"\x2a\x01secretsecret66";

/// As text.
const TEXT: &[u8] = b"secret66";

/// Returns whether a response has the secret in it, in any form.
pub(crate) fn has_secret(response: &[u8]) -> bool {
    let has = |secret: &[u8]| response.windows(secret.len()).any(|here| here == secret);
    has(&ADDRESS) || has(&ADDRESS_6) || has(TEXT)
}

/// The network.
#[derive(Default)]
pub(crate) struct Network {
    empty: AtomicBool,
    failing: AtomicBool,
}

impl Network {
    /// Lets it say that there is nothing.
    pub(crate) fn set_empty(&self, empty: bool) {
        self.empty.store(empty, Ordering::SeqCst);
    }

    /// Lets it fail.
    pub(crate) fn set_failing(&self, failing: bool) {
        self.failing.store(failing, Ordering::SeqCst);
    }
}

#[async_trait]
impl Upstream for Network {
    async fn fetch(&self, question: &Question, _now: Now) -> Result<AnswerData, Failure> {
        if self.failing.load(Ordering::SeqCst) {
            let detail = "nobody answered".to_owned();
            return Err(Failure { kind: FailureKind::Timeout, detail, origin: Origin::Recursion });
        }
        let qname = names::to_name(&question.name);
        if self.empty.load(Ordering::SeqCst) {
            let soa = RData::SOA(SOA::new(Name::root(), Name::root(), 1, 2, 3, 4, 60));
            let soa = Record::from_rdata(qname.base_name(), 60, soa);
            return Ok(AnswerData::new(question, ResponseCode::NXDomain, Vec::new(), vec![soa], false));
        }
        let mut answers = aliases(&qname);
        let ttl = u32::try_from(TTL).unwrap();
        let owner = answers.last().map_or(qname, |record| match &record.data {
            RData::CNAME(target) => target.0.clone(),
            _ => unreachable!("aliases are aliases"),
        });
        if question.rtype.0 != u16::from(RecordType::CNAME) {
            answers.push(Record::from_rdata(owner.clone(), ttl, data(&owner, question.rtype.0)));
        } else if answers.is_empty() {
            let target = Name::from_ascii("secret66.example.").unwrap();
            answers.push(Record::from_rdata(owner, ttl, RData::CNAME(CNAME(target))));
        }
        Ok(AnswerData::new(question, ResponseCode::NoError, answers, Vec::new(), false))
    }

    fn origin(&self) -> Origin {
        Origin::Recursion
    }
}

/// Returns where a name leads: `via-N.LABELS.to.example` is an alias of the next,
/// and in the end of what its labels say.
fn aliases(qname: &Name) -> Vec<Record> {
    let lower = qname.to_lowercase().to_ascii();
    let alias = |owner: &str, target: &str| {
        let name = |text: &str| Name::from_ascii(text).unwrap();
        Record::from_rdata(name(owner), u32::try_from(TTL).unwrap(), RData::CNAME(CNAME(name(target))))
    };
    let target = match lower.as_str() {
        "to-exact.example." => "metrics.tracker.example.",
        "to-below.example." => "x.ads.example.",
        "to-mixed.example." => "X.aDs.eXaMpLe.",
        "to-apex-of-none.example." => "secret66.adsx.example.",
        "to-service.example." => "secret66-service.example.",
        "x.to-dname.example." => {
            // RFC 6672 section 3.1: the alias is made of it.
            let target = NULL::with(b"\x03ads\x07example\0".to_vec());
            let data = RData::Unknown { code: RecordType::from(39), rdata: target };
            let above = Record::from_rdata(qname.base_name(), u32::try_from(TTL).unwrap(), data);
            return vec![above, alias("x.to-dname.example.", "x.ads.example.")];
        }
        "to-long-chain.example." => {
            let link = |nth| match nth {
                0 => "to-long-chain.example.".to_owned(),
                9 => "x.ads.example.".to_owned(),
                _ => format!("link-{nth}.example."),
            };
            return (0..12).map(|nth| alias(&link(nth), &link(nth + 1))).collect();
        }
        "to-chain.example." => {
            return [
                "to-chain.example.",
                "b.example.",
                "c.example.",
                "d.example.",
                "x.ads.example.",
                "e.example.",
            ]
            .windows(2)
            .map(|pair| alias(pair[0], pair[1]))
            .collect();
        }
        _ => return Vec::new(),
    };
    vec![Record::from_rdata(
        qname.clone(),
        u32::try_from(TTL).unwrap(),
        RData::CNAME(CNAME(Name::from_ascii(target).unwrap())),
    )]
}

/// Returns data of a type.
fn data(owner: &Name, rtype: u16) -> RData {
    let secret = || Name::from_ascii("secret66.example.").unwrap();
    let service = || {
        let target = match owner.to_lowercase().to_ascii().as_str() {
            "service-to-exact.example." => Name::from_ascii("Metrics.Tracker.Example.").unwrap(),
            "service-to-below.example." | "secret66-service.example." => {
                Name::from_ascii("x.ads.example.").unwrap()
            }
            _ => Name::root(),
        };
        let hint = SvcParamValue::Ipv4Hint(IpHint(vec![A(ADDRESS.into())]));
        SVCB::new(1, target, vec![(SvcParamKey::Ipv4Hint, hint)])
    };
    // RFC 9460 section 2.4.2.
    let alias_mode = || SVCB::new(0, Name::from_ascii("x.ads.example.").unwrap(), vec![]);
    let is_alias = owner.to_lowercase().to_ascii() == "service-alias.example.";
    match rtype {
        1 => RData::A(A(ADDRESS.into())),
        2 => RData::NS(NS(secret())),
        12 => RData::PTR(PTR(secret())),
        15 => RData::MX(MX::new(1, secret())),
        16 => RData::TXT(TXT::from_bytes(vec![TEXT])),
        28 => RData::AAAA(AAAA(ADDRESS_6.into())),
        64 if is_alias => RData::SVCB(alias_mode()),
        65 if is_alias => RData::HTTPS(HTTPS(alias_mode())),
        64 => RData::SVCB(service()),
        65 => RData::HTTPS(HTTPS(service())),
        other => RData::Unknown { code: RecordType::from(other), rdata: NULL::with(TEXT.to_vec()) },
    }
}
