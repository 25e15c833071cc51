//! Checks of the machine: its clock, its addresses, its limits.

use std::fs;
use std::net::IpAddr;
use std::net::SocketAddr;

use super::Check;
use crate::app::surroundings::surroundings;
use crate::listen::neighbor::around::Around;
use crate::listen::neighbor::around::Own;

/// 25 November 2026, in seconds since 1970: this program is not older.
const WRITTEN: i64 = 1_795_564_800;

/// Ten years, in seconds.
const TEN_YEARS: i64 = 10 * 365 * 24 * 3600;

/// Open files that are enough for all connections there may be.
const FILES: u64 = 1024;

/// Says whether the date may be right: signatures are checked against it.
pub(super) fn clock(unix: i64) -> Check {
    let fix = "set the clock, or have it set (`timedatectl set-ntp true`); until then signed names fail, but \
               for those of time servers";
    match unix - WRITTEN {
        ..0 => Check::wrong("clock", "the date is before that of this program", fix),
        TEN_YEARS.. => Check::wrong("clock", "the date is ten years after that of this program", fix),
        _ => Check::ok("clock", "the date is plausible"),
    }
}

/// Says whether this machine can be found tomorrow where it is today.
pub(super) fn addresses(around: &Around, listen: &[SocketAddr]) -> Vec<Check> {
    // Where there are routers, they lead to the house, and no bridge of containers does.
    let mut own = around.reachable();
    if own.iter().any(|own| around.outward.contains(&own.link)) {
        own.retain(|own| around.outward.contains(&own.link));
    }
    let v4: Vec<_> = own.iter().filter(|own| own.address.is_ipv4()).collect();
    let lent = v4.iter().find(|own| !own.permanent);
    let address = match (v4.first(), lent) {
        (None, _) => Check::warning(
            "address",
            "this machine has no IPv4 address in a network",
            "connect it, or ignore this if the house has IPv6 only",
        ),
        (_, Some(own)) => Check::warning(
            "address",
            format!("{} is lent by DHCP and may change, and then the house has no DNS", own.address),
            "let the router always give this machine the same address (FRITZ!Box: Heimnetz > Netzwerk, edit \
             the device)",
        ),
        (Some(own), None) => Check::ok("address", format!("{} stays", own.address)),
    };
    vec![address, ipv6(&own, listen)]
}

/// Says whether devices can ask over IPv6.
fn ipv6(own: &[Own], listen: &[SocketAddr]) -> Check {
    let of = |fits: fn(&std::net::Ipv6Addr) -> bool| {
        own.iter().find_map(|own| match own.address {
            IpAddr::V6(v6) if fits(&v6) => Some(v6),
            _ => None,
        })
    };
    let ula = of(std::net::Ipv6Addr::is_unique_local);
    let global = of(|v6| !v6.is_unique_local() && !v6.is_unicast_link_local());
    if ula.or(global).is_none() {
        return Check::ok("ipv6", "this machine has no IPv6 address but for its link");
    }
    if !listen.is_empty() && !listen.iter().any(SocketAddr::is_ipv6) {
        return Check::warning(
            "ipv6",
            "there is IPv6 here and Sordino does not listen on it: devices may ask the router instead",
            "put \"[::]:53\" into `dns` of [listen]",
        );
    }
    match ula {
        Some(ula) => Check::ok("ipv6", format!("{ula} stays, whatever prefix the provider gives")),
        None => Check::warning(
            "ipv6",
            "no address of this machine stays (ULA), so the router can't announce it as DNS server over IPv6",
            "FRITZ!Box: Heimnetz > Netzwerk > Netzwerkeinstellungen > IPv6-Adressen: assign ULAs always, and \
             enter that of this machine as local DNSv6 server",
        ),
    }
}

/// Says whether the network that is seen is that of the house.
pub(super) fn container(around: &Around) -> Check {
    if surroundings(around).contained {
        return Check::wrong(
            "container",
            "this container has a network of its own, in which no MAC address of a device is seen",
            "give it the network of its host (`network_mode: host`)",
        );
    }
    Check::ok("container", "the network seen from here is not that of a container")
}

