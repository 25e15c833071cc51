//! Following the root's keys as it changes them ([RFC 5011]): from a set of keys
//! that was verified to what is thought of each.
//!
//! [RFC 5011]: https://www.rfc-editor.org/rfc/rfc5011

use hickory_proto::dnssec::rdata::DNSKEY;

use super::job::Job;
use super::verify::Keys;
use super::verify::Set;
use crate::resolve::rootkeys::Published;

impl Job {
    /// Takes note of the root's keys, which are all in `set`; it was verified.
    pub(super) fn follow_root(&self, set: &Set<'_>, all: &[&DNSKEY]) {
        if !set.name.is_root() || !self.engine.options.follows_root {
            return;
        }
        let keys = &self.engine.root_keys;
        let published = all.iter().map(|&key| {
            // Others' word does not revoke a key (RFC 5011 section 2.1).
            let revokes = key.revoke() && keys.knows(key);
            Published { key, signs: revokes && self.signs(set, key) }
        });
        keys.follow(&published.collect::<Vec<_>>(), self.now.unix);
    }

    /// Returns whether a key, revoked or not, has signed a set.
    fn signs(&self, set: &Set<'_>, key: &DNSKEY) -> bool {
        let keys = Keys::only(set.name, key);
        keys.is_some_and(|keys| self.verify(set, &keys).is_ok())
    }
}
