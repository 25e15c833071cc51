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

/// The longest name in wire form, in octets ([RFC 1035 section 2.3.4]).
///
/// [RFC 1035 section 2.3.4]: https://www.rfc-editor.org/rfc/rfc1035#section-2.3.4
pub const MAX_NAME: usize = 255;

/// The longest label, in octets (RFC 1035 section 2.3.4).
pub const MAX_LABEL: usize = 63;

//----------- Domain -----------------------------------------------------------

/// A domain name: lower case, absolute, in uncompressed wire form.  A clone is
/// the same name and costs no memory.
#[derive(Clone, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Domain(pub(super) Arc<[u8]>);

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
        DomainRef::of(self)
    }
}

/// Walks the labels of a name in wire form, the leftmost first.
pub fn labels(wire: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = wire;
    std::iter::from_fn(move || {
        let (&len, after) = rest.split_first()?;
        if len == 0 {
            return None;
        }
        let (label, next) = after.split_at_checked(len as usize)?;
        rest = next;
        Some(label)
    })
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

/// Writes a name as people write it into `room` in wire form, lower case.
/// Returns its length.
pub(super) fn write_wire(text: &str, room: &mut [u8; MAX_NAME]) -> Result<usize, DomainError> {
    if text.is_empty() {
        return Err(DomainError::Empty);
    }
    room[0] = 0;
    if text == "." {
        return Ok(1);
    }
    // Where the label in hand has its length, and where the next octet goes.
    let (mut start, mut at) = (0, 1);
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        let byte = match byte {
            b'.' => {
                close_label(room, start, at)?;
                start = at;
                at += 1;
                if at > MAX_NAME {
                    return Err(DomainError::TooLong);
                }
                continue;
            }
            b'\\' => unescape(&mut bytes)?,
            b'!'..=b'~' => byte,
            _ => return Err(DomainError::NotAscii),
        };
        *room.get_mut(at).ok_or(DomainError::TooLong)? = byte.to_ascii_lowercase();
        at += 1;
    }
    // Without a final dot, the root's label is still to come.
    if at > start + 1 {
        close_label(room, start, at)?;
        start = at;
    }
    *room.get_mut(start).ok_or(DomainError::TooLong)? = 0;
    Ok(start + 1)
}

/// Writes the length of the label from `start` to `end`.
fn close_label(room: &mut [u8; MAX_NAME], start: usize, end: usize) -> Result<(), DomainError> {
    let len = end - start - 1;
    if len == 0 {
        return Err(DomainError::EmptyLabel);
    }
    if len > MAX_LABEL {
        return Err(DomainError::LabelTooLong);
    }
    *room.get_mut(start).ok_or(DomainError::TooLong)? =
        u8::try_from(len).map_err(|_| DomainError::LabelTooLong)?;
    Ok(())
}

/// Reads what follows a backslash.
fn unescape(bytes: &mut impl Iterator<Item = u8>) -> Result<u8, DomainError> {
    let first = bytes.next().ok_or(DomainError::BadEscape)?;
    if !first.is_ascii_digit() {
        return Ok(first);
    }
    let mut value = u16::from(first - b'0');
    for _ in 0..2 {
        let digit = bytes.next().filter(u8::is_ascii_digit).ok_or(DomainError::BadEscape)?;
        value = value * 10 + u16::from(digit - b'0');
    }
    u8::try_from(value).map_err(|_| DomainError::BadEscape)
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

//----------- DomainError ------------------------------------------------------

/// Why some text or bytes are not a domain name.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum DomainError {
    /// Nothing there.
    Empty,
    /// Two dots in a row, or one at the front.
    EmptyLabel,
    /// A label of more than 63 octets.
    LabelTooLong,
    /// More than 255 octets in all.
    TooLong,
    /// The bytes end inside the name.
    Cut,
    /// A space, a control character or anything outside ASCII.
    NotAscii,
    /// A backslash followed by neither a character nor three digits up to 255.
    BadEscape,
}

impl fmt::Display for DomainError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "there is no name here",
            Self::EmptyLabel => "an empty label (two dots in a row, or one at the front)",
            Self::LabelTooLong => "a label longer than 63 characters",
            Self::TooLong => "a name longer than 255 octets",
            Self::Cut => "the name is cut off",
            Self::NotAscii => "a character no name can have (write international names as xn--…)",
            Self::BadEscape => "a backslash must be followed by a character or by three digits up to 255",
        })
    }
}

impl std::error::Error for DomainError {}

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
