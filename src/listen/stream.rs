//! DNS over a stream of octets: each message with its length before it (RFC 1035
//! section 4.2.2), many in hand at once, answers in the order in which they are
//! ready (RFC 7766 section 6.2.1.1).
//!
//! Apart from how a connection comes to be, because TCP and TLS differ in
//! nothing else.

use std::io;
use std::sync::Arc;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::io::AsyncRead;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWrite;
use tokio::io::AsyncWriteExt;
use tokio::sync::watch;

use super::arrival::Arrival;
use super::connections::Connection;
use super::door::Door;
use super::inquiry::Answered;
use super::inquiry::Intake;
use super::inquiry::take_in;
use crate::resolve::Resolve;

/// Most queries in hand on one connection; the others wait in its socket.
pub(super) const MOST_IN_HAND: usize = 16;

/// The longest query that is read, in octets.  Nobody sends a longer one.
pub(super) const LONGEST: usize = 4096;

/// The length of a length, in octets.
const LENGTH: usize = 2;

/// Answers what comes through a stream until it ends, or until `stop` says so;
/// then what was in hand.
pub(super) async fn serve<R: Resolve + 'static>(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    connection: &Connection,
    door: &Arc<Door<R>>,
    arrival: Arrival,
    mut stop: watch::Receiver<bool>,
) {
    let mut messages = Messages::new();
    let mut in_hand = FuturesUnordered::new();
    let mut open = true;
    while open || !in_hand.is_empty() {
        let answered = tokio::select! {
            biased;
            Some(answered) = in_hand.next(), if !in_hand.is_empty() => answered,
            _ = stop.wait_for(|stop| *stop), if open => {
                open = false;
                continue;
            }
            message = messages.next(&mut stream), if open && in_hand.len() < MOST_IN_HAND => {
                let Some(message) = message else {
                    open = false;
                    continue;
                };
                connection.asked();
                match take_in(door, &message, Arrival { received: door.now(), ..arrival.clone() }) {
                    Intake::Inquiry(inquiry) => {
                        in_hand.push(inquiry.answer());
                        continue;
                    }
                    Intake::TurnedAway(turned_away) => turned_away,
                }
            }
        };
        let sent = send(&mut stream, &answered).await;
        connection.answered();
        if let Err(error) = &sent {
            tracing::debug!(%error, peer = %arrival.peer, "sending a response");
            open = false;
        }
        answered.note(sent.is_ok());
    }
    let _ = stream.shutdown().await;
}

/// Sends a response, if there is one.
async fn send<R: Resolve + 'static>(
    stream: &mut (impl AsyncWrite + Unpin),
    answered: &Answered<R>,
) -> io::Result<()> {
    if answered.wire.is_empty() {
        return Ok(());
    }
    let length = u16::try_from(answered.wire.len()).map_err(io::Error::other)?;
    // In one piece, so that it leaves as one (RFC 7766 section 8).
    let whole = [&length.to_be_bytes()[..], &answered.wire].concat();
    stream.write_all(&whole).await?;
    stream.flush().await
}

//----------- Messages ---------------------------------------------------------

/// What was read of a stream and not yet taken.
struct Messages {
    /// The octets; never more than one message and its length.
    octets: Vec<u8>,
}

impl Messages {
    /// Returns nothing yet.
    fn new() -> Self {
        Self { octets: Vec::with_capacity(LENGTH + LONGEST) }
    }

    /// Returns the next message; none at the end of the stream, or if what
    /// comes is no query.  May be given up and called again.
    async fn next(&mut self, stream: &mut (impl AsyncRead + Unpin)) -> Option<Vec<u8>> {
        loop {
            match self.octets.first_chunk().map(|length| usize::from(u16::from_be_bytes(*length))) {
                Some(length) if length > LONGEST => return None,
                Some(length) if self.octets.len() >= LENGTH + length => {
                    let message = self.octets.get(LENGTH..LENGTH + length)?.to_vec();
                    self.octets.drain(..LENGTH + length);
                    return Some(message);
                }
                _ => {}
            }
            // There is always room for the rest of a message.
            if stream.read_buf(&mut self.octets).await.ok()? == 0 {
                return None;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chunks::Chunks;
    use proptest::prelude::*;

    /// A stream in pieces.
    mod chunks {
        use std::collections::VecDeque;
        use std::io;
        use std::pin::Pin;
        use std::task::Context;
        use std::task::Poll;
        use tokio::io::AsyncRead;
        use tokio::io::ReadBuf;

        pub(super) struct Chunks(pub(super) VecDeque<Vec<u8>>);

        impl AsyncRead for Chunks {
            fn poll_read(
                mut self: Pin<&mut Self>,
                _: &mut Context<'_>,
                room: &mut ReadBuf<'_>,
            ) -> Poll<io::Result<()>> {
                if let Some(mut chunk) = self.0.pop_front() {
                    let rest = chunk.split_off(chunk.len().min(room.remaining()));
                    room.put_slice(&chunk);
                    if !rest.is_empty() {
                        self.0.push_front(rest);
                    }
                }
                Poll::Ready(Ok(()))
            }
        }
    }

    proptest! {
        #[test]
        fn messages_come_out_whole_however_they_were_cut(
            sent in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..600), 0..20),
            sizes in proptest::collection::vec(1usize..2000, 1..50),
        ) {
            let whole: Vec<u8> = sent.iter().flat_map(|message| {
                [&u16::try_from(message.len()).unwrap().to_be_bytes()[..], message].concat()
            }).collect();
            let mut rest = &whole[..];
            let mut chunks = std::collections::VecDeque::new();
            for size in sizes.iter().cycle() {
                if rest.is_empty() { break }
                let (chunk, after) = rest.split_at((*size).min(rest.len()));
                chunks.push_back(chunk.to_vec());
                rest = after;
            }
            let mut stream = Chunks(chunks);
            let mut messages = Messages::new();
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            for message in &sent {
                let next = runtime.block_on(messages.next(&mut stream));
                prop_assert_eq!(next.as_ref(), Some(message));
            }
            prop_assert_eq!(runtime.block_on(messages.next(&mut stream)), None);
            prop_assert!(messages.octets.capacity() < 2 * (LENGTH + LONGEST));
        }
    }

    #[tokio::test]
    async fn what_is_too_long_is_the_end() {
        let mut stream = Chunks([vec![0x10, 0x01, 0]].into());
        assert_eq!(Messages::new().next(&mut stream).await, None);
    }
}
