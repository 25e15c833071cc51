//! The fast path does not allocate: whatever is asked, and however it ends.
//
//  In the same process as other tests, so each thread counts for itself.

#[path = "benches/cache.rs"]
mod cache;
#[path = "benches/case.rs"]
mod case;
#[path = "benches/counted.rs"]
mod counted;
#[path = "benches/house.rs"]
mod house;
#[path = "benches/road.rs"]
mod road;
#[path = "benches/wire.rs"]
mod wire;

use counted::Counted;
use counted::OCTETS;
use counted::allocations;

/// Counts allocations.
#[global_allocator]
static ALLOCATOR: Counted = Counted;

/// How often each is done: what grows does so sooner or later.
const TIMES: usize = 1_000;

#[test]
fn the_fast_path_does_not_allocate() {
    let cases = road::cases().into_iter().chain(wire::cases()).chain(cache::cases());
    let mut count = 0;
    for case in cases {
        let mut run = case.prepare();
        let allocations = allocations(|| (0..TIMES).for_each(|_| run()));
        assert_eq!(allocations, 0, "{case}, in {TIMES} rounds");
        count += 1;
    }
    assert!(count > 20, "{count} cases");
}

#[test]
fn allocations_are_counted() {
    assert_eq!(allocations(|| drop(std::hint::black_box(Box::new(7)))), 1);
    assert_eq!(allocations(|| ()), 0);
    let before = OCTETS.get();
    let kept = vec![0u8; 1_000];
    drop(vec![0u8; 1_000]);
    assert_eq!(OCTETS.get().wrapping_sub(before), kept.len());
}
