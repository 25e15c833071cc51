//! DNS over HTTPS ([RFC 8484]), HTTP/2 and HTTP/1.1.
//!
//! `/dns-query` is for everybody, `/dns-query/DEVICE` for a client that says
//! which device it is.
//!
//! [RFC 8484]: https://www.rfc-editor.org/rfc/rfc8484

use std::convert::Infallible;
use std::io;
use std::pin::pin;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http_body_util::BodyExt;
use http_body_util::Full;
use http_body_util::Limited;
use hyper::Method;
use hyper::Request;
use hyper::Response;
use hyper::StatusCode;
use hyper::body::Bytes;
use hyper::body::Incoming;
use hyper::header;
use hyper::header::HeaderValue;
use hyper::server::conn::http1;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::TokioExecutor;
use hyper_util::rt::TokioIo;
use hyper_util::rt::TokioTimer;
use hyper_util::server::graceful::GracefulConnection;
use tokio::io::AsyncRead;
use tokio::io::AsyncWrite;
use tokio::sync::watch;

use super::arrival::Arrival;
use super::connections::Connection;
use super::door::Door;
use super::inquiry::Intake;
use super::inquiry::take_in;
use super::reply::Reply;
use super::stream::LONGEST;
use super::stream::MOST_IN_HAND;
use crate::pipeline::Dropped;
use crate::resolve::Resolve;

/// Where queries are taken; a device's name may follow, after a slash.
pub const PATH: &str = "/dns-query";

/// What queries and responses are (RFC 8484 section 6).
const MESSAGE: HeaderValue = HeaderValue::from_static("application/dns-message");

/// The largest head of a request, in octets: a query in a URL, and what browsers
/// send along.
const HEAD: usize = 16 * 1024;

/// Streams that a client may reset before they were looked at (CVE-2023-44487).
const MOST_RESET: usize = 16;

/// Answers requests until the connection ends, or until `stop` says so; then
/// those in hand.
pub(super) async fn serve<R: Resolve + 'static>(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    http2: bool,
    connection: Arc<Connection>,
    door: Arc<Door<R>>,
    arrival: Arrival,
    stop: watch::Receiver<bool>,
) {
    let answer = service_fn(move |request| {
        let (connection, door, arrival) = (Arc::clone(&connection), Arc::clone(&door), arrival.clone());
        async move { Ok::<_, Infallible>(respond(request, &connection, &door, arrival).await) }
    });
    let stream = TokioIo::new(stream);
    // How long a connection may take or be silent is `connections`' business.
    let ended = if http2 {
        let streams = u32::try_from(MOST_IN_HAND).unwrap_or(1);
        let head = u32::try_from(HEAD).unwrap_or(u32::MAX);
        let http = http2::Builder::new(TokioExecutor::new())
            .timer(TokioTimer::new())
            .max_concurrent_streams(streams)
            .max_pending_accept_reset_streams(MOST_RESET)
            .max_header_list_size(head)
            .serve_connection(stream, answer);
        carry_on(http, stop).await
    } else {
        let http = http1::Builder::new()
            .timer(TokioTimer::new())
            .max_buf_size(HEAD)
            .serve_connection(stream, answer);
        carry_on(http, stop).await
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "serving DNS over HTTPS");
    }
}

/// Carries a connection on until it ends, or until `stop` says so; then until the
/// requests in hand are answered.
async fn carry_on<C: GracefulConnection>(
    connection: C,
    mut stop: watch::Receiver<bool>,
) -> Result<(), C::Error> {
    let mut connection = pin!(connection);
    let stopped = async move { drop(stop.wait_for(|stop| *stop).await) };
    tokio::select! {
        ended = &mut connection => return ended,
        () = stopped => connection.as_mut().graceful_shutdown(),
    }
    connection.await
}

/// Answers one request.
async fn respond<R: Resolve + 'static>(
    request: Request<Incoming>,
    connection: &Connection,
    door: &Arc<Door<R>>,
    mut arrival: Arrival,
) -> Response<Full<Bytes>> {
    let device = match request.uri().path().strip_prefix(PATH) {
        Some("") => None,
        Some(rest) => match rest.strip_prefix('/') {
            Some(device) => Some(device),
            None => return plain(StatusCode::NOT_FOUND),
        },
        None => return plain(StatusCode::NOT_FOUND),
    };
    if let Some(device) = device {
        arrival.claim = Some(Arc::from(device.to_ascii_lowercase()));
    }
    let message = match read(request).await {
        Ok(message) => message,
        Err(status) => return plain(status),
    };
    arrival.received = door.now();
    connection.asked();
    let answered = match take_in(door, &message, arrival) {
        Intake::Inquiry(inquiry) => inquiry.answer().await,
        Intake::TurnedAway(answered) => answered,
    };
    connection.answered();
    let response = match answered.reply {
        Reply::Nothing(Dropped::NotAQuery) => plain(StatusCode::BAD_REQUEST),
        Reply::Nothing(Dropped::ClientOverload) => plain(StatusCode::TOO_MANY_REQUESTS),
        Reply::Nothing(_) => plain(StatusCode::SERVICE_UNAVAILABLE),
        Reply::Served(..) | Reply::TurnAway(_) => {
            let mut response = Response::new(Full::new(Bytes::from(answered.wire.clone())));
            let headers = response.headers_mut();
            headers.insert(header::CONTENT_TYPE, MESSAGE);
            // RFC 8484 section 5.1.  Private, because another device may get
            // another answer.
            let kept = format!("private, max-age={}", answered.max_age());
            if let Ok(kept) = HeaderValue::try_from(kept) {
                headers.insert(header::CACHE_CONTROL, kept);
            }
            response
        }
    };
    answered.note(true);
    response
}

/// Reads the query of a request (RFC 8484 section 4.1).
async fn read(request: Request<Incoming>) -> Result<Vec<u8>, StatusCode> {
    match *request.method() {
        Method::GET => {
            let query = request.uri().query().unwrap_or_default();
            let dns = query.split('&').find_map(|pair| pair.strip_prefix("dns="));
            let dns = dns.ok_or(StatusCode::BAD_REQUEST)?;
            URL_SAFE_NO_PAD.decode(dns.trim_end_matches('=')).map_err(|_| StatusCode::BAD_REQUEST)
        }
        Method::POST => {
            let is_message = request.headers().get(header::CONTENT_TYPE) == Some(&MESSAGE);
            // Read in any case: who still sends when it is refused may never hear why.
            let body = Limited::new(request.into_body(), LONGEST).collect().await;
            let body = body.map_err(|error| {
                let broken = error.is::<hyper::Error>() || error.is::<io::Error>();
                if broken { StatusCode::BAD_REQUEST } else { StatusCode::PAYLOAD_TOO_LARGE }
            })?;
            if !is_message {
                return Err(StatusCode::UNSUPPORTED_MEDIA_TYPE);
            }
            Ok(body.to_bytes().to_vec())
        }
        _ => Err(StatusCode::METHOD_NOT_ALLOWED),
    }
}

/// Returns a response without a message.
fn plain(status: StatusCode) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::new()));
    *response.status_mut() = status;
    if status == StatusCode::METHOD_NOT_ALLOWED {
        response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET, POST"));
    }
    response
}
