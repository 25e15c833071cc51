//! Types of records whose data has names in it, and of which the library knows no
//! more than octets.
//!
//! Apart, because two read them: whoever takes a reply apart, where names may be
//! compressed (RFC 3597 section 4), and whoever checks signatures, for which they are
//! in lower case (RFC 4034 section 6.2).

use hickory_proto::rr::Name;
use hickory_proto::rr::RData;
use hickory_proto::rr::Record;
use hickory_proto::rr::rdata::NULL;
use hickory_proto::serialize::binary::BinDecodable;
use hickory_proto::serialize::binary::BinDecoder;
use hickory_proto::serialize::binary::BinEncodable;
use hickory_proto::serialize::binary::BinEncoder;
use hickory_proto::serialize::binary::NameEncoding;

/// Returns where in the data of a type the names begin, if nothing but names comes
/// from there on.
pub(super) fn names_from(rtype: u16) -> Option<usize> {
    match rtype {
        // MD, MF, MB, MG, MR, MINFO, RP, DNAME.
        3 | 4 | 7..=9 | 14 | 17 | 39 => Some(0),
        // AFSDB, RT, PX, KX.
        18 | 21 | 26 | 36 => Some(2),
        _ => None,
    }
}

/// Returns whether a name in the data of a record is compressed.
pub(super) fn is_compressed(record: &Record) -> bool {
    let RData::Unknown { code, rdata } = &record.data else { return false };
    let Some(mut at) = names_from((*code).into()) else { return false };
    while let Some(length) = rdata.anything.get(at) {
        if *length >= 0xc0 {
            return true;
        }
        at += usize::from(*length) + 1;
    }
    false
}

/// Returns a record with its names written out; its data is in `wire` from `from` to
/// `to`.
pub(super) fn written_out(mut record: Record, wire: &[u8], from: usize, to: usize) -> Option<Record> {
    let code = record.record_type();
    let Some(names) = names_from(code.into()).filter(|_| is_compressed(&record)) else {
        return Some(record);
    };
    let mut octets = wire.get(from..from + names)?.to_vec();
    let mut decoder = BinDecoder::new(wire).clone(u16::try_from(from + names).ok()?);
    while decoder.index() < to {
        let name = Name::read(&mut decoder).ok()?;
        let mut text = Vec::new();
        let mut encoder = BinEncoder::new(&mut text);
        encoder.set_name_encoding(NameEncoding::Uncompressed);
        name.emit(&mut encoder).ok()?;
        octets.extend(text);
    }
    record.data = RData::Unknown { code, rdata: NULL::with(octets) };
    (decoder.index() == to).then_some(record)
}
