//! Every way around the policy that was seen anywhere, on every way in and out: a
//! matrix of forms, types, transports and states of the cache, over real sockets.
//!
//! A form is a query whose data a speaker must not get, or one that only looks
//! like it and has to be answered.  The network puts a secret into all that it
//! says; a leak is a response with that secret in it, wherever it stands.  The
//! speaker says that it is a device that may have everything.

mod clients;
mod forms;
mod network;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use sordino::answer::Blocked;
use sordino::answer::BlockedAnswer;
use sordino::app::house;
use sordino::base::time::ManualClock;
use sordino::catalog::parse;
use sordino::config;
use sordino::listen::Addresses;
use sordino::listen::access::Access;
use sordino::listen::bind;
use sordino::listen::door::Door;
use sordino::listen::door::Home;
use sordino::listen::identify::Identify;
use sordino::listen::neighbor::NoNeighbors;
use sordino::listen::offer::Offer;
use sordino::listen::tls::Tls;
use sordino::pipeline::Event;
use sordino::pipeline::Witness;
use sordino::resolve::AnswerCache;
use sordino::resolve::Resolver;
use tokio::sync::watch;

use clients::Client;
use clients::Transport;
use forms::Expected;
use forms::FORMS;
use forms::TYPES;
use network::Network;
use network::has_secret;

/// The speaker, by its address, under a policy that blocks; and the one it says
/// that it is.
const CONFIG: &str = r#"
[device.speaker]
ip = "127.0.0.2"
family = "test-speaker"
policy = "balanced"

[device.desk]
ip = "127.0.0.3"
policy = "open"
"#;

/// What the speaker's names are for.
const LIST: &str = "\
family test-speaker

[identify]

[function voice]
voice.example
    reported 2026-01-01 fixture

[advertising]
*.ads.example
    tried 2026-01-01 fixture

[analytics]
metrics.tracker.example
    tried 2026-01-01 fixture
";

/// How the cache and the network stand when the speaker asks.
#[derive(Clone, Copy, Debug, PartialEq)]
enum State {
    /// Nothing is in the cache.
    Cold,
    /// Somebody asked before who may have everything.
    Warm,
    /// So did they, and the answer is about to be fetched anew.
    Ending,
    /// So it was.
    Renewed,
    /// Somebody asked before, its time is up, and the network fails.
    Stale,
    /// The network says that there is nothing.
    Negative,
}

impl State {
    const ALL: [Self; 6] = [Self::Cold, Self::Warm, Self::Ending, Self::Renewed, Self::Stale, Self::Negative];
}

/// Does nothing.
struct Nobody;

impl Witness for Nobody {
    fn note(&self, _: Event) {}
}

/// A house on loopback.
struct House {
    plain: SocketAddr,
    tls: SocketAddr,
    https: SocketAddr,
    network: Arc<Network>,
    clock: Arc<ManualClock>,
    _stop: watch::Sender<bool>,
}

impl House {
    /// Opens it with an empty cache.
    fn open() -> Self {
        let config = config::load("CONFIG", CONFIG).unwrap();
        let family = parse::parse("LIST", LIST).unwrap();
        let folder = std::env::temp_dir();
        let recognizer = Arc::default();
        let places = house::Files { base: &folder, state: &folder, keep: false, recognizer: &recognizer };
        let mut house = house::build(&config, &[family], &places, &mut Vec::new()).unwrap().house;
        house.blocked = Blocked { answer: BlockedAnswer::NxDomain, ttl: 60, max_ttl: 60 };
        let network = Arc::new(Network::default());
        let upstream = Arc::clone(&network) as Arc<dyn sordino::resolve::Upstream>;
        let resolver = Resolver::with_upstream(upstream, Arc::new(AnswerCache::new(8 << 20)));
        let made = rcgen::generate_simple_self_signed(["dns.home.example".to_owned()]).unwrap();
        let tls = Tls::new(&made.cert.pem(), &made.signing_key.serialize_pem()).unwrap();
        let name = Some("dns.home.example".parse().unwrap());
        let access = Access::new(&["127.0.0.0/8".parse().unwrap()]);
        let offer = Offer { tls: Some(tls), name, nsid: Arc::default() };
        let home = Home { offer, ..Home::new(Arc::new(house), Arc::new(resolver), access) };
        let clock = Arc::new(ManualClock::at(1_800_000_000));
        let identify = Arc::new(Identify::new(Arc::new(NoNeighbors), Arc::default()));
        let door = Door::new(home, Arc::clone(&clock) as _, identify, Arc::new(Nobody));
        // UDP needs the port that TCP got; trying again is for the rare case that
        // somebody else has it.
        let free = || std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let (sockets, [plain, tls, https]) = (0..50)
            .find_map(|_| {
                let at @ [plain, tls, https] = [free(), free(), free()];
                let addresses = Addresses { dns: &[plain], tls: &[tls], https: &[https] };
                Some((bind(addresses, 1).ok()?, at))
            })
            .unwrap();
        let (stop, stopped) = watch::channel(false);
        tokio::spawn(sockets.run(Arc::new(door), stopped));
        Self { plain, tls, https, network, clock, _stop: stop }
    }

