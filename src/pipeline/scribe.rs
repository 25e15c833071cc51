//! [`Scribe`]: how a thread that answers hands on what it answered, for the
//! query log, without waiting for anybody.
//!
//! Each thread has a buffer of its own, of fixed size, that only it fills and
//! only one reader empties.  A note is copied into it once the answer has left;
//! where there is no room, the note is dropped and counted.
//
//  Here and not in `querylog`, for the same reason as `tally`.  The buffer is of
//  octets, because names differ in length by a factor of ten.

use std::mem;
use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::thread::Thread;

use rtrb::Consumer;
use rtrb::Producer;
use rtrb::RingBuffer;

use super::storms::Retry;
use super::tally::Mark;
use crate::base::Domain;
use crate::base::DomainRef;
use crate::base::labels::MAX_NAME;
use crate::catalog::Purpose;
use crate::policy::Ground;
use crate::query::Rtype;
use crate::resolve::Origin;

/// Room for notes, in octets: some 1,500 of them.  A house writes as many in
/// minutes; a flood fills it in milliseconds, and is not worth more.
const ROOM: usize = 64 << 10;

/// The length of a note without its name, in octets.
const HEAD: usize = 20;

//----------- Desk -------------------------------------------------------------

/// What scribes share with whoever reads their notes.
#[derive(Debug, Default)]
pub struct Desk {
    /// Whether anybody wants notes.
    wanted: AtomicBool,
    /// Whether the reader was told that there are some.
    rung: AtomicBool,
    /// The reader, to be woken.
    reader: OnceLock<Thread>,
    /// Notes there was no room for.
    dropped: AtomicU64,
}

impl Desk {
    /// Says whether notes are wanted.
    pub fn want(&self, wanted: bool) {
        self.wanted.store(wanted, Ordering::Relaxed);
    }

    /// Says who is to be woken.  Only the first one is.
    pub fn read_by(&self, reader: Thread) {
        let _ = self.reader.set(reader);
    }

    /// Returns whether there are notes, as of the last
    /// [`reading`](Self::reading).
    pub fn has_rung(&self) -> bool {
        self.rung.load(Ordering::Acquire)
    }

    /// Says that all notes are read now: those that come later ring again.
    pub fn reading(&self) {
        self.rung.swap(false, Ordering::AcqRel);
    }

    /// Returns how many notes there was no room for.
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }
}

//----------- Scribe -----------------------------------------------------------

/// Writes notes, for one thread.
#[derive(Debug)]
pub struct Scribe {
    /// Where they go.
    out: Producer<u8>,
    /// Who reads them.
    desk: Arc<Desk>,
    /// Whether there are some that the reader was not told of.
    untold: bool,
}

/// Reads what one thread noted.
#[derive(Debug)]
pub struct Notes(Consumer<u8>);

/// Returns a scribe, and where its notes are read.
pub fn scribe(desk: &Arc<Desk>) -> (Scribe, Notes) {
    let (out, notes) = RingBuffer::new(ROOM);
    (Scribe { out, desk: Arc::clone(desk), untold: false }, Notes(notes))
}

impl Scribe {
    /// Returns whether a query is to be noted.
    pub fn wants(&self, mark: &Mark) -> bool {
        mark.logged && self.desk.wanted.load(Ordering::Relaxed)
    }

    /// Notes a query whose answer has left, at `unix` seconds since 1970.
    pub fn note(&mut self, mark: &Mark, unix: i64, qname: DomainRef<'_>, qtype: Rtype) {
        if !self.wants(mark) {
            return;
        }
        let name = qname.as_wire();
        let mut octets = [0; HEAD + MAX_NAME];
        let length = HEAD + name.len();
        let flags =
            u8::from(mark.blocked) | u8::from(mark.held_back) << 1 | u8::from(mark.retry != Retry::No) << 2;
        let purpose = u8::try_from(mark.purpose.nth()).unwrap_or(u8::MAX);
        let small =
            [u8::try_from(name.len()).unwrap_or(u8::MAX), flags, purpose, mark.ground, mark.origin as u8, 0];
        let [page, rcode, qtype] = [mark.page, mark.rcode, qtype.0].map(u16::to_le_bytes);
        let parts: [&[u8]; 6] = [&small, &page, &rcode, &qtype, &unix.to_le_bytes(), name];
        let mut at = 0;
        for part in parts {
            if let Some(place) = octets.get_mut(at..at + part.len()) {
                place.copy_from_slice(part);
            }
            at += part.len();
        }
        let written = octets.get(..length).is_some_and(|note| self.out.push_entire_slice(note).is_ok());
        if !written {
            self.desk.dropped.fetch_add(1, Ordering::Relaxed);
        }
        self.untold = true;
    }

    /// Wakes the reader, if there is anything new and nobody has woken it yet.
    pub fn ring(&mut self) {
        if mem::take(&mut self.untold)
            && !self.desk.rung.swap(true, Ordering::AcqRel)
            && let Some(reader) = self.desk.reader.get()
        {
            reader.unpark();
        }
    }
}

//----------- Notes ------------------------------------------------------------

