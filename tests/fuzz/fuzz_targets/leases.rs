//! Any text as a lease file, in every format, and as what a hook pushes.
#![no_main]

use sordino::base::Clock;
use sordino::base::time::SystemClock;
use sordino::source::identity::dhcpd;
use sordino::source::identity::dnsmasq;
use sordino::source::identity::kea;
use sordino::source::identity::pushed;

libfuzzer_sys::fuzz_target!(|text: &str| {
    let _ = dnsmasq::parse("leases", text, SystemClock::default().now());
    let _ = kea::parse("leases", text);
    let _ = dhcpd::parse("leases", text);
    let _ = pushed::parse("leases", text);
    let _ = pushed::said([192, 0, 2, 7].into(), text.as_bytes(), SystemClock::default().now());
});
