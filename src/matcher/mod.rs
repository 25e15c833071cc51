//! From a name to what somebody said about it, the most specific first.
//!
//! Knows nothing of families or purposes.  A name comes in as a [`Trail`]: its
//! wire form with the hash of every suffix, computed once for all tables.
//!
//! - [`Names`] is a map in memory from patterns to values, for our own rules.
//! - [`Table`] is a file image with what all foreign lists say, written by
//!   [`build`] and asked where it lies, however many names it has.
//! - [`ListSet`] says which lists are asked.
//!
//! The cost of a lookup depends on the labels of the name, never on how many
//! names there are.  Start at [`Table::find`].

mod build;
mod error;
mod hash;
mod header;
mod image;
mod layout;
mod mention;
mod names;
mod plan;
mod sets;
mod sink;
mod table;
mod tails;
mod tidy;
mod trail;
mod write;

use crate::base::labels::labels;

pub use self::build::About;
pub use self::build::BuildError;
pub use self::build::Built;
pub use self::build::MOST_MENTIONS;
pub use self::build::Out;
pub use self::build::Sink;
pub use self::build::build;
pub use self::error::TableError;
pub use self::hash::Key;
pub use self::hash::MOST_LABELS;
pub use self::hash::hash_of;
pub use self::hash::mix;
pub use self::image::key_of;
pub use self::image::verify;
pub use self::names::Names;
pub use self::sets::ListSet;
pub use self::sets::MOST_LISTS;
pub use self::sets::Word;
pub use self::table::Hit;
pub use self::table::Table;
pub use self::trail::Step;
pub use self::trail::Trail;

/// Returns whether the wire name `name` is `own`, in which `#` stands for one
/// run of digits.
pub fn name_matches(own: &[u8], name: &[u8]) -> bool {
    let mut theirs = labels(name);
    labels(own).all(|own| theirs.next().is_some_and(|label| label_matches(own, label)))
        && theirs.next().is_none()
}

/// Returns whether `label` is `own`, in which `#` stands for one run of digits.
//
//  A run is taken whole: `a#` matches `a12`, and `a#2` could never match,
//  because the run ends where the digits end.
fn label_matches(own: &[u8], label: &[u8]) -> bool {
    let mut label = label;
    for &byte in own {
        if byte == b'#' {
            let digits = label.iter().take_while(|b| b.is_ascii_digit()).count();
            if digits == 0 {
                return false;
            }
            label = label.get(digits..).unwrap_or_default();
        } else {
            match label.split_first() {
                Some((&first, rest)) if first == byte => label = rest,
                _ => return false,
            }
        }
    }
    label.is_empty()
}
