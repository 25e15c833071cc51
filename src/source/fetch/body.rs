//! Reading a body: capped on the wire, unpacked, capped again.
//!
//! Apart because a few kilobytes of gzip may hold gigabytes: both sides are
//! counted while reading, so no more memory is used than the caps allow.

use std::io;
use std::io::Read;

use flate2::read::MultiGzDecoder;
use ureq::BodyReader;
use ureq::http::HeaderMap;

use super::Error;
use super::Settings;

/// How many octets are read at a time.
const STEP: usize = 32 << 10;

/// How a body is packed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Coding {
    /// Not at all.
    Plain,
    /// With gzip.
    Gzip,
}

impl Coding {
    /// Returns how the body after `headers` is packed.
    ///
    /// A plain body that ends only where the connection ends can't be told
    /// from one that was cut ([RFC 9112 section 8]); gzip knows its own end.
    ///
    /// [RFC 9112 section 8]: https://www.rfc-editor.org/rfc/rfc9112#section-8
    pub(super) fn of(headers: &HeaderMap) -> Result<Self, Error> {
        let mut coding = Self::Plain;
        for value in headers.get_all("content-encoding") {
            coding = match (value.as_bytes().to_ascii_lowercase().as_slice(), coding) {
                (b"" | b"identity", coding) => coding,
                (b"gzip" | b"x-gzip", Self::Plain) => Self::Gzip,
                _ => {
                    let shown = value.to_str().unwrap_or("?").chars().take(40).collect();
                    return Err(Error::Coding(shown));
                }
            };
        }
        let has_end = headers.contains_key("content-length") || headers.contains_key("transfer-encoding");
        if coding == Self::Plain && !has_end { Err(Error::Endless) } else { Ok(coding) }
    }
}

/// Why a body could not be read.
pub(super) enum Fault {
    /// We say so.
    Said(Error),
    /// The library says so.
    Library(ureq::Error),
}

/// Reads all of a body.
pub(super) fn read(body: BodyReader<'_>, coding: Coding, settings: &Settings) -> Result<Vec<u8>, Fault> {
    let mut wire = Capped { inner: body, left: settings.most_wire, over: false, failed: false };
    let read = match coding {
        Coding::Plain => read_to(settings.most_decoded, &mut wire),
        Coding::Gzip => read_to(settings.most_decoded, MultiGzDecoder::new(&mut wire)),
    };
    match read {
        Ok(Some(octets)) => Ok(octets),
        Ok(None) => Err(Fault::Said(Error::Decoded(settings.most_decoded))),
        Err(_) if wire.over => Err(Fault::Said(Error::Wire(settings.most_wire))),
        Err(why) if wire.failed || coding == Coding::Plain => Err(Fault::Library(why.into())),
        Err(why) => Err(Fault::Said(Error::Gzip(why.to_string()))),
    }
}

/// Reads to the end, or says `None` when there are more than `most` octets.
fn read_to(most: u64, mut reader: impl Read) -> io::Result<Option<Vec<u8>>> {
    let mut octets = Vec::new();
    let mut step = vec![0; STEP];
    loop {
        let got = match reader.read(&mut step) {
            Ok(0) => return Ok(Some(octets)),
            Ok(got) => step.get(..got).unwrap_or_default(),
            Err(why) if why.kind() == io::ErrorKind::Interrupted => continue,
            Err(why) => return Err(why),
        };
        if u64::try_from(octets.len() + got.len()).unwrap_or(u64::MAX) > most {
            return Ok(None);
        }
        octets.extend_from_slice(got);
    }
}

/// A reader that fails after so many octets, and remembers who failed.
struct Capped<R> {
    /// What is read from.
    inner: R,
    /// How many octets may still come.
    left: u64,
    /// Whether more came.
    over: bool,
    /// Whether reading failed.
    failed: bool,
}

impl<R: Read> Read for Capped<R> {
    fn read(&mut self, octets: &mut [u8]) -> io::Result<usize> {
        let got = self.inner.read(octets).inspect_err(|_| self.failed = true)?;
        let Some(left) = self.left.checked_sub(got as u64) else {
            self.over = true;
            return Err(io::Error::other("too many octets"));
        };
        self.left = left;
        Ok(got)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ureq::http::HeaderName;
    use ureq::http::HeaderValue;

    /// Returns what is said of a body with these headers.
    fn coding(headers: &[(&'static str, &'static str)]) -> Result<Coding, Error> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        Coding::of(&map)
    }

    #[test]
    fn gzip_once_or_nothing_is_understood() {
        assert_eq!(coding(&[("content-length", "1")]), Ok(Coding::Plain));
        assert_eq!(coding(&[("transfer-encoding", "chunked")]), Ok(Coding::Plain));
        assert_eq!(coding(&[("content-encoding", "GZip")]), Ok(Coding::Gzip));
        for other in ["br", "gzip, gzip", "deflate", "zstd"] {
            assert_eq!(coding(&[("content-encoding", other)]), Err(Error::Coding(other.to_owned())));
        }
        assert!(coding(&[("content-encoding", "gzip"), ("content-encoding", "gzip")]).is_err());
    }

    #[test]
    fn a_body_without_an_end_is_refused() {
        assert_eq!(coding(&[]), Err(Error::Endless));
    }

    #[test]
    fn caps_count_exactly() {
        assert_eq!(read_to(5, &b"12345"[..]).unwrap(), Some(b"12345".to_vec()));
        assert_eq!(read_to(4, &b"12345"[..]).unwrap(), None);
        let mut capped = Capped { inner: &b"12345"[..], left: 5, over: false, failed: false };
        assert_eq!(read_to(9, &mut capped).unwrap(), Some(b"12345".to_vec()));
        let mut capped = Capped { inner: &b"12345"[..], left: 4, over: false, failed: false };
        assert!(read_to(9, &mut capped).is_err() && capped.over);
    }
}
