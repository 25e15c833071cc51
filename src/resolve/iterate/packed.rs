//! [`PackedFound`] and [`PackedDelegation`]: what zones said, as the stores keep
//! it.
//!
//! In the DNS's own form, with names compressed.  Read, a name takes 80 octets
//! and a record 250, whatever is in them, and lists have room to spare: a store
//! would hold a fifth of the zones.  What is not asked for need not be read.

use std::net::IpAddr;
use std::net::SocketAddr;
use std::net::SocketAddrV6;
use std::sync::Arc;
use std::time::Instant;

use hickory_proto::ProtoError;
use hickory_proto::rr::Name;
use hickory_proto::rr::RData;
use hickory_proto::rr::Record;
use hickory_proto::serialize::binary::BinDecodable;
use hickory_proto::serialize::binary::BinDecoder;
use hickory_proto::serialize::binary::BinEncodable;
use hickory_proto::serialize::binary::BinEncoder;

use super::found::Found;
use super::found::Kind;
use super::found::age;
use super::store::Delegation;
use crate::resolve::demand::is_ending;

/// The most that is kept, in octets.
const MOST: u16 = 16 * 1_024;

/// What most of it fits in while it is made, in octets.
const USUAL: usize = 512;

//----------- PackedFound ------------------------------------------------------

/// What a zone says of a name and type, packed.  A clone shares the octets.
#[derive(Clone, Debug)]
pub(super) struct PackedFound {
    /// The zone whose servers were asked, who said so, and the records.
    octets: Arc<[u8]>,
    /// When it came.
    stored: Instant,
    /// How long it may be kept, in seconds.
    ttl: u32,
    /// How many of the records are answers.
    answers: u16,
    /// What it comes to.
    pub(super) outline: Outline,
    /// See [`Found::contradicted`].
    contradicted: bool,
}

/// What it comes to, without the target of an alias.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Outline {
    /// There is data.
    Data,
    /// The name is an alias of another.
    Alias,
    /// It would be of one that is too long.
    TooLong,
    /// The name exists, the type does not.
    NoData,
    /// The name does not exist.
    NxDomain,
}

impl PackedFound {
    /// Packs what was found, unless it is too large.
    pub(super) fn new(found: &Found) -> Option<Self> {
        let octets = pack(|out| {
            found.zone.emit(out)?;
            put_server(found.server, out)?;
            found.answers.iter().chain(&found.authorities).try_for_each(|record| record.emit(out))
        })?;
        let outline = match found.kind {
            Kind::Data => Outline::Data,
            Kind::Alias(_) => Outline::Alias,
            Kind::TooLong => Outline::TooLong,
            Kind::NoData => Outline::NoData,
            Kind::NxDomain => Outline::NxDomain,
        };
        Some(Self {
            octets,
            stored: found.stored,
            ttl: found.ttl,
            answers: u16::try_from(found.answers.len()).ok()?,
            outline,
            contradicted: found.contradicted,
        })
    }

    /// Returns it as it was.
    pub(super) fn unpack(&self) -> Option<Found> {
        let mut from = BinDecoder::new(&self.octets);
        let zone = Name::read(&mut from).ok()?;
        let server = server(&mut from)?;
        let count = usize::from(self.answers);
        let mut answers = records(&mut from, count)?;
        let authorities = answers.split_off(answers.len().min(count));
        let kind = match self.outline {
            Outline::Data => Kind::Data,
            Outline::Alias => Kind::Alias(answers.iter().find_map(target)?),
            Outline::TooLong => Kind::TooLong,
            Outline::NoData => Kind::NoData,
            Outline::NxDomain => Kind::NxDomain,
        };
        let Self { stored, ttl, contradicted, .. } = *self;
        Some(Found { kind, answers, authorities, contradicted, zone, server, stored, ttl })
    }

    /// Returns whether there is data.
    pub(super) fn is_data(&self) -> bool {
        self.outline == Outline::Data
    }

    /// Returns whether it may still be used.
    pub(super) fn is_fresh(&self, now: Instant) -> bool {
        age(self.stored, now) < self.ttl
    }

    /// Returns whether its time is as good as up, by what counts as that for an
    /// answer, and a second more.
    pub(super) fn is_ending(&self, now: Instant) -> bool {
        is_ending(self.ttl, age(self.stored, now).saturating_add(1))
    }

    /// Returns how many octets are packed.
    pub(super) fn length(&self) -> usize {
        self.octets.len()
    }
}

/// Returns where an alias leads.
fn target(record: &Record) -> Option<Name> {
    match &record.data {
        RData::CNAME(target) => Some(target.0.clone()),
        _ => None,
    }
}

//----------- PackedDelegation -------------------------------------------------

/// Where a zone is delegated to, packed.  A clone shares the octets.
#[derive(Clone, Debug)]
pub(super) struct PackedDelegation {
    /// The zone, and its name servers, each with its glue.
    octets: Arc<[u8]>,
    /// DS records, or the proof that there are none.
    ds: Option<Arc<[u8]>>,
    /// Until when it holds.
    until: Instant,
}

