//! [`Target`]: a URL that may be downloaded from, and where a redirect leads.
//!
//! Apart from the download because it is all text and no network: what a list
//! server writes into `Location` is hostile and is judged here.

use ureq::http::Uri;

use super::Error;

/// The longest URL that is followed, in octets.  RFC 9110 section 4.1 asks for
/// 8,000 at least; lists need a hundred.
const MOST_URL: usize = 4_096;

//----------- Target -----------------------------------------------------------

/// A URL with a scheme, a host, and no name or password in it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Target {
    /// The URL, without its fragment.
    uri: Uri,
    /// Whether it is HTTPS.
    secure: bool,
}

impl Target {
    /// Reads a URL from the config.
    pub(super) fn read(text: &str, allow_http: bool) -> Result<Self, Error> {
        let fault = |why| Error::Url { url: shown(text), why };
        if text.len() > MOST_URL {
            return Err(fault("it is too long"));
        }
        let secure = match scheme(text) {
            Some(scheme) if scheme.eq_ignore_ascii_case("https") => true,
            Some(scheme) if scheme.eq_ignore_ascii_case("http") && allow_http => false,
            Some(scheme) if scheme.eq_ignore_ascii_case("http") => {
                return Err(fault("http is not protected on its way; write https"));
            }
            Some(_) => return Err(fault("only https is downloaded from")),
            None => return Err(fault("it does not begin with https://")),
        };
        let uri: Uri = text.parse().map_err(|_| fault("it is no URL"))?;
        let authority = uri.authority().ok_or_else(|| fault("it names no host"))?;
        // A password would travel on to wherever a redirect leads.
        if authority.as_str().contains('@') {
            return Err(fault("it has a user name in it"));
        }
        if authority.host().is_empty() {
            return Err(fault("it names no host"));
        }
        Ok(Self { uri, secure })
    }

    /// Returns where `Location: text` leads from here ([RFC 3986 section 5.2]).
    /// From HTTPS there is no way back to HTTP.
    ///
    /// [RFC 3986 section 5.2]: https://www.rfc-editor.org/rfc/rfc3986#section-5.2
    pub(super) fn redirect(&self, text: &str, allow_http: bool) -> Result<Self, Error> {
        let allow_http = allow_http && !self.secure;
        let text = text.split('#').next().unwrap_or_default();
        if text.is_empty() || text.len() > MOST_URL {
            return Err(Error::Url { url: shown(text), why: "a redirect leads nowhere" });
        }
        if scheme(text).is_some() {
            return Self::read(text, allow_http);
        }
        let scheme = if self.secure { "https" } else { "http" };
        if let Some(rest) = text.strip_prefix("//") {
            return Self::read(&format!("{scheme}://{rest}"), allow_http);
        }
        let authority = self.uri.authority().map_or("", |authority| authority.as_str());
        let (path, query) = match text.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (text, None),
        };
        let path = match path {
            "" => self.uri.path().to_owned(),
            path if path.starts_with('/') => without_dots(path),
            path => {
                let folder = self.uri.path().rsplit_once('/').map_or("", |(folder, _)| folder);
                without_dots(&format!("{folder}/{path}"))
            }
        };
        let query = query.map_or_else(String::new, |query| format!("?{query}"));
        Self::read(&format!("{scheme}://{authority}{path}{query}"), allow_http)
    }

    /// Returns the URL.
    pub(super) fn uri(&self) -> &Uri {
        &self.uri
    }

    /// Returns whether it is HTTPS.
    pub(super) fn is_secure(&self) -> bool {
        self.secure
    }
}

/// Returns the scheme a URL begins with ([RFC 3986 section 3.1]).
///
/// [RFC 3986 section 3.1]: https://www.rfc-editor.org/rfc/rfc3986#section-3.1
fn scheme(text: &str) -> Option<&str> {
    let (scheme, _) = text.split_once(':')?;
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.');
    (scheme.starts_with(|c: char| c.is_ascii_alphabetic()) && scheme.chars().all(is_part)).then_some(scheme)
}

