//! [`Live`]: one connection to a server for all questions, made anew when it
//! has ended.

use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Duration;
use std::time::Instant;

use async_trait::async_trait;
use tokio::sync::Mutex;

use crate::base::time::moment;

/// How long a question waits before a connection on which nothing came
/// meanwhile counts as dead: a router that restarted tells nobody.
const DEAD: Duration = Duration::from_secs(1);

//----------- Connection -------------------------------------------------------

/// A connection that carries many questions at once.
#[async_trait]
pub(super) trait Connection: Send + Sync {
    /// Sends a message and returns the reply to it, under the ID of the
    /// message.
    async fn ask(&self, message: &[u8]) -> io::Result<Vec<u8>>;

    /// Returns whether no further question can be asked.
    fn is_closed(&self) -> bool;
}

/// Who makes connections.
#[async_trait]
pub(super) trait Connect: Send + Sync {
    /// Makes one.
    async fn connect(&self) -> io::Result<Arc<dyn Connection>>;
}

//----------- Live -------------------------------------------------------------

/// A connection, if there is one.
pub(super) struct Live {
    /// Who makes it.
    connect: Box<dyn Connect>,
    /// The connection.  Whoever makes one holds the lock, so that all others
    /// wait for that one.
    current: Mutex<Option<Arc<Used>>>,
}

/// A connection and what became of it.
struct Used {
    /// The connection.
    connection: Arc<dyn Connection>,
    /// How many replies came.
    replies: AtomicU64,
    /// Whether it counts as dead.
    dead: AtomicBool,
}

impl Live {
    /// Returns one that is not connected yet.
    pub(super) fn new(connect: Box<dyn Connect>) -> Self {
        Self { connect, current: Mutex::default() }
    }

    /// Sends a message and returns the reply.
    pub(super) async fn ask(&self, message: &[u8]) -> io::Result<Vec<u8>> {
        let (used, is_new) = self.connection().await?;
        match used.ask(message).await {
            // It was closed while it was idle, or just now.
            Err(_) if !is_new => self.connection().await?.0.ask(message).await,
            result => result,
        }
    }

    /// Leaves the connection; questions on it go on.
    pub(super) fn leave(&self) {
        // One that is being made is new already.
        if let Ok(mut current) = self.current.try_lock() {
            *current = None;
        }
    }

    /// Returns the connection, and whether it was made just now.
    async fn connection(&self) -> io::Result<(Arc<Used>, bool)> {
        let mut current = self.current.lock().await;
        if let Some(used) = current.as_ref().filter(|used| used.is_usable()) {
            return Ok((Arc::clone(used), false));
        }
        *current = None;
        let connection = self.connect.connect().await?;
        let used = Used { connection, replies: AtomicU64::new(0), dead: AtomicBool::new(false) };
        Ok((Arc::clone(current.insert(Arc::new(used))), true))
    }
}

impl Used {
    /// Returns whether it can be asked.
    fn is_usable(&self) -> bool {
        !self.dead.load(Ordering::Relaxed) && !self.connection.is_closed()
    }

    /// Sends a message and returns the reply.
    async fn ask(&self, message: &[u8]) -> io::Result<Vec<u8>> {
        let waiting = Waiting { used: self, since: moment(), replies: self.replies.load(Ordering::Relaxed) };
        let result = self.connection.ask(message).await;
        match &result {
            Ok(_) => _ = self.replies.fetch_add(1, Ordering::Relaxed),
            Err(_) => self.dead.store(true, Ordering::Relaxed),
        }
        drop(waiting);
        result
    }
}

