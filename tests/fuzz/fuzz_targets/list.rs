//! Any text as a list of a family: read or refused; what is read can be
//! compiled, remarked on, formatted, and formatting is stable.
#![no_main]

use sordino::catalog::Catalog;
use sordino::catalog::lint;
use sordino::catalog::parse;

libfuzzer_sys::fuzz_target!(|text: &str| {
    if let Ok(file) = parse::parse("fuzz", text) {
        let _ = lint::lint(&file);
        let _ = Catalog::build(&[file]);
        if let Ok(once) = lint::fmt("fuzz", text) {
            assert_eq!(lint::fmt("fuzz", &once).as_ref(), Ok(&once));
        }
    }
});
