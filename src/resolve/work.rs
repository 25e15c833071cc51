//! Work on questions: once however many ask, and to its end even if they all go
//! away.
//
//  Apart from `answering`, which says in what order answers are sought.

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

use futures_util::FutureExt;
use tokio::sync::oneshot;

use super::AnswerCache;
use super::AnswerData;
use super::Failure;
use super::FailureKind;
use super::cache::Key;
use super::failures::Failed;
use super::failures::Failures;
use super::stats::Counters;
use super::ways::Way;
use crate::base::Now;
use crate::base::time::moment;
use crate::query::Rtype;

/// How many questions may be worked on at once.  Each may have a few sockets
/// open, of which a process usually has a thousand.
const MAX_IN_FLIGHT: usize = 256;

/// How many may be before nothing is fetched that somebody already has an
/// answer to.
const MAX_FOR_RENEWAL: usize = MAX_IN_FLIGHT / 2;

/// How work on a question ended.
type Outcome = Result<Arc<AnswerData>, Failure>;

/// Who waits for an outcome.
type Asker = oneshot::Sender<Outcome>;

//----------- Work -------------------------------------------------------------

/// Questions that are worked on.  A clone is the same.
#[derive(Clone)]
pub(super) struct Work {
    /// The questions, and who waits for their answers.
    in_flight: Arc<Mutex<HashMap<Key, Vec<Asker>>>>,
    /// Where answers are kept.
    cache: Arc<AnswerCache>,
    /// Where faults are counted.
    counters: Arc<Counters>,
    /// What was worked on in vain lately.
    pub(super) failures: Arc<Failures>,
}

impl Work {
    /// Returns no work yet, whose answers will be kept in a cache.
    pub(super) fn new(cache: Arc<AnswerCache>, counters: Arc<Counters>) -> Self {
        Self { in_flight: Arc::default(), cache, counters, failures: Arc::default() }
    }

    /// Returns whether a question was worked on in vain.
    pub(super) fn failed(&self, key: &Key, way: &Way, now: Now) -> Option<Failed> {
        self.failures.get(key.borrowed(), now.instant, way.line.epoch())
    }

    /// Has a question worked on and waits for its answer.
    pub(super) async fn answer(&self, key: Key, way: &Way, now: Now) -> Outcome {
        let (asker, outcome) = oneshot::channel();
        if !self.start(key, way, now, Kind::Fetch, Some(asker)) {
            let detail = "too many questions at once".to_owned();
            return Err(Failure { kind: FailureKind::Limit, detail, origin: way.upstream.origin() });
        }
        outcome.await.unwrap_or_else(|_| Err(fault(way)))
    }

    /// Has an answer fetched anew that is in the cache.  If that fails, or there
    /// is much else to do, it stays there until its time is up.
    pub(super) fn renew(&self, key: Key, way: &Way, now: Now) {
        self.start(key, way, now, Kind::Renew, None);
    }

    /// Has a question worked on that failed before, and whose asker got an old
    /// answer.
    pub(super) fn retry(&self, key: Key, way: &Way, now: Now) {
        self.start(key, way, now, Kind::Retry, None);
    }

    /// Notes that a question takes so long that its asker got an old answer; so
    /// will those who ask next.  It was begun in this `epoch` of the line.
    pub(super) fn late(&self, key: &Key, way: &Way, epoch: u32, now: Now) {
        let detail = "no answer yet".to_owned();
        let failure = Failure { kind: FailureKind::Timeout, detail, origin: way.upstream.origin() };
        way.line.silent(&key.question.name, now.instant);
        self.failures.late(key, failure, now.instant, epoch);
    }

