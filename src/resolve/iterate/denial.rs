//! Proofs that something does not exist, with NSEC records ([RFC 4035 section
//! 5.4], [RFC 6840 section 4]).
//!
//! [RFC 4035 section 5.4]: https://www.rfc-editor.org/rfc/rfc4035#section-5.4
//! [RFC 6840 section 4]: https://www.rfc-editor.org/rfc/rfc6840#section-4

use hickory_proto::dnssec::rdata::NSEC;
use hickory_proto::rr::Name;
use hickory_proto::rr::RecordType;

use super::found::labels;
use super::nsec3::Nsec3s;
use crate::resolve::Unsupported;
use crate::resolve::exchange::trouble::Trouble;

/// The type that says in an NSEC record that there is no such name (RFC 9824).
const NXNAME: u16 = 128;

//----------- Proof, Proofs ----------------------------------------------------

/// What records prove.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Proof {
    /// What was to be proven.
    Yes,
    /// That it may be so: unsigned zones can be anywhere here (opt-out), or
    /// the proof would cost too much to look at (RFC 9276 section 3.2).
    Insecure(Option<Unsupported>),
    /// Nothing.
    No,
}

/// What is known of DS records at a name.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum NoDs {
    /// A zone begins here, and it is not signed, or as good as that.
    Unsigned(Option<Unsupported>),
    /// No zone begins here.
    NoCut,
    /// Nothing is known.
    Unproven,
}

/// The NSEC and NSEC3 records of a zone, all of them signed well: either may prove
/// what is to be proven, since a zone that changes from one to the other has both.
#[derive(Debug)]
pub(super) struct Proofs<'a> {
    /// The zone.
    pub(super) zone: &'a Name,
    /// NSEC records and their owners.
    pub(super) nsec: Vec<(&'a Name, &'a NSEC)>,
    /// NSEC3 records.
    pub(super) nsec3: Nsec3s<'a>,
    /// How long the signatures hold, in seconds.
    pub(super) left: u32,
}

impl Proofs<'_> {
    /// Returns whether a name is proven not to exist, nor a wildcard for it.
    pub(super) fn nxdomain(&self, name: &Name) -> Result<Proof, Trouble> {
        let proven = self.covering(name).is_some_and(|(owner, nsec)| {
            wildcard_for(name, owner, nsec).is_some_and(|wildcard| self.covering(&wildcard).is_some())
        });
        if proven { Ok(Proof::Yes) } else { self.nsec3.nxdomain(name) }
    }

    /// Returns whether a name is proven to have no data of a type.
    pub(super) fn nodata(&self, name: &Name, rtype: RecordType) -> Result<Proof, Trouble> {
        if self.has_no_data(name, rtype) { Ok(Proof::Yes) } else { self.nsec3.nodata(name, rtype) }
    }

    /// Returns whether NSEC records prove that a name has no data of a type.
    fn has_no_data(&self, name: &Name, rtype: RecordType) -> bool {
        let at = |name: &Name| self.nsec.iter().find(|(owner, _)| **owner == *name);
        if let Some((_, nsec)) = at(name) {
            return lacks(&Types::of(nsec), name, rtype);
        }
        let by_wildcard = |(owner, nsec): &(&Name, &NSEC)| {
            wildcard_for(name, owner, nsec).is_some_and(|wildcard| {
                let by_record =
                    at(&wildcard).is_some_and(|(_, nsec)| lacks(&Types::of(nsec), &wildcard, rtype));
                by_record || self.is_empty(&wildcard)
            })
        };
        self.is_empty(name) || self.covering(name).is_some_and(by_wildcard)
    }

    /// Returns whether a wildcard that stands below a name of so many labels is
    /// proven to be the closest match for a name.
    pub(super) fn wildcard(&self, name: &Name, signed: usize) -> Result<Proof, Trouble> {
        let proven = self
            .covering(name)
            .is_some_and(|(owner, nsec)| labels(&closest_encloser(name, owner, nsec)) <= signed);
        if proven { Ok(Proof::Yes) } else { self.nsec3.wildcard(name, signed) }
    }

    /// Returns what is proven about DS records at a name.
    pub(super) fn no_ds(&self, name: &Name) -> Result<NoDs, Trouble> {
        if let Some((_, nsec)) = self.nsec.iter().find(|(owner, _)| **owner == *name) {
            return Ok(no_ds(&Types::of(nsec), name));
        }
        let is_inside = self.covering(name).is_some() || self.is_empty(name);
        if is_inside { Ok(NoDs::NoCut) } else { self.nsec3.no_ds(name) }
    }

    /// Returns whether a name is proven to be at or below a delegation that is not
    /// signed, whoever says what is there.
    pub(super) fn is_given_away(&self, name: &Name) -> Result<bool, Trouble> {
        let gives_away =
            |(owner, nsec): &(&Name, &NSEC)| owner.zone_of(name) && Types::of(nsec).is_unsigned_delegation();
        Ok(self.nsec.iter().any(gives_away) || self.nsec3.is_given_away(name)?)
    }

    /// Returns an NSEC record that says that a name does not exist.
    fn covering(&self, name: &Name) -> Option<&(&Name, &NSEC)> {
        self.nsec.iter().find(|(owner, nsec)| {
            let (owner, next) = (*owner, nsec.next_domain_name());
            // The last NSEC record of a zone leads back to the apex.
            let between = owner < name && (name < next || *next == *self.zone);
            // A record at a delegation or a DNAME says nothing of what is below.
            let cut = owner.zone_of(name) && Types::of(nsec).is_cut();
            between && !cut && !name.zone_of(next) && self.is_next_ours(nsec)
        })
    }

    /// Returns whether it is NSEC records that say what there is: they say what
    /// has no data whether the name itself exists or a wildcard stands for it.
    pub(super) fn is_by_nsec(&self) -> bool {
        !self.nsec.is_empty()
    }

    /// Returns whether a name is an empty non-terminal: what comes next is below
    /// it, and not the name itself.
    fn is_empty(&self, name: &Name) -> bool {
        self.nsec.iter().any(|(owner, nsec)| {
            let next = nsec.next_domain_name();
            *owner < name && name != next && name.zone_of(next) && self.is_next_ours(nsec)
        })
    }

    /// Returns whether an NSEC record leads to a name of the zone.
    fn is_next_ours(&self, nsec: &NSEC) -> bool {
        self.zone.zone_of(nsec.next_domain_name())
    }
}

