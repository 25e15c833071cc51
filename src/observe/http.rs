//! `/metrics` over HTTP/1.1.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::Full;
use hyper::Method;
use hyper::Request;
use hyper::Response;
use hyper::StatusCode;
use hyper::body::Bytes;
use hyper::body::Incoming;
use hyper::header;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use hyper_util::rt::TokioTimer;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

/// Most connections at once.  Prometheus opens one.
const MOST_CONNECTIONS: usize = 16;

/// How long a client may take for its request.
const PATIENCE: Duration = Duration::from_secs(5);

/// The pause after a failed accept, which most often means that file
/// descriptors have run out: hurrying does not bring them back.
const BREATH: Duration = Duration::from_millis(100);

/// Serves what `render` writes, for ever.
pub async fn serve(listener: TcpListener, render: Arc<dyn Fn() -> Vec<u8> + Send + Sync>) {
    let places = Arc::new(Semaphore::new(MOST_CONNECTIONS));
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else {
            return;
        };
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::debug!(%error, "accepting a connection for metrics");
                tokio::time::sleep(BREATH).await;
                continue;
            }
        };
        let render = Arc::clone(&render);
        tokio::spawn(async move {
            let answer = service_fn(|request| {
                let response = respond(&request, &*render);
                async move { Ok::<_, Infallible>(response) }
            });
            let connection = hyper::server::conn::http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(PATIENCE)
                .max_buf_size(16 * 1024)
                .serve_connection(TokioIo::new(stream), answer);
            if let Err(error) = connection.await {
                tracing::debug!(%error, "serving metrics");
            }
            drop(place);
        });
    }
}

/// Answers one request.
fn respond(request: &Request<Incoming>, render: &dyn Fn() -> Vec<u8>) -> Response<Full<Bytes>> {
    let (status, kind, body) = match (request.method(), request.uri().path()) {
        (&Method::GET | &Method::HEAD, "/metrics") => {
            (StatusCode::OK, "text/plain; version=0.0.4; charset=utf-8", render())
        }
        (_, "/metrics") => (StatusCode::METHOD_NOT_ALLOWED, "text/plain", b"GET only\n".to_vec()),
        _ => (StatusCode::NOT_FOUND, "text/plain", b"metrics are at /metrics\n".to_vec()),
    };
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static(kind));
    response
}
