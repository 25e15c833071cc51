//! `sordino explain`: the road of one query, walked aloud.
//!
//! By the same functions that serve queries, so that what is explained is what
//! happens.  Nothing is sent: what an answer would lead to is not known here,
//! and is said so.

use std::io;
use std::io::Write;
use std::net::IpAddr;
use std::net::Ipv4Addr;
use std::sync::Arc;

use serde::Serialize;

use super::args::Explain;
use crate::answer::BlockedAnswer;
use crate::app::load::Loaded;
use crate::app::load::Options;
use crate::base::Client;
use crate::base::Clock;
use crate::base::Domain;
use crate::base::diagnostic::there_are;
use crate::base::time::SystemClock;
use crate::base::units;
use crate::catalog::Rule;
use crate::device::Device;
use crate::device::Standing;
#[cfg(target_os = "linux")]
use crate::listen::neighbor::Neighbors;
#[cfg(target_os = "linux")]
use crate::listen::neighbor::Sight;
use crate::matcher::Trail;
use crate::pipeline::Household;
use crate::policy::Ground;
use crate::policy::Judged;
use crate::policy::Policy;
use crate::policy::Said;
use crate::query::Edns;
use crate::query::Query;
use crate::query::Rtype;
use crate::resolve::Foreseen;
use crate::resolve::Question;
use crate::resolve::Resolver;
use crate::resolve::Settings;

/// One line of the explanation: what it is about, and what there is to say.
#[derive(Debug, Serialize)]
struct Line {
    /// `client`, `device`, `family`, `purpose`, `evidence`, `policy`, ….
    about: &'static str,
    /// The value.
    value: String,
    /// Why, or where that is written.
    why: String,
}

/// What lines of evidence are about.
const EVIDENCE: &str = "evidence";

/// Explains a query.
pub fn explain(options: &Options, ask: &Explain, out: &mut dyn Write) -> io::Result<u8> {
    let Some(loaded) = super::load(options, out)? else {
        return Ok(1);
    };
    let clock = SystemClock::new(options.clock_offset);
    match walk(&loaded, ask, &clock) {
        Ok(lines) if ask.json => {
            serde_json::to_writer_pretty(&mut *out, &lines)?;
            writeln!(out)?;
            Ok(0)
        }
        Ok(lines) => {
            for Line { about, value, why } in lines {
                let gap = if why.is_empty() { "" } else { "  " };
                match value.split_once(' ').filter(|_| about == EVIDENCE) {
                    Some((kind, date)) => writeln!(out, "{:<10}{kind:<9}{date:<11}{gap}{why}", "")?,
                    None => writeln!(out, "{about:<10}{value:<20}{gap}{why}")?,
                }
            }
            Ok(0)
        }
        Err(say) => {
            writeln!(out, "{say}")?;
            Ok(2)
        }
    }
}

/// Walks the road.
fn walk(loaded: &Loaded, ask: &Explain, clock: &dyn Clock) -> Result<Vec<Line>, String> {
    let house = &*loaded.house;
    let qname: Domain = ask.name.parse().map_err(|error| format!("`{}`: {error}", ask.name))?;
    let qtype = rtype(&ask.rtype)?;
    let (client, device) = asker(house, ask)?;
    let edns = Some(Edns { udp_size: 1232, dnssec_ok: false });
    let query = Query { edns, ..Query::new(client, qname, qtype, clock.now()) };
    let trail = Trail::of(query.qname.borrowed());
    let rule = house.catalog.rule_on(device.family, &trail);
    let (judged, _) = house.policies.judge(query.borrowed(), &device, &trail, rule);
    let mut lines = vec![line("name", format!("{} {}", query.qname, ask.rtype.to_ascii_uppercase()), "")];
    lines.extend(who(house, ask, &client, &device));
    lines.extend(what_for(rule, &device));
    if let Some(policy) = house.policies.policy(device.policy) {
        lines.push(line("policy", &*policy.name, describe(policy)));
    }
    lines.extend(verdict(&judged));
    if let (Ground::Default, None, Some(rule), Some(policy)) =
        (&judged.ground, &judged.observed, rule, house.policies.policy(device.policy))
    {
        lines.push(line("", "left alone", spared(policy, rule)));
    }
    if judged.is_block() {
        lines.push(blocked(house));
    } else {
        let question = Question { name: query.qname, rtype: qtype, checking_disabled: false };
        lines.extend(resolved(&loaded.config.resolve, &question, &judged.ground)?);
    }
    Ok(lines)
}

/// Makes a line.
fn line(about: &'static str, value: impl Into<String>, why: impl Into<String>) -> Line {
    Line { about, value: value.into(), why: why.into() }
}

