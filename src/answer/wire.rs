//! [`Response`]: from a message to octets, never more than the client takes.

use hickory_proto::op::Message;
use hickory_proto::op::ResponseCode;
use hickory_proto::rr::rdata::OPT;
use hickory_proto::serialize::binary::BinEncodable;
use hickory_proto::serialize::binary::BinEncoder;

use crate::query::Query;

/// The largest datagram we send and take, in octets: one that is fragmented
/// nowhere (DNS flag day 2020; RFC 9715 section 3.2).
pub const UDP_SIZE: u16 = 1_232;

/// The largest datagram of DNS without EDNS (RFC 1035 section 2.3.4).
const PLAIN_SIZE: u16 = 512;

/// The length of a header, in octets.
const HEADER: usize = 12;

/// The TC bit, in the third octet of the header.
const TC: u8 = 0x02;

//----------- Response ---------------------------------------------------------

/// A response, ready to be sent.
#[derive(Clone, Debug)]
pub struct Response {
    /// The message, whole: not yet cut to what a datagram holds.
    pub(super) message: Message,
}

impl Response {
    /// Returns the message, for listeners that send messages.
    pub fn message(&self) -> &Message {
        &self.message
    }

    /// Returns the RCODE.
    pub fn rcode(&self) -> ResponseCode {
        self.message.metadata.response_code
    }

    /// Returns the most octets that may go to the client in a datagram.
    pub fn udp_limit(query: &Query) -> usize {
        let size = query.edns.map_or(PLAIN_SIZE, |edns| edns.udp_size.clamp(PLAIN_SIZE, UDP_SIZE));
        usize::from(size)
    }

    /// Encodes the response in at most `limit` octets.
    ///
    /// What does not fit gets TC, and the client asks again over TCP.  A limit
    /// below 512 counts as 512; over TCP it is 65535.
    //
    //  Sections go as a whole: half an answer is of no use to a client that has
    //  to ask again anyway (RFC 2181 section 9).  Explanations go first, since
    //  they are no reason to ask again (RFC 8914 section 3).
    pub fn to_wire(&self, limit: usize) -> Vec<u8> {
        let limit = limit.max(usize::from(PLAIN_SIZE));
        if let Some(wire) = encode(&self.message, limit) {
            return wire;
        }
        let mut less = self.message.clone();
        if let Some(edns) = &mut less.edns {
            *edns.options_mut() = OPT::default();
        }
        if let Some(wire) = encode(&less, limit) {
            return wire;
        }
        let mut cut = self.message.truncate();
        encode(&cut, limit)
            .or_else(|| {
                cut.edns = less.edns.take();
                encode(&cut, limit)
            })
            .unwrap_or_else(|| failure(self.message.metadata.id, &cut))
    }
}

/// Encodes a message, if it can be done and fits.
fn encode(message: &Message, limit: usize) -> Option<Vec<u8>> {
    let mut wire = Vec::with_capacity(limit.min(usize::from(UDP_SIZE)));
    message.emit(&mut BinEncoder::new(&mut wire)).ok()?;
    // The encoder itself cuts at 64 KiB, and then says so.
    let cut = wire.get(2).is_some_and(|flags| flags & TC != 0) && !message.metadata.truncation;
    (wire.len() <= limit && !cut).then_some(wire)
}

/// Returns SERVFAIL with no more than a header, where nothing else can be encoded.
fn failure(id: u16, message: &Message) -> Vec<u8> {
    let flags = u16::from(message.metadata.recursion_desired) << 8;
    turn_away(id, flags, None, u16::from(ResponseCode::ServFail), false)
}

//----------- turn_away --------------------------------------------------------

/// Returns the response to a request that does not get as far as being a
/// [`Query`]: it is malformed, not allowed, or of a kind we do not speak.
///
/// `id` and `flags` are the first two words of the request as they came;
/// `question` its question section, if it could be read (uncompressed name,
/// type and class).  An OPT record is added if `edns` says that there was one,
/// and for RCODEs that need it, like BADVERS.
pub fn turn_away(id: u16, flags: u16, question: Option<&[u8]>, rcode: u16, edns: bool) -> Vec<u8> {
    /// QR and RA.
    const RESPONSE: u16 = 0x8080;
    /// The opcode, RD and CD go back as they came (RFC 1035 section 4.1.1).
    const KEPT: u16 = 0x7910;
    /// The longest question section: a name, its type and class.
    const LONGEST: usize = crate::base::domain::MAX_NAME + 4;
    let question = question.filter(|question| !question.is_empty() && question.len() <= LONGEST);
    let edns = edns || rcode > 15;
    let mut wire = Vec::with_capacity(HEADER + LONGEST + 11);
    let words = [id, RESPONSE | (flags & KEPT) | (rcode & 15)];
    let counts = [u16::from(question.is_some()), 0, 0, u16::from(edns)];
    wire.extend(words.into_iter().chain(counts).flat_map(u16::to_be_bytes));
    wire.extend_from_slice(question.unwrap_or_default());
    if edns {
        // RFC 6891 section 6.1.2: the root, OPT, our size, the RCODE's upper
        // bits, version 0, no flags, no options.
        let [high, low] = UDP_SIZE.to_be_bytes();
        let upper = (rcode >> 4).to_be_bytes()[1];
        wire.extend_from_slice(&[0, 0, 41, high, low, upper, 0, 0, 0, 0, 0]);
    }
    wire
}
