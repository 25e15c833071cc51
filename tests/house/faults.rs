//! Another resolver that is asked and has every fault, over real sockets: what was
//! known is given, what was not fails, and when it is mended it is found.
//!
//! How long each of that takes is proven in time of the tests' own, in
//! `resolve/forward` and `resolve/resolver`, and measured by `tests/trials/run
//! uplink`.

use std::convert::Infallible;
use std::fs;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::time::Duration;

use http_body_util::BodyExt;
use http_body_util::Full;
use hyper::Request;
use hyper::Response;
use hyper::body::Bytes;
use hyper::body::Incoming;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::TokioExecutor;
use hyper_util::rt::TokioIo;
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio::net::TcpStream;
use tokio::net::UdpSocket;
use tokio::runtime::Runtime;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::House;
use super::in_house;
use super::support::Server;
use super::support::eventually;
use super::support::pause;
use super::upstreams::certificates;

/// What the other resolver does.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Does {
    /// It answers.
    Answer,
    /// It takes questions and says nothing.
    Nothing,
    /// It answers SERVFAIL.
    Fail,
    /// It takes its time to answer; less than those who have an old answer wait.
    Dawdle,
    /// It takes connections, and says nothing on them, not even to open TLS.
    HalfOpen,
    /// It has a certificate of which nobody knows who signed it.
    Pretend,
    /// It answers with this status of HTTP.
    Status(u16),
}

/// The other resolver.
struct Script {
    does: Mutex<Does>,
    /// How many questions came.
    asked: AtomicUsize,
    /// With its certificate, and with one of its own making.
    acceptors: [TlsAcceptor; 2],
}

impl Script {
    /// Starts it at an address: in the clear, over TLS and over HTTPS.
    fn start(house: &House, address: &str) -> (Arc<Self>, Runtime) {
        certificates(&house.folder);
        let pem = |name: &str| fs::read(house.folder.join(name)).unwrap();
        let made = rcgen::generate_simple_self_signed(["dns.example".to_owned()]).unwrap();
        let acceptors = [
            acceptor(&pem("cert.pem"), &pem("key.pem")),
            acceptor(made.cert.pem().as_bytes(), made.signing_key.serialize_pem().as_bytes()),
        ];
        let script = Self { does: Mutex::new(Does::Answer), asked: AtomicUsize::new(0), acceptors };
        let (script, runtime) = (Arc::new(script), Runtime::new().unwrap());
        runtime.block_on(async {
            let at = |port: u16| SocketAddr::new(address.parse().unwrap(), port);
            tokio::spawn(Arc::clone(&script).datagrams(UdpSocket::bind(at(53)).await.unwrap()));
            for (port, https) in [(853, false), (443, true)] {
                let listener = TcpListener::bind(at(port)).await.unwrap();
                tokio::spawn(Arc::clone(&script).connections(listener, https));
            }
        });
        (script, runtime)
    }

    fn set(&self, does: Does) {
        *self.does.lock().unwrap() = does;
    }

    fn does(&self) -> Does {
        *self.does.lock().unwrap()
    }

