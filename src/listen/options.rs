//! EDNS options that are about the connection and not about the question: who
//! answered (NSID, [RFC 5001]), how long a stream may be idle
//! (edns-tcp-keepalive, [RFC 7828]), and padding ([RFC 7830], [RFC 8467]).
//!
//! Apart from the road, which knows nothing of connections.  Each is given to
//! those only who ask for it.
//!
//! [RFC 5001]: https://www.rfc-editor.org/rfc/rfc5001
//! [RFC 7828]: https://www.rfc-editor.org/rfc/rfc7828
//! [RFC 7830]: https://www.rfc-editor.org/rfc/rfc7830
//! [RFC 8467]: https://www.rfc-editor.org/rfc/rfc8467

use hickory_proto::rr::rdata::opt::EdnsCode;
use hickory_server::server::Request;

use super::connections::IDLE;
use crate::answer;
use crate::answer::UDP_SIZE;
use crate::query::Transport;

/// NSID (RFC 5001).
const NSID: u16 = 3;

/// edns-tcp-keepalive (RFC 7828).
const KEEPALIVE: u16 = 11;

/// Padding (RFC 7830).
const PADDING: u16 = 12;

/// What the length of an encrypted response is a multiple of, in octets (RFC 8467
/// section 4.1).
const BLOCK: usize = 468;

/// The head of an option, in octets.
const HEAD: usize = 4;

/// Adds what the request asks for to its response, as far as it fits.
pub(super) fn add(request: &Request, transport: Transport, nsid: &[u8], response: &mut Vec<u8>) {
    let Some(edns) = &request.edns else { return };
    let asks = |code| edns.option(code).is_some();
    let limit = match transport {
        Transport::Udp => usize::from(edns.max_payload().min(UDP_SIZE)),
        Transport::Tcp | Transport::Dot | Transport::Doh => usize::from(u16::MAX),
    };
    let mut options = Vec::new();
    if asks(EdnsCode::NSID) && !nsid.is_empty() {
        write(NSID, nsid, &mut options);
    }
    // In units of 100 ms.  HTTP has means of its own.
    if asks(EdnsCode::Keepalive) && matches!(transport, Transport::Tcp | Transport::Dot) {
        let idle = u16::try_from(IDLE.as_millis() / 100).unwrap_or(u16::MAX);
        write(KEEPALIVE, &idle.to_be_bytes(), &mut options);
    }
    if asks(EdnsCode::Padding) && matches!(transport, Transport::Dot | Transport::Doh) {
        let length = response.len() + options.len() + HEAD;
        write(PADDING, &vec![0; length.next_multiple_of(BLOCK) - length], &mut options);
    }
    if !options.is_empty() && response.len() + options.len() <= limit {
        answer::add_options(&options, response);
    }
}

/// Writes an option (RFC 6891 section 6.1.2).
fn write(code: u16, data: &[u8], options: &mut Vec<u8>) {
    let length = u16::try_from(data.len()).unwrap_or(0);
    options.extend([code.to_be_bytes(), length.to_be_bytes()].concat());
    options.extend(data);
}
