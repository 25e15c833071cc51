//! The fast path: a second listener, not a second road.
//!
//! ```text
//!   socket ─▶ batch ─▶ packet ─▶ the road, as far as it goes at once ─▶ batch ─▶ socket
//!                        │ odd        │ somebody has to be asked
//!                        └────────────┴──────▶ datagram ─▶ a task of its own
//! ```
//!
//! One thread for each core and socket takes datagrams in batches, reads the
//! question where it lies, judges it and answers a block, or from the cache,
//! with the same functions as every other query.  It neither allocates nor
//! waits for anybody.  What it can't answer at once it hands over unchanged.

mod batch;
mod clients;
mod control;
mod packet;

use std::io;
use std::net::UdpSocket;
use std::panic::AssertUnwindSafe;
use std::panic::catch_unwind;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::thread;
use std::thread::JoinHandle;

use socket2::SockRef;
use tokio::runtime::Handle;

use super::datagram;
use super::datagram::WayBack;
use super::door::Door;
use super::door::Home;
use super::pace::Pace;
use super::pace::Paces;
use super::turns::take_short_turns;
use crate::answer;
use crate::base::Now;
use crate::base::labels::MAX_NAME;
use crate::pipeline;
use crate::pipeline::Dropped;
use crate::pipeline::Event;
use crate::pipeline::Mark;
use crate::pipeline::Retry;
use crate::pipeline::Scribe;
use crate::query::Transport;
use crate::resolve::Resolve;
use batch::Batch;
use batch::Way;
use clients::Clients;

pub use clients::Known;

/// How often a socket is emptied after the order to stop: what had arrived by
/// then is still answered.
const LAST_READS: usize = 64;

//----------- Threads ----------------------------------------------------------

/// Threads that answer, a socket each.
pub(super) struct Threads {
    /// The sockets, to be shut.
    sockets: Vec<Arc<UdpSocket>>,
    /// The threads.
    running: Vec<JoinHandle<()>>,
    /// Set when it is time to stop.
    stop: Arc<AtomicBool>,
}

impl Threads {
    /// Starts a thread for each socket.
    pub(super) fn start<R: Resolve + 'static>(
        sockets: Vec<UdpSocket>,
        door: &Arc<Door<R>>,
    ) -> io::Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let sockets: Vec<_> = sockets.into_iter().map(Arc::new).collect();
        let mut running = Vec::with_capacity(sockets.len());
        for (nth, socket) in sockets.iter().enumerate() {
            let (socket, door, stop) = (Arc::clone(socket), Arc::clone(door), Arc::clone(&stop));
            let runtime = Handle::current();
            let thread = thread::Builder::new().name(format!("fast-{nth}"));
            running.push(thread.spawn(move || serve(&socket, &door, &stop, &runtime))?);
        }
        Ok(Self { sockets, running, stop })
    }

    /// Stops the threads, once what had come by now is answered or handed over.
    /// Waits for them, so not on a thread of the runtime.
    pub(super) fn stop(self) {
        self.stop.store(true, Ordering::Release);
        for socket in &self.sockets {
            // Wakes the thread that waits there.  That the socket is connected
            // to nobody is an error that is said afterwards.
            let _ = SockRef::from(&**socket).shutdown(std::net::Shutdown::Read);
        }
        for thread in self.running {
            // A thread that panicked said so.
            let _ = thread.join();
        }
    }
}

//----------- serve ------------------------------------------------------------

