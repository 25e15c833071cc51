//! [`Query`]: everything that is known of a query when it enters the road.
//!
//! Apart from `listen`, because the road and its tests need queries and no
//! sockets.

use std::net::IpAddr;
use std::sync::Arc;

use crate::base::Client;
use crate::base::Domain;
use crate::base::DomainRef;
use crate::base::Now;

//----------- Rtype ------------------------------------------------------------

/// A query type (QTYPE), by its number.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Rtype(pub u16);

/// The types that are treated in a way of their own, with their IANA mnemonics.
#[expect(missing_docs, reason = "IANA mnemonics explain themselves")]
impl Rtype {
    pub const A: Self = Self(1);
    pub const NS: Self = Self(2);
    pub const CNAME: Self = Self(5);
    pub const SOA: Self = Self(6);
    pub const PTR: Self = Self(12);
    pub const TXT: Self = Self(16);
    pub const AAAA: Self = Self(28);
    pub const DNSKEY: Self = Self(48);
    pub const SVCB: Self = Self(64);
    pub const HTTPS: Self = Self(65);
    pub const ANY: Self = Self(255);
}

//----------- Transport --------------------------------------------------------

/// How a query travels.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Transport {
    /// A datagram.
    Udp,
    /// A stream.
    Tcp,
    /// A stream under TLS (RFC 7858).
    Dot,
    /// An HTTPS request (RFC 8484).
    Doh,
}

impl Transport {
    /// All transports.
    pub const ALL: [Self; 4] = [Self::Udp, Self::Tcp, Self::Dot, Self::Doh];

    /// Returns the word for it in metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Udp => "udp",
            Self::Tcp => "tcp",
            Self::Dot => "dot",
            Self::Doh => "doh",
        }
    }
}

//----------- Edns -------------------------------------------------------------

/// What the client's OPT record says ([RFC 6891]).
///
/// [RFC 6891]: https://www.rfc-editor.org/rfc/rfc6891
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Edns {
    /// The largest datagram the client takes, in octets.
    pub udp_size: u16,
    /// The DO bit (RFC 3225): the client wants DNSSEC records.
    pub dnssec_ok: bool,
}

//----------- Query ------------------------------------------------------------

/// A query with one question of class IN.
#[derive(Clone, Debug)]
pub struct Query {
    /// Who asks.
    pub client: Client,
    /// The address of ours that was asked.
    pub asked: Option<IpAddr>,
    /// When it arrived.
    pub received: Now,
    /// How it came in.
    pub transport: Transport,
    /// The device that the client says it is, by the name it asked or the path.
    pub claim: Option<Arc<str>>,
    /// The message ID, to be returned.
    pub id: u16,
    /// RD: recursion desired.
    pub recursion_desired: bool,
    /// CD: checking disabled; DNSSEC failures are the client's business.
    pub checking_disabled: bool,
    /// AD: the client understands the AD bit (RFC 6840 section 5.7).
    pub authentic_data: bool,
    /// The OPT record, if there was one.
    pub edns: Option<Edns>,
    /// The name asked for.
    pub qname: Domain,
    /// The name as it was written, for the question of the response: its case
    /// is a secret between client and us (draft-vixie-dnsext-dns0x20).
    pub qname_as_asked: Box<[u8]>,
    /// The type asked for.
    pub qtype: Rtype,
}

impl Query {
    /// Makes a plain query over UDP: RD, and nothing else that is optional.
    pub fn new(client: Client, qname: Domain, qtype: Rtype, received: Now) -> Self {
        Self {
            client,
            asked: None,
            received,
            transport: Transport::Udp,
            claim: None,
            id: 0,
            recursion_desired: true,
            checking_disabled: false,
            authentic_data: false,
            edns: None,
            qname_as_asked: qname.as_wire().into(),
            qname,
            qtype,
        }
    }

    /// Returns the query without what it owns.
    pub fn borrowed(&self) -> QueryRef<'_> {
        QueryRef {
            client: self.client,
            received: self.received,
            transport: self.transport,
            id: self.id,
            recursion_desired: self.recursion_desired,
            checking_disabled: self.checking_disabled,
            authentic_data: self.authentic_data,
            edns: self.edns,
            qname: self.qname.borrowed(),
            qname_as_asked: &self.qname_as_asked,
            qtype: self.qtype,
        }
    }
}

//----------- QueryRef ---------------------------------------------------------

/// A query that owns nothing: it lies in a [`Query`], or in a packet that was
/// read in place.  Judging and answering take it in this form, so that both
/// roads run the same code.
#[derive(Clone, Copy, Debug)]
#[expect(missing_docs, reason = "the fields are those of `Query`")]
pub struct QueryRef<'a> {
    pub client: Client,
    pub received: Now,
    pub transport: Transport,
    pub id: u16,
    pub recursion_desired: bool,
    pub checking_disabled: bool,
    pub authentic_data: bool,
    pub edns: Option<Edns>,
    pub qname: DomainRef<'a>,
    pub qname_as_asked: &'a [u8],
    pub qtype: Rtype,
}

impl QueryRef<'_> {
    /// Returns whether the client wants DNSSEC records.
    pub fn dnssec_ok(&self) -> bool {
        self.edns.is_some_and(|edns| edns.dnssec_ok)
    }
}