/// Returns the longest name above `name` that exists, as an NSEC record that
/// covers it says.
fn closest_encloser(name: &Name, owner: &Name, nsec: &NSEC) -> Name {
    let common = |other: &Name| {
        let pairs = name.iter().rev().zip(other.iter().rev());
        pairs.take_while(|(one, two)| one.eq_ignore_ascii_case(two)).count()
    };
    name.trim_to(common(owner).max(common(nsec.next_domain_name())))
}

/// Returns the wildcard that would match a name that an NSEC record covers.
pub(super) fn wildcard_for(name: &Name, owner: &Name, nsec: &NSEC) -> Option<Name> {
    wildcard_below(&closest_encloser(name, owner, nsec))
}

/// Returns the wildcard below a name.
pub(super) fn wildcard_below(name: &Name) -> Option<Name> {
    name.prepend_label("*").ok()
}

//----------- Types ------------------------------------------------------------

/// The types at a name, as an NSEC or NSEC3 record lists them.
#[derive(Debug)]
pub(super) struct Types(Vec<RecordType>);

impl Types {
    /// Returns those of an NSEC record.
    fn of(nsec: &NSEC) -> Self {
        Self(nsec.type_bit_maps().collect())
    }

    /// Makes them of a list.
    pub(super) fn new(types: impl Iterator<Item = RecordType>) -> Self {
        Self(types.collect())
    }

    /// Returns whether there is a type.
    pub(super) fn has(&self, rtype: RecordType) -> bool {
        self.0.contains(&rtype)
    }

    /// Returns whether there is anything but what every signed name has, or has for
    /// not being there (RFC 9824 section 3.1: NXNAME).
    fn has_data(&self) -> bool {
        let is_proof = |rtype: &RecordType| {
            matches!(rtype, RecordType::RRSIG | RecordType::NSEC | RecordType::Unknown(NXNAME))
        };
        !self.0.iter().all(is_proof)
    }

    /// Returns whether another zone begins here.
    fn is_delegation(&self) -> bool {
        self.has(RecordType::NS) && !self.has(RecordType::SOA)
    }

    /// Returns whether another zone begins here that is not signed.
    pub(super) fn is_unsigned_delegation(&self) -> bool {
        self.is_delegation() && !self.has(RecordType::DS)
    }

    /// Returns whether names below are not this zone's own.
    pub(super) fn is_cut(&self) -> bool {
        self.is_delegation() || self.has(RecordType::DNAME)
    }
}

/// Returns whether a list of types proves that there is no data of a type.
pub(super) fn lacks(types: &Types, name: &Name, rtype: RecordType) -> bool {
    // Each side of a zone cut speaks for its own types only (RFC 6840 section 4.1).
    let wrong_side = if rtype == RecordType::DS {
        types.has(RecordType::SOA) && !name.is_root()
    } else {
        types.is_delegation()
    };
    let has = if rtype == RecordType::ANY { types.has_data() } else { types.has(rtype) };
    !wrong_side && !has && !types.has(RecordType::CNAME)
}

