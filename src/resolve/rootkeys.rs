//! [`RootKeys`]: the keys of the root that are trusted, kept up to date as the
//! root changes them ([RFC 5011]).
//!
//! A key that the root announces, signed by one that is trusted, is trusted
//! itself once it has been there for thirty days; one that is revoked, and says
//! so itself, never again.  Plain values: who asks the root is the iterator, who
//! writes the file is `app`.
//!
//! [RFC 5011]: https://www.rfc-editor.org/rfc/rfc5011

use std::fmt;
use std::fmt::Write;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::Crc;
use hickory_proto::dnssec::Algorithm;
use hickory_proto::dnssec::PublicKey;
use hickory_proto::dnssec::PublicKeyBuf;
use hickory_proto::dnssec::Verifier;
use hickory_proto::dnssec::rdata::DNSKEY;

use super::file::base64;

/// How long a new key has to be there before it is trusted, in seconds: thirty
/// days (RFC 5011 section 2.4.1).
const HOLD_DOWN: i64 = 30 * 86_400;

/// The most keys that are remembered; the root has had four in sixteen years.
const MAX_KEYS: usize = 16;

/// The largest file, in octets.
pub const MAX_ROOT_KEYS: usize = 32 * 1_024;

/// How the file begins.
const HEAD: &str = "; The keys of the root, as Sordino has followed them (RFC 5011). Do not edit.";

/// SEP and ZONE (RFC 4034 section 2.1.1): how a key signing key is published.
const FLAGS: u16 = 257;

/// The root's key signing keys of 2017 and 2024 (IANA, root-anchors.xml).
const BUILT_IN: [&str; 2] = [
    "AwEAAaz/tAm8yTn4Mfeh5eyI96WSVexTBAvkMgJzkKTOiW1vkIbzxeF3+/4RgWOq7HrxRixHlFlExOLAJr5emLvN7SWXgnLh4+B5xQlNVz8Og8kvArMtNROxVQuCaSnIDdD5LKyWbRd2n9WGe2R8PzgCmr3EgVLrjyBxWezF0jLHwVN8efS3rCj/EWgvIWgb9tarpVUDK/b58Da+sqqls3eNbuv7pr+eoZG+SrDK6nWeL3c6H5Apxz7LjVc1uTIdsIXxuOLYA4/ilBmSVIzuDWfdRUfhHdY6+cn8HFRm+2hM8AnXGXws9555KrUB5qihylGa8subX2Nn6UwNR1AkUTV74bU=",
    "AwEAAa96jeuknZlaeSrvyAJj6ZHv28hhOKkx3rLGXVaC6rXTsDc449/cidltpkyGwCJNnOAlFNKF2jBosZBU5eeHspaQWOmOElZsjICMQMC3aeHbGiShvZsx4wMYSjH8e7Vrhbu6irwCzVBApESjbUdpWWmEnhathWu1jo+siFUiRAAxm9qyJNg/wOZqqzL/dL/q8PkcRU5oUKEpUge71M3ej2/7CPqpdVwuMoTvoB+ZOT4YeGyxMvHmbrxlFzGOHOijtzN+u1TQNatX2XBuzZNQ1K+s2CXkPIZo7s6JgZyvaBevYtxPvYLw4z9mR7K2vaF18UYH9Z9GNUUeayffKC73PYc=",
];

//----------- RootKeys ---------------------------------------------------------

/// The keys of the root, and what is thought of them.
#[derive(Debug)]
pub(super) struct RootKeys(Mutex<Vec<Known>>);

/// A key.
#[derive(Clone, Debug, Eq, PartialEq)]
struct Known {
    /// The key, as it was before it was revoked.
    key: DNSKEY,
    /// What is thought of it.
    state: State,
    /// Since when, in seconds since 1970.
    since: i64,
}