    /// Answers a question as it is told to: one address, for a second.
    async fn answer(&self, question: &[u8]) -> Option<Vec<u8>> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let mut answer = question.to_vec();
        // QR and RA; the question alone, without what is behind it.
        answer[2] |= 0x80;
        answer[3] = 0x80;
        let end = 12 + question[12..].iter().position(|octet| *octet == 0).unwrap() + 5;
        answer.truncate(end);
        answer[6..12].copy_from_slice(&[0, 1, 0, 0, 0, 0]);
        match self.does() {
            Does::Nothing => return None,
            Does::Fail => {
                answer[3] |= 2;
                answer[7] = 0;
                return Some(answer);
            }
            Does::Dawdle => tokio::time::sleep(Duration::from_millis(800)).await,
            _ => {}
        }
        answer.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 1, 0, 4, 203, 0, 113, 7]);
        Some(answer)
    }

    async fn datagrams(self: Arc<Self>, socket: UdpSocket) {
        let socket = Arc::new(socket);
        loop {
            let mut question = vec![0; 4096];
            let (length, peer) = socket.recv_from(&mut question).await.unwrap();
            let (script, socket) = (Arc::clone(&self), Arc::clone(&socket));
            tokio::spawn(async move {
                if let Some(answer) = script.answer(&question[..length]).await {
                    socket.send_to(&answer, peer).await.unwrap();
                }
            });
        }
    }

    async fn connections(self: Arc<Self>, listener: TcpListener, https: bool) {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let script = Arc::clone(&self);
            // How a connection ends is the other side's business.
            tokio::spawn(async move { drop(script.connection(stream, https).await) });
        }
    }

    async fn connection(self: Arc<Self>, stream: TcpStream, https: bool) -> std::io::Result<()> {
        if self.does() == Does::HalfOpen {
            let _held = stream;
            return std::future::pending().await;
        }
        let acceptor = &self.acceptors[usize::from(self.does() == Does::Pretend)];
        let stream = acceptor.accept(stream).await?;
        if https { self.requests(stream).await } else { self.messages(stream).await }
    }

    async fn messages(self: Arc<Self>, stream: TlsStream<TcpStream>) -> std::io::Result<()> {
        let (mut reader, writer) = tokio::io::split(stream);
        let writer = Arc::new(tokio::sync::Mutex::new(writer));
        loop {
            let mut question = vec![0; usize::from(reader.read_u16().await?)];
            reader.read_exact(&mut question).await?;
            if !is_padded(&question) {
                return Ok(());
            }
            match self.does() {
                Does::HalfOpen => std::future::pending().await,
                // It is another who takes the next connection.
                Does::Pretend => return Ok(()),
                _ => {}
            }
            let (script, writer) = (Arc::clone(&self), Arc::clone(&writer));
            tokio::spawn(async move {
                if let Some(answer) = script.answer(&question).await {
                    let length = u16::try_from(answer.len()).unwrap().to_be_bytes();
                    // Nobody may be there any more.
                    let _ = writer.lock().await.write_all(&[&length, &*answer].concat()).await;
                }
            });
        }
    }

    async fn requests(self: Arc<Self>, stream: TlsStream<TcpStream>) -> std::io::Result<()> {
        let answer = service_fn(move |request: Request<Incoming>| {
            let script = Arc::clone(&self);
            async move {
                let question = request.into_body().collect().await.unwrap().to_bytes();
                if !is_padded(&question) {
                    script.set(Does::Status(400));
                }
                if let Does::Status(status) = script.does() {
                    script.asked.fetch_add(1, Ordering::SeqCst);
                    let body = Full::new(Bytes::from_static(b"<html>"));
                    return Ok::<_, Infallible>(Response::builder().status(status).body(body).unwrap());
                }
                let answer = match script.answer(&question).await {
                    Some(answer) => Full::new(Bytes::from(answer)),
                    None => std::future::pending().await,
                };
                let response = Response::builder().header("content-type", "application/dns-message");
                Ok(response.body(answer).unwrap())
            }
        });
        let served =
            http2::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), answer).await;
        served.map_err(std::io::Error::other)
    }
}

/// Returns whether the length of a question says little of it (RFC 8467 section 4.1);
/// otherwise it gets no answer here.
fn is_padded(question: &[u8]) -> bool {
    question.len().is_multiple_of(128)
}

/// Returns who opens TLS with a certificate and its key.
fn acceptor(certificate: &[u8], key: &[u8]) -> TlsAcceptor {
    let chain = CertificateDer::pem_slice_iter(certificate).map(Result::unwrap).collect();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, PrivateKeyDer::from_pem_slice(key).unwrap());
    let mut config = config.unwrap();
    config.alpn_protocols = vec![b"h2".to_vec(), b"dot".to_vec()];
    TlsAcceptor::from(Arc::new(config))
}

/// A Sordino that asks nobody but another resolver of its own.
struct Pair {
    /// The Sordino's address.
    at: String,
    script: Arc<Script>,
    server: Server,
    _runtime: Runtime,
}

