//! How much memory an entry of a store takes, in octets: all of it, as far as it
//! can be known.
//!
//! Stores are bounded by this, so a word forgotten here is memory that nobody
//! allowed.  A test counts what is really asked for (`store/tests.rs`).

//----------- Share ------------------------------------------------------------

/// How many entries a store is likely to have.
const ENTRIES: usize = 4_096;

/// A part of the memory that stores may take: zones with resolvers of their own have
/// as much together as all that is outside, however many they are.
#[derive(Clone, Copy, Debug)]
pub(super) struct Share(usize);

impl Share {
    /// All of it.
    pub(super) const WHOLE: Self = Self(1);

    /// Returns what one of so many zones has.
    pub(super) fn one_of(zones: usize) -> Self {
        Self(zones.max(1))
    }

    /// Returns how many entries a store is likely to have.
    pub(super) fn entries(self) -> usize {
        self.count(ENTRIES).max(32)
    }

    /// Returns how many octets of `all` there are: a few large entries at least.
    pub(super) fn octets(self, all: u64) -> u64 {
        (all / u64::try_from(self.0).unwrap_or(u64::MAX)).max(32 << 10)
    }

    /// Returns how many of `all` there are.
    pub(super) fn count(self, all: usize) -> usize {
        (all / self.0).max(1)
    }
}

//----------- Octets -----------------------------------------------------------

/// Returns how many octets a key takes and its entry in a table of `V`.
pub(super) fn taken<V>(key: &[u8]) -> u64 {
    // Links, state, and the place in the hash table.  Tables grow by doubling,
    // so that on average a third of one is empty.
    let entry = (size_of::<(Box<[u8]>, V)>() + 32) * 3 / 2;
    allocated(key.len()) + u64::try_from(entry).unwrap_or(u64::MAX)
}

/// Returns how many octets an [`Arc`] of so many takes.
pub(super) fn shared(octets: usize) -> u64 {
    allocated(octets + 2 * size_of::<usize>())
}

/// Returns how many octets of memory it takes to allocate so many.
pub(super) fn allocated(octets: usize) -> u64 {
    // The GNU C library and others have a word of their own, and steps of two.
    let word = size_of::<usize>();
    u64::try_from((octets + word).next_multiple_of(2 * word).max(4 * word)).unwrap_or(u64::MAX)
}
