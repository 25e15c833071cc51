//! How many instructions and allocations the hot path takes, part by part.
//!
//! ```text
//! counts               allocations of all cases; fails if one has them that should not
//! counts names         what the cases are called
//! counts CASE          does it so often, to be counted by callgrind
//! ```
//!
//! `tests/run counts` counts instructions with it, which machines and moods do
//! not change, and keeps them in `counts.txt`.
//
//  `cfg(test)` tells clippy that `unwrap` is fine in all of it.

#[cfg(test)]
mod cache;
#[cfg(test)]
mod case;
#[cfg(test)]
mod counted;
#[cfg(test)]
mod house;
#[cfg(test)]
mod matcher;
#[cfg(test)]
mod road;
#[cfg(test)]
mod wire;

use std::process::ExitCode;

use case::Case;
use case::Run;
use counted::Counted;
use counted::allocations;
use sordino::matcher::Key;

/// Counts allocations.
#[global_allocator]
static ALLOCATOR: Counted = Counted;

/// How often a case is done while it is counted; `tests/run` divides by as much.
const TIMES: u32 = 10_000;

fn main() -> ExitCode {
    // The same buckets each time.
    Key::adopt(Key::from_bytes([7; 16]));
    let cases = cases();
    // Cargo says `--bench` of itself.
    match std::env::args().skip(1).find(|arg| !arg.starts_with('-')).as_deref() {
        None => report(&cases),
        Some("names") => {
            for (name, _) in &cases {
                println!("{name}");
            }
            ExitCode::SUCCESS
        }
        Some(wanted) => {
            let Some((_, case)) = cases.iter().find(|(name, _)| name == wanted) else {
                eprintln!("no such case: {wanted}");
                return ExitCode::FAILURE;
            };
            measured(&mut case.prepare());
            ExitCode::SUCCESS
        }
    }
}

/// All cases, with their rooms before their names.
fn cases() -> Vec<(String, Case)> {
    // What counting itself costs with each call.
    let nothing = ("nothing".to_owned(), Case::new("nothing", || || ()));
    let rooms = [
        ("cache", cache::cases()),
        ("matcher", matcher::cases(&[matcher::SMALL])),
        ("road", road::cases()),
        ("wire", wire::cases()),
    ];
    let rooms = rooms.into_iter().flat_map(|(room, cases)| {
        cases.into_iter().map(move |case| (format!("{room}: {}", case.name), case))
    });
    std::iter::once(nothing).chain(rooms).collect()
}

/// What callgrind counts; it knows it by its name.
#[inline(never)]
fn measured(run: &mut Run) {
    for _ in 0..TIMES {
        run();
    }
}

/// Writes how often each case allocates.
fn report(cases: &[(String, Case)]) -> ExitCode {
    let mut done = ExitCode::SUCCESS;
    for (name, case) in cases {
        let mut run = case.prepare();
        let count = allocations(|| measured(&mut run));
        let each = count.div_ceil(u64::from(TIMES));
        println!("{name}\t{each}");
        if each > 0 {
            eprintln!("{name}: {count} allocations in {TIMES} calls");
            done = ExitCode::FAILURE;
        }
    }
    done
}
