//! [`Validators`]: what makes a download conditional.
//!
//! Apart because they come from a server, are kept, and go out again: what
//! could not go into a header is not let in.

use ureq::http::HeaderMap;

/// The longest validator that is kept, in octets; real ones have under 100.
const MOST_VALIDATOR: usize = 512;

/// What a server gave us to ask whether anything changed
/// ([RFC 9110 section 8.8]).
///
/// [RFC 9110 section 8.8]: https://www.rfc-editor.org/rfc/rfc9110#section-8.8
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Validators {
    /// `ETag`, as it came.
    pub etag: Option<String>,
    /// `Last-Modified`, as it came.
    pub last_modified: Option<String>,
}

impl Validators {
    /// Returns the validators of a response, as far as they can be sent back.
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let get = |name| headers.get(name)?.to_str().ok().filter(|v| can_be_sent(v)).map(str::to_owned);
        Self { etag: get("etag"), last_modified: get("last-modified") }
    }

    /// Returns the conditional headers to send: name and value.
    pub(super) fn conditions(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let etag = self.etag.as_deref().map(|value| ("if-none-match", value));
        let last_modified = self.last_modified.as_deref().map(|value| ("if-modified-since", value));
        etag.into_iter().chain(last_modified).filter(|(_, value)| can_be_sent(value))
    }

    /// Returns whether there are none.
    pub fn is_empty(&self) -> bool {
        self.conditions().next().is_none()
    }
}

/// Returns whether a validator is short and printable.
fn can_be_sent(value: &str) -> bool {
    (1..=MOST_VALIDATOR).contains(&value.len()) && value.bytes().all(|b| matches!(b, b' '..=b'~'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::any;
    use proptest::proptest;
    use ureq::http::HeaderValue;

    proptest! {
        #[test]
        fn any_validator_is_sent_back_as_it_came_or_not_at_all(value in any::<Vec<u8>>()) {
            let mut headers = HeaderMap::new();
            let Ok(sent) = HeaderValue::from_bytes(&value) else { return Ok(()) };
            headers.insert("etag", sent);
            let validators = Validators::of(&headers);
            for (name, back) in validators.conditions() {
                assert_eq!((name, back.as_bytes()), ("if-none-match", &value[..]));
                assert!(HeaderValue::from_str(back).is_ok());
            }
        }

        #[test]
        fn a_validator_from_a_hostile_store_cannot_write_headers(value in any::<String>()) {
            let validators = Validators { etag: Some(value.clone()), last_modified: Some(value) };
            for (_, back) in validators.conditions() {
                assert!(!back.contains(['\r', '\n', '\0']) && back.len() <= MOST_VALIDATOR);
            }
        }
    }

    #[test]
    fn ordinary_validators_are_kept() {
        let mut headers = HeaderMap::new();
        headers.insert("etag", HeaderValue::from_static("W/\"5f-a\""));
        headers.insert("last-modified", HeaderValue::from_static("Tue, 15 Nov 1994 12:45:26 GMT"));
        let validators = Validators::of(&headers);
        assert_eq!(validators.etag.as_deref(), Some("W/\"5f-a\""));
        assert_eq!(validators.conditions().count(), 2);
        assert!(Validators::default().is_empty());
    }
}
