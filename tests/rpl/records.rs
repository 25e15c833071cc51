//! Records, from zone file lines to octets: by code of its own, so that
//! whoever reads them is tested by more than himself.

use std::net::Ipv4Addr;
use std::net::Ipv6Addr;

use hickory_proto::rr::Name;
use hickory_proto::serialize::binary::BinEncodable;

/// A record.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Rr {
    /// The owner.
    pub(crate) owner: Name,
    /// The type.
    pub(crate) rtype: u16,
    /// The class.
    pub(crate) class: u16,
    /// The TTL, in seconds.
    pub(crate) ttl: u32,
    /// The data.
    pub(crate) data: Vec<u8>,
}

/// Types that scenarios name, and their numbers.
pub(crate) const TYPES: &[(&str, u16)] = &[
    ("A", 1),
    ("NS", 2),
    ("CNAME", 5),
    ("SOA", 6),
    ("PTR", 12),
    ("HINFO", 13),
    ("MX", 15),
    ("TXT", 16),
    ("AAAA", 28),
    ("LOC", 29),
    ("SRV", 33),
    ("NAPTR", 35),
    ("CERT", 37),
    ("DNAME", 39),
    ("DS", 43),
    ("SSHFP", 44),
    ("RRSIG", 46),
    ("NSEC", 47),
    ("DNSKEY", 48),
    ("NSEC3", 50),
    ("NSEC3PARAM", 51),
    ("TLSA", 52),
    ("CDS", 59),
    ("CDNSKEY", 60),
    ("SVCB", 64),
    ("HTTPS", 65),
    ("SPF", 99),
    ("ANY", 255),
    ("CAA", 257),
    ("DLV", 32_769),
    ("RP", 17),
    ("AFSDB", 18),
    ("RT", 21),
    ("PX", 26),
    ("KX", 36),
];

/// Returns the number of a type.
pub(crate) fn rtype(word: &str) -> Result<u16, String> {
    let known = TYPES.iter().find(|(name, _)| name.eq_ignore_ascii_case(word)).map(|(_, number)| *number);
    let by_number = || word.to_ascii_uppercase().strip_prefix("TYPE").and_then(|number| number.parse().ok());
    known.or_else(by_number).ok_or_else(|| format!("no type is called {word}"))
}

/// Reads a name.
pub(crate) fn name(word: &str, origin: &str) -> Result<Name, String> {
    let fault = |_| format!("not a name: {word}");
    if word == "@" {
        return Name::from_ascii(origin).map_err(fault);
    }
    if word.contains('\\') {
        let labels =
            escaped(word.strip_suffix('.').unwrap_or(word)).ok_or_else(|| format!("not a name: {word}"))?;
        return Name::from_labels(labels).map_err(fault);
    }
    let name = Name::from_ascii(word).map_err(fault)?;
    if name.is_fqdn() {
        return Ok(name);
    }
    let mut name = name.append_domain(&Name::from_ascii(origin).map_err(fault)?).map_err(fault)?;
    name.set_fqdn(true);
    Ok(name)
}

/// Reads the labels of a whole name in which octets are escaped (RFC 1035 section 5.1).
fn escaped(word: &str) -> Option<Vec<Vec<u8>>> {
    let mut labels = vec![Vec::new()];
    let mut octets = word.as_bytes();
    while let [first, rest @ ..] = octets {
        octets = rest;
        let octet = match (first, rest) {
            (b'.', _) => {
                labels.push(Vec::new());
                continue;
            }
            (b'\\', [digit, ..]) if digit.is_ascii_digit() => {
                octets = rest.get(3..)?;
                std::str::from_utf8(&rest[..3]).ok()?.parse().ok()?
            }
            (b'\\', [letter, rest @ ..]) => {
                octets = rest;
                *letter
            }
            _ => *first,
        };
        labels.last_mut()?.push(octet);
    }
    Some(labels)
}

/// Reads a question: name, class, type.
pub(crate) fn question(words: &[&str], origin: &str) -> Result<Rr, String> {
    let (Some(owner), Some(last)) = (words.first(), words.last()) else { return Err("nothing".to_owned()) };
    let class = words.get(1).map_or(1, |word| class(word).unwrap_or(1));
    Ok(Rr { owner: name(owner, origin)?, rtype: rtype(last)?, class, ttl: 0, data: Vec::new() })
}

/// Returns the number of a class.
fn class(word: &str) -> Option<u16> {
    match word {
        "IN" => Some(1),
        "CH" => Some(3),
        "HS" => Some(4),
        "ANY" => Some(255),
        _ => None,
    }
}

