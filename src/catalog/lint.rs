//! What a careful reader would remark about a list, and its canonical form.
//!
//! A list that parses may still be a bad one.  [`lint`] says so; [`fmt`] sorts,
//! so that nobody has to argue about order.

use std::collections::HashMap;
use std::sync::Arc;

use crate::base::Diagnostic;
use crate::base::Domain;
use crate::base::Place;

use super::evidence::EvidenceKind;
use super::family::FamilyFile;
use super::parse;
use super::purpose::Purpose;
use super::rule::Rule;

/// Zones in which many customers of one provider live.  A subtree of one of
/// them that is blocked takes strangers along.
const SHARED: [&str; 12] = [
    "amazonaws.com",
    "cloudfront.net",
    "akamaiedge.net",
    "akamai.net",
    "edgekey.net",
    "edgesuite.net",
    "azureedge.net",
    "azurewebsites.net",
    "fastly.net",
    "googleapis.com",
    "github.io",
    "herokuapp.com",
];

//----------- lint -------------------------------------------------------------

/// Returns what there is to remark about a list that parses.
pub fn lint(file: &FamilyFile) -> Vec<Diagnostic> {
    let mut remarks = Vec::new();
    let mut seen: HashMap<&[u8], &Rule> = HashMap::new();
    for rule in &file.rules {
        let blocking = rule.purpose.function().is_none();
        // Nobody has to know yet what an `unknown` name is for.
        if rule.strength().is_none() && rule.purpose != Purpose::Unknown {
            let say = format!("`{}` has no evidence: official, tried, reported or listed", rule.pattern);
            remarks.push(remark(&rule.place, say));
        }
        if blocking && rule.pattern.is_subtree() {
            remarks.extend(rule.pattern.names().iter().find_map(|name| too_wide(rule, name)));
        }
        for name in rule.pattern.names() {
            if rule.pattern.is_subtree() {
                seen.insert(name.as_wire(), rule);
            }
        }
    }
    for rule in &file.rules {
        let covered = rule.pattern.names().iter().find_map(|name| covered(rule, name, &seen));
        remarks.extend(covered);
    }
    let sorted = |pair: &&[Arc<Rule>]| pair[0].purpose == pair[1].purpose && key(&pair[0]) > key(&pair[1]);
    if let Some(pair) = file.rules.windows(2).find(sorted) {
        let say = format!("`{}` stands before this one; `sordino lists fmt` sorts", pair[0].pattern);
        remarks.push(remark(&pair[1].place, say).warning());
    }
    remarks.sort_by_key(|remark| remark.line);
    remarks
}

/// Makes a remark about a line.
fn remark(place: &Place, say: String) -> Diagnostic {
    Diagnostic { line: place.line, ..Diagnostic::of_file(Arc::clone(&place.file), say) }
}

/// Remarks that a blocked subtree is wider than anybody can know.
fn too_wide(rule: &Rule, name: &Domain) -> Option<Diagnostic> {
    let shared = SHARED.iter().any(|zone| zone.parse().is_ok_and(|zone: Domain| zone.is_at_or_below(name)));
    let say = if name.labels().count() < 2 {
        "is a whole top-level domain"
    } else if shared {
        "is shared by strangers"
    } else {
        return None;
    };
    Some(remark(&rule.place, format!("`{}` {say}; name what is meant below it", rule.pattern)))
}

/// Remarks that a rule says what a wider one says already.
fn covered(rule: &Rule, name: &Domain, subtrees: &HashMap<&[u8], &Rule>) -> Option<Diagnostic> {
    let skip = usize::from(rule.pattern.is_subtree());
    // The nearest subtree above decides; what is above that one is overruled.
    let wider = name.suffixes().skip(skip).find_map(|suffix| subtrees.get(suffix))?;
    // A rule that knows something of its own is worth having.
    let same = wider.purpose == rule.purpose && rule.evidence.iter().all(|own| wider.evidence.contains(own));
    (same && wider.place != rule.place).then(|| {
        let say = format!(
            "`{}` says nothing new: `{}` in line {} covers it",
            rule.pattern, wider.pattern, wider.place.line
        );
        remark(&rule.place, say).warning()
    })
}

//----------- fmt --------------------------------------------------------------

/// By what rules are sorted inside a section: labels from the right, so that
/// neighbors in the name space are neighbors in the list.
fn key(rule: &Rule) -> (Vec<Vec<u8>>, String) {
    let mut labels: Vec<_> = match rule.pattern.names().first() {
        Some(name) => name.labels().map(<[u8]>::to_vec).collect(),
        None => Vec::new(),
    };
    labels.reverse();
    (labels, rule.pattern.to_string())
}

/// A pattern with what belongs to it: comments right above, evidence below.
struct Stanza<'a> {
    /// Comment lines above the pattern.
    above: Vec<&'a str>,
    /// The line with the pattern.
    entry: &'a str,
    /// Evidence and comments below it.
    below: Vec<&'a str>,
}

