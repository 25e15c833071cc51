//! The tests that need more than one room.  One sentence above each.

// List servers that fail in every way we know: the last good rules stay.
#[cfg(test)]
mod refresh;
