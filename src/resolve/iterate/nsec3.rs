//! Proofs that something does not exist, with NSEC3 records ([RFC 5155 section
//! 8]).
//!
//! [RFC 5155 section 8]: https://www.rfc-editor.org/rfc/rfc5155#section-8

use hickory_proto::dnssec::rdata::NSEC3;
use hickory_proto::rr::Name;
use hickory_proto::rr::RecordType;

use super::denial::NoDs;
use super::denial::Proof;
use super::denial::Types;
use super::denial::lacks;
use super::denial::no_ds;
use super::denial::wildcard_below;
use super::found::labels;
use crate::resolve::Unsupported;
use crate::resolve::exchange::budget::Budget;
use crate::resolve::exchange::trouble::Trouble;
use crate::resolve::stats::Limit;

/// With more iterations a zone is as good as unsigned (RFC 9276 section 3.2; as
/// unbound has it).
const MAX_ITERATIONS: u16 = 150;

/// How many iterations count as one hash of the budget: so the work is what
/// 256 hashes of 50 iterations are, however many a zone wants.
const ITERATIONS: u16 = 50;

/// How many NSEC3 records of one reply are looked at.
const MAX_RECORDS: usize = 10;

//----------- Nsec3s -----------------------------------------------------------

/// The NSEC3 records of a zone.
#[derive(Debug)]
pub(super) struct Nsec3s<'a> {
    /// The zone.
    zone: &'a Name,
    /// The records.
    records: Vec<Kept<'a>>,
    /// Of each way in which names are hashed, a record that says so: a zone that
    /// changes its salt has two.
    ways: Vec<&'a NSEC3>,
    /// How many hashes may be made.
    budget: Option<&'a Budget>,
}

/// One of them.
#[derive(Debug)]
struct Kept<'a> {
    /// The hash that is its owner.
    owner: Vec<u8>,
    /// The record.
    nsec3: &'a NSEC3,
    /// Which of the ways it is hashed in.
    way: usize,
}

/// How close the records come to a name.
struct Closest<'a> {
    /// The longest name above that exists.
    encloser: Name,
    /// The record that covers the name one label longer.
    covers_next: Option<&'a NSEC3>,
}

impl<'a> Nsec3s<'a> {
    /// Gathers records.
    pub(super) fn new(
        zone: &'a Name,
        records: impl Iterator<Item = (&'a Name, &'a NSEC3)>,
        budget: &'a Budget,
    ) -> Self {
        let mut all = Self { budget: Some(budget), ..Self::none(zone) };
        for (owner, nsec3) in records.take(MAX_RECORDS) {
            // One level below the zone.
            let hash = owner.iter().next().and_then(base32);
            if let Some(owner) = hash.filter(|_| owner.base_name() == *zone) {
                let way = all.way(nsec3);
                all.records.push(Kept { owner, nsec3, way });
            }
        }
        all
    }

    /// Returns no records.
    pub(super) fn none(zone: &'a Name) -> Self {
        Self { zone, records: Vec::new(), ways: Vec::new(), budget: None }
    }

    /// Returns the way in which a record is hashed.
    fn way(&mut self, nsec3: &'a NSEC3) -> usize {
        let alike = |way: &&NSEC3| way.salt() == nsec3.salt() && way.iterations() == nsec3.iterations();
        self.ways.iter().position(alike).unwrap_or_else(|| {
            self.ways.push(nsec3);
            self.ways.len() - 1
        })
    }

    /// Returns whether looking at the records costs too much.
    fn is_too_dear(&self) -> bool {
        self.ways.iter().any(|way| way.iterations() > MAX_ITERATIONS)
    }

    /// Returns a record for which a test holds, which is given the hash of the name as
    /// that record has it.
    fn find(
        &self,
        name: &Name,
        test: impl Fn(&Kept<'_>, &[u8]) -> bool,
    ) -> Result<Option<&'a NSEC3>, Trouble> {
        for (nth, way) in self.ways.iter().enumerate() {
            if let Some(budget) = self.budget {
                budget.take(Limit::Hashes, usize::from(way.iterations().div_ceil(ITERATIONS).max(1)))?;
            }
            let Ok(hash) = way.hash_algorithm().hash(way.salt(), name, way.iterations()) else { continue };
            let found = self.records.iter().find(|kept| kept.way == nth && test(kept, hash.as_ref()));
            if let Some(kept) = found {
                return Ok(Some(kept.nsec3));
            }
        }
        Ok(None)
    }

