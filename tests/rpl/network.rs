//! The network of a scenario: servers that answer what is written, at the step
//! that it is written for.

use std::collections::HashSet;
use std::io;
use std::net::IpAddr;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;
use std::time::Instant;

use async_trait::async_trait;
use hickory_proto::op::Message;
use hickory_proto::rr::Name;
use sordino::base::Clock;
use sordino::base::time::ManualClock;
use sordino::resolve::Network;
use sordino::resolve::Reply;
use sordino::resolve::take;
use tokio::sync::oneshot;
use tokio::time::sleep;
use tokio::time::timeout;

use super::records::Rr;
use super::scenario::Entry;
use super::scenario::Scenario;
use super::wire;

/// NS, SOA, DS, RRSIG, NSEC, NSEC3, DNSKEY.
const NS: u16 = 2;
const SOA: u16 = 6;
const DS: u16 = 43;
const RRSIG: u16 = 46;
const NSEC: u16 = 47;
const DNSKEY: u16 = 48;
const NSEC3: u16 = 50;

/// A query that a server got.
pub(crate) struct Query {
    pub(crate) to: IpAddr,
    pub(crate) tcp: bool,
    pub(crate) octets: Vec<u8>,
    pub(crate) message: Message,
}

impl Query {
    fn name(&self) -> &Name {
        self.message.queries[0].name()
    }

    fn rtype(&self) -> u16 {
        self.message.queries[0].query_type().into()
    }

    pub(crate) fn class(&self) -> u16 {
        self.message.queries[0].query_class().into()
    }

    /// Returns whether an entry is for this query.
    pub(crate) fn matches(&self, entry: &Entry) -> bool {
        let edns = self.message.edns.as_ref();
        let question = entry.sections[0].first();
        entry.matches.iter().all(|word| match word.as_str() {
            "qtype" => question.is_some_and(|rr| rr.rtype == self.rtype()),
            "qname" => question.is_some_and(|rr| rr.owner == *self.name()),
            "question" => question.is_some_and(|rr| rr.rtype == self.rtype() && rr.owner == *self.name()),
            "subdomain" => question.is_some_and(|rr| rr.owner.zone_of(self.name())),
            "UDP" => !self.tcp,
            "TCP" => self.tcp,
            "DO" => edns.is_some_and(|edns| edns.flags().dnssec_ok),
            "noedns" => edns.is_none(),
            "ednsdata" => false,
            _ => !word.starts_with("serial="),
        })
    }
}

/// Where the end of a query goes: what a server says, or that nothing comes.
type Ending = oneshot::Sender<io::Result<Vec<u8>>>;

/// What is written, and where the play is.
struct Play {
    scenario: Arc<Scenario>,
    step: u32,
    /// What was asked and is not accounted for.
    seen: Vec<Arc<Query>>,
    /// What waits for the answer of a step.
    pending: Vec<(Arc<Query>, Ending)>,
}

/// The network.
pub(crate) struct Script {
    play: Mutex<Play>,
    /// Who is there.
    addresses: HashSet<IpAddr>,
    /// Whether steps answer queries.
    has_replies: bool,
    /// Whether whoever answers has authority: unbound's scripts often leave the
    /// bit off, and unbound does not look at it.
    with_authority: bool,
    pub(crate) clock: Arc<ManualClock>,
    /// How many queries were sent.
    pub(crate) sent: Mutex<Vec<String>>,
}

impl Script {
    /// Returns the network of a scenario.
    pub(crate) fn new(
        scenario: Arc<Scenario>,
        others: Vec<IpAddr>,
        lame: bool,
        clock: Arc<ManualClock>,
    ) -> Self {
        let mut addresses: HashSet<IpAddr> = others.into_iter().collect();
        let of_ranges = scenario.ranges.iter().flat_map(|range| &range.addresses);
        let of_steps = scenario.steps.iter().filter_map(|step| super::play::address(&step.rest));
        addresses.extend(of_ranges.filter_map(|text| text.parse::<IpAddr>().ok()));
        addresses.extend(of_steps.filter_map(|text| text.parse::<IpAddr>().ok()));
        for step in scenario.steps.iter().filter(|step| step.word == "REPLY") {
            for rr in step.entry.iter().flat_map(|entry| entry.sections.iter().skip(1).flatten()) {
                addresses
                    .extend(<[u8; 4]>::try_from(&*rr.data).ok().filter(|_| rr.rtype == 1).map(IpAddr::from));
                addresses.extend(
                    <[u8; 16]>::try_from(&*rr.data).ok().filter(|_| rr.rtype == 28).map(IpAddr::from),
                );
            }
        }
        let has_replies = scenario
            .steps
            .iter()
            .any(|step| matches!(&*step.word, "REPLY" | "CHECK_OUT_QUERY" | "TIMEOUT" | "ERROR"));
        let play = Play { scenario, step: 0, seen: Vec::new(), pending: Vec::new() };
        Self {
            play: Mutex::new(play),
            addresses,
            has_replies,
            with_authority: !lame,
            clock,
            sent: Mutex::default(),
        }
    }

