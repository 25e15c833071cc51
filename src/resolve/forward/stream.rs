//! [`Stream`]: many questions at once over one stream (RFC 7766 section 6.2.1),
//! whose answers come in any order.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use hickory_proto::op::Message;
use hickory_proto::rr::rdata::opt::EdnsCode;
use hickory_proto::rr::rdata::opt::EdnsOption;
use tokio::io::AsyncRead;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWrite;
use tokio::io::AsyncWriteExt;
use tokio::sync::mpsc;
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::live::Connection;
use crate::resolve::exchange::wire::KEEPALIVE;

/// How long a stream is kept on which nothing happens, if the server does not say:
/// what a page needs comes in bursts, and servers close after some ten seconds
/// themselves.
const IDLE: Duration = Duration::from_secs(20);

/// How long at most, whatever it says.
const LONGEST_IDLE: Duration = Duration::from_mins(2);

/// What the server counts it in (RFC 7828 section 3.1).
const IDLE_UNIT: Duration = Duration::from_millis(100);

/// How many questions may wait to be written.
const QUEUE: usize = 64;

/// How many questions may wait for their answers.
const MOST: usize = 256;

//----------- Stream -----------------------------------------------------------

/// A stream in use.
pub(super) struct Stream(mpsc::Sender<Asked>);

/// A question on its way.
struct Asked {
    /// The message.
    message: Vec<u8>,
    /// Where its answer goes.
    answer: oneshot::Sender<Vec<u8>>,
}

impl Stream {
    /// Uses a stream.  A task of its own reads and writes until it ends.
    pub(super) fn over(stream: impl AsyncRead + AsyncWrite + Send + 'static) -> Arc<dyn Connection> {
        let (sender, asked) = mpsc::channel(QUEUE);
        tokio::spawn(async move {
            let (reader, writer) = tokio::io::split(stream);
            // How it ended does not matter: who waits sees that it did.
            let _ = Carried { asked, waiting: HashMap::new(), next: rand::random(), idle: IDLE }
                .run(reader, writer)
                .await;
        });
        Arc::new(Self(sender))
    }
}

#[async_trait]
impl Connection for Stream {
    async fn ask(&self, message: &[u8]) -> io::Result<Vec<u8>> {
        let closed = || io::Error::from(io::ErrorKind::ConnectionAborted);
        let (answer, reply) = oneshot::channel();
        self.0.send(Asked { message: message.to_vec(), answer }).await.map_err(|_| closed())?;
        let mut reply = reply.await.map_err(|_| closed())?;
        set_id(&mut reply, id(message));
        Ok(reply)
    }

    fn is_closed(&self) -> bool {
        self.0.is_closed()
    }
}

/// Returns the ID of a message.
fn id(message: &[u8]) -> u16 {
    message.first_chunk().map_or(0, |id| u16::from_be_bytes(*id))
}

/// Gives a message another ID.
fn set_id(message: &mut [u8], id: u16) {
    if let Some(place) = message.first_chunk_mut() {
        *place = id.to_be_bytes();
    }
}

/// What goes over a stream.
struct Carried {
    /// What is to be asked.
    asked: mpsc::Receiver<Asked>,
    /// Who waits, by the ID on the stream.
    waiting: HashMap<u16, oneshot::Sender<Vec<u8>>>,
    /// The next ID that may be free.
    next: u16,
    /// How long it is kept while nothing happens.
    idle: Duration,
}

