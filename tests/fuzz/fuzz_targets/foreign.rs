//! Any text as a list by others, in every format.
#![no_main]

use std::sync::Arc;

use sordino::catalog::Lists;
use sordino::catalog::Purpose;
use sordino::catalog::foreign::About;
use sordino::catalog::foreign::Format;

libfuzzer_sys::fuzz_target!(|text: &str| {
    for format in Format::ALL.map(Some).into_iter().chain([None]) {
        let (name, file) = (Arc::from("fuzz"), Arc::from("fuzz"));
        let about = About { name, file, format, family: None, purpose: Purpose::Unknown };
        let _ = Lists::of_texts(&[(about, text)]);
    }
});
