//! Finding the root servers ([RFC 9609]).
//!
//! [RFC 9609]: https://www.rfc-editor.org/rfc/rfc9609

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hickory_proto::rr::Name;
use hickory_proto::rr::RecordType;

use super::addresses::addresses_in;
use super::ask::Ask;
use super::ask::FEW_TRIES_EACH;
use super::ask::MAX_TRIES_EACH;
use super::heard::Says;
use super::job::Job;
use super::options::fixed;
use super::store::Delegation;
use crate::resolve::exchange::trouble::Trouble;

/// How many root servers are located whose addresses did not come with their names.
const LOCATED: usize = 3;

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
            Ok(Says::Referral(root)) => Arc::new(self.located(&root, hints).await?),
            Err(trouble) if trouble.is_final() => return Err(trouble),
            _ => Arc::new(self.by_hints(hints)),
        };
        store.delegate(&root);
        Ok(root)
    }

    /// Returns the delegation of the root with addresses that the hints tell, where they
    /// did not come along (RFC 9609 section 4.2); or else that to the hints.
    async fn located(&self, root: &Delegation, hints: Vec<SocketAddr>) -> Result<Delegation, Trouble> {
        let mut glue = Vec::new();
        for server in root.servers.iter().take(LOCATED) {
            for rtype in self.engine.options.address_types() {
                let (zone, name) = (Name::root(), server.clone());
                let ask = Ask { zone, name, rtype, checking_disabled: false, priming: false, whole: true };
                match self.ask(&ask, &hints, FEW_TRIES_EACH).await {
                    Ok(Says::Answer(found, _) | Says::Hearsay(found)) => {
                        glue.extend(
                            addresses_in(&found).into_iter().map(|address| (server.clone(), address)),
                        );
                    }
                    Err(trouble) if trouble.is_final() => return Err(trouble),
                    Ok(Says::Referral(_)) | Err(_) => {}
                }
            }
        }
        let by_hints = self.by_hints(hints);
        Ok(if glue.is_empty() { by_hints } else { Delegation { glue, ..root.clone() } })
    }

    /// Returns a delegation of the root to the hints.
    fn by_hints(&self, hints: Vec<SocketAddr>) -> Delegation {
        Delegation { until: Some(self.now.instant + RETRY), ..fixed(Name::root(), hints) }
    }
}
