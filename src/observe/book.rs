//! [`Book`]: what is remembered of each device, in a bounded number of pages.
//!
//! Metrics labels must be bounded, and device names are not quite: anybody on
//! the link can make up MAC addresses.  So there are 256 pages, and whoever
//! comes later shares the last one, `other`.

use std::collections::HashMap;
use std::sync::Arc;

use crate::pipeline::tally::Last;
use crate::pipeline::tally::PAGES;

/// The name of all others.
pub const OTHER: &str = "other";

/// Seconds after which a device that asks nothing is quiet.
const QUIET: i64 = 15 * 60;

/// Seconds after which it is offline.
const OFFLINE: i64 = 24 * 3600;

//----------- Page -------------------------------------------------------------

/// Who a device is, as metrics show it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Page {
    /// The label for it.
    pub device: Arc<str>,
    /// Its family's name; empty where unknown.
    pub family: Arc<str>,
    /// Its policy's name.
    pub policy: Arc<str>,
    /// How it was identified.
    pub identified_by: &'static str,
}

impl Page {
    /// Returns the labels of `device_info`.
    pub fn labels(&self) -> [&str; 4] {
        [&self.device, &self.family, &self.policy, self.identified_by]
    }
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
    /// Is there, and asks somebody else.
    BypassSuspected = 5,
}

impl State {
    /// Returns what a device is doing at `unix` seconds since 1970 that last
    /// did this.
    pub fn of(last: Last, unix: i64) -> Self {
        let recent = |at: i64| at > 0 && unix - at < QUIET;
        match unix - last.asked {
            OFFLINE.. => Self::Offline,
            QUIET.. => Self::Quiet,
            _ if recent(last.tracked) => Self::TrackingAllowed,
            _ if recent(last.blocked) => Self::TrackingBlocked,
            _ => Self::EssentialOnly,
        }
    }
}

//----------- Book -------------------------------------------------------------

/// The pages of all devices.  A device that turns out to be of another family
/// gets a new page, so that what was counted stays where it belongs.
#[derive(Debug, Default)]
pub struct Book {
    /// The pages, by the numbers they are known by in tallies.
    pages: Vec<Page>,
    /// From devices and families to pages.
    numbers: HashMap<(Arc<str>, Arc<str>), u16>,
}

impl Book {
    /// Returns the page for a device and its number, and whether it is new.
    pub fn page(&mut self, page: Page) -> (u16, bool) {
        let key = (Arc::clone(&page.device), Arc::clone(&page.family));
        if let Some(&number) = self.numbers.get(&key) {
            if let Some(there) = self.pages.get_mut(usize::from(number)) {
                *there = page;
            }
            return (number, false);
        }
        let number = self.pages.len();
        if number >= PAGES - 1 {
            let last = u16::try_from(PAGES - 1).unwrap_or(u16::MAX);
            let new = number < PAGES;
            if new {
                let other = Page {
                    device: Arc::from(OTHER),
                    family: Arc::default(),
                    policy: Arc::default(),
                    identified_by: "nothing",
                };
                self.pages.push(other);
            }
            return (last, new);
        }
        let number = u16::try_from(number).unwrap_or(u16::MAX);
        self.pages.push(page);
        self.numbers.insert(key, number);
        (number, true)
    }

    /// Returns a page by its number.
    pub fn get(&self, number: u16) -> Option<&Page> {
        self.pages.get(usize::from(number))
    }

    /// Returns all pages and their numbers.
    pub fn pages(&self) -> impl Iterator<Item = (u16, &Page)> {
        (0..).zip(&self.pages)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(device: &str, family: &str) -> Page {
        Page {
            device: Arc::from(device),
            family: Arc::from(family),
            policy: Arc::from("balanced"),
            identified_by: "mac",
        }
    }

    #[test]
    fn the_256th_device_and_all_later_ones_are_other() {
        let mut book = Book::default();
        for nth in 0..1000 {
            book.page(page(&format!("device-{nth}"), "amazon-echo"));
        }
        assert_eq!(book.pages().count(), PAGES);
        let label = |number: u16| book.pages().nth(number.into()).unwrap().1.device.to_string();
        assert_eq!(label(255), OTHER);
        assert_eq!(label(1), "device-1");
        assert_eq!(book.page(page("device-999", "amazon-echo")), (255, false));
        assert_eq!(book.page(page("device-1", "amazon-echo")), (1, false));
    }

    #[test]
    fn another_family_is_another_page() {
        let mut book = Book::default();
        assert_eq!(book.page(page("kitchen", "")), (0, true));
        assert_eq!(book.page(page("kitchen", "sonos")), (1, true));
        assert_eq!(book.page(page("kitchen", "")), (0, false));
    }

    #[test]
    fn a_state_follows_from_what_was_last_asked() {
        let now = 1_000_000;
        let with = |asked, blocked, tracked| State::of(Last { asked, blocked, tracked }, now);
        assert_eq!(with(now - 90_000, 0, 0), State::Offline);
        assert_eq!(with(now - 1000, now - 1000, 0), State::Quiet);
        assert_eq!(with(now - 10, now - 20_000, 0), State::EssentialOnly);
        assert_eq!(with(now - 10, now - 20, 0), State::TrackingBlocked);
        assert_eq!(with(now - 10, now - 20, now - 30), State::TrackingAllowed);
    }
}