/// Removes `.` and `..` from a path ([RFC 3986 section 5.2.4]).
///
/// [RFC 3986 section 5.2.4]: https://www.rfc-editor.org/rfc/rfc3986#section-5.2.4
fn without_dots(path: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    let mut ends_open = false;
    for part in path.split('/').skip(1) {
        ends_open = matches!(part, "." | "..");
        match part {
            "." => {}
            ".." => drop(kept.pop()),
            part => kept.push(part),
        }
    }
    let slash = if ends_open && !kept.is_empty() { "/" } else { "" };
    format!("/{}{slash}", kept.join("/"))
}

/// Returns a URL as people may see it: short, without control characters.
fn shown(text: &str) -> String {
    text.chars().take(200).map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::any;
    use proptest::proptest;

    /// Reads a URL without leave for HTTP.
    fn read(text: &str) -> Result<Target, Error> {
        Target::read(text, false)
    }

    #[test]
    fn only_https_with_a_host_and_without_a_user_is_read() {
        for good in ["https://a.example/x.txt", "HTTPS://a.example", "https://[2606:4700::1]:8443/x?y=1#z"] {
            assert!(read(good).is_ok(), "{good}");
        }
        for bad in [
            "http://a.example/",
            "file:///etc/passwd",
            "ftp://a.example/",
            "data:text/plain,a",
            "/etc/passwd",
            "a.example/x.txt",
            "",
            "https://",
            "https:///x",
            "https://user:secret@a.example/",
            "https://user@a.example/",
            "https://:443/",
            "https://a b/",
        ] {
            assert!(read(bad).is_err(), "{bad}");
        }
        assert!(Target::read("http://a.example/", true).is_ok());
        assert!(read(&format!("https://a.example/{}", "x".repeat(5_000))).is_err());
    }

    #[test]
    fn a_redirect_is_resolved_as_the_standard_says() {
        // The examples of RFC 3986 section 5.4.1 that a list server may send.
        let base = read("https://a/b/c/d;p?q").unwrap();
        for (location, leads_to) in [
            ("g", "https://a/b/c/g"),
            ("./g", "https://a/b/c/g"),
            ("g/", "https://a/b/c/g/"),
            ("/g", "https://a/g"),
            ("//g", "https://g/"),
            ("?y", "https://a/b/c/d;p?y"),
            ("g?y", "https://a/b/c/g?y"),
            ("g#s", "https://a/b/c/g"),
            (".", "https://a/b/c/"),
            ("..", "https://a/b/"),
            ("../g", "https://a/b/g"),
            ("../..", "https://a/"),
            ("../../../g", "https://a/g"),
            ("https://h:8443/x", "https://h:8443/x"),
        ] {
            assert_eq!(base.redirect(location, false).unwrap().uri().to_string(), leads_to, "{location}");
        }
    }

    #[test]
    fn no_redirect_leaves_https() {
        let base = read("https://a.example/x").unwrap();
        for location in [
            "http://a.example/x",
            "file:///etc/passwd",
            "file:/etc/passwd",
            "gopher://a/",
            "",
            "#x",
            "javascript:1",
        ] {
            for allow_http in [false, true] {
                assert!(base.redirect(location, allow_http).is_err(), "{location}");
            }
        }
        let plain = Target::read("http://a.example/x", true).unwrap();
        assert!(plain.redirect("/y", true).is_ok());
        assert!(plain.redirect("https://a.example/", true).unwrap().is_secure());
    }

    proptest! {
        #[test]
        fn any_location_leads_to_https_or_nowhere(location in any::<String>()) {
            let base = read("https://a.example/b/c").unwrap();
            if let Ok(target) = base.redirect(&location, true) {
                assert_eq!(target.uri().scheme_str(), Some("https"));
                assert!(target.uri().host().is_some());
            }
        }

        #[test]
        fn any_path_stays_on_its_host(path in "[a-z./]{0,20}", query in "(\\?[a-z/.]{0,5})?") {
            let base = read("https://a.example/b/c").unwrap();
            if path.starts_with("//") || (path.is_empty() && query.is_empty()) { return Ok(()); }
            let target = base.redirect(&format!("{path}{query}"), false).unwrap();
            assert_eq!(target.uri().host(), Some("a.example"));
            assert!(!target.uri().path().split('/').any(|part| part == ".."));
        }
    }
}
