//! Any octets as the table of lists: refused, or asked without harm; and a
//! table of ours that somebody has changed.
#![no_main]

use std::sync::Arc;
use std::sync::LazyLock;

use sordino::base::Domain;
use sordino::matcher;
use sordino::matcher::About;
use sordino::matcher::ListSet;
use sordino::matcher::Table;
use sordino::matcher::Trail;
use sordino::matcher::Word;

static OURS: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let mut image = Vec::new();
    let about = About { lists: 3, fingerprint: [7; 16], most: 1_000 };
    let feed = &mut |sink: &mut matcher::Sink| {
        for nth in 0..200u32 {
            let name: Domain = format!("n{nth}.g{}.example", nth % 7).parse().expect("a name");
            let word = Word { list: (nth % 3) as u8, subtree: nth % 2 == 0, pass: nth % 5 == 0 };
            sink.add(name.as_wire(), word, nth + 1);
        }
        Ok::<_, std::convert::Infallible>(b"facts".to_vec())
    };
    matcher::build(&mut image, &about, feed).expect("a table");
    image
});

/// Opens an image and asks it everything.
fn ask(image: Vec<u8>) {
    let _ = matcher::verify(&mut image.as_slice());
    let _ = matcher::key_of(&mut image.as_slice());
    let Ok(table) = Table::open(Arc::new(image)) else { return };
    let all: ListSet = (0..3).collect();
    for name in ["n1.g1.example", "x.n2.g2.example", "example", "n199.g3.example"] {
        let name: Domain = name.parse().expect("a name");
        if let Some(hit) = table.find(&Trail::of(name.borrowed()), all) {
            let _ = table.line(hit);
        }
    }
}

libfuzzer_sys::fuzz_target!(|octets: &[u8]| {
    ask(octets.to_vec());
    let mut image = OURS.clone();
    for change in octets.chunks_exact(3) {
        let at = usize::from(u16::from_le_bytes([change[0], change[1]])) % image.len();
        image[at] = change[2];
    }
    ask(image);
});
