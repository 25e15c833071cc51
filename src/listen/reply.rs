//! [`Reply`]: what is to be done about a message.

use std::sync::Arc;

use hickory_proto::op::ResponseCode;

use crate::pipeline::Dropped;
use crate::pipeline::Household;
use crate::pipeline::Served;

/// What to do about a packet.
#[derive(Debug)]
pub enum Reply {
    /// Send this response; then tell the witness.
    Served(Box<Served>, Arc<Household>),
    /// Send this RCODE and no data.
    TurnAway(ResponseCode),
    /// Send nothing.
    Nothing(Dropped),
}
