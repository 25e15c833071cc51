//! The tests that need more than one room.  One sentence above each.
