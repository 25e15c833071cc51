//! Giving way in the midst of long work, so that whoever answers has the processor.
//!
//! Apart from `listen::turns`, which says who goes first: the rooms that work long
//! know of no threads that answer, and at a start nobody is answered yet.

use std::cell::Cell;
use std::thread;
use std::time::Duration;

/// How long others have the processor: as short as the system can, some 55 µs.
const AWAY: Duration = Duration::from_nanos(1);

thread_local! {
    /// Whether the thread gives way.
    static GIVES_WAY: Cell<bool> = const { Cell::new(false) };
}

/// Has the thread that calls give way from now on, wherever its work says
/// [`give_way`].
pub fn from_now_on() {
    GIVES_WAY.set(true);
}

/// Lets others have the processor for a moment, if the thread that calls is to give
/// way at all.  For work to say several times a millisecond.
//
//  By sleeping.  `yield_now` is not enough: whoever answers and has had more than
//  their share is passed over, by Linux's fair scheduler, until the system looks
//  again, which may be 4 ms, however often the share is offered to them.  For work
//  that takes milliseconds or more; what comes every few of them and is done in 50 µs,
//  as notes for the query log, does better with a yield.
#[expect(clippy::disallowed_methods, reason = "time is what is given away, and nobody waits for it to pass")]
pub fn give_way() {
    if GIVES_WAY.get() {
        thread::sleep(AWAY);
    }
}