/// Somebody who waits for a reply.
struct Waiting<'a> {
    /// For what comes through this.
    used: &'a Used,
    /// Since when.
    since: Instant,
    /// How many replies there had been.
    replies: u64,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let nothing_came = self.used.replies.load(Ordering::Relaxed) == self.replies;
        if nothing_came && moment().saturating_duration_since(self.since) >= DEAD {
            self.used.dead.store(true, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resolve::forward::stream::Stream;
    use tokio::io::AsyncReadExt;
    use tokio::io::AsyncWriteExt;
    use tokio::io::DuplexStream;
    use tokio::sync::mpsc;

    /// Connects to whoever takes the other end.
    struct To(mpsc::UnboundedSender<DuplexStream>);

    #[async_trait]
    impl Connect for To {
        async fn connect(&self) -> io::Result<Arc<dyn Connection>> {
            let (here, there) = tokio::io::duplex(4_096);
            self.0.send(there).map_err(io::Error::other)?;
            Ok(Stream::over(here))
        }
    }

    /// Returns a server that is not connected yet, and where its ends of
    /// connections appear.
    fn server() -> (Arc<Live>, mpsc::UnboundedReceiver<DuplexStream>) {
        let (sender, ends) = mpsc::unbounded_channel();
        (Arc::new(Live::new(Box::new(To(sender)))), ends)
    }

    /// Reads a message.
    async fn read(end: &mut DuplexStream) -> Vec<u8> {
        let mut message = vec![0; end.read_u16().await.unwrap().into()];
        end.read_exact(&mut message).await.unwrap();
        message
    }

    /// Writes a message.
    async fn write(end: &mut DuplexStream, message: &[u8]) {
        end.write_u16(message.len().try_into().unwrap()).await.unwrap();
        end.write_all(message).await.unwrap();
    }

    fn asking(live: &Arc<Live>, message: &'static [u8]) -> tokio::task::JoinHandle<io::Result<Vec<u8>>> {
        let live = Arc::clone(live);
        tokio::spawn(async move { live.ask(message).await })
    }

    #[tokio::test(start_paused = true)]
    async fn many_ask_at_once_over_one_connection_and_each_gets_its_answer() {
        let (live, mut ends) = server();
        // The same ID twice: those on the stream are others.
        let asked = [asking(&live, b"\0\x07a"), asking(&live, b"\0\x07b"), asking(&live, b"\0\x08c")];
        let mut end = ends.recv().await.unwrap();
        let mut messages = vec![read(&mut end).await, read(&mut end).await, read(&mut end).await];
        messages.reverse();
        // One that nobody has asked for is passed over.
        write(&mut end, b"\xff\xffx").await;
        for message in messages {
            write(&mut end, &message).await;
        }
        let mut answers = Vec::new();
        for one in asked {
            answers.push(one.await.unwrap().unwrap());
        }
        assert_eq!(answers, [&b"\0\x07a"[..], b"\0\x07b", b"\0\x08c"]);
        assert!(ends.try_recv().is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_closed_meanwhile_is_opened_again_and_once_only() {
        let (live, mut ends) = server();
        let first = asking(&live, b"\0\x01a");
        let mut end = ends.recv().await.unwrap();
        let message = read(&mut end).await;
        write(&mut end, &message).await;
        first.await.unwrap().unwrap();
        // The server reads the next question and closes.
        let second = asking(&live, b"\0\x02b");
        read(&mut end).await;
        drop(end);
        let mut end = ends.recv().await.unwrap();
        let message = read(&mut end).await;
        write(&mut end, &message).await;
        assert_eq!(second.await.unwrap().unwrap(), b"\0\x02b");
        // One that closes at once is not asked for ever.
        drop(end);
        let third = asking(&live, b"\0\x03c");
        drop(ends.recv().await.unwrap());
        assert!(third.await.unwrap().is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn one_on_which_nothing_comes_is_left() {
        let (live, mut ends) = server();
        let _silent = {
            let asked = asking(&live, b"\0\x01a");
            let end = ends.recv().await.unwrap();
            tokio::time::sleep(Duration::from_secs(2)).await;
            asked.abort();
            assert!(asked.await.is_err());
            end
        };
        let again = asking(&live, b"\0\x02b");
        let mut end = ends.recv().await.unwrap();
        let message = read(&mut end).await;
        write(&mut end, &message).await;
        assert!(again.await.unwrap().is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_nobody_uses_is_closed() {
        let (live, mut ends) = server();
        let asked = asking(&live, b"\0\x01a");
        let mut end = ends.recv().await.unwrap();
        let message = read(&mut end).await;
        write(&mut end, &message).await;
        asked.await.unwrap().unwrap();
        assert_eq!(end.read(&mut [0; 8]).await.unwrap(), 0);
    }
}
