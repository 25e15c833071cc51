//! Takes in connections, and never spins: where there are no descriptors left,
//! it waits, and the connection that is needed least makes room.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::connections::Connection;
use super::connections::Connections;
use super::door::Door;
use super::inquiry::Arrival;
use super::stream;
use crate::query::Transport;
use crate::resolve::Resolve;

/// The pause after a failed accept, which most often means that descriptors
/// have run out: hurrying does not bring them back.
const BREATH: Duration = Duration::from_millis(100);

/// How long connections get to finish what is in hand after the order to stop.
const DRAIN: Duration = Duration::from_secs(6);

/// Takes in connections until `stop` says so, and waits for those that are open
/// to finish what they have in hand.
pub(super) async fn run<R: Resolve + 'static>(
    listener: TcpListener,
    connections: Arc<Connections>,
    door: Arc<Door<R>>,
    mut stop: watch::Receiver<bool>,
) {
    let mut open = JoinSet::new();
    let mut failing = false;
    loop {
        let accepted = tokio::select! {
            biased;
            _ = stop.wait_for(|stop| *stop) => break,
            accepted = listener.accept() => accepted,
        };
        // Whoever has ended leaves nothing behind.
        while open.try_join_next().is_some() {}
        match accepted {
            Ok((stream, peer)) => {
                failing = false;
                if let Some(connection) = connections.take(peer.ip().to_canonical(), false) {
                    open.spawn(serve(stream, peer, connection, Arc::clone(&door), stop.clone()));
                }
            }
            // That client has thought better of it; there may be others.
            Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
            Err(error) => {
                if !failing {
                    tracing::warn!(%error, "a connection cannot be taken in; those that are idle make room");
                }
                failing = true;
                connections.make_room();
                tokio::time::sleep(BREATH).await;
            }
        }
    }
    drop(listener);
    let ended = async { while open.join_next().await.is_some() {} };
    let _ = tokio::time::timeout(DRAIN, ended).await;
}

/// Serves one connection.
async fn serve<R: Resolve + 'static>(
    stream: TcpStream,
    peer: SocketAddr,
    connection: Connection,
    door: Arc<Door<R>>,
    stop: watch::Receiver<bool>,
) {
    // Answers are small and leave at once.
    let _ = stream.set_nodelay(true);
    let arrival = Arrival { peer, asked: None, transport: Transport::Tcp, received: door.now() };
    connection.attend(stream::serve(stream, &connection, &door, arrival, stop)).await;
}
