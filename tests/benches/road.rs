//! The whole road of a packet, as far as it goes at once.

use std::hint::black_box;
use std::sync::Arc;

use sordino::listen::fast;
use sordino::listen::fast::Known;
use sordino::pipeline::scribe;

use super::case::Case;
use super::house;
use super::house::EXCEPTED;
use super::house::LAPTOP;
use super::house::LISTED;
use super::house::SPEAKER;
use super::house::TABLET;

/// A packet, and what comes of it.
struct Way {
    /// What it is called.
    name: &'static str,
    /// Who sends it.
    peer: &'static str,
    /// The name it asks for.
    asks: &'static str,
    /// Whether it has an OPT record.
    edns: bool,
    /// How many exceptions there are in the house.
    exceptions: usize,
    /// Its RCODE; none if it is left to the slow road.
    rcode: Option<u16>,
}

/// NOERROR.
const FOUND: Option<u16> = Some(0);

/// NXDOMAIN: also what is blocked.
const NOTHING: Option<u16> = Some(3);

/// Names that are in the cache, besides the popular ones.
const CACHED: [&str; 6] = [
    "nothing.example.com",
    "alias.example.com",
    "hidden.example.com",
    "inside.example.com",
    "voice-7.example.com",
    "old.example.com",
];

/// All ways.
#[rustfmt::skip]
static WAYS: [Way; 22] = [
    way("cached, speaker", SPEAKER, "www.popular-7.example.com", FOUND),
    way("cached, laptop", LAPTOP, "www.popular-7.example.com", FOUND),
    Way { edns: true, ..way("cached, laptop, EDNS", LAPTOP, "www.popular-7.example.com", FOUND) },
    Way { exceptions: 20, ..way("cached, speaker, 20 exceptions", SPEAKER, "www.popular-7.example.com", FOUND) },
    Way { exceptions: 20, ..way("cached, laptop, 20 exceptions", LAPTOP, "www.popular-7.example.com", FOUND) },
    way("stale, laptop", LAPTOP, "old.example.com", FOUND),
    Way { edns: true, ..way("stale, laptop, EDNS", LAPTOP, "old.example.com", FOUND) },
    way("function, speaker", SPEAKER, "voice-7.example.com", FOUND),
    way("no such name, laptop", LAPTOP, "nothing.example.com", NOTHING),
    way("aliases, speaker", SPEAKER, "alias.example.com", FOUND),
    way("aliases, laptop", LAPTOP, "alias.example.com", FOUND),
    way("not cached, laptop", LAPTOP, "www.unknown.example.com", None),
    way("blocked by a rule, speaker", SPEAKER, "x.ads.example.com", NOTHING),
    Way { edns: true, ..way("blocked by a rule, speaker, EDNS", SPEAKER, "x.ads.example.com", NOTHING) },
    Way { exceptions: 20, ..way("blocked by a rule, speaker, 20 exceptions", SPEAKER, "x.ads.example.com", NOTHING) },
    Way { exceptions: 20, ..way("blocked by an exception, laptop", LAPTOP, EXCEPTED, NOTHING) },
    Way { exceptions: 20, edns: true, ..way("blocked by an exception, laptop, EDNS", LAPTOP, EXCEPTED, NOTHING) },
    way("blocked by an alias, speaker", SPEAKER, "hidden.example.com", NOTHING),
    way("blocked by an address, laptop", LAPTOP, "inside.example.com", NOTHING),
    way("cached, tablet with lists", TABLET, "www.popular-7.example.com", FOUND),
    way("blocked by a list, tablet with lists", TABLET, LISTED, NOTHING),
    Way { edns: true, ..way("blocked by a list, tablet with lists, EDNS", TABLET, LISTED, NOTHING) },
];

/// Returns a way without EDNS and exceptions.
const fn way(name: &'static str, peer: &'static str, asks: &'static str, rcode: Option<u16>) -> Way {
    Way { name, peer, asks, edns: false, exceptions: 0, rcode }
}

/// All cases.
pub(crate) fn cases() -> Vec<Case> {
    let case = |way: &'static Way| Case::new(way.name, || way.prepare());
    let odd = Case::new("read and left to the slow road", odd);
    let noted = Case::new("noted for the query log", || note(true));
    let unwanted = Case::new("not noted, as nobody wants it", || note(false));
    WAYS.iter().map(case).chain([odd, noted, unwanted]).collect()
}

impl Way {
    /// Makes what takes it.
    fn prepare(&self) -> impl FnMut() + 'static {
        take(self.peer, house::packet(self.asks, self.edns), self.exceptions, self.rcode)
    }
}

/// Makes what reads a packet to its end, and finds there that it is odd: it has
/// an option about the client's network, which is for the slow road to drop.
fn odd() -> impl FnMut() + 'static {
    let mut packet = house::packet("www.popular-7.example.com", true);
    if let Some(length) = packet.last_mut() {
        *length = 8;
    }
    packet.extend_from_slice(&[0, 8, 0, 4, 0, 1, 0, 0]);
    take(LAPTOP, packet, 0, None)
}

/// Makes what notes an answer that has left, and finds room for it, where that is
/// `wanted`.
fn note(wanted: bool) -> impl FnMut() + 'static {
    let packet = house::packet("www.popular-7.example.com", false);
    let door = house::door(0, &CACHED);
    let (home, now) = (door.home(), house::now());
    let known = Known::find(LAPTOP.parse().unwrap(), &door, &home, now).unwrap();
    let mark = fast::answer(&packet, &known, &home, now, &mut Vec::new()).unwrap();
    let desk = Arc::default();
    let (mut scribe, mut notes) = scribe::scribe(&desk);
    desk.want(wanted);
    move || {
        fast::note(&mut scribe, &mark, black_box(&packet), now);
        scribe.ring();
        notes.clear();
    }
}

/// Makes what takes a packet down the road.
fn take(peer: &str, packet: Vec<u8>, exceptions: usize, rcode: Option<u16>) -> impl FnMut() + 'static {
    let door = house::door(exceptions, &CACHED);
    let (home, now) = (door.home(), house::now());
    let known = Known::find(peer.parse().unwrap(), &door, &home, now).unwrap();
    let mut out = Vec::with_capacity(1_232);
    let mark = fast::answer(&packet, &known, &home, now, &mut out);
    assert_eq!(mark.map(|mark| mark.rcode), rcode, "{peer}");
    move || {
        black_box(fast::answer(black_box(&packet), &known, &home, now, &mut out));
    }
}
