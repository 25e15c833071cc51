//! Finding the root servers ([RFC 9609]).
//!
//! [RFC 9609]: https://www.rfc-editor.org/rfc/rfc9609

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hickory_proto::rr::Name;
use hickory_proto::rr::RecordType;

use super::ask::Ask;
use super::ask::MAX_TRIES_EACH;
use super::heard::Says;
use super::job::Job;
use super::options::fixed;
use super::store::Delegation;
use crate::resolve::exchange::trouble::Trouble;

/// How long the hints are used after nobody could tell more.
const RETRY: Duration = Duration::from_secs(30);

impl Job {
    /// Returns the delegation of the root: what the root says of itself, or
    /// the hints.
    pub(super) async fn root(&self) -> Result<Arc<Delegation>, Trouble> {
        let store = &self.engine.store;
        if let Some(root) = store.delegation(&Name::root(), self.now.instant) {
            return Ok(root);
        }
        let hints = self.engine.options.roots.clone();
        let (zone, name, rtype) = (Name::root(), Name::root(), RecordType::NS);
        let ask = Ask { zone, name, rtype, checking_disabled: false, priming: true, whole: true };
        let root = match self.ask(&ask, &hints, MAX_TRIES_EACH).await {
            Ok(Says::Referral(root)) if !root.glue.is_empty() => root,
            Err(trouble) if trouble.is_final() => return Err(trouble),
            _ => Arc::new(self.by_hints(hints)),
        };
        store.delegate(&root);
        Ok(root)
    }

    /// Returns a delegation of the root to the hints.
    fn by_hints(&self, hints: Vec<SocketAddr>) -> Delegation {
        Delegation { until: Some(self.now.instant + RETRY), ..fixed(Name::root(), hints) }
    }
}
