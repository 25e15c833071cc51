//! Tests of the resolver against servers on loopback and upstreams of a script.

use std::net::Ipv4Addr;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::time::Duration;

use async_trait::async_trait;
use hickory_proto::op::Message;
use hickory_proto::op::ResponseCode;
use hickory_proto::rr::Name;
use hickory_proto::rr::RData;
use hickory_proto::rr::Record;
use hickory_proto::rr::rdata::SOA;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio::net::UdpSocket;
use tokio::sync::Notify;

use super::*;
use crate::base::Clock;
use crate::base::Domain;
use crate::base::time::ManualClock;
use crate::query::Rtype;
use crate::query::Transport;
use stats::Sent;

//----------- Server -----------------------------------------------------------

/// What a server makes of a request: any number of datagrams.
type Script = fn(&Message) -> Vec<Vec<u8>>;

/// Starts a server on loopback and returns its address.  Over TCP it sends the
/// last datagram of the script without TC.
async fn server(script: Script) -> SocketAddr {
    // The same port for both, which somebody else may have for one.
    let (udp, tcp) = loop {
        let tcp = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        if let Ok(udp) = UdpSocket::bind(tcp.local_addr().unwrap()).await {
            break (udp, tcp);
        }
    };
    let address = udp.local_addr().unwrap();
    tokio::spawn(async move {
        let mut buffer = [0; 4_096];
        while let Ok((len, from)) = udp.recv_from(&mut buffer).await {
            let request = Message::from_vec(&buffer[..len]).unwrap();
            for wire in script(&request) {
                udp.send_to(&wire, from).await.unwrap();
            }
        }
    });
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = tcp.accept().await {
            let mut wire = vec![0; stream.read_u16().await.unwrap().into()];
            stream.read_exact(&mut wire).await.unwrap();
            let mut wire = script(&Message::from_vec(&wire).unwrap()).pop().unwrap();
            wire[2] &= !2;
            stream.write_u16(u16::try_from(wire.len()).unwrap()).await.unwrap();
            stream.write_all(&wire).await.unwrap();
        }
    });
    address
}

fn reply(request: &Message) -> Message {
    let mut reply = Message::response(request.metadata.id, request.metadata.op_code);
    reply.add_queries(request.queries.iter().cloned());
    reply.metadata.recursion_available = true;
    reply
}

fn record(owner: &Name, data: RData) -> Record {
    Record::from_rdata(owner.clone(), 300, data)
}

/// Answers 192.0.2.1 to everything.
fn with_address(request: &Message) -> Message {
    let mut reply = reply(request);
    let address = RData::A(Ipv4Addr::new(192, 0, 2, 1).into());
    reply.add_answer(record(request.queries[0].name(), address));
    reply
}

fn fine(request: &Message) -> Vec<Vec<u8>> {
    // What must never be in a request that leaves the house, and what must.
    let edns = request.edns.as_ref().unwrap();
    assert!(edns.options().as_ref().is_empty());
    assert!(edns.flags().dnssec_ok);
    assert!(request.metadata.recursion_desired && !request.metadata.authentic_data);
    vec![with_address(request).to_vec().unwrap()]
}

fn failing(request: &Message) -> Vec<Vec<u8>> {
    let mut reply = reply(request);
    reply.metadata.response_code = ResponseCode::ServFail;
    vec![reply.to_vec().unwrap()]
}

fn without_edns(request: &Message) -> Vec<Vec<u8>> {
    if request.edns.is_none() {
        return vec![with_address(request).to_vec().unwrap()];
    }
    let mut reply = reply(request);
    reply.metadata.response_code = ResponseCode::FormErr;
    vec![reply.to_vec().unwrap()]
}

fn truncating(request: &Message) -> Vec<Vec<u8>> {
    let mut reply = with_address(request);
    reply.metadata.truncation = true;
    vec![reply.to_vec().unwrap()]
}