impl Carried {
    /// Reads and writes until the other side ends it, nobody asks any more, or
    /// nothing happens.
    async fn run(
        mut self,
        mut reader: impl AsyncRead + Send + Unpin,
        mut writer: impl AsyncWrite + Send + Unpin,
    ) -> io::Result<()> {
        let (put, mut replies) = mpsc::channel(1);
        let reading = async move {
            loop {
                let mut reply = vec![0; usize::from(reader.read_u16().await?)];
                reader.read_exact(&mut reply).await?;
                if put.send(reply).await.is_err() {
                    return io::Result::Ok(());
                }
            }
        };
        let working = async {
            loop {
                let event = async {
                    tokio::select! {
                        asked = self.asked.recv(), if self.waiting.len() < MOST => Ok(asked),
                        reply = replies.recv() => Err(reply),
                    }
                };
                // Who waits is waited for (RFC 7828 section 3.2.2).
                let idle = if self.waiting.is_empty() { self.idle } else { self.idle.max(IDLE) };
                match timeout(idle, event).await {
                    Ok(Ok(Some(asked))) => writer.write_all(&self.send(asked)?).await?,
                    Ok(Err(Some(reply))) => {
                        self.idle = idle_of(&reply).unwrap_or(self.idle);
                        let waiting = self.waiting.remove(&id(&reply));
                        // Who waited may have gone.
                        let _ = waiting.map(|answer| answer.send(reply));
                    }
                    Ok(_) | Err(_) => return writer.shutdown().await,
                }
                self.waiting.retain(|_, answer| !answer.is_closed());
            }
        };
        tokio::select! {
            ended = reading => ended,
            ended = working => ended,
        }
    }

    /// Takes down who asks, and returns what is to be written (RFC 7766 section
    /// 8: the length and the message in one go).
    fn send(&mut self, asked: Asked) -> io::Result<Vec<u8>> {
        let Asked { mut message, answer } = asked;
        let length = u16::try_from(message.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
        while self.waiting.contains_key(&self.next) {
            self.next = self.next.wrapping_add(1);
        }
        set_id(&mut message, self.next);
        self.waiting.insert(self.next, answer);
        self.next = self.next.wrapping_add(1);
        Ok([&length.to_be_bytes()[..], &message].concat())
    }
}

/// Returns how long a stream may be idle by what a reply says (RFC 7828 section
/// 3.1); zero if it is to be closed.
fn idle_of(reply: &[u8]) -> Option<Duration> {
    let edns = Message::from_vec(reply).ok()?.edns?;
    let EdnsOption::Unknown(_, data) = edns.option(EdnsCode::from(KEEPALIVE))? else { return None };
    let units = u16::from_be_bytes(data.as_slice().try_into().ok()?);
    Some((IDLE_UNIT * units.into()).min(LONGEST_IDLE))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::time::moment;
    use hickory_proto::op::Edns;
    use tokio::io::DuplexStream;

    /// Answers a question, and says for how many tenths of a second the stream is
    /// kept.
    async fn answer(end: &mut DuplexStream, idle: Option<&[u8]>) {
        let mut message = vec![0; end.read_u16().await.unwrap().into()];
        end.read_exact(&mut message).await.unwrap();
        let mut reply = Message::query();
        reply.metadata.id = id(&message);
        if let Some(idle) = idle {
            let mut edns = Edns::new();
            edns.options_mut().insert(EdnsOption::Unknown(KEEPALIVE, idle.to_vec()));
            reply.set_edns(edns);
        }
        let reply = reply.to_vec().unwrap();
        end.write_u16(reply.len().try_into().unwrap()).await.unwrap();
        end.write_all(&reply).await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn a_stream_is_kept_for_as_long_as_the_server_says() {
        for (idle, kept) in [
            (None, IDLE),
            (Some(&[0, 50][..]), Duration::from_secs(5)),
            (Some(&[0, 0]), Duration::ZERO),
            (Some(&[0xff, 0xff]), LONGEST_IDLE),
            // Neither of these says anything.
            (Some(&[]), IDLE),
            (Some(&[1]), IDLE),
        ] {
            let (here, mut there) = tokio::io::duplex(4_096);
            let stream = Stream::over(here);
            let asking = tokio::spawn(async move {
                let reply = stream.ask(b"\0\x01a").await;
                (reply, stream)
            });
            answer(&mut there, idle).await;
            let (reply, _stream) = asking.await.unwrap();
            reply.unwrap();
            let begun = moment();
            assert_eq!(there.read(&mut [0; 8]).await.unwrap(), 0);
            let took = moment().saturating_duration_since(begun);
            assert!(took.saturating_sub(kept) < IDLE_UNIT && took >= kept, "{idle:?}: {took:?}");
        }
    }
}
