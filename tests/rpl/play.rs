//! Playing a scenario: the whole road from the door on, with a scripted network
//! and a clock that is moved by hand.

use std::io::ErrorKind;
use std::net::IpAddr;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;

use hickory_proto::op::Message;
use hickory_proto::rr::Record;
use hickory_proto::rr::RecordType;
use hickory_proto::serialize::binary::BinEncodable;
use hickory_proto::serialize::binary::BinEncoder;
use hickory_proto::serialize::binary::NameEncoding;
use hickory_server::net::xfer::Protocol;
use hickory_server::server::Request;
use sordino::answer::Blocked;
use sordino::answer::BlockedAnswer;
use sordino::base::Clock;
use sordino::base::time::ManualClock;
use sordino::catalog::Catalog;
use sordino::device::PolicyId;
use sordino::device::Registry;
use sordino::device::Unlisted;
use sordino::listen::access::Access;
use sordino::listen::arrival::Arrival;
use sordino::listen::door::Door;
use sordino::listen::door::Home;
use sordino::listen::identify::Identify;
use sordino::listen::neighbor::NoNeighbors;
use sordino::listen::reply::Reply;
use sordino::pipeline::Event;
use sordino::pipeline::Household;
use sordino::pipeline::Witness;
use sordino::policy::Builtin;
use sordino::policy::Policies;
use sordino::query::Transport;
use sordino::resolve::AnswerCache;
use sordino::resolve::Network;
use sordino::resolve::Resolver;
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::config;
use super::garbled::Garbled;
use super::garbled::Seen;
use super::network::Script;
use super::records::Rr;
use super::refused;
use super::scenario;
use super::scenario::Entry;
use super::scenario::Scenario;
use super::scenario::Step;
use super::values::Values;
use super::wire;

/// Takes no notes.
struct Nobody;

impl Witness for Nobody {
    fn note(&self, event: Event) {
        assert!(!matches!(event, Event::Panicked));
    }
}

/// Returns the address in the words of a step.
pub(crate) fn address(words: &[String]) -> Option<&String> {
    let at = words.iter().position(|word| word == "ADDRESS")?;
    words.get(at + 1)
}

/// What came back: an RCODE, and the message unless it was turned away.
struct Answered {
    rcode: u16,
    message: Option<Message>,
}

/// A house that a scenario plays in.
struct Stage {
    door: Arc<Door<Resolver>>,
    network: Arc<Script>,
    clock: Arc<ManualClock>,
    send: mpsc::UnboundedSender<Answered>,
    receive: mpsc::UnboundedReceiver<Answered>,
    values: Values,
}

/// Plays a scenario; a fault names its step.
///
/// What is matched by one of the words `but` is not compared.
pub(crate) async fn play(name: &str, text: &str, but: &[&str]) -> Result<(), String> {
    let mut scenario = scenario::read(text)?;
    for entry in scenario.steps.iter_mut().filter_map(|step| step.entry.as_mut()) {
        entry.matches.retain(|word| !but.iter().any(|but| word.split('=').next() == Some(but)));
    }
    let scenario = Arc::new(scenario);
    let mut stage = Stage::build(name, text, &scenario, |script| script)?;
    for step in &scenario.steps {
        stage.network.go_to(step.number);
        if let Err(say) = stage.take(step).await {
            let sent = stage.network.sent.lock().unwrap().join("\n    ");
            return Err(format!("{name} ({}), step {}: {say}\n    {sent}", scenario.title, step.number));
        }
    }
    Ok(())
}

/// Plays a scenario with garbled replies: each query gets an answer.
pub(crate) async fn garbled(name: &str, text: &str, seed: u64, seen: &Arc<Mutex<Seen>>) {
    // Not all are read; what they say is tested elsewhere.
    let Ok(scenario) = scenario::read(text).map(Arc::new) else { return };
    let garble = |script| Arc::new(Garbled::new(script, seed, Arc::clone(seen))) as _;
    let Ok(mut stage) = Stage::build(name, text, &scenario, garble) else { return };
    for step in &scenario.steps {
        stage.network.go_to(step.number);
        match (step.word.as_str(), &step.entry) {
            ("QUERY", Some(entry)) => {
                stage.ask(entry, step.number).await;
                let answered = timeout(Duration::from_secs(15), stage.receive.recv()).await;
                assert!(answered.is_ok(), "{name}, seed {seed}, step {}: no answer", step.number);
                seen.lock().unwrap().done();
            }
            ("TIME_PASSES", _) => {
                let _ = stage.take(step).await;
            }
            _ => {}
        }
    }
    assert_eq!(stage.door.home().resolver.stats().faults, 0, "{name}, seed {seed}");
}