/// Answers what comes through a socket until it is time to stop.
fn serve<R: Resolve + 'static>(
    socket: &Arc<UdpSocket>,
    door: &Arc<Door<R>>,
    stop: &AtomicBool,
    runtime: &Handle,
) {
    take_short_turns();
    let tally = door.witness().tally();
    let mut scribe = door.witness().scribe();
    let mut clients = Clients::new();
    let mut paces = Paces::new();
    let mut batch = Batch::new();
    let mut marks = [const { None }; batch::SIZE];
    let mut last_reads = 0;
    while last_reads < LAST_READS {
        let stopping = stop.load(Ordering::Acquire);
        last_reads += usize::from(stopping);
        let count = match batch.receive(socket, !stopping) {
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock && stopping => break,
            Err(error) => {
                // ICMP errors of earlier answers surface here and mean nothing.
                tracing::debug!(%error, "reading from a UDP socket");
                continue;
            }
        };
        let (home, swaps) = door.glance_home();
        let received = door.now();
        let rests_on = (swaps, door.identify().addresses().changes());
        for (nth, mark) in marks.iter_mut().enumerate().take(count) {
            let Some((datagram, way, out)) = batch.get(nth) else { continue };
            let known = clients
                .get(datagram.peer, rests_on, received, || Known::find(datagram.peer, door, &home, received));
            let at_once = || answer(datagram.bytes, known?, &home, received, out);
            *mark = catch_unwind(AssertUnwindSafe(at_once)).unwrap_or_else(|_| {
                door.witness().note(Event::Panicked);
                None
            });
            if mark.is_some() {
                continue;
            }
            out.clear();
            let pace = paces.asks(datagram.peer.ip(), home.access.pace(datagram.peer.ip()), received);
            if pace == Pace::Kept {
                let back = Back { socket: Arc::clone(socket), way: *way };
                datagram::take(door, datagram, received, back, runtime);
                continue;
            }
            tally.dropped(Dropped::RateLimit);
            if pace == Pace::Slip {
                answer::ask_over_tcp(datagram.bytes, out);
            }
        }
        for _ in 0..batch.send(socket, count) {
            door.witness().note(Event::Dropped(Dropped::SendFailed));
        }
        let took = door.now().instant.saturating_duration_since(received.instant);
        for (nth, mark) in marks.iter_mut().enumerate().take(count) {
            let Some(mark) = mark.take() else { continue };
            tally.served(&mark, received.unix, took);
            if let (Some(scribe), Some((datagram, ..))) = (&mut scribe, batch.get(nth)) {
                note(scribe, &mark, datagram.bytes, received);
            }
            if let Retry::Storm(storm) = mark.retry {
                door.witness().note(home.storm(storm, mark.page, mark.purpose));
            }
        }
        if let Some(scribe) = &mut scribe {
            scribe.ring();
        }
    }
}

/// Answers a packet if that can be done at once.  Otherwise nothing has
/// happened, but for what stands in `out`.
pub fn answer<R: Resolve>(
    packet: &[u8],
    known: &Known,
    home: &Home<R>,
    received: Now,
    out: &mut Vec<u8>,
) -> Option<Mark> {
    if !known.admitted {
        return None;
    }
    let mut room = [0; MAX_NAME];
    let query = packet::read(packet, known.client, received, &mut room)?;
    let end = pipeline::serve_at_once(query, &known.device, &home.house, &*home.resolver)?;
    let (blocked, retry) = home.storms.calm(query, &end.answer, home.house.blocked);
    let rcode = answer::write(query, &end.answer, blocked, answer::limit(query), out);
    Some(Mark::new(
        known.page,
        known.device.logged,
        &end.judged,
        retry,
        end.answer.origin(),
        rcode,
        Transport::Udp,
    ))
}

/// Notes a query that was answered at once, where that is wanted.
pub fn note(scribe: &mut Scribe, mark: &Mark, packet: &[u8], received: Now) {
    if !scribe.wants(mark) {
        return;
    }
    let mut room = [0; MAX_NAME];
    if let Some((qname, qtype)) = packet::question(packet, &mut room) {
        scribe.note(mark, received.unix, qname, qtype);
    }
}

//----------- Back -------------------------------------------------------------

/// The way back to a client.
struct Back {
    /// The socket it came in through.
    socket: Arc<UdpSocket>,
    /// From where to where.
    way: Way,
}

impl WayBack for Back {
    /// Never waits: a socket without room for one more answer has lost some
    /// already.
    async fn send(&self, response: &[u8]) -> io::Result<()> {
        self.try_send(response)
    }

    fn try_send(&self, response: &[u8]) -> io::Result<()> {
        self.way.send(&self.socket, response)
    }
}

#[cfg(test)]
mod tests;
