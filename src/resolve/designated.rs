//! Where queries may come encrypted ([RFC 9462]), and the addresses of our own
//! name, which nobody outside knows.
//!
//! Without encrypted listeners there is nothing here, and `resolver.arpa` is a
//! special name without data.
//!
//! [RFC 9462]: https://www.rfc-editor.org/rfc/rfc9462

use std::net::IpAddr;

use hickory_proto::op::ResponseCode;
use hickory_proto::rr::RData;
use hickory_proto::rr::Record;
use hickory_proto::rr::rdata::A;
use hickory_proto::rr::rdata::AAAA;
use hickory_proto::rr::rdata::SVCB;
use hickory_proto::rr::rdata::svcb::Alpn;
use hickory_proto::rr::rdata::svcb::IpHint;
use hickory_proto::rr::rdata::svcb::SvcParamKey;
use hickory_proto::rr::rdata::svcb::SvcParamValue;
use hickory_proto::rr::rdata::svcb::Unknown;

use super::AnswerData;
use super::names;
use super::special;
use super::upstream::Question;
use crate::base::Domain;
use crate::query::Rtype;

/// How long the answers may be kept, in seconds: a change of what is offered is
/// felt soon.
const TTL: u32 = 300;

/// Asked for by clients that know our address only (RFC 9462 section 4).
const BY_ADDRESS: &[u8] = b"\x04_dns\x08resolver\x04arpa\0";

/// Put before our name by clients that know it (RFC 9461 section 3).
const BY_NAME: &[u8] = b"\x04_dns";

/// The URI template of queries over HTTPS (RFC 9461 section 5).
const DOHPATH: &[u8] = b"/dns-query{?dns}";

/// The key of that parameter.
const DOHPATH_KEY: u16 = 7;

/// What is offered besides plain DNS.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Designated {
    /// Our name, which stands in the certificate.
    pub name: Domain,
    /// Our addresses.
    pub addresses: Vec<IpAddr>,
    /// The port of DNS over TLS.
    pub dot: Option<u16>,
    /// The port of DNS over HTTPS.
    pub doh: Option<u16>,
}

/// Returns our own answer to a question about what is offered, or about our name
/// and the names of devices below it.
pub(super) fn answer(question: &Question, designated: &Designated) -> Option<AnswerData> {
    let wire = question.name.as_wire();
    let by_name = wire.strip_prefix(BY_NAME) == Some(designated.name.as_wire());
    let zone = names::to_name(&designated.name);
    if wire == BY_ADDRESS || by_name {
        let records = if question.rtype == Rtype::SVCB { services(designated) } else { Vec::new() };
        let zone = if by_name { zone } else { names::to_name(&question.name).base_name() };
        return Some(data(question, records, zone));
    }
    let own = question.name == designated.name;
    let of_device = question.name.parent().is_some_and(|parent| parent == designated.name);
    (own || of_device).then(|| data(question, addresses(question, designated), zone))
}

/// Returns these records, or that there are none.
fn data(question: &Question, records: Vec<RData>, zone: hickory_proto::rr::Name) -> AnswerData {
    if records.is_empty() {
        return special::negative(question, zone, false);
    }
    let owner = names::to_name(&question.name);
    let records = records.into_iter().map(|data| Record::from_rdata(owner.clone(), TTL, data)).collect();
    AnswerData::new(question, ResponseCode::NoError, records, Vec::new(), false)
}

/// Returns our addresses of the type that is asked for.
fn addresses(question: &Question, designated: &Designated) -> Vec<RData> {
    let data = |address: &IpAddr| match (address, question.rtype) {
        (IpAddr::V4(v4), Rtype::A) => Some(RData::A(A(*v4))),
        (IpAddr::V6(v6), Rtype::AAAA) => Some(RData::AAAA(AAAA(*v6))),
        _ => None,
    };
    designated.addresses.iter().filter_map(data).collect()
}

