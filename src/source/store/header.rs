//! [`Header`]: what is known of a saved list, and the line it is written in.
//!
//! Apart from the store, which knows files and not what they look like.
//
//  The line is `sordino-list 1 CRC32 {…}`; the CRC is over all that follows it.
//  It is against torn files and tired flash, not against people: whoever can
//  write there can write anything.

use std::io;
use std::io::ErrorKind;

use flate2::Crc;
use serde::Deserialize;
use serde::Serialize;

use super::super::fetch::Validators;

/// How the first line begins, with the version of the format.
pub(super) const MAGIC: &str = "sordino-list 1 ";

/// The longest header line, in octets: a URL, two validators, some numbers.
pub(super) const MOST_HEADER: usize = 16 << 10;

/// What is kept of a list besides its text.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Header {
    /// Where it was downloaded from.
    pub url: String,
    /// `ETag` of the download.
    pub etag: Option<String>,
    /// `Last-Modified` of the download.
    pub last_modified: Option<String>,
    /// When it was downloaded, in seconds since 1970.
    pub fetched: i64,
    /// How many rules it has.
    pub rules: u64,
}

impl Header {
    /// Returns what to ask the server with.
    pub fn validators(&self) -> Validators {
        Validators { etag: self.etag.clone(), last_modified: self.last_modified.clone() }
    }
}

//----------- Packing ----------------------------------------------------------

/// Returns the header line of a copy.
pub(super) fn pack(header: &Header, text: &str) -> io::Result<String> {
    let json = serde_json::to_string(header).map_err(io::Error::other)?;
    let line = format!("{MAGIC}{:08x} {json}\n", checksum(&json, text));
    if line.len() > MOST_HEADER {
        return Err(io::Error::new(ErrorKind::InvalidInput, "the header is too long"));
    }
    Ok(line)
}

/// Reads the header line of a copy, or says what is wrong with it.  Returns the
/// CRC that it names too, and the one over it until now.
pub(super) fn unpack(line: &str) -> Result<(Header, u32, Crc), &'static str> {
    let line = line.strip_prefix(MAGIC).ok_or("it does not begin as we write it")?;
    let (sum, json) = line.split_once(' ').ok_or("its header ends early")?;
    // As it was written: eight digits, lower case.
    let is_digit = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
    let number = u32::from_str_radix(sum, 16).ok().filter(|_| sum.len() == 8 && sum.bytes().all(is_digit));
    let number = number.ok_or("its checksum is wrong")?;
    let header = serde_json::from_str(json).map_err(|_| "its header is not understood")?;
    let mut crc = Crc::new();
    crc.update(json.as_bytes());
    crc.update(b"\n");
    Ok((header, number, crc))
}

/// Returns the CRC over header and text.
fn checksum(json: &str, text: &str) -> u32 {
    let mut crc = Crc::new();
    crc.update(json.as_bytes());
    crc.update(b"\n");
    crc.update(text.as_bytes());
    crc.sum()
}
