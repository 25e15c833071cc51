//! [`Asker`]: who asked, as far as the log knows; and who tells it.

use std::sync::Arc;

/// Who asked.
#[derive(Clone, Debug, Default, Eq, Hash, PartialEq)]
pub struct Asker {
    /// The device, by its name.
    pub device: Arc<str>,
    /// Its family; empty where unknown.
    pub family: Arc<str>,
}

/// Knows who devices are.
pub trait Askers: Send + Sync {
    /// Returns whose queries are counted on a page.
    fn asker(&self, page: u16) -> Option<Asker>;
}
