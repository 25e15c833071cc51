//! A word with the system: memory that was needed for a moment only is given
//! back.
//!
//! Making the table of lists takes a multiple of what serving takes.  The GNU C
//! library keeps what was freed, in case it is needed again, and the more so
//! the larger it was: a household of 20 MiB would stay at 70 after a reload.  And
//! the system keeps what code was run once, for reading a config or a catalog,
//! as part of us.
//
//  Three calls of C stand here; there is no library for those of the allocator
//  that is kept up.  Other C libraries do not keep so much.

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

/// Gives back what is free, and code: after a start or a reload much of it is not
/// needed any more.
pub(super) fn give_back() {
    give_back_free();
    give_back_code();
}

/// Gives back what is free.
#[cfg(target_env = "gnu")]
#[expect(unsafe_code, reason = "malloc_trim; see the top of this file")]
fn give_back_free() {
    // SAFETY: it takes a number, and touches only memory that is free.
    unsafe { libc::malloc_trim(0) };
}

/// Gives back code: what is used is there again at once, from the file.
#[cfg(target_os = "linux")]
#[expect(unsafe_code, reason = "madvise; see the top of this file")]
fn give_back_code() {
    // Where /proc is closed to us, it stays.
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap_or_default();
    for (from, length) in maps.lines().filter_map(code) {
        let from = std::ptr::with_exposed_provenance_mut(from);
        // SAFETY: pages of a file that nobody can have written to are what they
        // were when they are read again.
        unsafe { libc::madvise(from, length, libc::MADV_DONTNEED) };
    }
}

/// Returns where code of a file is mapped and how long it is, if a line of
/// `/proc/self/maps` is about that: it can be run and not be written to.
#[cfg(target_os = "linux")]
fn code(line: &str) -> Option<(usize, usize)> {
    let mut words = line.split_ascii_whitespace();
    let (from, to) = words.next()?.split_once('-')?;
    let is_code = words.next()? == "r-xp" && words.nth(3)?.starts_with('/');
    let [from, to] = [from, to].map(|at| usize::from_str_radix(at, 16).ok());
    let (from, to) = (from?, to?);
    Some((from, to.checked_sub(from)?)).filter(|_| is_code)
}

/// Has nothing to do.
#[cfg(not(target_env = "gnu"))]
fn keep_little() {}

/// Has nothing to do.
#[cfg(not(target_env = "gnu"))]
fn give_back_free() {}

/// Has nothing to do.
#[cfg(not(target_os = "linux"))]
fn give_back_code() {}

/// Returns how many cores there are for us.
pub(super) fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from).min(crate::config::MOST_THREADS)
}

#[cfg(all(test, target_os = "linux", target_env = "gnu"))]
mod tests {
    use super::*;

    #[test]
    fn what_is_used_stays_as_it_is() {
        keep_little();
        let kept: Vec<Vec<u8>> = (1..40u8).map(|nth| vec![nth; 10_000 * usize::from(nth)]).collect();
        drop(vec![1u8; 8 << 20]);
        give_back();
        // Code too: this goes on.
        assert!((1..40u8).zip(&kept).all(|(nth, octets)| octets.iter().all(|octet| *octet == nth)));
    }

    #[test]
    fn code_is_what_can_be_run_and_not_written_to_and_has_a_file() {
        let line = |rights: &str, file: &str| format!("5600-7600 {rights} 00001000 fe:01 12 {file}");
        assert_eq!(code(&line("r-xp", "/usr/bin/sordino")), Some((0x5600, 0x2000)));
        for (rights, file) in
            [("r--p", "/a"), ("rw-p", "/a"), ("rwxp", "/a"), ("r-xp", ""), ("r-xp", "[vdso]")]
        {
            assert_eq!(code(&line(rights, file)), None, "{rights} {file}");
        }
        assert_eq!(code("7600-5600 r-xp 0 0 1 /a"), None);
    }

    #[test]
    fn our_own_code_is_found() {
        let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
        let here = our_own_code_is_found as fn() as usize;
        assert!(maps.lines().filter_map(code).any(|(from, length)| (from..from + length).contains(&here)));
    }
}
