//! Multicast DNS: which services a device announces, and what it says of them
//! (RFC 6763).

use std::collections::BTreeMap;
use std::net::IpAddr;

use hickory_proto::op::Message;
use hickory_proto::op::MessageType;
use hickory_proto::rr::Name;
use hickory_proto::rr::RData;

use crate::device::Announcement;

/// Most services that are taken from one packet.
const MOST_SERVICES: usize = 32;

/// Reads a packet.  Nothing, unless it is a response that is about its sender:
/// who says where somebody else is repeats what it heard.
pub fn read(packet: &[u8], from: IpAddr) -> Vec<Announcement> {
    let Ok(message) = Message::from_vec(packet) else { return Vec::new() };
    if message.metadata.message_type != MessageType::Response {
        return Vec::new();
    }
    let mut found: BTreeMap<String, Vec<(String, String)>> = BTreeMap::new();
    let (mut addresses, mut own) = (false, false);
    for record in message.answers.iter().chain(&message.additionals) {
        match &record.data {
            RData::A(address) => {
                addresses = true;
                own |= IpAddr::V4(address.0) == from;
            }
            RData::PTR(_) => {
                if let Some(service) = service(&record.name, 0).filter(|_| found.len() < MOST_SERVICES) {
                    found.entry(service).or_default();
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
                found.entry(service).or_default().extend(pairs);
            }
            _ => {}
        }
    }
    if addresses && !own {
        return Vec::new();
    }
    found.into_iter().map(|(service, txt)| Announcement::Service { service, txt }).collect()
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
        let mut message = Message::response(0, hickory_proto::op::OpCode::Query);
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
        let expected = Announcement::Service { service: "_googlecast._tcp".to_owned(), txt: txt.to_vec() };
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
