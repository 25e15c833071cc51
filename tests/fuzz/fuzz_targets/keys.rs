//! Any text as root hints, as trust anchors, and as what was thought of the root's
//! keys, with a checksum that is right: taken up or refused, with places that can be
//! shown.
#![no_main]

use std::sync::Arc;

use sordino::resolve::AnswerCache;
use sordino::resolve::File;
use sordino::resolve::Resolver;
use sordino::resolve::Settings;

/// Returns the CRC-32 of some octets (RFC 1952 section 8).
fn crc(octets: &[u8]) -> u32 {
    !octets.iter().fold(!0u32, |crc, octet| {
        (0..8).fold(crc ^ u32::from(*octet), |crc, _| crc >> 1 ^ (0xedb8_8320 & (crc & 1).wrapping_neg()))
    })
}

/// Returns the resolver of some settings.
fn resolver(settings: &Settings) -> Option<Resolver> {
    match Resolver::with_cache(settings, Arc::new(AnswerCache::new(1 << 20))) {
        Ok(resolver) => Some(resolver),
        Err(fault) => {
            let _ = fault.to_string();
            None
        }
    }
}

libfuzzer_sys::fuzz_target!(|text: &str| {
    let file = File { name: "fuzz".into(), text: text.to_owned() };
    resolver(&Settings { root_hints: Some(file.clone()), ..Settings::default() });
    resolver(&Settings { trust_anchor: Some(file), ..Settings::default() });
    let usual = resolver(&Settings::default()).expect("the default settings");
    let (_, saved) = usual.save_root_keys();
    let head = saved.lines().next().expect("a head");
    let body = format!("{head}\n{text}\n");
    if usual.restore_root_keys(&format!("{body}crc {:08x}\n", crc(body.as_bytes()))).is_ok() {
        let (_, again) = usual.save_root_keys();
        usual.restore_root_keys(&again).expect("what we wrote");
    }
});
