//! Whoever knows which MAC address is behind an address, besides the network
//! itself: a file each, behind one trait.
//!
//! | file | knows from |
//! |---|---|
//! | `leases` | a lease file of a DHCP server, in the format of one of |
//! | `dnsmasq` | dnsmasq, as in OpenWrt and Pi-hole |
//! | `kea` | Kea, memfile |
//! | `dhcpd` | ISC dhcpd |
//! | `fritzbox` | a FRITZ!Box, over TR-064 |
//! | `rdns` | a router's reverse DNS; names only |
//!
//! `pushed` keeps what DHCP hooks said (`sordino identity add`) over a restart.
//!
//! What they say is hostile until parsed.  Who can't be understood at all leaves
//! what it said before in effect; a single odd line is remarked on.

pub mod dhcpd;
pub mod dnsmasq;
pub mod fritzbox;
pub mod kea;
pub mod leases;
pub mod pushed;
pub mod rdns;

use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::base::Diagnostic;
use crate::base::MacAddr;
use crate::base::Now;
use crate::device::Binding;
use crate::device::Feed;
use crate::device::addresses::About;

//----------- Teller -----------------------------------------------------------

/// Somebody who knows.
pub trait Teller: Send {
    /// Returns who it is.
    fn feed(&self) -> &Feed;

    /// Asks for all it knows.  May take seconds.
    fn ask(&mut self, now: Now) -> Result<Told, Diagnostic>;

    /// Returns what to look at, and how often, to know when to ask again.
    fn again(&self) -> (Vec<PathBuf>, Duration);
}

/// What was told.
#[derive(Debug, Default, Eq, PartialEq)]
pub struct Told {
    /// Who is where.
    pub bindings: Vec<Binding>,
    /// What else is known of devices, by each of their MAC addresses.
    pub about: Vec<(MacAddr, About)>,
    /// What devices called themselves when they asked for an address.
    pub hosts: Vec<(MacAddr, Arc<str>)>,
    /// The first thing that was not understood.
    pub doubt: Option<Diagnostic>,
}

impl Told {
    /// Takes down what was not understood, if it is the first.
    fn doubt(&mut self, doubt: impl FnOnce() -> Diagnostic) {
        self.doubt.get_or_insert_with(|| doubt().warning());
    }
}

//----------- Words they share -------------------------------------------------

/// Most characters of a name.
const MOST_NAME: usize = 64;

/// Returns a name that can be shown: devices choose their own.
fn name(text: &str) -> Option<Arc<str>> {
    let fine = |c: char| !c.is_control() && c != '\u{202e}';
    let name: String = text.trim().chars().filter(|c| fine(*c)).take(MOST_NAME).collect();
    (!name.is_empty() && name != "*").then(|| Arc::from(name))
}

/// Returns whether a client can have an address.
fn is_somebody(addr: IpAddr) -> bool {
    !(addr.is_unspecified() || addr.is_multicast() || addr.is_loopback())
}

/// Returns the MAC address in a DUID (RFC 8415 section 11) that was made of one
/// of Ethernet.
fn mac_in_duid(duid: &[u8]) -> Option<MacAddr> {
    // DUID-LLT: type, hardware type, time, address; DUID-LL: the same without time.
    let ([0, 1, 0, 1, _, _, _, _, mac @ ..] | [0, 3, 0, 1, mac @ ..]) = duid else {
        return None;
    };
    let mac = MacAddr(mac.try_into().ok()?);
    mac.is_one_device().then_some(mac)
}

/// Reads octets in hex, apart or with colons between them.
fn octets(text: &str) -> Option<Vec<u8>> {
    let digits: Vec<u8> = text.bytes().filter(|b| *b != b':').collect();
    if digits.is_empty() || digits.len() > 260 || !digits.len().is_multiple_of(2) {
        return None;
    }
    let digit = |b: u8| char::from(b).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    digits.chunks(2).map(|pair| Some(digit(*pair.first()?)? << 4 | digit(*pair.get(1)?)?)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duid_may_hold_a_mac_address() {
        let mac = Some(MacAddr([0x44, 0x65, 0x0d, 0x12, 0x34, 0x56]));
        for (duid, found) in [
            ("00:01:00:01:2c:5e:11:22:44:65:0d:12:34:56", mac),
            ("0003000144650d123456", mac),
            ("00:04:aa:bb", None),
            ("00:03:00:06:44:65:0d:12:34:56", None),
            ("00:03:00:01:44:65:0d:12:34", None),
        ] {
            assert_eq!(octets(duid).and_then(|duid| mac_in_duid(&duid)), found, "{duid}");
        }
        for wrong in ["", "0", "0g", ":"] {
            assert_eq!(octets(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn names_are_fit_to_be_shown() {
        assert_eq!(name("Küche\u{1b}[31m").as_deref(), Some("Küche[31m"));
        assert_eq!(name("*"), None);
        assert_eq!(name(&"x".repeat(500)).unwrap().len(), MOST_NAME);
    }
}