/// Reads a record: name, then TTL and class in either order, type, data.
pub(crate) fn record(line: &str, origin: &str, ttl: u32) -> Result<Rr, String> {
    let words = words(line);
    let mut rest = words.iter().map(String::as_str).peekable();
    let owner = name(rest.next().ok_or("no owner")?, origin)?;
    let (mut ttl, mut in_class) = (ttl, 1);
    while let Some(word) = rest.peek() {
        if let Some(seconds) = seconds(word) {
            ttl = seconds;
        } else if let Some(number) = class(&word.to_ascii_uppercase()) {
            in_class = number;
        } else {
            break;
        }
        rest.next();
    }
    let rtype = rtype(rest.next().ok_or("no type")?)?;
    let data: Vec<&str> = rest.collect();
    let data = data_of(rtype, &data, origin).ok_or_else(|| format!("data not understood: {line}"))?;
    Ok(Rr { owner, rtype, class: in_class, ttl, data })
}

/// Splits a line into words; what is quoted is one, and keeps its first quote.
fn words(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quoted = false;
    for letter in line.chars() {
        match letter {
            '"' => {
                quoted = !quoted;
                if quoted && let Some(last) = words.last_mut() {
                    last.push('"');
                }
            }
            '(' | ')' if !quoted => {}
            letter if letter.is_whitespace() && !quoted => words.push(String::new()),
            letter => {
                if let Some(last) = words.last_mut() {
                    last.push(letter);
                }
            }
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

/// Reads a TTL: seconds, or with a unit.
fn seconds(word: &str) -> Option<u32> {
    let unit = match word.to_ascii_lowercase().chars().last()? {
        's' => 1,
        'm' => 60,
        'h' => 3_600,
        'd' => 86_400,
        'w' => 604_800,
        _ => return word.parse().ok(),
    };
    word.get(..word.len() - 1)?.parse::<u32>().ok()?.checked_mul(unit)
}

/// Reads hexadecimal digits.
pub(crate) fn hex(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> =
        text.chars().map(|digit| digit.to_digit(16).and_then(|digit| u8::try_from(digit).ok())).collect();
    let (pairs, []) = digits.as_ref()?.as_chunks::<2>() else { return None };
    Some(pairs.iter().map(|[high, low]| high << 4 | low).collect())
}

/// Decodes digits of so many bits, as Base64 and Base32 have them.
fn digits(text: &str, bits: u32, value: impl Fn(u8) -> Option<u8>) -> Option<Vec<u8>> {
    let mut octets = Vec::new();
    let (mut all, mut held) = (0u32, 0u32);
    for byte in text.trim_end_matches('=').bytes() {
        all = (all << bits | u32::from(value(byte)?)) & 0xffff;
        held += bits;
        if held >= 8 {
            held -= 8;
            octets.push(u8::try_from(all >> held & 0xff).ok()?);
        }
    }
    Some(octets)
}

/// Reads Base64.
pub(crate) fn base64(text: &str) -> Option<Vec<u8>> {
    digits(text, 6, |byte| match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'a'..=b'z' => Some(byte - b'a' + 26),
        b'0'..=b'9' => Some(byte - b'0' + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    })
}

/// Reads Base32 with the extended hex alphabet.
fn base32(text: &str) -> Option<Vec<u8>> {
    digits(text, 5, |byte| match byte.to_ascii_lowercase() {
        digit @ b'0'..=b'9' => Some(digit - b'0'),
        letter @ b'a'..=b'v' => Some(letter - b'a' + 10),
        _ => None,
    })
}

/// Reads a list of types, as NSEC and NSEC3 have them (RFC 4034 section 4.1.2).
fn bitmap(words: &[&str]) -> Option<Vec<u8>> {
    let mut types = words.iter().map(|word| rtype(word).ok()).collect::<Option<Vec<u16>>>()?;
    types.sort_unstable();
    let mut out = Vec::new();
    for window in 0..=255u8 {
        let mut bits = [0u8; 32];
        for of in types.iter().filter(|of| of.to_be_bytes()[0] == window) {
            let low = of.to_be_bytes()[1];
            bits[usize::from(low / 8)] |= 0x80 >> (low % 8);
        }
        let length = bits.iter().rposition(|octet| *octet != 0).map_or(0, |at| at + 1);
        if length > 0 {
            out.extend([window, u8::try_from(length).ok()?]);
            out.extend(bits.get(..length)?);
        }
    }
    Some(out)
}

/// Reads the time of a signature: `YYYYMMDDHHMMSS`, or seconds.
pub(crate) fn moment(word: &str) -> Option<i64> {
    if word.len() != 14 {
        return word.parse().ok();
    }
    let part = |from: usize, to: usize| word.get(from..to)?.parse::<i64>().ok();
    let (year, month, day) = (part(0, 4)?, part(4, 6)?, part(6, 8)?);
    // Days since 1970 (Hinnant, "chrono-compatible low-level date algorithms").
    let year = if month <= 2 { year - 1 } else { year };
    let of_era = year.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let days = year.div_euclid(400) * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468;
    Some(days * 86_400 + part(8, 10)? * 3_600 + part(10, 12)? * 60 + part(12, 14)?)
}

/// Returns the number of an algorithm, which may be written as a word.
fn algorithm(word: &str) -> Option<u8> {
    let known = match word {
        "DSA" => 3,
        "RSASHA1" => 5,
        "NSEC3DSA" | "DSA-NSEC3-SHA1" => 6,
        "RSASHA1-NSEC3-SHA1" => 7,
        "RSASHA256" => 8,
        "RSASHA512" => 10,
        "ECDSAP256SHA256" => 13,
        "ECDSAP384SHA384" => 14,
        "ED25519" => 15,
        _ => return word.parse().ok(),
    };
    Some(known)
}

/// Returns data in octets.
fn data_of(rtype: u16, words: &[&str], origin: &str) -> Option<Vec<u8>> {
    if let ["\\#", length, digits @ ..] = words {
        let octets = hex(&digits.concat())?;
        return (octets.len() == length.parse::<usize>().ok()?).then_some(octets);
    }
    let host = |word: &str| name(word, origin).ok()?.to_bytes().ok();
    let two = |word: &str| Some(word.parse::<u16>().ok()?.to_be_bytes().to_vec());
    let four = |word: &str| Some(seconds(word)?.to_be_bytes().to_vec());
    let text = |word: &str| {
        let word = word.strip_prefix('"').unwrap_or(word);
        Some([&[u8::try_from(word.len()).ok()?], word.as_bytes()].concat())
    };
    let parts: Vec<Vec<u8>> = match (rtype, words) {
        (1, [address]) => vec![address.parse::<Ipv4Addr>().ok()?.octets().to_vec()],
        (28, [address]) => vec![address.parse::<Ipv6Addr>().ok()?.octets().to_vec()],
        (2 | 5 | 12 | 39, [target]) => vec![host(target)?],
        (6, [primary, mail, serial, times @ ..]) if times.len() == 4 => {
            let mut parts = vec![host(primary)?, host(mail)?, four(serial)?];
            for word in times {
                parts.push(four(word)?);
            }
            parts
        }
        (17, [mail, text]) => vec![host(mail)?, host(text)?],
        (26, [preference, one, other]) => vec![two(preference)?, host(one)?, host(other)?],
        (15 | 18 | 21 | 36, [preference, target]) => vec![two(preference)?, host(target)?],
        (33, [priority, weight, port, target]) => {
            vec![two(priority)?, two(weight)?, two(port)?, host(target)?]
        }
        (35, [order, preference, flags, services, regexp, target]) => {
            vec![two(order)?, two(preference)?, text(flags)?, text(services)?, text(regexp)?, host(target)?]
        }
        (13 | 16 | 99, [_, ..]) => words.iter().map(|word| text(word)).collect::<Option<_>>()?,
        (43 | 59 | 32_769, [tag, alg, kind, digest @ ..]) => {
            vec![two(tag)?, vec![algorithm(alg)?, kind.parse().ok()?], hex(&digest.concat())?]
        }
        (48 | 60, [flags, protocol, alg, key @ ..]) => {
            vec![two(flags)?, vec![protocol.parse().ok()?, algorithm(alg)?], base64(&key.concat())?]
        }
        (46, [covered, alg, labels, ttl, expiration, inception, tag, signer, signature @ ..]) => {
            let time = |word: &str| Some(u32::try_from(moment(word)?).ok()?.to_be_bytes().to_vec());
            vec![
                self::rtype(covered).ok()?.to_be_bytes().to_vec(),
                vec![algorithm(alg)?, labels.parse().ok()?],
                four(ttl)?,
                time(expiration)?,
                time(inception)?,
                two(tag)?,
                host(signer)?,
                base64(&signature.concat())?,
            ]
        }
        (47, [next, types @ ..]) => vec![host(next)?, bitmap(types)?],
        (50, [hash, flags, iterations, salt, next, types @ ..]) => {
            let (salt, next) = (self::salt(salt)?, base32(next)?);
            let length = vec![u8::try_from(next.len()).ok()?];
            let fixed = vec![hash.parse().ok()?, flags.parse().ok()?];
            vec![fixed, two(iterations)?, salt, length, next, bitmap(types)?]
        }
        (51, [hash, flags, iterations, salt]) => {
            vec![vec![hash.parse().ok()?, flags.parse().ok()?], two(iterations)?, self::salt(salt)?]
        }
        _ => return None,
    };
    Some(parts.concat())
}

/// Reads a salt, with its length before it.
fn salt(word: &str) -> Option<Vec<u8>> {
    let salt = if word == "-" { Vec::new() } else { hex(word)? };
    Some([vec![u8::try_from(salt.len()).ok()?], salt].concat())
}
