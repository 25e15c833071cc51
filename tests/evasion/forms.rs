//! The forms: how a query is written that would get around a policy.
//
//  From the catalogue of what was seen in other resolvers: case, labels that are
//  no text, types without addresses, service bindings, aliases, odd packets, and
//  names that only look like blocked ones.

/// What has to become of a query of the speaker.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Expected {
    /// Its data must not be in the response.
    Blocked,
    /// Neither, because nobody answers such a query.
    Refused,
    /// It must not be where it would be a service binding, and must be otherwise.
    BlockedService,
    /// It must be.
    Answered,
}

impl Expected {
    /// Returns what has to become of a query of a type.
    pub(crate) fn of(self, rtype: u16) -> Self {
        match (self, rtype) {
            (Self::BlockedService, 64 | 65) => Self::Blocked,
            (Self::BlockedService, _) => Self::Answered,
            (other, _) => other,
        }
    }
}

/// A form.
pub(crate) struct Form {
    /// What it is.
    pub(crate) what: &'static str,
    /// The name; labels are parted by `|`.
    name: &'static str,
    /// How the packet is written.
    shape: Shape,
    /// What has to become of it.
    pub(crate) expected: Expected,
}

impl Form {
    /// Returns whether the response has room for more than an answer (EDNS).
    pub(crate) fn has_edns(&self) -> bool {
        !matches!(self.shape, Plain)
    }
}

