//! Hears what devices announce, on each link there is, and takes note of it.
//
//  Apart from `network`, which looks; this listens.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

use super::signs::Signs;
use super::surroundings::surroundings;
use crate::base::Client;
use crate::base::Clock;
use crate::base::Source;
use crate::catalog::Family;
use crate::catalog::SignKind;
use crate::device::Announcement;
use crate::device::Feed;
use crate::listen::announce::Channel;
use crate::listen::announce::mdns;
use crate::listen::door::Door;
use crate::listen::neighbor::around;
use crate::listen::neighbor::around::Own;
use crate::resolve::Resolver;

/// How often it is seen which links there are.
const MINUTE: Duration = Duration::from_mins(1);

/// Most channels that are heard: a machine has a few links.
const MOST_CHANNELS: usize = 32;

/// When it is looked for somebody who announces something and is no neighbor yet.
const SOON: Duration = Duration::from_millis(200);

/// How often.
const TRIES: usize = 5;

/// For how many of those is looked at once.
const MOST_UNKNOWN: usize = 64;

/// Whoever hears.
pub(super) struct Hearing {
    /// Who is told of signs.
    signs: Signs,
    /// Who knows who is at an address.
    door: Arc<Door<Resolver>>,
    /// For the time.
    clock: Arc<dyn Clock>,
    /// How rooms are entered in the addresses.
    feed: Feed,
    /// Places for looking for who is unknown.
    places: Arc<Semaphore>,
}

impl Hearing {
    /// Returns one that hears nothing yet.
    pub(super) fn new(signs: Signs, door: Arc<Door<Resolver>>, clock: Arc<dyn Clock>) -> Self {
        let feed = Feed { source: Source::Neighbor, name: Arc::from("announcements") };
        Self { signs, door, clock, feed, places: Arc::new(Semaphore::new(MOST_UNKNOWN)) }
    }

    /// Hears on every link, for ever; not at all where there is none of the house.
    pub(super) async fn start(self: Arc<Self>) {
        let mut heard: Vec<(Channel, Vec<Own>, JoinHandle<()>)> = Vec::new();
        loop {
            let around = around::look().unwrap_or_default();
            let mut wanted = Channel::all(&around.own);
            wanted.truncate(if surroundings(&around).contained { 0 } else { MOST_CHANNELS });
            heard.retain(|(channel, own, task)| {
                let goes_on = wanted.iter().any(|(c, o)| c == channel && o == own) && !task.is_finished();
                if !goes_on {
                    task.abort();
                }
                goes_on
            });
            for (channel, own) in wanted {
                if !heard.iter().any(|(c, o, _)| *c == channel && *o == own) {
                    let task = tokio::spawn(Arc::clone(&self).hear(channel, own.clone()));
                    heard.push((channel, own, task));
                }
            }
            tokio::time::sleep(MINUTE).await;
        }
    }

    /// Hears on one channel, and asks there for what would be signs.
    async fn hear(self: Arc<Self>, channel: Channel, own: Vec<Own>) {
        let house = Arc::clone(&self.door.home().house);
        let signs = house.catalog.families().iter().flat_map(Family::signs);
        let services = signs.filter_map(|sign| match &sign.kind {
            SignKind::Mdns { service, .. } => Some(&**service),
            _ => None,
        });
        let question = mdns::query(&services.collect());
        drop(house);
        let tell = |from, announcement| self.tell(from, announcement);
        if let Err(error) = channel.hear(&own, question.as_deref(), &*self.clock, tell).await {
            tracing::debug!(%error, ?channel, "announcements are not heard");
        }
    }

    /// Takes note of an announcement, once it is known who it is from.
    fn tell(self: &Arc<Self>, from: SocketAddr, announcement: Announcement) {
        if let Ok(client) = self.door.identify().at_once(from, self.clock.now()) {
            return self.note(&client, &announcement);
        }
        // Whoever only announces is no neighbor yet.
        let Ok(place) = Arc::clone(&self.places).try_acquire_owned() else { return };
        let this = Arc::clone(self);
        tokio::spawn(async move {
            around::poke(from);
            for _ in 0..TRIES {
                tokio::time::sleep(SOON).await;
                if let Ok(client) = this.door.identify().at_once(from, this.clock.now()) {
                    this.note(&client, &announcement);
                    break;
                }
            }
            drop(place);
        });
    }

    /// Takes note of what a client announced.
    fn note(&self, client: &Client, announcement: &Announcement) {
        let Some(mac) = client.mac else { return };
        self.signs.announced(client, announcement, self.clock.now().unix);
        if let Some(room) = announcement.room() {
            self.door.identify().addresses().stands_in(&self.feed, mac, &room);
        }
    }
}
