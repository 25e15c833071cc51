//! How long the hot path takes, part by part: `cargo bench --bench hot`.
//!
//! Nothing here fails because something is slow.  Machines differ and have
//! moods; compare what one run says, or count instructions (`counts.rs`).
//
//  `cfg(test)` tells clippy that `unwrap` is fine in all of it.

#[cfg(test)]
mod cache;
#[cfg(test)]
mod case;
#[cfg(test)]
mod house;
#[cfg(test)]
mod matcher;
#[cfg(test)]
mod road;
#[cfg(test)]
mod scrape;
#[cfg(test)]
mod wire;

use divan::Bencher;
use divan::counter::ItemsCount;

use case::Case;
use matcher::LISTS;
use matcher::SMALL;
use sordino::matcher::Key;

/// The names of a large table: about what a household subscribes to at most.
const LARGE: usize = 1_000_000;

/// Runs all of it, or what the arguments say.
fn main() {
    // The same buckets each time.
    Key::adopt(Key::from_bytes([7; 16]));
    divan::main();
}

/// See [`road`].
#[divan::bench(args = road::cases())]
fn road(bencher: Bencher<'_, '_>, case: &Case) {
    bencher.bench_local(case.prepare());
}

/// See [`wire`].
#[divan::bench(args = wire::cases())]
fn wire(bencher: Bencher<'_, '_>, case: &Case) {
    bencher.bench_local(case.prepare());
}

/// See [`cache`].
#[divan::bench(args = cache::cases())]
fn cache(bencher: Bencher<'_, '_>, case: &Case) {
    bencher.bench_local(case.prepare());
}

/// See [`scrape`].
#[divan::bench(args = scrape::cases())]
fn scrape(bencher: Bencher<'_, '_>, case: &Case) {
    bencher.bench_local(case.prepare());
}

/// See [`matcher`].
#[divan::bench(args = matcher::cases(&[SMALL, LARGE]))]
fn matcher(bencher: Bencher<'_, '_>, case: &Case) {
    bencher.bench_local(case.prepare());
}

/// Building a table, once for each sample.
#[divan::bench(args = [SMALL, LARGE], consts = LISTS, sample_size = 1, sample_count = 10)]
fn build<const LISTS: u8>(bencher: Bencher<'_, '_>, names: usize) {
    let mentions = matcher::mentions(names, LISTS);
    bencher.counter(ItemsCount::new(names)).bench_local(|| matcher::image(&mentions, LISTS));
}
