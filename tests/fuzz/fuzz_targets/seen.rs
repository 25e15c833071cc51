//! Any text as what was seen of devices: what is no fact is passed over, and what
//! was taken up is written and read again.
#![no_main]

use std::sync::LazyLock;

use sordino::catalog::Catalog;
use sordino::catalog::bundled;
use sordino::catalog::parse;
use sordino::device::Recognizer;

static CATALOG: LazyLock<Catalog> = LazyLock::new(|| {
    let files: Vec<_> =
        bundled::FILES.iter().map(|(name, text)| parse::parse(name, text).expect("a list")).collect();
    Catalog::build(&files).expect("the bundled lists")
});

libfuzzer_sys::fuzz_target!(|text: &str| {
    let recognizer = Recognizer::default();
    let text = format!("sordino-seen 1\n{text}");
    recognizer.take_up(&text, &CATALOG, 1_795_600_000).expect("the first line is right");
});
