//! The RCODEs of responses that are written here (RFC 1035 section 4.1.1).

/// We could not find out.
pub(super) const SERVFAIL: u16 = 2;

/// The name does not exist.
pub(super) const NXDOMAIN: u16 = 3;

/// We do not want to.
pub(super) const REFUSED: u16 = 5;
