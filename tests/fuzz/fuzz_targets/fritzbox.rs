//! Any text as a list of hosts of a FRITZ!Box.
#![no_main]

use sordino::source::identity::fritzbox;

libfuzzer_sys::fuzz_target!(|text: &str| {
    let _ = fritzbox::parse("box", text);
});
