//! Queries as they are sent, and which replies belong to them.
//!
//! Plain functions of octets: who sends and waits is [`network`](super::network).

use hickory_proto::op::Edns;
use hickory_proto::op::Message;
use hickory_proto::op::Query;
use hickory_proto::op::ResponseCode;
use hickory_proto::rr::DNSClass;
use hickory_proto::rr::Name;
use hickory_proto::rr::RData;
use hickory_proto::rr::Record;
use hickory_proto::rr::RecordType;
use hickory_proto::rr::rdata::opt::EdnsOption;

use crate::query::Transport;
use crate::resolve::old_types;

/// The size of datagrams we ask for (DNS flag day 2020).
const UDP_SIZE: u16 = 1_232;

/// What queries are filled up to, a multiple of so many octets (RFC 8467 section
/// 4.1).
const BLOCK: usize = 128;

/// The option that fills up (RFC 7830 section 3).
const PADDING: u16 = 12;

/// The option that asks how long a stream may be idle (RFC 7828 section 3.1).
pub(in crate::resolve) const KEEPALIVE: u16 = 11;

/// Code and length of an option, in octets.
const OPTION_HEAD: usize = 4;

/// Where the question begins: behind the header (RFC 1035 section 4.1.1).
const QUESTION: usize = 12;

/// The most records of one name and type; more are no data but an attack on
/// the cache (BIND's `max-records-per-type`).
pub(in crate::resolve) const MAX_OF_SET: usize = 128;

/// The most records a reply may have; honest ones have a few dozen.
const MAX_RECORDS: usize = 2_000;

/// The most sets of records in a reply.  A referral to 13 name servers with two
/// addresses each has 28.
const MAX_SETS: usize = 64;

//----------- request ----------------------------------------------------------

/// How a query is written.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[expect(clippy::struct_excessive_bools, reason = "they are what the bits of a message say")]
pub(in crate::resolve) struct Manner {
    /// With an OPT record and DO, or as in 1987.
    pub(in crate::resolve) edns: bool,
    /// With letters in random case (draft-vixie-dnsext-dns0x20).
    pub(in crate::resolve) mixed: bool,
    /// RD: for servers that are resolvers themselves.
    pub(in crate::resolve) recursion_desired: bool,
    /// CD: for resolvers that would check signatures, which is our business.
    pub(in crate::resolve) checking_disabled: bool,
    /// What nobody can read it in, if it is that: it is filled up, so that its
    /// length says little either.
    pub(in crate::resolve) hidden_in: Option<Transport>,
}

/// Writes a query with a random ID.  Nothing of the client is in it.
pub(in crate::resolve) fn request(name: &Name, rtype: RecordType, manner: Manner) -> Option<Vec<u8>> {
    let mut message = Message::query();
    message.metadata.id = rand::random();
    message.metadata.recursion_desired = manner.recursion_desired;
    message.metadata.checking_disabled = manner.checking_disabled;
    message.add_query(Query::query(name.to_lowercase(), rtype));
    if manner.edns {
        let mut edns = Edns::new();
        edns.set_max_payload(UDP_SIZE).set_dnssec_ok(true);
        message.set_edns(edns);
    }
    let mut wire = message.to_vec().ok()?;
    if let Some(transport) = manner.hidden_in
        && let Some(edns) = message.edns.as_mut()
    {
        // HTTP has means of its own.
        let asks = transport == Transport::Dot;
        if asks {
            edns.options_mut().insert(EdnsOption::Unknown(KEEPALIVE, Vec::new()));
        }
        let length = wire.len() + OPTION_HEAD * if asks { 2 } else { 1 };
        let padding = vec![0; length.next_multiple_of(BLOCK) - length];
        edns.options_mut().insert(EdnsOption::Unknown(PADDING, padding));
        wire = message.to_vec().ok()?;
    }
    if manner.mixed {
        let end = question_end(&wire)?;
        for octet in wire.get_mut(QUESTION..end - 4)? {
            // Lengths of labels are below 64 and so never letters.
            if octet.is_ascii_lowercase() && rand::random() {
                octet.make_ascii_uppercase();
            }
        }
    }
    Some(wire)
}

/// Returns where the one question of a message ends.
fn question_end(wire: &[u8]) -> Option<usize> {
    let mut at = QUESTION;
    loop {
        match *wire.get(at)? {
            0 => return Some(at + 5).filter(|end| *end <= wire.len()),
            length @ 1..64 => at += usize::from(length) + 1,
            _ => return None,
        }
    }
}

//----------- Seen -------------------------------------------------------------

/// What a datagram is, seen from the query it came for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::resolve) enum Seen {
    /// The reply.
    Reply,
    /// A near miss: somebody may be guessing, or the server does not keep the
    /// case of letters.  Over TCP neither matters.
    NearMiss,
    /// Nothing to do with it.
    Noise,
}

