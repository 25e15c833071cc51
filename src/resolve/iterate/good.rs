//! [`Good`]: signatures that were found to be good.
//!
//! Every referral to an unsigned zone brings the same record of the parent's
//! apex, and one that a few hundred others have as well; every negative answer
//! the same SOA record; and what is fetched anew when its time is up is most often
//! signed as it was.  To verify a signature takes as long as all else that is done
//! for a cold answer.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::thread;

use hickory_proto::dnssec::DigestType;
use hickory_proto::dnssec::PublicKey;
use hickory_proto::dnssec::Verifier;
use hickory_proto::dnssec::crypto::Digest;
use hickory_proto::dnssec::rdata::DNSKEY;
use tokio::sync::Semaphore;
use tokio::sync::SemaphorePermit;
use tokio::task::yield_now;

use crate::resolve::exchange::budget::Budget;
use crate::resolve::exchange::trouble::Trouble;
use crate::resolve::stats::Limit;

/// How many may verify in one turn of the runtime, for each processor.  One would make
/// those who do wait several times as long as they had to.
const IN_A_TURN: usize = 16;

/// How many signatures are remembered, at most: 256 KiB.
const PLACES: usize = 1 << 13;

/// SHA-256, all of it: half would be for whoever has a zone to sign, and time, to
/// find one that a forged signature of another zone has as well.
type Octets = [u8; 32];

//----------- Good -------------------------------------------------------------

/// Good signatures, by digest of the key, what was signed, and the signature.
/// Each digest has one place, where the last one stays.
#[derive(Debug)]
pub(super) struct Good {
    /// The digests.
    places: Mutex<Box<[Octets]>>,
    /// For those who have to verify something, so that others go first.
    turns: Semaphore,
}

impl Default for Good {
    fn default() -> Self {
        let processors = thread::available_parallelism().map_or(1, usize::from);
        let places = Mutex::new(vec![Octets::default(); PLACES].into());
        Self { places, turns: Semaphore::new(IN_A_TURN * processors) }
    }
}

impl Good {
    /// Waits for a turn to verify the proof that a zone is not signed, which takes as
    /// long as all else that is done for a name in it.  Names in zones that are known
    /// need none and go first: half of all are answered sooner by a tenth at full load.
    /// Of signed zones each answer has its signatures, and none to let go first.
    ///
    /// Nothing else may be waited for until it is given back.
    pub(super) async fn turn(&self) -> Option<SemaphorePermit<'_>> {
        let turn = self.turns.acquire().await.ok();
        yield_now().await;
        turn
    }

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
        if digest.is_some_and(|digest| self.at(digest, |place| *place == digest)) {
            return Ok(true);
        }
        budget.take(Limit::Signatures, 1)?;
        let good = key.verify(text, signature).is_ok();
        if let Some(digest) = digest.filter(|_| good) {
            self.at(digest, |place| *place = digest);
        }
        Ok(good)
    }

    /// Looks at the place of a digest.
    fn at<T: Default>(&self, digest: Octets, look: impl FnOnce(&mut Octets) -> T) -> T {
        let nth = usize::from(u16::from_be_bytes([digest[0], digest[1]])) % PLACES;
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        places.get_mut(nth).map(look).unwrap_or_default()
    }
}

/// Returns the digest of a signature, if it can be made.
fn digest(key: &DNSKEY, text: &[u8], signature: &[u8]) -> Option<Octets> {
    let parts = [key.public_key().public_bytes(), text, signature];
    let mut all = Vec::with_capacity(parts.iter().map(|part| part.len() + size_of::<u64>()).sum());
    for part in parts {
        all.extend_from_slice(&u64::try_from(part.len()).ok()?.to_be_bytes());
        all.extend_from_slice(part);
    }
    Digest::new(&all, DigestType::SHA256).ok()?.as_ref().first_chunk().copied()
}
