//! Any text as a lease file, in every format.
#![no_main]

use sordino::base::Clock;
use sordino::base::time::SystemClock;
use sordino::source::identity::dhcpd;
use sordino::source::identity::dnsmasq;
use sordino::source::identity::kea;

libfuzzer_sys::fuzz_target!(|text: &str| {
    let _ = dnsmasq::parse("leases", text, SystemClock::default().now());
    let _ = kea::parse("leases", text);
    let _ = dhcpd::parse("leases", text);
});
