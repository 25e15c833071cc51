//! Text to scenarios: the format of unbound's testbound and of deckard.
//!
//! ```text
//! stub-addr: 193.0.14.129          unbound.conf, as far as it concerns us
//! CONFIG_END
//! SCENARIO_BEGIN What it proves
//! RANGE_BEGIN 0 100                who answers what, from step 0 to step 100
//!     ADDRESS 193.0.14.129
//! ENTRY_BEGIN
//! MATCH opcode qtype qname         which queries this answers
//! ADJUST copy_id copy_query        what of the query is repeated
//! REPLY QR AA NOERROR
//! SECTION QUESTION
//! www.example.com. IN A
//! ENTRY_END
//! RANGE_END
//! STEP 1 QUERY                     and an entry; then what should come back:
//! STEP 10 CHECK_ANSWER
//! STEP 20 TIME_PASSES ELAPSE 30
//! SCENARIO_END
//! ```

use super::records;
use super::records::Rr;
use super::refused;

/// A scenario.
#[derive(Debug, Default)]
pub(crate) struct Scenario {
    /// What it proves, in its own words.
    pub(crate) title: String,
    /// The lines of the config.
    pub(crate) config: Vec<String>,
    /// Who answers what.
    pub(crate) ranges: Vec<Range>,
    /// What happens, in order.
    pub(crate) steps: Vec<Step>,
}

/// What servers answer from one step to another.
#[derive(Debug)]
pub(crate) struct Range {
    /// The first step and the last.
    pub(crate) steps: (u32, u32),
    /// The servers; any, if there is none.
    pub(crate) addresses: Vec<String>,
    /// What they answer; the first that matches counts.
    pub(crate) entries: Vec<Entry>,
}

/// A step.
#[derive(Debug)]
pub(crate) struct Step {
    /// Its number.
    pub(crate) number: u32,
    /// What happens.
    pub(crate) word: String,
    /// What else stands in the line.
    pub(crate) rest: Vec<String>,
    /// The message that belongs to it.
    pub(crate) entry: Option<Entry>,
}

/// A message, and when it is sent or what it is compared with.
#[derive(Clone, Debug, Default)]
pub(crate) struct Entry {
    /// What has to match.
    pub(crate) matches: Vec<String>,
    /// What is taken from the query.
    pub(crate) adjust: Vec<String>,
    /// Flags, opcode and RCODE.
    pub(crate) flags: Vec<String>,
    /// The records: question, answer, authority, additional.
    pub(crate) sections: [Vec<Rr>; 4],
    /// The message in octets, in place of all that.
    pub(crate) octets: Option<Vec<u8>>,
}

impl Entry {
    /// Returns whether it has a word among what has to match.
    pub(crate) fn needs(&self, word: &str) -> bool {
        self.matches.iter().any(|there| there == word)
    }

    /// Returns whether it has a word among what is taken from the query.
    pub(crate) fn adjusts(&self, word: &str) -> bool {
        self.adjust.iter().any(|there| there == word)
    }

    /// Returns whether it has a flag.
    pub(crate) fn has(&self, flag: &str) -> bool {
        self.flags.iter().any(|there| there == flag)
    }
}

/// What MATCH lines may say.  Of answers, `authority` and `additional` are not
/// compared: resolvers differ in what else they tell.
const MATCHES: &str = " opcode qtype qname qcase question subdomain rcode flags answer authority additional
    all all_noedns ttl UDP TCP DO noedns edns ednsdata serial= ede= ";

/// What ADJUST lines may say.
const ADJUSTS: &str = " copy_id copy_query raw_id raw_data do_not_answer sleep= packet_sleep= ";

/// What REPLY lines may say.
const FLAGS: &str = " QR AA TC RD RA AD CD DO QUERY STATUS NOTIFY UPDATE NOERROR FORMERR SERVFAIL NXDOMAIN
    NOTIMP NOTIMPL REFUSED YXDOMAIN YXRRSET NXRRSET NOTAUTH NOTZONE ";

/// Returns words if all of them are known: what is not understood is not passed by.
fn known(words: &[&str], of: &str) -> Result<Vec<String>, String> {
    let is_known = |word: &str| {
        let word = word.find('=').map_or(word, |at| &word[..=at]);
        of.split_whitespace().any(|known| known == word)
    };
    match words.iter().find(|word| !is_known(word)) {
        Some(word) => Err(refused::unknown(word)),
        None => Ok(words.iter().map(|&word| word.to_owned()).collect()),
    }
}

/// Names of the sections, in their order.
const SECTIONS: [&str; 4] = ["QUESTION", "ANSWER", "AUTHORITY", "ADDITIONAL"];

/// Where the reader is.
#[derive(Default)]
struct Reader {
    scenario: Scenario,
    entry: Option<Entry>,
    section: Option<usize>,
    in_range: bool,
    hex: Option<(bool, String)>,
    /// Whether the octets of a message follow (deckard's way).
    raw: bool,
    origin: String,
    ttl: u32,
}

/// Reads a scenario; a fault names its line.
pub(crate) fn read(text: &str) -> Result<Scenario, String> {
    let mut reader = Reader { origin: ".".to_owned(), ttl: 3_600, ..Reader::default() };
    let mut lines = (1..).zip(text.lines());
    let mut in_keys = false;
    loop {
        let (number, line) = lines.next().ok_or("no CONFIG_END")?;
        match line.split_whitespace().next().unwrap_or_default() {
            "CONFIG_END" => break,
            "AUTOTRUST_FILE" => in_keys = true,
            "AUTOTRUST_END" => in_keys = false,
            word if word.starts_with("TEMPFILE_") => {
                return Err(format!("line {number}: {}", refused::unknown(word)));
            }
            _ if in_keys => reader.scenario.config.extend(trusted(line)),
            _ => reader.scenario.config.push(line.to_owned()),
        }
    }
    for (number, line) in lines {
        let line = without_comment(line).trim();
        if line.starts_with("SCENARIO_END") {
            break;
        }
        if !line.is_empty() {
            reader.take(line).map_err(|say| format!("line {number}: {say}"))?;
        }
    }
    Ok(reader.scenario)
}

