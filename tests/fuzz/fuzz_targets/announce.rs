//! Any octets as an announcement, over mDNS and over SSDP, and as what a router says
//! that an address is called.
#![no_main]

use sordino::listen::announce::mdns;
use sordino::listen::announce::ssdp;
use sordino::listen::reverse;

libfuzzer_sys::fuzz_target!(|packet: &[u8]| {
    assert!(mdns::read(packet, [192, 168, 178, 20].into()).len() <= 33);
    assert!(ssdp::read(packet).len() <= 1);
    let _ = reverse::read(packet, [192, 168, 178, 20].into(), 0);
});
