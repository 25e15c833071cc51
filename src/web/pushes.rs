//! `/api/v1/identity/ADDRESS`: hooks of a DHCP server on another machine tell who
//! has an address.
//!
//! The only path that changes anything, and there only where the config names a
//! token.  A browser that was sent here by a foreign page has none, and can send
//! neither these methods nor JSON to another site without asking first, which
//! nobody answers.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::BodyExt;
use http_body_util::LengthLimitError;
use http_body_util::Limited;
use hyper::Method;
use hyper::Request;
use hyper::StatusCode;
use hyper::body::Body;
use hyper::body::Bytes;
use hyper::header;
use hyper::header::HeaderMap;
use hyper::header::HeaderName;
use hyper::header::HeaderValue;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use super::serve::Page;
use super::serve::text;

/// Where it is, with an address behind it.
pub const PATH: &str = "/api/v1/identity/";

/// The largest body, in octets: a MAC address, a name and a date.
const MOST_BODY: usize = 1024;

/// How long a client may take for its body.
const PATIENCE: Duration = Duration::from_secs(5);

//----------- Listener ---------------------------------------------------------

/// Who is told.  The last two may take as long as a disk does.
pub trait Listener: Send + Sync {
    /// Returns whether that is the token; nothing where nobody is listened to.
    fn trusts(&self, token: &[u8]) -> Option<bool>;

    /// Somebody has an address from now on, says a body of JSON.
    fn has(&self, address: IpAddr, body: &[u8]) -> Result<(), Refusal>;

    /// Nobody has an address any more.
    fn left(&self, address: IpAddr) -> Result<(), Refusal>;
}

/// Why what was told is not done, with a line for people.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Refusal {
    /// It makes no sense.
    Senseless(String),
    /// It is about somebody of whom nothing was told.
    Unknown(String),
    /// It is in effect, and not kept.
    NotKept(String),
}

impl Refusal {
    /// Returns the line.
    pub fn say(&self) -> &str {
        let (Self::Senseless(say) | Self::Unknown(say) | Self::NotKept(say)) = self;
        say
    }

