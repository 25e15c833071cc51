//! [`Trusted`]: which zones are trusted, and with which keys.
//!
//! Apart from [`chain`](super::chain), which finds that out.

use std::sync::Arc;
use std::time::Instant;

use hickory_proto::rr::Name;
use quick_cache::Weighter;
use quick_cache::sync::Cache;

use super::key::Key;
use super::verify::Keys;
use super::weight::Share;
use super::weight::allocated;
use super::weight::taken;
use crate::resolve::Unsupported;
use crate::resolve::exchange::trouble::Bogus;

/// How many octets of zones are remembered: signed ones weigh some times as much
/// as others, for their keys.
const ZONES: u64 = 5 << 20;

/// Whether a zone is trusted.
#[derive(Clone, Debug)]
pub(super) enum Status {
    /// It is, with these keys.
    Secure(Arc<Keys>),
    /// It is provably not signed, or only in ways that we do not know.
    Insecure(Option<Unsupported>),
    /// It should be signed, and is not, or not well.
    Bogus(Bogus),
}

/// Which zones are trusted, and until when that holds.
#[derive(Debug)]
pub(super) struct Trusted(Cache<Box<[u8]>, (Status, Instant), ByOctets>);

/// Weighs zones by the octets they take.
#[derive(Clone, Debug)]
struct ByOctets;

impl Weighter<Box<[u8]>, (Status, Instant)> for ByOctets {
    fn weight(&self, zone: &Box<[u8]>, value: &(Status, Instant)) -> u64 {
        let more = match &value.0 {
            Status::Secure(keys) => keys.weight(),
            Status::Bogus(bogus) => allocated(bogus.why.capacity()),
            Status::Insecure(_) => 0,
        };
        taken::<(Status, Instant)>(zone) + more
    }
}

impl Trusted {
    /// Returns one to which all zones are new.
    pub(super) fn new(share: Share) -> Self {
        Self(Cache::with_weighter(share.entries(), share.octets(ZONES), ByOctets))
    }

    /// Returns whether a zone is trusted, if that is known.
    pub(super) fn get(&self, zone: &Name, now: Instant) -> Option<Status> {
        let (status, until) = self.0.get(Key::of(zone).octets())?;
        (now < until).then_some(status)
    }

    /// Forgets a zone, and returns what was known of it and until when.
    pub(super) fn take(&self, zone: &Name) -> Option<(Status, Instant)> {
        self.0.remove(Key::of(zone).octets()).map(|(_, known)| known)
    }

    /// Notes whether a zone is trusted, and until when that holds.
    pub(super) fn put(&self, zone: &Name, status: Status, until: Instant) {
        self.0.insert(Key::of(zone).kept(), (status, until));
    }

    /// Forgets all zones, to look at their keys again.
    pub(super) fn forget(&self) {
        self.0.clear();
    }
}
