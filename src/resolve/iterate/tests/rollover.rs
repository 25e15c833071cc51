//! The root changes its keys, and the road goes on.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::AtomicI64;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::House;
use super::ROOT;
use super::internet::Internet;
use super::signed::Key;
use super::signed::SignedZone;
use crate::resolve::rootkeys::RootKeys;

/// A day, in seconds.
const DAY: u64 = 86_400;

/// A root that is all there is, whose keys can be changed.
struct Root {
    house: House,
    zone: Arc<Mutex<SignedZone>>,
    unix: Arc<AtomicI64>,
}

impl Root {
    fn new(trusted: &Key) -> Self {
        let unix = Arc::new(AtomicI64::new(1_800_000_000));
        let text = ". NS a.root.\n a.root. A 10.0.0.1\n www.one. A 192.0.2.1";
        let zone = SignedZone::new(".", text, trusted, &[], &unix);
        let zone = Arc::new(Mutex::new(zone));
        let mut internet = Internet::new();
        let served = Arc::clone(&zone);
        internet.script(ROOT, move |query, _| vec![served.lock().unwrap().answer(query).to_vec().unwrap()]);
        let keys = RootKeys::of([trusted.dnskey()].into_iter());
        let house = House::trusting(internet, keys, |settings| settings.dnssec = true);
        Self { house, zone, unix }
    }

    /// Publishes other keys.
    fn publish(&self, keys: &[&Key]) {
        self.zone.lock().unwrap().keys = keys.iter().map(|&key| key.clone()).collect();
    }

    /// Lets days pass, with a question on each; returns whether all were good.
    async fn pass(&self, days: u64) -> bool {
        let mut good = true;
        for _ in 0..days {
            self.house.internet.clock.advance(Duration::from_secs(DAY));
            self.unix.fetch_add(DAY.cast_signed(), Ordering::Relaxed);
            good &= self.house.ask("www.one").await.is_ok_and(|data| data.secure);
        }
        good
    }
}

#[tokio::test(start_paused = true)]
async fn a_key_is_followed_by_the_next_and_its_revocation_harms_nobody() {
    let (old, new) = (Key::new(), Key::new());
    let root = Root::new(&old);
    assert!(root.pass(2).await);
    root.publish(&[&old, &new]);
    assert!(root.pass(40).await);
    root.publish(&[&old.revoked(), &new]);
    assert!(root.pass(40).await);
    root.publish(&[&new]);
    assert!(root.pass(40).await);
    // And never back.
    root.publish(&[&old]);
    assert!(!root.pass(2).await);
}

#[tokio::test(start_paused = true)]
async fn a_key_that_comes_too_fast_is_not_trusted() {
    let (old, new) = (Key::new(), Key::new());
    let root = Root::new(&old);
    root.publish(&[&old, &new]);
    assert!(root.pass(20).await);
    root.publish(&[&new]);
    assert!(!root.pass(2).await);
    root.publish(&[&old]);
    assert!(root.pass(2).await);
}

#[tokio::test(start_paused = true)]
async fn nobody_revokes_the_key_of_another() {
    let (old, other) = (Key::new(), Key::new());
    let root = Root::new(&old);
    root.publish(&[&old, &other]);
    assert!(root.pass(40).await);
    // Shown as revoked, but signed by the other one only.
    root.zone.lock().unwrap().forged = true;
    root.publish(&[&old.revoked(), &other]);
    assert!(root.pass(2).await);
    root.zone.lock().unwrap().forged = false;
    root.publish(&[&old]);
    assert!(root.pass(2).await);
}
