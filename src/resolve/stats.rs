//! [`Stats`]: what the ways of resolving have counted.
//!
//! Plain numbers.  How they are called outside is the business of `observe`.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

use super::cache::CacheStats;
use super::dates::Dates;
use crate::query::Transport;

//----------- Sent, Security ---------------------------------------------------

/// What became of a query to a server outside.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Sent {
    /// It was answered, whatever the RCODE.
    Answer,
    /// It was not answered in time.
    Timeout,
    /// It could not be sent, or what came back made no sense.
    Error,
}

impl Sent {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Answer, Self::Timeout, Self::Error];

    /// Returns the word for it in metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Answer => "answer",
            Self::Timeout => "timeout",
            Self::Error => "error",
        }
    }
}

/// What validation came to (RFC 4035 section 4.3).
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Security {
    /// Signed, and all signatures are good.
    Secure,
    /// Provably not signed.
    Insecure,
    /// It was not possible to find out, or not asked for.
    Indeterminate,
    /// It should be signed and is not, or the signatures are bad.
    Bogus,
}

impl Security {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Secure, Self::Insecure, Self::Indeterminate, Self::Bogus];

    /// Returns the word for it in metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Secure => "secure",
            Self::Insecure => "insecure",
            Self::Indeterminate => "indeterminate",
            Self::Bogus => "bogus",
        }
    }
}

//----------- Limit ------------------------------------------------------------

/// The kinds of work that are limited.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Limit {
    /// Queries to servers outside.
    Packets,
    /// Octets of their replies.
    Octets,
    /// Addresses of name servers that have to be looked up.
    Lookups,
    /// Signatures that are checked.
    Signatures,
    /// Signatures that turn out to be wrong.
    BadSignatures,
    /// Hashes of names (NSEC3).
    Hashes,
    /// Time.
    Time,
    /// Delegations below delegations, and questions for the sake of questions.
    Depth,
    /// Aliases of aliases.
    Aliases,
    /// Records in one reply.
    Records,
}

impl Limit {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Packets,
        Self::Octets,
        Self::Lookups,
        Self::Signatures,
        Self::BadSignatures,
        Self::Hashes,
        Self::Time,
        Self::Depth,
        Self::Aliases,
        Self::Records,
    ];

    /// Returns the word for it in metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Packets => "packets",
            Self::Octets => "bytes",
            Self::Lookups => "lookups",
            Self::Signatures => "signatures",
            Self::BadSignatures => "bad-signatures",
            Self::Hashes => "hashes",
            Self::Time => "time",
            Self::Depth => "depth",
            Self::Aliases => "aliases",
            Self::Records => "records",
        }
    }
}

//----------- Counters ---------------------------------------------------------

/// The counters, shared by all ways of resolving.
#[derive(Debug, Default)]
pub(super) struct Counters {
    /// Queries sent, by transport and by what became of them.
    sent: [[AtomicU64; 3]; Transport::ALL.len()],
    /// Validations, by result.
    security: [AtomicU64; 4],
    /// Questions that were given up for too much work, by its kind.
    exceeded: [AtomicU64; Limit::ALL.len()],
    /// Questions that ran into a fault of ours.
    faults: AtomicU64,
}

impl Counters {
    /// Counts a query to a server outside.
    pub(super) fn sent(&self, transport: Transport, sent: Sent) {
        self.sent[transport as usize][sent as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a validation.
    pub(super) fn validated(&self, security: Security) {
        self.security[security as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a question that was given up for too much work.
    pub(super) fn exceeded(&self, limit: Limit) {
        self.exceeded[limit as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a question that ran into a fault of ours.
    pub(super) fn faulted(&self) {
        self.faults.fetch_add(1, Ordering::Relaxed);
    }

    /// Returns what was counted.
    pub(super) fn read(&self, cache: CacheStats, dates: &Dates) -> Stats {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Stats {
            cache,
            earliest: dates.earliest(),
            ahead: dates.is_ahead(),
            upstream: self.sent.each_ref().map(|by_result| by_result.each_ref().map(read)),
            dnssec: self.security.each_ref().map(read),
            exceeded: self.exceeded.each_ref().map(read),
            faults: read(&self.faults),
        }
    }
}

//----------- Stats ------------------------------------------------------------

/// The counters at one moment.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Stats {
    /// The answer cache.
    pub cache: CacheStats,
    /// When it is at least, in seconds since 1970.
    pub earliest: i64,
    /// Whether the clock seemed to be ahead when it was last looked at.
    pub ahead: bool,
    /// Questions that ran into a fault of ours.
    pub faults: u64,
    /// See [`upstream`](Self::upstream).
    upstream: [[u64; 3]; Transport::ALL.len()],
    /// See [`dnssec`](Self::dnssec).
    dnssec: [u64; 4],
    /// See [`exceeded`](Self::exceeded).
    exceeded: [u64; Limit::ALL.len()],
}

impl Stats {
    /// Returns how many queries to servers outside ended so.
    pub fn upstream(&self, transport: Transport, sent: Sent) -> u64 {
        self.upstream[transport as usize][sent as usize]
    }

    /// Returns how many validations came to this.
    pub fn dnssec(&self, security: Security) -> u64 {
        self.dnssec[security as usize]
    }

    /// Returns how many questions were given up for too much work of a kind.
    pub fn exceeded(&self, limit: Limit) -> u64 {
        self.exceeded[limit as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_counter_is_its_own() {
        let counters = Counters::default();
        counters.sent(Transport::Tcp, Sent::Timeout);
        counters.validated(Security::Bogus);
        counters.validated(Security::Bogus);
        let stats = counters.read(CacheStats::default(), &Dates::new(&[]));
        for transport in Transport::ALL {
            for sent in Sent::ALL {
                let expected = u64::from(transport == Transport::Tcp && sent == Sent::Timeout);
                assert_eq!(stats.upstream(transport, sent), expected);
            }
        }
        for security in Security::ALL {
            assert_eq!(stats.dnssec(security), if security == Security::Bogus { 2 } else { 0 });
        }
    }
}