    /// Starts work on a question unless somebody has, and tells the asker how it
    /// ends.  Returns whether it is worked on: not if there is too much.
    fn start(&self, key: Key, way: &Way, now: Now, kind: Kind, asker: Option<Asker>) -> bool {
        let mut in_flight = self.lock();
        if let Some(waiting) = in_flight.get_mut(&key) {
            // Before it grows: askers may go away, and as many others come.
            if waiting.len() == waiting.capacity() {
                waiting.retain(|asker| !asker.is_closed());
            }
            waiting.extend(asker);
            return true;
        }
        if in_flight.len() >= kind.most() {
            return false;
        }
        in_flight.insert(key.clone(), asker.into_iter().collect());
        // A runtime that is about to end drops at once what it is given, and with it
        // the question is taken out again.
        drop(in_flight);
        let done = Done { work: self.clone(), key, epoch: way.line.epoch(), outcome: None };
        let way = way.clone();
        tokio::spawn(async move {
            let question = &done.key.question;
            let begun = moment();
            let outcome = AssertUnwindSafe(async {
                match kind {
                    Kind::Fetch | Kind::Retry => way.upstream.fetch(question, now).await,
                    Kind::Renew => way.upstream.renew(question, now).await,
                }
            });
            // A question that we can't bear must not be tried for each who asks it.
            let outcome = outcome.catch_unwind().await.unwrap_or_else(|_| {
                done.work.counters.faulted();
                Err(fault(&way))
            });
            let took = moment().saturating_duration_since(begun);
            let outcome = outcome.map(Arc::new);
            done.note(&outcome, &way, now, now.plus(took), kind);
            done.tell(outcome);
        });
        true
    }

    /// Returns whether a question is worked on.
    pub(super) fn is_in_hand(&self, key: &Key) -> bool {
        self.lock().contains_key(key)
    }

    /// Returns how many questions are worked on.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.lock().len()
    }

    /// Locks the questions in flight.
    fn lock(&self) -> MutexGuard<'_, HashMap<Key, Vec<Asker>>> {
        self.in_flight.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns the failure of work that ran into a fault of ours.
fn fault(way: &Way) -> Failure {
    let detail = "a fault in the program".to_owned();
    Failure { kind: FailureKind::Fault, detail, origin: way.upstream.origin() }
}

/// What for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Kind {
    /// There is no answer.
    Fetch,
    /// There is one, whose time is almost up.
    Renew,
    /// There is one, whose time is up.
    Retry,
}

impl Kind {
    /// Returns how many questions may be worked on for one more to be begun.
    fn most(self) -> usize {
        match self {
            Self::Fetch => MAX_IN_FLIGHT,
            Self::Renew | Self::Retry => MAX_FOR_RENEWAL,
        }
    }
}

/// Takes a question out of those in flight, however work on it ends, and tells
/// those who wait.
struct Done {
    /// Where it is in flight.
    work: Work,
    /// The question.
    key: Key,
    /// The line's epoch in which work on it began: if it fails when the line is
    /// back, that says nothing.
    epoch: u32,
    /// How it ended, unless it ran into a fault of ours.
    outcome: Option<Outcome>,
}

impl Done {
    /// Tells those who wait how it ended.
    fn tell(mut self, outcome: Outcome) {
        self.outcome = Some(outcome);
    }

    /// Takes down how work ended that was begun at `asked`.
    fn note(&self, outcome: &Outcome, way: &Way, asked: Now, ended: Now, kind: Kind) {
        let (Self { work, key, epoch, .. }, line) = (self, &way.line);
        let failure = match outcome {
            Ok(data) => {
                work.cache.put(key.clone(), data, asked);
                work.failures.forget(key.borrowed());
                line.answered(asked.instant);
                return;
            }
            Err(failure) => failure,
        };
        match failure.kind {
            FailureKind::Bogus(_) => line.answered(asked.instant),
            FailureKind::Fault => {}
            // Many do not answer ANY (RFC 8482), and all else.
            _ if key.question.rtype == Rtype::ANY => {}
            _ => line.silent(&key.question.name, asked.instant),
        }
        // With an answer there still, who asks when its time is up may have
        // better luck.
        if kind == Kind::Renew {
            return;
        }
        if failure.is_bogus() {
            work.cache.remove(key.borrowed());
        }
        // When the line is back, so are we.
        let grows = !line.is_down();
        work.failures.put(key, failure.clone(), ended.instant, *epoch, grows);
    }
}

impl Drop for Done {
    fn drop(&mut self) {
        let waiting = self.work.lock().remove(&self.key).unwrap_or_default();
        let Some(outcome) = &self.outcome else { return };
        for asker in waiting {
            // It may have gone away.
            let _ = asker.send(outcome.clone());
        }
    }
}

#[cfg(test)]
mod tests;
