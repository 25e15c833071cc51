//! The answer cache as octets, for the time between a stop and the next start.
//!
//! It is what a household asked for, without saying who did: private data.
//! Whoever writes it somewhere lets nobody else read it.
//!
//! What is read is believed no more than a packet is, but for one thing: that
//! what says it was validated was.  Each message is parsed and goes through
//! [`AnswerData::new`] again, so that what it leads to and how long it holds is
//! found out anew, and never read.  The CRC is against torn files and tired
//! flash, not against people: whoever can write there can write anything.
//
//  All numbers are big-endian:
//
//      magic (8)  mark (8)  written (8)  CRC (4)  answers
//
//  The CRC is over all but the magic and itself.  An answer is
//
//      realm (8)  stored (8)  flags (1)  RCODE (2)  type (2)
//      length (1)  name  length (2)  message
//
//  The popular ones come first, and of those alike the newest.

use std::cmp::Reverse;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use flate2::Crc;
use hickory_proto::op::Message;
use hickory_proto::op::ResponseCode;

use super::AnswerCache;
use super::AnswerData;
use super::cache::Entry;
use super::cache::Key;
use super::cache::MAX_STALE;
use super::demand::Demand;
use super::names;
use super::upstream::Question;
use crate::base::Domain;
use crate::base::Now;
use crate::query::Rtype;

/// How it begins, with the version of the format.
const MAGIC: &[u8; 8] = b"sordino\x01";

/// The most octets that are written and read.
pub const MAX_SAVED: usize = 8 << 20;

/// The oldest that is read, in seconds: a day.
const MAX_AGE: i64 = 86_400;

/// The answer was asked for without checking (CD).
const UNCHECKED: u8 = 1;

/// It was validated.
const SECURE: u8 = 2;

/// It was popular.
const POPULAR: u8 = 4;

//----------- SavedError -------------------------------------------------------

/// Why nothing of what was saved is used.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum SavedError {
    /// It is not what we write, or too much of it.
    Foreign,
    /// Another version of this program wrote it.
    OtherVersion,
    /// It is not as it was written.
    Damaged,
    /// It is older than a day, or from the future.
    Date,
}

impl fmt::Display for SavedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Foreign => "it does not begin as we write it",
            Self::OtherVersion => "another version has written it",
            Self::Damaged => "its checksum is wrong",
            Self::Date => "it is older than a day, or from the future",
        })
    }
}

impl std::error::Error for SavedError {}

//----------- Writing ----------------------------------------------------------

/// Returns what is good in a cache, or was lately, as octets, at most [`MAX_SAVED`].  Only the
/// same version of the program, which makes the same `mark`, reads them.
pub(super) fn save(cache: &AnswerCache, mark: u64, now: Now) -> Vec<u8> {
    let mut all = cache.all();
    all.retain(|(_, entry)| !entry.is_gone(now));
    all.sort_by_key(|(_, entry)| Reverse((entry.data.demand.is_popular(), entry.stored)));
    let mut out = Vec::from(MAGIC);
    out.extend_from_slice(&mark.to_be_bytes());
    out.extend_from_slice(&now.unix.to_be_bytes());
    let head = out.len();
    out.extend_from_slice(&[0; 4]);
    for (key, entry) in &all {
        let before = out.len();
        // What does not fit in its field is not from here; nor is it needed.
        if write(key, entry, now, &mut out).is_none() || out.len() > MAX_SAVED {
            out.truncate(before);
        }
    }
    let sum = checksum(&out).unwrap_or_default();
    if let Some(place) = out.get_mut(head..head + 4) {
        place.copy_from_slice(&sum.to_be_bytes());
    }
    out
}

/// Writes an answer.
fn write(key: &Key, entry: &Entry, now: Now, out: &mut Vec<u8>) -> Option<()> {
    let Question { name, rtype, checking_disabled } = &key.question;
    let data = &entry.data;
    let if_set = |set: bool, flag: u8| if set { flag } else { 0 };
    let flags = if_set(*checking_disabled, UNCHECKED)
        | if_set(data.secure, SECURE)
        | if_set(data.demand.is_popular(), POPULAR);
    let (name, message) = (name.as_wire(), data.wire(true).bytes());
    out.extend_from_slice(&key.realm.to_be_bytes());
    out.extend_from_slice(&now.unix.checked_sub_unsigned(entry.age(now))?.to_be_bytes());
    out.push(flags);
    out.extend_from_slice(&u16::from(data.rcode).to_be_bytes());
    out.extend_from_slice(&rtype.0.to_be_bytes());
    out.push(u8::try_from(name.len()).ok()?);
    out.extend_from_slice(name);
    out.extend_from_slice(&u16::try_from(message.len()).ok()?.to_be_bytes());
    out.extend_from_slice(message);
    Some(())
}

/// Returns the CRC of all but the magic and the CRC itself.
fn checksum(saved: &[u8]) -> Option<u32> {
    let mut crc = Crc::new();
    crc.update(saved.get(8..24)?);
    crc.update(saved.get(28..)?);
    Some(crc.sum())
}

