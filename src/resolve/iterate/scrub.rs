//! [`hear`]: what a reply says, after everything is taken out of it that its
//! sender has no say in.
//!
//! A server speaks for the zone it was asked about and for nothing else.  What
//! it says of other names is dropped here, before anything is believed
//! (bailiwick; Bellovin 1995, Kaminsky 2008).

use std::sync::Arc;

use hickory_proto::op::Message;
use hickory_proto::op::ResponseCode;
use hickory_proto::rr::Name;
use hickory_proto::rr::RData;
use hickory_proto::rr::Record;
use hickory_proto::rr::RecordType;

use super::dname::by_dname;
use super::dname::contradicts_dname;
use super::found::Found;
use super::found::Kind;
use super::found::belongs;
use super::found::covered;
use super::found::labels;
use super::found::lifetime;
use super::found::picked;
use super::found::sane;
use super::found::signature;
use super::found::wants_aliases;
use super::heard::Asked;
use super::heard::Says;
use super::referral::referral;
use super::store::Delegation;
use crate::resolve::exchange::trouble::Trouble;
use crate::resolve::exchange::wire;
use crate::resolve::exchange::wire::MAX_OF_SET;
use crate::resolve::reached;

/// Returns what a reply says.
pub(super) fn hear(asked: &Asked<'_>, mut reply: Message) -> Result<Says, Trouble> {
    let rcode = reply.metadata.response_code;
    let by_dname = reply.answers.iter().any(|record| record.record_type() == RecordType::DNAME);
    let is_meant = match rcode {
        ResponseCode::NoError | ResponseCode::NXDomain => true,
        ResponseCode::YXDomain => by_dname,
        _ => false,
    };
    if !is_meant {
        return Err(Trouble::Refused(rcode));
    }
    if wire::is_oversized(&reply) {
        return Err(Trouble::Oversized);
    }
    let upwards = |record: &Record| {
        record.record_type() == RecordType::NS
            && record.name != *asked.zone
            && record.name.zone_of(asked.zone)
    };
    let leads_up = reply.authorities.iter().any(upwards);
    // Whoever tells of others only does not say that there is nothing.
    let tells_of_others =
        !reply.answers.is_empty() && reply.answers.iter().all(|record| record.name != *asked.name);
    // Whoever is named, and wherever that leads: the server itself does not know.
    let names_others = reply.authorities.iter().any(|record| record.record_type() == RecordType::NS);
    gather_signatures(&mut reply);
    for section in [&mut reply.answers, &mut reply.authorities] {
        section.retain(|record| asked.zone.zone_of(&record.name));
        section.dedup();
    }
    let authority = reply.metadata.authoritative;
    if let Some(found) = answer(asked, asked.name, &reply) {
        let more = along(asked, &found, &reply);
        // RFC 2181 section 5.4.1; a resolver that was asked by mistake.
        if !authority && reply.metadata.recursion_available {
            return Ok(Says::Hearsay(Arc::new(found)));
        }
        return Ok(Says::Answer(Arc::new(found), more));
    }
    if rcode == ResponseCode::YXDomain {
        return Err(Trouble::Refused(rcode));
    }
    let has_soa = reply
        .authorities
        .iter()
        .any(|record| record.record_type() == RecordType::SOA && record.name.zone_of(asked.name));
    if rcode == ResponseCode::NoError
        && !has_soa
        && let Some(delegation) = referral(asked, &reply)
    {
        return Ok(Says::Referral(Arc::new(delegation)));
    }
    let kind = if rcode == ResponseCode::NXDomain { Kind::NxDomain } else { Kind::NoData };
    let found = Arc::new(negative(asked, asked.name, kind, &reply));
    // A server that sends us up does not know the zone, whatever it claims.
    if (leads_up || tells_of_others) && !has_soa && rcode == ResponseCode::NoError {
        return Err(Trouble::Lame);
    }
    if authority {
        return Ok(Says::Answer(found, Vec::new()));
    }
    match rcode {
        // Some parents have never heard of DS and refer to the child.
        ResponseCode::NoError if names_others && asked.rtype == RecordType::DS => Ok(Says::Hearsay(found)),
        // A referral to the zone itself.
        ResponseCode::NoError if names_others && !has_soa => Err(Trouble::Lame),
        _ if has_soa && !reply.metadata.recursion_available => Ok(Says::Answer(found, Vec::new())),
        _ => Ok(Says::Hearsay(found)),
    }
}

