//! [`Server`]: another resolver that may be asked, and how it is written in the
//! config; and [`Choice`], which of several it is.

use std::fmt;
use std::net::IpAddr;
use std::net::SocketAddr;
use std::str::FromStr;

use rustls::pki_types::ServerName;

/// The port of DNS.
const DNS_PORT: u16 = 53;

/// The port of DNS over TLS (RFC 7858 section 3.1).
const DOT_PORT: u16 = 853;

/// The port of HTTPS.
const HTTPS_PORT: u16 = 443;

/// The longest path of a URL, in octets.
const MAX_PATH: usize = 256;

//----------- Server -----------------------------------------------------------

/// A resolver that may be asked.
///
/// Its address is always said: nobody but us could look up its name.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub enum Server {
    /// Over UDP and TCP, in the clear.
    Plain(SocketAddr),
    /// Over TLS (RFC 7858).
    Tls {
        /// The name in its certificate.
        name: ServerName<'static>,
        /// Where it is.
        address: SocketAddr,
    },
    /// Over HTTPS (RFC 8484).
    Https {
        /// The name in its certificate.
        name: ServerName<'static>,
        /// The path of the URL, with its slash.
        path: String,
        /// Where it is.
        address: SocketAddr,
    },
}

impl Server {
    /// Returns where it is.
    pub fn address(&self) -> SocketAddr {
        match self {
            Self::Plain(address) | Self::Tls { address, .. } | Self::Https { address, .. } => *address,
        }
    }
}

impl From<SocketAddr> for Server {
    fn from(address: SocketAddr) -> Self {
        Self::Plain(address)
    }
}

//----------- Choice -----------------------------------------------------------

/// Who is asked first, of several servers.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum Choice {
    /// The quickest; when it is late, the next beside it.
    #[default]
    Parallel,
    /// The first that is well, in the order of the config.
    Strict,
}

//----------- ServerError ------------------------------------------------------

/// Why a text names no server.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ServerError {
    /// It is written otherwise.
    Form,
    /// The name is none.
    Name,
    /// There is no address.
    Address,
    /// The path is none.
    Path,
}

impl fmt::Display for ServerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Form => {
                "not a server; write one like \"9.9.9.9\", \"tls://dns.quad9.net@9.9.9.9\" or \
                \"https://dns.quad9.net/dns-query@9.9.9.9\""
            }
            Self::Name => "not a name that can stand in a certificate",
            Self::Address => {
                "the address is missing, and nobody but Sordino could look it up; write it behind the \
                name, like \"tls://dns.quad9.net@9.9.9.9\""
            }
            Self::Path => "not the path of a URL; most servers have \"/dns-query\"",
        })
    }
}

impl FromStr for Server {
    type Err = ServerError;

    fn from_str(text: &str) -> Result<Self, ServerError> {
        let Some((scheme, rest)) = text.split_once("://") else {
            return socket(text, DNS_PORT).map(Self::Plain).ok_or(ServerError::Form);
        };
        let (who, place) = rest.rsplit_once('@').map_or((rest, None), |(who, place)| (who, Some(place)));
        let (name, path) = match who.find('/') {
            Some(slash) => who.split_at(slash),
            None => (who, ""),
        };
        let port = match scheme {
            "tls" if path.is_empty() => DOT_PORT,
            "https" => HTTPS_PORT,
            _ => return Err(ServerError::Form),
        };
        // An address may be a name as well: it stands in some certificates.
        let bare = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(name);
        let address = socket(place.unwrap_or(name), port).ok_or(ServerError::Address)?;
        let name = ServerName::try_from(bare.to_owned()).map_err(|_| ServerError::Name)?;
        if scheme == "tls" {
            return Ok(Self::Tls { name, address });
        }
        let fine = |byte: u8| byte.is_ascii_graphic() && !b"#?\"<>\\^`{|}".contains(&byte);
        if path.len() < 2 || path.len() > MAX_PATH || !path.bytes().all(fine) {
            return Err(ServerError::Path);
        }
        Ok(Self::Https { name, path: path.to_owned(), address })
    }
}

/// Reads an address with a port; without one it is `port`.
fn socket(text: &str, port: u16) -> Option<SocketAddr> {
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    text.parse().ok().or_else(|| Some(SocketAddr::new(bare.parse::<IpAddr>().ok()?, port)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn servers_are_read_as_they_are_written() {
        let shown = |text: &str| match text.parse::<Server>() {
            Ok(Server::Plain(address)) => address.to_string(),
            Ok(Server::Tls { name, address }) => format!("{} {address}", name.to_str()),
            Ok(Server::Https { name, path, address }) => format!("{} {path} {address}", name.to_str()),
            Err(error) => format!("{error:?}"),
        };
        for (text, expected) in [
            ("9.9.9.9", "9.9.9.9:53"),
            ("[2620:fe::fe]:5353", "[2620:fe::fe]:5353"),
            ("2620:fe::fe", "[2620:fe::fe]:53"),
            ("tls://dns.quad9.net@9.9.9.9", "dns.quad9.net 9.9.9.9:853"),
            ("tls://dns.quad9.net@[2620:fe::fe]:8853", "dns.quad9.net [2620:fe::fe]:8853"),
            ("tls://9.9.9.9", "9.9.9.9 9.9.9.9:853"),
            ("tls://[2620:fe::fe]", "2620:fe::fe [2620:fe::fe]:853"),
            ("https://dns.quad9.net/dns-query@9.9.9.9", "dns.quad9.net /dns-query 9.9.9.9:443"),
            ("https://d/a/b@9.9.9.9:8443", "d /a/b 9.9.9.9:8443"),
            ("tls://dns.quad9.net", "Address"),
            ("https://dns.quad9.net/dns-query", "Address"),
            ("https://dns.quad9.net@9.9.9.9", "Path"),
            ("https://dns.quad9.net/a b@9.9.9.9", "Path"),
            ("tls://dns.quad9.net/dns-query@9.9.9.9", "Form"),
            ("tls://a..b@9.9.9.9", "Name"),
            ("tls://@9.9.9.9", "Name"),
            ("quic://dns.quad9.net@9.9.9.9", "Form"),
            ("dns.quad9.net", "Form"),
            ("", "Form"),
        ] {
            assert_eq!(shown(text), expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "(tls|https)?(://)?\\PC{0,12}/?@?[0-9.:\\[\\]]{0,12}") {
            let _ = text.parse::<Server>().map_err(|error| error.to_string());
        }
    }
}
