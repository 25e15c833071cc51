//! [`Format`]: the syntaxes of other people's lists, and which of them a list is in.

pub(super) mod line;

use std::fmt;
use std::str::FromStr;

use super::purpose::UnknownWord;
use line::Line;

//----------- Format -----------------------------------------------------------

/// The syntax of a foreign list.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Format {
    /// `0.0.0.0 name`: that name only.
    Hosts,
    /// `name`: that name only.
    Domains,
    /// `name` or `*.name`: the name and all below.
    Wildcard,
    /// `||name^`: the name and all below.
    Adblock,
    /// `local=/name/`, `address=/name/…`, `server=/name/`.
    Dnsmasq,
    /// `local-zone: "name" …`.
    Unbound,
    /// A zone file of RPZ triggers.
    Rpz,
}

impl Format {
    /// All formats.
    pub const ALL: [Self; 7] =
        [Self::Hosts, Self::Domains, Self::Wildcard, Self::Adblock, Self::Dnsmasq, Self::Unbound, Self::Rpz];

    /// Returns the word for it in config.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Hosts => "hosts",
            Self::Domains => "domains",
            Self::Wildcard => "wildcard",
            Self::Adblock => "adblock",
            Self::Dnsmasq => "dnsmasq",
            Self::Unbound => "unbound",
            Self::Rpz => "rpz",
        }
    }
}

impl FromStr for Format {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        Self::ALL.into_iter().find(|f| f.as_str() == text).ok_or(UnknownWord)
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Format {
    /// Reads one line.
    pub(super) fn read(self, line: &str) -> Line<'_> {
        let line = line.trim();
        if line.is_empty() || line.starts_with(['#', ';']) || (line.starts_with('!') && self == Self::Adblock)
        {
            return Line::Nothing;
        }
        match self {
            Self::Hosts => line::hosts(line),
            Self::Domains => line::domains(line),
            Self::Wildcard => match line::domains(line) {
                Line::Names { names, pass, .. } => Line::Names { names, subtree: true, pass },
                other => other,
            },
            Self::Adblock => line::adblock(line),
            Self::Dnsmasq => line::dnsmasq(line),
            Self::Unbound => line::unbound(line),
            Self::Rpz => line::rpz(line),
        }
    }

    /// Finds out the format of a list by its first lines: the one that
    /// understands the most of them.
    pub fn detect(text: &str) -> Self {
        /// Lines that are looked at.
        const LOOK: usize = 500;
        // The order breaks ties: the format with more of a shape of its own
        // goes first, plain names last.
        const ORDER: [Format; 7] = [
            Format::Hosts,
            Format::Adblock,
            Format::Dnsmasq,
            Format::Unbound,
            Format::Rpz,
            Format::Wildcard,
            Format::Domains,
        ];
        let starred = text.lines().take(LOOK).any(|line| line.starts_with("*."));
        let score = |format: Self| {
            let names = |line: &&str| matches!(format.read(line), Line::Names { .. });
            text.lines().take(LOOK).filter(names).count()
        };
        let fits = |format: &Self| *format != Self::Wildcard || starred;
        let best = ORDER.into_iter().rev().filter(fits).max_by_key(|format| score(*format));
        best.filter(|format| score(*format) > 0).unwrap_or(Self::Domains)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(format: Format, line: &str) -> Option<(Vec<&str>, bool, bool)> {
        match format.read(line) {
            Line::Names { names, subtree, pass } => Some((names, subtree, pass)),
            Line::Nothing => Some((Vec::new(), false, false)),
            Line::Unclear => None,
        }
    }

    #[test]
    fn each_format_means_what_its_own_program_means() {
        use Format::{Adblock, Dnsmasq, Domains, Hosts, Rpz, Unbound, Wildcard};
        for (format, line, expected) in [
            (
                Hosts,
                "0.0.0.0 a.example b.example # both",
                Some((vec!["a.example", "b.example"], false, false)),
            ),
            (Hosts, "127.0.0.1 localhost", Some((vec![], false, false))),
            (Hosts, "192.168.1.1 router.example", None),
            (Domains, "a.example", Some((vec!["a.example"], false, false))),
            (Domains, "*.a.example", Some((vec!["a.example"], true, false))),
            (Domains, "127.0.0.1", None),
            (Wildcard, "a.example", Some((vec!["a.example"], true, false))),
            (Adblock, "||a.example^", Some((vec!["a.example"], true, false))),
            (Adblock, "||a.example^$important", Some((vec!["a.example"], true, false))),
            (Adblock, "@@||a.example^", Some((vec!["a.example"], true, true))),
            (Adblock, "|a.example^", Some((vec!["a.example"], false, false))),
            (Adblock, "||a.example^$client=x", None),
            (Adblock, "||a.example/path^", None),
            (Adblock, "example.com##.ad", None),
            (Adblock, "! a comment", Some((vec![], false, false))),
            (Dnsmasq, "local=/a.example/b.example/", Some((vec!["a.example", "b.example"], true, false))),
            (Dnsmasq, "address=/a.example/0.0.0.0", Some((vec!["a.example"], true, false))),
            (Dnsmasq, "address=/a.example/192.0.2.1", None),
            (Dnsmasq, "server=/a.example/#", Some((vec!["a.example"], true, true))),
            (Dnsmasq, "server=/a.example/192.0.2.1", None),
            (Unbound, "local-zone: \"a.example\" always_nxdomain", Some((vec!["a.example"], true, false))),
            (Unbound, "local-zone: \"a.example.\" transparent", Some((vec!["a.example"], true, true))),
            (Unbound, "local-data: \"a.example A 0.0.0.0\"", None),
            (Rpz, "a.example CNAME .", Some((vec!["a.example"], false, false))),
            (Rpz, "*.a.example 60 IN CNAME .", Some((vec!["a.example"], true, false))),
            (Rpz, "a.example CNAME rpz-passthru.", Some((vec!["a.example"], false, true))),
            (Rpz, "32.1.2.0.192.rpz-ip CNAME .", None),
            (Rpz, "@ SOA localhost. root.localhost. 1 2 3 4 5", Some((vec![], false, false))),
        ] {
            assert_eq!(read(format, line), expected, "{format} {line}");
        }
    }

    #[test]
    fn a_format_is_known_by_its_lines() {
        for (text, format) in [
            ("# x\n0.0.0.0 a.example\n", Format::Hosts),
            ("! x\n||a.example^\n", Format::Adblock),
            ("local=/a.example/\n", Format::Dnsmasq),
            ("server:\nlocal-zone: \"a.example\" refuse\n", Format::Unbound),
            ("$TTL 60\n@ SOA a. b. 1 2 3 4 5\na.example CNAME .\n", Format::Rpz),
            ("*.a.example\nb.example\n", Format::Wildcard),
            ("a.example\nb.example\n", Format::Domains),
            ("", Format::Domains),
        ] {
            assert_eq!(Format::detect(text), format, "{text}");
        }
    }
}