/// Returns what the reply of another resolver says, which has followed aliases
/// and knows no delegations.
pub(super) fn hear_resolver(asked: &Asked<'_>, mut reply: Message) -> Result<Says, Trouble> {
    if wire::is_oversized(&reply) {
        return Err(Trouble::Oversized);
    }
    gather_signatures(&mut reply);
    for section in [&mut reply.answers, &mut reply.authorities] {
        section.retain(|record| asked.zone.zone_of(&record.name));
        section.dedup();
    }
    if let Some(found) = answer(asked, asked.name, &reply) {
        let more = along(asked, &found, &reply);
        return Ok(Says::Answer(Arc::new(found), more));
    }
    let kind = match reply.metadata.response_code {
        ResponseCode::NXDomain => Kind::NxDomain,
        ResponseCode::NoError => Kind::NoData,
        rcode => return Err(Trouble::Refused(rcode)),
    };
    Ok(Says::Answer(Arc::new(negative(asked, asked.name, kind, &reply)), Vec::new()))
}

/// Returns what the reply of another resolver says beside an answer about the
/// last zone that its aliases led to, where it sends on what it got from there:
/// DS records, or the proof that there are none.  No servers: nobody is to be
/// asked there.
pub(super) fn told_by_resolver(asked: &Asked<'_>, reply: &Message) -> Option<Delegation> {
    let last = reached::chain(asked.name, &reply.answers).pop()?.to_lowercase();
    let told = referral(&Asked { name: &last, ..*asked }, reply)?;
    let is_useful = !told.ds.is_empty() && !told.zone.is_root();
    is_useful.then(|| Delegation { servers: Vec::new(), glue: Vec::new(), ..told })
}

/// Puts signatures beside what they sign: some servers have them in another
/// section.
fn gather_signatures(reply: &mut Message) {
    let Message { answers, authorities, additionals, .. } = reply;
    let take = |to: &mut Vec<Record>, from: &[Record]| {
        for record in from.iter().filter(|record| signature(record).is_some()) {
            let signs = |set: &Record| set.record_type() == covered(record) && set.name == record.name;
            if to.iter().any(signs) && !to.contains(record) {
                to.push(record.clone());
            }
        }
    };
    take(answers, authorities);
    take(answers, additionals);
    take(authorities, additionals);
}

/// Returns where data of a name and type is: what delegates a zone is in its
/// parent (RFC 4035 section 3.1.4.1).
pub(super) fn place(name: &Name, rtype: RecordType) -> Name {
    if rtype == RecordType::DS && !name.is_root() { name.base_name() } else { name.clone() }
}

//----------- answer -----------------------------------------------------------