/// Finds out who asks.
fn asker(house: &Household, ask: &Explain) -> Result<(Client, Device), String> {
    if let Some(name) = &ask.device {
        let device = house.devices.named(name, &house.catalog).ok_or_else(|| {
            let known = house.devices.listings().iter().map(|listing| &*listing.name);
            format!("no device is named `{name}`{}", there_are(known))
        })?;
        let listing = house.devices.listings().iter().find(|listing| *listing.name == **name);
        let addr = listing.and_then(|listing| listing.networks.first()).map(ipnet::IpNet::addr);
        let client = Client::new(addr.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED)))
            .with_mac(listing.and_then(|listing| listing.macs.first()).copied());
        return Ok((client, device));
    }
    let addr = ask.client.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
    let client = Client::new(addr).with_mac(mac_of(addr));
    Ok((client, house.devices.identify(&client, &house.catalog)))
}

/// Asks the kernel for the MAC address of an address.
fn mac_of(addr: IpAddr) -> Option<crate::base::MacAddr> {
    #[cfg(target_os = "linux")]
    if let Ok(neighbors) = crate::listen::neighbor::linux::KernelNeighbors::open() {
        return match neighbors.look((addr, 0).into()) {
            Sight::Here(mac) => Some(mac),
            Sight::Silent | Sight::Away => None,
        };
    }
    None
}

/// Says who asks, and why we think so.
fn who(house: &Household, ask: &Explain, client: &Client, device: &Device) -> Vec<Line> {
    let address =
        if client.addr.is_unspecified() { "any address".to_owned() } else { client.addr.to_string() };
    let mac = client.mac.map_or_else(String::new, |mac| format!("MAC {mac}"));
    let why = match &device.standing {
        Standing::Listed { by, place } => format!("listed in {place}, known by its {by}"),
        Standing::Recognized(found) => {
            let reasons: Vec<_> = found.reasons().collect();
            format!("recognized with {} %: {}", found.confidence, reasons.join("; "))
        }
        Standing::Unknown if ask.device.is_none() && ask.client.is_none() => {
            let known = house.devices.listings().iter().map(|listing| &*listing.name);
            format!("neither listed nor recognized (--device tells another{})", there_are(known))
        }
        Standing::Claimed => "it says so, and nothing else is known of it".to_owned(),
        Standing::Unknown => match house.devices.seems(client, &house.catalog) {
            Some(found) => {
                let reasons: Vec<_> = found.reasons().collect();
                format!(
                    "perhaps {} ({} %): {}; give it a [device.NAME] if it is one",
                    found.family,
                    found.confidence,
                    reasons.join("; ")
                )
            }
            None => "neither listed nor recognized".to_owned(),
        },
    };
    let mut lines = vec![line("client", address, mac), line("device", &*device.name, why)];
    match device.family.and_then(|id| house.catalog.family(id)) {
        Some(family) => {
            lines.push(line("family", &**family.name(), format!("{} rules", family.rules().len())));
        }
        None => lines.push(line("family", "none", "not known to be a speaker")),
    }
    lines
}

/// Says what the name is for, and how we know.
fn what_for(rule: Option<&Arc<Rule>>, device: &Device) -> Vec<Line> {
    let Some(rule) = rule else {
        let why = if device.family.is_some() { "no rule of the family is about it" } else { "" };
        return vec![line("purpose", "unknown", why)];
    };
    let kind = if rule.purpose.function().is_some() { "function " } else { "" };
    let mut lines =
        vec![line("purpose", format!("{kind}{}", rule.purpose), format!("{}  {}", rule.place, rule.pattern))];
    for evidence in &rule.evidence {
        lines.push(line(EVIDENCE, format!("{} {}", evidence.kind, evidence.date), &*evidence.text));
    }
    lines
}

/// Says what a policy does.
fn describe(policy: &Policy) -> String {
    let mut parts = Vec::new();
    if policy.block.is_empty() {
        parts.push("blocks no purpose".to_owned());
    } else {
        let purposes: Vec<_> = policy.block.iter().map(|purpose| purpose.as_str()).collect();
        parts.push(format!("blocks {} where at least {}", purposes.join(", "), policy.require));
    }
    if !policy.off.is_empty() {
        let functions: Vec<_> = policy.off.iter().map(|function| function.as_str()).collect();
        parts.push(format!("functions off: {}", functions.join(", ")));
    }
    for (is, say) in [
        (policy.disputed, "disputed names too"),
        (policy.observe_only, "only notes what it would block"),
        (policy.essential_only, "allows functions only"),
    ] {
        if is {
            parts.push(say.to_owned());
        }
    }
    match policy.lists.len() {
        0 => {}
        1 => parts.push("and 1 list".to_owned()),
        count => parts.push(format!("and {count} lists")),
    }
    parts.join("; ")
}

