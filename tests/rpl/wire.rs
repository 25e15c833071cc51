//! Messages of a scenario in octets.

use hickory_proto::rr::Name;
use hickory_proto::serialize::binary::BinEncodable;

use super::network::Query;
use super::records;
use super::records::Rr;
use super::scenario::Entry;

/// Returns a name in octets and lower case.
pub(crate) fn lower(name: &Name) -> Vec<u8> {
    name.to_lowercase().to_bytes().unwrap()
}

/// Returns flags, opcode and RCODE in octets.
fn head(flags: &[String]) -> u16 {
    let bits = flags.iter().map(|flag| match flag.as_str() {
        "QR" => 0x8000,
        "STATUS" => 0x1000,
        "NOTIFY" => 0x2000,
        "UPDATE" => 0x2800,
        "AA" => 0x0400,
        "TC" => 0x0200,
        "RD" => 0x0100,
        "RA" => 0x0080,
        "AD" => 0x0020,
        "CD" => 0x0010,
        "FORMERR" => 1,
        "SERVFAIL" => 2,
        "NXDOMAIN" => 3,
        "NOTIMP" | "NOTIMPL" => 4,
        "REFUSED" => 5,
        "YXDOMAIN" => 6,
        "YXRRSET" => 7,
        "NXRRSET" => 8,
        "NOTAUTH" => 9,
        "NOTZONE" => 10,
        _ => 0,
    });
    bits.fold(0, |all, bit| all | bit)
}

/// Writes a record.
fn write(out: &mut Vec<u8>, rr: &Rr) {
    out.extend(rr.owner.to_bytes().unwrap());
    out.extend(rr.rtype.to_be_bytes());
    out.extend(rr.class.to_be_bytes());
    out.extend(rr.ttl.to_be_bytes());
    out.extend(u16::try_from(rr.data.len()).unwrap().to_be_bytes());
    out.extend(&rr.data);
}

/// Puts a message together, with an OPT record if it has a payload size.
fn message(id: u16, flags: u16, question: &[u8], sections: [&[Rr]; 3], edns: Option<(u16, bool)>) -> Vec<u8> {
    let mut out = Vec::new();
    let questions = u16::from(!question.is_empty());
    let counts = sections.map(|section| u16::try_from(section.len()).unwrap());
    let last = counts[2] + u16::from(edns.is_some());
    for word in [id, flags, questions, counts[0], counts[1], last] {
        out.extend(word.to_be_bytes());
    }
    out.extend(question);
    for rr in sections.iter().copied().flatten() {
        write(&mut out, rr);
    }
    if let Some((size, dnssec_ok)) = edns {
        out.extend([0, 0, 41]);
        out.extend(size.to_be_bytes());
        out.extend([0, 0, if dnssec_ok { 0x80 } else { 0 }, 0, 0, 0]);
    }
    out
}

/// Returns the question of a query, as it stands there.
fn question_of(query: &Query) -> Vec<u8> {
    let length = query.message.queries[0].name().to_bytes().unwrap().len() + 4;
    query.octets[12..12 + length].to_vec()
}

/// Returns what a client or server sends for an entry.
fn question(rr: &Rr) -> Vec<u8> {
    [rr.owner.to_bytes().unwrap(), rr.rtype.to_be_bytes().to_vec(), rr.class.to_be_bytes().to_vec()].concat()
}

/// Returns the query of a client.
pub(crate) fn query(entry: &Entry, id: u16, with_edns: bool) -> Vec<u8> {
    if let Some(octets) = &entry.octets {
        return octets.clone();
    }
    let asked = entry.sections[0].first().map(question).unwrap_or_default();
    let dnssec_ok = entry.has("DO");
    let edns = (dnssec_ok || with_edns).then_some((4_096, dnssec_ok));
    message(id, head(&entry.flags), &asked, [&[], &[], &[]], edns)
}

/// Returns a server's reply to a query.
pub(crate) fn reply(entry: &Entry, query: &Query, with_authority: bool) -> Vec<u8> {
    let asked = question_of(query);
    if let Some(octets) = &entry.octets {
        let mut octets = octets.clone();
        if octets.len() > 1 && (entry.adjusts("copy_id") || entry.adjusts("raw_id")) {
            octets[..2].copy_from_slice(&query.octets[..2]);
        }
        return octets;
    }
    let own = entry.sections[0].first();
    let asked = match own {
        _ if entry.adjusts("copy_query") => asked,
        // The letters come back as they were asked.
        Some(rr) if rr.owner == *query.message.queries[0].name() => {
            [&asked[..asked.len() - 4], &rr.rtype.to_be_bytes(), &query.class().to_be_bytes()].concat()
        }
        Some(rr) => question(rr),
        None => Vec::new(),
    };
    let [_, answers, authorities, additionals] = &entry.sections;
    let authority = if with_authority && !answers.is_empty() { 0x0400 } else { 0 };
    let id = if entry.adjusts("copy_id") { query.message.metadata.id } else { 0 };
    let edns = query.message.edns.as_ref().map(|edns| (1_232, edns.flags().dnssec_ok));
    message(id, head(&entry.flags) | authority, &asked, [answers, authorities, additionals], edns)
}

/// Returns an answer of sections.
pub(crate) fn answer(query: &Query, authority: bool, sections: [&[Rr]; 3]) -> Vec<u8> {
    let flags = 0x8000 | if authority { 0x0400 } else { 0 };
    let edns = query.message.edns.as_ref().map(|edns| (1_232, edns.flags().dnssec_ok));
    message(query.message.metadata.id, flags, &question_of(query), sections, edns)
}

/// Returns an SOA record that nobody wrote.
pub(crate) fn soa(apex: &Name) -> Rr {
    let line = format!("{apex} 60 IN SOA ns.synth. h. 1 3600 600 86400 60");
    records::record(&line, ".", 60).unwrap()
}

/// Returns the flags of an entry that are compared, and its RCODE.
pub(crate) fn compared(entry: &Entry) -> (u16, u16) {
    let all = head(&entry.flags);
    (all & 0x83b0, all & 15)
}
