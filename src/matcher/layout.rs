//! What a table looks like in octets: where everything is, and how large.
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

/// The version of all of this.
pub(super) const VERSION: u32 = 1;

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