/// What is thought of a key (RFC 5011 section 4.2; a key that is missing stays
/// valid).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum State {
    /// It is new.
    Pending,
    /// It is trusted.
    Valid,
    /// It never will be again.
    Revoked,
}

impl State {
    /// All of them.
    const ALL: [Self; 3] = [Self::Pending, Self::Valid, Self::Revoked];

    /// Returns the word for it in the file.
    fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Valid => "valid",
            Self::Revoked => "revoked",
        }
    }
}

/// A key that the root published, signed by one that is trusted.
#[derive(Clone, Copy, Debug)]
pub(super) struct Published<'a> {
    /// The key.
    pub(super) key: &'a DNSKEY,
    /// Whether it has signed the set itself: only so may it revoke itself.
    pub(super) signs: bool,
}

impl Default for RootKeys {
    fn default() -> Self {
        let keys = BUILT_IN.iter().filter_map(|text| base64(text));
        Self::of(keys.map(|key| DNSKEY::with_flags(FLAGS, PublicKeyBuf::new(key, Algorithm::RSASHA256))))
    }
}

impl RootKeys {
    /// Returns keys that are trusted.
    pub(super) fn of(keys: impl Iterator<Item = DNSKEY>) -> Self {
        Self(Mutex::new(keys.map(|key| Known { key, state: State::Valid, since: 0 }).collect()))
    }

    /// Locks the table.
    fn lock(&self) -> MutexGuard<'_, Vec<Known>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns whether a key is trusted.  One that is published as revoked never
    /// is, whatever is known of it.
    pub(super) fn trusts(&self, key: &DNSKEY) -> bool {
        let is = |known: &Known| known.state == State::Valid && is_same(&known.key, key);
        !key.revoke() && self.lock().iter().any(is)
    }

    /// Returns whether a key with a tag is trusted.
    pub(super) fn trusts_tag(&self, wanted: u16) -> bool {
        self.lock().iter().any(|known| known.state == State::Valid && tag(&known.key) == wanted)
    }

    /// Returns whether anything is thought of a key.
    pub(super) fn knows(&self, key: &DNSKEY) -> bool {
        self.lock().iter().any(|known| is_same(&known.key, key))
    }

    /// Returns the keys in a line, for people.
    pub(super) fn summary(&self) -> String {
        let shown = |known: &Known| format!("{} {}", tag(&known.key), known.state.as_str());
        self.lock().iter().map(shown).collect::<Vec<_>>().join(", ")
    }