impl Pair {
    /// Starts the nth.  `scheme` and `path` are before and behind the address of
    /// the other resolver.
    fn start(house: &House, nth: usize, scheme: &str, path: &str) -> Self {
        let folder = house.folder.join(nth.to_string());
        fs::create_dir_all(&folder).unwrap();
        let house = House { zones: house.zones.clone(), state: folder.clone(), folder };
        let (at, other) = (format!("127.0.1.{nth}"), format!("127.0.2.{nth}"));
        let (script, runtime) = Script::start(&house, &other);
        let server = house.sordino(&format!(
            "[listen]\ndns = [\"{at}\"]\n[metrics]\nlisten = \"{at}:9953\"\n[web]\nlisten = \"{at}:8053\"\n\
             [resolve]\nmode = \"forward\"\ndnssec = false\nforward-ca-file = \"ca.pem\"\n\
             forward-to = [\"{scheme}{path}{other}\"]\n"
        ));
        Self { at, script, server, _runtime: runtime }
    }

    /// Lets the other resolver have a fault, and fails unless nobody minds.
    fn assert_borne(&self, house: &House, fault: Does) {
        let what = format!("{fault:?} at {}", self.at);
        let ask = |name: &str| house.dig("resolver", &format!("@{} {name}-{fault:?}.example", self.at));
        self.script.set(Does::Answer);
        eventually("an answer", || (ask("known").status == "NOERROR").then_some(()));
        self.script.set(fault);
        // Its answers hold for a second.
        pause(Duration::from_millis(1_200));
        let (known, new) = std::thread::scope(|scope| {
            let known = scope.spawn(|| ask("known"));
            let new = ask("new");
            (known.join().unwrap(), new)
        });
        assert_eq!((known.status.as_str(), known.records.len()), ("NOERROR", 1), "{what}: {}", known.shown);
        if fault == Does::Dawdle {
            assert_eq!((known.error, new.status.as_str()), (None, "NOERROR"), "{what}: {}", new.shown);
            return;
        }
        let error = known.error.clone().unwrap_or_default();
        assert!(error.starts_with("3 (Stale Answer)"), "{what}: {}", known.shown);
        assert_eq!(new.status, "SERVFAIL", "{what}: {}", new.shown);
        // Many ask while it lasts: those who have an answer get it, and about once
        // a second it is tried.
        let before = self.script.asked.load(Ordering::SeqCst);
        for _ in 0..20 {
            assert_eq!(ask("known").status, "NOERROR", "{what}");
        }
        let asked = self.script.asked.load(Ordering::SeqCst) - before;
        assert!(asked <= 10, "{what}: {asked} questions for 20 queries");
        self.script.set(Does::Answer);
        eventually("the new name", || (ask("new").status == "NOERROR").then_some(()));
        eventually("a fresh answer", || ask("known").error.is_none().then_some(()));
        self.server.assert_runs();
    }
}

#[test]
fn whatever_is_wrong_with_the_other_resolver_is_borne() {
    in_house("house::faults::whatever_is_wrong_with_the_other_resolver_is_borne", |house| {
        let all: [(&str, &str, &[Does]); 6] = [
            ("", "", &[Does::Dawdle, Does::Fail]),
            ("", "", &[Does::Nothing]),
            ("tls://", "dns.example@", &[Does::Dawdle, Does::Pretend]),
            ("tls://", "dns.example@", &[Does::Fail, Does::HalfOpen]),
            ("https://", "dns.example/dns-query@", &[Does::Dawdle, Does::Status(500)]),
            ("https://", "dns.example/dns-query@", &[Does::Status(404), Does::Fail]),
        ];
        std::thread::scope(|scope| {
            for (nth, (scheme, path, faults)) in all.into_iter().enumerate() {
                scope.spawn(move || {
                    let pair = Pair::start(house, nth + 1, scheme, path);
                    for fault in faults {
                        pair.assert_borne(house, *fault);
                    }
                });
            }
        });
    });
}