/// Returns the canonical form of a list: rules of a section sorted, evidence
/// in columns, no blanks at line ends, one empty line between things.
///
/// Comments stay with the rule below them; a comment that an empty line parts
/// from the next rule stays at the top of its section.  `[identify]` and what
/// stands before the first section are not sorted.
pub fn fmt(file: &str, text: &str) -> Result<String, Vec<Diagnostic>> {
    let parsed = parse::parse(file, text)?;
    let keys: HashMap<u32, _> = parsed.rules.iter().map(|rule| (rule.place.line, key(rule))).collect();
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut out = String::new();
    let mut head: Vec<&str> = Vec::new();
    let mut stanzas: Vec<(_, Stanza<'_>)> = Vec::new();
    let mut pending: Vec<&str> = Vec::new();
    for (number, line) in (1u32..).zip(text.lines()) {
        let line = line.trim_end();
        let content = line.trim_start();
        if content.starts_with('[') && content.len() == line.len() {
            write_section(&mut out, &mut head, &mut stanzas);
            head.append(&mut pending);
            head.push(line);
        } else if let Some(key) = keys.get(&number) {
            stanzas.push((
                key.clone(),
                Stanza { above: std::mem::take(&mut pending), entry: line, below: Vec::new() },
            ));
        } else if line.is_empty() {
            // Parted from what follows: it belongs to what is above.
            if !pending.is_empty() {
                match stanzas.last_mut() {
                    Some(_) => pending.push(line),
                    None => head.append(&mut pending),
                }
            }
            if stanzas.is_empty() && head.last().is_some_and(|last| !last.is_empty()) {
                head.push("");
            }
        } else if line.len() > content.len() {
            match stanzas.last_mut() {
                Some((_, stanza)) if pending.is_empty() => stanza.below.push(content),
                _ => {
                    head.append(&mut pending);
                    head.push(line);
                }
            }
        } else if content.starts_with('#') {
            pending.push(line);
        } else {
            head.append(&mut pending);
            head.push(line);
        }
    }
    write_section(&mut out, &mut head, &mut stanzas);
    for line in pending {
        out.push('\n');
        out.push_str(line);
    }
    let done = out.trim().to_owned() + "\n";
    // Sorting must not change what the list says.
    parse::parse(file, &done).map(|_| done)
}

/// Writes a section: its head, and its stanzas in order.
fn write_section<K: Ord>(out: &mut String, head: &mut Vec<&str>, stanzas: &mut Vec<(K, Stanza<'_>)>) {
    let mut push = |line: &str| {
        out.push_str(line);
        out.push('\n');
    };
    while head.last().is_some_and(|line| line.is_empty()) {
        head.pop();
    }
    for line in head.drain(..) {
        push(line);
    }
    // Stable: of equals, the first stays first.
    stanzas.sort_by(|a, b| a.0.cmp(&b.0));
    for (_, stanza) in stanzas.drain(..) {
        push("");
        for line in stanza.above.iter().filter(|line| !line.is_empty()) {
            push(line);
        }
        push(stanza.entry);
        for line in stanza.below {
            push(&columns(line));
        }
    }
    push("");
}

/// Writes a line of evidence in columns.
fn columns(line: &str) -> String {
    let mut words = line.splitn(2, [' ', '\t']);
    let (key, rest) = (words.next().unwrap_or_default(), words.next().unwrap_or_default().trim_start());
    let (date, text) = rest.split_once([' ', '\t']).unwrap_or((rest, ""));
    if EvidenceKind::ALL.iter().all(|kind| kind.as_str() != key) {
        return format!("    {line}");
    }
    format!("    {key:<8} {date}  {}", text.trim_start())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sorting_keeps_what_belongs_together() {
        let text = "\
# A list.

family f

[function voice]

b.example.com
    reported 2024-01-01 x

# About a.
a.example.com   # aside
  listed   2024-01-01   y
  # inside
x.example.org
[analytics]
z.example.net
    tried 2024-01-01  z
";
        let expected = "\
# A list.

family f

[function voice]

a.example.com
";
        let done = fmt("f", text).unwrap();
        assert_eq!(fmt("f", &done).unwrap(), done, "what is formatted stays");
        let order: Vec<_> =
            parse::parse("f", &done).unwrap().rules.iter().map(|r| r.pattern.to_string()).collect();
        assert_eq!(order, ["a.example.com", "b.example.com", "x.example.org", "z.example.net"]);
        assert!(done.starts_with(expected.split("a.example.com").next().unwrap()));
        assert!(
            done.contains(
                "\n\n# About a.\na.example.com   # aside\n    listed   2024-01-01  y\n    # inside\n\n"
            ),
            "{done}"
        );
    }
}
