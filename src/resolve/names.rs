//! Between our names and those of the DNS library.
//!
//! Apart, because it is all that `answer` and the ways of resolving share.

use hickory_proto::rr::Name;
use hickory_proto::rr::RecordType;
use hickory_proto::serialize::binary::BinDecodable;

use crate::base::Domain;
use crate::base::labels::MAX_NAME;
use crate::query::Rtype;

/// Returns a name as the library has it.
pub fn to_name(domain: &Domain) -> Name {
    from_wire(domain.as_wire())
}

/// Reads an uncompressed name and keeps its case; what is no name is the root.
//
//  Both callers hold names that were read before, so the root never shows.
pub fn from_wire(wire: &[u8]) -> Name {
    // The library would follow a compression pointer into itself.
    if wire.len() > MAX_NAME {
        return Name::root();
    }
    Name::from_bytes(wire).unwrap_or_else(|_| Name::root())
}

/// Writes a name, uncompressed and in its case.
pub fn to_wire(name: &Name) -> Vec<u8> {
    let mut wire = Vec::with_capacity(name.len() + 1);
    for label in name {
        // The library holds labels to 63 octets as it reads them.
        wire.push(u8::try_from(label.len()).unwrap_or(0));
        wire.extend_from_slice(label);
    }
    wire.push(0);
    wire
}

/// Returns a name as the road has it: in lower case.
pub fn to_domain(name: &Name) -> Domain {
    Domain::from_wire(&to_wire(name)).unwrap_or_else(|_| Domain::root())
}

/// Returns a query type as the library has it.
pub fn to_type(rtype: Rtype) -> RecordType {
    RecordType::from(rtype.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn names_survive_the_way_there_and_back(
            labels in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 1..63), 0..4)
        ) {
            let mut wire = Vec::new();
            for label in &labels {
                wire.push(u8::try_from(label.len()).unwrap());
                wire.extend_from_slice(label);
            }
            wire.push(0);
            let domain = Domain::from_wire(&wire).unwrap();
            prop_assert_eq!(to_domain(&to_name(&domain)), domain);
        }

        #[test]
        fn any_bytes_make_some_name(wire in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = to_domain(&from_wire(&wire));
        }
    }

    #[test]
    fn case_is_kept_one_way_and_lowered_the_other() {
        let name = from_wire(b"\x03wWw\x02De\x00");
        assert_eq!(name.to_ascii(), "wWw.De.");
        assert_eq!(to_domain(&name).to_string(), "www.de");
    }
}
