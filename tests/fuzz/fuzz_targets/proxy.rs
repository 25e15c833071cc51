//! Any octets as what a proxy sends: a header that lies within them, or none.
#![no_main]

use sordino::listen::proxy;

libfuzzer_sys::fuzz_target!(|octets: &[u8]| {
    if let Some(header) = proxy::read(octets) {
        assert!(header.length <= octets.len());
        assert_eq!(proxy::read(&octets[..header.length]), Some(header));
    }
});
