//! [`Book`]: what is remembered of each device, in a bounded number of pages.
//!
//! Metrics labels must be bounded, and device names are not quite: anybody on
//! the link can make up MAC addresses.  So there are 256 pages, and whoever
//! comes later shares the last one, `other`.

use std::collections::HashMap;
use std::sync::Arc;

/// Most devices with a page, and a label value, of their own.
pub const MOST_DEVICES: usize = 256;

/// The name of all others.
pub const OTHER: &str = "other";

/// Seconds after which a device that asks nothing is quiet.
const QUIET: i64 = 15 * 60;

/// Seconds after which it is offline.
const OFFLINE: i64 = 24 * 3600;

//----------- Page -------------------------------------------------------------

/// What is remembered of a device.
#[derive(Clone, Debug)]
pub struct Page {
    /// Its family's name; empty where unknown.
    pub family: Arc<str>,
    /// Its policy's name.
    pub policy: Arc<str>,
    /// How it was identified.
    pub identified_by: &'static str,
    /// When it last asked, in seconds since 1970.
    pub asked: i64,
    /// When advertising, analytics and the like were last blocked for it.
    pub blocked: Option<i64>,
    /// When such a name was last allowed.
    pub tracked: Option<i64>,
}

/// What a device is doing, as numbers for `sordino_device_state`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum State {
    /// Asked nothing for a day.
    Offline = 0,
    /// Asked nothing for a quarter of an hour.
    Quiet = 1,
    /// Asked for functions only.
    EssentialOnly = 2,
    /// Tried to report, and was stopped.
    TrackingBlocked = 3,
    /// Reports, and is let.
    TrackingAllowed = 4,
}

impl Page {
    /// Returns what the device is doing at `unix` seconds since 1970.
    pub fn state(&self, unix: i64) -> State {
        let recent = |at: Option<i64>| at.is_some_and(|at| unix - at < QUIET);
        match unix - self.asked {
            OFFLINE.. => State::Offline,
            QUIET.. => State::Quiet,
            _ if recent(self.tracked) => State::TrackingAllowed,
            _ if recent(self.blocked) => State::TrackingBlocked,
            _ => State::EssentialOnly,
        }
    }
}

//----------- Book -------------------------------------------------------------

/// The pages of all devices.
#[derive(Debug, Default)]
pub struct Book(HashMap<Arc<str>, Page>);

impl Book {
    /// Returns the label for a device and its page, which `first` writes if
    /// there is none, and whether it was there.
    pub fn page(&mut self, device: &Arc<str>, first: impl FnOnce() -> Page) -> (Arc<str>, &mut Page, bool) {
        let full = self.0.len() >= MOST_DEVICES - 1 && !self.0.contains_key(device);
        let label = if full { Arc::from(OTHER) } else { Arc::clone(device) };
        let known = self.0.contains_key(&label);
        let page = self.0.entry(Arc::clone(&label)).or_insert_with(first);
        (label, page, known)
    }

    /// Returns all pages and whose they are.
    pub fn pages(&self) -> impl Iterator<Item = (&Arc<str>, &Page)> {
        self.0.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page() -> Page {
        Page {
            family: Arc::from("amazon-echo"),
            policy: Arc::from("balanced"),
            identified_by: "mac",
            asked: 0,
            blocked: None,
            tracked: None,
        }
    }

    #[test]
    fn the_257th_device_is_other() {
        let mut book = Book::default();
        for nth in 0..1000 {
            book.page(&Arc::from(format!("device-{nth}")), page);
        }
        assert_eq!(book.pages().count(), MOST_DEVICES);
        assert_eq!(&*book.page(&Arc::from("device-999"), page).0, OTHER);
        assert_eq!(&*book.page(&Arc::from("device-1"), page).0, "device-1");
    }

    #[test]
    fn a_state_follows_from_what_was_last_asked() {
        let now = 1_000_000;
        let with = |asked, blocked, tracked| Page { asked, blocked, tracked, ..page() }.state(now);
        assert_eq!(with(now - 90_000, None, None), State::Offline);
        assert_eq!(with(now - 1000, Some(now - 1000), None), State::Quiet);
        assert_eq!(with(now - 10, Some(now - 20_000), None), State::EssentialOnly);
        assert_eq!(with(now - 10, Some(now - 20), None), State::TrackingBlocked);
        assert_eq!(with(now - 10, Some(now - 20), Some(now - 30)), State::TrackingAllowed);
    }
}
