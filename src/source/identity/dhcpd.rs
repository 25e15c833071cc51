//! The leases of ISC dhcpd: `/var/lib/dhcp/dhcpd.leases` and `dhcpd6.leases`.
//!
//! ```text
//! lease 192.168.178.20 {
//!   ends 4 2026/11/26 08:00:00;
//!   binding state active;
//!   hardware ethernet 44:65:0d:12:34:56;
//!   client-hostname "echo";
//! }
//! ia-na "\000\001\000\001…" { iaaddr fd00:178::20 { binding state active; … } }
//! ```
//!
//! The file is appended to: the last block about an address is right.  The
//! language is an open one, so statements that mean nothing to us are passed over.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::Told;
use super::is_somebody;
use super::mac_in_duid;
use super::name;
use crate::base::Diagnostic;
use crate::base::MacAddr;
use crate::device::Binding;

/// Most blocks inside each other; the file has two.
const MOST_DEPTH: usize = 8;

/// Most words of a statement that are kept.
const MOST_WORDS: usize = 8;

/// Returns whether a text looks like a file of ISC dhcpd.
pub fn fits(text: &str) -> bool {
    text.lines().take(50).map(str::trim_start).any(|line| {
        line.contains("dhcpd.leases(5)")
            || ["lease ", "ia-na ", "authoring-byte-order", "server-duid "]
                .iter()
                .any(|w| line.starts_with(w))
    })
}

//----------- Words ------------------------------------------------------------

/// A word, and where it stands.
#[derive(Clone, Debug)]
struct Word {
    /// What it says, without quotes and escapes.
    octets: Vec<u8>,
    /// Where it begins and ends, in octets of the text.
    at: (usize, usize),
}

impl Word {
    /// Returns it as text.
    fn text(&self) -> &str {
        std::str::from_utf8(&self.octets).unwrap_or_default()
    }
}

/// What a text consists of.
enum Token {
    Word(Word),
    Open,
    Close,
    End,
}

/// Cuts a text into tokens.
struct Tokens<'a> {
    text: &'a [u8],
    at: usize,
}

impl Iterator for Tokens<'_> {
    type Item = Token;

    fn next(&mut self) -> Option<Token> {
        loop {
            match *self.text.get(self.at)? {
                b'#' => self.skip(|b| b != b'\n'),
                b if b.is_ascii_whitespace() => self.skip(|b| b.is_ascii_whitespace()),
                _ => break,
            }
        }
        let start = self.at;
        self.at += 1;
        Some(match *self.text.get(start)? {
            b'{' => Token::Open,
            b'}' => Token::Close,
            b';' => Token::End,
            b'"' => {
                let octets = self.string();
                Token::Word(Word { octets, at: (start, self.at) })
            }
            _ => {
                self.skip(|b| !b.is_ascii_whitespace() && !matches!(b, b'{' | b'}' | b';' | b'"'));
                let octets = self.text.get(start..self.at)?.to_vec();
                Token::Word(Word { octets, at: (start, self.at) })
            }
        })
    }
}

impl Tokens<'_> {
    /// Goes on while `passes` says so.
    fn skip(&mut self, passes: impl Fn(u8) -> bool) {
        while self.text.get(self.at).is_some_and(|b| passes(*b)) {
            self.at += 1;
        }
    }

    /// Reads a string to its end: `\"`, and `\ooo` for an octet.
    fn string(&mut self) -> Vec<u8> {
        let mut octets = Vec::new();
        while let Some(&b) = self.text.get(self.at) {
            self.at += 1;
            match b {
                b'"' => break,
                b'\\' => {
                    let digits = self.text.get(self.at..self.at + 3).and_then(octal);
                    match (digits, self.text.get(self.at)) {
                        (Some(octet), _) => {
                            octets.push(octet);
                            self.at += 3;
                        }
                        (None, Some(&escaped)) => {
                            octets.push(escaped);
                            self.at += 1;
                        }
                        (None, None) => {}
                    }
                }
                _ => octets.push(b),
            }
        }
        octets
    }
}

/// Reads three octal digits.
fn octal(digits: &[u8]) -> Option<u8> {
    let text = std::str::from_utf8(digits).ok()?;
    if digits.iter().all(u8::is_ascii_digit) { u8::from_str_radix(text, 8).ok() } else { None }
}

//----------- Blocks -----------------------------------------------------------

/// A block that is being read.
#[derive(Default)]
struct Block {
    /// The address it is about, if it is a lease.
    addr: Option<IpAddr>,
    /// The MAC address.
    mac: Option<MacAddr>,
    /// What the device calls itself.
    host: Option<Vec<u8>>,
    /// When it ends; never without.
    until: Option<i64>,
    /// Whether it has ended.
    over: bool,
}

