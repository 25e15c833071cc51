//! TLS to other resolvers: whose certificates are believed, and connecting.

use std::io;
use std::sync::Arc;

use async_trait::async_trait;
use rustls::ClientConfig;
use rustls::RootCertStore;
use rustls::crypto::ring;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::ServerName;
use rustls::pki_types::pem::PemObject;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::live::Connect;
use super::live::Connection;
use super::stream::Stream;
use crate::base::Diagnostic;
use crate::resolve::file::File;

/// Returns whose certificates are believed: those that the authorities in a file
/// have signed, or else those of the Web.
pub(super) fn roots(file: Option<&File>) -> Result<RootCertStore, Diagnostic> {
    let Some(file) = file else {
        return Ok(RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() });
    };
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(file.text.as_bytes()) {
        let added = certificate.map(|certificate| roots.add(certificate));
        if !matches!(added, Ok(Ok(()))) {
            return Err(Diagnostic::of_file(Arc::clone(&file.name), "a certificate in it can't be read"));
        }
    }
    if roots.is_empty() {
        let say = "no certificate in it; it has to begin with -----BEGIN CERTIFICATE-----";
        return Err(Diagnostic::of_file(Arc::clone(&file.name), say));
    }
    Ok(roots)
}

/// Returns what TLS is like for a protocol.
pub(super) fn config(roots: &Arc<RootCertStore>, alpn: &[u8]) -> Arc<ClientConfig> {
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    // The provider has all that the versions need.
    let builder = builder.unwrap_or_else(|_| ClientConfig::builder());
    let mut config = builder.with_root_certificates(Arc::clone(roots)).with_no_client_auth();
    config.alpn_protocols = vec![alpn.to_vec()];
    Arc::new(config)
}

//----------- Secure -----------------------------------------------------------

/// A server behind TLS.
#[derive(Clone)]
pub(super) struct Secure {
    /// The name in its certificate.
    pub(super) name: ServerName<'static>,
    /// Where it is.
    pub(super) address: std::net::SocketAddr,
    /// What TLS is like.
    pub(super) config: Arc<ClientConfig>,
}

impl Secure {
    /// Connects.  Ends when whoever waits gives up.
    pub(super) async fn open(&self) -> io::Result<TlsStream<TcpStream>> {
        let stream = TcpStream::connect(self.address).await?;
        // Messages are small and written whole.
        stream.set_nodelay(true)?;
        TlsConnector::from(Arc::clone(&self.config)).connect(self.name.clone(), stream).await
    }
}

/// DNS over TLS (RFC 7858).
#[async_trait]
impl Connect for Secure {
    async fn connect(&self) -> io::Result<Arc<dyn Connection>> {
        Ok(Stream::over(self.open().await?))
    }
}
