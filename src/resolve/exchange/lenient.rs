//! Reading a message record by record, where the library's way will not do: a record
//! that makes no sense is left out, and the others count; names in data of old types
//! are written out.
//
//  The library refuses the whole message.  Who hides a broken record in a
//  referral would make a zone unreachable, and some servers do it by accident.
//  Of old types it keeps octets, in which pointers to the rest of the message would
//  lead nowhere.

use hickory_proto::op::Message;
use hickory_proto::rr::Record;
use hickory_proto::rr::RecordType;
use hickory_proto::serialize::binary::BinDecodable;
use hickory_proto::serialize::binary::BinDecoder;

use crate::resolve::old_types;

/// The fixed part of a record, behind its owner (RFC 1035 section 4.1.3).
const FIXED: usize = 10;

/// Reads what can be read of a message.
pub(super) fn read(wire: &[u8]) -> Option<Message> {
    let count =
        |at: usize| wire.get(at..at + 2).and_then(|octets| octets.try_into().ok()).map(u16::from_be_bytes);
    let mut at = 12;
    for _ in 0..count(4)? {
        at = behind_name(wire, at)? + 4;
    }
    // The library reads the header and the question.
    let mut head = wire.get(..at)?.to_vec();
    head.get_mut(6..12)?.fill(0);
    let mut message = Message::from_vec(&head).ok()?;
    for (section, records) in [
        (&mut message.answers, count(6)?),
        (&mut message.authorities, count(8)?),
        (&mut message.additionals, count(10)?),
    ] {
        for _ in 0..records {
            let data = behind_name(wire, at)? + FIXED;
            let length = count(data - 2)?;
            let rtype = count(data - FIXED)?;
            if RecordType::from(rtype) != RecordType::OPT
                && let Some(record) = record(wire, at)
            {
                section.extend(old_types::written_out(record, wire, data, data + usize::from(length)));
            }
            at = data + usize::from(length);
        }
    }
    Some(message)
}

/// Reads the record that begins at `at`, if it makes sense.
fn record(wire: &[u8], at: usize) -> Option<Record> {
    let mut decoder = BinDecoder::new(wire).clone(u16::try_from(at).ok()?);
    Record::read(&mut decoder).ok()
}

/// Returns where the octets behind a name begin.
fn behind_name(wire: &[u8], mut at: usize) -> Option<usize> {
    loop {
        match *wire.get(at)? {
            0 => return Some(at + 1),
            length @ 1..64 => at += usize::from(length) + 1,
            192.. => return Some(at + 2),
            _ => return None,
        }
    }
}
