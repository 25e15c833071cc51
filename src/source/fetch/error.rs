//! [`Error`]: why there is no download, in words for people.

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use crate::base::units::show_duration;

use super::MOST_HEADER;
use super::MOST_REDIRECTS;

/// Why there is no download.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Error {
    /// The URL, or the one a redirect leads to, is not downloaded from.
    Url {
        /// The URL.
        url: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// One redirect after the other.
    Redirects,
    /// The host is not on the internet.
    Inside {
        /// The host, as the URL has it.
        host: String,
        /// One of its addresses.
        address: IpAddr,
    },
    /// A status other than 200 and 304.
    Status(u16),
    /// It took longer than this.
    Time(Duration),
    /// The server could not prove who it is, or does not speak TLS as it should.
    Tls(String),
    /// The response header is too large.
    Header,
    /// More than so many octets came over the wire.
    Wire(u64),
    /// More than so many octets came out of gzip.
    Decoded(u64),
    /// The body is packed in a way we did not ask for.
    Coding(String),
    /// What should be gzip is none, or ends early.
    Gzip(String),
    /// The connection ended before the body did.
    Cut,
    /// The server says neither how long the body is nor where it ends.
    Endless,
    /// The network, the name, or the server's HTTP.
    Network(String),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Url { url, why } => write!(f, "not downloaded from `{url}`: {why}"),
            Self::Redirects => write!(f, "more than {MOST_REDIRECTS} redirects"),
            Self::Inside { host, address } => {
                write!(f, "the host {host} leads to {address}, which is not on the internet")
            }
            Self::Status(status) => write!(f, "the server answered with status {status}"),
            Self::Time(most) => write!(f, "it took longer than {}", show_duration(*most)),
            Self::Tls(why) => write!(f, "TLS failed: {why}"),
            Self::Header => write!(f, "the response header has more than {MOST_HEADER} octets"),
            Self::Wire(most) => write!(f, "more than {most} octets came over the wire"),
            Self::Decoded(most) => write!(f, "more than {most} octets came out of gzip"),
            Self::Coding(what) => write!(f, "the content encoding `{what}` was not asked for"),
            Self::Gzip(why) => write!(f, "the gzip is broken or ends early: {why}"),
            Self::Cut => f.write_str("the connection ended before the list did"),
            Self::Endless => f.write_str("the server does not say where the list ends"),
            Self::Network(why) => f.write_str(why),
        }
    }
}

impl std::error::Error for Error {}
