//! HTTP: what programs, and people, may look at.
//!
//! Two listeners with the same bounds ([`serve`]): `metrics.listen` shows
//! [`metrics`] and nothing else, so that a firewall can tell the two apart;
//! `web.listen` shows everything that [`router`] lists.
//!
//! Nothing here is on the road of a query, and what is shown is handed in.  Only
//! [`pushes`] changes anything.

pub mod metrics;
pub mod pushes;
pub mod router;
pub mod serve;
