//! [`Door`]: where queries come in, whatever socket they came through.
//!
//! The door asks whether a packet is a query that we answer at all, makes a
//! [`Query`] of it, sends it down the road, and tells the witness once the
//! answer has left.  UDP and TCP differ only in how bytes come and go.

use std::net::IpAddr;
use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

use arc_swap::ArcSwap;
use arc_swap::Guard;
use futures_util::FutureExt;
use futures_util::future::Either;
use futures_util::future::select;
use hickory_proto::op::ResponseCode;
use hickory_server::server::Request;

use super::access::Access;
use super::arrival::Arrival;
use super::identify::Identify;
use super::identify::Unseen;
use super::identify::hints;
use super::offer::Offer;
use super::places::Place;
use super::places::Places;
use super::proxy;
use super::reply::Reply;
use super::request;
use crate::base::Client;
use crate::base::Clock;
use crate::base::Now;
use crate::catalog::Purpose;
use crate::pipeline;
use crate::pipeline::Dropped;
use crate::pipeline::Event;
use crate::pipeline::Household;
use crate::pipeline::Retry;
use crate::pipeline::Storms;
use crate::pipeline::Witness;
use crate::query::Query;
use crate::query::Transport;
use crate::resolve::Resolve;

//----------- Home -------------------------------------------------------------

/// All that a query meets on its way.  Swapped whole on reload.
#[derive(Debug)]
pub struct Home<R> {
    /// What the house knows.
    pub house: Arc<Household>,
    /// The way out.
    pub resolver: Arc<R>,
    /// Who may ask.
    pub access: Access,
    /// What is offered besides plain DNS.
    pub offer: Offer,
    /// Who asks again and again for what is blocked.
    pub storms: Arc<Storms>,
}

impl<R> Home<R> {
    /// Makes a home that offers plain DNS, in which nobody has asked yet.
    pub fn new(house: Arc<Household>, resolver: Arc<R>, access: Access) -> Self {
        Self { house, resolver, access, offer: Offer::default(), storms: Arc::default() }
    }

    /// Returns what to tell of a storm.
    pub fn storm(&self, storm: u64, page: u16, purpose: Purpose) -> Event {
        Event::Storm { storm, storms: Arc::clone(&self.storms), page, purpose, blocked: self.house.blocked }
    }
}

//----------- Door -------------------------------------------------------------

/// Where queries come in.
pub struct Door<R> {
    /// What they meet.
    home: ArcSwap<Home<R>>,
    /// How often that was swapped.
    swaps: AtomicU64,
    /// Who tells when they came.
    clock: Arc<dyn Clock>,
    /// Who tells whom they came from.
    identify: Arc<Identify>,
    /// Who is told of them.
    witness: Arc<dyn Witness>,
    /// How many queries may be in hand.
    places: Arc<Places>,
    /// Set when proxies are told that we are about to go.
    leaving: AtomicBool,
}

