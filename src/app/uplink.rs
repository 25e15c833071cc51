//! What is done when the house has another way out: what was learned of servers
//! outside is forgotten, and they are tried anew at once; and clients that are told
//! our addresses (RFC 9462) are told the new ones.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;

use crate::listen::door::Door;
use crate::resolve::Resolver;

/// How long events gather: a line that comes up brings a handful of them.
const GATHER: Duration = Duration::from_millis(500);

/// The pause before events are followed again after that failed.
const BREATH: Duration = Duration::from_secs(1);

/// Follows the way out from now on.  Where a reload is needed, `news` is told.
#[cfg(target_os = "linux")]
pub(super) fn follow(door: &Arc<Door<Resolver>>, news: mpsc::Sender<()>) {
    let wake = Arc::new(tokio::sync::Notify::new());
    let (door, woken) = (Arc::clone(door), Arc::clone(&wake));
    tokio::spawn(async move {
        loop {
            woken.notified().await;
            // At once, and again when all is said.
            door.home().resolver.network_changed();
            tokio::time::sleep(GATHER).await;
            let home = door.home();
            home.resolver.network_changed();
            if home.offer.tls.is_some() && home.offer.name.is_some() {
                // Full means that a reload is about to come.
                let _ = news.try_send(());
            }
            tracing::debug!("another way out: servers outside are tried anew");
        }
    });
    tokio::spawn(async move {
        loop {
            if let Err(error) = crate::listen::uplink::follow(|| wake.notify_one()).await {
                tracing::debug!(%error, "following the way out; trying again");
            }
            tokio::time::sleep(BREATH).await;
        }
    });
}

/// There is nothing to follow that we can read.
#[cfg(not(target_os = "linux"))]
pub(super) fn follow(_door: &Arc<Door<Resolver>>, _news: mpsc::Sender<()>) {}
