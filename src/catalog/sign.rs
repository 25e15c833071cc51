//! [`Sign`]: something by which a device can be recognized, with its weight.
//!
//! A sign holds once all its [facts](Sign::facts) were seen.  A fact is a short
//! text that means the same tomorrow and after a reload, so that what was seen
//! can be kept: `asks *.sonostime.pool.ntp.org`.
//
//  Apart from `family`, because signs are looked for by those who listen, and
//  families are asked for by the road.

use std::fmt;

use crate::base::MacPrefix;
use crate::base::Place;
use crate::base::diagnostic::there_are;

use super::evidence::Evidence;
use super::pattern::Pattern;

/// Most names one `asks` may want: who asks for more is not found out sooner.
const MOST_NAMES: usize = 4;

//----------- Sign -------------------------------------------------------------

/// Something by which a device can be recognized.
#[derive(Clone, Debug, PartialEq)]
pub struct Sign {
    /// What to look at.
    pub kind: SignKind,
    /// Whether it speaks against the family: a Fire TV is no Echo.
    pub against: bool,
    /// How sure it makes us on its own, in percent: 1 to 99.
    pub weight: u8,
    /// How we know.
    pub evidence: Vec<Evidence>,
    /// Where it is written.
    pub place: Place,
}

impl Sign {
    /// Returns what has to be seen of a device for the sign to hold, all of it.
    /// Nothing for prefixes: a MAC address is seen with every query.
    pub fn facts(&self) -> Vec<String> {
        match &self.kind {
            SignKind::Mac(_) | SignKind::Maker(_) => Vec::new(),
            SignKind::Asks(patterns) => patterns.iter().map(asked).collect(),
            other => vec![other.to_string()],
        }
    }
}

/// Returns the fact that a name was asked for that this pattern matches.
pub(super) fn asked(pattern: &Pattern) -> String {
    format!("asks {pattern}")
}

//----------- SignKind ---------------------------------------------------------

/// What kind of sign it is.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub enum SignKind {
    /// `mac`: this maker's prefix is used for this family more than for others.
    Mac(MacPrefix),
    /// `maker`: this maker's prefix is used for phones and much else too.
    Maker(MacPrefix),
    /// `host`: how its host name in DHCP begins, lower case.
    Host(Box<str>),
    /// `mdns`: a service it announces (RFC 6763).
    Mdns {
        /// The service, like `_sonos._tcp`, lower case.
        service: Box<str>,
        /// A key of its TXT record, and how the value begins.
        txt: Option<(Box<str>, Box<str>)>,
    },
    /// `ssdp`: what it announces over SSDP, the notification type (NT).
    Ssdp(Box<str>),
    /// `asks`: the names it asks for, all of these.
    Asks(Box<[Pattern]>),
}

/// Where a sign was seen.  Signs seen at different places are independent: no
/// mistake about one makes the other wrong.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Spot {
    /// The prefix of its MAC address.
    Link,
    /// Its host name.
    Host,
    /// What it announces to everybody.
    Announcement,
    /// What it asks for.
    Names,
}

impl SignKind {
    /// The words of lists.
    pub const WORDS: [&str; 6] = ["mac", "maker", "host", "mdns", "ssdp", "asks"];

    /// Reads the two parts of a line: its word and what stands behind.
    pub(super) fn read(word: &str, rest: &str) -> Result<Self, SignError> {
        let prefix = || {
            let wrong = "not a MAC prefix; write one like 44:65:0d or 70:b3:d5:12:30/36";
            rest.parse().map_err(|_| SignError::value(wrong))
        };
        if !Self::WORDS.contains(&word) {
            let known = there_are(Self::WORDS.into_iter().chain(["not …"]));
            return Err(SignError::Word(format!("`{word}` is no sign{known}")));
        }
        if rest.is_empty() {
            return Err(SignError::Word(format!("`{word}` what? Write what is to be seen there behind it")));
        }
        match word {
            "mac" => Ok(Self::Mac(prefix()?)),
            "maker" => Ok(Self::Maker(prefix()?)),
            "host" => Ok(Self::Host(one(rest)?.to_ascii_lowercase().into())),
            "mdns" => mdns(rest),
            "ssdp" => Ok(Self::Ssdp(one(rest)?.into())),
            _ => asks(rest),
        }
    }

    /// Returns the MAC prefix it is about, if it is about one.
    pub fn prefix(&self) -> Option<MacPrefix> {
        match self {
            Self::Mac(prefix) | Self::Maker(prefix) => Some(*prefix),
            _ => None,
        }
    }