/// Returns what the answer section says of a name.
fn answer(asked: &Asked<'_>, name: &Name, reply: &Message) -> Option<Found> {
    let of = |rtype| -> Vec<Record> {
        if rtype == RecordType::RRSIG {
            return picked(&reply.answers, |record| record.name == *name && record.record_type() == rtype);
        }
        picked(&reply.answers, |record| belongs(record, name, rtype))
    };
    let has = |records: &[Record], rtype| {
        records.iter().any(|record: &Record| record.record_type() == rtype || rtype == RecordType::ANY)
    };
    let data = of(asked.rtype);
    let made = by_dname(name, reply);
    let (kind, answers) = match made {
        // The record was made of another, which is what is signed.
        Some((Kind::Alias(_), records)) if wants_aliases(asked.rtype) => (Kind::Data, records),
        _ if has(&data, asked.rtype) => (Kind::Data, data),
        Some(made) => made,
        None => {
            let mut alias = of(RecordType::CNAME);
            // An alias has one target (RFC 2181 section 10.1), unless more is signed.
            if alias.iter().all(|record| signature(record).is_none()) {
                alias.truncate(1);
            }
            let target = alias.iter().find_map(|record| match &record.data {
                RData::CNAME(target) => Some(target.0.clone()),
                _ => None,
            })?;
            (Kind::Alias(target), alias)
        }
    };
    // What proves that a wildcard was the closest match.
    let authorities = proofs(reply, false);
    let contradicted = contradicts_dname(name, reply);
    Some(Found { contradicted, ..found(asked, kind, answers, authorities) })
}

/// Returns what else the reply says along a chain of aliases within the zone.
fn along(asked: &Asked<'_>, first: &Found, reply: &Message) -> Vec<(Name, Arc<Found>)> {
    let mut more: Vec<(Name, Arc<Found>)> = Vec::new();
    let mut kind = first.kind.clone();
    while let Kind::Alias(target) = kind {
        let target = target.to_lowercase();
        let seen = more.iter().any(|(name, _)| *name == target) || target == *asked.name;
        if seen || more.len() > crate::resolve::exchange::budget::MAX_ALIASES || !asked.zone.zone_of(&target)
        {
            break;
        }
        let Some(next) = answer(asked, &target, reply).or_else(|| end_of_chain(asked, &target, reply)) else {
            break;
        };
        kind = next.kind.clone();
        more.push((target, Arc::new(next)));
    }
    more
}

/// Returns the negative answer about the last name of a chain, if the reply has
/// one: with the SOA record of the zone that says so.
fn end_of_chain(asked: &Asked<'_>, target: &Name, reply: &Message) -> Option<Found> {
    let has_soa = reply
        .authorities
        .iter()
        .any(|record| record.record_type() == RecordType::SOA && record.name.zone_of(target));
    let kind = match reply.metadata.response_code {
        ResponseCode::NXDomain => Kind::NxDomain,
        _ => Kind::NoData,
    };
    has_soa.then(|| negative(asked, target, kind, reply))
}

/// Returns the negative answer about a name.  The zone that gives it is the one
/// nearest to the name of which there is an SOA record; those of others, which
/// aliases have led through, say nothing.
fn negative(asked: &Asked<'_>, name: &Name, kind: Kind, reply: &Message) -> Found {
    let mut proofs = proofs(reply, true);
    let is_soa = |record: &Record| covered(record) == RecordType::SOA;
    let of_name = proofs.iter().filter(|record| is_soa(record) && record.name.zone_of(name));
    let zone = of_name.map(|record| record.name.clone()).max_by_key(labels);
    proofs.retain(|record| !is_soa(record) || Some(&record.name) == zone.as_ref());
    found(asked, kind, Vec::new(), proofs)
}

/// Returns the records of the authority section that prove something.
fn proofs(reply: &Message, with_soa: bool) -> Vec<Record> {
    let proves = |record: &&Record| match covered(record) {
        RecordType::NSEC | RecordType::NSEC3 => true,
        RecordType::SOA => with_soa,
        _ => false,
    };
    reply.authorities.iter().filter(proves).take(MAX_OF_SET).cloned().collect()
}

/// Puts an answer together.
fn found(asked: &Asked<'_>, kind: Kind, mut answers: Vec<Record>, mut authorities: Vec<Record>) -> Found {
    for record in answers.iter_mut().chain(&mut authorities) {
        record.ttl = sane(record.ttl);
    }
    let ttl = lifetime(&kind, &answers, &authorities);
    let zone = asked.zone.clone();
    Found {
        kind,
        contradicted: false,
        answers,
        authorities,
        zone,
        server: asked.server,
        stored: asked.now,
        ttl,
    }
}
