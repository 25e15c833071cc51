//! Real sockets on the loopback: what a forger would have to guess.

use std::collections::HashSet;
use std::net::Ipv4Addr;
use std::sync::Arc;

use hickory_proto::rr::Name;
use hickory_proto::rr::RecordType;

use super::*;
use crate::resolve::exchange::wire::Manner;
use crate::resolve::exchange::wire::request;

/// How many queries are looked at.
const QUERIES: usize = 256;

fn query() -> Vec<u8> {
    let manner = Manner {
        edns: true,
        mixed: false,
        recursion_desired: false,
        checking_disabled: false,
        hidden_in: None,
    };
    request(&Name::from_ascii("www.example.com.").unwrap(), RecordType::A, manner).unwrap()
}

fn reply_to(query: &[u8]) -> Vec<u8> {
    let mut reply = query.to_vec();
    reply[2] |= 0x80;
    reply
}

async fn loopback() -> (UdpSocket, SocketAddr) {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = socket.local_addr().unwrap();
    (socket, address)
}

/// Returns how many of `QUERIES` numbers came only once, and in how many of 16
/// equal parts of what is between the smallest and the largest they are.
fn spread(numbers: &[u16]) -> (usize, usize) {
    let [least, most] = [numbers.iter().min(), numbers.iter().max()].map(|end| usize::from(*end.unwrap()));
    let part = |number: &u16| (usize::from(*number) - least) * 16 / (most - least + 1);
    let parts: HashSet<usize> = numbers.iter().map(part).collect();
    (numbers.iter().collect::<HashSet<_>>().len(), parts.len())
}

#[tokio::test]
async fn neither_ports_nor_ids_can_be_told_from_those_before() {
    let (server, address) = loopback().await;
    let answering = tokio::spawn(async move {
        let (mut ports, mut ids, mut buffer) = (Vec::new(), Vec::new(), [0; 512]);
        while ports.len() < QUERIES {
            let (length, from) = server.recv_from(&mut buffer).await.unwrap();
            ports.push(from.port());
            ids.push(u16::from_be_bytes([buffer[0], buffer[1]]));
            server.send_to(&reply_to(&buffer[..length]), from).await.unwrap();
        }
        (ports, ids)
    });
    let sockets = Sockets::default();
    for _ in 0..QUERIES {
        let query = query();
        let reply = sockets.exchange(address, &query, false, Duration::from_secs(5)).await.unwrap();
        assert_eq!(reply.octets[..2], query[..2]);
    }
    // On Linux one socket has done for all.
    let idle = sockets.idle(address).len();
    assert_eq!(idle, usize::from(cfg!(target_os = "linux")));
    let (ports, ids) = answering.await.unwrap();
    for numbers in [&ports, &ids] {
        let (different, parts) = spread(numbers);
        // Of 28,232 ports, the usual range, one is met again; 20 are met in less than
        // one of 10^15 runs, and so is an empty part.
        assert!(different > QUERIES - 20 && parts == 16, "{different} {parts} {numbers:?}");
        // Half of them go up and half go down; the deviation is about 5.
        let ups = numbers.windows(2).filter(|pair| pair[0] < pair[1]).count();
        assert!((QUERIES / 2 - 60..QUERIES / 2 + 60).contains(&ups), "{ups} {numbers:?}");
        let steps: HashSet<u16> = numbers.windows(2).map(|pair| pair[1].wrapping_sub(pair[0])).collect();
        assert!(steps.len() > QUERIES / 2, "{numbers:?}");
    }
}