/// Looks at a datagram that came for a query ([RFC 5452 section 9.1]).
///
/// [RFC 5452 section 9.1]: https://www.rfc-editor.org/rfc/rfc5452#section-9.1
pub(in crate::resolve) fn look(request: &[u8], reply: &[u8]) -> Seen {
    let Some((id, rest)) = reply.split_first_chunk::<2>() else { return Seen::Noise };
    // QR, and OPCODE 0.
    if reply.len() < QUESTION || rest.first().is_none_or(|flags| flags & 0xf8 != 0x80) {
        return Seen::Noise;
    }
    if request.first_chunk::<2>() != Some(id) {
        return Seen::NearMiss;
    }
    let Some(end) = question_end(request) else { return Seen::Noise };
    let (Some(asked), Some(counts)) = (request.get(QUESTION..end), reply.get(4..6)) else {
        return Seen::Noise;
    };
    // Some who cannot read the question do not repeat it.
    if counts == [0, 0] {
        let failed = reply.get(3).is_some_and(|flags| matches!(flags & 0x0f, 1 | 2 | 4 | 5));
        return if failed { Seen::Reply } else { Seen::Noise };
    }
    if counts != [0, 1] {
        return Seen::Noise;
    }
    match reply.get(QUESTION..end) {
        Some(repeated) if repeated == asked => Seen::Reply,
        _ => Seen::NearMiss,
    }
}

/// Returns whether a reply repeats the question, but with letters in another
/// case.
pub(in crate::resolve) fn lost_case(request: &[u8], reply: &[u8]) -> bool {
    let question =
        |wire: &[u8]| question_end(wire).and_then(|end| wire.get(QUESTION..end).map(<[u8]>::to_vec));
    match (question(request), question(reply)) {
        (Some(asked), Some(repeated)) => asked != repeated && asked.eq_ignore_ascii_case(&repeated),
        _ => false,
    }
}

//----------- read -------------------------------------------------------------

/// Reads a reply for which [`look`] said so.
pub(in crate::resolve) fn read(request: &[u8], reply: &[u8]) -> Option<Message> {
    let mut wire = reply.to_vec();
    // Names in the reply point to the question for their letters: a case that
    // was random must not show in the answer.
    if let Some(end) = question_end(request).filter(|_| reply.get(4..6) == Some(&[0, 1])) {
        wire.get_mut(QUESTION..end - 4)?.make_ascii_lowercase();
    }
    let whole = Message::from_vec(&wire).ok();
    let whole = whole.filter(|message| !message.all_sections().any(old_types::is_compressed));
    let mut message = whole.or_else(|| super::lenient::read(&wire))?;
    if message.answers.len() + message.authorities.len() + message.additionals.len() > MAX_RECORDS {
        return None;
    }
    // An answer of another class is none, and does not say that there is nothing.
    let is_foreign = |record: &Record| record.dns_class != DNSClass::IN;
    if !message.answers.is_empty() && message.answers.iter().all(is_foreign) {
        return None;
    }
    for section in [&mut message.answers, &mut message.authorities, &mut message.additionals] {
        // Records without data are for updates (RFC 2136 section 2.4).
        let is_data = |record: &Record| !matches!(record.data, RData::Update0(_));
        section.retain(|record| !is_foreign(record) && is_data(record));
        for record in section {
            record.name = record.name.to_lowercase();
        }
    }
    Some(message)
}

/// Returns whether a reply has more records than any honest one.
///
/// Sets are taken as they come: whoever scatters one counts as having more.
pub(in crate::resolve) fn is_oversized(reply: &Message) -> bool {
    let mut sets = 0;
    for section in [&reply.answers, &reply.authorities, &reply.additionals] {
        let mut of_set = 0;
        let mut last: Option<&Record> = None;
        for record in section {
            let same = |last: &Record| last.record_type() == record.record_type() && last.name == record.name;
            (sets, of_set) = if last.is_some_and(same) { (sets, of_set + 1) } else { (sets + 1, 1) };
            if of_set > MAX_OF_SET || sets > MAX_SETS {
                return true;
            }
            last = Some(record);
        }
    }
    false
}

