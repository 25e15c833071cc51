//! Tests of the choice among servers, in time that passes when everybody waits.

use std::sync::Mutex;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;

use async_trait::async_trait;
use hickory_proto::rr::Name;
use hickory_proto::rr::RecordType;

use super::*;
use crate::resolve::exchange::Sockets;

/// What a server does.
#[derive(Clone, Copy, Debug)]
enum Does {
    /// It answers after so many milliseconds.
    Answer(u64),
    /// It answers with this RCODE.
    Say(ResponseCode),
    /// Nothing.
    Nothing,
    /// Its port is closed.
    NotListen,
    /// It has the wrong certificate.
    Pretend,
}

/// A server of a script.
struct Scripted {
    does: Mutex<Does>,
    asked: AtomicUsize,
}

/// The way to it.
struct To(Arc<Scripted>);

#[async_trait]
impl Carrier for To {
    async fn carry(&self, query: &Query, _: &Exchange, _: &Budget) -> Result<Message, Trouble> {
        self.0.asked.fetch_add(1, Ordering::SeqCst);
        let does = *self.0.does.lock().unwrap();
        let mut reply = Message::response(0, hickory_proto::op::OpCode::Query);
        match does {
            Does::Answer(milliseconds) => tokio::time::sleep(Duration::from_millis(milliseconds)).await,
            Does::Say(rcode) => reply.metadata.response_code = rcode,
            Does::Nothing => {
                tokio::time::sleep(query.patience).await;
                return Err(Trouble::Silence);
            }
            Does::NotListen => return Err(Trouble::Closed),
            Does::Pretend => return Err(Trouble::Secrecy("certificate not valid for name".to_owned())),
        }
        Ok(reply)
    }

    fn loses(&self) -> bool {
        // As queries in datagrams do.
        matches!(*self.0.does.lock().unwrap(), Does::NotListen)
    }
}

fn address(nth: u8) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, nth], 53))
}

struct Servers {
    servers: Vec<Arc<Scripted>>,
    forwarder: Forwarder,
}

impl Servers {
    fn new(choice: Choice, do_what: &[Does]) -> Self {
        let server = |&does: &Does| Arc::new(Scripted { does: Mutex::new(does), asked: AtomicUsize::new(0) });
        let servers: Vec<_> = do_what.iter().map(server).collect();
        let carrier = |(nth, server): (u8, &Arc<Scripted>)| -> (SocketAddr, Box<dyn Carrier>) {
            (address(nth), Box::new(To(Arc::clone(server))))
        };
        let carriers = (0..).zip(&servers).map(carrier).collect();
        let exchange = Exchange::new(Arc::new(Sockets::default()), Arc::default());
        let forwarder = Forwarder::of(carriers, choice, &Arc::new(exchange));
        Self { servers, forwarder }
    }

    /// Asks, and returns after how many milliseconds there was what.
    async fn ask(&self) -> (u128, Result<ResponseCode, Trouble>) {
        self.ask_blaming(&[]).await
    }

    /// The same, where these servers had an answer that was no good.
    async fn ask_blaming(&self, blamed: &[u8]) -> (u128, Result<ResponseCode, Trouble>) {
        let query = Query {
            name: Name::from_ascii("a.example.").unwrap(),
            rtype: RecordType::A,
            recursion_desired: true,
            checking_disabled: true,
            patience: PATIENCE,
        };
        let blamed = blamed.iter().copied().map(address).collect();
        let ask = Ask { query, budget: Arc::default(), blamed };
        let begun = moment();
        let result = self.forwarder.ask(&ask).await;
        let took = moment().saturating_duration_since(begun).as_millis();
        // What nobody waits for begins.
        tokio::task::yield_now().await;
        (took, result.map(|(_, reply)| reply.metadata.response_code))
    }

    fn does(&self, nth: usize, does: Does) {
        *self.servers[nth].does.lock().unwrap() = does;
    }

    fn asked(&self) -> Vec<usize> {
        self.servers.iter().map(|server| server.asked.swap(0, Ordering::SeqCst)).collect()
    }
}

const FINE: Result<ResponseCode, Trouble> = Ok(ResponseCode::NoError);

#[tokio::test(start_paused = true)]
async fn in_strict_order_the_second_is_asked_when_the_first_fails_or_is_late() {
    let servers = Servers::new(Choice::Strict, &[Does::Answer(900), Does::Answer(10)]);
    assert_eq!(servers.ask().await, (900, FINE));
    assert_eq!(servers.asked(), [1, 0]);
    servers.does(0, Does::Answer(1_500));
    assert_eq!(servers.ask().await, (1_010, FINE));
    servers.does(0, Does::Say(ResponseCode::ServFail));
    assert_eq!(servers.ask().await, (10, FINE));
    servers.does(0, Does::Pretend);
    assert_eq!(servers.ask().await, (10, FINE));
    assert_eq!(servers.asked(), [3, 3]);
}

