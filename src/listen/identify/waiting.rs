//! [`Waiting`]: clients that the network is asked for at this moment, and those
//! it was asked for in vain.

use std::collections::HashMap;
use std::time::Duration;
use std::time::Instant;

use tokio::sync::watch;

use crate::base::MacAddr;
use crate::device::addresses::Key;

/// Most clients that are waited for at once; whoever comes then is not waited
/// for.
const MOST_WAITING: usize = 256;

/// Most clients that are remembered as not having been found.
const MOST_MISSED: usize = 4096;

/// How long somebody who was not found is not waited for again.
const LET_BE: Duration = Duration::from_mins(1);

/// Where a MAC address will appear.
pub(super) type Pending = watch::Receiver<Option<MacAddr>>;

/// Who is waited for.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    /// Who is asked for, and where the MAC address will appear.
    asked: HashMap<Key, watch::Sender<Option<MacAddr>>>,
    /// Who was not found, and when.
    missed: HashMap<Key, Instant>,
}

/// How to wait for a client.
pub(super) enum Wait {
    /// The network has to be asked first.
    Ask(Pending),
    /// It has been asked already.
    Join(Pending),
    /// Not at all.
    Not,
}

impl Waiting {
    /// Has a client waited for, unless that was in vain a moment ago.
    pub(super) fn begin(&mut self, key: Key, now: Instant) -> Wait {
        if let Some(news) = self.asked.get(&key) {
            return Wait::Join(news.subscribe());
        }
        let lately = |at: &Instant| now.saturating_duration_since(*at) < LET_BE;
        if self.asked.len() >= MOST_WAITING || self.missed.get(&key).is_some_and(lately) {
            return Wait::Not;
        }
        let (news, pending) = watch::channel(None);
        self.asked.insert(key, news);
        Wait::Ask(pending)
    }

    /// Tells those who wait for a client who it is.
    pub(super) fn tell(&self, key: Key, mac: MacAddr) {
        if let Some(news) = self.asked.get(&key) {
            news.send_replace(Some(mac));
        }
    }

    /// Waits for a client no longer.
    pub(super) fn end(&mut self, key: Key, found: bool, now: Instant) {
        self.asked.remove(&key);
        if found {
            self.missed.remove(&key);
            return;
        }
        if self.missed.len() >= MOST_MISSED {
            self.missed.retain(|_, at| now.saturating_duration_since(*at) < LET_BE);
        }
        if self.missed.len() >= MOST_MISSED {
            // Somebody makes up addresses.
            self.missed.clear();
        }
        self.missed.insert(key, now);
    }

    /// Returns whether nobody is waited for.
    pub(super) fn is_empty(&self) -> bool {
        self.asked.is_empty()
    }
}
