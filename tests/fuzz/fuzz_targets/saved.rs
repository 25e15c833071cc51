//! Any octets as a saved cache, with a head and a checksum that are right: what
//! is no answer is passed over.
#![no_main]

use std::sync::LazyLock;

use sordino::base::Clock;
use sordino::base::time::SystemClock;
use sordino::resolve::Resolver;
use sordino::resolve::Settings;

static RESOLVER: LazyLock<Resolver> = LazyLock::new(|| Resolver::new(&Settings::default()).expect("a resolver"));

/// Returns the CRC-32 of some octets (RFC 1952 section 8).
fn crc(octets: impl Iterator<Item = u8>) -> u32 {
    !octets.fold(!0u32, |crc, octet| {
        (0..8).fold(crc ^ u32::from(octet), |crc, _| crc >> 1 ^ (0xedb8_8320 & (crc & 1).wrapping_neg()))
    })
}

libfuzzer_sys::fuzz_target!(|answers: &[u8]| {
    let now = SystemClock::default().now();
    let mut saved = RESOLVER.save(now);
    saved.truncate(28);
    saved.extend_from_slice(answers);
    let sum = crc(saved[8..24].iter().chain(&saved[28..]).copied());
    saved[24..28].copy_from_slice(&sum.to_be_bytes());
    RESOLVER.restore(&saved, now).expect("a whole file");
});
