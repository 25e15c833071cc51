//! DNS over HTTPS (RFC 8484), over HTTP/2 as it recommends.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use http_body_util::BodyExt;
use http_body_util::Full;
use http_body_util::Limited;
use hyper::Request;
use hyper::StatusCode;
use hyper::body::Bytes;
use hyper::client::conn::http2;
use hyper::client::conn::http2::SendRequest;
use hyper::header;
use hyper_util::rt::TokioExecutor;
use hyper_util::rt::TokioIo;
use hyper_util::rt::TokioTimer;

use super::live::Connect;
use super::live::Connection;
use super::tls::Secure;

/// The media type of a message (RFC 8484 section 6).
const MESSAGE: &str = "application/dns-message";

/// The longest message, in octets.
const MAX_MESSAGE: usize = 65_535;

/// How long nothing comes before the server is asked whether it is there.
const PING: Duration = Duration::from_secs(5);

/// How long it may take to say so.
const PONG: Duration = Duration::from_secs(2);

//----------- Https ------------------------------------------------------------

/// A server behind HTTPS.
pub(super) struct Https {
    /// The server.
    pub(super) secure: Secure,
    /// The path of its URL.
    pub(super) path: String,
}

#[async_trait]
impl Connect for Https {
    async fn connect(&self) -> io::Result<Arc<dyn Connection>> {
        let stream = TokioIo::new(self.secure.open().await?);
        let (sender, connection) = http2::Builder::new(TokioExecutor::new())
            .timer(TokioTimer::new())
            .keep_alive_interval(PING)
            .keep_alive_timeout(PONG)
            .max_header_list_size(16 * 1024)
            .handshake(stream)
            .await
            .map_err(io::Error::other)?;
        // How it ended does not matter: who waits sees that it did.
        tokio::spawn(connection);
        let name = self.secure.name.to_str();
        let name = if name.contains(':') { format!("[{name}]") } else { name.into_owned() };
        let port = self.secure.address.port();
        let url = match port {
            443 => format!("https://{name}{}", self.path),
            _ => format!("https://{name}:{port}{}", self.path),
        };
        Ok(Arc::new(Open { sender, url }))
    }
}

/// A connection to it.
struct Open {
    /// Where requests go.
    sender: SendRequest<Full<Bytes>>,
    /// The URL.
    url: String,
}

#[async_trait]
impl Connection for Open {
    async fn ask(&self, message: &[u8]) -> io::Result<Vec<u8>> {
        let mut wire = message.to_vec();
        // RFC 8484 section 4.1: an ID of 0.
        let id = wire.first_chunk_mut::<2>().map(std::mem::take);
        let request = Request::post(&self.url)
            .header(header::CONTENT_TYPE, MESSAGE)
            .header(header::ACCEPT, MESSAGE)
            .body(Full::new(Bytes::from(wire)))
            .map_err(io::Error::other)?;
        let response = self.sender.clone().send_request(request).await.map_err(io::Error::other)?;
        let (head, body) = response.into_parts();
        let is_message = head.headers.get(header::CONTENT_TYPE).is_some_and(|kind| kind == MESSAGE);
        if head.status != StatusCode::OK || !is_message {
            return Err(io::Error::new(io::ErrorKind::InvalidData, Refused(head.status)));
        }
        let body = Limited::new(body, MAX_MESSAGE).collect().await.map_err(io::Error::other)?;
        let mut reply = body.to_bytes().to_vec();
        if let (Some(place), Some(id)) = (reply.first_chunk_mut(), id) {
            *place = id;
        }
        Ok(reply)
    }

    fn is_closed(&self) -> bool {
        self.sender.is_closed()
    }
}

/// The server answered, but not with a message.
#[derive(Debug)]
pub(super) struct Refused(StatusCode);

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "HTTP {}", self.0.as_u16())
    }
}

impl std::error::Error for Refused {}