/// How a packet is written.
#[derive(Clone, Copy)]
enum Shape {
    /// As nearly everybody does, with EDNS.
    Usual,
    /// Without EDNS.
    Plain,
    /// With these flags.
    Flags(u16),
    /// With this option of EDNS.
    Option(u16, &'static [u8]),
    /// With so many options.
    Options(usize),
    /// With DO.
    Dnssec,
    /// With octets behind the end.
    Tail,
    /// With a second question, for a name that is fine.
    TwoQuestions,
    /// Of this class.
    Class(u16),
    /// With EDNS of this version.
    Version(u8),
    /// With a second OPT record.
    TwoOpts,
    /// With a record of its own in the answer section.
    WithAnswer,
}

/// The types asked for: A, NS, CNAME, PTR, MX, TXT, AAAA, SVCB, HTTPS, ANY, and one
/// that has no name.
pub(crate) const TYPES: [u16; 11] = [1, 2, 5, 12, 15, 16, 28, 64, 65, ANY, 65_280];

/// ANY.
const ANY: u16 = 255;

/// RD.
const RD: u16 = 0x0100;

const fn form(what: &'static str, name: &'static str, shape: Shape, expected: Expected) -> Form {
    Form { what, name, shape, expected }
}

use Expected::Answered;
use Expected::Blocked;
use Expected::BlockedService;
use Expected::Refused;
use Shape::Class;
use Shape::Dnssec;
use Shape::Flags;
use Shape::Option as With;
use Shape::Options;
use Shape::Plain;
use Shape::Tail;
use Shape::TwoOpts;
use Shape::TwoQuestions;
use Shape::Usual;
use Shape::Version;
use Shape::WithAnswer;

/// All of them.
pub(crate) const FORMS: &[Form] = &[
    // Case.
    form("the name", "metrics|tracker|example", Usual, Blocked),
    form("in capitals", "METRICS|TRACKER|EXAMPLE", Usual, Blocked),
    form("in mixed case", "mEtRiCs|TrAcKeR|eXaMpLe", Usual, Blocked),
    form("one capital", "metrics|trackeR|example", Usual, Blocked),
    form("below", "x|ads|example", Usual, Blocked),
    form("below, in capitals", "X|ADS|EXAMPLE", Usual, Blocked),
    form("below, in mixed case", "x|aDs|ExAmPlE", Usual, Blocked),
    form("the apex of a wildcard", "ads|example", Usual, Blocked),
    // Labels that are no text.
    form("far below", "a|b|c|d|e|f|g|h|i|j|k|l|m|n|o|p|q|r|s|t|ads|example", Usual, Blocked),
    form("a star below", "*|ads|example", Usual, Blocked),
    form("a NUL below", "\0|ads|example", Usual, Blocked),
    form("a NUL after a letter below", "a\0|ads|example", Usual, Blocked),
    form("a dot in a label below", "a.b|ads|example", Usual, Blocked),
    form("a backslash below", "a\\|ads|example", Usual, Blocked),
    form("a space below", "a b|ads|example", Usual, Blocked),
    form("an underscore below", "_https|ads|example", Usual, Blocked),
    form("a hyphen below", "-|ads|example", Usual, Blocked),
    form("UTF-8 below", "\u{e4}\u{df}|ads|example", Usual, Blocked),
    form("an A-label below", "xn--bcher-kva|ads|example", Usual, Blocked),
    form(
        "the longest label below",
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa|ads|example",
        Usual,
        Blocked,
    ),
    form("digits below", "1|2|3|4|ads|example", Usual, Blocked),
    form("the blocked name below itself", "ads|example|ads|example", Usual, Blocked),
    // Packets.
    form("without EDNS", "metrics|tracker|example", Plain, Blocked),
    form("without EDNS, below", "x|ads|example", Plain, Blocked),
    form("with CD", "metrics|tracker|example", Flags(RD | 0x0010), Blocked),
    form("with AD", "metrics|tracker|example", Flags(RD | 0x0020), Blocked),
    form("with AA, RA and Z", "metrics|tracker|example", Flags(RD | 0x04c0), Blocked),
    form("with TC", "metrics|tracker|example", Flags(RD | 0x0200), Blocked),
    form("with DO", "metrics|tracker|example", Dnssec, Blocked),
    form("with DO, below", "x|ads|example", Dnssec, Blocked),
    form("with a MAC address", "metrics|tracker|example", With(65_001, &[0, 0, 0x5e, 0, 0x53, 1]), Blocked),
    form("with a MAC address as text", "x|ads|example", With(65_073, b"00:00:5e:00:53:01"), Blocked),
    form("with a CPE id", "x|ads|example", With(65_074, b"desk"), Blocked),
    form("with a client subnet", "x|ads|example", With(8, &[0, 1, 32, 0, 127, 0, 0, 3]), Blocked),
    form("with a cookie", "x|ads|example", With(10, b"12345678"), Blocked),
    form("with padding", "x|ads|example", With(12, &[0; 40]), Blocked),
    form("asking who answers", "x|ads|example", With(3, &[]), Blocked),
    form("asking for a longer connection", "x|ads|example", With(11, &[]), Blocked),
    form("with a hundred options", "x|ads|example", Options(100), Blocked),
    form("with octets behind it", "x|ads|example", Tail, Blocked),
    form("with a second question", "x|ads|example", TwoQuestions, Refused),
    form("of class CH", "x|ads|example", Class(3), Refused),
    form("of class ANY", "x|ads|example", Class(255), Refused),
    form("without RD", "x|ads|example", Flags(0), Refused),
    form("as a status query", "x|ads|example", Flags(RD | 0x1000), Refused),
    form("with EDNS of the future", "x|ads|example", Version(1), Refused),
    form("with two OPT records", "x|ads|example", TwoOpts, Refused),
    form("with an answer of its own", "x|ads|example", WithAnswer, Refused),
    form("as an update", "x|ads|example", Flags(RD | 0x2800), Refused),
    // Aliases and service bindings.
    form("an alias of the name", "to-exact|example", Usual, Blocked),
    form("an alias of one below", "to-below|example", Usual, Blocked),
    form("an alias in mixed case", "to-mixed|example", Usual, Blocked),
    form("an alias in mixed case, asked in mixed case", "To-MiXeD|eXample", Usual, Blocked),
    form("a chain through one below", "to-chain|example", Usual, Blocked),
    form("a chain of twelve", "to-long-chain|example", Usual, Blocked),
    form("an alias by DNAME", "x|to-dname|example", Usual, Blocked),
    form("an alias, with CD", "to-below|example", Flags(RD | 0x0010), Blocked),
    form("an alias, with DO", "to-below|example", Dnssec, Blocked),
    form("an alias, without EDNS", "to-below|example", Plain, Blocked),
    form("a service of the name", "service-to-exact|example", Usual, BlockedService),
    form("a service of one below", "service-to-below|example", Usual, BlockedService),
    form("a service, in mixed case", "SeRvIcE-to-below|example", Usual, BlockedService),
    form("a service, with CD", "service-to-below|example", Flags(RD | 0x0010), BlockedService),
    form("a service that is an alias", "service-alias|example", Usual, BlockedService),
    form("an alias of a service", "to-service|example", Usual, BlockedService),
    // Names that look like blocked ones.
    form("the parent", "tracker|example", Usual, Answered),
    form("below an exact name", "x|metrics|tracker|example", Usual, Answered),
    form("a longer label", "xmetrics|tracker|example", Usual, Answered),
    form("a longer parent", "metrics|trackers|example", Usual, Answered),
    form("with more at its end", "metrics|tracker|example|com", Usual, Answered),
    form("the labels as one", "metrics.tracker|example", Usual, Answered),
    form("all labels as one", "metrics.tracker.example|com", Usual, Answered),
    form("a longer apex", "xads|example", Usual, Answered),
    form("a shorter apex", "ad|example", Usual, Answered),
    form("another end", "x|ads|examples", Usual, Answered),
    form("the apex as one label", "ads.example|com", Usual, Answered),
    form("a NUL before the apex", "\0ads|example", Usual, Answered),
    form("a NUL behind the apex", "ads\0|example", Usual, Answered),
    form("an alias of a look-alike", "to-apex-of-none|example", Usual, Answered),
    form("a function", "voice|example", Usual, Answered),
    form("a function, without EDNS", "voice|example", Plain, Answered),
    form("a function, with a hundred options", "voice|example", Options(100), Answered),
];

/// Writes the query of a form.
pub(crate) fn query(form: &Form, rtype: u16) -> Vec<u8> {
    let name: Vec<u8> = form
        .name
        .split('|')
        .flat_map(|label| [&[u8::try_from(label.len()).unwrap()][..], label.as_bytes()].concat())
        .chain([0])
        .collect();
    let (flags, class) = match form.shape {
        Flags(flags) => (flags, 1),
        Class(class) => (RD, class),
        _ => (RD, 1),
    };
    let questions = if matches!(form.shape, TwoQuestions) { 2 } else { 1 };
    let answers = u16::from(matches!(form.shape, WithAnswer));
    let opts = match form.shape {
        Plain => 0,
        TwoOpts => 2,
        _ => 1,
    };
    let mut packet = vec![0x12, 0x34];
    for word in [flags, questions, answers, 0, opts] {
        packet.extend(word.to_be_bytes());
    }
    packet.extend(&name);
    packet.extend(rtype.to_be_bytes());
    packet.extend(class.to_be_bytes());
    if let TwoQuestions = form.shape {
        packet.extend(b"\x05voice\x07example\0\0\x01\0\x01");
    }
    if let WithAnswer = form.shape {
        packet.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 1, 0, 0, 4, 192, 0, 2, 1]);
    }
    for _ in 0..opts {
        let mut options = Vec::new();
        let mut option = |code: u16, data: &[u8]| {
            options.extend(code.to_be_bytes());
            options.extend(u16::try_from(data.len()).unwrap().to_be_bytes());
            options.extend(data);
        };
        match form.shape {
            With(code, data) => option(code, data),
            Options(count) => (0..count).for_each(|_| option(65_535, b"x")),
            _ => {}
        }
        let dnssec = if matches!(form.shape, Dnssec) { 0x80 } else { 0 };
        let version = if let Version(version) = form.shape { version } else { 0 };
        packet.extend([0, 0, 41, 0x04, 0xd0, 0, version, dnssec, 0]);
        packet.extend(u16::try_from(options.len()).unwrap().to_be_bytes());
        packet.extend(options);
    }
    if let Tail = form.shape {
        packet.extend(b"tail");
    }
    packet
}