    /// Goes to a step.
    pub(crate) fn go_to(&self, step: u32) {
        self.play.lock().unwrap().step = step;
    }

    /// Takes a query that was sent and fits, off the list; or waits a little.
    pub(crate) async fn was_sent(&self, entry: &Entry, to: Option<IpAddr>) -> bool {
        for _ in 0..60 {
            {
                let seen = &mut self.play.lock().unwrap().seen;
                let fits = |query: &Arc<Query>| to.is_none_or(|to| to == query.to) && query.matches(entry);
                if let Some(at) = seen.iter().position(fits) {
                    seen.remove(at);
                    return true;
                }
            }
            sleep(Duration::from_millis(50)).await;
        }
        false
    }

    /// Answers a query that waits for it, or waits a little.
    pub(crate) async fn reply(&self, entry: &Entry, to: Option<IpAddr>) -> bool {
        for _ in 0..60 {
            {
                let pending = &mut self.play.lock().unwrap().pending;
                let fits = |query: &Query| to.is_none_or(|to| to == query.to) && query.matches(entry);
                if let Some(at) = pending.iter().position(|(query, _)| fits(query)) {
                    let (query, answer) = pending.remove(at);
                    let _ = answer.send(Ok(wire::reply(entry, &query, self.with_authority)));
                    return true;
                }
            }
            sleep(Duration::from_millis(50)).await;
        }
        false
    }

    /// Lets the query that waits longest end without a reply.
    pub(crate) async fn fail(&self, kind: io::ErrorKind) -> bool {
        for _ in 0..60 {
            {
                let pending = &mut self.play.lock().unwrap().pending;
                pending.retain(|(_, answer)| !answer.is_closed());
                if !pending.is_empty() {
                    let _ = pending.remove(0).1.send(Err(kind.into()));
                    return true;
                }
            }
            sleep(Duration::from_millis(50)).await;
        }
        false
    }

    /// Returns the entries that are active at a server, in their order.
    fn active(play: &Play, to: IpAddr) -> impl Iterator<Item = &Entry> {
        let is = move |text: &String| text.parse::<IpAddr>().is_ok_and(|address| address == to);
        let ranges = play.scenario.ranges.iter().filter(move |range| {
            (range.steps.0..=range.steps.1).contains(&play.step)
                && (range.addresses.is_empty() || range.addresses.iter().any(is))
        });
        ranges.flat_map(|range| &range.entries)
    }
}

#[async_trait]
impl Network for Script {
    async fn exchange(
        &self,
        server: SocketAddr,
        query: &[u8],
        tcp: bool,
        wait: Duration,
    ) -> io::Result<Reply> {
        let (to, message) = (server.ip(), Message::from_vec(query).unwrap());
        let query = Arc::new(Query { to, tcp, octets: query.to_vec(), message });
        let shown = format!("{to} {} TYPE{}{}", query.name(), query.rtype(), if tcp { " tcp" } else { "" });
        self.sent.lock().unwrap().push(shown);
        if !self.addresses.contains(&to) {
            return Err(io::ErrorKind::ConnectionRefused.into());
        }
        let (entry, waiting) = {
            let mut play = self.play.lock().unwrap();
            play.seen.push(Arc::clone(&query));
            let entry = Self::active(&play, to).find(|entry| query.matches(entry)).cloned();
            let (answer, waiting) = oneshot::channel();
            if entry.is_none() {
                if self.has_replies {
                    play.pending.push((Arc::clone(&query), answer));
                } else {
                    let _ = answer.send(Ok(unwritten(Self::active(&play, to), &query)));
                }
            }
            (entry, waiting)
        };
        let answered = async {
            let octets = match entry {
                Some(entry) if entry.adjusts("do_not_answer") => None,
                Some(entry) => {
                    let seconds = |word: &String| word.split_once("sleep=")?.1.parse().ok();
                    let pause = entry.adjust.iter().find_map(seconds);
                    sleep(Duration::from_secs(pause.unwrap_or(0))).await;
                    Some(Ok(wire::reply(&entry, &query, self.with_authority)))
                }
                None => waiting.await.ok(),
            };
            let result = match octets {
                Some(Ok(octets)) => take(&query.octets, &octets),
                Some(Err(error)) => Some(Err(error)),
                None => None,
            };
            match result {
                Some(result) => result,
                None => std::future::pending().await,
            }
        };
        timeout(wait, answered).await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
    }