    /// Returns where it is seen.
    pub fn spot(&self) -> Spot {
        match self {
            Self::Mac(_) | Self::Maker(_) => Spot::Link,
            Self::Host(_) => Spot::Host,
            Self::Mdns { .. } | Self::Ssdp(_) => Spot::Announcement,
            Self::Asks(_) => Spot::Names,
        }
    }

    /// Returns how sure it makes us if its line does not say, in percent.
    pub(super) fn weight(&self) -> u8 {
        match self {
            Self::Mac(_) | Self::Mdns { .. } => 60,
            Self::Ssdp(_) | Self::Asks(_) => 50,
            // People choose names.
            Self::Host(_) => 40,
            Self::Maker(_) => 30,
        }
    }
}

/// Reads one word.
fn one(rest: &str) -> Result<&str, SignError> {
    if rest.contains([' ', '\t']) {
        return Err(SignError::value("one word stands here"));
    }
    Ok(rest)
}

/// Reads `_service._proto` and perhaps `key=value*`.
fn mdns(rest: &str) -> Result<SignKind, SignError> {
    let (service, said) = rest.split_once([' ', '\t']).map_or((rest, None), |(s, t)| (s, Some(t.trim())));
    let service = service.to_ascii_lowercase();
    if !service.starts_with('_') || !(service.ends_with("._tcp") || service.ends_with("._udp")) {
        return Err(SignError::value("a service is written `_sonos._tcp`"));
    }
    let txt = match said.map(|text| text.split_once('=')) {
        None => None,
        Some(Some((key, value))) if !key.is_empty() => {
            Some((key.to_ascii_lowercase().into(), value.trim_end_matches('*').into()))
        }
        Some(_) => {
            return Err(SignError::value("what its TXT record says is written `model=AudioAccessory*`"));
        }
    };
    Ok(SignKind::Mdns { service: service.into(), txt })
}

/// Reads the names that are asked for.
fn asks(rest: &str) -> Result<SignKind, SignError> {
    let patterns: Result<Box<[Pattern]>, _> = rest.split_ascii_whitespace().map(str::parse).collect();
    let patterns = patterns.map_err(|error| SignError::Value(error.to_string()))?;
    if patterns.len() > MOST_NAMES {
        return Err(SignError::value("more than four names; fewer are found out sooner"));
    }
    Ok(SignKind::Asks(patterns))
}

impl fmt::Display for SignKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mac(prefix) => write!(f, "mac {prefix}"),
            Self::Maker(prefix) => write!(f, "maker {prefix}"),
            Self::Host(name) => write!(f, "host {name}"),
            Self::Mdns { service, txt: None } => write!(f, "mdns {service}"),
            Self::Mdns { service, txt: Some((key, value)) } => write!(f, "mdns {service} {key}={value}*"),
            Self::Ssdp(what) => write!(f, "ssdp {what}"),
            Self::Asks(patterns) => {
                f.write_str("asks")?;
                patterns.iter().try_for_each(|pattern| write!(f, " {pattern}"))
            }
        }
    }
}

//----------- SignError --------------------------------------------------------

/// Why a line is no sign.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum SignError {
    /// Its first word.
    Word(String),
    /// What stands behind.
    Value(String),
}

impl SignError {
    /// Makes a complaint about what stands behind the word.
    fn value(say: &str) -> Self {
        Self::Value(say.to_owned())
    }
}

//----------- Tests ------------------------------------------------------------

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_are_written_as_they_are_read() {
        for text in [
            "mac 44:65:0d",
            "maker 70:b3:d5:12:30/36",
            "host sonoszp",
            "mdns _sonos._tcp",
            "mdns _airplay._tcp model=AudioAccessory*",
            "mdns _googlecast._tcp md=Google Home*",
            "ssdp urn:schemas-upnp-org:device:ZonePlayer:1",
            "asks api.amazonalexa.com {mmecho,acsecho}captiveportal.com",
        ] {
            let (word, rest) = text.split_once(' ').unwrap();
            assert_eq!(SignKind::read(word, rest).unwrap().to_string(), text);
        }
    }

    #[test]
    fn what_is_no_sign_is_told_from_what_is_a_faulty_one() {
        for (word, rest) in [("ssid", "x"), ("host", "")] {
            assert!(matches!(SignKind::read(word, rest), Err(SignError::Word(_))), "{word}");
        }
        for (word, rest) in [
            ("mac", "44:65"),
            ("host", "a b"),
            ("mdns", "sonos"),
            ("mdns", "_sonos._tcp model"),
            ("mdns", "_sonos._tcp =b"),
            ("asks", "a..b"),
            ("asks", "a AND b or c d e"),
        ] {
            assert!(matches!(SignKind::read(word, rest), Err(SignError::Value(_))), "{word} {rest}");
        }
    }
}
