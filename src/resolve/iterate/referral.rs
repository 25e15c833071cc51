//! Referrals: where a zone is delegated to, as far as whoever says so has a say in
//! it.
//!
//! Apart from [`scrub`](super::scrub), which decides what a reply is.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use hickory_proto::op::Message;
use hickory_proto::op::ResponseCode;
use hickory_proto::rr::Name;
use hickory_proto::rr::RData;
use hickory_proto::rr::Record;
use hickory_proto::rr::RecordType;

use super::found::covered;
use super::found::labels;
use super::found::sane;
use super::heard::Asked;
use super::heard::Says;
use super::store::Delegation;
use crate::resolve::exchange::trouble::Trouble;
use crate::resolve::exchange::wire::MAX_OF_SET;

/// The most name servers of a delegation that are looked at.
pub(super) const MAX_SERVERS: usize = 13;

/// The most addresses of one name server that are looked at.
pub(super) const MAX_ADDRESSES: usize = 6;

/// The longest a delegation is believed, in seconds.
const MAX_DELEGATION: u32 = 86_400;

/// Returns the delegation in a reply, if it leads down towards the name.
pub(super) fn referral(asked: &Asked<'_>, reply: &Message) -> Option<Delegation> {
    let leads_down = |record: &&Record| {
        record.record_type() == RecordType::NS
            && record.name != *asked.zone
            && record.name.zone_of(asked.name)
            // DS is the parent's, so a referral to the zone itself answers nothing.
            && !(asked.rtype == RecordType::DS && record.name == *asked.name)
    };
    let first = reply.authorities.iter().filter(leads_down).max_by_key(|record| labels(&record.name))?;
    let zone = first.name.clone();
    let mut ttl = MAX_DELEGATION;
    let mut servers = Vec::new();
    for record in reply.authorities.iter().filter(|record| record.name == zone) {
        let RData::NS(server) = &record.data else { continue };
        ttl = ttl.min(sane(record.ttl));
        let server = server.0.to_lowercase();
        if !servers.contains(&server) && servers.len() < MAX_SERVERS {
            servers.push(server);
        }
    }
    let mut glue = glue(asked.zone, &servers, &reply.additionals);
    // They are kept, and by the thousand.
    servers.shrink_to_fit();
    glue.shrink_to_fit();
    let ds = reply
        .authorities
        .iter()
        .filter(|record| match covered(record) {
            RecordType::DS => record.name == zone,
            RecordType::NSEC | RecordType::NSEC3 => true,
            _ => false,
        })
        .take(MAX_OF_SET)
        .cloned()
        .collect();
    Some(Delegation {
        zone,
        servers,
        glue,
        fixed: Vec::new(),
        ds,
        // A TTL of 0 still has to last until the servers were asked.
        until: Some(asked.now + Duration::from_secs(u64::from(ttl.max(5)))),
    })
}

/// Returns what a reply to a priming query says: the root's own name servers.
pub(super) fn hear_root(asked: &Asked<'_>, reply: &Message) -> Result<Says, Trouble> {
    if reply.metadata.response_code != ResponseCode::NoError {
        return Err(Trouble::Refused(reply.metadata.response_code));
    }
    let mut ttl = MAX_DELEGATION;
    let mut servers = Vec::new();
    for record in reply.answers.iter().filter(|record| record.name.is_root()) {
        if let RData::NS(server) = &record.data
            && servers.len() < MAX_SERVERS
        {
            ttl = ttl.min(sane(record.ttl));
            servers.push(server.0.to_lowercase());
        }
    }
    if servers.is_empty() {
        return Err(Trouble::Lame);
    }
    let glue = glue(asked.zone, &servers, &reply.additionals);
    Ok(Says::Referral(Arc::new(Delegation {
        zone: Name::root(),
        servers,
        glue,
        fixed: Vec::new(),
        ds: Vec::new(),
        until: Some(asked.now + Duration::from_secs(u64::from(ttl.max(5)))),
    })))
}

/// Returns the addresses of `servers` that a server of `zone` may tell: those
/// of names in the zone.
fn glue(zone: &Name, servers: &[Name], additionals: &[Record]) -> Vec<(Name, IpAddr)> {
    let mut glue: Vec<(Name, IpAddr)> = Vec::new();
    for record in additionals {
        let address = match &record.data {
            RData::A(a) => IpAddr::V4(a.0),
            RData::AAAA(a) => IpAddr::V6(a.0),
            _ => continue,
        };
        let of_name = glue.iter().filter(|(name, _)| *name == record.name).count();
        let new = !glue.iter().any(|(_, known)| *known == address);
        if new && of_name < MAX_ADDRESSES && zone.zone_of(&record.name) && servers.contains(&record.name) {
            glue.push((record.name.clone(), address));
        }
    }
    glue
}