impl Stage {
    /// Builds the house of a scenario, on its network or on one around that.
    fn build(
        name: &str,
        text: &str,
        scenario: &Arc<Scenario>,
        around: impl FnOnce(Arc<Script>) -> Arc<dyn Network>,
    ) -> Result<Self, String> {
        let config = config::read(&scenario.config, text)?;
        let clock = Arc::new(ManualClock::at(config.unix));
        // These are about who has authority, and write it down.
        let about_authority = ["lame", "noaa", "aa_", "recurse", "fwd", "forward"];
        let lame =
            about_authority.iter().any(|part| name.contains(part)) || !config.settings.zones.is_empty();
        let stubs = config.settings.stubs.iter().chain(&config.settings.zones);
        let others = stubs.flat_map(|(_, servers)| servers.iter().map(SocketAddr::ip)).collect();
        let network = Arc::new(Script::new(Arc::clone(scenario), others, lame, Arc::clone(&clock)));
        let cache = Arc::new(AnswerCache::new(1 << 20));
        let resolver = Resolver::with_network(&config.settings, cache, around(Arc::clone(&network)))
            .map_err(|fault| fault.to_string())?;
        let unlisted = Unlisted { speakers: PolicyId(0), others: PolicyId(0) };
        let house = Household {
            devices: Registry::new(Vec::new(), unlisted).unwrap(),
            catalog: Catalog::default(),
            policies: Policies {
                policies: vec![Builtin::Open.policy()],
                // Scenarios take their addresses from everywhere.
                outside_networks: config.settings.allow_servers.clone(),
                ..Policies::default()
            },
            blocked: Blocked { answer: BlockedAnswer::NxDomain, ttl: 60, max_ttl: 60 },
        };
        let access = Access::new(&["0.0.0.0/0".parse().unwrap()]);
        let home = Home::new(Arc::new(house), Arc::new(resolver), access);
        let identify = Arc::new(Identify::new(Arc::new(NoNeighbors), Arc::default()));
        let door = Door::new(home, Arc::clone(&clock) as _, identify, Arc::new(Nobody));
        let (send, receive) = mpsc::unbounded_channel();
        Ok(Self { door: Arc::new(door), network, clock, send, receive, values: Values::default() })
    }

    /// Carries out a step, or checks what it says.
    async fn take(&mut self, step: &Step) -> Result<(), String> {
        let to = address(&step.rest).and_then(|text| text.parse::<IpAddr>().ok());
        match (step.word.as_str(), &step.entry) {
            ("QUERY", Some(entry)) => self.ask(entry, step.number).await,
            ("CHECK_ANSWER", Some(entry)) => {
                let answered = timeout(Duration::from_secs(15), self.receive.recv()).await;
                let answered = answered.map_err(|_| "no answer")?.ok_or("no answer")?;
                let faults = compare(entry, &answered);
                if !faults.is_empty() {
                    return Err(faults.join("; "));
                }
            }
            ("TIME_PASSES", _) => {
                let (word, value) = step.rest.split_first().ok_or("TIME_PASSES")?;
                if !matches!(word.as_str(), "ELAPSE" | "EVAL") {
                    return Err(refused::unknown(word));
                }
                let seconds = self.values.eval(&value.join(" "), self.clock.now().unix)?;
                self.clock.advance(Duration::try_from_secs_f64(seconds).map_err(|fault| fault.to_string())?);
            }
            ("ASSIGN", _) => self.values.assign(&step.rest, self.clock.now().unix)?,
            ("REPLY", Some(entry)) => {
                self.network.reply(entry, to).await.then_some(()).ok_or("nobody asked that")?;
            }
            ("CHECK_OUT_QUERY", Some(entry)) => {
                self.network.was_sent(entry, to).await.then_some(()).ok_or("that was not asked")?;
            }
            ("TIMEOUT", _) => self.fail(ErrorKind::TimedOut).await?,
            ("ERROR", _) => self.fail(ErrorKind::ConnectionRefused).await?,
            // A word of ours: how many queries may have been sent by now.
            ("MOST_QUERIES", _) => {
                let sent = self.network.sent.lock().unwrap().len();
                let most = step.rest.first().and_then(|word| word.parse().ok()).ok_or("a number")?;
                if sent > most {
                    return Err(format!("{sent} queries were sent"));
                }
            }
            // How fast a server is thought to be changes who is asked first, no more.
            ("NOTHING" | "INFRA_RTT", _) => {}
            ("TRAFFIC", _) => tokio::time::sleep(Duration::from_secs(1)).await,
            (word, _) => return Err(refused::unknown(word)),
        }
        Ok(())
    }

