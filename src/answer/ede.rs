//! Extended DNS errors ([RFC 8914]): why the answer is what it is, for people
//! who look at it with `dig`.
//!
//! [RFC 8914]: https://www.rfc-editor.org/rfc/rfc8914

use std::fmt::Write;

use hickory_proto::op::Edns;
use hickory_proto::rr::rdata::opt::EdnsOption;

use crate::policy::Ground;
use crate::resolve::Failure;
use crate::resolve::FailureKind;

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
    /// The data was validated and failed.
    DnssecBogus = 6,
    /// The data is older than its TTL.
    StaleAnswer = 3,
    /// The household's policy blocked the name.
    Blocked = 15,
    /// Nobody with authority could be reached, in time.
    NoReachableAuthority = 22,
    /// Sending failed, or what came back made no sense.
    NetworkError = 23,
}

/// Adds an error to the OPT record.
pub(super) fn put(edns: &mut Edns, code: Code, text: &str) {
    let mut data = (code as u16).to_be_bytes().to_vec();
    data.extend_from_slice(cut(text).as_bytes());
    edns.options_mut().insert(EdnsOption::Unknown(OPTION, data));
}

/// Adds the ground of a block.
pub(super) fn put_ground(edns: &mut Edns, ground: &Ground) {
    let mut text = String::new();
    // Writing to a string does not fail.
    let _ = write!(text, "{ground}");
    put(edns, Code::Blocked, &text);
}

/// Adds a failure.
pub(super) fn put_failure(edns: &mut Edns, failure: &Failure) {
    let (code, prefix) = match failure.kind {
        FailureKind::Bogus => (Code::DnssecBogus, ""),
        FailureKind::Timeout => (Code::NoReachableAuthority, ""),
        FailureKind::Unreachable => (Code::NetworkError, ""),
        FailureKind::Limit => (Code::Other, "work limit: "),
    };
    put(edns, code, &format!("{prefix}{}", failure.detail));
}

/// Cuts a text to [`MAX_TEXT`] octets, between two characters.
fn cut(text: &str) -> &str {
    text.get(..text.floor_char_boundary(MAX_TEXT)).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_are_cut_between_characters() {
        assert_eq!(cut("kurz"), "kurz");
        let text = format!("x{}", "ü".repeat(150));
        assert_eq!(cut(&text).len(), 199);
        assert!(text.starts_with(cut(&text)));
    }
}