/// Sends the four kinds of near misses, and then the truth.
fn among_forgeries(request: &Message) -> Vec<Vec<u8>> {
    let right = with_address(request).to_vec().unwrap();
    let mut forged = with_address(request);
    forged.answers[0].data = RData::A(Ipv4Addr::new(6, 6, 6, 6).into());
    let mut other_id = forged.clone();
    other_id.metadata.id ^= 1;
    let mut other_name = forged.clone();
    other_name.queries[0].set_name(Name::from_ascii("other.example.").unwrap());
    let mut no_reply = forged.clone();
    no_reply.metadata.message_type = hickory_proto::op::MessageType::Query;
    let mut broken = forged.to_vec().unwrap();
    broken.truncate(broken.len() - 3);
    let forged = [other_id, other_name, no_reply].map(|message| message.to_vec().unwrap());
    forged.into_iter().chain([broken, right]).collect()
}

/// Floods with wrong IDs over UDP; only TCP has the truth.
fn flooding(request: &Message) -> Vec<Vec<u8>> {
    let mut forged = with_address(request);
    forged.metadata.id ^= 1;
    let mut all = vec![forged.to_vec().unwrap(); 30];
    all.push(with_address(request).to_vec().unwrap());
    all
}

fn nothing(request: &Message) -> Vec<Vec<u8>> {
    let mut reply = reply(request);
    reply.metadata.response_code = ResponseCode::NXDomain;
    let soa = SOA::new(Name::root(), Name::root(), 1, 1, 1, 1, 60);
    reply.add_authority(record(&Name::from_ascii("example.").unwrap(), RData::SOA(soa)));
    vec![reply.to_vec().unwrap()]
}

//----------- Asking -----------------------------------------------------------

fn question(name: &str, rtype: Rtype) -> Question {
    Question { name: name.parse().unwrap(), rtype, checking_disabled: false }
}

fn forwarding(to: &[SocketAddr]) -> Settings {
    Settings {
        mode: Mode::Forward,
        forward_to: to.iter().copied().map(Server::from).collect(),
        dnssec: false,
        ..Settings::default()
    }
}

async fn ask(resolver: &Resolver, name: &str, clock: &ManualClock) -> Result<Resolved, Failure> {
    resolver.answer(question(name, Rtype::A), clock.now()).await
}

fn addresses(resolved: &Resolved) -> Vec<String> {
    resolved.data.message().answers.iter().map(|record| record.data.to_string()).collect()
}

#[tokio::test]
async fn an_answer_is_fetched_once_and_then_comes_from_the_cache() {
    let resolver = Resolver::new(&forwarding(&[server(fine).await])).unwrap();
    let clock = ManualClock::at(0);
    let first = ask(&resolver, "www.example", &clock).await.unwrap();
    assert_eq!((first.origin, first.age, addresses(&first)), (Origin::Forward, 0, vec!["192.0.2.1".into()]));
    clock.advance(Duration::from_secs(100));
    let second = ask(&resolver, "www.example", &clock).await.unwrap();
    assert_eq!((second.origin, second.age), (Origin::Cache, 100));
    assert!(!second.data.secure);
    clock.advance(Duration::from_secs(200));
    assert_eq!(ask(&resolver, "www.example", &clock).await.unwrap().origin, Origin::Forward);
    let stats = resolver.stats();
    assert_eq!(stats.upstream(Transport::Udp, Sent::Answer), 2);
    assert_eq!(stats.cache.misses, 2);
}

#[tokio::test]
async fn a_failing_server_is_followed_by_the_next() {
    let resolver = Resolver::new(&forwarding(&[server(failing).await, server(fine).await])).unwrap();
    let clock = ManualClock::at(0);
    for name in ["a.example", "b.example", "c.example"] {
        assert_eq!(addresses(&ask(&resolver, name, &clock).await.unwrap()), ["192.0.2.1"]);
    }
}

#[tokio::test]
async fn failures_say_what_happened_and_are_not_kept() {
    let resolver = Resolver::new(&forwarding(&[server(failing).await])).unwrap();
    let clock = ManualClock::at(0);
    let failure = ask(&resolver, "www.example", &clock).await.unwrap_err();
    assert_eq!((failure.kind, failure.origin), (FailureKind::Unreachable, Origin::Forward));
    assert!(failure.detail.contains("Server Failure"), "{failure}");
    assert_eq!(resolver.stats().cache.entries, 0);
}

