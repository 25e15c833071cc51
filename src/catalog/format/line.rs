//! [`Line`]: what a line of a list says, in each format.
//!
//! It says something about names, or nothing, or is not understood; a reader that
//! guesses would block what nobody meant.

use crate::base::labels::MAX_LABEL;
use crate::base::labels::MAX_NAME;

/// What a line says.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(in crate::catalog) enum Line<'a> {
    /// Nothing: it is empty, a comment, or about the list itself.
    Nothing,
    /// These names, separated as the format does.
    Names {
        /// The names, still as text.
        names: Vec<&'a str>,
        /// Whether names below are meant.
        subtree: bool,
        /// Whether they are to pass instead of to be blocked.
        pass: bool,
    },
    /// Something we don't understand.
    Unclear,
}

impl<'a> Line<'a> {
    /// Says that one name is blocked.
    fn block(name: &'a str, subtree: bool) -> Self {
        Self::Names { names: vec![name], subtree, pass: false }
    }
}

/// Names in hosts files that are about the machine itself.
const MACHINE: [&str; 14] = [
    "localhost",
    "localhost.localdomain",
    "local",
    "broadcasthost",
    "ip6-localhost",
    "ip6-loopback",
    "ip6-localnet",
    "ip6-mcastprefix",
    "ip6-allnodes",
    "ip6-allrouters",
    "ip6-allhosts",
    "0.0.0.0",
    "::1",
    "::",
];

/// Cuts off a comment that follows a blank.
fn uncommented(line: &str) -> &str {
    let comment = line.match_indices('#').find(|(at, _)| line[..*at].ends_with([' ', '\t']));
    comment.map_or(line, |(at, _)| &line[..at]).trim_end()
}

/// Returns whether `text` looks like a name: only what names are made of, with a
/// dot, and no address.  In one go, because lists have millions of them.
fn is_name(text: &str) -> bool {
    let name = text.strip_suffix('.').unwrap_or(text);
    let (mut label, mut is_number) = (0, true);
    for byte in name.bytes() {
        match byte {
            b'.' if label > 0 => label = 0,
            b'0'..=b'9' => label += 1,
            b'a'..=b'z' | b'A'..=b'Z' | b'-' | b'_' => (label, is_number) = (label + 1, false),
            _ => return false,
        }
        if label > MAX_LABEL {
            return false;
        }
    }
    // In wire form the first label has its length before it, and the root follows.
    label > 0 && !is_number && name.len() + 2 <= MAX_NAME && text.contains('.')
}

/// `0.0.0.0 name name`
pub(super) fn hosts(line: &str) -> Line<'_> {
    let mut words = uncommented(line).split_ascii_whitespace();
    let address = words.next().unwrap_or_default().split('%').next().unwrap_or_default();
    let Ok(address) = address.parse::<std::net::IpAddr>() else {
        return Line::Unclear;
    };
    let names: Vec<_> = words.filter(|name| !MACHINE.contains(name)).collect();
    if names.is_empty() {
        return Line::Nothing;
    }
    // An entry with a real address is somebody's own name and no blocking.
    let nowhere = address.is_unspecified() || address.is_loopback();
    if nowhere && names.iter().all(|name| is_name(name)) {
        Line::Names { names, subtree: false, pass: false }
    } else {
        Line::Unclear
    }
}

/// `name` or `*.name`
pub(super) fn domains(line: &str) -> Line<'_> {
    let line = uncommented(line);
    let (name, subtree) = match line.strip_prefix("*.").or_else(|| line.strip_prefix('.')) {
        Some(name) => (name, true),
        None => (line, false),
    };
    let name = name.strip_suffix('.').unwrap_or(name);
    if is_name(name) { Line::block(name, subtree) } else { Line::Unclear }
}

/// `||name^`, `@@||name^`, and `|name^` for the name alone
/// ([AdGuard DNS syntax](https://adguard-dns.io/kb/general/dns-filtering-syntax/)).
pub(super) fn adblock(line: &str) -> Line<'_> {
    if line.starts_with('[') {
        return Line::Nothing;
    }
    let (rest, pass) = line.strip_prefix("@@").map_or((line, false), |rest| (rest, true));
    let (rest, subtree) = match (rest.strip_prefix("||"), rest.strip_prefix('|')) {
        (Some(rest), _) => (rest, true),
        (None, Some(rest)) => (rest, false),
        (None, None) => return Line::Unclear,
    };
    // `$important` changes the order among rules and not what they are about;
    // any other modifier narrows the rule in a way that DNS can't follow.
    let rest = rest.strip_suffix("$important").unwrap_or(rest);
    let Some(name) = rest.strip_suffix('^').or_else(|| rest.strip_suffix("^|")) else {
        return Line::Unclear;
    };
    let name = name.strip_prefix("*.").unwrap_or(name);
    if is_name(name) { Line::Names { names: vec![name], subtree, pass } } else { Line::Unclear }
}

