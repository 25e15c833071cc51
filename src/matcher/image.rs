//! What a table looks like as a file: its header, and where everything is.
//!
//! Apart from `table`, which asks one, and `build`, which writes one.
//
//  All numbers are little-endian.  Right after each other, without gaps:
//
//    header   1216 octets: the numbers of `Header`, zeros, and their CRC
//    slots    64 octets for each bucket: eight slots of tag << 20 | set
//    lines    24 octets for each bucket: three for each slot
//    extras   4 octets for each line of names with more than one word
//    sets     the words of each set
//    facts    what whoever built it wants to know later
//
//  A name is put into the bucket its hash says, or the next with a free slot.
//  There are a few buckets more than hashes can say, for what is put past the
//  end, and the very last slot is free.
//
//  The CRCs are against torn files and tired flash, not against people.

use std::io::Read;

use flate2::Crc;

use super::error::TableError;
use super::hash::Key;
use super::header::Header;

/// The octets of a bucket: a cache line.
pub(super) const BUCKET: usize = 64;
/// The slots of a bucket.
pub(super) const SLOTS: u64 = 8;
/// The octets of the line of a slot.
pub(super) const LINE: usize = 3;
/// The octets of a line of a name with more than one word.
pub(super) const EXTRA: usize = 4;
/// Most buckets, so that the number of a slot has 31 bits.
pub(super) const MOST_BUCKETS: u64 = 1 << 28;
/// The largest line, and the largest place of an extra line: three octets.
pub(super) const MOST_LINE: u32 = (1 << 24) - 1;
/// The bits of a slot that say which set it is.
pub(super) const SET_BITS: u32 = 20;

/// The octets of the header: a multiple of 64, so that no bucket lies in two
/// cache lines of a mapped file.
pub(super) const HEADER: usize = 1216;
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
