//! [`File`]: root hints and trust anchors, out of the files that everybody has:
//! `named.root` and `root.key`.
//!
//! One reader for both, of zone file lines without the parts that neither
//! needs.  A fault names its line and column.

use std::net::IpAddr;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use hickory_proto::dnssec::Algorithm;
use hickory_proto::dnssec::DigestType;
use hickory_proto::dnssec::PublicKeyBuf;
use hickory_proto::dnssec::rdata::DNSKEY;
use hickory_proto::dnssec::rdata::DS;

use crate::base::Diagnostic;
use crate::base::Domain;

/// The largest file, in octets; `named.root` has 3 KiB.
const MAX_FILE: usize = 256 * 1024;

/// The most records that are used.
const MAX_RECORDS: usize = 256;

//----------- File -------------------------------------------------------------

/// A text and where it is from.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct File {
    /// The file, as the user would name it.
    pub name: Arc<str>,
    /// What it says.
    pub text: String,
}

impl File {
    /// Returns a complaint about a part of the text.
    fn complain(&self, part: &str, say: impl Into<String>) -> Diagnostic {
        let start = part.as_ptr().addr().wrapping_sub(self.text.as_ptr().addr());
        Diagnostic::at(Arc::clone(&self.name), &self.text, start, start.saturating_add(part.len()), say)
    }

    /// Returns the records: owner, type, and the words of the data.
    fn records(&self) -> Result<Vec<Line<'_>>, Diagnostic> {
        if self.text.len() > MAX_FILE {
            let say = format!("larger than {MAX_FILE} octets");
            return Err(Diagnostic::of_file(Arc::clone(&self.name), say));
        }
        let mut records = Vec::new();
        for entry in entries(&self.text) {
            let mut words = entry.into_iter();
            let Some(owner) = words.next() else { continue };
            // TTL and class may be there, in either order (RFC 1035 section 5.1).
            let rtype = words.find(|word| !is_ttl(word) && !word.eq_ignore_ascii_case("IN"));
            let Some(rtype) = rtype else {
                return Err(self.complain(owner, "a record needs a name, a type and data"));
            };
            let name: Domain = owner.parse().map_err(|say| self.complain(owner, format!("{say}")))?;
            records.push(Line { name, rtype, data: words.collect() });
            if records.len() > MAX_RECORDS {
                return Err(self.complain(owner, format!("more than {MAX_RECORDS} records")));
            }
        }
        Ok(records)
    }
}

/// A record as it is written.
struct Line<'a> {
    /// The owner.
    name: Domain,
    /// The type's mnemonic.
    rtype: &'a str,
    /// The words of the data.
    data: Vec<&'a str>,
}

/// Returns whether a word is a TTL.
fn is_ttl(word: &str) -> bool {
    word.bytes().all(|byte| byte.is_ascii_digit())
}

/// Splits a text into entries of words.  Parentheses join lines, semicolons
/// begin comments.
fn entries(text: &str) -> Vec<Vec<&str>> {
    let mut entries = Vec::new();
    let mut entry = Vec::new();
    let mut open = false;
    for line in text.lines() {
        let line = line.split(';').next().unwrap_or_default();
        for word in line.split_inclusive(['(', ')', ' ', '\t', '\r']) {
            let closer = word.chars().last();
            let word = word.trim_end_matches(['(', ')', ' ', '\t', '\r']);
            if !word.is_empty() {
                entry.push(word);
            }
            match closer {
                Some('(') => open = true,
                Some(')') => open = false,
                _ => {}
            }
        }
        if !open && !entry.is_empty() {
            entries.push(std::mem::take(&mut entry));
        }
    }
    if !entry.is_empty() {
        entries.push(entry);
    }
    entries
}

//----------- root hints -------------------------------------------------------

/// The root servers (IANA, `named.root`; b.root moved in November 2023).
pub(super) const ROOT_SERVERS: [&str; 26] = [
    "198.41.0.4",
    "170.247.170.2",
    "192.33.4.12",
    "199.7.91.13",
    "192.203.230.10",
    "192.5.5.241",
    "192.112.36.4",
    "198.97.190.53",
    "192.36.148.17",
    "192.58.128.30",
    "193.0.14.129",
    "199.7.83.42",
    "202.12.27.33",
    "2001:503:ba3e::2:30",
    "2801:1b8:10::b",
    "2001:500:2::c",
    "2001:500:2d::d",
    "2001:500:a8::e",
    "2001:500:2f::f",
    "2001:500:12::d0d",
    "2001:500:1::53",
    "2001:7fe::53",
    "2001:503:c27::2:30",
    "2001:7fd::1",
    "2001:500:9f::42",
    "2001:dc3::35",
];