/// Returns the setting that stands for a line of a file of unbound's in which keys
/// are followed (RFC 5011): those that are valid or missing, or have no state yet,
/// are trusted.
fn trusted(line: &str) -> Option<String> {
    let record = without_comment(line).trim();
    let state = line.split_once(";;state=").and_then(|(_, state)| state.chars().next());
    let is_trusted = !record.is_empty() && state.is_none_or(|state| matches!(state, '2' | '3'));
    is_trusted.then(|| format!("trust-anchor: \"{record}\""))
}

/// Returns what stands before a comment.
pub(crate) fn without_comment(line: &str) -> &str {
    let mut quoted = false;
    for (at, letter) in line.char_indices() {
        match letter {
            '"' => quoted = !quoted,
            ';' if !quoted => return line.get(..at).unwrap_or_default(),
            _ => {}
        }
    }
    line
}

impl Reader {
    /// Takes a line.
    fn take(&mut self, line: &str) -> Result<(), String> {
        if let Some((is_message, digits)) = &mut self.hex {
            if line.starts_with("HEX_") {
                let octets = records::hex(digits).ok_or("not hexadecimal")?;
                let entry = self.entry.as_mut().filter(|_| *is_message);
                if let Some(entry) = entry {
                    entry.octets = Some(octets);
                }
                self.hex = None;
            } else {
                digits.extend(line.chars().filter(char::is_ascii_hexdigit));
            }
            return Ok(());
        }
        let words: Vec<&str> = line.split_whitespace().collect();
        let owned = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect::<Vec<String>>();
        match (words.as_slice(), &mut self.entry) {
            (["SCENARIO_BEGIN", rest @ ..], _) => self.scenario.title = rest.join(" "),
            (["RANGE_BEGIN", from, to, rest @ ..], _) => {
                let steps = (number(from)?, number(to)?);
                self.scenario.ranges.push(Range { steps, addresses: owned(rest), entries: Vec::new() });
                self.in_range = true;
            }
            (["RANGE_END"], _) => self.in_range = false,
            (["ADDRESS", rest @ ..], None) => {
                let range = self.scenario.ranges.last_mut().filter(|_| self.in_range);
                range.ok_or("an address outside of a range")?.addresses.extend(owned(rest));
            }
            (["STEP", at, word, rest @ ..], _) => {
                if let Some(why) = refused::why(word) {
                    return Err(why);
                }
                let (number, rest) = (number(at)?, owned(rest));
                self.scenario.steps.push(Step { number, word: (*word).to_owned(), rest, entry: None });
            }
            (["ENTRY_BEGIN"], _) => {
                self.entry = Some(Entry::default());
                (self.section, self.raw) = (None, false);
            }
            (["ENTRY_END"], entry) => {
                let entry = entry.take().ok_or("ENTRY_END without ENTRY_BEGIN")?;
                if self.in_range {
                    self.scenario.ranges.last_mut().ok_or("no range")?.entries.push(entry);
                } else {
                    self.scenario.steps.last_mut().ok_or("an entry before any step")?.entry = Some(entry);
                }
            }
            (["$ORIGIN", origin], _) => self.origin = (*origin).to_owned(),
            (["$TTL", ttl], _) => self.ttl = number(ttl)?,
            (["MATCH", rest @ ..], Some(entry)) => entry.matches.extend(known(rest, MATCHES)?),
            (["ADJUST", rest @ ..], Some(entry)) => entry.adjust.extend(known(rest, ADJUSTS)?),
            (["REPLY" | "FLAGS", rest @ ..], Some(entry)) => entry.flags.extend(known(rest, FLAGS)?),
            (["HEX_ANSWER_BEGIN"], Some(_)) => self.hex = Some((true, String::new())),
            (["RAW"], Some(entry)) => (entry.octets, self.raw) = (Some(Vec::new()), true),
            (["HEX_EDNSDATA_BEGIN"], Some(_)) => self.hex = Some((false, String::new())),
            (["MANDATORY" | "ADDRESS", ..], Some(_)) => {}
            (["SECTION", section], Some(_)) => {
                let at = SECTIONS.iter().position(|name| name == section);
                self.section = Some(at.ok_or_else(|| format!("no section is called {section}"))?);
            }
            ([digits], Some(Entry { octets: Some(octets), .. })) if self.raw => {
                // NULL is a message without octets.
                let more = if *digits == "NULL" { Some(Vec::new()) } else { records::hex(digits) };
                octets.extend(more.ok_or("not hexadecimal")?);
            }
            (["EXTRA_PACKET", ..], Some(_)) => return Err(refused::unknown("EXTRA_PACKET")),
            (_, Some(entry)) => {
                let section = self.section.ok_or_else(|| format!("not understood: {line}"))?;
                let rr = if section == 0 {
                    records::question(&words, &self.origin)?
                } else {
                    records::record(line, &self.origin, self.ttl)?
                };
                entry.sections.get_mut(section).ok_or("no such section")?.push(rr);
            }
            _ => return Err(format!("not understood: {line}")),
        }
        Ok(())
    }
}

/// Reads a number.
fn number(word: &str) -> Result<u32, String> {
    word.parse().map_err(|_| format!("not a number: {word}"))
}
