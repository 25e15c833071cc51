//! [`Arrival`]: how a message came in.

use std::net::IpAddr;
use std::net::SocketAddr;
use std::sync::Arc;

use super::proxy::Header;
use crate::base::Now;
use crate::query::Transport;

/// How a message came in.
#[derive(Clone, Debug)]
pub struct Arrival {
    /// Who sent it.
    pub peer: SocketAddr,
    /// To which address of ours, where the socket has several.
    pub asked: Option<IpAddr>,
    /// Through what.
    pub transport: Transport,
    /// When.
    pub received: Now,
    /// The device that the client says it is.
    pub claim: Option<Arc<str>>,
    /// Whether a proxy asks for itself, to see whether we are well.
    pub is_check: bool,
}

impl Arrival {
    /// Returns how a message came that says nothing of itself.
    pub fn new(peer: SocketAddr, transport: Transport, received: Now) -> Self {
        Self { peer, asked: None, transport, received, claim: None, is_check: false }
    }

    /// Returns how it came to the proxy that put a header before it.
    pub(super) fn proxied(self, header: Header) -> Self {
        match header.addresses {
            Some((peer, asked)) => Self { peer, asked: Some(asked.ip()), ..self },
            None => Self { is_check: true, ..self },
        }
    }
}
