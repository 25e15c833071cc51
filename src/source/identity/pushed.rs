//! What is pushed to us: who may, what it says, and how it is kept over a restart,
//! one line of JSON for each address.

use std::fmt;
use std::io;
use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::path::Path;

use serde::Deserialize;
use serde::Serialize;

use super::Told;
use super::name;
use crate::base::Diagnostic;
use crate::base::MacAddr;
use crate::base::Now;
use crate::base::units;
use crate::device::Binding;
use crate::source;

/// The file, in the state folder.
const FILE: &str = "pushed.jsonl";

/// The largest such file, in octets: thousands of addresses, each with a long name.
const MAX_PUSHED: usize = 2 << 20;

/// How many characters a token may have.
const TOKEN_LENGTH: RangeInclusive<usize> = 16..=256;

/// A line.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Line {
    /// The MAC address.
    mac: String,
    /// The address.
    address: IpAddr,
    /// What the device is called.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    /// Until when it holds, in seconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<i64>,
}

/// Keeps what was pushed in a state folder.
pub fn save(state: &Path, bindings: &[Binding]) -> io::Result<()> {
    let mut text = String::new();
    for Binding { addr, mac, name, until, .. } in bindings {
        let name = name.as_deref().map(str::to_owned);
        let line = Line { mac: mac.to_string(), address: *addr, name, until: *until };
        text.push_str(&serde_json::to_string(&line)?);
        text.push('\n');
    }
    source::replace(&state.join(FILE), &text)
}

/// Reads what was kept in a state folder.
pub fn load(state: &Path) -> Result<Told, Diagnostic> {
    let path = state.join(FILE);
    if !path.exists() {
        return Ok(Told::default());
    }
    let shown = path.display().to_string();
    Ok(parse(&shown, &source::read_text(&path, &shown, MAX_PUSHED)?))
}

/// Reads the lines.
pub fn parse(file: &str, text: &str) -> Told {
    let mut told = Told::default();
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        match read(line) {
            Ok(binding) => told.bindings.push(binding),
            Err(say) => told.doubt(|| Diagnostic::at(file, text, start, start + line.trim_end().len(), say)),
        }
        start += line.len();
    }
    told
}

/// Reads one line.
fn read(line: &str) -> Result<Binding, String> {
    let Line { mac, address, name, until } = serde_json::from_str(line).map_err(|error| error.to_string())?;
    binding(&mac, address, name.as_deref(), until)
}

/// What is said of an address over HTTP.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Said {
    /// The MAC address.
    mac: String,
    /// What the device is called.
    name: Option<String>,
    /// How long it holds, or until when.
    expires: Option<String>,
}

/// Reads what is said of an address over HTTP.
pub fn said(address: IpAddr, body: &[u8], now: Now) -> Result<Binding, String> {
    let Said { mac, name, expires } = serde_json::from_slice(body).map_err(|error| error.to_string())?;
    let until = expires.map(|text| until(&text, now)).transpose()?;
    binding(&mac, address, name.as_deref(), until)
}

/// Reads a duration from now on, or a date, as seconds since 1970.
pub fn until(text: &str, now: Now) -> Result<i64, String> {
    if let Ok(date) = text.parse() {
        return Ok(date);
    }
    let length = units::duration(text).map_err(|say| format!("`{text}`: {say}"))?;
    Ok(now.plus(length).unix)
}

/// Makes a binding of what somebody pushes, or says what is wrong with it.
pub fn binding(
    mac: &str,
    address: IpAddr,
    called: Option<&str>,
    until: Option<i64>,
) -> Result<Binding, String> {
    let mac: MacAddr = mac.parse().map_err(|error| format!("`{mac}`: {error}"))?;
    if !mac.is_one_device() {
        return Err(format!("`{mac}` is not the MAC address of one device"));
    }
    if !super::is_somebody(address) {
        return Err(format!("no device has the address {address}"));
    }
    Ok(Binding { addr: address.to_canonical(), mac, name: called.and_then(name), guest: false, until })
}

//----------- Token ------------------------------------------------------------

/// What those say who may push over HTTP.
#[derive(Eq, PartialEq)]
pub struct Token(Vec<u8>);