#[tokio::test]
async fn truncation_and_old_servers_are_met() {
    for script in [truncating as Script, without_edns] {
        let resolver = Resolver::new(&forwarding(&[server(script).await])).unwrap();
        let resolved = ask(&resolver, "www.example", &ManualClock::at(0)).await.unwrap();
        assert_eq!(addresses(&resolved), ["192.0.2.1"]);
    }
}

#[tokio::test]
async fn near_misses_are_passed_over() {
    let resolver = Resolver::new(&forwarding(&[server(among_forgeries).await])).unwrap();
    let resolved = ask(&resolver, "www.example", &ManualClock::at(0)).await.unwrap();
    assert_eq!(addresses(&resolved), ["192.0.2.1"]);
}

#[tokio::test]
async fn under_a_flood_of_guesses_the_question_goes_over_tcp() {
    let resolver = Resolver::new(&forwarding(&[server(flooding).await])).unwrap();
    let resolved = ask(&resolver, "www.example", &ManualClock::at(0)).await.unwrap();
    assert_eq!(addresses(&resolved), ["192.0.2.1"]);
    assert_eq!(resolver.stats().upstream(Transport::Tcp, Sent::Answer), 1);
}

#[tokio::test]
async fn a_zone_has_its_own_servers_and_its_own_place_in_the_cache() {
    let mut settings = forwarding(&[server(nothing).await]);
    let clock = ManualClock::at(0);
    let outside = Resolver::new(&settings).unwrap();
    assert_eq!(ask(&outside, "nas.house.example", &clock).await.unwrap().data.rcode, ResponseCode::NXDomain);
    let cache = Arc::clone(&outside.0.cache);
    settings.zones = vec![
        ("house.example".parse().unwrap(), vec![server(failing).await]),
        ("nas.house.example".parse().unwrap(), vec![server(fine).await]),
    ];
    let zoned = Resolver::with_cache(&settings, cache).unwrap();
    // The longest zone's servers are asked, not the cache.
    let found = ask(&zoned, "nas.house.example", &clock).await.unwrap();
    assert_eq!((found.origin, addresses(&found)), (Origin::Forward, vec!["192.0.2.1".into()]));
    assert!(ask(&zoned, "printer.house.example", &clock).await.is_err());
    // All others are as they were, the cache included.
    assert_eq!(ask(&outside, "nas.house.example", &clock).await.unwrap().origin, Origin::Cache);
}

#[tokio::test]
async fn special_names_ask_nobody() {
    let resolver = Resolver::new(&forwarding(&[server(failing).await])).unwrap();
    let now = ManualClock::at(0).now();
    for (name, rtype) in [("fritz", Rtype::A), ("x.onion", Rtype::A)] {
        assert_eq!(resolver.answer(question(name, rtype), now).await.unwrap().origin, Origin::Local);
    }
    assert_eq!(resolver.stats().upstream(Transport::Udp, Sent::Answer), 0);
}

#[tokio::test]
async fn what_cannot_be_validated_is_a_failure_and_is_there_for_cd() {
    let settings = Settings { dnssec: true, ..forwarding(&[server(fine).await]) };
    let resolver = Resolver::new(&settings).unwrap();
    let now = ManualClock::at(1_800_000_000).now();
    // The server has an address for everything and no signature for anything.
    let failure = resolver.answer(question("www.example", Rtype::A), now).await.unwrap_err();
    assert!(matches!(failure.kind, FailureKind::Bogus(_)), "{failure}");
    let unchecked = Question { checking_disabled: true, ..question("www.example", Rtype::A) };
    let resolved = resolver.answer(unchecked, now).await.unwrap();
    assert_eq!((addresses(&resolved), resolved.data.secure), (vec!["192.0.2.1".into()], false));
    // CD's answer is not for others.
    assert!(resolver.answer(question("www.example", Rtype::A), now).await.is_err());
    // A negative trust anchor is.
    let settings = Settings { negative_trust_anchors: vec!["example".parse().unwrap()], ..settings };
    let resolver = Resolver::new(&settings).unwrap();
    let resolved = resolver.answer(question("www.example", Rtype::A), now).await.unwrap();
    assert!(!resolved.data.secure);
}

