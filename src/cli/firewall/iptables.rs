//! Rules for iptables and ip6tables, as a shell script.

use std::fmt::Write;

use super::Rules;
use super::public;

/// Writes the script.  Running it again replaces the rules.
pub(super) fn write(rules: &Rules) -> String {
    let mut text = String::from(
        "#!/bin/sh\n\
         # The queries of speakers, whomever they ask.  Run as root on the gateway.\n\
         # Take away: the same with -D in place of -I, and -F and -X for both chains.\n\
         set -eu\n\
         # A chain of our own in a table, empty, and a way into it.\n\
         chain() {\n\
         \t\"$1\" -w -t \"$2\" -N \"$4\" 2> /dev/null || \"$1\" -w -t \"$2\" -F \"$4\"\n\
         \t\"$1\" -w -t \"$2\" -C \"$3\" -j \"$4\" 2> /dev/null || \"$1\" -w -t \"$2\" -I \"$3\" -j \"$4\"\n\
         }\n",
    );
    for (program, ipv4) in [("iptables", true), ("ip6tables", false)] {
        let macs = rules.macs().map(|(name, mac)| (name, format!("-m mac --mac-source {mac}")));
        let nets = rules.networks().filter(|(_, net)| net.addr().is_ipv4() == ipv4);
        let nets = nets.map(|(name, net)| (name, format!("-s {net}")));
        let from: Vec<_> = macs.chain(nets).collect();
        let alone = |text: &mut String, table: &str, chain: &str| {
            for address in rules.here(ipv4) {
                let _ = writeln!(text, "{program} -w -t {table} -A {chain} -d {address} -j RETURN");
            }
        };
        if rules.redirect {
            let _ = writeln!(text, "\nchain {program} nat PREROUTING SORDINO_REDIRECT");
            alone(&mut text, "nat", "SORDINO_REDIRECT");
            for (name, from) in &from {
                let _ = writeln!(text, "# {name}");
                for protocol in ["udp", "tcp"] {
                    let _ = writeln!(
                        text,
                        "{program} -w -t nat -A SORDINO_REDIRECT {from} -p {protocol} --dport 53 -j REDIRECT --to-ports 53"
                    );
                }
            }
        }
        let _ = writeln!(text, "\nchain {program} filter FORWARD SORDINO_FROM");
        let _ =
            writeln!(text, "{program} -w -N SORDINO_REFUSE 2> /dev/null || {program} -w -F SORDINO_REFUSE");
        alone(&mut text, "filter", "SORDINO_REFUSE");
        let mut refuse = |what: &str| {
            let _ = writeln!(
                text,
                "{program} -w -A SORDINO_REFUSE -p tcp {what} -j REJECT --reject-with tcp-reset"
            );
            let _ = writeln!(text, "{program} -w -A SORDINO_REFUSE -p udp {what} -j REJECT");
        };
        refuse("--dport 53");
        refuse("--dport 853");
        for resolver in public(ipv4) {
            refuse(&format!("-d {resolver} --dport 443"));
        }
        for (name, from) in &from {
            let _ = writeln!(text, "# {name}\n{program} -w -A SORDINO_FROM {from} -j SORDINO_REFUSE");
        }
    }
    text
}
