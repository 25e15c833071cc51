//! [`Good`]: signatures of a zone that were found to be good.
//!
//! Every referral to an unsigned zone brings the same record of the parent's
//! apex, and every negative answer the same SOA record.  To verify a signature
//! takes as long as all else that is done for a cold answer.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

use hickory_proto::dnssec::DigestType;
use hickory_proto::dnssec::PublicKey;
use hickory_proto::dnssec::Verifier;
use hickory_proto::dnssec::crypto::Digest;
use hickory_proto::dnssec::rdata::DNSKEY;

use crate::resolve::exchange::budget::Budget;
use crate::resolve::exchange::trouble::Trouble;
use crate::resolve::stats::Limit;

/// How many signatures of a zone are remembered.
const MAX_GOOD: usize = 16;

/// The octets of a digest: half of SHA-256, which is enough where nobody but the
/// zone itself could make two signatures that have the same.
const DIGEST: usize = 16;

//----------- Good -------------------------------------------------------------

/// The last good signatures, by digest of the key, what was signed, and the
/// signature.
#[derive(Debug, Default)]
pub(super) struct Good(Mutex<VecDeque<[u8; DIGEST]>>);

impl Good {
    /// The most octets they take.
    pub(super) const MAX_WEIGHT: usize = MAX_GOOD * DIGEST;

    /// Returns whether a key has made a signature.  Only what has to be
    /// calculated counts as work.
    pub(super) fn verify(
        &self,
        key: &DNSKEY,
        text: &[u8],
        signature: &[u8],
        budget: &Budget,
    ) -> Result<bool, Trouble> {
        let digest = digest(key, text, signature);
        if digest.is_some_and(|digest| self.lock().contains(&digest)) {
            return Ok(true);
        }
        budget.take(Limit::Signatures, 1)?;
        let good = key.verify(text, signature).is_ok();
        if let Some(digest) = digest.filter(|_| good) {
            let mut known = self.lock();
            if known.len() >= MAX_GOOD {
                known.pop_front();
            }
            known.push_back(digest);
        }
        Ok(good)
    }

    /// Locks the list.
    fn lock(&self) -> MutexGuard<'_, VecDeque<[u8; DIGEST]>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns the digest of a signature, if it can be made.
fn digest(key: &DNSKEY, text: &[u8], signature: &[u8]) -> Option<[u8; DIGEST]> {
    let parts = [key.public_key().public_bytes(), text, signature];
    let mut all = Vec::with_capacity(parts.iter().map(|part| part.len() + size_of::<u64>()).sum());
    for part in parts {
        all.extend_from_slice(&u64::try_from(part.len()).ok()?.to_be_bytes());
        all.extend_from_slice(part);
    }
    Digest::new(&all, DigestType::SHA256).ok()?.as_ref().first_chunk().copied()
}
