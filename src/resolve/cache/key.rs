//! [`Key`]: what an answer is kept under, owned and borrowed.
//
//  Apart, so that `cache` is about what stays and what goes.

use std::hash::Hash;
use std::hash::Hasher;

use quick_cache::Equivalent;

use crate::base::DomainRef;
use crate::query::Rtype;
use crate::resolve::upstream::Question;

//----------- Key --------------------------------------------------------------

/// What an answer is kept under.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(in crate::resolve) struct Key {
    /// By whom it was answered.  What a zone's own servers say must never
    /// answer for the rest, nor what was said under another config.
    pub(in crate::resolve) realm: u64,
    /// The question.
    pub(in crate::resolve) question: Question,
}

/// A key that owns nothing.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(in crate::resolve) struct KeyRef<'a> {
    /// By whom it was answered.
    pub(in crate::resolve) realm: u64,
    /// The name, in lower case.
    pub(in crate::resolve) name: DomainRef<'a>,
    /// The type.
    pub(in crate::resolve) rtype: Rtype,
    /// Whether data that fails validation is wanted too.
    pub(in crate::resolve) checking_disabled: bool,
}

impl Key {
    /// Returns the key without what it owns.
    pub(in crate::resolve) fn borrowed(&self) -> KeyRef<'_> {
        let Question { name, rtype, checking_disabled } = &self.question;
        KeyRef {
            realm: self.realm,
            name: name.borrowed(),
            rtype: *rtype,
            checking_disabled: *checking_disabled,
        }
    }
}

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.borrowed().hash(state);
    }
}

impl Equivalent<Key> for KeyRef<'_> {
    fn equivalent(&self, key: &Key) -> bool {
        *self == key.borrowed()
    }
}