#[tokio::test(start_paused = true)]
async fn the_quickest_is_asked_and_another_when_it_is_late() {
    let servers = Servers::new(Choice::Parallel, &[Does::Answer(200), Does::Answer(20)]);
    for _ in 0..4 {
        assert_eq!(servers.ask().await.1, FINE);
    }
    servers.asked();
    assert_eq!(servers.ask().await, (20, FINE));
    assert_eq!(servers.asked(), [0, 1]);
    servers.does(1, Does::Nothing);
    let (took, result) = servers.ask().await;
    assert!((300..=320).contains(&took), "{took}");
    assert_eq!(result, FINE);
}

#[tokio::test(start_paused = true)]
async fn whose_answers_were_no_good_is_asked_last() {
    let servers = Servers::new(Choice::Strict, &[Does::Answer(10), Does::Answer(20)]);
    assert_eq!(servers.ask_blaming(&[0]).await, (20, FINE));
    assert_eq!(servers.ask_blaming(&[0, 1]).await, (10, FINE));
    servers.does(1, Does::Say(ResponseCode::ServFail));
    assert_eq!(servers.ask_blaming(&[0]).await, (10, FINE));
}

#[tokio::test(start_paused = true)]
async fn a_single_server_may_be_slow() {
    let servers = Servers::new(Choice::Parallel, &[Does::Answer(1_500)]);
    for _ in 0..5 {
        assert_eq!(servers.ask().await, (1_500, FINE));
    }
    assert_eq!(servers.asked(), [5]);
}

#[tokio::test(start_paused = true)]
async fn what_all_say_is_told() {
    let servers = Servers::new(Choice::Strict, &[Does::Pretend, Does::Say(ResponseCode::Refused)]);
    assert_eq!(servers.ask().await, (0, Err(Trouble::Refused(ResponseCode::Refused))));
    let servers = Servers::new(Choice::Strict, &[Does::Pretend]);
    let (_, result) = servers.ask().await;
    assert_eq!(result, Err(Trouble::Secrecy("certificate not valid for name".to_owned())));
}

#[tokio::test(start_paused = true)]
async fn who_was_gone_for_an_hour_is_asked_a_little_and_found_within_five_seconds() {
    let servers = Servers::new(Choice::Strict, &[Does::Nothing]);
    for _ in 0..3 {
        assert_eq!(servers.ask().await, (2_000, Err(Trouble::Silence)));
    }
    servers.asked();
    // A hundred ask in each second.
    let mut tried = 0;
    for _ in 0..3_600 {
        let all = (0..100).map(|_| servers.ask());
        futures_util::future::join_all(all).await;
        tokio::time::sleep(Duration::from_secs(1)).await;
        tried += servers.asked()[0];
    }
    assert!((3_600..=5 * 3_600).contains(&tried), "{tried}");
    servers.does(0, Does::Answer(10));
    let back = moment();
    while servers.ask().await.1 != FINE {
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    assert!(moment().saturating_duration_since(back) <= Duration::from_secs(5));
}

#[tokio::test(start_paused = true)]
async fn the_first_in_order_is_first_again_when_it_is_back_and_nobody_waits_for_that() {
    let servers = Servers::new(Choice::Strict, &[Does::Nothing, Does::Answer(10)]);
    for _ in 0..3 {
        assert_eq!(servers.ask().await, (1_010, FINE));
        tokio::time::sleep(Duration::from_secs(2)).await;
    }
    servers.asked();
    for _ in 0..10 {
        assert_eq!(servers.ask().await, (10, FINE));
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    let [first, second] = servers.asked()[..] else { panic!() };
    assert!((2..=4).contains(&first) && second == 10, "{first} {second}");
    servers.does(0, Does::Answer(5));
    for _ in 0..6 {
        assert_eq!(servers.ask().await.1, FINE);
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    servers.asked();
    assert_eq!(servers.ask().await, (5, FINE));
    assert_eq!(servers.asked(), [1, 0]);
}

#[tokio::test(start_paused = true)]
async fn where_nobody_listens_the_next_is_asked_at_once_and_the_last_one_again() {
    let servers = Servers::new(Choice::Strict, &[Does::NotListen, Does::Answer(10)]);
    assert_eq!(servers.ask().await, (10, FINE));
    assert_eq!(servers.asked(), [1, 1]);
    // A router that is just starting.
    let servers = Servers::new(Choice::Strict, &[Does::NotListen]);
    let starting = async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        servers.does(0, Does::Answer(10));
    };
    let ((took, result), ()) = tokio::join!(servers.ask(), starting);
    assert_eq!((took, result), (1_010, FINE));
    servers.does(0, Does::NotListen);
    assert_eq!(servers.ask().await, (1_000, Err(Trouble::Closed)));
    assert_eq!(servers.asked(), [4]);
}
