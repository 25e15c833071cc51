//! The program as a whole: start, reload, stop.
//!
//! The only place that wires rooms together.

pub mod downloads;
pub mod house;
mod kept;
pub mod load;
pub mod privileges;
pub mod run;
mod system;
pub mod watch;