impl<R: Resolve + 'static> Door<R> {
    /// Opens a door to `home`.
    pub fn new(
        home: Home<R>,
        clock: Arc<dyn Clock>,
        identify: Arc<Identify>,
        witness: Arc<dyn Witness>,
    ) -> Self {
        Self {
            home: ArcSwap::from_pointee(home),
            swaps: AtomicU64::new(0),
            clock,
            identify,
            witness,
            places: Arc::default(),
            leaving: AtomicBool::new(false),
        }
    }

    /// Returns what queries meet at present.
    pub fn home(&self) -> Arc<Home<R>> {
        self.home.load_full()
    }

    /// Lets all further queries meet `home`.  Queries in hand keep what they
    /// met when they came in; whoever swaps gets it back and lets go of it last,
    /// since freeing a household is no work for a thread that answers.
    pub fn swap(&self, home: Home<R>) -> Arc<Home<R>> {
        let old = self.home.swap(Arc::new(home));
        self.swaps.fetch_add(1, Ordering::Release);
        old
    }

    /// Returns the present moment.
    pub fn now(&self) -> Now {
        self.clock.now()
    }

    /// Returns who finds out whom queries came from.
    pub fn identify(&self) -> &Identify {
        &self.identify
    }

    /// Returns what queries meet at present, for as long as one batch of them,
    /// and how often that was swapped.  Costs less than [`home`](Self::home).
    pub fn glance_home(&self) -> (Guard<Arc<Home<R>>>, u64) {
        // In this order: what is thought to be older than it is gets looked at
        // once more.
        let swaps = self.swaps.load(Ordering::Acquire);
        (self.home.load(), swaps)
    }

    /// Returns who is told what happens here.
    pub fn witness(&self) -> &dyn Witness {
        &*self.witness
    }

    /// Takes a place among the queries in hand, or says why there is none.
    pub(super) fn take_place(&self, client: IpAddr) -> Result<Place, Dropped> {
        self.places.take(client)
    }

    /// Tells proxies that ask whether we are well that we are not: what comes by
    /// then is answered still, and no more will come.
    pub(super) fn leave(&self) {
        self.leaving.store(true, Ordering::Relaxed);
    }

    /// Returns whether we are about to go.
    pub(super) fn is_leaving(&self) -> bool {
        self.leaving.load(Ordering::Relaxed)
    }

    /// Takes no more queries.
    pub(super) fn close(&self) {
        self.places.close();
    }

    /// Waits until no query is in hand.
    pub(super) async fn all_answered(&self) {
        self.places.all_free().await;
    }

    /// Returns who tells the time here.
    pub(super) fn clock(&self) -> Arc<dyn Clock> {
        Arc::clone(&self.clock)
    }

    /// Says what can be said before a packet is read: whether it is worth it.
    pub fn glance(&self, packet: &[u8], peer: SocketAddr) -> Option<Reply> {
        // Shorter than a header; or QR=1: answering a response starts a ping-pong.
        if packet.len() < 12 || packet[2] & 0x80 != 0 {
            return Some(Reply::Nothing(Dropped::NotAQuery));
        }
        // Port 0 and the unspecified address can't be answered to.
        if peer.port() == 0 || peer.ip().is_unspecified() {
            return Some(Reply::Nothing(Dropped::NotAQuery));
        }
        if proxy::is_header(packet) {
            return Some(Reply::Nothing(Dropped::ProxyHeader));
        }
        (!self.home.load().access.admits(peer.ip())).then_some(Reply::TurnAway(ResponseCode::Refused))
    }

    /// Takes a request down the road.  There is always a reply, even if
    /// something on the road panics.
    pub async fn serve(&self, request: &Request, arrival: &Arrival) -> Reply {
        let home = self.home.load_full();
        if !home.access.admits(request.src().ip()) {
            return Reply::TurnAway(ResponseCode::Refused);
        }
        let found = self.find(request, arrival.received);
        let client = found.unwrap_or_else(|unseen| unseen.client);
        let mut query = match request::read(request, client, arrival) {
            Ok(query) => query,
            Err(reply) => return reply,
        };
        let waited = match found {
            Ok(_) => None,
            Err(unseen) => {
                // Seldom, and larger than all else: it shall not take its room always.
                let (client, looked_for) = Box::pin(self.wait_for(unseen, &query, &home)).await;
                query.client = client;
                looked_for
                    .then(|| self.clock.now().instant.saturating_duration_since(arrival.received.instant))
            }
        };
        self.witness.identified(&query.client, home.house.found(&query.client), waited);
        let road = AssertUnwindSafe(pipeline::serve(query, &home.house, &*home.resolver, &home.storms));
        if let Ok(served) = road.catch_unwind().await {
            Reply::Served(Box::new(served), Arc::clone(&home.house))
        } else {
            self.witness.note(Event::Panicked);
            Reply::TurnAway(ResponseCode::ServFail)
        }
    }

    /// Finds out who asks: whom a forwarder that we trust speaks for, or else
    /// whoever sent it.
    fn find(&self, request: &Request, now: Now) -> Result<Client, Unseen> {
        let peer = request.src();
        let trusted = self.identify.trusts(peer.ip());
        match hints::read(request).filter(|_| trusted) {
            Some(hint) => self.identify.hinted(peer, hint, now),
            None => self.identify.at_once(peer, now),
        }
    }

    /// Waits until it is known who asks.  Meanwhile the answer is sought, if
    /// everybody may have it, so that it costs the more patient of both.
    async fn wait_for(&self, unseen: Unseen, query: &Query, home: &Home<R>) -> (Client, bool) {
        let ahead = pipeline::ahead(query.borrowed(), &home.house, &*home.resolver);
        let ahead = AssertUnwindSafe(ahead).catch_unwind();
        let found = self.identify.wait_for(unseen, query.received);
        match select(pin!(found), pin!(ahead)).await {
            // What was begun goes on, and the road will meet it.
            Either::Left((found, _)) => found,
            Either::Right((_, found)) => found.await,
        }
    }

    /// Tells the witness what became of a packet.
    pub fn note(&self, reply: Reply, transport: Transport, received: Now) {
        if let Reply::Served(served, house) = &reply
            && let Retry::Storm(storm) = served.retry
        {
            let page = self.witness.page(&served.device, house);
            self.witness.note(self.home.load().storm(storm, page, served.judged.purpose));
        }
        self.witness.note(match reply {
            Reply::Served(served, house) => {
                let seconds = self.clock.now().instant.duration_since(received.instant).as_secs_f64();
                Event::Served { served, house, seconds }
            }
            Reply::TurnAway(rcode) => Event::TurnedAway { rcode: rcode.into(), transport },
            Reply::Nothing(reason) => Event::Dropped(reason),
        });
    }
}