/// Reads all leases.
pub fn parse(file: &str, text: &str) -> Told {
    let mut told = Told::default();
    let mut leases: BTreeMap<IpAddr, Option<Binding>> = BTreeMap::new();
    let mut blocks: Vec<Block> = Vec::new();
    let mut words: Vec<Word> = Vec::new();
    let mut too_deep = 0usize;
    for token in (Tokens { text: text.as_bytes(), at: 0 }) {
        let said = match token {
            Token::Word(word) => {
                if words.len() < MOST_WORDS {
                    words.push(word);
                }
                continue;
            }
            Token::Open if blocks.len() >= MOST_DEPTH => {
                too_deep += 1;
                Ok(())
            }
            Token::Open => {
                let opened = open(&words, blocks.last());
                // The statements of a block that is wrong are read and mean nothing.
                let (block, said) =
                    opened.map_or_else(|wrong| (Block::default(), Err(wrong)), |b| (b, Ok(())));
                blocks.push(block);
                said
            }
            Token::Close if too_deep > 0 => {
                too_deep -= 1;
                Ok(())
            }
            Token::Close => {
                if let Some(block) = blocks.pop()
                    && let Some(addr) = block.addr
                {
                    leases.insert(addr, binding(addr, block));
                }
                Ok(())
            }
            Token::End => match blocks.last_mut() {
                Some(block) if too_deep == 0 => state(&words, block),
                _ => Ok(()),
            },
        };
        if let Err((nth, say)) = said {
            let (start, end) = words.get(nth).or_else(|| words.last()).map_or((0, 0), |word| word.at);
            told.doubt(|| Diagnostic::at(file, text, start, end, say));
        }
        words.clear();
    }
    told.bindings = leases.into_values().flatten().collect();
    told
}

