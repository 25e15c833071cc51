//! The program as a whole: start, reload, stop.
//!
//! The only place that wires rooms together.

mod alive;
mod aside;
pub mod authority;
pub mod control;
mod date;
pub mod doctor;
pub mod downloads;
mod hearing;
pub mod house;
mod identity;
mod kept;
mod last_good;
pub mod load;
mod logged;
mod named;
pub mod network;
pub mod offer;
mod parts;
pub mod privileges;
mod pushed;
mod reload;
mod rootkeys;
pub mod run;
mod seen;
mod signals;
mod signs;
mod state;
mod surroundings;
mod system;
mod uplink;
pub mod watch;