    /// Takes note of the keys that the root has published, at `unix` seconds
    /// since 1970.
    pub(super) fn follow(&self, published: &[Published<'_>], unix: i64) {
        let mut keys = self.lock();
        let there = |key: &DNSKEY| published.iter().find(|other| is_same(other.key, key));
        // A new key has to be there all the time (RFC 5011 section 2.4.1).
        keys.retain(|known| known.state != State::Pending || there(&known.key).is_some());
        for at in 0..keys.len() {
            let trusted = keys.iter().filter(|known| known.state == State::Valid).count();
            let Some(known) = keys.get_mut(at) else { break };
            let Some(Published { key, signs }) = there(&known.key) else { continue };
            let next = match known.state {
                // Without any key the house would have no names at all.
                State::Valid if key.revoke() && *signs && trusted > 1 => State::Revoked,
                State::Pending if key.revoke() => State::Revoked,
                State::Pending if unix.saturating_sub(known.since) >= HOLD_DOWN => State::Valid,
                _ => continue,
            };
            (known.state, known.since) = (next, unix);
        }
        for Published { key, .. } in published {
            let is_new = key.flags() == FLAGS && !keys.iter().any(|known| is_same(&known.key, key));
            if is_new && keys.len() < MAX_KEYS {
                keys.push(Known { key: (*key).clone(), state: State::Pending, since: unix });
            }
        }
    }

    /// Returns the keys as a file, for [`read`](Self::read).
    pub(super) fn write(&self) -> String {
        let mut text = format!("{HEAD}\n");
        for Known { key, state, since } in &*self.lock() {
            let (algorithm, octets) = (u8::from(key.algorithm()), key.public_key().public_bytes());
            let state = state.as_str();
            // Writing to a string does not fail.
            let _ = writeln!(text, "{state} {since} {algorithm} {}", STANDARD.encode(octets));
        }
        let crc = crc(&text);
        let _ = writeln!(text, "crc {crc:08x}");
        text
    }

    /// Takes up keys that were written, if they are as they were written and one
    /// of them is trusted.  A built-in key that they do not mention stays
    /// trusted: the program may be newer than the file.
    pub(super) fn read(&self, text: &str) -> Result<(), RootKeysError> {
        let mut read = parse(text)?;
        if !read.iter().any(|known| known.state == State::Valid) {
            return Err(RootKeysError::NoneTrusted);
        }
        let mut keys = self.lock();
        let is_missing = |own: &&Known| !read.iter().any(|known| is_same(&known.key, &own.key));
        let missing: Vec<Known> = keys.iter().filter(is_missing).cloned().collect();
        // What is written can be read again; the last in a file is the newest.
        read.truncate(MAX_KEYS.saturating_sub(missing.len()));
        read.extend(missing);
        *keys = read;
        Ok(())
    }
}

/// Returns whether two keys are the same, revoked or not.
fn is_same(one: &DNSKEY, other: &DNSKEY) -> bool {
    one.algorithm() == other.algorithm() && one.public_key() == other.public_key()
}

/// Returns the tag of a key; of one that cannot have any, 0.
fn tag(key: &DNSKEY) -> u16 {
    key.calculate_key_tag().unwrap_or_default()
}

//----------- RootKeysError ----------------------------------------------------

/// Why keys that were written are not used.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum RootKeysError {
    /// It is not what we write, or too much of it.
    Foreign,
    /// It is not as it was written.
    Damaged,
    /// No key in it is trusted.
    NoneTrusted,
}

impl fmt::Display for RootKeysError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Foreign => "it is not as we write it",
            Self::Damaged => "it is damaged",
            Self::NoneTrusted => "no key in it is trusted",
        })
    }
}

impl std::error::Error for RootKeysError {}

/// Reads a file.
fn parse(text: &str) -> Result<Vec<Known>, RootKeysError> {
    let body = text.strip_prefix(HEAD).and_then(|rest| rest.strip_prefix('\n'));
    if text.len() > MAX_ROOT_KEYS || body.is_none() {
        return Err(RootKeysError::Foreign);
    }
    let last = text.trim_end_matches('\n').rfind('\n').map_or(0, |at| at + 1);
    let (body, last) = text.split_at_checked(last).ok_or(RootKeysError::Damaged)?;
    if last.trim_end_matches('\n') != format!("crc {:08x}", crc(body)) {
        return Err(RootKeysError::Damaged);
    }
    let keys: Option<Vec<Known>> = body.lines().skip(1).map(line).collect();
    keys.filter(|keys| keys.len() <= MAX_KEYS).ok_or(RootKeysError::Foreign)
}

/// Reads a line: state, since when, algorithm, key.
fn line(line: &str) -> Option<Known> {
    let words: Vec<&str> = line.split(' ').collect();
    let [state, since, algorithm, key] = words[..] else { return None };
    let state = State::ALL.into_iter().find(|known| known.as_str() == state)?;
    let algorithm = Algorithm::from_u8(algorithm.parse().ok()?);
    let key = base64(key).filter(|key| !key.is_empty())?;
    let key = DNSKEY::with_flags(FLAGS, PublicKeyBuf::new(key, algorithm));
    Some(Known { key, state, since: since.parse().ok()? })
}

/// Returns the CRC of a text.
fn crc(text: &str) -> u32 {
    let mut crc = Crc::new();
    crc.update(text.as_bytes());
    crc.sum()
}

#[cfg(test)]
mod tests;
