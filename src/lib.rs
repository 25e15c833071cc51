//! Sordino.

// The words.
pub mod base;
pub mod matcher;

// The road, in its order; `pipeline` walks it.
pub mod answer;
pub mod catalog;
pub mod device;
pub mod pipeline;

// The two ends of the road.
pub mod listen;
pub mod observe;
pub mod policy;
pub mod query;
pub mod querylog;
pub mod report;
pub mod resolve;

// Looked at over HTTP.
pub mod web;

// Files to values.
pub mod config;
pub mod source;

// The program as a whole: wired together, and shown.
pub mod app;
pub mod cli;

// Tests that look at memory.
#[cfg(test)]
#[path = "../tests/benches/counted.rs"]
mod counted;

#[cfg(test)]
#[global_allocator]
static ALLOCATOR: counted::Counted = counted::Counted;