    /// Lets a query to a server fail.
    async fn fail(&self, kind: ErrorKind) -> Result<(), String> {
        self.network.fail(kind).await.then_some(()).ok_or_else(|| "no query is out".to_owned())
    }

    /// Sends a query to the door.
    async fn ask(&self, entry: &Entry, step: u32) {
        let wants_error = entry.matches.iter().any(|word| word.starts_with("ede"));
        let octets = wire::query(entry, u16::try_from(1_000 + step % 60_000).unwrap(), wants_error);
        let (door, send, received) = (Arc::clone(&self.door), self.send.clone(), self.clock.now());
        let (transport, protocol) = if entry.needs("TCP") {
            (Transport::Tcp, Protocol::Tcp)
        } else {
            (Transport::Udp, Protocol::Udp)
        };
        let peer = SocketAddr::from(([192, 0, 2, 10], 5_353));
        let Ok(request) = Request::from_bytes(octets, peer, protocol) else { return };
        tokio::spawn(async move {
            let arrival = Arrival::new(peer, transport, received);
            let answered = match door.serve(&request, &arrival).await {
                Reply::Served(served, _) => {
                    let message = Message::from_vec(&served.response.wire).unwrap();
                    Answered { rcode: message.metadata.response_code.into(), message: Some(message) }
                }
                Reply::TurnAway(rcode) => Answered { rcode: rcode.into(), message: None },
                Reply::Nothing(_) => return,
            };
            let _ = send.send(answered);
        });
        tokio::task::yield_now().await;
    }
}

//----------- compare ----------------------------------------------------------

/// Returns what is other than an entry says: RCODE, flags, and the answer
/// section without signatures, which differ in which of them are sent.
fn compare(entry: &Entry, answered: &Answered) -> Vec<String> {
    let mut faults = Vec::new();
    let all = entry.matches.is_empty() || entry.needs("all") || entry.needs("all_noedns");
    let (flags, rcode) = wire::compared(entry);
    if (all || entry.needs("rcode")) && rcode != answered.rcode {
        faults.push(format!("RCODE {}, and {rcode} is expected", answered.rcode));
    }
    let Some(message) = &answered.message else { return faults };
    if all || entry.needs("flags") {
        let there = message.to_vec().unwrap();
        let there = u16::from_be_bytes([there[2], there[3]]) & 0x83b0;
        if there != flags {
            faults.push(format!("flags {there:04x}, and {flags:04x} are expected"));
        }
    }
    if all || entry.needs("answer") {
        let with_ttl = entry.needs("ttl");
        let mut expected: Vec<String> =
            entry.sections[1].iter().filter(|rr| rr.rtype != 46).map(|rr| written(rr, with_ttl)).collect();
        let mut there: Vec<String> = message
            .answers
            .iter()
            .filter(|record| record.record_type() != RecordType::RRSIG)
            .map(|record| sent(record, with_ttl))
            .collect();
        for list in [&mut expected, &mut there] {
            list.sort();
            list.dedup();
        }
        if there != expected {
            faults.push(format!("answer\n  {there:?}\nand expected is\n  {expected:?}"));
        }
    }
    if let Some(code) = entry.matches.iter().find_map(|word| word.strip_prefix("ede=")) {
        let there = crate::scenarios::extended_error(message).map(|(code, _)| code.to_string());
        if there.as_deref() != Some(code) && !(code == "any" && there.is_some()) {
            faults.push(format!("extended error {there:?}, and {code} is expected"));
        }
    }
    faults
}

/// Shows a record of the script.
fn written(rr: &Rr, with_ttl: bool) -> String {
    let ttl = if with_ttl { rr.ttl } else { 0 };
    shown(&rr.owner, rr.rtype, &rr.data, ttl)
}

/// Shows a record of a message.
fn sent(record: &Record, with_ttl: bool) -> String {
    let mut data = Vec::new();
    let mut encoder = BinEncoder::new(&mut data);
    encoder.set_name_encoding(NameEncoding::Uncompressed);
    record.data.emit(&mut encoder).unwrap();
    shown(&record.name, record.record_type().into(), &data, if with_ttl { record.ttl } else { 0 })
}

/// Shows a record so that it can be compared: names have no case.
fn shown(owner: &hickory_proto::rr::Name, rtype: u16, data: &[u8], ttl: u32) -> String {
    format!("{} {ttl} TYPE{rtype} {:02x?}", owner.to_lowercase(), data.to_ascii_lowercase())
}
