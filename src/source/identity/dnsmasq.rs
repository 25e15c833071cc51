//! The leases of dnsmasq: `/var/lib/misc/dnsmasq.leases`, on OpenWrt
//! `/tmp/dhcp.leases`, on Pi-hole `/etc/pihole/dhcp.leases`.
//!
//! ```text
//! 1764105600 44:65:0d:12:34:56 192.168.178.20 echo 01:44:65:0d:12:34:56
//! duid 00:01:00:01:2c:5e:11:22:00:00:5e:00:53:01
//! 1764105600 219025158 fd00:178::20 echo 00:01:00:01:2c:5e:11:23:44:65:0d:12:34:56
//! ```
//!
//! An expiry of 0 is never.  Where there is no clock dnsmasq writes how long a
//! lease is in place of when it ends (`HAVE_BROKEN_RTC`).

use std::net::IpAddr;

use super::Told;
use super::is_somebody;
use super::mac_in_duid;
use super::name;
use super::octets;
use crate::base::Diagnostic;
use crate::base::MacAddr;
use crate::base::Now;
use crate::device::Binding;

/// An expiry before this is no date: September 2001.
const FIRST_DATE: i64 = 1_000_000_000;

/// Reads all leases.
pub fn parse(file: &str, text: &str, now: Now) -> Told {
    let mut told = Told::default();
    let mut start = 0;
    for whole in text.split_inclusive('\n') {
        // A line without an end is being written.
        if let Some(line) = whole.strip_suffix('\n') {
            match lease(line, now) {
                Ok(binding) => told.bindings.extend(binding),
                Err((word, say)) => told.doubt(|| {
                    let at = start + (word.as_ptr() as usize).saturating_sub(line.as_ptr() as usize);
                    Diagnostic::at(file, text, at, at + word.len(), say)
                }),
            }
        }
        start += whole.len();
    }
    told
}

/// Reads one line; none if it is of nobody we could know.
fn lease(line: &str, now: Now) -> Result<Option<Binding>, (&str, &'static str)> {
    let mut words = line.split_ascii_whitespace();
    let Some(first) = words.next() else { return Ok(None) };
    // The server's own DUID, and what newer versions add.
    if matches!(first, "duid" | "vendorclass" | "agent-info") {
        return Ok(None);
    }
    let expiry: u32 = first.parse().map_err(|_| (first, "not a time in seconds since 1970"))?;
    let hardware = words.next().ok_or((line, "a lease has an expiry, a MAC address, an address, a name"))?;
    let address = words.next().ok_or((line, "a lease has an expiry, a MAC address, an address, a name"))?;
    let host = words.next().unwrap_or("*");
    let addr: IpAddr = address.parse().map_err(|_| (address, "not an address"))?;
    let mac = if addr.is_ipv4() {
        // `06-…` is another kind of network than Ethernet.
        if hardware.as_bytes().get(2) == Some(&b'-') && hardware.contains(':') {
            return Ok(None);
        }
        let mac: MacAddr = hardware.parse().map_err(|_| (hardware, "not a MAC address"))?;
        mac.is_one_device().then_some(mac)
    } else {
        words.next().and_then(octets).and_then(|duid| mac_in_duid(&duid))
    };
    let until = match i64::from(expiry) {
        0 => None,
        length @ ..FIRST_DATE => Some(now.unix.saturating_add(length)),
        date => Some(date),
    };
    let binding = |mac| Binding { addr, mac, name: name(host), guest: false, until };
    Ok(mac.filter(|_| is_somebody(addr)).map(binding))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Clock;
    use crate::base::time::ManualClock;
    use proptest::prelude::*;

    fn read(text: &str) -> Told {
        parse("leases", text, ManualClock::at(1_800_000_000).now())
    }

    fn shown(told: &Told) -> Vec<String> {
        let show =
            |b: &Binding| format!("{} {} {} {:?}", b.addr, b.mac, b.name.as_deref().unwrap_or("-"), b.until);
        told.bindings.iter().map(show).collect()
    }

    #[test]
    fn leases_of_both_families_are_read() {
        let told = read(
            "1800003600 44:65:0d:12:34:56 192.168.178.20 echo 01:44:65:0d:12:34:56\n\
             0 00:00:5e:00:53:30 192.168.178.30 * *\n\
             43200 00:00:5e:00:53:31 192.168.178.31 tv *\n\
             1800003600 06-aa:bb:cc:dd:ee:ff 192.168.178.32 * *\n\
             duid 00:01:00:01:2c:5e:11:22:00:00:5e:00:53:01\n\
             1800003600 T219025158 fd00:178::20 echo 00:01:00:01:2c:5e:11:23:44:65:0d:12:34:56\n\
             1800003600 219025158 fd00:178::21 * 00:04:01:02\n\
             vendorclass 192.168.178.20 616e64726f6964\n\
             agent-info 192.168.178.20 0102\n\
             1800003600 44:65:0d:12:34:99 192.168.178.9",
        );
        assert_eq!(
            shown(&told),
            [
                "192.168.178.20 44:65:0d:12:34:56 echo Some(1800003600)",
                "192.168.178.30 00:00:5e:00:53:30 - None",
                "192.168.178.31 00:00:5e:00:53:31 tv Some(1800043200)",
                "fd00:178::20 44:65:0d:12:34:56 echo Some(1800003600)",
            ]
        );
        assert_eq!(told.doubt, None);
    }

    #[test]
    fn the_first_odd_line_is_named_and_the_rest_is_read() {
        let told = read(
            "1800003600 44:65:0d:12:34:56 192.168.178.20 echo *\n\
             1800003600 44:65:0d:12:34 192.168.178.21 echo *\n\
             never 44:65:0d:12:34:57 192.168.178.22 echo *\n\
             1800003600 44:65:0d:12:34:58 192.168.178.23 echo *\n",
        );
        assert_eq!(told.bindings.len(), 2);
        assert!(told.doubt.unwrap().to_string().starts_with("leases:2:12: warning: not a MAC address"));
    }

    proptest! {
        #[test]
        fn any_text_is_read(text in "(\\PC|\n){0,200}", seconds in any::<u32>()) {
            let _ = read(&text);
            let _ = read(&format!("{seconds} {text}\n"));
        }

        #[test]
        fn what_is_written_is_read(mac in any::<[u8; 6]>(), addr in any::<[u8; 4]>(), until in any::<u32>()) {
            let (mac, addr) = (MacAddr(mac), IpAddr::from(addr));
            let told = read(&format!("{until} {mac} {addr} name *\n"));
            prop_assert_eq!(told.doubt, None);
            let expected = mac.is_one_device() && is_somebody(addr);
            prop_assert_eq!(told.bindings.len(), usize::from(expected));
        }
    }
}