/// What is wrong with a statement: which word, and how.
type Wrong = (usize, &'static str);

/// Begins a block.
fn open(words: &[Word], outer: Option<&Block>) -> Result<Block, Wrong> {
    let keyword = words.first().map(Word::text).unwrap_or_default();
    let address = || {
        let addr = words.get(1).and_then(|word| word.text().parse::<IpAddr>().ok());
        addr.map(Some).ok_or((1, "not an address"))
    };
    match keyword {
        "lease" => Ok(Block { addr: address()?, ..Block::default() }),
        "iaaddr" => {
            Ok(Block { addr: address()?, mac: outer.and_then(|outer| outer.mac), ..Block::default() })
        }
        "ia-na" | "ia-ta" => {
            // An identity association has an id of four octets before its DUID.
            let duid = words.get(1).and_then(|word| word.octets.get(4..)).unwrap_or_default();
            Ok(Block { mac: mac_in_duid(duid), ..Block::default() })
        }
        _ => Ok(Block::default()),
    }
}

/// Takes in a statement of a block.
fn state(words: &[Word], block: &mut Block) -> Result<(), Wrong> {
    let word = |nth: usize| words.get(nth).map(Word::text).unwrap_or_default();
    match (word(0), word(1)) {
        ("ends", "never") => block.until = None,
        ("ends", "epoch") => block.until = Some(word(2).parse().map_err(|_| (2, "not a number"))?),
        ("ends", _) => block.until = Some(date(word(2), word(3)).ok_or((2, "not a date"))?),
        ("binding", "state") => block.over = word(2) != "active",
        ("hardware", "ethernet") => {
            let mac: MacAddr = word(2).parse().map_err(|_| (2, "not a MAC address"))?;
            block.mac = mac.is_one_device().then_some(mac);
        }
        ("client-hostname", _) => block.host = words.get(1).map(|word| word.octets.clone()),
        _ => {}
    }
    Ok(())
}

/// Makes a binding of a block; none if its lease has ended, or of nobody we could
/// know.
fn binding(addr: IpAddr, block: Block) -> Option<Binding> {
    let mac = block.mac.filter(|_| !block.over && is_somebody(addr))?;
    let host = block.host.and_then(|host| name(&String::from_utf8_lossy(&host)));
    Some(Binding { addr, mac, name: host, guest: false, until: block.until })
}

/// Reads `2026/11/26` and `08:00:00`, UTC, as seconds since 1970.
fn date(day: &str, time: &str) -> Option<i64> {
    let three = |text: &str, by: char| -> Option<[i64; 3]> {
        let parts: Vec<i64> = text.split(by).map(|part| part.parse().ok()).collect::<Option<_>>()?;
        parts.try_into().ok()
    };
    let ([year, month, day], [hour, minute, second]) = (three(day, '/')?, three(time, ':')?);
    let fine = (1970..=9999).contains(&year) && (1..=12).contains(&month) && (1..=31).contains(&day);
    if !fine || !(0..24).contains(&hour) || !(0..60).contains(&minute) || !(0..=60).contains(&second) {
        return None;
    }
    // Days since 1970, of a year that begins in March so that leap days end it.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = 365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day - 1 - 719_468;
    Some(days * 86_400 + hour * 3_600 + minute * 60 + second)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const TEXT: &str = r#"
# The format of this file is documented in the dhcpd.leases(5) manual page.
authoring-byte-order little-endian;
server-duid "\000\001\000\001,^\021\"\000\000^\000S\001";

lease 192.168.178.20 {
  starts 3 2026/11/25 20:00:00;
  ends 4 2026/11/26 08:00:00;
  cltt 3 2026/11/25 20:00:00;
  binding state active;
  next binding state free;
  rewind binding state free;
  hardware ethernet 00:00:5e:00:53:99;
  uid "\001\000\000^\000S\231";
  client-hostname "old; } {";
}
lease 192.168.178.21 { ends never; binding state active; hardware ethernet 00:00:5e:00:53:30; }
lease 192.168.178.22 { ends epoch 1800003600; binding state free; hardware ethernet 00:00:5e:00:53:31; }
lease 192.168.178.20 {
  ends 4 2026/11/26 20:00:00;
  binding state active;
  hardware ethernet 44:65:0d:12:34:56;
  set vendor-class-identifier = "x";
  on expiry { set a = "b"; }
  client-hostname "echo";
}
ia-na "\001\002\003\004\000\003\000\001De\0154V\"" { cltt 3 2026/11/25 20:00:00;
  iaaddr fd00:178::21 { binding state active; ends never; } }
ia-na "\001\002\003\004\000\003\000\001De\015\0224V" {
  cltt 3 2026/11/25 20:00:00;
  iaaddr fd00:178::20 {
    binding state active;
    preferred-life 225;
    max-life 360;
    ends 4 2026/11/26 08:00:00;
  }
}
lease 192.168.178.23 { binding state active; hardware ethernet 00:00:5e:00:5"#;

    fn shown(told: &Told) -> Vec<String> {
        let show =
            |b: &Binding| format!("{} {} {} {:?}", b.addr, b.mac, b.name.as_deref().unwrap_or("-"), b.until);
        told.bindings.iter().map(show).collect()
    }

    #[test]
    fn the_last_block_about_an_address_is_right() {
        assert!(fits(TEXT) && !fits("1800003600 44:65:0d:12:34:56 192.168.178.20 echo *\n"));
        let told = parse("leases", TEXT);
        assert_eq!(told.doubt, None);
        assert_eq!(
            shown(&told),
            [
                "192.168.178.20 44:65:0d:12:34:56 echo Some(1795723200)",
                "192.168.178.21 00:00:5e:00:53:30 - None",
                "fd00:178::20 44:65:0d:12:34:56 - Some(1795680000)",
                "fd00:178::21 44:65:0d:34:56:22 - None",
            ]
        );
    }

    #[test]
    fn what_is_wrong_is_named_and_the_rest_is_read() {
        let good = "lease 192.0.2.1 { binding state active; hardware ethernet 00:00:5e:00:53:01; }\n";
        for (bad, say) in [
            ("lease 192.0.2 { binding state active; }\n", "leases:1:7: warning: not an address"),
            ("lease 192.0.2.2 { hardware ethernet 00:00; }\n", "leases:1:37: warning: not a MAC address"),
            ("lease 192.0.2.2 {\n  ends 4 2026/13/01 00:00:00;\n}\n", "leases:2:10: warning: not a date"),
        ] {
            let told = parse("leases", &format!("{bad}{good}"));
            let doubt = told.doubt.clone().unwrap().to_string();
            assert!(doubt.starts_with(say), "{doubt}");
            assert_eq!(shown(&told), ["192.0.2.1 00:00:5e:00:53:01 - None"]);
        }
    }

    #[test]
    fn dates_are_those_of_the_calendar() {
        for (day, time, seconds) in [
            ("1970/01/01", "00:00:00", Some(0)),
            ("2000/02/29", "12:00:00", Some(951_825_600)),
            ("2026/11/25", "20:00:00", Some(1_795_636_800)),
            ("2026/11/32", "20:00:00", None),
            ("2026/11", "20:00:00", None),
        ] {
            assert_eq!(date(day, time), seconds, "{day}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read(text in "(\\PC|\n|[{};\"\\\\]){0,200}") {
            let _ = parse("leases", &text);
            let _ = parse("leases", &format!("lease 192.0.2.1 {{ {text} }}"));
        }
    }
}