//----------- Reading ----------------------------------------------------------

/// An answer as it was saved.
pub(super) struct Saved {
    /// What it was kept under.
    pub(super) key: Key,
    /// The answer, made anew.
    pub(super) data: AnswerData,
    /// When it came, in seconds since 1970.
    pub(super) stored: i64,
}

/// Returns the answers in `saved`, those worth most first.  One that is no
/// answer is passed over; after one that does not end there are none.
pub(super) fn read(
    saved: &[u8],
    mark: u64,
    now: Now,
) -> Result<impl Iterator<Item = Saved> + '_, SavedError> {
    let mut rest = Reader(saved);
    if saved.len() > MAX_SAVED || rest.take(MAGIC.len()) != Some(MAGIC) {
        return Err(SavedError::Foreign);
    }
    let head = (rest.number().map(u64::from_be_bytes), rest.number(), rest.number());
    let (Some(marked), Some(written), Some(sum)) = head else { return Err(SavedError::Damaged) };
    if checksum(saved) != Some(u32::from_be_bytes(sum)) {
        return Err(SavedError::Damaged);
    }
    if marked != mark {
        return Err(SavedError::OtherVersion);
    }
    match now.unix.checked_sub(i64::from_be_bytes(written)) {
        Some(0..=MAX_AGE) => {}
        _ => return Err(SavedError::Date),
    }
    Ok(std::iter::from_fn(move || rest.answer()).filter_map(Raw::parse))
}

/// Puts what was read into a cache, as far as it may still be given and there is
/// room.  `fits` says whether an answer may be of use.  Returns how many there
/// are.
pub(super) fn restore(
    cache: &AnswerCache,
    answers: impl Iterator<Item = Saved>,
    now: Now,
    fits: impl Fn(&Key) -> bool,
) -> usize {
    let mut room = cache.capacity();
    let mut count = 0;
    for Saved { key, data, stored } in answers {
        // One from the future has no age.
        let age = now.unix.checked_sub(stored).and_then(|age| u64::try_from(age).ok());
        let longest = u64::from(data.ttl) + u64::from(MAX_STALE);
        let Some(age) = age.filter(|age| *age < longest) else { continue };
        let Some(stored) = now.instant.checked_sub(Duration::from_secs(age)) else { continue };
        if !fits(&key) {
            continue;
        }
        let Some(weight) = cache.put_since(key, &Arc::new(data), stored) else { continue };
        count += 1;
        // The best come first, and must not be pushed out by the others.
        room = room.saturating_sub(weight);
        if room == 0 {
            break;
        }
    }
    count
}

/// Octets that are not read yet.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// Takes so many octets.
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    /// Takes the octets of a number.
    fn number<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.first_chunk().copied()
    }

    /// Takes what should be an answer.
    fn answer(&mut self) -> Option<Raw<'a>> {
        let realm = u64::from_be_bytes(self.number()?);
        let stored = i64::from_be_bytes(self.number()?);
        let [flags] = self.number()?;
        let rcode = u16::from_be_bytes(self.number()?).into();
        let rtype = Rtype(u16::from_be_bytes(self.number()?));
        let [len] = self.number()?;
        let name = self.take(len.into())?;
        let len = u16::from_be_bytes(self.number()?);
        let message = self.take(len.into())?;
        Some(Raw { realm, stored, flags, rcode, rtype, name, message })
    }
}

/// What should be an answer, as it was read.
struct Raw<'a> {
    /// By whom it was answered.
    realm: u64,
    /// When it came, in seconds since 1970.
    stored: i64,
    /// [`UNCHECKED`], [`SECURE`], [`POPULAR`].
    flags: u8,
    /// The RCODE.
    rcode: ResponseCode,
    /// The type asked for.
    rtype: Rtype,
    /// The name asked for.
    name: &'a [u8],
    /// The response.
    message: &'a [u8],
}

impl Raw<'_> {
    /// Makes an answer of it, if it is one.
    fn parse(self) -> Option<Saved> {
        let has = |flag| self.flags & flag != 0;
        let name = Domain::from_wire(self.name).ok().filter(|name| name.as_wire() == self.name)?;
        let question = Question { name, rtype: self.rtype, checking_disabled: has(UNCHECKED) };
        let message = Message::from_vec(self.message).ok()?;
        let [asked] = message.queries.as_slice() else { return None };
        let same = names::to_domain(asked.name()) == question.name
            && asked.query_type() == names::to_type(self.rtype)
            // The upper bits of an RCODE are in the OPT record, which is not kept.
            && message.metadata.response_code.low() == self.rcode.low();
        // What was cut says that there is nothing, which is not so.
        if !same || message.metadata.truncation {
            return None;
        }
        let (answers, authorities) = (message.answers, message.authorities);
        let mut data = AnswerData::new(&question, self.rcode, answers, authorities, has(SECURE));
        if has(POPULAR) {
            data.demand = Demand::popular();
        }
        Some(Saved { key: Key { realm: self.realm, question }, data, stored: self.stored })
    }
}

#[cfg(test)]
mod tests;