#[tokio::test]
async fn whoever_was_not_asked_is_not_heard_nor_told_that_the_port_is_open() {
    // SAD DNS (CCS 2020): a port that takes datagrams from everybody answers those who
    // look for it with silence, and a closed one with ICMP.  A connected socket does
    // not take them, and the kernel says of it what it says of closed ones.
    let (server, address) = loopback().await;
    let (stranger, _) = loopback().await;
    let query = query();
    let asking = {
        let query = query.clone();
        tokio::spawn(async move {
            Sockets::default().exchange(address, &query, false, Duration::from_secs(5)).await
        })
    };
    let mut buffer = [0; 512];
    let (_, asker) = server.recv_from(&mut buffer).await.unwrap();
    let mut forged = reply_to(&query);
    forged[3] |= 3;
    // The kernel's word about the port comes with the next attempt.
    stranger.connect(asker).await.unwrap();
    stranger.send(&forged).await.unwrap();
    let refused = stranger.recv(&mut buffer).await.unwrap_err();
    assert_eq!(refused.kind(), io::ErrorKind::ConnectionRefused);
    server.send_to(&reply_to(&query), asker).await.unwrap();
    assert_eq!(asking.await.unwrap().unwrap().octets, reply_to(&query));
}

#[tokio::test]
async fn a_socket_that_waits_has_neither_peer_nor_port() {
    let (server, address) = loopback().await;
    let sockets = Sockets::default();
    let socket = sockets.connected(address).unwrap();
    let open = socket.local_addr().unwrap();
    server.send_to(b"one", open).await.unwrap();
    sockets.let_go(socket, address);
    for socket in sockets.idle(address).iter() {
        assert_eq!(socket.local_addr().unwrap().port(), 0);
        assert!(socket.peer_addr().is_err());
    }
    // Nobody is there any more.
    server.connect(open).await.unwrap();
    server.send(b"two").await.unwrap();
    let refused = server.recv(&mut [0; 8]).await.unwrap_err();
    assert_eq!(refused.kind(), io::ErrorKind::ConnectionRefused);
}

#[tokio::test]
async fn what_came_for_the_query_before_is_not_heard() {
    let sockets = Arc::new(Sockets::default());
    let ask = |address: SocketAddr, query: Vec<u8>| {
        let sockets = Arc::clone(&sockets);
        tokio::spawn(async move { sockets.exchange(address, &query, false, Duration::from_secs(5)).await })
    };
    for _ in 0..3 {
        let (server, address) = loopback().await;
        let query = query();
        let asking = ask(address, query.clone());
        let (_, asker) = server.recv_from(&mut [0; 512]).await.unwrap();
        // And twice more, before the asker looks.
        for _ in 0..3 {
            assert!(server.try_send_to(&reply_to(&query), asker).is_ok());
        }
        assert_eq!(asking.await.unwrap().unwrap().octets, reply_to(&query));
    }
    // Nor what the kernel had to say.
    let (gone, closed) = loopback().await;
    drop(gone);
    let socket = sockets.connected(closed).unwrap();
    SockRef::from(&socket).send(&query()).unwrap();
    sockets.let_go(socket, closed);
    let (server, address) = loopback().await;
    let query = query();
    let asking = ask(address, query.clone());
    let (_, asker) = server.recv_from(&mut [0; 512]).await.unwrap();
    server.send_to(&reply_to(&query), asker).await.unwrap();
    assert!(asking.await.unwrap().is_ok());
}

#[tokio::test]
async fn where_nobody_listens_a_query_ends_at_once_and_the_next_one_is_not_disturbed() {
    let sockets = Sockets::default();
    let (gone, closed) = loopback().await;
    drop(gone);
    let (server, address) = loopback().await;
    let answering = tokio::spawn(async move {
        let mut buffer = [0; 512];
        let (length, asker) = server.recv_from(&mut buffer).await.unwrap();
        server.send_to(&reply_to(&buffer[..length]), asker).await.unwrap();
    });
    let query = query();
    let ask = |server| sockets.exchange(server, &query, false, Duration::from_secs(5));
    assert_eq!(ask(closed).await.unwrap_err().kind(), io::ErrorKind::ConnectionRefused);
    assert!(ask(address).await.is_ok());
    answering.await.unwrap();
}
