//! What happened, told afterwards: metrics and logs.
//!
//! Nobody on the road counts or logs.  Every event reaches the [`Observer`]
//! after the answer has left; it goes through a bounded channel to one thread
//! that keeps the books.  If that thread falls behind, events are dropped and
//! the drops are counted: watching never slows answering.

pub mod book;
mod counts;
mod effect;
mod identities;
pub mod log;
mod logged;
pub mod metrics;
mod register;
mod resolving;
mod series;
mod storms;
mod times;

use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::sync::mpsc;
use std::sync::mpsc::Receiver;
use std::sync::mpsc::RecvTimeoutError;
use std::thread;
use std::time::Duration;

use crate::base::Client;
use crate::base::Clock;
use crate::base::Now;
use crate::device::Device;
use crate::device::Recognizer;
use crate::device::Visitors;
use crate::pipeline::Event;
use crate::pipeline::Found;
use crate::pipeline::Household;
use crate::pipeline::Scribe;
use crate::pipeline::Tally;
use crate::pipeline::Witness;
use crate::querylog::QueryLog;
use metrics::Metrics;
use storms::LOOK;
use storms::Storm;
use storms::Watch;

/// Events that may wait to be booked: a tenth of a second at 40,000 queries a
/// second.
const WAITING: usize = 4096;

/// How long events gather before the thread looks again.  Waking it for each
/// one costs the road more than all else that is done for an event: a fifth of
/// the time that a cold answer takes.
const GATHER: Duration = Duration::from_millis(5);

//----------- Observer ---------------------------------------------------------

/// Takes note of events without waiting.
#[derive(Debug)]
pub struct Observer {
    /// The way to the thread that keeps the books; gone once it was closed.
    sender: mpsc::SyncSender<Event>,
    /// Where it is counted.
    metrics: Arc<Metrics>,
    /// Where queries are remembered.
    log: Arc<QueryLog>,
    /// Events that found the channel full.
    missed: Arc<AtomicU64>,
    /// Who asks.
    visitors: Arc<Visitors>,
}

impl Observer {
    /// Starts the thread that keeps the books in `metrics`, and tells
    /// `recognizer` what devices asked for that nobody listed.
    pub fn start(
        metrics: Arc<Metrics>,
        recognizer: Arc<Recognizer>,
        visitors: Arc<Visitors>,
        log: &Arc<QueryLog>,
        clock: Arc<dyn Clock>,
    ) -> io::Result<Self> {
        let (sender, receiver) = mpsc::sync_channel(WAITING);
        let missed = metrics.missed();
        let shown = Arc::clone(&metrics);
        let (tally, watch) = (metrics.counts().tally(), Watch::new(clock.now()));
        let books = Books { metrics, recognizer, tally, watch, scribe: log.scribe(), clock };
        thread::Builder::new().name("observe".to_owned()).spawn(move || books.keep(&receiver))?;
        Ok(Self { sender, missed, metrics: shown, log: Arc::clone(log), visitors })
    }
}

//----------- Books ------------------------------------------------------------

/// What the thread that keeps the books works with.
struct Books {
    /// What is counted.
    metrics: Arc<Metrics>,
    /// Who is told what devices ask for.
    recognizer: Arc<Recognizer>,
    /// Its own counts.
    tally: Arc<Tally>,
    /// Storms that go on.
    watch: Watch,
    /// Notes for the query log.
    scribe: Scribe,
    /// For when they are over.
    clock: Arc<dyn Clock>,
}

impl Books {
    /// Books events until nobody sends any.
    fn keep(mut self, receiver: &Receiver<Event>) {
        loop {
            let event = if self.watch.is_idle() {
                receiver.recv().map_err(RecvTimeoutError::from)
            } else {
                receiver.recv_timeout(LOOK)
            };
            match event {
                Err(RecvTimeoutError::Disconnected) => return,
                Err(RecvTimeoutError::Timeout) => {}
                Ok(event) => {
                    self.book(event);
                    for event in receiver.try_iter() {
                        self.book(event);
                    }
                    self.scribe.ring();
                    gather();
                }
            }
            if !self.watch.is_idle() {
                self.watch.look(self.clock.now());
            }
        }
    }

    /// Books an event.
    fn book(&mut self, event: Event) {
        if let Event::Storm { storm, storms, page, purpose, blocked } = event {
            let device = self.metrics.counts().asker(page).unwrap_or_default().device;
            return self
                .watch
                .began(storm, Storm { device, purpose, storms: Arc::downgrade(&storms), blocked });
        }
        recognize(&event, &self.recognizer);
        let mark = self.metrics.book(&event, &self.tally);
        if let (Some(mark), Event::Served { served, .. }) = (mark, &event) {
            let query = &served.query;
            self.scribe.note(&mark, query.received.unix, query.qname.borrowed(), query.qtype);
        }
    }
}

/// Lets events gather.
#[expect(clippy::disallowed_methods, reason = "it is the bookkeeper's own thread, and nobody waits for it")]
fn gather() {
    thread::sleep(GATHER);
}

/// Takes note of what a query tells of the device it came from.
fn recognize(event: &Event, recognizer: &Recognizer) {
    let Event::Served { served, house, .. } = event else { return };
    if !served.device.is_watched(true) {
        return;
    }
    let (client, name) = (&served.query.client, served.query.qname.borrowed());
    if let Some(found) = recognizer.asked(client, name, &house.catalog, served.query.received.unix) {
        log::recognized(&found);
    }
}

impl Witness for Observer {
    fn note(&self, event: Event) {
        if let Event::Served { served, .. } = &event {
            self.met(&served.query.client, served.query.received);
        }
        if self.sender.try_send(event).is_err() {
            self.missed.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn tally(&self) -> Arc<Tally> {
        self.metrics.counts().tally()
    }

    fn identified(&self, client: &Client, found: Found, waited: Option<Duration>) {
        self.metrics.identities().note(client.source, found, waited);
    }

    fn met(&self, client: &Client, now: Now) {
        self.visitors.met(client, now.unix);
    }

    fn scribe(&self) -> Option<Scribe> {
        Some(self.log.scribe())
    }

    fn page(&self, device: &Device, house: &Household) -> u16 {
        self.metrics.counts().page(device, house)
    }
}
