//! Multicast DNS: which services a device announces, and what it says of them
//! (RFC 6763).

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::net::IpAddr;

use hickory_proto::op::Message;
use hickory_proto::op::MessageType;
use hickory_proto::op::OpCode;
use hickory_proto::op::Query;
use hickory_proto::rr::Name;
use hickory_proto::rr::RData;
use hickory_proto::rr::RecordType;

use crate::device::Announcement;

/// Most services that are taken from one packet.
const MOST_SERVICES: usize = 32;

/// The name of an instance, and what is said of it.
type Said = (Option<String>, Vec<(String, String)>);

/// Reads a packet.  Nothing, unless it is a response that is about its sender:
/// who says where somebody else is repeats what it heard.
pub fn read(packet: &[u8], from: IpAddr) -> Vec<Announcement> {
    let Ok(message) = Message::from_vec(packet) else { return Vec::new() };
    if message.metadata.message_type != MessageType::Response {
        return Vec::new();
    }
    let mut found: BTreeMap<String, Said> = BTreeMap::new();
    let (mut addresses, mut own) = (false, false);
    for record in message.answers.iter().chain(&message.additionals) {
        match &record.data {
            RData::A(address) if from.is_ipv4() => {
                addresses = true;
                own |= IpAddr::V4(address.0) == from;
            }
            RData::AAAA(address) if from.is_ipv6() => {
                addresses = true;
                own |= IpAddr::V6(address.0) == from;
            }
            RData::PTR(to) => {
                if let Some(service) = service(&record.name, 0).filter(|_| found.len() < MOST_SERVICES) {
                    let (instance, _) = found.entry(service).or_default();
                    *instance = instance.take().or_else(|| self::instance(&to.0));
                }
            }
            RData::TXT(text) => {
                let Some(service) = service(&record.name, 1).filter(|_| found.len() < MOST_SERVICES) else {
                    continue;
                };
                let pairs = text.txt_data.iter().filter_map(|text| {
                    let text = String::from_utf8_lossy(text);
                    let (key, value) = text.split_once('=')?;
                    Some((key.to_ascii_lowercase(), value.to_owned()))
                });
                let (instance, txt) = found.entry(service).or_default();
                *instance = instance.take().or_else(|| self::instance(&record.name));
                txt.extend(pairs);
            }
            _ => {}
        }
    }
    if addresses && !own {
        return Vec::new();
    }
    let service = |(service, (instance, txt))| Announcement::Service { service, instance, txt };
    found.into_iter().map(service).collect()
}

/// Writes a question for services, which everybody answers to everybody; none if
/// there is nothing to ask for.
pub fn query(services: &BTreeSet<&str>) -> Option<Vec<u8>> {
    let mut message = Message::new(0, MessageType::Query, OpCode::Query);
    for service in services.iter().take(MOST_SERVICES) {
        let name = Name::from_ascii(format!("{service}.local.")).ok()?;
        message.add_query(Query::query(name, RecordType::PTR));
    }
    if message.queries.is_empty() { None } else { message.to_vec().ok() }
}

/// Returns the name of an instance for people: the first label of its name.
fn instance(name: &Name) -> Option<String> {
    let label = name.iter().next()?;
    let text = std::str::from_utf8(label).ok()?.trim();
    (!text.is_empty() && !text.contains(char::is_control)).then(|| text.to_owned())
}

