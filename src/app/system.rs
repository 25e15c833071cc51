//! A word with the system: memory that was needed for a moment only is given
//! back.
//!
//! Making the table of lists takes a multiple of what serving takes.  The GNU C
//! library keeps what was freed, in case it is needed again, and the more so
//! the larger it was: a household of 20 MiB would stay at 70 after a reload.
//
//  Two calls of C stand here, which take numbers and no pointers; there is no
//  library for them that is kept up.  Other C libraries do not keep so much.

use nix::sys::resource::Resource;
use nix::sys::resource::getrlimit;
use nix::sys::resource::setrlimit;

/// From this size on, in octets, memory is asked of the system for itself and
/// goes back to it when it is freed.  It is where the library begins; without a
/// word from us it would rise to whatever was freed last.
#[cfg(target_env = "gnu")]
const LARGE: libc::c_int = 128 << 10;

/// How many heaps there are.  The library makes one for each thread that finds
/// the others busy, each with gaps of its own: 4 MiB more in a busy household.
/// Threads that answer at once need none.
#[cfg(target_env = "gnu")]
const HEAPS: libc::c_int = 1;

/// Sees to it that large pieces go back to the system when they are freed, and
/// that there are few gaps between small ones: once, before there are any.
#[cfg(target_env = "gnu")]
#[expect(unsafe_code, reason = "mallopt; see the top of this file")]
fn keep_little() {
    for (setting, value) in [(libc::M_MMAP_THRESHOLD, LARGE), (libc::M_ARENA_MAX, HEAPS)] {
        // SAFETY: it takes two numbers and changes settings of the allocator.
        unsafe { libc::mallopt(setting, value) };
    }
}

/// Prepares the process for what it is: one that runs for months, and has a
/// descriptor open for each connection and each question that it asks.
pub(super) fn prepare() {
    keep_little();
    more_descriptors();
}

/// Takes as many file descriptors as the system lets us have; by default it is a
/// fraction, for programs that use `select`.
fn more_descriptors() {
    if let Ok((_, most)) = getrlimit(Resource::RLIMIT_NOFILE)
        && let Err(error) = setrlimit(Resource::RLIMIT_NOFILE, most, most)
    {
        tracing::debug!(%error, "no more file descriptors than before");
    }
}

/// Gives back what is free.
#[cfg(target_env = "gnu")]
#[expect(unsafe_code, reason = "malloc_trim; see the top of this file")]
pub(super) fn give_back() {
    // SAFETY: it takes a number, and touches only memory that is free.
    unsafe { libc::malloc_trim(0) };
}

/// Has nothing to do.
#[cfg(not(target_env = "gnu"))]
fn keep_little() {}

/// Has nothing to do.
#[cfg(not(target_env = "gnu"))]
pub(super) fn give_back() {}

/// Returns how many cores there are for us.
pub(super) fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from).min(crate::config::MOST_THREADS)
}

#[cfg(all(test, target_env = "gnu"))]
mod tests {
    use super::*;

    #[test]
    fn what_is_used_stays_as_it_is() {
        keep_little();
        let kept: Vec<Vec<u8>> = (1..40u8).map(|nth| vec![nth; 10_000 * usize::from(nth)]).collect();
        drop(vec![1u8; 8 << 20]);
        give_back();
        assert!((1..40u8).zip(&kept).all(|(nth, octets)| octets.iter().all(|octet| *octet == nth)));
    }
}
