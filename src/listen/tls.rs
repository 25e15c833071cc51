//! [`Tls`]: the certificate that encrypted connections are opened with, and who a
//! client says that it is by the name it asks for.

use std::fmt;
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;

use crate::base::Domain;

//----------- Tls --------------------------------------------------------------

/// What TLS connections are opened with.
#[derive(Clone, Debug)]
pub struct Tls {
    /// For DNS over TLS (RFC 7858).
    pub(super) dot: Arc<ServerConfig>,
    /// For DNS over HTTPS (RFC 8484).
    pub(super) doh: Arc<ServerConfig>,
}

impl Tls {
    /// Makes it of a certificate, with those that vouch for it behind it, and of
    /// its key, all as PEM.
    pub fn new(certificate: &str, key: &str) -> Result<Self, TlsError> {
        let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(certificate.as_bytes()).collect();
        let chain = chain.map_err(|error| TlsError(format!("the certificate is no PEM: {error}")))?;
        if chain.is_empty() {
            return Err(TlsError("there is no certificate in it".to_owned()));
        }
        let key = PrivateKeyDer::from_pem_slice(key.as_bytes())
            .map_err(|error| TlsError(format!("the key is no PEM of a private key: {error}")))?;
        let server = |protocols: &[&str]| {
            let mut server = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
                .with_safe_default_protocol_versions()?
                .with_no_client_auth()
                .with_single_cert(chain.clone(), key.clone_key())?;
            server.alpn_protocols = protocols.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
            Ok(Arc::new(server))
        };
        let failed = |error: rustls::Error| TlsError(error.to_string());
        Ok(Self { dot: server(&["dot"]).map_err(failed)?, doh: server(&["h2", "http/1.1"]).map_err(failed)? })
    }
}

/// Why there can be no TLS.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TlsError(String);

impl fmt::Display for TlsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for TlsError {}

//----------- claims -----------------------------------------------------------

/// Returns the device that a client says it is by asking for `DEVICE.ours`, where
/// `ours` is our name.
pub(super) fn claim_by_name(asked: &str, ours: &Domain) -> Option<Arc<str>> {
    let (device, rest) = asked.split_once('.')?;
    let same = rest.parse::<Domain>().is_ok_and(|rest| rest == *ours);
    same.then(|| Arc::from(device.to_ascii_lowercase()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_is_one_label_below_our_name() {
        let ours: Domain = "dns.home.example".parse().unwrap();
        for (asked, device) in [
            ("kitchen.dns.home.example", Some("kitchen")),
            ("Kitchen.DNS.home.example", Some("kitchen")),
            ("dns.home.example", None),
            ("a.kitchen.dns.home.example", None),
            ("kitchen.dns.home.example.evil.example", None),
            ("kitchen", None),
            ("", None),
        ] {
            assert_eq!(claim_by_name(asked, &ours).as_deref(), device, "{asked}");
        }
    }

    #[test]
    fn a_certificate_and_its_key_go_together_and_no_others() {
        let made = |name: &str| rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
        let (one, other) = (made("a.example"), made("b.example"));
        let (certificate, key) = (one.cert.pem(), one.signing_key.serialize_pem());
        Tls::new(&certificate, &key).unwrap();
        let error = |certificate: &str, key: &str| Tls::new(certificate, key).unwrap_err().to_string();
        assert!(error(&certificate, &other.signing_key.serialize_pem()).contains("Mismatch"));
        assert!(error("", &key).contains("no certificate"));
        assert!(error(&certificate, "").contains("no PEM of a private key"));
        assert!(error(&key, &certificate).contains("no certificate"));
    }
}
