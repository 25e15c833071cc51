//! The response that has a client ask again over TCP.
//!
//! Apart from all others, because it is for whoever asks too fast: the query is
//! read no further than to the end of its question.

use super::wire::CD;
use super::wire::QR;
use super::wire::RA;
use super::wire::RD;
use super::wire::TC;
use crate::base::DomainRef;
use crate::base::labels::MAX_NAME;
use crate::resolve::wire::HEADER;

/// Writes the response that has a client ask again over TCP, into `out`; nothing
/// if `query` is none.
pub fn ask_over_tcp(query: &[u8], out: &mut Vec<u8>) {
    out.clear();
    let word = |at: usize| query.get(at..at + 2).map_or(0, |two| u16::from(two[0]) << 8 | u16::from(two[1]));
    if query.len() < HEADER || word(2) & QR != 0 || word(4) != 1 {
        return;
    }
    let mut room = [0; MAX_NAME];
    let Ok(qname) = DomainRef::read(&query[HEADER..], &mut room) else { return };
    let Some(question) = query.get(HEADER..HEADER + qname.as_wire().len() + 4) else { return };
    for word in [word(0), QR | RA | TC | (word(2) & (RD | CD)), 1, 0, 0, 0] {
        out.extend_from_slice(&word.to_be_bytes());
    }
    out.extend_from_slice(question);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_told_to_come_by_tcp_gets_the_question_and_tc() {
        let mut query = vec![0x12, 0x34, 1, 0x10, 0, 1, 0, 0, 0, 0, 0, 1];
        query.extend(b"\x03wWw\x07eXample\0\0\x01\0\x01");
        let question = query[12..].to_vec();
        query.extend([0, 0, 41, 4, 0xd0, 0, 0, 0, 0, 0, 0]);
        let mut out = vec![7];
        ask_over_tcp(&query, &mut out);
        assert_eq!(out, [&[0x12, 0x34, 0x83, 0x90, 0, 1, 0, 0, 0, 0, 0, 0][..], &question].concat());
        let mut response = query.clone();
        response[2] |= 0x80;
        for scrap in [&response[..], &query[..11], &query[..20], &[]] {
            ask_over_tcp(scrap, &mut out);
            assert!(out.is_empty());
        }
    }
}
