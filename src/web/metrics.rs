//! `/metrics`, on a listener of its own.

use hyper::Method;
use hyper::Request;
use hyper::StatusCode;
use hyper::body::Incoming;

use super::serve::Page;
use super::serve::Site;
use super::serve::text;
use super::serve::typed;

/// Prometheus's text format.
const KIND: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Shows what a function has written at each scrape; nothing, if that can't be.
pub struct Scrape<F>(pub F);

impl<F, W> Site for Scrape<F>
where
    F: Fn() -> W + Send + Sync + 'static,
    W: Future<Output = Option<Vec<u8>>> + Send,
{
    async fn answer(&self, request: Request<Incoming>) -> Page {
        match (request.method(), request.uri().path()) {
            (&Method::GET | &Method::HEAD, "/metrics") => match self.0().await {
                Some(written) => typed(StatusCode::OK, KIND, written),
                None => text(StatusCode::SERVICE_UNAVAILABLE, "metrics can't be written now\n"),
            },
            (_, "/metrics") => text(StatusCode::METHOD_NOT_ALLOWED, "GET only\n"),
            _ => text(StatusCode::NOT_FOUND, "metrics are at /metrics\n"),
        }
    }
}
