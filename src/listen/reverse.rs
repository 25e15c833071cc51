//! Asks a router what an address is called (reverse DNS, RFC 1035 section 3.5).
//
//  Apart from resolving: what routers say of private addresses is for showing
//  only, and nobody waits for it.

use std::io;
use std::net::IpAddr;
use std::net::SocketAddr;
use std::net::UdpSocket;
use std::time::Duration;

use hickory_proto::op::Message;
use hickory_proto::op::MessageType;
use hickory_proto::op::OpCode;
use hickory_proto::op::Query;
use hickory_proto::rr::Name;
use hickory_proto::rr::RData;
use hickory_proto::rr::RecordType;

/// How long the router may take, each time.
const PATIENCE: Duration = Duration::from_secs(1);

/// How often it is asked.
const TRIES: usize = 2;

/// The largest answer that is read, in octets.
const LARGEST: usize = 1232;

/// Asks the router at `router` what `address` is called.  Nothing, if it says that
/// it has no name; an error, if it says nothing.  Takes seconds at worst.
pub fn ask(router: SocketAddr, address: IpAddr) -> io::Result<Option<String>> {
    let any: IpAddr = if router.is_ipv4() { [0; 4].into() } else { [0; 16].into() };
    let socket = UdpSocket::bind((any, 0))?;
    // Nobody else is heard.
    socket.connect(router)?;
    socket.set_read_timeout(Some(PATIENCE))?;
    let id = rand::random();
    let query = query(address, id).map_err(io::Error::other)?;
    let mut room = [0; LARGEST];
    let mut last = io::Error::from(io::ErrorKind::TimedOut);
    for _ in 0..TRIES {
        socket.send(&query)?;
        match socket.recv(&mut room) {
            Ok(length) => {
                if let Some(names) = read(room.get(..length).unwrap_or_default(), address, id) {
                    return Ok(names.into_iter().next());
                }
            }
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// Writes the question.
fn query(address: IpAddr, id: u16) -> Result<Vec<u8>, String> {
    let mut message = Message::new(id, MessageType::Query, OpCode::Query);
    message.metadata.recursion_desired = true;
    message.add_query(Query::query(Name::from(address), RecordType::PTR));
    message.to_vec().map_err(|error| error.to_string())
}

/// Reads the names in an answer; nothing if it is none to this question.
pub fn read(octets: &[u8], address: IpAddr, id: u16) -> Option<Vec<String>> {
    let message = Message::from_vec(octets).ok()?;
    let asked = Name::from(address);
    let ours = message.metadata.id == id
        && message.metadata.message_type == MessageType::Response
        && message.queries.first().is_some_and(|query| *query.name() == asked);
    if !ours {
        return None;
    }
    let names = message.answers.iter().filter_map(|record| match &record.data {
        RData::PTR(name) if record.name == asked => Some(name.0.to_utf8().trim_end_matches('.').to_owned()),
        _ => None,
    });
    Some(names.filter(|name| !name.is_empty()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use hickory_proto::rr::Record;
    use hickory_proto::rr::rdata::PTR;
    use proptest::prelude::*;

    const ECHO: [u8; 4] = [192, 168, 178, 20];

    /// What a router answers about an address.
    fn answer(about: [u8; 4], name: &str) -> Vec<u8> {
        let mut message = Message::from_vec(&query(ECHO.into(), 7).unwrap()).unwrap();
        message.metadata.message_type = MessageType::Response;
        let name = RData::PTR(PTR(Name::from_ascii(name).unwrap()));
        message.answers.push(Record::from_rdata(Name::from(IpAddr::from(about)), 60, name));
        message.to_vec().unwrap()
    }

    #[test]
    fn only_an_answer_to_the_question_is_one() {
        let said = answer(ECHO, "echo.fritz.box.");
        assert_eq!(read(&said, ECHO.into(), 7), Some(vec!["echo.fritz.box".to_owned()]));
        assert_eq!(read(&said, ECHO.into(), 8), None);
        assert_eq!(read(&said, [192, 168, 178, 21].into(), 7), None);
        assert_eq!(read(&query(ECHO.into(), 7).unwrap(), ECHO.into(), 7), None, "a query");
        assert_eq!(read(&answer([192, 168, 178, 21], "tv.fritz.box."), ECHO.into(), 7), Some(Vec::new()));
    }

    proptest! {
        #[test]
        fn any_octets_are_read_or_passed_over(at in 0usize..80, to in any::<u8>()) {
            let mut octets = answer(ECHO, "echo.fritz.box.");
            let at = at % octets.len();
            octets[at] = to;
            let _ = read(&octets, ECHO.into(), 7);
        }
    }
}
