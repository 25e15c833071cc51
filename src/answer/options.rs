//! Adding EDNS options to a response that is made already.
//!
//! Apart from writing it, because these options are about the connection, which
//! nobody on the road knows.

use crate::resolve::wire::HEADER;

/// The type OPT (RFC 6891 section 6.1.1).
const OPT: u16 = 41;

/// Adds options (code, length and data of each) to the OPT record that ends a
/// response.  A response without one stays as it is.
pub fn add_options(options: &[u8], response: &mut Vec<u8>) {
    let Some(length_at) = find(response) else { return };
    let there = usize::from(word(response, length_at).unwrap_or(0));
    let Ok(length) = u16::try_from(there + options.len()) else { return };
    if let Some(place) = response.get_mut(length_at..length_at + 2) {
        place.copy_from_slice(&length.to_be_bytes());
        response.extend_from_slice(options);
    }
}

/// Returns where the length of the options stands in the OPT record that ends a
/// response.
fn find(response: &[u8]) -> Option<usize> {
    let mut at = HEADER;
    for _ in 0..word(response, 4)? {
        at = after_name(response, at)? + 4;
    }
    let records: usize =
        [6, 8, 10].into_iter().map(|at| word(response, at).map(usize::from)).sum::<Option<_>>()?;
    let mut last = None;
    for _ in 0..records {
        at = after_name(response, at)?;
        last = Some(at);
        at += 10 + usize::from(word(response, at + 8)?);
    }
    let last = last.filter(|last| at == response.len() && word(response, *last) == Some(OPT))?;
    Some(last + 8)
}

/// Returns where a name ends that begins at `at` (RFC 1035 section 4.1.4).
fn after_name(response: &[u8], mut at: usize) -> Option<usize> {
    loop {
        match *response.get(at)? {
            0 => return Some(at + 1),
            length @ 1..=63 => at += 1 + usize::from(length),
            0xc0.. => return Some(at + 2),
            _ => return None,
        }
    }
}

/// Returns the word at `at`.
fn word(response: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes(*response.get(at..)?.first_chunk()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use hickory_proto::op::Edns;
    use hickory_proto::op::Message;
    use hickory_proto::op::Query;
    use hickory_proto::rr::Name;
    use hickory_proto::rr::RData;
    use hickory_proto::rr::Record;
    use hickory_proto::rr::RecordType;
    use hickory_proto::rr::rdata::opt::EdnsCode;
    use hickory_proto::rr::rdata::opt::EdnsOption;
    use proptest::prelude::*;

    #[test]
    fn options_join_those_that_are_there() {
        let name = Name::from_ascii("www.example.com.").unwrap();
        let mut message = Message::response(7, hickory_proto::op::OpCode::Query);
        message.add_query(Query::query(name.clone(), RecordType::A));
        for last in 1..4 {
            message.add_answer(Record::from_rdata(
                name.clone(),
                60,
                RData::A(std::net::Ipv4Addr::new(192, 0, 2, last).into()),
            ));
        }
        let mut edns = Edns::new();
        edns.options_mut().insert(EdnsOption::Unknown(15, vec![0, 15, b'x']));
        message.set_edns(edns);
        let mut wire = message.to_vec().unwrap();
        add_options(&[0, 3, 0, 2, b'h', b'i', 0, 12, 0, 1, 0], &mut wire);
        let read = Message::from_vec(&wire).unwrap();
        assert_eq!(read.answers, message.answers);
        let edns = read.edns.unwrap();
        let codes = [EdnsCode::Unknown(15), EdnsCode::NSID, EdnsCode::Padding];
        assert!(codes.into_iter().all(|code| edns.option(code).is_some()), "{edns:?}");
        message.edns = None;
        let without = message.to_vec().unwrap();
        let mut same = without.clone();
        add_options(&[0, 12, 0, 0], &mut same);
        assert_eq!(same, without);
    }

    proptest! {
        #[test]
        fn any_octets_are_extended_or_stay_as_they_are(octets in proptest::collection::vec(any::<u8>(), 0..200)) {
            let mut out = octets.clone();
            add_options(&[0, 12, 0, 0], &mut out);
            prop_assert!(out == octets || out.len() == octets.len() + 4);
        }
    }
}