/// Writes a usual query for a name in wire format.
pub(crate) fn plain(name: &[u8], rtype: u16) -> Vec<u8> {
    let mut packet = vec![0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 1];
    packet.extend(name);
    packet.extend(rtype.to_be_bytes());
    packet.extend([0, 1, 0, 0, 41, 0x04, 0xd0, 0, 0, 0, 0, 0, 0]);
    packet
}

/// Returns whether a response is a block: NXDOMAIN, and where there is EDNS the
/// line of the list that says so.
pub(crate) fn is_block(response: &[u8]) -> bool {
    response[3] & 15 == 3 && response.windows(5).any(|here| here == b"LIST:")
}

/// Returns whether a response says that it is an old answer (RFC 8914 section 4.4).
pub(crate) fn is_stale(response: &[u8]) -> bool {
    response.windows(6).any(|here| matches!(here, [0, 15, 0, _, 0, 3]))
}

/// Returns the nth name that is a blocked one with one thing wrong, in wire format.
pub(crate) fn look_alike(nth: u32) -> Vec<u8> {
    let extra = format!("{nth:x}");
    let labels: Vec<String> = match nth % 8 {
        0 => vec![format!("{extra}metrics"), "tracker".into(), "example".into()],
        1 => vec![format!("metrics{extra}"), "tracker".into(), "example".into()],
        2 => vec!["metrics".into(), format!("tracker{extra}"), "example".into()],
        3 => vec!["metrics".into(), extra, "tracker".into(), "example".into()],
        4 => vec!["x".into(), format!("{extra}ads"), "example".into()],
        5 => vec!["x".into(), format!("ads{extra}"), "example".into()],
        6 => vec!["x".into(), "ads".into(), "example".into(), format!("a{extra}"), "com".into()],
        _ => vec![format!("ads.example.{extra}"), "com".into()],
    };
    let octets = |label: String| [&[u8::try_from(label.len()).unwrap()][..], label.as_bytes()].concat();
    labels.into_iter().flat_map(octets).chain([0]).collect()
}
