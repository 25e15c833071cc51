//! Streams: hickory-server's TCP listener, in front of the same [`Door`].

use std::sync::Arc;

use hickory_net::runtime::Time;
use hickory_proto::op::Header;
use hickory_proto::op::HeaderCounts;
use hickory_proto::op::Message;
use hickory_proto::op::MessageType;
use hickory_proto::op::Metadata;
use hickory_proto::op::OpCode;
use hickory_proto::op::ResponseCode;
use hickory_server::server::Request;
use hickory_server::server::RequestHandler;
use hickory_server::server::ResponseHandler;
use hickory_server::server::ResponseInfo;
use hickory_server::zone_handler::MessageResponseBuilder;

use super::door::Door;
use super::door::Reply;
use crate::pipeline::Dropped;
use crate::query::Transport;
use crate::resolve::Resolve;

/// Hands what hickory-server reads to the door, and the answers back.
pub struct TcpHandler<R> {
    /// The door.
    door: Arc<Door<R>>,
}

impl<R: Resolve + 'static> TcpHandler<R> {
    /// Makes a handler for `hickory_server::Server`.
    pub fn new(door: Arc<Door<R>>) -> Self {
        Self { door }
    }
}

#[async_trait::async_trait]
impl<R: Resolve + 'static> RequestHandler for TcpHandler<R> {
    async fn handle_request<H: ResponseHandler, T: Time>(
        &self,
        request: &Request,
        mut out: H,
    ) -> ResponseInfo {
        let received = self.door.now();
        // A full house is answered by silence here too: the stream stays open
        // and the client asks again.
        let Some(_place) = self.door.take_place() else {
            self.door.note(Reply::Nothing(Dropped::Overload), Transport::Tcp, received);
            return nothing(request);
        };
        let reply = self.door.serve(request, None, Transport::Tcp, received).await;
        let builder = MessageResponseBuilder::from_message_request(request);
        let sent = match (&reply, reply.response()) {
            (Reply::Nothing(_), _) => {
                self.door.note(reply, Transport::Tcp, received);
                return nothing(request);
            }
            (_, Some(response)) => {
                // hickory-server wants to encode what it sends itself.
                let Ok(message) = Message::from_vec(&response.wire) else {
                    return nothing(request);
                };
                let mut whole = builder.build(
                    message.metadata,
                    &message.answers,
                    &message.authorities,
                    [],
                    &message.additionals,
                );
                if let Some(edns) = &message.edns {
                    whole.set_edns(edns);
                }
                out.send_response(whole).await
            }
            (Reply::TurnAway(rcode), None) => {
                let edns = super::turn_away_edns(request, *rcode);
                let mut short = builder.error_msg(&request.metadata, *rcode);
                if let Some(edns) = &edns {
                    short.set_edns(edns);
                }
                out.send_response(short).await
            }
            (Reply::Served(..), None) => return nothing(request),
        };
        match sent {
            Ok(info) => {
                self.door.note(reply, Transport::Tcp, received);
                info
            }
            Err(error) => {
                tracing::debug!(%error, peer = %request.src(), "sending a response");
                self.door.note(Reply::Nothing(Dropped::SendFailed), Transport::Tcp, received);
                nothing(request)
            }
        }
    }
}

/// What hickory-server wants to hear when nothing was sent.
fn nothing(request: &Request) -> ResponseInfo {
    let mut metadata = Metadata::new(request.metadata.id, MessageType::Response, OpCode::Query);
    metadata.response_code = ResponseCode::ServFail;
    Header { metadata, counts: HeaderCounts::default() }.into()
}
