//! [`MacAddr`] and [`MacPrefix`]: what the link layer says of a device.
//!
//! Apart from [`Client`](super::client::Client), because the catalog knows
//! prefixes and has no clients.

use std::fmt;
use std::str::FromStr;

//----------- MacAddr ----------------------------------------------------------

/// A 48-bit MAC address.
#[derive(Clone, Copy, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct MacAddr(pub [u8; 6]);

impl MacAddr {
    /// Returns whether the address was made up by the device (IEEE 802-2014
    /// section 8.4: the U/L bit), so that its first half names no maker.
    pub fn is_locally_administered(self) -> bool {
        self.0[0] & 0b10 != 0
    }

    /// Returns whether it is of one device: not of a group, and not all zero.
    pub fn is_one_device(self) -> bool {
        self.0[0] & 1 == 0 && self.0 != [0; 6]
    }

    /// Returns the address as a number of 48 bits.
    pub fn bits(self) -> u64 {
        self.0.iter().fold(0, |bits, &byte| bits << 8 | u64::from(byte))
    }
}

impl FromStr for MacAddr {
    type Err = MacError;

    /// Reads `44:65:0d:12:34:56`, also with dashes and in upper case.
    fn from_str(text: &str) -> Result<Self, MacError> {
        let (bytes, bits) = read_hex(text)?;
        if bits == 48 { Ok(Self(bytes)) } else { Err(MacError) }
    }
}

impl fmt::Display for MacAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (nth, byte) in self.0.iter().enumerate() {
            let colon = if nth > 0 { ":" } else { "" };
            write!(f, "{colon}{byte:02x}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for MacAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MacAddr({self})")
    }
}

//----------- MacPrefix --------------------------------------------------------

/// The first bits of MAC addresses that the IEEE gave to one maker: 24 (MA-L),
/// 28 (MA-M) or 36 (MA-S).
#[derive(Clone, Copy, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct MacPrefix {
    /// The prefix in the upper bits of a 48-bit number, the rest zero.
    bits: u64,
    /// How many bits count: 24, 28 or 36.
    len: u8,
}

impl MacPrefix {
    /// The lengths there are, the most exact first, in bits.
    pub const LENGTHS: [u8; 3] = [36, 28, 24];

    /// Returns the prefix of `mac` that is `len` bits long.
    pub fn of(mac: MacAddr, len: u8) -> Self {
        Self { bits: mac.bits() & mask(len), len }
    }

    /// Returns how many bits count.
    pub fn length(self) -> u8 {
        self.len
    }
}

/// Returns a mask of the upper `len` of 48 bits.
fn mask(len: u8) -> u64 {
    let low = 48u32.saturating_sub(u32::from(len));
    (u64::MAX >> 16) >> low << low
}

impl FromStr for MacPrefix {
    type Err = MacError;

    /// Reads `44:65:0d` or, with a length, `70:b3:d5:12:30/36`.
    fn from_str(text: &str) -> Result<Self, MacError> {
        let (hex, len) = match text.split_once('/') {
            Some((hex, len)) => (hex, len.parse().map_err(|_| MacError)?),
            None => (text, 24),
        };
        let (bytes, given) = read_hex(hex)?;
        let bits = MacAddr(bytes).bits();
        if !Self::LENGTHS.contains(&len) || given < len || bits & !mask(len) != 0 {
            return Err(MacError);
        }
        Ok(Self { bits, len })
    }
}

impl fmt::Display for MacPrefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let octets = self.len.div_ceil(8);
        for nth in 0..octets {
            let colon = if nth > 0 { ":" } else { "" };
            write!(f, "{colon}{:02x}", self.bits >> (40 - 8 * u32::from(nth)) & 0xff)?;
        }
        if self.len == 24 { Ok(()) } else { write!(f, "/{}", self.len) }
    }
}

impl fmt::Debug for MacPrefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MacPrefix({self})")
    }
}

//----------- Helpers ----------------------------------------------------------

/// Reads up to six pairs of hex digits and says how many bits there were.
fn read_hex(text: &str) -> Result<([u8; 6], u8), MacError> {
    let mut bytes = [0; 6];
    let mut bits = 0;
    for (nth, pair) in text.split([':', '-']).enumerate() {
        let slot = bytes.get_mut(nth).ok_or(MacError)?;
        if pair.len() != 2 || !pair.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(MacError);
        }
        *slot = u8::from_str_radix(pair, 16).map_err(|_| MacError)?;
        bits += 8;
    }
    Ok((bytes, bits))
}

/// Some text is neither a MAC address nor a prefix of one.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct MacError;

impl fmt::Display for MacError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a MAC address; write six pairs of hex digits, like 44:65:0d:12:34:56")
    }
}

impl std::error::Error for MacError {}

//----------- Tests ------------------------------------------------------------

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_in_every_common_form() {
        let mac = MacAddr([0x44, 0x65, 0x0d, 0x12, 0x34, 0x56]);
        for text in ["44:65:0d:12:34:56", "44-65-0D-12-34-56"] {
            assert_eq!(text.parse(), Ok(mac));
        }
        assert_eq!(mac.to_string(), "44:65:0d:12:34:56");
        for text in [
            "",
            "44:65:0d",
            "44:65:0d:12:34:5",
            "44:65:0d:12:34:56:78",
            "4465.0d12.3456",
            "+4:65:0d:12:34:56",
        ] {
            assert_eq!(text.parse::<MacAddr>(), Err(MacError), "{text}");
        }
    }

    #[test]
    fn prefixes_are_compared_by_their_bits() {
        let long: MacPrefix = "70:b3:d5:12:30/36".parse().unwrap();
        assert_eq!(MacPrefix::of("70:b3:d5:12:3f:ff".parse().unwrap(), 36), long);
        assert_ne!(MacPrefix::of("70:b3:d5:12:4f:ff".parse().unwrap(), 36), long);
        assert_eq!(long.to_string(), "70:b3:d5:12:30/36");
        let short: MacPrefix = "44:65:0D".parse().unwrap();
        assert_eq!(short.to_string(), "44:65:0d");
        assert_eq!(MacPrefix::of("44:65:0d:12:34:56".parse().unwrap(), 24), short);
        for text in ["44:65", "44:65:0d/25", "44:65:0d/28", "70:b3:d5:12:34/36"] {
            assert_eq!(text.parse::<MacPrefix>(), Err(MacError), "{text}");
        }
    }

    #[test]
    fn made_up_addresses_are_told_apart() {
        assert!("3a:00:00:00:00:01".parse::<MacAddr>().unwrap().is_locally_administered());
        assert!(!"44:65:0d:00:00:01".parse::<MacAddr>().unwrap().is_locally_administered());
    }
}