    /// Returns the status for it.
    fn status(&self) -> StatusCode {
        match self {
            Self::Senseless(_) => StatusCode::BAD_REQUEST,
            Self::Unknown(_) => StatusCode::NOT_FOUND,
            Self::NotKept(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

//----------- answer -----------------------------------------------------------

/// Answers a request for a path below [`PATH`]; nothing where nobody is listened
/// to.  Who has no token learns nothing else.
pub async fn answer<B>(request: Request<B>, listener: &Arc<impl Listener + 'static>) -> Option<Page>
where
    B: Body<Data = Bytes, Error: std::error::Error + Send + Sync + 'static>,
{
    if !listener.trusts(token(request.headers()))? {
        let page =
            text(StatusCode::UNAUTHORIZED, "`Authorization: Bearer` and the token of push-token-file\n");
        return Some(with(page, header::WWW_AUTHENTICATE, "Bearer"));
    }
    Some(hear(request, Arc::clone(listener)).await.unwrap_or_else(|page| page))
}

/// Hears what somebody says who has the token.
async fn hear<B>(request: Request<B>, listener: Arc<impl Listener + 'static>) -> Result<Page, Page>
where
    B: Body<Data = Bytes, Error: std::error::Error + Send + Sync + 'static>,
{
    let said = request.uri().path().strip_prefix(PATH).unwrap_or_default();
    let address: IpAddr = said
        .parse()
        .map_err(|_| text(StatusCode::BAD_REQUEST, format!("{PATH} is followed by an address\n")))?;
    let told = match *request.method() {
        Method::PUT => {
            if !is_json(request.headers()) {
                return Err(text(StatusCode::UNSUPPORTED_MEDIA_TYPE, "`Content-Type: application/json`\n"));
            }
            let body = body(request.into_body()).await?;
            spawn_blocking(move || listener.has(address, &body)).await
        }
        Method::DELETE => spawn_blocking(move || listener.left(address)).await,
        _ => {
            let page = text(StatusCode::METHOD_NOT_ALLOWED, "PUT and DELETE only\n");
            return Err(with(page, header::ALLOW, "PUT, DELETE"));
        }
    };
    match told {
        Ok(Ok(())) => Ok(text(StatusCode::NO_CONTENT, "")),
        Ok(Err(refusal)) => Err(text(refusal.status(), format!("{}\n", refusal.say()))),
        Err(error) => Err(text(StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n"))),
    }
}

/// Returns the token (RFC 6750 section 2.1); empty without one.
fn token(headers: &HeaderMap) -> &[u8] {
    let value = headers.get(header::AUTHORIZATION).map(HeaderValue::as_bytes).unwrap_or_default();
    match value.split_at_checked("Bearer ".len()) {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case(b"Bearer ") => token.trim_ascii(),
        _ => b"",
    }
}

/// Returns whether a body is said to be JSON.
fn is_json(headers: &HeaderMap) -> bool {
    let value = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    value.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"))
}

/// Reads a body, unless it is too large or takes too long.
async fn body<B>(body: B) -> Result<Bytes, Page>
where
    B: Body<Data = Bytes, Error: std::error::Error + Send + Sync + 'static>,
{
    match timeout(PATIENCE, Limited::new(body, MOST_BODY).collect()).await {
        Ok(Ok(whole)) => Ok(whole.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => {
            Err(text(StatusCode::PAYLOAD_TOO_LARGE, format!("at most {MOST_BODY} octets\n")))
        }
        Ok(Err(error)) => Err(text(StatusCode::BAD_REQUEST, format!("{error}\n"))),
        Err(_) => Err(text(StatusCode::REQUEST_TIMEOUT, "the body did not come\n")),
    }
}

/// Adds a header to a page.
fn with(mut page: Page, name: HeaderName, value: &'static str) -> Page {
    page.headers_mut().insert(name, HeaderValue::from_static(value));
    page
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::sync::Mutex;

    use super::*;
    use http_body_util::Full;
    use proptest::prelude::*;

    /// Believes whoever says `secret`, if anybody, and takes down what is said.
    struct Ear(bool, Mutex<Vec<String>>);

    impl Listener for Ear {
        fn trusts(&self, token: &[u8]) -> Option<bool> {
            self.0.then_some(token == b"secret")
        }

        fn has(&self, address: IpAddr, body: &[u8]) -> Result<(), Refusal> {
            self.1.lock().unwrap().push(format!("{address} {}", String::from_utf8_lossy(body)));
            if body == b"{}" { Ok(()) } else { Err(Refusal::Senseless("no".to_owned())) }
        }

        fn left(&self, address: IpAddr) -> Result<(), Refusal> {
            self.1.lock().unwrap().push(address.to_string());
            Err(Refusal::Unknown("nobody".to_owned()))
        }
    }

    type Heard = (Option<u16>, Vec<String>);

    /// Says what comes of a request, and what was heard.
    fn ask(listens: bool, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Heard {
        let ear = Arc::new(Ear(listens, Mutex::default()));
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let body = Full::<Bytes>::from(body.to_vec()).map_err(|never: Infallible| match never {});
        let request = request.body(body).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let page = runtime.block_on(answer(request, &ear));
        let heard = ear.1.lock().unwrap().clone();
        (page.map(|page| page.status().as_u16()), heard)
    }

    const KEY: (&str, &str) = ("Authorization", "Bearer secret");
    const JSON: (&str, &str) = ("Content-Type", "application/json; charset=utf-8");
    const HERE: &str = "/api/v1/identity/192.0.2.7";

    #[test]
    fn who_has_the_token_is_heard() {
        let (there, v6) = ("192.0.2.7 {}".to_owned(), "2001:db8::7 {}".to_owned());
        assert_eq!(ask(true, "PUT", HERE, &[KEY, JSON], b"{}"), (Some(204), vec![there]));
        assert_eq!(
            ask(true, "PUT", "/api/v1/identity/2001:db8::7", &[KEY, JSON], b"{}"),
            (Some(204), vec![v6])
        );
        let gone = (Some(404), vec!["192.0.2.7".to_owned()]);
        assert_eq!(ask(true, "DELETE", HERE, &[KEY], b""), gone);
        assert_eq!(ask(true, "PUT", HERE, &[KEY, JSON], b"[]").0, Some(400));
    }

    #[test]
    fn nobody_else_is() {
        let silent = |status| (Some(status), Vec::new());
        assert_eq!(ask(false, "PUT", HERE, &[KEY, JSON], b"{}"), (None, Vec::new()));
        for key in ["", "Bearer", "Bearer ", "Bearer Secret", "Bearer secretly", "Basic secret", "secret"] {
            let key = [("Authorization", key), JSON];
            assert_eq!(ask(true, "PUT", HERE, &key, b"{}"), silent(401), "{key:?}");
            assert_eq!(ask(true, "GET", "/api/v1/identity/x", &key, b""), silent(401), "{key:?}");
        }
        assert_eq!(ask(true, "PUT", HERE, &[JSON], b"{}"), silent(401));
        for method in ["GET", "HEAD", "POST", "OPTIONS", "TRACE"] {
            assert_eq!(ask(true, method, HERE, &[KEY, JSON], b"{}"), silent(405), "{method}");
        }
        for address in ["", "192.0.2", "192.0.2.7/32", "192.0.2.7/", "fe80::1%25eth0", "../network"] {
            let path = format!("{PATH}{address}");
            assert_eq!(ask(true, "PUT", &path, &[KEY, JSON], b"{}"), silent(400), "{path}");
        }
        // What a form of a foreign page can send.
        for kind in ["text/plain", "application/x-www-form-urlencoded", "", "application/jsonp"] {
            assert_eq!(ask(true, "PUT", HERE, &[KEY, ("Content-Type", kind)], b"{}"), silent(415), "{kind}");
        }
        assert_eq!(ask(true, "PUT", HERE, &[KEY], b"{}"), silent(415));
        assert_eq!(ask(true, "PUT", HERE, &[KEY, JSON], &[b' '; 1025]), silent(413));
    }

    proptest! {
        #[test]
        fn any_key_but_the_right_one_is_refused(key in "[ -~]{0,20}") {
            prop_assume!(!key.trim().to_ascii_lowercase().ends_with("secret"));
            prop_assert_eq!(ask(true, "PUT", HERE, &[("Authorization", &key), JSON], b"{}").0, Some(401));
        }
    }
}
