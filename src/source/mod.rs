//! Where lists come from: files of the household, and downloads.
//!
//! A list is downloaded ([`fetch`]), looked at before it counts ([`refresh`]),
//! and its last good copy kept for the next start ([`store`]).  Whatever goes
//! wrong here, the rules that worked keep working.

pub mod fetch;
pub mod refresh;
pub mod store;
