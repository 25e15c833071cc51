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
pub mod resolve;

// What files and list servers say.
pub mod source;
