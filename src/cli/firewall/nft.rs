//! Rules for nftables, as a file for `nft -f`.

use std::fmt::Write;

use super::Rules;
use super::public;

/// Writes the rules.  Loading them again replaces them.
pub(super) fn write(rules: &Rules) -> String {
    let macs: Vec<_> = rules.macs().map(|(name, mac)| format!("{mac} comment \"{name}\"")).collect();
    let of_family = |ipv4| {
        let nets = rules.networks().filter(move |(_, net)| net.addr().is_ipv4() == ipv4);
        nets.map(|(name, net)| format!("{net} comment \"{name}\"")).collect::<Vec<_>>()
    };
    let (v4, v6) = (of_family(true), of_family(false));
    let addresses = |ipv4| public(ipv4).map(|addr| addr.to_string()).collect::<Vec<_>>();
    let here = |ipv4| rules.here(ipv4).map(|addr| addr.to_string()).collect::<Vec<_>>();
    let mut text = String::from(
        "#!/usr/sbin/nft -f\n\
         # The queries of speakers, whomever they ask.  Load: nft -f FILE\n\
         # Take away: nft delete table inet sordino\n\
         table inet sordino\n\
         delete table inet sordino\n\
         table inet sordino {\n",
    );
    let mut from = Vec::new();
    for (set, kind, field, elements) in [
        ("speakers", "ether_addr", "ether saddr", macs),
        ("speakers4", "ipv4_addr; flags interval", "ip saddr", v4),
        ("speakers6", "ipv6_addr; flags interval", "ip6 saddr", v6),
        ("here4", "ipv4_addr", "", here(true)),
        ("here6", "ipv6_addr", "", here(false)),
        ("public4", "ipv4_addr", "", addresses(true)),
        ("public6", "ipv6_addr", "", addresses(false)),
    ] {
        if elements.is_empty() {
            continue;
        }
        let elements = elements.join(",\n\t\t\t");
        let _ = writeln!(
            text,
            "\tset {set} {{\n\t\ttype {kind}\n\t\telements = {{\n\t\t\t{elements}\n\t\t}}\n\t}}"
        );
        if !field.is_empty() {
            from.push(format!("{field} @{set}"));
        }
    }
    let mut alone = String::new();
    for (ip, set, ipv4) in [("ip", "here4", true), ("ip6", "here6", false)] {
        if rules.here(ipv4).next().is_some() {
            let _ = writeln!(alone, "\t\t{ip} daddr @{set} return");
        }
    }
    if rules.redirect {
        text.push_str("\t# To the DNS server of this gateway: Sordino, or one that asks it.\n");
        text.push_str("\tchain bring {\n\t\ttype nat hook prerouting priority dstnat; policy accept;\n");
        text.push_str(&alone);
        for from in &from {
            let _ =
                writeln!(text, "\t\t{from} meta l4proto {{ tcp, udp }} th dport 53 counter redirect to :53");
        }
        text.push_str("\t}\n");
    }
    text.push_str("\tchain pass {\n\t\ttype filter hook forward priority filter - 1; policy accept;\n");
    for from in &from {
        let _ = writeln!(text, "\t\t{from} jump refuse");
    }
    text.push_str("\t}\n\tchain refuse {\n");
    text.push_str(&alone);
    for (what, how) in [
        ("tcp dport { 53, 853 }", TCP),
        ("udp dport { 53, 853 }", UDP),
        ("ip daddr @public4 tcp dport 443", TCP),
        ("ip daddr @public4 udp dport 443", UDP),
        ("ip6 daddr @public6 tcp dport 443", TCP),
        ("ip6 daddr @public6 udp dport 443", UDP),
    ] {
        let _ = writeln!(text, "\t\t{what} counter {how}");
    }
    text.push_str("\t}\n}\n");
    text
}

/// How a stream is refused.
const TCP: &str = "reject with tcp reset";

/// How a datagram is refused.
const UDP: &str = "reject with icmpx type port-unreachable";
