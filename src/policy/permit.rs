//! [`Permit`]: proof that the verdict was allow.
//!
//! Resolving a name reaches out of the house, so it takes a permit, and only a
//! policy grants one.  Whoever holds a permit need not ask again, and whoever
//! holds none has nothing to pass to `resolve`.
//
//  Why a type and not a field beside the query: a field has to be looked at by
//  every later step, and one day one of them forgets.

use crate::base::DomainRef;
use crate::catalog::Function;
use crate::catalog::Purpose;
use crate::query::QueryRef;
use crate::query::Rtype;

/// Leave to resolve one question.
#[derive(Clone, Copy, Debug)]
pub struct Permit<'q> {
    /// The name that may be resolved.
    name: DomainRef<'q>,
    /// The type that may be asked for.
    rtype: Rtype,
    /// Whether the asker checks DNSSEC itself (CD) and wants bogus data too.
    checking_disabled: bool,
    /// Whether it is needed to set a clock.
    for_time: bool,
}

impl<'q> Permit<'q> {
    /// Grants leave to resolve what `query` asks for.
    ///
    /// Callers are the policies in `super`; keep it that way.
    pub(super) fn grant(query: QueryRef<'q>, purpose: Purpose) -> Self {
        Self {
            name: query.qname,
            rtype: query.qtype,
            checking_disabled: query.checking_disabled,
            for_time: purpose == Purpose::Function(Function::Time),
        }
    }

    /// Returns the name that may be resolved.
    pub fn name(&self) -> DomainRef<'q> {
        self.name
    }

    /// Returns the type that may be asked for.
    pub fn rtype(&self) -> Rtype {
        self.rtype
    }

    /// Returns whether the name is needed to set a clock.
    pub fn is_for_time(&self) -> bool {
        self.for_time
    }

    /// Returns whether the asker wants data that failed validation too.
    pub fn checking_disabled(&self) -> bool {
        self.checking_disabled
    }
}
