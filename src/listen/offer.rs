//! [`Offer`]: what is offered besides plain DNS, and under which name.

use std::sync::Arc;

use super::tls::Tls;
use crate::base::Domain;

/// What is offered besides plain DNS.
#[derive(Clone, Debug, Default)]
pub struct Offer {
    /// What encrypted connections are opened with.
    pub tls: Option<Tls>,
    /// Our name; clients that ask for `DEVICE.` before it say which device they
    /// are.
    pub name: Option<Domain>,
    /// Who answered, for those who ask that (NSID, RFC 5001); may be empty.
    pub nsid: Arc<[u8]>,
}
