//! Whose turn it is on the processor: threads that answer take short turns, and
//! work that can wait steps back.
//!
//! Apart, because those who answer are here and those who reload are elsewhere.
//
//  Two calls of Linux stand here, which the C library has no names for.

use crate::base::way;

/// How a thread stands beside others that want the processor too.
#[cfg(target_os = "linux")]
#[derive(Clone, Copy)]
struct Turn {
    /// How much it gives way to others, from -20 to 19; none leaves it as it is.
    nice: Option<i32>,
    /// How long it runs at a stretch, in nanoseconds from 100,000.  Whoever wants
    /// to run for a short while need not wait for the end of a long one (Linux
    /// 6.12); older systems take no notice.
    slice: u64,
}

/// Whoever answers is done soon, or has others to let through.
#[cfg(target_os = "linux")]
const ANSWERING: Turn = Turn { nice: None, slice: 100_000 };

/// Work that can wait.  A seventieth is for it in a flood that takes all
/// processors, so that the config that ends the flood still comes into effect.
///
/// Not more: whoever answered for 50 µs has had more than their share of them by
/// some part of what is for others, and a query that comes before that is made up
/// for waits until the system looks again, which may be 4 ms, or the work gives way
/// of itself ([`give_way`](way::give_way)).  And turns not as short as theirs, or
/// they would not come first.
#[cfg(target_os = "linux")]
const WAITING: Turn = Turn { nice: Some(19), slice: 200_000 };

/// Takes short turns, on the thread that calls.
#[cfg(target_os = "linux")]
pub fn take_short_turns() {
    take(ANSWERING);
}

/// Lets other threads go first, on the thread that calls: for work on the
/// machine of somebody who is waiting for an answer.
pub fn step_back() {
    #[cfg(target_os = "linux")]
    take(WAITING);
    way::from_now_on();
}

/// Changes how the thread that calls stands beside others, as far as it may.
#[cfg(target_os = "linux")]
fn take(turn: Turn) {
    let Some(mut ours) = standing() else { return };
    // One that steps back more already stays there.
    ours.sched_nice = turn.nice.map_or(ours.sched_nice, |nice| nice.max(ours.sched_nice));
    ours.sched_runtime = turn.slice;
    if !stand(&ours) {
        tracing::debug!("no say in whose turn it is");
    }
}

/// Returns how the thread that calls stands beside others.
#[cfg(target_os = "linux")]
#[expect(unsafe_code, reason = "sched_getattr; see the top of this file")]
fn standing() -> Option<libc::sched_attr> {
    let size = size_of::<libc::sched_attr>();
    // SAFETY: it is made of numbers, for which zeros are fine.
    let mut ours: libc::sched_attr = unsafe { std::mem::zeroed() };
    // SAFETY: it writes no more than `size` octets, which is what `ours` has.
    let failed = unsafe { libc::syscall(libc::SYS_sched_getattr, 0, &raw mut ours, size, 0) };
    // Times belong to ordinary threads here, and to them alone.
    (failed == 0 && ours.sched_policy == libc::SCHED_OTHER.cast_unsigned()).then_some(ours)
}

/// Has the thread that calls stand so, if it may.
#[cfg(target_os = "linux")]
#[expect(unsafe_code, reason = "sched_setattr; see the top of this file")]
fn stand(wanted: &libc::sched_attr) -> bool {
    // SAFETY: it reads as many octets as `wanted` says that it has.
    unsafe { libc::syscall(libc::SYS_sched_setattr, 0, &raw const *wanted, 0) == 0 }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::thread;

    use super::*;

    #[test]
    fn only_the_thread_that_says_so_steps_back() {
        let ours = || standing().map(|ours| (ours.sched_nice, ours.sched_runtime)).unwrap();
        let before = ours();
        let after = thread::spawn(move || {
            step_back();
            ours()
        });
        let (nice, slice) = after.join().unwrap();
        assert_eq!((nice, ours()), (19, before));
        assert!(slice == 200_000 || !knows_turns(), "{slice}");
    }

    #[test]
    fn threads_take_turns_as_short_as_those_of_who_started_them() {
        let slice = || standing().unwrap().sched_runtime;
        let both = thread::spawn(move || {
            take_short_turns();
            (slice(), thread::spawn(slice).join().unwrap())
        });
        let (own, child) = both.join().unwrap();
        assert_eq!(own, child);
        assert!(own == 100_000 || !knows_turns(), "{own}");
    }

    /// Whether the system knows of turns: others say that theirs are 0 long.
    fn knows_turns() -> bool {
        standing().is_some_and(|ours| ours.sched_runtime > 0)
    }
}
