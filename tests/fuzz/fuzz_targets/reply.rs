//! Any octets as what a socket brings while a reply is waited for: taken for one,
//! taken for a forgery, or passed over.  What is read once can be read again, and
//! costs no more for being long.
#![no_main]

use sordino::resolve::take;

/// A query as it is sent: ID 0x1234, `wWw.example. A`, without and with an OPT
/// record.
const QUERIES: [&[u8]; 2] = [
    b"\x12\x34\0\0\0\x01\0\0\0\0\0\0\x03wWw\x07example\0\0\x01\0\x01",
    b"\x12\x34\0\0\0\x01\0\0\0\0\0\x01\x03wWw\x07example\0\0\x01\0\x01\0\0\x29\x04\xd0\0\0\x80\0\0\0",
];

/// How long the question is, with the header.
const QUESTION: usize = 29;

libfuzzer_sys::fuzz_target!(|octets: &[u8]| {
    for query in QUERIES {
        let _ = take(query, octets);
        // With the right ID and question, so that the rest is looked at.
        let Some((head, rest)) = octets.split_first_chunk::<8>() else { continue };
        let mut reply = query[..QUESTION].to_vec();
        reply[2..4].copy_from_slice(&head[..2]);
        reply[2] |= 0x80;
        reply[6..12].copy_from_slice(&head[2..]);
        reply.extend_from_slice(rest);
        if let Some(Ok(taken)) = take(query, &reply) {
            assert_eq!(taken.octets, reply);
        }
    }
});
