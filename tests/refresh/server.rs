//! A list server that does what it should not: each request is answered with
//! the octets a test gives, whole or drop by drop, plain or over TLS.

use std::io::Read;
use std::io::Write;
use std::net::SocketAddr;
use std::net::TcpListener;
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::mpsc;
use std::time::Duration;

use rcgen::BasicConstraints;
use rcgen::CertificateParams;
use rcgen::CertifiedIssuer;
use rcgen::IsCa;
use rcgen::KeyPair;
use rustls::ServerConfig;
use rustls::ServerConnection;
use rustls::StreamOwned;
use rustls::pki_types::PrivateKeyDer;

/// The name in the server's certificate; the tests' look-up leads it to loopback.
pub(super) const HOST: &str = "lists.test";

/// What the server says to every request.
#[derive(Clone)]
pub(super) enum Reply {
    /// All at once, then the end of the connection.
    Whole(Vec<u8>),
    /// The first part at once, the second octet by octet with this pause
    /// before each.
    Drops(Vec<u8>, Vec<u8>, Duration),
}

/// A certificate authority of the tests.
pub(super) struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    /// Makes an authority that nobody knows yet.
    pub(super) fn new() -> Self {
        let mut params = CertificateParams::new(vec![]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    /// Returns its certificate as PEM.
    pub(super) fn pem(&self) -> String {
        self.0.pem()
    }

    /// Returns the TLS settings of a server with this name.
    fn server(&self, name: &str) -> Arc<ServerConfig> {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &self.0).unwrap();
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config =
            ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let chain = vec![certificate.der().clone()];
        Arc::new(config.with_no_client_auth().with_single_cert(chain, key).unwrap())
    }
}

/// A list server on loopback, until it is dropped.
pub(super) struct Server {
    pub(super) address: SocketAddr,
    scheme: &'static str,
    reply: Arc<Mutex<Reply>>,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Server {
    /// Starts a server over plain HTTP.
    pub(super) fn plain() -> Self {
        Self::start("http", None)
    }

    /// Starts a server over HTTPS that shows a certificate for `name`.
    pub(super) fn tls(authority: &Authority, name: &str) -> Self {
        Self::start("https", Some(authority.server(name)))
    }

    fn start(scheme: &'static str, tls: Option<Arc<ServerConfig>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let reply = Arc::new(Mutex::new(Reply::Whole(Vec::new())));
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (replies, seen) = (Arc::clone(&reply), Arc::clone(&requests));
        // Ends with the test process; a connection that breaks is the test's.
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (replies, seen, tls) = (Arc::clone(&replies), Arc::clone(&seen), tls.clone());
                std::thread::spawn(move || match tls {
                    None => serve(stream, &replies, &seen),
                    Some(tls) => {
                        let mut stream = StreamOwned::new(ServerConnection::new(tls).unwrap(), stream);
                        serve(&mut stream, &replies, &seen);
                        stream.conn.send_close_notify();
                        let _ = stream.flush();
                    }
                });
            }
        });
        Self { address, scheme, reply, requests }
    }

    /// Returns the URL of its list.
    pub(super) fn url(&self) -> String {
        format!("{}://{HOST}:{}/list.txt", self.scheme, self.address.port())
    }

    /// Says what it says from now on.
    pub(super) fn says(&self, reply: Reply) {
        *self.reply.lock().unwrap() = reply;
    }

    /// Returns the heads of the requests since the last call.
    pub(super) fn requests(&self) -> Vec<String> {
        std::mem::take(&mut self.requests.lock().unwrap())
    }
}

/// Answers one request.
fn serve(mut stream: impl Read + Write, reply: &Mutex<Reply>, seen: &Mutex<Vec<String>>) {
    let mut head = Vec::new();
    let mut octet = [0];
    // What begins with octet 22 is the TLS of somebody who took us for HTTPS.
    while !head.ends_with(b"\r\n\r\n") && head.len() < 65_536 && head != [22] {
        match stream.read(&mut octet) {
            Ok(1) => head.push(octet[0]),
            _ => return,
        }
    }
    seen.lock().unwrap().push(String::from_utf8_lossy(&head).to_ascii_lowercase());
    let reply = reply.lock().unwrap().clone();
    let _ = match reply {
        Reply::Whole(octets) => stream.write_all(&octets).and_then(|()| stream.flush()),
        Reply::Drops(first, drops, pause) => {
            let (_never, nothing) = mpsc::channel::<()>();
            let mut say = |octets: &[u8]| stream.write_all(octets).and_then(|()| stream.flush());
            say(&first).and_then(|()| {
                drops.iter().try_for_each(|octet| {
                    let _ = nothing.recv_timeout(pause);
                    say(&[*octet])
                })
            })
        }
    };
}

/// Connects to a server and says nothing, so that a test knows it is there.
pub(super) fn is_up(server: &Server) -> bool {
    TcpStream::connect(server.address).is_ok()
}
