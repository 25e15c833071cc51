//! Words every room may use: names, MACs, time, places, complaints.
//!
//! Imports nothing of ours.

pub mod client;
pub mod diagnostic;
mod domain;
mod domain_ref;
pub mod labels;
pub mod mac;
pub mod place;
pub mod time;
pub mod units;
pub mod way;

pub use client::Client;
pub use client::ClientId;
pub use client::Source;
pub use diagnostic::Diagnostic;
pub use domain::Domain;
pub use domain_ref::DomainRef;
pub use mac::MacAddr;
pub use mac::MacPrefix;
pub use place::Place;
pub use time::Clock;
pub use time::Now;
