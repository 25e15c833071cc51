//! SSDP: what kind of UPnP device somebody announces to be (UPnP Device
//! Architecture 2.0 section 1.2).

use crate::device::Announcement;

/// Most lines that are looked at.
const MOST_LINES: usize = 32;

/// The longest kind of device that is taken, in octets.
const MOST_KIND: usize = 200;

/// Reads a packet.  Nothing, unless it is a `NOTIFY` of somebody who is there.
pub fn read(packet: &[u8]) -> Vec<Announcement> {
    let Ok(text) = std::str::from_utf8(packet) else { return Vec::new() };
    let mut lines = text.split("\r\n").take(MOST_LINES);
    if lines.next().is_none_or(|first| !first.starts_with("NOTIFY * HTTP/1.")) {
        return Vec::new();
    }
    let (mut kind, mut alive) = (None, false);
    for (name, value) in lines.filter_map(|line| line.split_once(':')) {
        let value = value.trim();
        if name.eq_ignore_ascii_case("NT") {
            kind = Some(value);
        } else if name.eq_ignore_ascii_case("NTS") {
            alive = value == "ssdp:alive";
        }
    }
    let kind = kind.filter(|kind| alive && !kind.is_empty() && kind.len() <= MOST_KIND);
    kind.map(|kind| Announcement::Upnp(kind.to_owned())).into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ALIVE: &str = "NOTIFY * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\n\
                         nt: urn:schemas-upnp-org:device:ZonePlayer:1\r\nNTS: ssdp:alive\r\n\r\n";

    #[test]
    fn who_is_there_says_what_it_is() {
        let found = read(ALIVE.as_bytes());
        assert_eq!(found, [Announcement::Upnp("urn:schemas-upnp-org:device:ZonePlayer:1".to_owned())]);
        for other in [
            ALIVE.replace("alive", "byebye"),
            ALIVE.replace("NOTIFY", "M-SEARCH"),
            ALIVE.replace("nt:", "usn:"),
            ALIVE.replace("ZonePlayer", &"x".repeat(300)),
        ] {
            assert_eq!(read(other.as_bytes()), [], "{other}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_passed_over(text in "(NOTIFY \\* HTTP/1.1\r\n)?((NT|NTS|x): ?.{0,20}\r\n){0,5}.{0,20}") {
            prop_assert!(read(text.as_bytes()).len() <= 1);
        }
    }
}
