//! Queries and all that follows from them, as text files: the real road, a
//! scripted network, a clock that is moved by hand.
//!
//! Each `*.txt` in this folder opens by saying what it proves.  Lines that
//! begin with a blank belong to the word above them:
//!
//! ```text
//! CONFIG                       the config (TOML)
//! LIST                         a list of a family, in place of the bundled ones
//! FOREIGN mine.txt             a list by others, which the config names
//! CLIENT 192.0.2.10 MAC        who has which MAC
//! ANSWER name TYPE NOERROR     what the network says: NOERROR, NXDOMAIN, BOGUS, TIMEOUT
//! QUERY 192.0.2.10 name TYPE   a query; after the type `cd`, `noedns`, `claim=DEVICE`
//! RCODE NXDOMAIN               of the response
//! RECORD name TTL TYPE data    all records of its answer section; NONE for none
//! EDE 15 text                  its extended DNS error, with this in its text
//! SERVED device=kitchen ...    what was known and done
//! PASS 299                     seconds pass
//! ASKED 1                      how often the network was asked so far
//! ```

pub(crate) mod network;
mod script;

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use hickory_proto::op::Message;
use hickory_proto::rr::Record;
use sordino::answer::Answer;
use sordino::app::house;
use sordino::base::Client;
use sordino::base::Clock;
use sordino::base::Domain;
use sordino::base::time::ManualClock;
use sordino::catalog::parse;
use sordino::config;
use sordino::pipeline;
use sordino::pipeline::Household;
use sordino::pipeline::Retry;
use sordino::pipeline::Served;
use sordino::pipeline::Storms;
use sordino::query::Edns;
use sordino::query::Query;
use sordino::resolve::AnswerCache;
use sordino::resolve::Resolver;

use network::Network;
pub(crate) use network::extended_error;
use script::Step;

/// A house that a scenario plays in.
struct Stage {
    house: Household,
    resolver: Resolver,
    storms: Storms,
    network: Arc<Network>,
    clock: ManualClock,
    clients: Vec<Client>,
    /// The last query's record and response.
    last: Option<(Served, Message)>,
}

impl Stage {
    /// Builds the house of a scenario.
    fn build(steps: &[Step], folder: &Path) -> Self {
        let body = |word: &str| {
            let found = steps.iter().find(|step| step.word == word);
            found.map(|step| step.body.join("\n")).unwrap_or_default()
        };
        for step in steps.iter().filter(|step| step.word == "FOREIGN") {
            fs::write(folder.join(&step.rest), step.body.join("\n")).unwrap();
        }
        let config = config::load("CONFIG", &body("CONFIG")).unwrap_or_else(|faults| panic!("{}", faults[0]));
        let list = body("LIST");
        let list = if list.is_empty() { "family none\n" } else { &list };
        let family = parse::parse("LIST", list).unwrap_or_else(|faults| panic!("{}", faults[0]));
        let recognizer = Arc::default();
        let places = house::Files { base: folder, state: folder, keep: false, recognizer: &recognizer };
        let built = house::build(&config, &[family], &places, &mut Vec::new());
        let house = built.unwrap_or_else(|faults| panic!("{}", faults[0])).house;
        let network = Arc::new(Network::default());
        let upstream = Arc::clone(&network) as Arc<dyn sordino::resolve::Upstream>;
        let resolver = Resolver::with_upstream(upstream, Arc::new(AnswerCache::new(1 << 20)));
        Self {
            house,
            resolver,
            storms: Storms::default(),
            network,
            clock: ManualClock::at(1_800_000_000),
            clients: Vec::new(),
            last: None,
        }
    }

