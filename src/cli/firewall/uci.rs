//! Rules for OpenWrt's firewall, as a shell script of `uci` commands.
//!
//! What goes to Sordino is left alone by the rules, which are about `wan`; a redirect
//! brings it to the router's own server, which asks Sordino.
//!
//! One section for each rule, named, so that running the script again replaces
//! it.  Of the rules only `ipset` would be shorter, and that differs between
//! versions.

use std::fmt::Write;

use super::Rules;
use super::public;

/// Writes the script.
pub(super) fn write(rules: &Rules) -> String {
    let mut text = String::from(
        "#!/bin/sh\n\
         # The queries of speakers, whomever they ask.  Run on the OpenWrt router.\n\
         # Take away: for s in $(uci show firewall | sed -n 's/^firewall\\.\\(sordino_[a-z0-9_]*\\)=.*/\\1/p'); do\n\
         #   uci delete firewall.$s; done; uci commit firewall; service firewall restart\n\
         set -eu\n\
         for s in $(uci -q show firewall | sed -n 's/^firewall\\.\\(sordino_[a-z0-9_]*\\)=.*/\\1/p'); do\n\
         \tuci delete \"firewall.$s\"\n\
         done\n",
    );
    // Speakers that are told by their MAC addresses, or by addresses of one family.
    let macs: Vec<_> = rules.macs().map(|(_, mac)| ("list src_mac", mac.to_string())).collect();
    let nets = |ipv4| {
        let nets = rules.networks().filter(move |(_, net)| net.addr().is_ipv4() == ipv4);
        nets.map(|(_, net)| ("list src_ip", net.to_string())).collect::<Vec<_>>()
    };
    for (who, from, family) in [("mac", macs, "any"), ("v4", nets(true), "ipv4"), ("v6", nets(false), "ipv6")]
    {
        if from.is_empty() {
            continue;
        }
        let mut section = |name: &str, kind: &str, from: &[(&str, String)], options: &[(&str, String)]| {
            let _ = writeln!(text, "uci set firewall.sordino_{who}_{name}={kind}");
            let all = [("option family", family.to_owned()), ("option src", "lan".to_owned())];
            for (option, value) in all.iter().chain(from).chain(options) {
                let (how, option) = option.split_once(' ').unwrap_or(("option", option));
                let word = if how == "list" { "add_list" } else { "set" };
                let _ = writeln!(text, "uci {word} firewall.sordino_{who}_{name}.{option}='{value}'");
            }
        };
        let text_of = |option, value: &str| (option, value.to_owned());
        if rules.redirect {
            let options = [
                text_of("option name", "Sordino: queries of speakers"),
                text_of("option proto", "tcp udp"),
                text_of("option src_dport", "53"),
                text_of("option dest_port", "53"),
                text_of("option target", "DNAT"),
            ];
            if who == "mac" {
                section("redirect", "redirect", &from, &options);
            } else {
                // A redirect takes one address; what it gets a list of it leaves out.
                for (nth, (_, net)) in from.iter().enumerate() {
                    let from = [("option src_ip", net.clone())];
                    section(&format!("redirect{nth}"), "redirect", &from, &options);
                }
            }
        }
        section(
            "other",
            "rule",
            &from,
            &[
                text_of("option name", "Sordino: other resolvers"),
                text_of("option dest", "wan"),
                text_of("option proto", "tcp udp"),
                text_of("option dest_port", "53 853"),
                text_of("option target", "REJECT"),
            ],
        );
        for (ipv4, version) in [(true, "https4"), (false, "https6")] {
            if matches!((family, ipv4), ("ipv4", false) | ("ipv6", true)) {
                continue;
            }
            let mut options = vec![
                text_of("option name", "Sordino: resolvers over HTTPS"),
                text_of("option dest", "wan"),
                text_of("option proto", "tcp udp"),
                text_of("option dest_port", "443"),
                text_of("option target", "REJECT"),
            ];
            options.extend(public(ipv4).map(|addr| ("list dest_ip", addr.to_string())));
            section(version, "rule", &from, &options);
        }
    }
    text.push_str("uci commit firewall\nservice firewall restart\n");
    text
}
