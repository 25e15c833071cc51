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

/// Shows what a function writes at each scrape.
pub struct Scrape<F>(pub F);

impl<F: Fn() -> Vec<u8> + Send + Sync + 'static> Site for Scrape<F> {
    async fn answer(&self, request: Request<Incoming>) -> Page {
        match (request.method(), request.uri().path()) {
            (&Method::GET | &Method::HEAD, "/metrics") => typed(StatusCode::OK, KIND, self.0()),
            (_, "/metrics") => text(StatusCode::METHOD_NOT_ALLOWED, "GET only\n"),
            _ => text(StatusCode::NOT_FOUND, "metrics are at /metrics\n"),
        }
    }
}
