//! The tests that need more than one room.  One sentence above each.
//
//  `cfg(test)` tells clippy that `unwrap` is fine in all of it.

/// What the fast path takes from the allocator: nothing.
#[cfg(test)]
mod allocations;
/// Every attack that we know of has a test, and the table of them is true.
#[cfg(test)]
mod attacks;
/// Lists that broke speakers, replayed: they break none of ours.
#[cfg(test)]
mod breakages;
/// A state folder that the user it becomes can't enter: said once.
#[cfg(test)]
mod closed;
/// What a config may say, and how a fault in it is told.
#[cfg(test)]
mod config;
/// What is deployed beside the program: alerts, unit.
#[cfg(test)]
mod deploy;
/// Every way around the policy, on every transport and state of the cache.
#[cfg(test)]
mod evasion;
/// Exports mean the same to the programs they are for.
#[cfg(test)]
mod export;
/// A house in a box: an Echo, a laptop, real `dig`, a signed Internet.
#[cfg(test)]
mod house;
/// The law of the house: who may use whom, and what a file looks like.
#[cfg(test)]
mod layers;
/// The lists: every researched name, every lint, other people's syntaxes.
#[cfg(test)]
mod lists;
/// The metrics are those that are documented, and bounded.
#[cfg(test)]
mod metrics;
/// List servers with every fault: the old rules stay, and the reason is told.
#[cfg(test)]
mod refresh;
/// The recursor in Internets that others wrote down, and in hostile ones.
#[cfg(test)]
mod rpl;
/// Queries and all that follows from them, as text files.
#[cfg(test)]
mod scenarios;
/// Answer style and TTL against devices that keep asking: an experiment.
#[cfg(test)]
mod storms;
/// The table of lists over restarts.
#[cfg(test)]
mod table;
