//! [`DomainRef`]: a domain name that lies somewhere else.
//
//  Apart from `domain`, which owns names; it knows nothing of that one.

use std::fmt;

use super::labels::DomainError;
use super::labels::MAX_LABEL;
use super::labels::MAX_NAME;
use super::labels::labels;
use super::labels::write_wire;

//----------- DomainRef --------------------------------------------------------

/// A domain name that lies somewhere else: in a [`Domain`](super::Domain), or in a packet that
/// was read in place.  Lower case, absolute, uncompressed, like the other.
#[derive(Clone, Copy, Eq, Hash, PartialEq)]
pub struct DomainRef<'a>(pub(super) &'a [u8]);

impl<'a> DomainRef<'a> {
    /// Reads an uncompressed name from the front of `wire` into `room`, which
    /// then holds it in lower case.
    pub fn read(wire: &[u8], room: &'a mut [u8; MAX_NAME]) -> Result<Self, DomainError> {
        let mut at = 0;
        loop {
            let len = *wire.get(at).ok_or(DomainError::Cut)? as usize;
            if len > MAX_LABEL {
                return Err(DomainError::LabelTooLong);
            }
            at += 1 + len;
            if at > MAX_NAME {
                return Err(DomainError::TooLong);
            }
            if len == 0 {
                break;
            }
        }
        let read = wire.get(..at).ok_or(DomainError::Cut)?;
        let room = room.get_mut(..at).ok_or(DomainError::TooLong)?;
        room.copy_from_slice(read);
        // Length octets are at most 63 and thus never look like a letter.
        room.make_ascii_lowercase();
        Ok(Self(room))
    }

    /// Reads a name as people write it into `room`; see the [`FromStr`] of
    /// [`Domain`](super::Domain).
    ///
    /// [`FromStr`]: std::str::FromStr
    pub fn from_text(text: &str, room: &'a mut [u8; MAX_NAME]) -> Result<Self, DomainError> {
        let length = write_wire(text, room)?;
        room.get(..length).map(Self).ok_or(DomainError::TooLong)
    }

    /// Returns the name in wire form, the root's empty label included.
    pub fn as_wire(self) -> &'a [u8] {
        self.0
    }

    /// Returns the labels, the leftmost first, without the root's.
    pub fn labels(self) -> impl Iterator<Item = &'a [u8]> {
        labels(self.0)
    }

    /// Returns the name and all names above it in wire form, itself first,
    /// the root last.
    pub fn suffixes(self) -> impl Iterator<Item = &'a [u8]> {
        let mut rest = Some(self.0);
        std::iter::from_fn(move || {
            let this = rest?;
            rest = match this.first() {
                Some(&len) if len > 0 => this.get(1 + len as usize..),
                _ => None,
            };
            Some(this)
        })
    }
}

impl fmt::Display for DomainRef<'_> {
    /// Writes the name without its final dot; the root as `.`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.len() == 1 {
            return f.write_str(".");
        }
        for (nth, label) in self.labels().enumerate() {
            if nth > 0 {
                f.write_str(".")?;
            }
            for &byte in label {
                match byte {
                    b'.' | b'\\' => write!(f, "\\{}", char::from(byte))?,
                    b'!'..=b'~' => write!(f, "{}", char::from(byte))?,
                    _ => write!(f, "\\{byte:03}")?,
                }
            }
        }
        Ok(())
    }
}

impl fmt::Debug for DomainRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DomainRef({self})")
    }
}