/// `local=/name/name/`, `address=/name/0.0.0.0`, `server=/name/`
pub(super) fn dnsmasq(line: &str) -> Line<'_> {
    let line = uncommented(line);
    let Some((key, rest)) = line.split_once("=/") else {
        return Line::Unclear;
    };
    let Some((names, target)) = rest.rsplit_once('/') else {
        return Line::Unclear;
    };
    let nowhere = matches!(target, "" | "0.0.0.0" | "::" | "127.0.0.1" | "::1" | "#");
    let (blocks, pass) = match (key, target) {
        // `#` means: ask the usual servers, so it lets the name pass.
        ("server" | "local", "#") => (true, true),
        ("server" | "local", "") => (true, false),
        ("address", _) => (nowhere, false),
        _ => (false, false),
    };
    let names: Vec<_> = names.split('/').collect();
    if blocks && names.iter().all(|name| is_name(name)) {
        Line::Names { names, subtree: true, pass }
    } else {
        Line::Unclear
    }
}

/// `local-zone: "name" always_nxdomain`
pub(super) fn unbound(line: &str) -> Line<'_> {
    let line = uncommented(line);
    if line == "server:" {
        return Line::Nothing;
    }
    let Some(rest) = line.strip_prefix("local-zone:") else {
        return Line::Unclear;
    };
    let mut words = rest.split_ascii_whitespace().map(|word| word.trim_matches('"'));
    let (Some(name), Some(kind), None) = (words.next(), words.next(), words.next()) else {
        return Line::Unclear;
    };
    let name = name.strip_suffix('.').unwrap_or(name);
    let pass = match kind {
        "static" | "deny" | "refuse" | "redirect" | "always_refuse" | "always_nxdomain" | "always_nodata"
        | "always_null" | "always_deny" | "inform_deny" | "inform_redirect" | "block_a" => false,
        "transparent" | "always_transparent" | "typetransparent" => true,
        _ => return Line::Unclear,
    };
    if is_name(name) { Line::Names { names: vec![name], subtree: true, pass } } else { Line::Unclear }
}

/// `name CNAME .`, `*.name CNAME .`, `name CNAME rpz-passthru.`
pub(super) fn rpz(line: &str) -> Line<'_> {
    let line = line.split(';').next().unwrap_or_default().trim_end();
    let words: Vec<_> = line.split_ascii_whitespace().collect();
    if line.starts_with(['$', '@', ')', '(']) || words.iter().any(|word| matches!(*word, "SOA" | "NS")) {
        return Line::Nothing;
    }
    // The numbers of a SOA record that goes over several lines.
    if words.iter().all(|word| word.trim_end_matches(')').bytes().all(|b| b.is_ascii_digit())) {
        return Line::Nothing;
    }
    let Some(at) = words.iter().position(|word| word.eq_ignore_ascii_case("CNAME")) else {
        return Line::Unclear;
    };
    let (Some(owner), Some(target), true) = (words.first(), words.get(at + 1), words.len() == at + 2) else {
        return Line::Unclear;
    };
    let pass = match *target {
        "." | "*." => false,
        "rpz-passthru." => true,
        _ => return Line::Unclear,
    };
    let (name, below) = owner.strip_prefix("*.").map_or((*owner, false), |name| (name, true));
    let trigger = [".rpz-ip", ".rpz-client-ip", ".rpz-nsdname", ".rpz-nsip"];
    if !is_name(name) || trigger.iter().any(|kind| name.ends_with(kind)) {
        return Line::Unclear;
    }
    // The name below a star in RPZ is not the name itself; but whoever has both
    // records, as all generators write them, means the whole subtree.
    Line::Names { names: vec![name], subtree: below, pass }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::base::DomainRef;

    #[test]
    fn a_comment_follows_a_blank() {
        for (line, rest) in [
            ("a.example # b # c", "a.example"),
            ("a.example\t# b # c", "a.example"),
            ("a.example#b \t #c", "a.example#b"),
            ("a.example#b", "a.example#b"),
        ] {
            assert_eq!(uncommented(line), rest);
        }
    }

    proptest! {
        #[test]
        fn a_name_is_what_can_be_read_as_one_and_has_its_characters_only(
            text in prop_oneof!["[a1.\\\\_ä-]{0,12}", "([a-z0-9]{61,64}\\.){0,5}[a-z]{0,3}"]
        ) {
            let readable = DomainRef::from_text(&text, &mut [0; MAX_NAME]).is_ok();
            let fine = text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_'));
            let number = text.bytes().all(|b| b.is_ascii_digit() || b == b'.');
            prop_assert_eq!(is_name(&text), text.contains('.') && readable && fine && !number);
        }
    }
}
