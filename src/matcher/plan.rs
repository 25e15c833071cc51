//! [`Plan`]: how large a table is to be.
//
//  Apart, because `build` makes one and `write` keeps to it.

/// How large a table is to be.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    /// How many buckets hashes can say.
    pub(super) homes: u64,
    /// How many more there are for names that find theirs full.
    pub(super) spare: u64,
}

impl Plan {
    /// Plans a table in which 85 of 100 slots are taken.
    //
    //  Names that find no place in their bucket wait in a queue, as it were,
    //  and how many wait at the end falls by a factor of 1.39 with each: that
    //  it is more than 32 buckets of them does not happen (10^-36).  And not
    //  more can be put past the end than there are.
    pub(super) fn of(names: u64) -> Self {
        let homes = names.saturating_mul(100).div_ceil(85 * 8).max(1);
        Self { homes, spare: (names / 8 + 1).min(33) }
    }
}
