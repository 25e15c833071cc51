//! [`Asked`] and [`Says`]: a question to a server, and what is left of the reply
//! when it has been heard.
//!
//! Apart, because whoever asks and whoever hears speak of the same.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use hickory_proto::rr::Name;
use hickory_proto::rr::RecordType;

use super::found::Found;
use super::store::Delegation;

/// What was asked, and of whom.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked<'a> {
    /// The zone whose servers were asked.
    pub(super) zone: &'a Name,
    /// The name asked for.
    pub(super) name: &'a Name,
    /// The type asked for.
    pub(super) rtype: RecordType,
    /// Who was asked.
    pub(super) server: SocketAddr,
    /// When.
    pub(super) now: Instant,
}

/// What a reply says.
#[derive(Clone, Debug)]
pub(super) enum Says {
    /// The answer; if it is an alias, what else the same reply says along the
    /// chain, as long as it stays in the zone.
    Answer(Arc<Found>, Vec<(Name, Arc<Found>)>),
    /// Others know.
    Referral(Arc<Delegation>),
    /// The answer of a server without authority.  Better than nothing.
    Hearsay(Arc<Found>),
}
