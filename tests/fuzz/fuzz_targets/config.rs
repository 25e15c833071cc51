//! Any text as a config: read or refused, with places that can be shown.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| {
    if let Err(faults) = sordino::config::load("fuzz.toml", text) {
        for fault in faults {
            let _ = fault.to_string();
        }
    }
});