/// What was noted of a query.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Note {
    /// When it came, in seconds since 1970.
    pub unix: i64,
    /// The page of the device that asked.
    pub page: u16,
    /// The name asked for.
    pub qname: Domain,
    /// The type.
    pub qtype: Rtype,
    /// What the name is for.
    pub purpose: Purpose,
    /// What the verdict rests on: a word of [`Ground::WORDS`].
    pub ground: &'static str,
    /// Whether it was blocked.
    pub blocked: bool,
    /// Whether a list would have blocked it and was held back.
    pub held_back: bool,
    /// Whether it asked again for what was blocked.
    pub again: bool,
    /// Where the answer came from.
    pub origin: Origin,
    /// The RCODE of the response.
    pub rcode: u16,
}

impl Notes {
    /// Lets go of all notes.
    pub fn clear(&mut self) {
        let length = self.0.slots();
        if let Ok(notes) = self.0.read_chunk(length) {
            notes.commit_all();
        }
    }

    /// Takes the notes that are there.  Those that come meanwhile are for the next
    /// time: in a flood there would be no end to them.
    pub fn take_all(&mut self) -> impl Iterator<Item = Note> {
        let mut there = self.0.slots();
        std::iter::from_fn(move || {
            let note = if there > 0 { self.take() } else { None };
            let length = note.as_ref().map_or(0, |note| HEAD + note.qname.as_wire().len());
            there = there.saturating_sub(length);
            note
        })
    }

    /// Takes the oldest note.
    fn take(&mut self) -> Option<Note> {
        let mut head = [0; HEAD];
        self.0.pop_entire_slice(&mut head).ok()?;
        let [length, flags, purpose, ground, origin, _, numbers @ ..] = head;
        let mut name = vec![0; usize::from(length)];
        // A note is there as a whole, or it is not.
        self.0.pop_entire_slice(&mut name).ok()?;
        let word = |at: usize| Some(u16::from_le_bytes(*numbers.get(at..)?.first_chunk()?));
        Some(Note {
            unix: i64::from_le_bytes(*numbers.get(6..)?.first_chunk()?),
            page: word(0)?,
            qname: Domain::from_wire(&name).ok()?,
            qtype: Rtype(word(4)?),
            purpose: Purpose::all().nth(usize::from(purpose)).unwrap_or(Purpose::Unknown),
            ground: Ground::WORDS.get(usize::from(ground)).copied().unwrap_or("default"),
            blocked: flags & 1 != 0,
            held_back: flags & 2 != 0,
            again: flags & 4 != 0,
            origin: Origin::ALL.get(usize::from(origin)).copied().unwrap_or(Origin::Policy),
            rcode: word(2)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::Transport;

    fn mark() -> Mark {
        Mark {
            page: 7,
            logged: true,
            purpose: Purpose::Analytics,
            ground: 3,
            blocked: true,
            held_back: false,
            retry: Retry::Again,
            origin: Origin::Policy,
            rcode: 3,
            transport: Transport::Udp,
        }
    }

    #[test]
    fn what_is_noted_is_read() {
        let desk = Arc::new(Desk::default());
        let (mut scribe, mut notes) = scribe(&desk);
        let name: Domain = "metrics.example.com".parse().unwrap();
        scribe.note(&mark(), 1, name.borrowed(), Rtype::A);
        assert!(notes.take().is_none() && !desk.has_rung(), "nobody wants it");
        desk.want(true);
        scribe.note(&Mark { logged: false, ..mark() }, 1, name.borrowed(), Rtype::A);
        scribe.ring();
        assert!(!desk.has_rung(), "there is nothing to read");
        scribe.note(&mark(), -5, name.borrowed(), Rtype::AAAA);
        scribe.ring();
        assert!(desk.has_rung());
        let note = notes.take().unwrap();
        assert_eq!((note.unix, note.page, &note.qname, note.qtype), (-5, 7, &name, Rtype::AAAA));
        assert_eq!((note.purpose, note.ground, note.rcode), (Purpose::Analytics, "rule", 3));
        assert!(note.blocked && note.again && !note.held_back && note.origin == Origin::Policy);
        assert!(notes.take().is_none());
    }

    #[test]
    fn what_is_noted_meanwhile_is_for_the_next_time() {
        let desk = Arc::new(Desk::default());
        desk.want(true);
        let (mut scribe, mut notes) = scribe(&desk);
        let name: Domain = "a.example".parse().unwrap();
        let mut note = |unix| scribe.note(&mark(), unix, name.borrowed(), Rtype::A);
        (1..=3).for_each(&mut note);
        let read: Vec<_> =
            notes.take_all().inspect(|read| note(10 * read.unix)).map(|read| read.unix).collect();
        assert_eq!(read, [1, 2, 3]);
        assert_eq!(notes.take_all().map(|read| read.unix).collect::<Vec<_>>(), [10, 20, 30]);
    }

    #[test]
    fn what_there_is_no_room_for_is_dropped_and_counted() {
        let desk = Arc::new(Desk::default());
        desk.want(true);
        let (mut scribe, mut notes) = scribe(&desk);
        let long: Domain = vec!["x".repeat(60); 4].join(".").parse().unwrap();
        for _ in 0..1_000 {
            scribe.note(&mark(), 1, long.borrowed(), Rtype::A);
        }
        let read = std::iter::from_fn(|| notes.take()).inspect(|note| assert_eq!(note.qname, long)).count();
        assert_eq!(u64::try_from(read).unwrap() + desk.dropped(), 1_000);
        assert!(read > 200 && desk.dropped() > 500);
    }
}
