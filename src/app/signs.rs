//! What devices say of themselves besides asking is a sign of what they are: what
//! they announce, and what they call themselves when they want an address.

use std::net::IpAddr;
use std::net::Ipv4Addr;
use std::sync::Arc;

use crate::base::Client;
use crate::base::MacAddr;
use crate::catalog::Catalog;
use crate::device::Announcement;
use crate::device::Recognition;
use crate::device::Recognizer;
use crate::device::Standing;
use crate::listen::door::Door;
use crate::observe::log;
use crate::resolve::Resolver;

/// Takes note of signs of devices that nobody listed.
#[derive(Clone)]
pub(super) struct Signs {
    /// Who concludes something from them.
    recognizer: Arc<Recognizer>,
    /// Where the household is, with its devices and what signs there are.
    door: Arc<Door<Resolver>>,
}

impl Signs {
    /// Tells `recognizer`.
    pub(super) fn new(recognizer: &Arc<Recognizer>, door: &Arc<Door<Resolver>>) -> Self {
        Self { recognizer: Arc::clone(recognizer), door: Arc::clone(door) }
    }

    /// Takes note of what a client announced.
    pub(super) fn announced(&self, client: &Client, announcement: &Announcement, unix: i64) {
        self.note(client, |catalog| self.recognizer.announced(client, announcement, catalog, unix));
    }

    /// Takes note of what a device called itself when it asked for an address.
    pub(super) fn is_called(&self, mac: MacAddr, host: &str, unix: i64) {
        let client = Client::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED)).with_mac(Some(mac));
        self.note(&client, |catalog| self.recognizer.is_called(&client, host, catalog, unix));
    }

    /// Takes note of a sign, unless the household knows better.
    fn note(&self, client: &Client, saw: impl FnOnce(&Catalog) -> Option<Arc<Recognition>>) {
        let house = Arc::clone(&self.door.home().house);
        if matches!(house.identify(client).standing, Standing::Listed { .. }) {
            return;
        }
        if let Some(found) = saw(&house.catalog) {
            log::recognized(&found);
        }
    }
}
