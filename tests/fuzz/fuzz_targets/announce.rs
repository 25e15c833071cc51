//! Any octets as an announcement, over mDNS and over SSDP.
#![no_main]

use sordino::listen::announce::mdns;
use sordino::listen::announce::ssdp;

libfuzzer_sys::fuzz_target!(|packet: &[u8]| {
    assert!(mdns::read(packet, [192, 168, 178, 20].into()).len() <= 33);
    assert!(ssdp::read(packet).len() <= 1);
});
