//! Extended DNS errors ([RFC 8914]): why the answer is what it is, for people
//! who look at it with `dig`.
//!
//! [RFC 8914]: https://www.rfc-editor.org/rfc/rfc8914

use std::fmt;
use std::fmt::Write;

use super::rcode::NXDOMAIN;
use crate::policy::Ground;
use crate::resolve::Failure;
use crate::resolve::FailureKind;
use crate::resolve::Flaw;
use crate::resolve::Unsupported;

/// The option code of an extended DNS error (RFC 8914 section 2).
pub(super) const OPTION: u16 = 15;

/// The longest EXTRA-TEXT, in octets.
//
//  Together with the longest question this leaves a blocked answer well below
//  512 octets.
const MAX_TEXT: usize = 200;

/// The INFO-CODEs that are used here (IANA, Extended DNS Error Codes).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[repr(u16)]
pub(super) enum Code {
    /// Something that has no code of its own.
    Other = 0,
    /// It was not validated: no key has an algorithm that we know.
    UnsupportedAlgorithm = 1,
    /// It was not validated: no digest of a key is of a kind that we know.
    UnsupportedDigest = 2,
    /// The data is older than its TTL.
    StaleAnswer = 3,
    /// The data was validated and failed.
    DnssecBogus = 6,
    /// It failed because the signatures have expired.
    SignatureExpired = 7,
    /// Because they are of the future.
    SignatureNotYetValid = 8,
    /// Because the key is not there.
    DnskeyMissing = 9,
    /// Because there are no signatures.
    RrsigsMissing = 10,
    /// Because the key is none of a zone.
    NoZoneKeyBitSet = 11,
    /// Because it is not proven that there is nothing.
    NsecMissing = 12,
    /// The household's policy blocked the name.
    Blocked = 15,
    /// That the name does not exist is older than its TTL.
    StaleNxDomain = 19,
    /// Nobody with authority could be reached, in time.
    NoReachableAuthority = 22,
    /// Sending failed, or what came back made no sense.
    NetworkError = 23,
    /// It was not validated: the proof takes too many iterations (RFC 9276).
    UnsupportedIterations = 27,
}

/// Returns the code of what is wrong with data.
fn of_flaw(flaw: Flaw) -> Code {
    match flaw {
        Flaw::Other => Code::DnssecBogus,
        Flaw::Expired => Code::SignatureExpired,
        Flaw::NotYetValid => Code::SignatureNotYetValid,
        Flaw::NoKey => Code::DnskeyMissing,
        Flaw::NoSignature => Code::RrsigsMissing,
        Flaw::NoZoneKey => Code::NoZoneKeyBitSet,
        Flaw::NoProof => Code::NsecMissing,
    }
}

//----------- Error ------------------------------------------------------------

/// An extended DNS error, ready to be written.
pub(super) struct Error {
    /// What kind.
    code: Code,
    /// For people.
    text: Text,
}

/// The longest option, in octets: code, length, INFO-CODE and text.
pub(super) const LONGEST: usize = 6 + MAX_TEXT;

impl Error {
    /// Returns the error of a block.
    pub(super) fn of_ground(ground: &Ground) -> Self {
        let mut text = Text::new();
        // What does not fit is cut.
        let _ = write!(text, "{ground}");
        Self { code: Code::Blocked, text }
    }

    /// Returns the error of a failure.
    pub(super) fn of_failure(failure: &Failure) -> Self {
        let (code, prefix) = match failure.kind {
            FailureKind::Bogus(flaw) => (of_flaw(flaw), ""),
            FailureKind::Timeout | FailureKind::Unreachable => (Code::NoReachableAuthority, ""),
            FailureKind::Network => (Code::NetworkError, ""),
            FailureKind::Limit => (Code::Other, "work limit: "),
            FailureKind::Fault => (Code::Other, ""),
        };
        let mut text = Text::new();
        // What does not fit is cut.
        let _ = write!(text, "{prefix}{}", failure.detail);
        Self { code, text }
    }

    /// Returns the error of an answer that is signed, but not as we know it.
    pub(super) fn of_unsupported(unsupported: Unsupported) -> Self {
        let code = match unsupported {
            Unsupported::Algorithm => Code::UnsupportedAlgorithm,
            Unsupported::Digest => Code::UnsupportedDigest,
            Unsupported::Iterations => Code::UnsupportedIterations,
        };
        Self { code, text: Text::new() }
    }

    /// Returns the error of an answer whose time is up.
    pub(super) fn stale(rcode: u16) -> Self {
        let code = if rcode == NXDOMAIN { Code::StaleNxDomain } else { Code::StaleAnswer };
        Self { code, text: Text::new() }
    }

    /// Returns the length of the option, in octets.
    pub(super) fn len(&self) -> usize {
        6 + self.text.as_bytes().len()
    }

    /// Writes the option (RFC 8914 section 2).
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        let text = self.text.as_bytes();
        let length = u16::try_from(2 + text.len()).unwrap_or(2);
        for word in [OPTION, length, self.code as u16] {
            out.extend_from_slice(&word.to_be_bytes());
        }
        out.extend_from_slice(text);
    }
}

//----------- Text -------------------------------------------------------------

/// A text of at most [`MAX_TEXT`] octets, on the stack.  What is too long is
/// cut between two characters.
struct Text {
    /// The text.
    octets: [u8; MAX_TEXT],
    /// Its length.
    length: usize,
}

impl Text {
    /// Returns an empty text.
    fn new() -> Self {
        Self { octets: [0; MAX_TEXT], length: 0 }
    }

    /// Returns the text.
    fn as_bytes(&self) -> &[u8] {
        self.octets.get(..self.length).unwrap_or_default()
    }
}

impl Write for Text {
    /// Fails when the text is full, so that nobody formats what nobody sees.
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let fits = text.get(..text.floor_char_boundary(MAX_TEXT - self.length)).unwrap_or_default();
        if let Some(place) = self.octets.get_mut(self.length..self.length + fits.len()) {
            place.copy_from_slice(fits.as_bytes());
            self.length += fits.len();
        }
        if fits.len() == text.len() { Ok(()) } else { Err(fmt::Error) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_are_cut_between_characters() {
        let mut short = Text::new();
        write!(short, "kurz").unwrap();
        assert_eq!(short.as_bytes(), b"kurz");
        let (long, mut text) = (format!("x{}", "ü".repeat(150)), Text::new());
        assert!(write!(text, "{long}").is_err());
        assert_eq!(text.as_bytes().len(), 199);
        assert!(long.as_bytes().starts_with(text.as_bytes()));
    }
}