    /// Returns the record of a name.
    fn at(&self, name: &Name) -> Result<Option<&'a NSEC3>, Trouble> {
        self.find(name, |kept, hash| kept.owner == hash)
    }

    /// Returns the record that says that a name does not exist.
    fn covering(&self, name: &Name) -> Result<Option<&'a NSEC3>, Trouble> {
        self.find(name, |kept, hash| {
            let (owner, next) = (kept.owner.as_slice(), kept.nsec3.next_hashed_owner_name());
            // The last one leads back to the first.
            if owner < next { owner < hash && hash < next } else { owner < hash || hash < next }
        })
    }

    /// Returns the closest encloser of a name that does not exist (RFC 5155
    /// section 8.3).
    fn closest(&self, name: &Name) -> Result<Option<Closest<'a>>, Trouble> {
        let all = labels(name);
        for count in (labels(self.zone)..all).rev() {
            let encloser = name.trim_to(count);
            let Some(nsec3) = self.at(&encloser)? else { continue };
            if Types::new(nsec3.type_bit_maps()).is_cut() {
                return Ok(None);
            }
            let covers_next = self.covering(&name.trim_to(count + 1))?;
            return Ok(Some(Closest { encloser, covers_next }));
        }
        Ok(None)
    }

    /// See [`Proofs::nxdomain`](super::denial::Proofs::nxdomain).
    pub(super) fn nxdomain(&self, name: &Name) -> Result<Proof, Trouble> {
        if self.is_too_dear() {
            return Ok(Proof::Insecure(Some(Unsupported::Iterations)));
        }
        // Who says of a name that it is there, and is not, proves nothing.
        if self.at(name)?.is_some() {
            return Ok(Proof::No);
        }
        let Some(Closest { encloser, covers_next: Some(next) }) = self.closest(name)? else {
            return Ok(Proof::No);
        };
        let Some(wildcard) = wildcard_below(&encloser) else { return Ok(Proof::No) };
        Ok(match self.covering(&wildcard)? {
            None => Proof::No,
            Some(_) if next.opt_out() => Proof::Insecure(None),
            Some(_) => Proof::Yes,
        })
    }

    /// See [`Proofs::nodata`](super::denial::Proofs::nodata).
    pub(super) fn nodata(&self, name: &Name, rtype: RecordType) -> Result<Proof, Trouble> {
        if self.is_too_dear() {
            return Ok(Proof::Insecure(Some(Unsupported::Iterations)));
        }
        if let Some(nsec3) = self.at(name)? {
            let proven = lacks(&Types::new(nsec3.type_bit_maps()), name, rtype);
            return Ok(if proven { Proof::Yes } else { Proof::No });
        }
        let Some(Closest { encloser, covers_next: Some(next) }) = self.closest(name)? else {
            return Ok(Proof::No);
        };
        let wildcard = wildcard_below(&encloser).map(|wildcard| self.at(&wildcard)).transpose()?.flatten();
        if let Some(nsec3) = wildcard {
            let proven = lacks(&Types::new(nsec3.type_bit_maps()), name, rtype);
            return Ok(match proven {
                true if next.opt_out() => Proof::Insecure(None),
                true => Proof::Yes,
                false => Proof::No,
            });
        }
        Ok(if next.opt_out() { Proof::Insecure(None) } else { Proof::No })
    }

    /// See [`Proofs::wildcard`](super::denial::Proofs::wildcard).
    pub(super) fn wildcard(&self, name: &Name, signed: usize) -> Result<Proof, Trouble> {
        if self.is_too_dear() {
            return Ok(Proof::Insecure(Some(Unsupported::Iterations)));
        }
        Ok(match self.covering(&name.trim_to(signed + 1))? {
            None => Proof::No,
            Some(nsec3) if nsec3.opt_out() => Proof::Insecure(None),
            Some(_) => Proof::Yes,
        })
    }

    /// See [`Proofs::is_given_away`](super::denial::Proofs::is_given_away).
    pub(super) fn is_given_away(&self, name: &Name) -> Result<bool, Trouble> {
        for count in labels(self.zone) + 1..=labels(name) {
            let types = self.at(&name.trim_to(count))?.map(|nsec3| Types::new(nsec3.type_bit_maps()));
            if types.is_some_and(|types| types.is_unsigned_delegation()) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// See [`Proofs::no_ds`](super::denial::Proofs::no_ds).
    pub(super) fn no_ds(&self, name: &Name) -> Result<NoDs, Trouble> {
        if self.is_too_dear() {
            return Ok(NoDs::Unsigned(Some(Unsupported::Iterations)));
        }
        if let Some(nsec3) = self.at(name)? {
            return Ok(no_ds(&Types::new(nsec3.type_bit_maps()), name));
        }
        Ok(match self.closest(name)? {
            Some(Closest { covers_next: Some(next), .. }) if next.opt_out() => NoDs::Unsigned(None),
            Some(Closest { covers_next: Some(_), .. }) => NoDs::NoCut,
            _ => NoDs::Unproven,
        })
    }
}

/// Reads Base32 with the extended hex alphabet, without padding (RFC 4648
/// section 7).
fn base32(text: &[u8]) -> Option<Vec<u8>> {
    let mut octets = Vec::with_capacity(text.len() * 5 / 8);
    let (mut bits, mut held) = (0u32, 0u32);
    for byte in text {
        let value = match byte.to_ascii_lowercase() {
            digit @ b'0'..=b'9' => digit - b'0',
            letter @ b'a'..=b'v' => letter - b'a' + 10,
            _ => return None,
        };
        bits = bits << 5 & 0xffff | u32::from(value);
        held += 5;
        if held >= 8 {
            held -= 8;
            octets.push((bits >> held & 0xff) as u8);
        }
    }
    Some(octets)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_read() {
        assert_eq!(base32(b"CPNMUOJ1").unwrap(), b"fooba");
        assert_eq!(base32(b"cpnmu").unwrap(), b"foo");
        assert_eq!(base32(b"w"), None);
        // RFC 5155 appendix A: example. is 0p9mhaveqvm6t7vbl5lop2u3t2rp3tom.
        let hash = base32(b"0p9mhaveqvm6t7vbl5lop2u3t2rp3tom").unwrap();
        assert_eq!(hash.len(), 20);
    }
}
