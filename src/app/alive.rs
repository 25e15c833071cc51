//! Feeding systemd's watchdog, and the pages beside the road.
//
//  Apart from `run`, which would do without either.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::TcpListener;

use super::network::Network;
use super::pushed::Pushed;
use crate::listen::probe::Probe;
use crate::web::router::Router;
use crate::web::serve;

/// How often the watchdog is fed in the time it waits: one query that gets lost
/// must not be the end.
const FEEDINGS: u32 = 4;

/// Feeds systemd's watchdog, if there is one (`WatchdogSec=`), for ever.  Each
/// time only a query that came back from the road is food.
pub(super) async fn feed_watchdog(probe: Probe) {
    let Some(patience) = sd_notify::watchdog_enabled() else {
        return;
    };
    loop {
        probe.ask_until_answered().await;
        let _ = sd_notify::notify(&[sd_notify::NotifyState::Watchdog]);
        tokio::time::sleep(patience / FEEDINGS).await;
    }
}

/// Serves `web.listen`.  Where it can't be had there is no page; DNS goes on.
pub(super) async fn serve_pages(at: SocketAddr, probe: Probe, network: Arc<Network>, pushed: Arc<Pushed>) {
    let listener = match TcpListener::bind(at).await {
        Ok(listener) => listener,
        Err(error) => {
            return tracing::warn!(%at, %error, "the page (web.listen) can't be served");
        }
    };
    let self_query = move || -> futures_util::future::BoxFuture<'static, _> {
        Box::pin(async move { probe.ask().await.map_err(|error| error.to_string()) })
    };
    let network = Box::new(move || network.shown());
    serve::serve(listener, Arc::new(Router { self_query: Box::new(self_query), network, pushed })).await;
}