/// Says whether the kernel keeps as many neighbors as there are.
pub(super) fn neighbors(there: usize) -> Check {
    let threshold = |version: &str| {
        let path = format!("/proc/sys/net/{version}/neigh/default/gc_thresh1");
        fs::read_to_string(path).ok()?.trim().parse::<usize>().ok()
    };
    let Some(least) = ["ipv4", "ipv6"].into_iter().filter_map(threshold).min() else {
        return Check::skipped("neighbors", "the system does not say how many neighbors it keeps");
    };
    if there < least {
        return Check::ok("neighbors", format!("{there} neighbors; none of {least} is forgotten"));
    }
    Check::warning(
        "neighbors",
        format!("{there} neighbors, and from {least} on the system forgets some"),
        "raise net.ipv4.neigh.default.gc_thresh1 to 3, and the same for ipv6",
    )
}

/// Says whether enough files may be open.
pub(super) fn files() -> Check {
    let limits = fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"));
    let soft = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    match soft {
        None => Check::ok("limits", "as many files as we like may be open"),
        Some(soft) if soft >= FILES => Check::ok("limits", format!("{soft} files may be open")),
        Some(soft) => Check::warning(
            "limits",
            format!("only {soft} files may be open, which limits connections"),
            "raise it (`LimitNOFILE=` of the unit)",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Outcome;
    use super::*;

    #[test]
    fn a_clock_from_the_factory_is_wrong() {
        assert_eq!(clock(0).outcome, Outcome::Wrong);
        assert_eq!(clock(WRITTEN + 1).outcome, Outcome::Ok);
        assert_eq!(clock(WRITTEN + TEN_YEARS).outcome, Outcome::Wrong);
    }

    #[test]
    fn an_address_that_may_change_is_told() {
        let own = |address: &str, permanent| {
            let address: IpAddr = address.parse().unwrap();
            Own { address, link: if address.is_loopback() { 1 } else { 2 }, permanent }
        };
        let of = |own: &[Own], listen: &[&str]| {
            let listen: Vec<_> = listen.iter().map(|at| at.parse().unwrap()).collect();
            let around = Around { own: own.to_vec(), ..Around::default() };
            addresses(&around, &listen).iter().map(|check| check.outcome).collect::<Vec<_>>()
        };
        let loopback = own("127.0.0.1", true);
        assert_eq!(of(&[loopback], &[]), [Outcome::Warning, Outcome::Ok]);
        assert_eq!(of(&[loopback, own("192.0.2.1", true)], &[]), [Outcome::Ok, Outcome::Ok]);
        assert_eq!(
            of(&[own("192.0.2.1", false), own("fe80::1", true)], &[]),
            [Outcome::Warning, Outcome::Ok]
        );
        let (v4, global, ula) = (own("192.0.2.1", true), own("2001:db8::1", false), own("fd00::1", true));
        assert_eq!(of(&[v4, global], &["[::]:53"]), [Outcome::Ok, Outcome::Warning]);
        assert_eq!(of(&[v4, global, ula], &["[::]:53"]), [Outcome::Ok, Outcome::Ok]);
        assert_eq!(of(&[v4, ula], &["0.0.0.0:53"]), [Outcome::Ok, Outcome::Warning]);
    }

    #[test]
    fn what_is_claimed_and_what_containers_see_is_no_address_of_the_house() {
        let own = |address: &str, link, permanent| Own { address: address.parse().unwrap(), link, permanent };
        let mut around = Around {
            own: vec![
                own("127.0.0.1", 1, true),
                own("8.8.8.8", 1, true),
                own("2001:4860:4860::8888", 1, true),
                own("172.17.0.1", 3, true),
                own("192.168.178.2", 2, true),
            ],
            outward: vec![2],
            ..Around::default()
        };
        let says = |around: &Around| addresses(around, &[]).remove(0).says;
        assert_eq!(says(&around), "192.168.178.2 stays");
        assert_eq!(addresses(&around, &[])[1].says, "this machine has no IPv6 address but for its link");
        around.own.truncate(3);
        assert_eq!(says(&around), "this machine has no IPv4 address in a network");
    }
}
