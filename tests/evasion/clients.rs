//! Clients on every transport, which keep their connection.

use std::net::Ipv4Addr;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;
use rustls::DigitallySignedStruct;
use rustls::SignatureScheme;
use rustls::client::danger::HandshakeSignatureValid;
use rustls::client::danger::ServerCertVerified;
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::ring;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::ServerName;
use rustls::pki_types::UnixTime;
use tokio::io::AsyncRead;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWrite;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpSocket;
use tokio::net::UdpSocket;
use tokio_rustls::TlsConnector;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// How a query travels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Transport {
    Udp,
    Tcp,
    Dot,
    Doh,
}

impl Transport {
    pub(crate) const ALL: [Self; 4] = [Self::Udp, Self::Tcp, Self::Dot, Self::Doh];
}

/// A stream of either kind.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

/// A client.
pub(crate) enum Client {
    Datagrams(UdpSocket),
    Messages(Box<dyn Stream>),
    Requests(Box<dyn Stream>),
}

impl Client {
    /// Connects from 127.0.0.`device`; under TLS it says that it is `desk`.
    pub(crate) async fn connect(device: u8, transport: Transport, at: SocketAddr) -> Self {
        let own = SocketAddr::from((Ipv4Addr::new(127, 0, 0, device), 0));
        if transport == Transport::Udp {
            let socket = UdpSocket::bind(own).await.unwrap();
            socket.connect(at).await.unwrap();
            return Self::Datagrams(socket);
        }
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(own).unwrap();
        let stream = socket.connect(at).await.unwrap();
        if transport == Transport::Tcp {
            return Self::Messages(Box::new(stream));
        }
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(Trusting))
            .with_no_client_auth();
        let name = ServerName::try_from("desk.dns.home.example").unwrap();
        let stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await.unwrap();
        if transport == Transport::Dot {
            Self::Messages(Box::new(stream))
        } else {
            Self::Requests(Box::new(stream))
        }
    }

    /// Asks, and returns the response.
    pub(crate) async fn ask(&mut self, query: &[u8]) -> Option<Vec<u8>> {
        tokio::time::timeout(PATIENCE, self.exchange(query)).await.ok()?.ok()
    }

    /// Asks and waits.
    async fn exchange(&mut self, query: &[u8]) -> std::io::Result<Vec<u8>> {
        match self {
            Self::Datagrams(socket) => {
                socket.send(query).await?;
                let mut answer = vec![0; 4096];
                let length = socket.recv(&mut answer).await?;
                answer.truncate(length);
                Ok(answer)
            }
            Self::Messages(stream) => {
                let length = u16::try_from(query.len()).unwrap().to_be_bytes();
                stream.write_all(&[&length, query].concat()).await?;
                let mut answer = vec![0; usize::from(stream.read_u16().await?)];
                stream.read_exact(&mut answer).await?;
                Ok(answer)
            }
            Self::Requests(stream) => {
                let head = format!(
                    "POST /dns-query/desk HTTP/1.1\r\nhost: x\r\ncontent-type: application/dns-message\r\n\
                     content-length: {}\r\n\r\n",
                    query.len()
                );
                stream.write_all(&[head.as_bytes(), query].concat()).await?;
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    head.push(stream.read_u8().await?);
                }
                let head = String::from_utf8(head).unwrap();
                let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
                let mut answer = vec![0; length.parse().unwrap()];
                stream.read_exact(&mut answer).await?;
                Ok(answer)
            }
        }
    }
}

/// Believes every certificate: this is not about them.
#[derive(Debug)]
struct Trusting;

impl ServerCertVerifier for Trusting {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        ring::default_provider().signature_verification_algorithms.supported_schemes()
    }
}
