//! Looking at a table as a file: whether it is what was written, and with which key.
//!
//! Apart from `table`, which asks one, and `build`, which writes one.

use std::io::Read;

use flate2::Crc;

use super::error::TableError;
use super::hash::Key;
use super::header::Header;
use super::layout::HEADER;

/// How much of a file is read at once.
const PIECE: usize = 64 << 10;

//----------- Looking at a file ------------------------------------------------

/// Returns the key of a table, of which the front is enough, if its header is
/// what was written.
pub fn key_of(read: &mut impl Read) -> Option<Key> {
    let mut front = [0; HEADER];
    read.read_exact(&mut front).ok()?;
    Header::read(&front).ok().map(|header| header.key)
}

/// Reads a whole table, a piece at a time, and returns its key and its
/// fingerprint if it is what was written.
pub fn verify(read: &mut impl Read) -> Result<(Key, [u8; 16]), TableError> {
    let mut front = [0; HEADER];
    read.read_exact(&mut front)?;
    let header = Header::read(&front)?;
    let mut room = vec![0; PIECE];
    let names = ["slots", "lines", "extras", "sets", "facts"];
    for ((octets, expected), name) in header.sizes.octets().into_iter().zip(header.crcs).zip(names) {
        let mut crc = Crc::new();
        let mut left = octets;
        while left > 0 {
            let piece = usize::try_from(left).unwrap_or(PIECE).min(PIECE);
            let piece = room.get_mut(..piece).unwrap_or_default();
            read.read_exact(piece)?;
            crc.update(piece);
            left -= piece.len() as u64;
        }
        if crc.sum() != expected {
            return Err(TableError::Torn(name));
        }
    }
    match read.take(1).read_to_end(&mut Vec::new())? {
        0 => Ok((header.key, header.fingerprint)),
        _ => Err(TableError::Long),
    }
}