/// Returns whether a reply says that its server knows no EDNS (RFC 6891 section 7),
/// or none of version 0, which is the only one there is; BADSIG is the same number
/// as BADVERS.
pub(in crate::resolve) fn knows_no_edns(reply: &Message) -> bool {
    use ResponseCode as R;
    matches!(reply.metadata.response_code, R::FormErr | R::NotImp | R::BADVERS | R::BADSIG)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn name(text: &str) -> Name {
        Name::from_ascii(text).unwrap()
    }

    fn plain() -> Manner {
        Manner {
            edns: true,
            mixed: true,
            recursion_desired: false,
            checking_disabled: false,
            hidden_in: None,
        }
    }

    fn reply_to(request: &[u8]) -> Vec<u8> {
        let mut reply = request.to_vec();
        reply[2] |= 0x80;
        reply
    }

    #[test]
    fn a_query_tells_nothing_but_its_question() {
        let wire = request(&name("www.Example.com."), RecordType::A, plain()).unwrap();
        let message = Message::from_vec(&wire).unwrap();
        assert_eq!(message.queries[0].name(), &name("www.example.com."));
        let edns = message.edns.unwrap();
        assert_eq!((edns.max_payload(), edns.flags().dnssec_ok), (1_232, true));
        assert!(edns.options().as_ref().is_empty() && !message.metadata.recursion_desired);
    }

    #[test]
    fn ids_and_case_differ_from_query_to_query() {
        let make = || request(&name("abcdefghijklmnopqrstuvwxyz.example."), RecordType::A, plain()).unwrap();
        let (one, two) = (make(), make());
        assert_ne!(one[12..40], two[12..40]);
    }

    #[test]
    fn only_the_reply_is_taken_for_one() {
        let query = request(&name("www.example.com."), RecordType::A, plain()).unwrap();
        let good = reply_to(&query);
        assert_eq!(look(&query, &good), Seen::Reply);
        let mut other = good.clone();
        other[0] ^= 1;
        assert_eq!(look(&query, &other), Seen::NearMiss);
        let mut other = good.clone();
        other[13] ^= 0x20;
        assert_eq!((look(&query, &other), lost_case(&query, &other)), (Seen::NearMiss, true));
        assert_eq!(look(&query, &query), Seen::Noise);
        assert_eq!(look(&query, &good[..11]), Seen::Noise);
        let mut empty = good[..12].to_vec();
        empty[4..12].fill(0);
        assert_eq!(look(&query, &empty), Seen::Noise);
        empty[3] = 1;
        assert_eq!(look(&query, &empty), Seen::Reply);
    }

    #[test]
    fn the_random_case_does_not_show() {
        let query = request(&name("abcdefghijklmnop.example."), RecordType::A, plain()).unwrap();
        let message = read(&query, &reply_to(&query)).unwrap();
        assert_eq!(message.queries[0].name().to_ascii(), "abcdefghijklmnop.example.");
    }

    #[test]
    fn a_record_without_data_is_none() {
        let query = request(&name("www.example.com."), RecordType::A, plain()).unwrap();
        let mut reply = reply_to(&query);
        reply.truncate(question_end(&query).unwrap());
        reply[6..12].copy_from_slice(&[0, 3, 0, 0, 0, 0]);
        let head = [0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0];
        // One without data, one that makes no sense, and one that is good.
        for data in [&[0][..], &[1, 7], &[4, 192, 0, 2, 1]] {
            reply.extend(head);
            reply.extend(data);
        }
        assert_eq!(read(&query, &reply).unwrap().answers.len(), 1);
    }

    #[test]
    fn names_in_data_of_old_types_are_written_out() {
        let query = request(&name("www.example.com."), RecordType::A, plain()).unwrap();
        let mut reply = reply_to(&query);
        reply.truncate(question_end(&query).unwrap());
        reply[6..12].copy_from_slice(&[0, 3, 0, 0, 0, 0]);
        // RP has two names, AFSDB a number and one; the last one points behind itself.
        for (rtype, data) in
            [(17, &[1, b'A', 0xc0, 16, 0xc0, 12][..]), (18, &[0, 1, 0xc0, 12]), (9, &[0xc0, 250])]
        {
            reply.extend([0xc0, 12, 0, rtype, 0, 1, 0, 0, 0, 60, 0]);
            reply.push(u8::try_from(data.len()).unwrap());
            reply.extend(data);
        }
        let answers = read(&query, &reply).unwrap().answers;
        let data = |record: &Record| match &record.data {
            RData::Unknown { rdata, .. } => rdata.anything.clone(),
            other => panic!("{other}"),
        };
        let data: Vec<_> = answers.iter().map(data).collect();
        assert_eq!(data[0], b"\x01A\x07example\x03com\0\x03www\x07example\x03com\0");
        assert_eq!(data[1..], [b"\0\x01\x03www\x07example\x03com\0".to_vec()]);
    }

    proptest! {
        #[test]
        fn no_octets_panic(reply in proptest::collection::vec(any::<u8>(), 0..200), valid in any::<bool>()) {
            let query = request(&name("www.example.com."), RecordType::A, plain()).unwrap();
            let mut wire = if valid { reply_to(&query) } else { Vec::new() };
            wire.extend(reply);
            let _ = (look(&query, &wire), lost_case(&query, &wire), read(&query, &wire));
        }
    }
}
