//! One question to one server, over UDP and if need be TCP.
//!
//! Every query has a socket of its own, and so a random port, and a random ID;
//! what does not match its question is not looked at further ([RFC 5452]).
//!
//! [RFC 5452]: https://www.rfc-editor.org/rfc/rfc5452

use std::fmt;
use std::io;
use std::net::IpAddr;
use std::net::Ipv4Addr;
use std::net::Ipv6Addr;
use std::net::SocketAddr;
use std::time::Duration;

use hickory_proto::op::Edns;
use hickory_proto::op::Message;
use hickory_proto::op::MessageType;
use hickory_proto::op::OpCode;
use hickory_proto::op::Query;
use hickory_proto::op::ResponseCode;
use hickory_proto::rr::DNSClass;
use hickory_proto::rr::rdata::opt::EdnsOption;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::net::UdpSocket;
use tokio::time::timeout;

use super::context;
use super::stats::Counters;
use super::stats::Sent;
use crate::query::Transport;

/// How long the whole of an exchange over TCP may take.
const TCP_PATIENCE: Duration = Duration::from_secs(3);

/// The size of datagrams we ask for (DNS flag day 2020).
const UDP_SIZE: u16 = 1_232;

/// What queries are filled up to, a multiple of so many octets (RFC 8467 section
/// 4.1).
const BLOCK: usize = 128;

/// The option that fills up (RFC 7830 section 3).
const PADDING: u16 = 12;

/// The option that asks how long a stream may be idle (RFC 7828 section 3.1).
pub(super) const KEEPALIVE: u16 = 11;

/// Code and length of an option, in octets.
const OPTION_HEAD: usize = 4;

/// How many wrong replies are borne before the question goes over TCP, where
/// guessing does not help.
const MAX_WRONG: u32 = 16;

/// The most records a reply may have; honest ones have a few dozen.
const MAX_RECORDS: usize = 500;

//----------- Ask --------------------------------------------------------------

/// What is asked of a server.
#[derive(Clone, Debug)]
pub(super) struct Ask {
    /// The question.
    pub(super) query: Query,
    /// RD: the server shall ask others.
    pub(super) recursion_desired: bool,
    /// CD: the server shall not check signatures, for we do.
    pub(super) checking_disabled: bool,
    /// How long to wait for a datagram in return.
    pub(super) patience: Duration,
}

impl Ask {
    /// Returns the message to be sent.  Nothing of the client is in it.
    fn message(&self, edns: bool) -> Message {
        let mut message = Message::query();
        message.metadata.recursion_desired = self.recursion_desired;
        message.metadata.checking_disabled = self.checking_disabled;
        message.add_query(self.query.clone());
        if edns {
            let mut edns = Edns::new();
            edns.set_max_payload(UDP_SIZE).set_dnssec_ok(true);
            message.set_edns(edns);
        }
        message
    }

    /// Returns the message as it is sent where nobody can read it, filled up so
    /// that its length says little (RFC 8467 section 4.1).  Over TLS the server is
    /// asked for how long it keeps a stream that is idle; HTTP has means of its own.
    pub(super) fn padded(&self, transport: Transport) -> Message {
        let mut message = self.message(true);
        if let Some(edns) = message.edns.as_mut().filter(|_| transport == Transport::Dot) {
            edns.options_mut().insert(EdnsOption::Unknown(KEEPALIVE, Vec::new()));
        }
        let length = message.to_vec().map_or(0, |wire| wire.len()) + OPTION_HEAD;
        let padding = vec![0; length.next_multiple_of(BLOCK) - length];
        if let Some(edns) = message.edns.as_mut() {
            edns.options_mut().insert(EdnsOption::Unknown(PADDING, padding));
        }
        message
    }

    /// Asks a server.  Any RCODE is an answer here.
    pub(super) async fn send(&self, server: SocketAddr, counters: &Counters) -> Result<Message, Trouble> {
        let reply = self.send_once(server, true, counters).await?;
        // RFC 6891 section 7: this is what servers say that know no EDNS.
        let rcode = reply.metadata.response_code;
        if matches!(rcode, ResponseCode::FormErr | ResponseCode::NotImp) && reply.edns.is_none() {
            return self.send_once(server, false, counters).await;
        }
        Ok(reply)
    }

    /// Asks a server over UDP, and over TCP if that does not do.
    async fn send_once(
        &self,
        server: SocketAddr,
        edns: bool,
        counters: &Counters,
    ) -> Result<Message, Trouble> {
        let request = self.message(edns);
        match counted(udp(server, &request), self.patience, Transport::Udp, counters).await {
            Ok(reply) if !reply.metadata.truncation => return Ok(reply),
            Ok(_) | Err(Trouble::Spoofed) => {}
            Err(trouble) => return Err(trouble),
        }
        counted(tcp(server, &request), TCP_PATIENCE, Transport::Tcp, counters).await
    }
}

