//! The root key sentinel ([RFC 8509]): a name whose first label says which key of the
//! root is meant has an answer if that key is trusted here, or is not, and none
//! otherwise.  So a household can find out with any browser whether it is ready for
//! the root's next key.
//!
//! Apart, because it is about the question and the root's keys, and about nothing
//! that was found.
//!
//! [RFC 8509]: https://www.rfc-editor.org/rfc/rfc8509

use hickory_proto::rr::RecordType;

use super::job::Job;
use super::options::Trust;
use crate::resolve::AnswerData;
use crate::resolve::Flaw;
use crate::resolve::exchange::trouble::Bogus;
use crate::resolve::exchange::trouble::Trouble;
use crate::resolve::names;
use crate::resolve::upstream::Question;

/// What the first label begins with, and whether the key has to be trusted (RFC 8509
/// section 2).
const BEGINNINGS: [(&str, bool); 2] =
    [("root-key-sentinel-is-ta-", true), ("root-key-sentinel-not-ta-", false)];

/// How many digits a key tag has.
const DIGITS: usize = 5;

impl Job {
    /// Takes an answer away that a sentinel does not let pass: nothing but one that is
    /// secure, of an address (RFC 8509 section 3.1).
    pub(super) fn past_sentinel(&self, question: &Question, data: AnswerData) -> Result<AnswerData, Trouble> {
        let is_address = matches!(names::to_type(question.rtype), RecordType::A | RecordType::AAAA);
        if !data.secure || !is_address {
            return Ok(data);
        }
        let Some((tag, wanted)) = names::to_name(&question.name).iter().next().and_then(asks) else {
            return Ok(data);
        };
        let trusted = self.trusts_root_key(tag);
        if trusted == wanted {
            return Ok(data);
        }
        let why =
            format!("the root's key {tag} is {} (RFC 8509)", if trusted { "trusted" } else { "not trusted" });
        Err(Bogus::new(Flaw::Other, why).into())
    }

    /// Returns whether a key of the root with a tag is trusted.
    fn trusts_root_key(&self, tag: u16) -> bool {
        let engine = &self.engine;
        if engine.options.follows_root {
            return engine.root_keys.trusts_tag(tag);
        }
        let of_root = engine.options.anchors.iter().filter(|(zone, _)| zone.is_root());
        of_root.map(|(_, trust)| trust).any(|trust| match trust {
            Trust::Key(key) => key.calculate_key_tag().is_ok_and(|of_key| of_key == tag),
            Trust::Digest(ds) => ds.key_tag() == tag,
        })
    }
}

/// Returns the key tag in a label, and whether the key has to be trusted.
fn asks(label: &[u8]) -> Option<(u16, bool)> {
    let label = std::str::from_utf8(label).ok()?.to_ascii_lowercase();
    let (digits, wanted) =
        BEGINNINGS.iter().find_map(|(beginning, wanted)| Some((label.strip_prefix(beginning)?, *wanted)))?;
    let is_tag = digits.len() == DIGITS && digits.bytes().all(|byte| byte.is_ascii_digit());
    Some((digits.parse().ok().filter(|_| is_tag)?, wanted))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_has_five_digits() {
        assert_eq!(asks(b"root-key-sentinel-is-ta-20326"), Some((20_326, true)));
        assert_eq!(asks(b"Root-Key-Sentinel-not-TA-00042"), Some((42, false)));
        for other in [
            "root-key-sentinel-is-ta-42",
            "root-key-sentinel-is-ta-99999",
            "root-key-sentinel-is-ta-+0042",
            "www",
        ] {
            assert_eq!(asks(other.as_bytes()), None, "{other}");
        }
    }
}
