//! [`Fetcher`]: downloads that can't hurt.
//!
//! HTTPS only, conditional, capped in size and time, names through our own
//! resolver, never into the house.  What is downloaded is judged elsewhere
//! (`refresh`); here it is octets.
//
//  One request and one connection for each hop, redirects followed by hand:
//  each hop goes through `Target` and `Gate` anew.  A list is downloaded once a
//  day, so nothing is kept between two downloads.

mod body;
mod error;
mod gate;
mod target;
mod validators;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;
use ureq::Agent;
use ureq::Body;
use ureq::config::AutoHeaderValue;
use ureq::config::Config;
use ureq::http::Response;
use ureq::tls::Certificate;
use ureq::tls::PemItem;
use ureq::tls::RootCerts;
use ureq::tls::TlsConfig;
use ureq::unversioned::transport::DefaultConnector;

use crate::base::Clock;

use gate::Gate;
use gate::Shut;
use target::Target;

pub use error::Error;
pub use gate::Lookup;
pub use validators::Validators;

/// Who we say we are, and all we say of ourselves.
const USER_AGENT: &str = concat!("sordino/", env!("CARGO_PKG_VERSION"));

/// How many redirects are followed; list hosts need one or two.
const MOST_REDIRECTS: u32 = 5;

/// The largest response header, in octets.
const MOST_HEADER: usize = 32 << 10;

//----------- Settings ---------------------------------------------------------

/// What a download may do.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Networks that are fine although they are not on the internet: a list
    /// server in the house.
    pub allow: Arc<[IpNet]>,
    /// Whether `http://` is fine as well.
    pub allow_http: bool,
    /// The most octets that may come over the wire.
    pub most_wire: u64,
    /// The most octets that may come out of gzip.
    pub most_decoded: u64,
    /// The longest that a download may take, redirects included.
    pub most_time: Duration,
    /// The certificate authorities that are trusted.
    pub roots: Roots,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            allow: Arc::default(),
            allow_http: false,
            // The largest lists in use have 20 MiB plain and 6 MiB packed.
            most_wire: 32 << 20,
            most_decoded: 128 << 20,
            most_time: Duration::from_mins(1),
            roots: Roots::default(),
        }
    }
}

/// Certificate authorities; by default those that browsers trust (webpki).
#[derive(Clone, Debug, Default)]
pub struct Roots(Option<Arc<Vec<Certificate<'static>>>>);

impl Roots {
    /// Returns the authorities of a PEM file, and no other.
    pub fn from_pem(pem: &[u8]) -> Result<Self, Error> {
        let mut roots = Vec::new();
        for item in ureq::tls::parse_pem(pem) {
            if let PemItem::Certificate(certificate) = item.map_err(|why| Error::Tls(why.to_string()))? {
                roots.push(certificate);
            }
        }
        if roots.is_empty() {
            return Err(Error::Tls("there is no certificate in the PEM text".to_owned()));
        }
        Ok(Self(Some(Arc::new(roots))))
    }
}

//----------- Fetcher ----------------------------------------------------------

/// What came of a download.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Fetched {
    /// Nothing changed since the validators were given (304).
    Unchanged,
    /// This is there now (200).
    New {
        /// The octets, out of gzip.
        body: Vec<u8>,
        /// What to send the next time.
        validators: Validators,
    },
}

/// Says what is wrong with a URL of the config, as far as can be told without
/// the network.
pub fn check_url(url: &str, allow_http: bool) -> Result<(), Error> {
    Target::read(url, allow_http).map(drop)
}

/// Downloads lists.
pub struct Fetcher {
    /// What a download may do.
    settings: Settings,
    /// Who finds the addresses of list servers.
    lookup: Arc<dyn Lookup>,
    /// Measures the time of a download over its redirects.
    clock: Arc<dyn Clock>,
}

impl Fetcher {
    /// Returns a fetcher that finds addresses through `lookup`.
    pub fn new(settings: Settings, lookup: Arc<dyn Lookup>, clock: Arc<dyn Clock>) -> Self {
        Self { settings, lookup, clock }
    }

