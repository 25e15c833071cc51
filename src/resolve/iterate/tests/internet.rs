//! An Internet in memory: authoritative servers with zones in a few lines of
//! text, and some that misbehave.

use std::collections::HashMap;
use std::io;
use std::net::IpAddr;
use std::net::SocketAddr;
use std::sync::Mutex;
use std::time::Duration;
use std::time::Instant;

use async_trait::async_trait;
use hickory_proto::op::Message;
use hickory_proto::op::ResponseCode;
use hickory_proto::rr::Name;
use hickory_proto::rr::RData;
use hickory_proto::rr::Record;
use hickory_proto::rr::RecordType;
use hickory_proto::rr::rdata::CNAME;
use hickory_proto::rr::rdata::NS;
use hickory_proto::rr::rdata::NULL;
use hickory_proto::rr::rdata::SOA;
use hickory_proto::serialize::binary::BinEncodable;
use tokio::time::sleep;
use tokio::time::timeout;

use crate::base::Clock;
use crate::base::time::ManualClock;
use crate::resolve::exchange::Network;
use crate::resolve::exchange::Reply;
use crate::resolve::exchange::take;

/// What a server does with a query: the datagrams it sends.
pub(super) type Script = Box<dyn Fn(&Message, bool) -> Vec<Vec<u8>> + Send + Sync>;

/// All servers, and what they were asked.
pub(super) struct Internet {
    servers: HashMap<IpAddr, Script>,
    pub(super) asked: Mutex<Vec<(IpAddr, String, RecordType, bool)>>,
    pub(super) clock: ManualClock,
    /// What is wrong with the way there.
    pub(super) outage: Option<Outage>,
    /// How many queries to a server find its port closed.
    pub(super) closed: Mutex<HashMap<IpAddr, usize>>,
    /// How long replies take.
    pub(super) delay: Duration,
}

/// What may be wrong with the way to servers.
#[derive(Clone, Copy, Debug)]
pub(super) enum Outage {
    /// Nothing comes back.
    Silent,
    /// There is no route.
    Refused,
}

impl Internet {
    pub(super) fn new() -> Self {
        Self {
            servers: HashMap::new(),
            asked: Mutex::default(),
            clock: ManualClock::at(1_800_000_000),
            outage: None,
            closed: Mutex::default(),
            delay: Duration::ZERO,
        }
    }

    /// Adds a server with zones: an apex and its records.
    pub(super) fn serve(&mut self, address: &str, zones: &[(&str, &str)]) {
        let zones: Vec<Zone> = zones.iter().map(|(apex, text)| Zone::read(apex, text)).collect();
        self.script(address, move |query, _| vec![answer(&zones, query).to_vec().unwrap()]);
    }

    pub(super) fn script(
        &mut self,
        address: &str,
        script: impl Fn(&Message, bool) -> Vec<Vec<u8>> + Send + Sync + 'static,
    ) {
        self.servers.insert(address.parse().unwrap(), Box::new(script));
    }

    /// Lets the next queries to a server find its port closed.
    pub(super) fn close(&self, address: &str, queries: usize) {
        self.closed.lock().unwrap().insert(address.parse().unwrap(), queries);
    }

    pub(super) fn packets(&self) -> usize {
        self.asked.lock().unwrap().len()
    }

    pub(super) fn packets_to(&self, address: &str) -> usize {
        let address: IpAddr = address.parse().unwrap();
        self.asked.lock().unwrap().iter().filter(|(to, ..)| *to == address).count()
    }

    /// Returns the names a server was asked for.
    pub(super) fn names_at(&self, address: &str) -> Vec<String> {
        let address: IpAddr = address.parse().unwrap();
        let asked = self.asked.lock().unwrap();
        asked
            .iter()
            .filter(|(to, ..)| *to == address)
            .map(|(_, name, rtype, _)| format!("{name} {rtype}"))
            .collect()
    }
}

#[async_trait]
impl Network for Internet {
    async fn exchange(&self, to: SocketAddr, query: &[u8], tcp: bool, wait: Duration) -> io::Result<Reply> {
        let message = Message::from_vec(query).unwrap();
        let question = &message.queries[0];
        let name = question.name().to_lowercase().to_ascii();
        self.asked.lock().unwrap().push((to.ip(), name, question.query_type(), tcp));
        if let Some(left @ 1..) = self.closed.lock().unwrap().get_mut(&to.ip()) {
            *left -= 1;
            return Err(io::ErrorKind::ConnectionRefused.into());
        }
        let script = match (self.outage, self.servers.get(&to.ip())) {
            (Some(Outage::Refused), _) => return Err(io::ErrorKind::NetworkUnreachable.into()),
            (None, Some(script)) => script,
            _ => return silence(wait).await,
        };
        sleep(self.delay).await;
        let datagrams = script(&message, tcp);
        let result = datagrams.iter().find_map(|datagram| take(query, datagram));
        match result {
            Some(result) => result,
            None => silence(wait).await,
        }
    }

