//! What names are made of: labels, and how long they may be; from text to octets,
//! and what can be wrong with either.
//
//  Apart from `domain` and `domain_ref`, which both rest on it.

use std::fmt;

/// The longest name in wire form, in octets ([RFC 1035 section 2.3.4]).
///
/// [RFC 1035 section 2.3.4]: https://www.rfc-editor.org/rfc/rfc1035#section-2.3.4
pub const MAX_NAME: usize = 255;

/// The longest label, in octets (RFC 1035 section 2.3.4).
pub const MAX_LABEL: usize = 63;

//----------- Labels -----------------------------------------------------------

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

//----------- Text -------------------------------------------------------------

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
