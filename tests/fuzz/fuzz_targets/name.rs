//! Any octets as a name, and any text: what is read can be written and read.
#![no_main]

use sordino::base::Domain;
use sordino::catalog::Pattern;

libfuzzer_sys::fuzz_target!(|octets: &[u8]| {
    if let Ok(name) = Domain::from_wire(octets) {
        assert_eq!(name.to_string().parse(), Ok(name.clone()));
    }
    if let Ok(text) = std::str::from_utf8(octets)
        && let Ok(pattern) = text.parse::<Pattern>()
    {
        for example in pattern.examples() {
            assert!(pattern.matches(example.borrowed()));
        }
    }
});