/// Reads the addresses of root servers out of a hints file.
pub(super) fn root_hints(file: &File) -> Result<Vec<IpAddr>, Diagnostic> {
    let mut addresses = Vec::new();
    for line in file.records()? {
        let is = |rtype: &str| line.rtype.eq_ignore_ascii_case(rtype);
        if is("NS") {
            continue;
        }
        if !is("A") && !is("AAAA") {
            return Err(file.complain(line.rtype, "root hints are records of type NS, A and AAAA"));
        }
        let word = line.data.first().copied().unwrap_or(line.rtype);
        let address = match word.parse::<IpAddr>() {
            Ok(address) if address.is_ipv4() == is("A") => address,
            _ => return Err(file.complain(word, format!("not an address of type {}", line.rtype))),
        };
        if !addresses.contains(&address) {
            addresses.push(address);
        }
    }
    if addresses.is_empty() {
        return Err(Diagnostic::of_file(Arc::clone(&file.name), "no address of a root server in it"));
    }
    Ok(addresses)
}

//----------- trust anchors ----------------------------------------------------

/// What is trusted without proof: a key, or the digest of one.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Anchor {
    /// A key.
    Key(Domain, DNSKEY),
    /// The digest of a key.
    Digest(Domain, DS),
}

/// Reads DS and DNSKEY records out of a trust anchor file.  A file with nothing
/// but the data of DS records, as some tools write it, is about the root.
pub(super) fn trust_anchors(file: &File) -> Result<Vec<Anchor>, Diagnostic> {
    let mut anchors = Vec::new();
    let entries = entries(&file.text);
    let is_data = |words: &Vec<&str>| words.len() > 3 && words.iter().take(3).all(|word| is_ttl(word));
    if !entries.is_empty() && entries.len() <= MAX_RECORDS && entries.iter().all(is_data) {
        let read = |words: &Vec<&str>| {
            let last = words.last().copied().unwrap_or_default();
            let say = "not a digest; write: . DS 20326 8 2 HEX";
            ds(words).map(|ds| Anchor::Digest(Domain::root(), ds)).ok_or_else(|| file.complain(last, say))
        };
        return entries.iter().map(read).collect();
    }
    for line in file.records()? {
        let last = line.data.last().copied().unwrap_or(line.rtype);
        if line.rtype.eq_ignore_ascii_case("DNSKEY") {
            let say = "not a key; write: . DNSKEY 257 3 8 BASE64";
            let key = dnskey(&line.data).ok_or_else(|| file.complain(last, say))?;
            // RFC 4034 section 2.1.2: other keys, and revoked ones, sign nothing.
            if key.zone_key() && !key.revoke() {
                anchors.push(Anchor::Key(line.name, key));
            }
        } else if line.rtype.eq_ignore_ascii_case("DS") {
            let say = "not a digest; write: . DS 20326 8 2 HEX";
            anchors.push(Anchor::Digest(line.name, ds(&line.data).ok_or_else(|| file.complain(last, say))?));
        } else {
            return Err(file.complain(line.rtype, "trust anchors are records of type DS and DNSKEY"));
        }
    }
    if anchors.is_empty() {
        return Err(Diagnostic::of_file(Arc::clone(&file.name), "no trust anchor in it"));
    }
    Ok(anchors)
}

/// Reads the data of a DNSKEY record.
fn dnskey(words: &[&str]) -> Option<DNSKEY> {
    let [flags, "3", algorithm, key @ ..] = words else { return None };
    let algorithm = Algorithm::from_u8(algorithm.parse().ok()?);
    let key = base64(&key.concat()).filter(|key| !key.is_empty())?;
    Some(DNSKEY::with_flags(flags.parse().ok()?, PublicKeyBuf::new(key, algorithm)))
}

/// Reads the data of a DS record.
fn ds(words: &[&str]) -> Option<DS> {
    let [tag, algorithm, digest_type, digest @ ..] = words else { return None };
    let algorithm = Algorithm::from_u8(algorithm.parse().ok()?);
    let digest_type = DigestType::from(digest_type.parse::<u8>().ok()?);
    let digest = hex(&digest.concat())?;
    let right = match digest_type {
        DigestType::SHA1 => digest.len() == 20,
        DigestType::SHA256 => digest.len() == 32,
        DigestType::SHA384 => digest.len() == 48,
        _ => false,
    };
    right.then(|| DS::new(tag.parse().unwrap_or_default(), algorithm, digest_type, digest))
}

/// Reads hexadecimal digits.
fn hex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let (pairs, []) = text.as_bytes().as_chunks::<2>() else { return None };
    pairs.iter().map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?)).collect()
}