    fn moment(&self) -> Instant {
        self.clock.now().instant
    }
}

async fn silence(wait: Duration) -> io::Result<Reply> {
    let never = std::future::pending();
    timeout(wait, never).await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}

//----------- Zone -------------------------------------------------------------

/// A zone.
pub(super) struct Zone {
    pub(super) apex: Name,
    pub(super) records: Vec<Record>,
}

pub(super) fn name(text: &str) -> Name {
    Name::from_ascii(text).unwrap()
}

/// Reads `owner TYPE data`.
pub(super) fn record(line: &str) -> Record {
    let words: Vec<&str> = line.split_whitespace().collect();
    let [owner, rtype, data] = words[..] else { panic!("{line}") };
    let data = match rtype {
        "A" => RData::A(data.parse().unwrap()),
        "AAAA" => RData::AAAA(data.parse().unwrap()),
        "NS" => RData::NS(NS(name(data))),
        "CNAME" => RData::CNAME(CNAME(name(data))),
        "DNAME" => {
            let rdata = NULL::with(name(data).to_bytes().unwrap());
            RData::Unknown { code: RecordType::DNAME, rdata }
        }
        _ => panic!("{line}"),
    };
    Record::from_rdata(name(owner), 300, data)
}

impl Zone {
    pub(super) fn read(apex: &str, text: &str) -> Self {
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        Self { apex: name(apex), records: lines.map(record).collect() }
    }

    pub(super) fn soa(&self) -> Record {
        let soa = SOA::new(Name::root(), Name::root(), 1, 1, 1, 1, 60);
        Record::from_rdata(self.apex.clone(), 60, RData::SOA(soa))
    }
}

pub(super) fn reply_to(query: &Message) -> Message {
    let mut reply = Message::response(query.metadata.id, query.metadata.op_code);
    reply.add_queries(query.queries.iter().cloned());
    if let Some(edns) = &query.edns {
        reply.set_edns(edns.clone());
    }
    reply
}

/// Answers like RFC 1034 section 4.3.2, without following aliases.
pub(super) fn answer(zones: &[Zone], query: &Message) -> Message {
    let mut reply = reply_to(query);
    let (qname, qtype) = (query.queries[0].name().clone(), query.queries[0].query_type());
    let of = zones.iter().filter(|zone| zone.apex.zone_of(&qname)).max_by_key(|zone| zone.apex.len());
    let Some(zone) = of else {
        reply.metadata.response_code = ResponseCode::Refused;
        return reply;
    };
    let cut = zone.records.iter().find(|record| {
        record.record_type() == RecordType::NS && record.name != zone.apex && record.name.zone_of(&qname)
    });
    if let Some(cut) = cut {
        let servers: Vec<&Record> =
            zone.records.iter().filter(|r| r.name == cut.name && r.record_type() == RecordType::NS).collect();
        reply.add_authorities(servers.iter().map(|record| (*record).clone()));
        let is_glue =
            |r: &&Record| servers.iter().any(|ns| matches!(&ns.data, RData::NS(ns) if ns.0 == r.name));
        reply.add_additionals(zone.records.iter().filter(is_glue).cloned());
        return reply;
    }
    reply.metadata.authoritative = true;
    let at =
        |r: &&Record| r.name == qname && (r.record_type() == qtype || r.record_type() == RecordType::CNAME);
    let dname =
        |r: &&Record| r.record_type() == RecordType::DNAME && r.name != qname && r.name.zone_of(&qname);
    reply.add_answers(zone.records.iter().filter(|r| at(r) || dname(r)).cloned());
    if qname.is_root() {
        reply.add_additionals(zone.records.iter().filter(|r| r.record_type() == RecordType::A).cloned());
    }
    if reply.answers.is_empty() {
        reply.add_authority(zone.soa());
        if !zone.records.iter().any(|record| qname.zone_of(&record.name)) {
            reply.metadata.response_code = ResponseCode::NXDomain;
        }
    }
    reply
}
