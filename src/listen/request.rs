//! From a request, as the library read it, to a [`Query`], or to how it is
//! turned away.
//!
//! Apart from the door, because it asks nobody: what it says depends on the
//! request alone.

use hickory_proto::op::MessageType;
use hickory_proto::op::OpCode;
use hickory_proto::op::ResponseCode;
use hickory_proto::rr::DNSClass;
use hickory_server::server::Request;

use super::arrival::Arrival;
use super::reply::Reply;
use crate::base::Client;
use crate::base::Domain;
use crate::pipeline::Dropped;
use crate::query::Edns;
use crate::query::Query;
use crate::query::Rtype;
use crate::resolve::names;

/// Query types that ask about the message or the connection and not about
/// data (RFC 6895 section 3.1, meta-types), with how they are answered.
fn meta_type(qtype: Rtype) -> Option<ResponseCode> {
    match qtype.0 {
        // OPT is no question (RFC 6891 section 6.1.1), and type 0 is reserved.
        0 | 41 => Some(ResponseCode::FormErr),
        // IXFR, AXFR: we have no zones to transfer.
        251 | 252 => Some(ResponseCode::Refused),
        // TKEY, TSIG, MAILB, MAILA and the unassigned rest.
        128..=250 | 253 | 254 => Some(ResponseCode::NotImp),
        _ => None,
    }
}

/// Makes a query of a request, or says how to turn it away.
pub(super) fn read(request: &Request, client: Client, arrival: &Arrival) -> Result<Query, Reply> {
    let turn_away = |rcode| Err(Reply::TurnAway(rcode));
    let head = &request.metadata;
    if head.message_type == MessageType::Response {
        return Err(Reply::Nothing(Dropped::NotAQuery));
    }
    if head.op_code != OpCode::Query {
        return turn_away(ResponseCode::NotImp);
    }
    // RFC 6891 section 6.1.3: a version we don't know is BADVERS.
    if request.version() > 0 {
        return turn_away(ResponseCode::BADVERS);
    }
    // RFC 9619: a query has exactly one question.
    let [question] = request.queries.queries() else {
        return turn_away(ResponseCode::FormErr);
    };
    let qtype = Rtype(question.query_type().into());
    if let Some(rcode) = meta_type(qtype) {
        return turn_away(rcode);
    }
    // Without RD the client asks for what we happen to have in the cache, and
    // that would tell it what others asked for.
    if question.query_class() != DNSClass::IN || !head.recursion_desired {
        return turn_away(ResponseCode::Refused);
    }
    // The bytes as they came, because their case has to be returned; unless
    // the name was compressed, which in a first question points nowhere.
    let wire = names::to_wire(question.original().name());
    let Ok(qname) = Domain::from_wire(&wire) else {
        return turn_away(ResponseCode::FormErr);
    };
    Ok(Query {
        client,
        asked: arrival.asked,
        received: arrival.received,
        transport: arrival.transport,
        claim: arrival.claim.clone(),
        id: head.id,
        recursion_desired: head.recursion_desired,
        checking_disabled: head.checking_disabled,
        authentic_data: head.authentic_data,
        edns: request
            .edns
            .as_ref()
            .map(|edns| Edns { udp_size: edns.max_payload(), dnssec_ok: edns.flags().dnssec_ok }),
        qname,
        qname_as_asked: wire.into_boxed_slice(),
        qtype,
    })
}