/// Reads Base64, with or without padding (RFC 4648 section 4).
pub(super) fn base64(text: &str) -> Option<Vec<u8>> {
    STANDARD_NO_PAD.decode(text.trim_end_matches('=')).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use hickory_proto::dnssec::PublicKey;
    use proptest::prelude::*;

    fn file(text: &str) -> File {
        File { name: "f".into(), text: text.to_owned() }
    }

    #[test]
    fn the_hints_of_iana_are_read() {
        let text = ";  comment\n.                        3600000      NS    A.ROOT-SERVERS.NET.\n\
            A.ROOT-SERVERS.NET.      3600000      A     198.41.0.4\n\
            A.ROOT-SERVERS.NET.      3600000  IN  AAAA  2001:503:ba3e::2:30\r\n; End of file";
        let expected: [IpAddr; 2] = ["198.41.0.4".parse().unwrap(), "2001:503:ba3e::2:30".parse().unwrap()];
        assert_eq!(root_hints(&file(text)).unwrap(), expected);
    }

    #[test]
    fn faults_name_their_place() {
        let say = |text: &str| root_hints(&file(text)).unwrap_err().to_string();
        assert!(
            say("a. 3600 IN A 1.2.3.4\nb. 3600 IN A 1.2.3\n").starts_with("f:2:14: not an address of type A")
        );
        assert!(say("a. A ::1").starts_with("f:1:6: not an address"));
        assert!(say("a. MX 1.2.3.4").starts_with("f:1:4: root hints are records"));
        assert!(say("a..b A 1.2.3.4").starts_with("f:1:1: an empty label"));
        assert_eq!(say("; nothing"), "f: no address of a root server in it");
        let say = |text: &str| trust_anchors(&file(text)).unwrap_err().to_string();
        assert!(say(". DS 20326 8 2 AB").starts_with("f:1:16: not a digest"));
        assert!(say(". DNSKEY 257 3 8 *").starts_with("f:1:18: not a key"));
        assert!(say(". A 1.2.3.4").starts_with("f:1:3: trust anchors are records"));
    }

    #[test]
    fn anchors_are_read_as_digests_and_as_keys_over_several_lines() {
        let text = ". IN DS 20326 8 2 E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D\n\
            example. 3600 IN DNSKEY 257 3 13 ( o5mwqwFdUcHFzpyLUiahDipHVWkYA8ks\n\
              QssfoHN6E/OKQOBwAuxtmxV6p9hcAR0/KgpdNyHpdA10ZcOO6q7NbQ== ) ; comment\n\
            . 3600 DNSKEY 385 3 13 AAAA ; revoked\n";
        let anchors = trust_anchors(&file(text)).unwrap();
        assert_eq!(anchors.len(), 2);
        assert!(matches!(&anchors[0], Anchor::Digest(name, ds) if name.is_root() && ds.key_tag() == 20_326));
        assert!(matches!(&anchors[1], Anchor::Key(name, key)
            if name.to_string() == "example" && key.public_key().public_bytes().len() == 64));
    }

    #[test]
    fn bare_digests_are_the_roots() {
        let digest = "E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D";
        let anchors = trust_anchors(&file(&format!("; root\n20326 8 2 {digest}\n"))).unwrap();
        assert!(
            matches!(&anchors[..], [Anchor::Digest(name, ds)] if name.is_root() && ds.key_tag() == 20_326)
        );
        let fault = trust_anchors(&file("20326 8 2 AB")).unwrap_err().to_string();
        assert!(fault.starts_with("f:1:11: not a digest"), "{fault}");
    }

    #[test]
    fn base64_is_read() {
        assert_eq!(base64("aGFsbG8="), Some(b"hallo".to_vec()));
        assert_eq!(base64("aGFsbG/+"), Some(vec![104, 97, 108, 108, 111, 254]));
        assert_eq!(base64("a b"), None);
    }

    #[test]
    fn the_built_in_root_servers_are_addresses() {
        let mut addresses: Vec<IpAddr> = ROOT_SERVERS.iter().map(|text| text.parse().unwrap()).collect();
        addresses.sort();
        addresses.dedup();
        assert_eq!(addresses.len(), 26);
        assert_eq!(addresses.iter().filter(|address| address.is_ipv4()).count(), 13);
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "([.a-z]{0,4}[ ()\\t;]?(IN|A|DS|DNSKEY|3)?[ \\n\\r]?[0-9a-f]{0,3}\\PC?){0,20}") {
            let _ = root_hints(&file(&text)).map_err(|complaint| complaint.to_string());
            let _ = trust_anchors(&file(&text)).map_err(|complaint| complaint.to_string());
        }
    }
}