/// Returns the service that a name is about, behind so many labels of an
/// instance: `_sonos._tcp` of `_sonos._tcp.local`.
fn service(name: &Name, instance: usize) -> Option<String> {
    let labels: Vec<_> = name.iter().skip(instance).collect();
    let [service, protocol, local] = labels[..] else { return None };
    if !service.starts_with(b"_") || !local.eq_ignore_ascii_case(b"local") {
        return None;
    }
    let word = |label: &[u8]| std::str::from_utf8(label).ok().map(str::to_ascii_lowercase);
    Some(format!("{}.{}", word(service)?, word(protocol)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use hickory_proto::rr::Record;
    use hickory_proto::rr::rdata::A;
    use hickory_proto::rr::rdata::PTR;
    use hickory_proto::rr::rdata::TXT;
    use proptest::prelude::*;

    /// A response with these records.
    fn packet(records: &[(&str, RData)]) -> Vec<u8> {
        let mut message = Message::response(0, OpCode::Query);
        for (name, data) in records {
            message.answers.push(Record::from_rdata(Name::from_ascii(name).unwrap(), 120, data.clone()));
        }
        message.to_vec().unwrap()
    }

    fn pointer(to: &str) -> RData {
        RData::PTR(PTR(Name::from_ascii(to).unwrap()))
    }

    const FROM: [u8; 4] = [192, 168, 178, 20];

    #[test]
    fn a_service_and_what_is_said_of_it() {
        let texts = vec!["md=Google Home Mini".to_owned(), "flag".to_owned(), "FN=Kitchen".to_owned()];
        let packet = packet(&[
            ("_googlecast._tcp.local.", pointer("x._googlecast._tcp.local.")),
            ("x._googlecast._tcp.local.", RData::TXT(TXT::new(texts))),
            ("x.local.", RData::A(A(FROM.into()))),
        ]);
        let found = read(&packet, FROM.into());
        let txt = [("md", "Google Home Mini"), ("fn", "Kitchen")].map(|(k, v)| (k.to_owned(), v.to_owned()));
        let (service, instance) = ("_googlecast._tcp".to_owned(), Some("x".to_owned()));
        let expected = Announcement::Service { service, instance, txt: txt.to_vec() };
        assert_eq!(found, [expected]);
    }

    #[test]
    fn what_is_said_of_somebody_else_is_nothing() {
        let records = [
            ("_sonos._tcp.local.", pointer("x._sonos._tcp.local.")),
            ("x.local.", RData::A(A([192, 168, 178, 99].into()))),
        ];
        assert_eq!(read(&packet(&records), FROM.into()), []);
        let mut query = packet(&records[..1]);
        query[2] = 0;
        assert_eq!(read(&query, FROM.into()), []);
        let outside = packet(&[("_sonos._tcp.example.", pointer("x.example."))]);
        assert_eq!(read(&outside, FROM.into()), []);
    }

    #[test]
    fn over_ipv6_the_sender_is_told_by_its_ipv6_address() {
        let from: IpAddr = "fe80::1".parse().unwrap();
        let records = |own: &str| {
            let own = RData::AAAA(hickory_proto::rr::rdata::AAAA(own.parse().unwrap()));
            [
                ("_sonos._tcp.local.", pointer("x._sonos._tcp.local.")),
                ("x.local.", RData::A(A(FROM.into()))),
                ("x.local.", own),
            ]
        };
        assert_eq!(read(&packet(&records("fe80::1")), from).len(), 1);
        assert_eq!(read(&packet(&records("fe80::2")), from), []);
    }

    #[test]
    fn a_question_is_for_services_that_are_signs() {
        let query = query(&BTreeSet::from(["_airplay._tcp", "_sonos._tcp"])).unwrap();
        let message = Message::from_vec(&query).unwrap();
        let asked: Vec<_> = message.queries.iter().map(|query| query.name().to_string()).collect();
        assert_eq!(asked, ["_airplay._tcp.local.", "_sonos._tcp.local."]);
        assert_eq!(read(&query, FROM.into()), [], "nobody takes it for an announcement");
        assert_eq!(self::query(&BTreeSet::new()), None);
    }

    proptest! {
        #[test]
        fn any_octets_are_read_or_passed_over(octets in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = read(&octets, FROM.into());
        }

        #[test]
        fn mutated_packets_are_read_or_passed_over(at in 0usize..80, to in any::<u8>()) {
            let mut octets = packet(&[
                ("_sonos._tcp.local.", pointer("x._sonos._tcp.local.")),
                ("x._sonos._tcp.local.", RData::TXT(TXT::new(vec!["a=b".to_owned()]))),
            ]);
            let at = at % octets.len();
            octets[at] = to;
            prop_assert!(read(&octets, FROM.into()).len() <= 2);
        }
    }
}