impl Token {
    /// Reads a file with a token in it, or says what is wrong with that.
    pub fn read(text: &str) -> Result<Self, String> {
        let token = text.trim().as_bytes();
        // RFC 6750 section 2.1
        let fits = |b: &u8| b.is_ascii_alphanumeric() || b"-._~+/=".contains(b);
        if !token.iter().all(fits) {
            return Err("a token is one word of letters, digits and -._~+/=".to_owned());
        }
        if !TOKEN_LENGTH.contains(&token.len()) {
            let (least, most) = (TOKEN_LENGTH.start(), TOKEN_LENGTH.end());
            return Err(format!("a token has {least} to {most} characters, so that nobody guesses it"));
        }
        Ok(Self(token.to_vec()))
    }

    /// Returns whether this is it; takes as long for every one of its length.
    pub fn is(&self, other: &[u8]) -> bool {
        let differ = self.0.iter().zip(other).fold(0, |differ, (a, b)| differ | (a ^ b));
        self.0.len() == other.len() && std::hint::black_box(differ) == 0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Clock;
    use crate::base::time::ManualClock;
    use proptest::prelude::*;

    #[test]
    fn what_is_saved_is_read_again() {
        let folder = std::env::temp_dir().join(format!("sordino-pushed-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        assert_eq!(load(&folder), Ok(Told::default()));
        let mac = "44:65:0d:12:34:56";
        let bindings = vec![
            binding(mac, "192.0.2.1".parse().unwrap(), Some("Küche \"1\""), Some(1_800_000_000)).unwrap(),
            binding(mac, "2001:db8::1".parse().unwrap(), None, None).unwrap(),
        ];
        save(&folder, &bindings).unwrap();
        assert_eq!(load(&folder), Ok(Told { bindings, ..Told::default() }));
        std::fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for (mac, address) in [
            ("44:65:0d", "192.0.2.1"),
            ("00:00:00:00:00:00", "192.0.2.1"),
            ("44:65:0d:12:34:56", "127.0.0.1"),
            ("44:65:0d:12:34:56", "ff02::1"),
        ] {
            assert!(binding(mac, address.parse().unwrap(), None, None).is_err(), "{mac} {address}");
        }
    }

    #[test]
    fn what_is_said_over_http_is_read_or_refused() {
        let (now, address) = (ManualClock::at(1_800_000_000).now(), "192.0.2.7".parse().unwrap());
        let read = |text: &str| said(address, text.as_bytes(), now);
        let whole = r#"{"mac":"44:65:0d:12:34:56","name":"Echo","expires":"12h"}"#;
        let expected = binding("44:65:0d:12:34:56", address, Some("Echo"), Some(1_800_043_200));
        assert_eq!(read(whole), expected);
        assert_eq!(read(&whole.replace("12h", "1800043200")), expected);
        for (wrong, why) in [
            (whole.replace("12h", "soon"), "`soon`"),
            (whole.replace("name", "nom"), "unknown field `nom`"),
            (whole.replace("44:", ""), "not a MAC address"),
            (format!("{whole}{whole}"), "trailing characters"),
            ("{}".to_owned(), "missing field `mac`"),
            ("[".repeat(1000), ""),
        ] {
            let say = read(&wrong).unwrap_err();
            assert!(say.contains(why), "{wrong}: {say}");
        }
    }

    #[test]
    fn a_token_is_long_and_one_word() {
        let token = Token::read(" 0123456789abcdef\n").unwrap();
        assert!(token.is(b"0123456789abcdef"));
        for other in ["", "0123456789abcde", "0123456789abcdeF", "0123456789abcdef0", " 0123456789abcdef"] {
            assert!(!token.is(other.as_bytes()), "{other}");
        }
        for wrong in ["", "short", "0123456789abcdef 0123456789abcdef", "0123456789abcdé", &"x".repeat(257)]
        {
            assert!(Token::read(wrong).is_err(), "{wrong}");
        }
        assert_eq!(format!("{token:?}"), "Token", "it is not shown");
    }

    proptest! {
        #[test]
        fn any_text_is_read(text in "(\\PC|\n){0,200}") {
            let _ = parse("pushed", &text);
            let _ = said("192.0.2.7".parse().unwrap(), text.as_bytes(), ManualClock::at(0).now());
        }
    }
}
