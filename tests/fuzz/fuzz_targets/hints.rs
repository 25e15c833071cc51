//! Any packet as a query with hints.
#![no_main]

use hickory_server::net::xfer::Protocol;
use hickory_server::server::Request;
use sordino::listen::identify::hints;

libfuzzer_sys::fuzz_target!(|packet: &[u8]| {
    let peer = "192.0.2.1:53".parse().expect("an address");
    if let Ok(request) = Request::from_bytes(packet.to_vec(), peer, Protocol::Udp) {
        let _ = hints::read(&request);
    }
});
