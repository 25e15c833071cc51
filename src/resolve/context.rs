//! What belongs to one question while it is worked on: its moment and its work
//! budget.
//
//  Task-locals, because the DNS library calls us from deep inside and hands
//  nothing through; it would read the system's clock and count per sub-query.

use std::future::Future;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering;

use crate::base::Clock;
use crate::base::Now;
use crate::base::time::SystemClock;

/// How many queries to servers outside one question may cause, all told:
/// delegations, addresses of servers, keys, retries.
///
/// Far above what honest names need (a 34-label PTR name below signed zones:
/// about 150) and far below what an amplification attack
/// wants (NXNSAttack: thousands; BIND's limit per fetch is 50, in all 200).
const BUDGET: u32 = 300;

tokio::task_local! {
    /// The question being worked on.
    static CONTEXT: Context;
}

/// What belongs to a question.
struct Context {
    /// When it arrived.
    now: Now,
    /// How many queries it may still cause.
    budget: AtomicU32,
}

/// Works on a question that arrived `now`.
pub(super) async fn with<F: Future>(now: Now, work: F) -> F::Output {
    CONTEXT.scope(Context { now, budget: AtomicU32::new(BUDGET) }, work).await
}

/// Returns when the question arrived.
pub(super) fn now() -> Now {
    CONTEXT.try_with(|context| context.now).unwrap_or_else(|_| SystemClock::default().now())
}

/// Takes one query from the budget, if there is one left.
pub(super) fn charge() -> bool {
    let take = |left: u32| left.checked_sub(1);
    CONTEXT
        .try_with(|context| context.budget.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_ok())
        .unwrap_or(true)
}

/// Returns whether the budget was used up.
pub(super) fn exhausted() -> bool {
    CONTEXT.try_with(|context| context.budget.load(Ordering::Relaxed) == 0).unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::time::ManualClock;

    #[tokio::test]
    async fn the_budget_and_the_moment_are_the_questions_own() {
        let moment = ManualClock::at(7).now();
        let work = async {
            assert_eq!(now(), moment);
            let charged = (0..1_000).filter(|_| charge()).count();
            assert_eq!(charged, BUDGET as usize);
            assert!(exhausted());
        };
        with(moment, work).await;
        with(moment, async { assert!(charge() && !exhausted()) }).await;
    }
}
