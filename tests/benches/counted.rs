//! An allocator that counts, each thread for itself.

use std::alloc::GlobalAlloc;
use std::alloc::Layout;
use std::alloc::System;
use std::cell::Cell;

thread_local! {
    /// How often this thread asked for memory.
    static COUNT: Cell<u64> = const { Cell::new(0) };
    /// How many octets more it asked for than it gave back, modulo 2^64.
    pub(crate) static OCTETS: Cell<usize> = const { Cell::new(0) };
}

/// The system's allocator, counting.
pub(crate) struct Counted;

/// Returns how often this thread asks for memory while it does something.
pub(crate) fn allocations(run: impl FnOnce()) -> u64 {
    let before = COUNT.get();
    run();
    COUNT.get() - before
}

/// Counts what is asked for.
fn count(octets: usize) {
    // They have no destructors and so are there to the end of their thread.
    COUNT.set(COUNT.get() + 1);
    OCTETS.set(OCTETS.get().wrapping_add(octets));
}

/// Counts what is given back.
fn uncount(octets: usize) {
    OCTETS.set(OCTETS.get().wrapping_sub(octets));
}

#[expect(unsafe_code, reason = "an allocator has no safe interface; this one hands everything on")]
// SAFETY: everything is handed on to the system's allocator, and what it
// returns is returned.  Counting neither allocates nor unwinds.
unsafe impl GlobalAlloc for Counted {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        // SAFETY: as the caller promises.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        // SAFETY: as the caller promises.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size);
        uncount(layout.size());
        // SAFETY: as the caller promises; the block came from the system.
        unsafe { System.realloc(block, layout, size) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        uncount(layout.size());
        // SAFETY: as the caller promises; the block came from the system.
        unsafe { System.dealloc(block, layout) }
    }
}