    /// Downloads `url`, unless nothing changed since `known`.
    ///
    /// Waits for the network, at most [`Settings::most_time`] and what one
    /// look-up of a name takes.
    pub fn fetch(&self, url: &str, known: &Validators) -> Result<Fetched, Error> {
        let started = self.clock.now().instant;
        let mut target = Target::read(url, self.settings.allow_http)?;
        for _ in 0..=MOST_REDIRECTS {
            let taken = self.clock.now().instant.saturating_duration_since(started);
            let left = self.settings.most_time.saturating_sub(taken);
            if left.is_zero() {
                return Err(Error::Time(self.settings.most_time));
            }
            let response = self.ask(&target, known, left)?;
            match response.status().as_u16() {
                200 => return self.read(response),
                // A server that says so unasked has not understood us.
                304 if !known.is_empty() => return Ok(Fetched::Unchanged),
                301 | 302 | 303 | 307 | 308 => {
                    let location = response.headers().get("location").and_then(|v| v.to_str().ok());
                    target = target.redirect(location.unwrap_or_default(), self.settings.allow_http)?;
                }
                status => return Err(Error::Status(status)),
            }
        }
        Err(Error::Redirects)
    }

    /// Sends one request and returns the head of its response.
    fn ask(&self, target: &Target, known: &Validators, left: Duration) -> Result<Response<Body>, Error> {
        let gate = Gate { lookup: Arc::clone(&self.lookup), allow: Arc::clone(&self.settings.allow) };
        let agent = Agent::with_parts(self.config(target, left), DefaultConnector::default(), gate);
        let mut request = agent.get(target.uri());
        for (name, value) in known.conditions() {
            request = request.header(name, value);
        }
        request.call().map_err(|why| self.error(why))
    }

    /// Returns the library's settings for one request.
    fn config(&self, target: &Target, left: Duration) -> Config {
        let roots = match &self.settings.roots.0 {
            Some(roots) => RootCerts::Specific(Arc::clone(roots)),
            None => RootCerts::WebPki,
        };
        Config::builder()
            .https_only(target.is_secure())
            .tls_config(TlsConfig::builder().root_certs(roots).build())
            // A proxy from the environment would look names up for us, past the gate.
            .proxy(None)
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .user_agent(USER_AGENT)
            .accept(AutoHeaderValue::None)
            .accept_encoding("gzip")
            .max_response_header_size(MOST_HEADER)
            .input_buffer_size(64 << 10)
            .max_idle_connections(0)
            .timeout_global(Some(left))
            .build()
    }

    /// Reads the body of a response.
    fn read(&self, response: Response<Body>) -> Result<Fetched, Error> {
        let validators = Validators::of(response.headers());
        let coding = body::Coding::of(response.headers())?;
        let (_, body) = response.into_parts();
        let body = body::read(body.into_reader(), coding, &self.settings).map_err(|fault| match fault {
            body::Fault::Said(error) => error,
            body::Fault::Library(why) => self.error(why),
        })?;
        Ok(Fetched::New { body, validators })
    }

    /// Says in our words what the library complains about.
    fn error(&self, why: ureq::Error) -> Error {
        match why {
            ureq::Error::Timeout(_) => Error::Time(self.settings.most_time),
            ureq::Error::LargeResponseHeader(..) => Error::Header,
            ureq::Error::Tls(why) => Error::Tls(why.to_owned()),
            ureq::Error::Rustls(why) => Error::Tls(why.to_string()),
            // The handshake gives its errors as "invalid data".
            ureq::Error::Io(why) if why.kind() == std::io::ErrorKind::InvalidData => {
                Error::Tls(why.to_string())
            }
            ureq::Error::Io(why) if why.kind() == std::io::ErrorKind::UnexpectedEof => Error::Cut,
            ureq::Error::Io(why) => Error::Network(why.to_string()),
            ureq::Error::Other(why) => match why.downcast::<Shut>() {
                Ok(shut) => match *shut {
                    Shut::Inside(host, address) => Error::Inside { host, address },
                    shut @ Shut::Unknown(..) => Error::Network(shut.to_string()),
                },
                Err(why) => Error::Network(why.to_string()),
            },
            why => Error::Network(why.to_string()),
        }
    }
}

impl fmt::Debug for Fetcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fetcher").field("settings", &self.settings).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn authorities_are_read_from_pem_or_refused() {
        assert!(Roots::from_pem(b"").is_err());
        assert!(Roots::from_pem(b"-----BEGIN CERTIFICATE-----\n!\n").is_err());
    }
}
