//! Sordino.

// The words.
pub mod base;
pub mod matcher;

// The road, in its order; `pipeline` walks it.
pub mod answer;
pub mod catalog;
pub mod device;
pub mod pipeline;
pub mod policy;
pub mod query;
pub mod resolve;