/// Runs an exchange within its time and counts it.
pub(super) async fn counted(
    exchange: impl Future<Output = Result<Message, Trouble>>,
    patience: Duration,
    transport: Transport,
    counters: &Counters,
) -> Result<Message, Trouble> {
    if !context::charge() {
        return Err(Trouble::Budget);
    }
    let result = timeout(patience, exchange).await.unwrap_or(Err(Trouble::Timeout));
    counters.sent(
        transport,
        match &result {
            Ok(_) => Sent::Answer,
            Err(Trouble::Timeout) => Sent::Timeout,
            Err(_) => Sent::Error,
        },
    );
    result
}

//----------- udp, tcp ---------------------------------------------------------

/// Sends a request in a datagram and waits for the reply.
async fn udp(server: SocketAddr, request: &Message) -> Result<Message, Trouble> {
    let any = match server {
        SocketAddr::V4(_) => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        SocketAddr::V6(_) => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
    };
    let wire = request.to_vec().map_err(|_| Trouble::Nonsense)?;
    let socket = UdpSocket::bind((any, 0)).await?;
    // Connected: the kernel drops what others send, and tells of unreachable ports.
    socket.connect(server).await?;
    socket.send(&wire).await?;
    let mut buffer = vec![0; 4_096];
    for _ in 0..MAX_WRONG {
        let len = socket.recv(&mut buffer).await?;
        // What cannot be read is not the end of waiting: it may be forged.
        if let Some(reply) = buffer.get(..len).and_then(|wire| read_reply(wire, request)) {
            return Ok(reply);
        }
    }
    Err(Trouble::Spoofed)
}

/// Sends a request over a stream of its own and waits for the reply.
async fn tcp(server: SocketAddr, request: &Message) -> Result<Message, Trouble> {
    let wire = request.to_vec().map_err(|_| Trouble::Nonsense)?;
    let len = u16::try_from(wire.len()).map_err(|_| Trouble::Nonsense)?;
    let mut stream = TcpStream::connect(server).await?;
    // RFC 7766 section 8: the length and the message in one go.
    stream.write_all(&[&len.to_be_bytes()[..], &wire].concat()).await?;
    let len = stream.read_u16().await?;
    let mut wire = vec![0; usize::from(len)];
    stream.read_exact(&mut wire).await?;
    read_reply(&wire, request).filter(|reply| !reply.metadata.truncation).ok_or(Trouble::Nonsense)
}

/// Reads a reply, if it is one to `request`.
pub(super) fn read_reply(wire: &[u8], request: &Message) -> Option<Message> {
    // The ID is looked at first, or forgers could keep the parser busy.
    let (id, _) = wire.split_first_chunk::<2>()?;
    if u16::from_be_bytes(*id) != request.metadata.id {
        return None;
    }
    let mut reply = Message::from_vec(wire).ok()?;
    let right = reply.metadata.message_type == MessageType::Response
        && reply.metadata.op_code == OpCode::Query
        && reply.queries == request.queries
        && reply.answers.len() + reply.authorities.len() <= MAX_RECORDS;
    for section in [&mut reply.answers, &mut reply.authorities, &mut reply.additionals] {
        section.retain(|record| record.dns_class == DNSClass::IN);
    }
    right.then_some(reply)
}

//----------- Trouble ----------------------------------------------------------

/// Why a server has not answered.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Trouble {
    /// It took too long.
    Timeout,
    /// Too many wrong replies: somebody is guessing.
    Spoofed,
    /// It could not be reached.
    Network(io::ErrorKind),
    /// It sent something that is no reply.
    Nonsense,
    /// It answered that it cannot or will not.
    Rcode(ResponseCode),
    /// The question has used up its budget.
    Budget,
    /// Its certificate is not believed, or what is inside is no DNS.
    Secrecy(String),
    /// It has not answered for a while, and somebody else is trying.
    Resting,
}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Self {
        Self::Network(error.kind())
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Timeout => f.write_str("no answer in time"),
            Self::Spoofed => f.write_str("too many wrong replies"),
            Self::Network(kind) => write!(f, "{kind}"),
            Self::Nonsense => f.write_str("a reply that makes no sense"),
            Self::Rcode(rcode) => write!(f, "the server says {rcode}"),
            Self::Budget => f.write_str("too many queries for one question"),
            Self::Secrecy(why) => f.write_str(why),
            Self::Resting => f.write_str("no server answers for now"),
        }
    }
}
