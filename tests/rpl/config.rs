//! Settings out of unbound's config, as far as scenarios use it.

use std::net::IpAddr;
use std::net::SocketAddr;

use sordino::resolve::File;
use sordino::resolve::Settings;

use super::records;
use super::refused;
use super::scenario::without_comment;

/// The moment of scenarios that do not care.
const SOME_DAY: i64 = 1_790_000_000;

/// What a scenario sets.
pub(crate) struct Config {
    /// How names are resolved.
    pub(crate) settings: Settings,
    /// When it plays, in seconds since 1970.
    pub(crate) unix: i64,
}

/// Options that do not concern us: unbound's own ways of doing what we do as
/// well, and what only tests of unbound need.
const NEUTRAL: &str = " target-fetch-policy trust-anchor-signaling fake-sha1 minimal-responses
    iter-scrub-promiscuous access-control rrset-roundrobin verbosity do-not-query-localhost harden-glue
    harden-below-nxdomain harden-dnssec-stripped harden-referral-path outbound-msg-retry
    num-queries-per-thread ede prefetch-key msg-cache-size rrset-cache-size aggressive-nsec prefetch
    harden-unknown-additional harden-unverified-glue log-servfail val-log-level server stub-prime
    use-caps-for-id val-sig-skew-min val-sig-skew-max val-bogus-ttl val-nsec3-keysize-iterations
    val-clean-additional harden-algo-downgrade harden-large-queries harden-short-bufsize edns-buffer-size
    max-udp-size msg-buffer-size infra-host-ttl infra-keep-probing jostle-timeout outgoing-range num-threads
    discard-timeout wait-limit max-sent-count max-query-restarts unwanted-reply-threshold do-udp do-tcp
    deny-any disable-dnssec-lame-check log-queries log-replies serve-expired-ttl serve-expired-ttl-reset
    serve-expired-reply-ttl serve-expired-client-timeout log-time-ascii log-local-actions use-syslog directory
    chroot username pidfile do-daemonize msg-cache-slabs rrset-cache-slabs infra-cache-slabs key-cache-slabs
    key-cache-size neg-cache-size add-holddown del-holddown keep-missing permit-small-holddown root-key-sentinel
    auto-trust-anchor-file iter-scrub-ns iter-scrub-cname max-global-quota
    unblock-lan-zones insecure-lan-zones udp-connect outgoing-port-avoid force-ipv6 prefer-ip4 prefer-ip6
    fast-server-permil fast-server-num tcp-idle-timeout tcp-upstream so-reuseport interface port
    hide-identity identity hide-trustanchor extended-statistics statistics-interval ";

/// Reads the lines of a config; `text` is the whole scenario.
pub(crate) fn read(lines: &[String], text: &str) -> Result<Config, String> {
    let mut settings = Settings {
        dnssec: false,
        // Off in unbound, too, unless a scenario is about it.
        serve_stale: false,
        allow_servers: vec!["0.0.0.0/0".parse().unwrap(), "::/0".parse().unwrap()],
        ..Settings::default()
    };
    let mut unix = SOME_DAY;
    let (mut anchors, mut hints) = (Vec::new(), Vec::new());
    let (mut clause, mut zone) = (String::new(), String::new());
    for line in lines {
        let line = without_comment(line).trim();
        let comment = line.match_indices('#').map(|(at, _)| at).find(|at| {
            line[..*at].matches('"').count().is_multiple_of(2)
                && (*at == 0 || line[..*at].ends_with([' ', '\t']))
        });
        let line = comment.map_or(line, |at| &line[..at]).trim();
        let Some((key, value)) = line.split_once(':') else {
            if line.is_empty() {
                continue;
            }
            return Err(format!("config: {line}"));
        };
        let (key, value) = (key.trim(), value.trim().trim_matches(['"', '\'']));
        let is_on = || !matches!(value, "no" | "off" | "false" | "0");
        match (key, value) {
            ("server" | "stub-zone" | "forward-zone", "") => clause = key.to_owned(),
            ("name", _) => zone = format!("{}.", value.trim_end_matches('.')),
            // Without a clause around it, as deckard has it, they are hints.
            ("stub-addr" | "forward-addr", _) => {
                let (address, port) =
                    value.split('#').next().unwrap_or_default().split_once('@').unwrap_or((value, "53"));
                let address: IpAddr = address.trim().parse().map_err(|_| format!("config: {line}"))?;
                let address = SocketAddr::new(address, port.parse().map_err(|_| format!("config: {line}"))?);
                let (zones, zone) = match key {
                    "stub-addr" if clause != "stub-zone" || zone == "." => {
                        hints.push(address.ip());
                        continue;
                    }
                    "stub-addr" => (&mut settings.stubs, &zone),
                    _ if clause == "forward-zone" => (&mut settings.zones, &zone),
                    _ => return Err("config: forward-addr without a zone".to_owned()),
                };
                let zone = zone.parse().map_err(|_| format!("config: {zone}"))?;
                match zones.iter_mut().find(|(known, _)| *known == zone) {
                    Some((_, servers)) => servers.push(address),
                    None => zones.push((zone, vec![address])),
                }
            }
            ("trust-anchor", _) => anchors.push(value.to_owned()),
            ("domain-insecure", _) => {
                let name = value.parse().map_err(|_| format!("config: {line}"))?;
                settings.negative_trust_anchors.push(name);
            }
            ("qname-minimisation" | "query-minimization", _) => settings.qname_minimisation = is_on(),
            ("serve-expired", _) => settings.serve_stale = is_on(),
            ("do-ip4", _) => settings.ipv4 = is_on(),
            ("do-ip6", _) => settings.ipv6 = is_on(),
            ("val-override-date", "-1") => {
                let inceptions = text.lines().filter_map(inception);
                unix = inceptions.max().map_or(SOME_DAY, |last| last + 60);
            }
            ("val-override-date" | "val-override-timestamp", _) => {
                unix = records::moment(value).ok_or_else(|| format!("config: {line}"))?;
            }
            ("module-config", _) => {
                let strange =
                    value.split_whitespace().find(|word| !matches!(*word, "validator" | "iterator"));
                if let Some(module) = strange {
                    return Err(refused::unknown(module));
                }
            }
            _ if NEUTRAL.split_whitespace().any(|known| known == key) => {}
            // Off, as it is here.
            _ if refused::why(key).is_some() && !is_on() => {}
            _ => return Err(refused::why(key).unwrap_or_else(|| format!("config: {line}"))),
        }
    }
    if !hints.is_empty() {
        let line = |(nth, address): (usize, &IpAddr)| {
            format!("root{nth}.hints.invalid. {} {address}", if address.is_ipv4() { "A" } else { "AAAA" })
        };
        let text = hints.iter().enumerate().map(line).collect::<Vec<_>>().join("\n");
        settings.root_hints = Some(File { name: "hints".into(), text });
    }
    if !anchors.is_empty() {
        settings.dnssec = true;
        settings.trust_anchor = Some(File { name: "anchors".into(), text: anchors.join("\n") });
    }
    Ok(Config { settings, unix })
}

/// Returns when the signature in a line begins to hold.
fn inception(line: &str) -> Option<i64> {
    let mut words = without_comment(line).split_whitespace().skip_while(|word| *word != "RRSIG");
    records::moment(words.nth(6)?)
}