    fn moment(&self) -> Instant {
        self.clock.now().instant
    }
}

//----------- what is not written ----------------------------------------------

/// Answers a question that the script does not have, since each resolver asks
/// in its own order: by what the script says the server knows.
fn unwritten<'a>(entries: impl Iterator<Item = &'a Entry>, query: &Query) -> Vec<u8> {
    let known: Vec<&Entry> =
        entries.filter(|entry| entry.octets.is_none() && !entry.adjusts("do_not_answer")).collect();
    let (name, rtype) = (query.name(), query.rtype());
    let of = |at: usize| known.iter().flat_map(move |entry| &entry.sections[at]);
    let is_referral = |entry: &Entry| {
        entry.sections[1].is_empty()
            && !entry.flags.iter().any(|flag| matches!(&**flag, "NXDOMAIN" | "REFUSED" | "SERVFAIL"))
            && !entry.sections[2].iter().any(|rr| rr.rtype == SOA)
    };
    let cuts = known.iter().filter(|entry| is_referral(entry)).flat_map(|entry| {
        let cut = |rr: &&Rr| rr.rtype == NS && !rr.owner.is_root() && rr.owner.zone_of(name);
        entry.sections[2].iter().filter(cut).map(move |rr| (&rr.owner, *entry))
    });
    let best = cuts.max_by_key(|(owner, _)| owner.num_labels());
    let soa = || {
        let there = of(2).chain(of(1)).filter(|rr| rr.rtype == SOA && rr.owner.zone_of(name));
        there.max_by_key(|rr| rr.owner.num_labels()).cloned()
    };
    let covered =
        |rr: &Rr| if rr.rtype == RRSIG { u16::from_be_bytes([rr.data[0], rr.data[1]]) } else { rr.rtype };
    match best {
        Some((cut, entry)) if rtype == DS && cut == name => {
            let there = |kinds: &[u16]| {
                let all = entry.sections[2].iter().filter(|rr| kinds.contains(&covered(rr)));
                all.cloned().collect::<Vec<Rr>>()
            };
            let ds: Vec<Rr> = there(&[DS]).into_iter().filter(|rr| rr.owner == *name).collect();
            if !ds.is_empty() {
                return wire::answer(query, true, [&ds, &[], &[]]);
            }
            let mut proofs = there(&[NSEC, NSEC3]);
            proofs.push(soa().filter(|rr| rr.owner != *name).unwrap_or_else(|| wire::soa(&name.base_name())));
            return wire::answer(query, true, [&[], &proofs, &[]]);
        }
        _ => {}
    }
    if matches!(rtype, 1 | 28) {
        let names_it = |entry: &&&Entry| {
            let target = wire::lower(name);
            entry
                .sections
                .iter()
                .skip(1)
                .flatten()
                .any(|rr| rr.rtype == NS && rr.data.to_ascii_lowercase() == target)
        };
        for entry in known.iter().filter(names_it) {
            let is_glue = |rr: &&Rr| rr.owner == *name && covered(rr) == rtype;
            let glue: Vec<Rr> =
                entry.sections[1].iter().chain(&entry.sections[3]).filter(is_glue).cloned().collect();
            if glue.iter().any(|rr| rr.rtype == rtype) {
                return wire::answer(query, true, [&glue, &[], &[]]);
            }
        }
    }
    if let Some((_, entry)) = best {
        return wire::answer(query, false, [&[], &entry.sections[2], &entry.sections[3]]);
    }
    let soa = soa().unwrap_or_else(|| {
        let apex = of(1).filter(|rr| matches!(rr.rtype, NS | DNSKEY | SOA) && rr.owner.zone_of(name));
        wire::soa(
            &apex
                .map(|rr| &rr.owner)
                .max_by_key(|owner| owner.num_labels())
                .cloned()
                .unwrap_or_else(Name::root),
        )
    });
    wire::answer(query, true, [&[], &[soa], &[]])
}