/// Says what is decided, and on what ground.
fn verdict(judged: &Judged) -> Vec<Line> {
    let word = if judged.is_block() { "block" } else { "allow" };
    let mut lines = vec![line("verdict", word, judged.ground.to_string())];
    if let Ground::Function { held_back: Some(rule), .. } = &judged.ground {
        lines.push(line("", "held back", format!("{} would have blocked it", rule.place())));
    }
    if let Some(observed) = &judged.observed {
        lines.push(line("", "would block", observed.to_string()));
    }
    lines
}

/// Says why a policy does not block what a rule is about.
fn spared(policy: &Policy, rule: &Rule) -> String {
    let name = &policy.name;
    match rule.strength() {
        _ if !policy.block.contains(&rule.purpose) => format!("{name} does not block {}", rule.purpose),
        None => "nobody says that it can be blocked".to_owned(),
        Some(best) if best < policy.require => {
            format!("{name} wants at least {}, and the best evidence is {best}", policy.require)
        }
        Some(_) => format!("sources disagree, and {name} leaves such names alone"),
    }
}

/// Says where the answer comes from that may pass, and what it is if we give it
/// ourselves.
fn resolved(settings: &Settings, question: &Question, ground: &Ground) -> Result<[Line; 2], String> {
    let resolver = Resolver::new(settings).map_err(|error| error.to_string())?;
    let Foreseen { origin, zone, own } = resolver.foresee(question);
    let Some(own) = own else {
        let why = match ground {
            Ground::Function { .. } | Ground::Said(Said::Exception { .. }) => "whatever it is an alias of",
            _ => "and its aliases and addresses are looked at then",
        };
        let of = zone.map_or_else(String::new, |zone| format!("by the servers of {zone}, "));
        return Ok([
            line("origin", origin.as_str(), format!("{of}unless it is in the cache")),
            line("answer", "is resolved", why),
        ]);
    };
    let (addresses, records) = (own.addresses(), own.message().answers.len());
    let value = match (u16::from(own.rcode), records) {
        (3, _) => "NXDOMAIN".to_owned(),
        (_, 0) => "NOERROR, no data".to_owned(),
        _ if addresses.is_empty() => format!("NOERROR, {records} of our own"),
        _ => addresses.iter().map(IpAddr::to_string).collect::<Vec<_>>().join(" "),
    };
    Ok([line("origin", origin.as_str(), "nobody outside is asked"), line("answer", value, "")])
}

/// Says what the client is told of what it may not have.
fn blocked(house: &Household) -> Line {
    let form = match house.blocked.answer {
        BlockedAnswer::ZeroAddress => "0.0.0.0 or ::",
        BlockedAnswer::NxDomain => "NXDOMAIN",
        BlockedAnswer::NoData => "NOERROR, no data",
        BlockedAnswer::Refused => "REFUSED",
    };
    let shown = |seconds: u32| units::show_duration(std::time::Duration::from_secs(seconds.into()));
    let (ttl, max_ttl) = (house.blocked.ttl, house.blocked.max_ttl);
    let longer = if max_ttl > ttl {
        format!(", and up to {} when it keeps asking", shown(max_ttl))
    } else {
        String::new()
    };
    line("answer", form, format!("EDE 15 (Blocked), for {}{longer}", shown(ttl)))
}

/// Reads a type by its mnemonic or as `TYPE65`.
fn rtype(text: &str) -> Result<Rtype, String> {
    let known = [
        ("A", Rtype::A),
        ("NS", Rtype::NS),
        ("CNAME", Rtype::CNAME),
        ("SOA", Rtype::SOA),
        ("PTR", Rtype::PTR),
        ("MX", Rtype(15)),
        ("TXT", Rtype::TXT),
        ("AAAA", Rtype::AAAA),
        ("SRV", Rtype(33)),
        ("SVCB", Rtype::SVCB),
        ("HTTPS", Rtype::HTTPS),
        ("ANY", Rtype::ANY),
    ];
    let upper = text.to_ascii_uppercase();
    let by_number = || upper.strip_prefix("TYPE").and_then(|number| number.parse().ok()).map(Rtype);
    known.iter().find(|(word, _)| *word == upper).map(|(_, rtype)| *rtype).or_else(by_number).ok_or_else(
        || format!("`{text}` is no type{}, or TYPE and a number", there_are(known.map(|(word, _)| word))),
    )
}