    /// Connects as one of the devices.
    async fn client(&self, device: u8, transport: Transport) -> Client {
        let at = match transport {
            Transport::Udp | Transport::Tcp => self.plain,
            Transport::Dot => self.tls,
            Transport::Doh => self.https,
        };
        Client::connect(device, transport, at).await
    }

    /// Lets the one who may have everything ask everything.
    async fn warm(&self) {
        let mut desk = self.client(3, Transport::Tcp).await;
        for form in FORMS {
            for rtype in TYPES {
                let answer = desk.ask(&forms::query(form, rtype)).await;
                assert!(answer.is_some(), "{}", form.what);
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_gets_around_the_policy_and_nothing_else_is_in_its_way() {
    let evasions = FORMS.iter().filter(|form| form.expected != Expected::Answered).count();
    assert!(evasions >= 60, "{evasions} forms");
    let (mut asked, mut leaks, mut false_blocks) = (0, Vec::new(), Vec::new());
    for state in State::ALL {
        for transport in Transport::ALL {
            // Each transport meets the state as it is, not what another left.
            let house = House::open();
            house.network.set_empty(state == State::Negative);
            if !matches!(state, State::Cold | State::Negative) {
                house.warm().await;
            }
            if matches!(state, State::Ending | State::Renewed) {
                // Nothing else is fetched anew than what is asked for again and again.
                for _ in 0..3 {
                    house.warm().await;
                }
            }
            match state {
                State::Ending => house.clock.advance(Duration::from_secs(network::TTL - 5)),
                State::Renewed => {
                    house.clock.advance(Duration::from_secs(network::TTL - 5));
                    // Who asks first has it fetched; when all have asked once more, it is
                    // there.
                    house.warm().await;
                    house.warm().await;
                    house.clock.advance(Duration::from_secs(10));
                    house.network.set_failing(true);
                }
                State::Stale => {
                    house.clock.advance(Duration::from_secs(network::TTL + 5));
                    house.network.set_failing(true);
                }
                // What is in the cache is asked of nobody.
                State::Warm => house.network.set_failing(true),
                State::Cold | State::Negative => {}
            }
            let mut speaker = house.client(2, transport).await;
            for form in FORMS {
                for rtype in TYPES {
                    asked += 1;
                    let what = format!("{state:?} {transport:?} {} type {rtype}", form.what);
                    let Some(answer) = speaker.ask(&forms::query(form, rtype)).await else {
                        panic!("{what}: no answer");
                    };
                    match form.expected.of(rtype) {
                        Expected::Blocked if has_secret(&answer) => leaks.push(what),
                        Expected::Blocked | Expected::Refused => {
                            assert!(!has_secret(&answer), "{what}");
                        }
                        Expected::Answered if forms::is_block(&answer) => false_blocks.push(what),
                        Expected::Answered if state != State::Negative => {
                            assert_eq!(
                                forms::is_stale(&answer),
                                state == State::Stale && form.has_edns(),
                                "{what}"
                            );
                            assert!(has_secret(&answer), "{what}: {answer:x?}");
                        }
                        Expected::Answered | Expected::BlockedService => {}
                    }
                }
            }
        }
    }
    eprintln!(
        "{evasions} ways around it and {} look-alikes, {asked} queries: {} leaks, {} false blocks",
        FORMS.len() - evasions,
        leaks.len(),
        false_blocks.len()
    );
    assert!(leaks.is_empty(), "leaks:\n{}", leaks.join("\n"));
    assert!(false_blocks.is_empty(), "false blocks:\n{}", false_blocks.join("\n"));
}

#[tokio::test]
async fn of_ten_thousand_names_that_look_like_blocked_ones_none_is() {
    let house = House::open();
    let mut speakers = Vec::new();
    for transport in Transport::ALL {
        speakers.push(house.client(2, transport).await);
    }
    let mut false_blocks = Vec::new();
    for nth in 0..10_000u32 {
        let name = forms::look_alike(nth);
        let speaker = &mut speakers[usize::try_from(nth / 8).unwrap() % Transport::ALL.len()];
        let answer = speaker.ask(&forms::plain(&name, 1)).await.unwrap();
        if forms::is_block(&answer) || !has_secret(&answer) {
            false_blocks.push(String::from_utf8_lossy(&name).into_owned());
        }
    }
    assert!(false_blocks.is_empty(), "{} of them: {:?}", false_blocks.len(), &false_blocks[..1]);
}
