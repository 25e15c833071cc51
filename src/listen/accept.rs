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
use tokio_rustls::TlsAcceptor;

use super::arrival::Arrival;
use super::connections::Connection;
use super::connections::Connections;
use super::door::Door;
use super::https;
use super::proxy;
use super::stream;
use super::tls::claim_by_name;
use crate::base::Now;
use crate::query::Transport;
use crate::resolve::Resolve;

/// The pause after a failed accept, which most often means that descriptors
/// have run out: hurrying does not bring them back.
const BREATH: Duration = Duration::from_millis(100);

/// How often it is said that this happens, at most.
const CALM: Duration = Duration::from_mins(1);

/// How long connections get to finish what is in hand after the order to stop.
const DRAIN: Duration = Duration::from_secs(6);

/// Takes in connections until `stop` says so, and waits for those that are open
/// to finish what they have in hand.
pub(super) async fn run<R: Resolve + 'static>(
    listener: TcpListener,
    transport: Transport,
    connections: Arc<Connections>,
    door: Arc<Door<R>>,
    mut stop: watch::Receiver<bool>,
) {
    let mut open = JoinSet::new();
    let mut complained: Option<Now> = None;
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
                let is_proxy = door.home().access.is_proxy(peer.ip());
                if let Some(connection) = connections.take(peer.ip().to_canonical(), is_proxy) {
                    let caller = Caller { peer, transport, is_proxy, door: Arc::clone(&door) };
                    open.spawn(caller.serve(stream, Arc::new(connection), stop.clone()));
                }
                // Whoever had to make room goes first: descriptors are to be free
                // again before more are taken.
                tokio::task::yield_now().await;
            }
            // That client has thought better of it; there may be others.
            Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
            Err(error) => {
                let now = door.now();
                let long_ago = |then: Now| now.instant.saturating_duration_since(then.instant) > CALM;
                if complained.is_none_or(long_ago) {
                    tracing::warn!(%error, "a connection cannot be taken in; those that are idle make room");
                    complained = Some(now);
                }
                connections.make_room();
                tokio::time::sleep(BREATH).await;
            }
        }
    }
    drop(listener);
    let ended = async { while open.join_next().await.is_some() {} };
    let _ = tokio::time::timeout(DRAIN, ended).await;
}

//----------- Caller -----------------------------------------------------------

/// Who opened a connection.
struct Caller<R: Resolve + 'static> {
    /// Its address.
    peer: SocketAddr,
    /// What it wants to speak.
    transport: Transport,
    /// Whether it is a proxy, and speaks for others.
    is_proxy: bool,
    /// Where its queries go.
    door: Arc<Door<R>>,
}

impl<R: Resolve + 'static> Caller<R> {
    /// Serves its connection.
    async fn serve(self, stream: TcpStream, connection: Arc<Connection>, stop: watch::Receiver<bool>) {
        let peer = self.peer;
        let work = async {
            if let Err(error) = self.speak(stream, &connection, stop).await {
                tracing::debug!(%error, %peer, "opening a connection");
            }
        };
        // It is large, and moved around.
        connection.attend(Box::pin(work)).await;
    }

    /// Agrees with it on how to speak, and answers.
    async fn speak(
        self,
        mut stream: TcpStream,
        connection: &Arc<Connection>,
        stop: watch::Receiver<bool>,
    ) -> io::Result<()> {
        let Self { peer, transport, is_proxy, door } = self;
        // Answers are small and leave at once.
        stream.set_nodelay(true)?;
        let mut arrival = Arrival::new(peer, transport, door.now());
        if is_proxy {
            arrival = arrival.proxied(proxy::read_from(&mut stream).await?);
        }
        if transport == Transport::Tcp {
            stream::serve(stream, connection, &door, arrival, stop).await;
            return Ok(());
        }
        let home = door.home();
        let no_tls = || io::Error::other("no certificate is configured any more");
        let tls = home.offer.tls.as_ref().ok_or_else(no_tls)?;
        let tls = if transport == Transport::Dot { &tls.dot } else { &tls.doh };
        // Opening TLS is dear, and strangers are refused anyway.
        if !home.access.admits(arrival.peer.ip()) {
            return Err(io::ErrorKind::PermissionDenied.into());
        }
        let stream = TlsAcceptor::from(Arc::clone(tls)).accept(stream).await?;
        let (_, session) = stream.get_ref();
        let name = session.server_name().zip(home.offer.name.as_ref());
        arrival.claim = name.and_then(|(asked, ours)| claim_by_name(asked, ours));
        let http2 = session.alpn_protocol() == Some(b"h2");
        // A reload must not wait for the last connection that saw what was before.
        drop(home);
        if transport == Transport::Dot {
            stream::serve(stream, connection, &door, arrival, stop).await;
        } else {
            // It is large, and most connections are of the other kinds.
            Box::pin(https::serve(stream, http2, Arc::clone(connection), door, arrival, stop)).await;
        }
        Ok(())
    }
}