/// Returns a service for each way that is offered.
fn services(designated: &Designated) -> Vec<RData> {
    let target = names::to_name(&designated.name);
    let v4: Vec<_> = designated
        .addresses
        .iter()
        .filter_map(|address| match address {
            IpAddr::V4(v4) => Some(A(*v4)),
            IpAddr::V6(_) => None,
        })
        .collect();
    let v6: Vec<_> = designated
        .addresses
        .iter()
        .filter_map(|address| match address {
            IpAddr::V6(v6) => Some(AAAA(*v6)),
            IpAddr::V4(_) => None,
        })
        .collect();
    let service = |priority, alpn: &[&str], port: u16, path: Option<&[u8]>| {
        let alpn = alpn.iter().map(|&protocol| protocol.to_owned()).collect();
        // In the order of their keys (RFC 9460 section 2.2).
        let mut params = vec![
            (SvcParamKey::Alpn, SvcParamValue::Alpn(Alpn(alpn))),
            (SvcParamKey::Port, SvcParamValue::Port(port)),
        ];
        if !v4.is_empty() {
            params.push((SvcParamKey::Ipv4Hint, SvcParamValue::Ipv4Hint(IpHint(v4.clone()))));
        }
        if !v6.is_empty() {
            params.push((SvcParamKey::Ipv6Hint, SvcParamValue::Ipv6Hint(IpHint(v6.clone()))));
        }
        if let Some(path) = path {
            let value = SvcParamValue::Unknown(Unknown(path.to_vec()));
            params.push((SvcParamKey::Unknown(DOHPATH_KEY), value));
        }
        RData::SVCB(SVCB::new(priority, target.clone(), params))
    };
    let dot = designated.dot.map(|port| service(1, &["dot"], port, None));
    let doh = designated.doh.map(|port| service(2, &["h2", "http/1.1"], port, Some(DOHPATH)));
    dot.into_iter().chain(doh).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(name: &str, rtype: Rtype, dot: Option<u16>, doh: Option<u16>) -> Option<Vec<String>> {
        let question = Question { name: name.parse().unwrap(), rtype, checking_disabled: false };
        let designated = Designated {
            name: "dns.home.example".parse().unwrap(),
            addresses: vec!["192.168.178.2".parse().unwrap(), "fd00::2".parse().unwrap()],
            dot,
            doh,
        };
        let data = answer(&question, &designated)?;
        assert_eq!(u16::from(data.rcode), 0);
        let message = data.message();
        assert_eq!(message.answers.is_empty(), message.authorities.len() == 1, "NODATA has an SOA record");
        Some(message.answers.iter().map(|record| record.data.to_string()).collect())
    }

    #[test]
    fn what_is_offered_is_designated_and_nothing_else() {
        let name = "_dns.resolver.arpa";
        let dot = "1 dns.home.example. alpn=dot port=853 ipv4hint=192.168.178.2 ipv6hint=fd00::2";
        let shown = |dot, doh| {
            let shown = ask(name, Rtype::SVCB, dot, doh).unwrap().join("|");
            shown.replace(',', "").split_whitespace().collect::<Vec<_>>().join(" ")
        };
        assert_eq!(shown(Some(853), None), dot);
        assert!(shown(Some(853), Some(443)).starts_with(dot));
        assert!(shown(None, Some(8443)).contains("port=8443"), "{}", shown(None, Some(8443)));
        assert_eq!(ask(name, Rtype::A, Some(853), None).unwrap(), [""; 0]);
        assert_eq!(ask("_dns.dns.home.example", Rtype::SVCB, Some(853), None).unwrap().len(), 1);
        assert_eq!(ask("resolver.arpa", Rtype::SVCB, Some(853), None), None);
        assert_eq!(ask("x._dns.resolver.arpa", Rtype::SVCB, Some(853), None), None);
    }

    #[test]
    fn our_name_and_those_of_devices_have_our_addresses() {
        for name in ["dns.home.example", "kitchen.dns.home.example"] {
            assert_eq!(ask(name, Rtype::A, Some(853), None).unwrap(), ["192.168.178.2"]);
            assert_eq!(ask(name, Rtype::AAAA, Some(853), None).unwrap(), ["fd00::2"]);
            assert_eq!(ask(name, Rtype::TXT, Some(853), None).unwrap(), [""; 0]);
        }
        for other in ["home.example", "a.kitchen.dns.home.example", "xdns.home.example"] {
            assert_eq!(ask(other, Rtype::A, Some(853), None), None);
        }
    }
}