/// Returns what a list of types says about DS records.
pub(super) fn no_ds(types: &Types, name: &Name) -> NoDs {
    if types.has(RecordType::DS) || types.has(RecordType::SOA) && !name.is_root() {
        NoDs::Unproven
    } else if types.has(RecordType::NS) {
        NoDs::Unsigned(None)
    } else {
        NoDs::NoCut
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Name {
        Name::from_ascii(text).unwrap()
    }

    fn nsec(next: &str, types: &[RecordType]) -> NSEC {
        NSEC::new(name(next), types.iter().copied())
    }

    fn with<T>(records: &[(&str, NSEC)], test: impl FnOnce(&Proofs<'_>) -> T) -> T {
        let zone = name("example.");
        let owners: Vec<Name> = records.iter().map(|(owner, _)| name(owner)).collect();
        let nsec = owners.iter().zip(records.iter().map(|(_, nsec)| nsec)).collect();
        test(&Proofs { zone: &zone, nsec, nsec3: Nsec3s::none(&zone), left: 0 })
    }

    #[test]
    fn a_name_is_gone_only_with_its_wildcard() {
        use RecordType as T;
        let around = ("a.example.", nsec("d.example.", &[T::A]));
        let apex = ("example.", nsec("a.example.", &[T::SOA, T::NS]));
        let gone = |records: &[(&str, NSEC)]| with(records, |proofs| proofs.nxdomain(&name("c.example.")));
        assert_eq!(gone(&[around.clone(), apex.clone()]).unwrap(), Proof::Yes);
        assert_eq!(gone(std::slice::from_ref(&around)).unwrap(), Proof::No);
        assert_eq!(gone(std::slice::from_ref(&apex)).unwrap(), Proof::No);
        let wildcard = ("*.example.", nsec("a.example.", &[T::A]));
        assert_eq!(gone(&[around, wildcard]).unwrap(), Proof::No);
    }

    #[test]
    fn the_parent_does_not_speak_for_the_child() {
        use RecordType as T;
        let cut = ("b.example.", nsec("d.example.", &[T::NS]));
        let apex = ("example.", nsec("b.example.", &[T::SOA, T::NS]));
        with(&[cut, apex], |proofs| {
            assert_eq!(proofs.nodata(&name("b.example."), T::A).unwrap(), Proof::No);
            assert_eq!(proofs.nodata(&name("b.example."), T::DS).unwrap(), Proof::Yes);
            assert_eq!(proofs.nxdomain(&name("c.b.example.")).unwrap(), Proof::No);
            assert_eq!(proofs.nxdomain(&name("c.example.")).unwrap(), Proof::Yes);
            assert_eq!(proofs.no_ds(&name("b.example.")).unwrap(), NoDs::Unsigned(None));
            assert_eq!(proofs.no_ds(&name("example.")).unwrap(), NoDs::Unproven);
            assert_eq!(proofs.no_ds(&name("c.example.")).unwrap(), NoDs::NoCut);
            assert!(proofs.is_given_away(&name("a.b.example.")).unwrap());
            assert!(!proofs.is_given_away(&name("c.example.")).unwrap());
        });
    }

    #[test]
    fn what_comes_next_exists() {
        use RecordType as T;
        let before = ("a.example.", nsec("b.example.", &[T::A]));
        let apex = ("example.", nsec("*.example.", &[T::SOA, T::NS]));
        let around = ("c.example.", nsec("e.example.", &[T::A]));
        with(&[before, apex, around], |proofs| {
            for there in ["b.example.", "*.example.", "e.example.", "d.example."] {
                assert_eq!(proofs.nodata(&name(there), T::A).unwrap(), Proof::No, "{there}");
                assert_eq!(proofs.nxdomain(&name(there)).unwrap(), Proof::No, "{there}");
            }
            assert_eq!(proofs.no_ds(&name("b.example.")).unwrap(), NoDs::Unproven);
        });
    }

    #[test]
    fn empty_non_terminals_have_no_data_and_exist() {
        use RecordType as T;
        let around = ("a.example.", nsec("x.b.example.", &[T::A]));
        let apex = ("example.", nsec("a.example.", &[T::SOA, T::NS]));
        with(&[around, apex], |proofs| {
            assert_eq!(proofs.nodata(&name("b.example."), T::A).unwrap(), Proof::Yes);
            assert_eq!(proofs.nxdomain(&name("b.example.")).unwrap(), Proof::No);
        });
    }
}
