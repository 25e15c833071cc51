//! Which path of `web.listen` shows what.
//!
//! `/api/v1/network`: what is wrong with the network.  `/api/v1/identity/ADDRESS`:
//! who has an address is told there (see [`pushes`]).  `/healthz`: the process
//! runs.  `/readyz`: config and lists are loaded, and
//! Sordino has just answered a query of its own.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use hyper::Method;
use hyper::Request;
use hyper::StatusCode;
use hyper::body::Incoming;

use super::pushes;
use super::pushes::Listener;
use super::serve::Page;
use super::serve::Site;
use super::serve::text;
use super::serve::typed;

/// Asks a query of our own, and tells why nobody answered it.
pub type SelfQuery = Box<dyn Fn() -> BoxFuture<'static, Result<(), String>> + Send + Sync>;

/// Writes JSON.
pub type Json = Box<dyn Fn() -> Vec<u8> + Send + Sync>;

/// What `web.listen` shows.
pub struct Router<L> {
    /// For `/readyz`.
    pub self_query: SelfQuery,
    /// For `/api/v1/network`: what is wrong with the network, as JSON.
    pub network: Json,
    /// For `/api/v1/identity/`: who is told.
    pub pushed: Arc<L>,
}

impl<L: Listener + 'static> Site for Router<L> {
    async fn answer(&self, request: Request<Incoming>) -> Page {
        if request.uri().path().starts_with(pushes::PATH) {
            return pushes::answer(request, &self.pushed).await.unwrap_or_else(nothing);
        }
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            return text(StatusCode::METHOD_NOT_ALLOWED, "GET only\n");
        }
        match request.uri().path() {
            "/healthz" => text(StatusCode::OK, "ok\n"),
            "/readyz" => match (self.self_query)().await {
                Ok(()) => text(StatusCode::OK, "ok\n"),
                Err(why) => {
                    text(StatusCode::SERVICE_UNAVAILABLE, format!("no answer to a query of our own: {why}\n"))
                }
            },
            "/api/v1/network" => typed(StatusCode::OK, "application/json", (self.network)()),
            _ => nothing(),
        }
    }
}

/// Says what there is instead.
fn nothing() -> Page {
    text(StatusCode::NOT_FOUND, "there are: /api/v1/network, /healthz, /readyz\n")
}
