//! The tests that need more than one room.  One sentence above each.

/// The law of the house: who may use whom, and what a file looks like.
mod layers;