#[test]
fn settings_that_do_not_go_together_are_refused() {
    let say = |settings: &Settings| Resolver::new(settings).err().unwrap().to_string();
    assert_eq!(say(&forwarding(&[])), "resolve: no server to ask for `forward-to`");
    let zones = vec![("lan".parse().unwrap(), Vec::new())];
    assert_eq!(say(&Settings { zones, ..Settings::default() }), "resolve: no server to ask for `lan`");
    let anchor = File { name: "root.key".into(), text: ". DNSKEY x".to_owned() };
    let complaint = say(&Settings { trust_anchor: Some(anchor), ..Settings::default() });
    assert!(complaint.starts_with("root.key:1:10: not a key"), "{complaint}");
}

//----------- Upstream ---------------------------------------------------------

/// An upstream that waits to be told to go on, and may panic.
struct Scripted {
    /// How often it was asked.
    asked: AtomicUsize,
    /// Told to go on.
    go: Notify,
}

#[async_trait]
impl Upstream for Scripted {
    async fn fetch(&self, question: &Question, _: Now) -> Result<AnswerData, Failure> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        self.go.notified().await;
        assert!(question.name != "panic.example".parse::<Domain>().unwrap(), "as the script says");
        let owner = names::to_name(&question.name);
        let answer = record(&owner, RData::A(Ipv4Addr::LOCALHOST.into()));
        Ok(AnswerData::new(question, ResponseCode::NoError, vec![answer], vec![], true))
    }

    fn origin(&self) -> Origin {
        Origin::Recursion
    }
}

fn scripted() -> (Arc<Scripted>, Resolver) {
    let upstream = Arc::new(Scripted { asked: AtomicUsize::new(0), go: Notify::new() });
    let resolver = Resolver::with_upstream(Arc::clone(&upstream) as _, Arc::new(AnswerCache::new(1 << 20)));
    (upstream, resolver)
}

#[tokio::test]
async fn identical_questions_are_asked_once_and_survive_their_askers() {
    let (upstream, resolver) = scripted();
    let now = ManualClock::at(0).now();
    let asking = || {
        let resolver = resolver.clone();
        tokio::spawn(async move { resolver.answer(question("a.example", Rtype::A), now).await })
    };
    let (first, others) = (asking(), [asking(), asking(), asking()]);
    while upstream.asked.load(Ordering::SeqCst) == 0 {
        tokio::task::yield_now().await;
    }
    first.abort();
    assert!(first.await.is_err());
    upstream.go.notify_one();
    for other in others {
        let resolved = other.await.unwrap().unwrap();
        assert_eq!(addresses(&resolved), ["127.0.0.1"]);
        assert!(resolved.data.secure);
    }
    assert_eq!(upstream.asked.load(Ordering::SeqCst), 1);
    assert_eq!(resolver.0.work.len(), 0);
    // And what was found is kept.
    let again = resolver.answer(question("a.example", Rtype::A), now).await.unwrap();
    assert_eq!(again.origin, Origin::Cache);
}

#[tokio::test]
async fn a_panic_in_the_work_is_a_failure_and_not_the_end() {
    let (upstream, resolver) = scripted();
    let now = ManualClock::at(0).now();
    upstream.go.notify_one();
    let failure = resolver.answer(question("panic.example", Rtype::A), now).await.unwrap_err();
    assert_eq!((failure.kind, failure.origin), (FailureKind::Fault, Origin::Recursion));
    assert_eq!(resolver.0.work.len(), 0);
    upstream.go.notify_one();
    assert!(resolver.answer(question("b.example", Rtype::A), now).await.is_ok());
}
