//! What a policy blocks for a family, in the syntax of other resolvers: for
//! houses that have one they won't replace.
//!
//! No other syntax says all that ours does.  What a target can't say is left
//! out or said wider, and counted in the head of the file; functions below a
//! blocked subtree are exempted wherever there is a word for it.

use std::collections::BTreeMap;
use std::fmt;
use std::fmt::Write;
use std::str::FromStr;

use crate::base::Domain;
use crate::catalog::Catalog;
use crate::catalog::FamilyId;

use super::rules::Policy;

//----------- Target -----------------------------------------------------------

/// A syntax to write in.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Target {
    /// `0.0.0.0 name`
    Hosts,
    /// `name`
    Domains,
    /// `||name^`
    Adblock,
    /// A response policy zone.
    Rpz,
    /// `local=/name/`
    Dnsmasq,
    /// `local-zone: "name" always_nxdomain`
    Unbound,
}

impl Target {
    /// All targets.
    pub const ALL: [Self; 6] =
        [Self::Hosts, Self::Domains, Self::Adblock, Self::Rpz, Self::Dnsmasq, Self::Unbound];

    /// Returns the word for it on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Hosts => "hosts",
            Self::Domains => "domains",
            Self::Adblock => "adblock",
            Self::Rpz => "rpz",
            Self::Dnsmasq => "dnsmasq",
            Self::Unbound => "unbound",
        }
    }

    /// Returns how a comment begins.
    fn comment(self) -> &'static str {
        match self {
            Self::Hosts | Self::Domains | Self::Dnsmasq | Self::Unbound => "#",
            Self::Adblock => "!",
            Self::Rpz => ";",
        }
    }

    /// Returns whether a name can be meant without those below it.
    fn knows_exact(self) -> bool {
        !matches!(self, Self::Dnsmasq | Self::Unbound)
    }

    /// Returns whether the names below one can be meant.
    fn knows_subtrees(self) -> bool {
        !matches!(self, Self::Hosts | Self::Domains)
    }
}

impl FromStr for Target {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|target| target.as_str() == text).ok_or_else(|| {
            let known = Self::ALL.map(Self::as_str).join(", ");
            format!("`{text}` is no format; there are: {known}")
        })
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

//----------- export -----------------------------------------------------------

/// What is said of a name.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Word {
    /// Whether names below are meant.
    subtree: bool,
    /// Whether it is to pass.
    pass: bool,
}

/// Writes what `policy` blocks for `families`.  `by` says in the head who wrote
/// it, and `serial` stands in the SOA record of a zone.
pub fn export(
    catalog: &Catalog,
    families: &[FamilyId],
    policy: &Policy,
    target: Target,
    by: &str,
    serial: u32,
) -> String {
    let (mut words, mut digits) = (BTreeMap::new(), 0usize);
    for family in families.iter().filter_map(|id| catalog.family(*id)) {
        for rule in family.rules() {
            let blocks = policy.blocks(rule);
            let function = rule.purpose.function().is_some_and(|function| !policy.off.contains(&function));
            if blocks && rule.pattern.has_digits() {
                digits += 1;
            }
            if rule.pattern.has_digits() || !(blocks || function) {
                continue;
            }
            for name in rule.pattern.names() {
                let word = Word { subtree: rule.pattern.is_subtree(), pass: function };
                // Of several families' words the one for passing counts.
                words.entry(key(name)).and_modify(|there: &mut Word| merge(there, word)).or_insert(word);
            }
        }
    }
    let blocked: Vec<_> = words.iter().filter(|(_, word)| !word.pass).collect();
    let wider = blocked.iter().filter(|(_, word)| !word.subtree && !target.knows_exact()).count();
    let narrower = blocked.iter().filter(|(_, word)| word.subtree && !target.knows_subtrees()).count();
    let names: Vec<_> =
        families.iter().filter_map(|id| catalog.family(*id)).map(|family| &**family.name()).collect();
    let mut out = String::new();
    let mark = target.comment();
    let mut head = |say: String| writeln!(out, "{mark} {say}");
    let _ = head(format!("What the policy {} blocks for {}, by {by}.", policy.name, names.join(", ")));
    let _ = head(format!("{} names.", blocked.len()));
    for (count, say) in [
        (digits, "patterns with digits can't be said here and are left out"),
        (wider, "names are said with all below them, since a name alone can't be"),
        (narrower, "subtrees are reduced to their own name"),
    ] {
        if count > 0 {
            let _ = head(format!("{count} {say}."));
        }
    }
    if target == Target::Rpz {
        let _ = writeln!(
            out,
            "$TTL 60\n@ SOA localhost. nobody.invalid. {serial} 3600 600 604800 60\n@ NS localhost."
        );
    }
    if target == Target::Unbound {
        out.push_str("server:\n");
    }
    for (labels, word) in &words {
        // A function is only named where something above it is blocked.
        if !word.pass || (target.knows_subtrees() && is_below_blocked(labels, &words, target)) {
            let name = labels.iter().rev().cloned().collect::<Vec<_>>().join(".");
            let _ = line(&mut out, target, &name, *word);
        }
    }
    out
}

/// The labels of a name, the top first: so that what is near in the name space
/// is near in the file.
fn key(name: &Domain) -> Vec<String> {
    let mut labels: Vec<_> = name.to_string().split('.').map(str::to_owned).collect();
    labels.reverse();
    labels
}

/// Joins what two rules say of one name: passing counts, and the wider one.
fn merge(there: &mut Word, word: Word) {
    if there.pass == word.pass {
        there.subtree |= word.subtree;
    } else if word.pass {
        *there = word;
    }
}

/// Returns whether the nearest word above a name blocks it.
fn is_below_blocked(labels: &[String], words: &BTreeMap<Vec<String>, Word>, target: Target) -> bool {
    (1..labels.len())
        .rev()
        .filter_map(|length| words.get(labels.get(..length)?))
        .find(|word| word.subtree || !target.knows_exact())
        .is_some_and(|word| !word.pass)
}

/// Writes one line, or two.
fn line(out: &mut String, target: Target, name: &str, word: Word) -> fmt::Result {
    match (target, word.pass) {
        (Target::Hosts, _) => writeln!(out, "0.0.0.0 {name}"),
        (Target::Domains, _) => writeln!(out, "{name}"),
        (Target::Adblock, pass) => {
            let (at, bars) = (if pass { "@@" } else { "" }, if word.subtree { "||" } else { "|" });
            writeln!(out, "{at}{bars}{name}^")
        }
        (Target::Rpz, pass) => {
            let action = if pass { "rpz-passthru." } else { "." };
            writeln!(out, "{name} CNAME {action}")?;
            if word.subtree { writeln!(out, "*.{name} CNAME {action}") } else { Ok(()) }
        }
        (Target::Dnsmasq, false) => writeln!(out, "local=/{name}/"),
        (Target::Dnsmasq, true) => writeln!(out, "server=/{name}/#"),
        (Target::Unbound, false) => writeln!(out, "    local-zone: \"{name}.\" always_nxdomain"),
        (Target::Unbound, true) => writeln!(out, "    local-zone: \"{name}.\" always_transparent"),
    }
}