impl PackedDelegation {
    /// Packs a delegation that some zone made, unless it is too large.
    pub(super) fn new(delegation: &Delegation) -> Option<Self> {
        let octets = pack(|out| {
            delegation.zone.emit(out)?;
            out.emit_u16(u16::try_from(delegation.servers.len()).unwrap_or(u16::MAX))?;
            for server in &delegation.servers {
                server.emit(out)?;
                out.emit_u16(u16::try_from(delegation.glue_of(server).count()).unwrap_or(u16::MAX))?;
                delegation.glue_of(server).try_for_each(|address| put_address(address, out))?;
            }
            Ok(())
        })?;
        let ds = match delegation.ds.as_slice() {
            [] => None,
            records => Some(pack(|out| records.iter().try_for_each(|record| record.emit(out)))?),
        };
        Some(Self { octets, ds, until: delegation.until? })
    }

    /// Returns it as it was.
    pub(super) fn unpack(&self) -> Option<Delegation> {
        let mut from = BinDecoder::new(&self.octets);
        let zone = Name::read(&mut from).ok()?;
        let (mut servers, mut glue) = (Vec::new(), Vec::new());
        for _ in 0..u16::read(&mut from).ok()? {
            let server = Name::read(&mut from).ok()?;
            for _ in 0..u16::read(&mut from).ok()? {
                glue.push((server.clone(), address(&mut from)?));
            }
            servers.push(server);
        }
        let ds = self.ds().unwrap_or_default();
        Some(Delegation { zone, servers, glue, fixed: Vec::new(), ds, until: Some(self.until) })
    }

    /// Returns its DS records, or the proof that there are none, if it has any.
    pub(super) fn ds(&self) -> Option<Vec<Record>> {
        records(&mut BinDecoder::new(self.ds.as_ref()?), 0)
    }

    /// Returns it without what it says of DS records.
    pub(super) fn without_ds(self) -> Self {
        Self { ds: None, ..self }
    }

    /// See [`Delegation::is_fresh`].
    pub(super) fn is_fresh(&self, now: Instant) -> bool {
        now < self.until
    }

    /// Returns how many octets are packed, piece by piece.
    pub(super) fn lengths(&self) -> impl Iterator<Item = usize> {
        std::iter::once(&self.octets).chain(&self.ds).map(|octets| octets.len())
    }
}

//----------- helpers for octets -----------------------------------------------

/// Returns what is written, unless it is too much.
fn pack(write: impl FnOnce(&mut BinEncoder<'_>) -> Result<(), ProtoError>) -> Option<Arc<[u8]>> {
    let mut octets = Vec::with_capacity(USUAL);
    let mut out = BinEncoder::new(&mut octets);
    out.set_max_size(MOST);
    write(&mut out).ok()?;
    Some(octets.into())
}

/// Returns the records up to the end, of which there are at least so many.
fn records(from: &mut BinDecoder<'_>, least: usize) -> Option<Vec<Record>> {
    // No more, most often; a list would begin with room for four.
    let mut records = Vec::with_capacity(least.max(1));
    while !from.is_empty() {
        records.push(Record::read(from).ok()?);
    }
    Some(records)
}

/// Writes an address, its length before it.
fn put_address(address: IpAddr, out: &mut BinEncoder<'_>) -> Result<(), ProtoError> {
    match address {
        IpAddr::V4(address) => out.emit_character_data(address.octets()),
        IpAddr::V6(address) => out.emit_character_data(address.octets()),
    }
}

/// Reads an address.
fn address(from: &mut BinDecoder<'_>) -> Option<IpAddr> {
    let octets = from.read_character_data().ok()?.unverified();
    let four = <[u8; 4]>::try_from(octets).map(IpAddr::from);
    four.or_else(|_| <[u8; 16]>::try_from(octets).map(IpAddr::from)).ok()
}

/// Writes whom to ask.
fn put_server(server: SocketAddr, out: &mut BinEncoder<'_>) -> Result<(), ProtoError> {
    put_address(server.ip(), out)?;
    out.emit_u16(server.port())?;
    if let SocketAddr::V6(server) = server {
        out.emit_u32(server.flowinfo())?;
        out.emit_u32(server.scope_id())?;
    }
    Ok(())
}

/// Reads whom to ask.
fn server(from: &mut BinDecoder<'_>) -> Option<SocketAddr> {
    let address = address(from)?;
    let port = u16::read(from).ok()?;
    let IpAddr::V6(address) = address else { return Some(SocketAddr::new(address, port)) };
    let (flow, scope) = (u32::read(from).ok()?, u32::read(from).ok()?);
    Some(SocketAddrV6::new(address, port, flow, scope).into())
}

#[cfg(test)]
mod tests;
