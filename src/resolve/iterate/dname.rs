//! DNAME: one record that says where all names below it are ([RFC 6672]).
//!
//! The alias of a name follows from it and is made here, whether a server sent one
//! or not: it is the DNAME record that is signed.
//!
//! [RFC 6672]: https://www.rfc-editor.org/rfc/rfc6672

use hickory_proto::op::Message;
use hickory_proto::rr::Name;
use hickory_proto::rr::RData;
use hickory_proto::rr::Record;
use hickory_proto::rr::RecordType;
use hickory_proto::rr::rdata::CNAME;

use super::found::Found;
use super::found::Kind;
use super::found::belongs;
use super::found::labels;
use crate::resolve::reached::dname_target;

/// Returns what a DNAME record above `name` makes of it, and the records that say
/// so (RFC 6672 section 3.1).
pub(super) fn by_dname(name: &Name, reply: &Message) -> Option<(Kind, Vec<Record>)> {
    let above = |record: &&Record| record.record_type() == RecordType::DNAME && is_above(&record.name, name);
    let dname = reply.answers.iter().filter(above).max_by_key(|record| labels(&record.name))?;
    let mut records: Vec<Record> = reply
        .answers
        .iter()
        .filter(|record| belongs(record, &dname.name, RecordType::DNAME))
        .cloned()
        .collect();
    let (kind, alias) = made_of(dname, name)?;
    records.extend(alias);
    Some((kind, records))
}

/// Returns whether a name is above another.
fn is_above(name: &Name, other: &Name) -> bool {
    name != other && name.zone_of(other)
}

/// Returns what a DNAME record makes of a name, and the CNAME record for it unless
/// its target is too long.
fn made_of(dname: &Record, name: &Name) -> Option<(Kind, Option<Record>)> {
    let Some(target) = replaced(name, &dname.name, &dname_target(dname)?) else {
        return Some((Kind::TooLong, None));
    };
    let alias = RData::CNAME(CNAME(target.clone()));
    Some((Kind::Alias(target), Some(Record::from_rdata(name.clone(), dname.ttl, alias))))
}

/// Returns what follows for `name` from an answer about a DNAME record above.
pub(super) fn from_dname(name: &Name, dname: &Found) -> Option<Found> {
    let record = dname.answers.iter().find(|record| record.record_type() == RecordType::DNAME)?;
    let (kind, alias) = made_of(record, name).filter(|_| is_above(&record.name, name))?;
    let mut answers = dname.answers.clone();
    answers.extend(alias);
    Some(Found { kind, answers, ..dname.clone() })
}

/// Returns whether a reply has a CNAME record beside a DNAME record that does not
/// follow from it.  One of them is forged.
pub(super) fn contradicts_dname(name: &Name, reply: &Message) -> bool {
    let Some((made, _)) = by_dname(name, reply) else { return false };
    reply.answers.iter().any(|record| match &record.data {
        RData::CNAME(target) => record.name == *name && made != Kind::Alias(target.0.clone()),
        _ => false,
    })
}

/// Returns `name` with its end `old` replaced by `new`; nothing if that would
/// be too long.
fn replaced(name: &Name, old: &Name, new: &Name) -> Option<Name> {
    let kept = labels(name).checked_sub(labels(old))?;
    let prefix = Name::from_labels(name.iter().take(kept)).ok()?;
    prefix.append_domain(new).ok()
}
