//! The tests that need more than one room.  One sentence above each.

/// A house in a box: an Echo, a laptop, real `dig`, a signed Internet.
mod house;
/// The law of the house: who may use whom, and what a file looks like.
mod layers;