    /// Carries out a step, or checks what it says.
    async fn play(&mut self, step: &Step) {
        let words: Vec<_> = step.rest.split_whitespace().collect();
        match (step.word.as_str(), &words[..]) {
            ("CONFIG" | "LIST" | "FOREIGN", _) => {}
            ("CLIENT", [addr, mac]) => {
                let client = Client::new(addr.parse().unwrap()).with_mac(Some(mac.parse().unwrap()));
                self.clients.push(client);
            }
            ("ANSWER", [name, rtype, outcome]) => self.network.add(name, rtype, outcome, &step.body),
            ("QUERY", [addr, name, rtype, flags @ ..]) => self.ask(addr, name, rtype, flags).await,
            ("PASS", [seconds]) => self.clock.advance(Duration::from_secs(seconds.parse().unwrap())),
            ("ASKED", [times]) => assert_eq!(self.network.asked().to_string(), *times, "{step}"),
            ("RCODE", [rcode]) => {
                let shown = format!("{:?}", self.response().metadata.response_code).to_ascii_uppercase();
                assert_eq!(shown, *rcode, "{step}");
            }
            ("RECORD", _) => {
                let expected: Vec<_> = match words[..] {
                    ["NONE"] => Vec::new(),
                    _ => std::iter::once(&step.rest)
                        .chain(&step.body)
                        .map(|line| network::record(line))
                        .collect(),
                };
                let there: Vec<Record> = self.response().answers.clone();
                assert_eq!(there, expected, "{step}");
                let ttls = |records: &[Record]| records.iter().map(|record| record.ttl).collect::<Vec<_>>();
                assert_eq!(ttls(&there), ttls(&expected), "{step}: TTLs");
            }
            ("EDE", ["NONE"]) => assert_eq!(extended_error(self.response()), None, "{step}"),
            ("EDE", [code, ..]) => {
                let (there, text) = extended_error(self.response()).unwrap_or_else(|| panic!("{step}: none"));
                assert_eq!(there.to_string(), *code, "{step}");
                let expected = step.rest.split_once(' ').map_or("", |(_, text)| text);
                assert!(text.contains(expected), "{step}: it says {text:?}");
            }
            ("SERVED", pairs) => {
                for pair in pairs {
                    let (key, expected) = pair.split_once('=').unwrap();
                    assert_eq!(self.served(key), expected, "{step}: {key}");
                }
            }
            _ => panic!("{step}: not understood"),
        }
    }

    /// Sends a query down the road, and reads the response back from the wire.
    async fn ask(&mut self, addr: &str, name: &str, rtype: &str, flags: &[&str]) {
        let addr = addr.parse().unwrap();
        let client = self.clients.iter().find(|client| client.addr == addr);
        let qname: Domain = name.parse().unwrap();
        let as_asked: Vec<u8> = name
            .split('.')
            .flat_map(|label| [&[u8::try_from(label.len()).unwrap()][..], label.as_bytes()].concat())
            .chain([0])
            .collect();
        let edns = Edns { udp_size: 1232, dnssec_ok: flags.contains(&"do") };
        let client = client.copied().unwrap_or_else(|| Client::new(addr));
        let query = Query {
            claim: flags.iter().find_map(|flag| flag.strip_prefix("claim=")).map(Arc::from),
            id: 7,
            checking_disabled: flags.contains(&"cd"),
            edns: (!flags.contains(&"noedns")).then_some(edns),
            qname_as_asked: as_asked.clone().into(),
            ..Query::new(client, qname, network::rtype(rtype), self.clock.now())
        };
        let served = pipeline::serve(query, &self.house, &self.resolver, &self.storms).await;
        // What nobody waits for is done before the next step.
        tokio::task::yield_now().await;
        let wire = &served.response.wire;
        assert_eq!(wire[12..12 + as_asked.len()], as_asked, "the question comes back as it was asked");
        let message = Message::from_vec(wire).unwrap();
        self.last = Some((served, message));
    }

    /// Returns the last response.
    fn response(&self) -> &Message {
        &self.last.as_ref().expect("a QUERY first").1
    }

    /// Returns what was known and done, by its word.
    fn served(&self, key: &str) -> String {
        let (served, _) = self.last.as_ref().expect("a QUERY first");
        let judged = &served.judged;
        match key {
            "device" => served.device.name.to_string(),
            "purpose" => judged.purpose.to_string(),
            "verdict" => if judged.is_block() { "block" } else { "allow" }.to_owned(),
            "ground" => judged.ground.as_str().to_owned(),
            "observed" => judged.observed.as_ref().map_or("nothing", |ground| ground.as_str()).to_owned(),
            "origin" => match &served.answer {
                Answer::Failed(_) => "failure".to_owned(),
                other => other.origin().as_str().to_owned(),
            },
            "again" => (served.retry != Retry::No).to_string(),
            // How long a negative answer holds (RFC 2308 section 5).
            "negative-ttl" => self.response().authorities.first().expect("an SOA record").ttl.to_string(),
            _ => panic!("nothing is called {key}"),
        }
    }
}

#[tokio::test]
async fn every_scenario_plays_as_written() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios");
    let mut paths: Vec<_> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|kind| kind == "txt"))
        .collect();
    paths.sort();
    assert!(paths.len() >= 12);
    for path in paths {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let steps = script::read(&name, &fs::read_to_string(&path).unwrap());
        let scratch = std::env::temp_dir().join(format!("sordino-scenario-{}", std::process::id()));
        fs::create_dir_all(&scratch).unwrap();
        let mut stage = Stage::build(&steps, &scratch);
        for step in &steps {
            stage.play(step).await;
        }
        fs::remove_dir_all(&scratch).unwrap();
    }
}
