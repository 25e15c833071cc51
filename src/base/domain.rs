//! [`Domain`]: a domain name as rules, questions and caches compare it.
//!
//! Lower case, in wire form, at most 255 octets.  It stands apart from the
//! DNS library's name type because every room uses names and only the rooms at
//! the two ends of the road may know that library.
//
//  Wire form rather than text: suffixes are slices, so asking "is this below
//  that" or "what do the parents say" neither allocates nor searches for dots.

use std::borrow::Borrow;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use super::domain_ref::DomainRef;
use super::labels::DomainError;
use super::labels::MAX_NAME;
use super::labels::labels;

//----------- Domain -----------------------------------------------------------

/// A domain name: lower case, absolute, in uncompressed wire form.  A clone is
/// the same name and costs no memory.
#[derive(Clone, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Domain(Arc<[u8]>);

impl Domain {
    /// The root of the name space.
    pub fn root() -> Self {
        Self(Arc::from([0u8]))
    }

    /// Reads an uncompressed name from the front of `wire`.
    ///
    /// Upper case becomes lower case.  What follows the name is left alone;
    /// [`as_wire`](Self::as_wire)`.len()` tells how much was read.
    pub fn from_wire(wire: &[u8]) -> Result<Self, DomainError> {
        let mut room = [0; MAX_NAME];
        DomainRef::read(wire, &mut room).map(DomainRef::to_owned)
    }

    /// Returns the name in wire form, the root's empty label included.
    pub fn as_wire(&self) -> &[u8] {
        &self.0
    }

    /// Returns whether this is the root.
    pub fn is_root(&self) -> bool {
        self.0.len() == 1
    }

    /// Returns the labels, the leftmost first, without the root's.
    pub fn labels(&self) -> impl Iterator<Item = &[u8]> {
        labels(&self.0)
    }

    /// Returns the name and all names above it in wire form, itself first,
    /// the root last.
    pub fn suffixes(&self) -> impl Iterator<Item = &[u8]> {
        self.borrowed().suffixes()
    }

    /// Returns the name one label up; the root has none.
    pub fn parent(&self) -> Option<Self> {
        self.suffixes().nth(1).map(|wire| Self(wire.into()))
    }

    /// Returns whether this name is `other` or lies below it.
    pub fn is_at_or_below(&self, other: &Self) -> bool {
        self.borrowed().is_at_or_below(other)
    }

    /// Returns the name without what it owns.
    pub fn borrowed(&self) -> DomainRef<'_> {
        DomainRef(&self.0)
    }
}

//--- Between a name and one that lies somewhere else

impl DomainRef<'_> {
    /// Returns whether this name is `other` or lies below it.
    pub fn is_at_or_below(self, other: &Domain) -> bool {
        let other = other.as_wire();
        // No suffix is longer than the name, and one is exactly as long.
        self.0.len() >= other.len() && self.suffixes().any(|suffix| suffix == other)
    }

    /// Returns a copy that owns what it is made of.
    pub fn to_owned(self) -> Domain {
        Domain(self.0.into())
    }
}

impl<'a> From<&'a Domain> for DomainRef<'a> {
    fn from(name: &'a Domain) -> Self {
        name.borrowed()
    }
}

//--- Reading and writing

impl FromStr for Domain {
    type Err = DomainError;

    /// Reads a name as people write it, with or without the final dot.
    ///
    /// `\.` and `\DDD` are understood ([RFC 1035 section 5.1]); anything but
    /// ASCII is refused, because a rule must say the A-label it means.
    ///
    /// [RFC 1035 section 5.1]: https://www.rfc-editor.org/rfc/rfc1035#section-5.1
    fn from_str(text: &str) -> Result<Self, DomainError> {
        let mut room = [0; MAX_NAME];
        DomainRef::from_text(text, &mut room).map(DomainRef::to_owned)
    }
}

impl fmt::Display for Domain {
    /// Writes the name without its final dot; the root as `.`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.borrowed(), f)
    }
}

impl fmt::Debug for Domain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Domain({self})")
    }
}

/// So that a map keyed by names can be asked with a slice of a longer name.
impl Borrow<[u8]> for Domain {
    fn borrow(&self) -> &[u8] {
        &self.0
    }
}

//----------- Tests ------------------------------------------------------------

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn domain(text: &str) -> Domain {
        text.parse().unwrap()
    }

    #[test]
    fn case_and_final_dot_do_not_matter() {
        assert_eq!(domain("Www.EXAMPLE.com."), domain("www.example.com"));
        assert_eq!(domain(".").as_wire(), [0]);
    }

    #[test]
    fn below_is_by_labels_not_by_text() {
        assert!(domain("a.example.com").is_at_or_below(&domain("example.com")));
        assert!(domain("example.com").is_at_or_below(&domain("example.com")));
        assert!(!domain("badexample.com").is_at_or_below(&domain("example.com")));
        assert!(domain("com").is_at_or_below(&Domain::root()));
    }

    #[test]
    fn what_is_no_name_is_refused() {
        for (text, error) in [
            ("", DomainError::Empty),
            ("a..b", DomainError::EmptyLabel),
            (".a", DomainError::EmptyLabel),
            ("ü.de", DomainError::NotAscii),
            ("a b", DomainError::NotAscii),
            ("a\\25", DomainError::BadEscape),
            ("a\\256", DomainError::BadEscape),
        ] {
            assert_eq!(text.parse::<Domain>(), Err(error), "{text}");
        }
        assert_eq!("a".repeat(64).parse::<Domain>(), Err(DomainError::LabelTooLong));
        assert_eq!(["a"; 128].join(".").parse::<Domain>(), Err(DomainError::TooLong));
        assert!(["a"; 127].join(".").parse::<Domain>().is_ok());
        assert_eq!(Domain::from_wire(&[3, b'a']), Err(DomainError::Cut));
        assert_eq!(Domain::from_wire(&[0xc0, 0]), Err(DomainError::LabelTooLong));
    }

    #[test]
    fn suffixes_climb_to_the_root() {
        let name = domain("a.bc.d");
        let all: Vec<_> = name.suffixes().map(|s| Domain::from_wire(s).unwrap().to_string()).collect();
        assert_eq!(all, ["a.bc.d", "bc.d", "d", "."]);
        assert_eq!(name.parent(), Some(domain("bc.d")));
        assert_eq!(Domain::root().parent(), None);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            if let Ok(name) = Domain::from_wire(&bytes) {
                prop_assert_eq!(&bytes[..name.as_wire().len()].to_ascii_lowercase()[..], name.as_wire());
                prop_assert_eq!(name.to_string().parse::<Domain>(), Ok(name.clone()));
            }
        }

        #[test]
        fn any_text_is_read_or_refused(text in ".{0,300}") {
            if let Ok(name) = text.parse::<Domain>() {
                prop_assert_eq!(Domain::from_wire(name.as_wire()), Ok(name.clone()));
            }
        }
    }
}
