//! From the root, or from the nearest delegation known, down to an answer.

use std::convert::Infallible;
use std::net::IpAddr;
use std::net::SocketAddr;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use futures_util::future::FutureExt;
use hickory_proto::rr::Name;
use hickory_proto::rr::RecordType;

use super::ask::Ask;
use super::ask::FEW_TRIES_EACH;
use super::ask::MAX_TRIES_EACH;
use super::dname;
use super::found::Found;
use super::found::Kind;
use super::found::labels;
use super::heard::Says;
use super::job::Job;
use super::scrub;
use super::store::Delegation;
use crate::resolve::exchange::trouble::Trouble;
use crate::resolve::stats::Limit;

/// How many queries about parts of a name are made at most ([RFC 9156 section
/// 2.3], `MAX_MINIMISE_COUNT`).
///
/// [RFC 9156 section 2.3]: https://www.rfc-editor.org/rfc/rfc9156#section-2.3
const MAX_MINIMISE: usize = 10;

/// How many of these add one label only (`MINIMISE_ONE_LAB`).
const ONE_LABEL: usize = 4;

/// How many delegations are followed beyond the labels of a name.
const MAX_REFERRALS: usize = 8;

/// How far the way down has led.
pub(super) enum Reached<E> {
    /// To an answer.
    Answer(Arc<Found>),
    /// Only as far as was enough.
    Enough(E),
}

impl Job {
    /// Finds what the DNS says of a name and type.  Aliases are not followed.
    pub(super) async fn find(&self, name: &Name, rtype: RecordType) -> Result<Arc<Found>, Trouble> {
        match self.known(name, rtype) {
            Some(found) => Ok(found),
            None => self.find_out(name, rtype).await,
        }
    }

    /// Returns what is known of a name and type.
    pub(super) fn known(&self, name: &Name, rtype: RecordType) -> Option<Arc<Found>> {
        if self.is_apart() { None } else { self.engine.store.get(name, rtype, self.now.instant) }
    }

    /// Finds out what is not known of a name and type, from zones' own servers or
    /// from other resolvers.
    pub(super) fn find_out<'a>(
        &'a self,
        name: &'a Name,
        rtype: RecordType,
    ) -> BoxFuture<'a, Result<Arc<Found>, Trouble>> {
        async move {
            match self.go(name, rtype, |_| None::<Infallible>).await? {
                Reached::Answer(found) => Ok(found),
            }
        }
        .boxed()
    }

    /// Finds out where a name server is: as a zone above it tells, or else its own.
    pub(super) fn find_server<'a>(
        &'a self,
        server: &'a Name,
        rtype: RecordType,
    ) -> BoxFuture<'a, Result<Reached<Vec<IpAddr>>, Trouble>> {
        let told = move |delegation: &Delegation| {
            let addresses: Vec<IpAddr> = delegation.glue_of(server).collect();
            // Of either family: whoever asks for the other one is served as well.
            self.allowed(&addresses).next()?;
            self.engine.glue.keep(server, delegation, self.now.instant);
            Some(addresses)
        };
        self.go(server, rtype, told).boxed()
    }

    /// Finds out what is not known, from whoever knows it; or goes no further than
    /// to a delegation that is enough.
    async fn go<E>(
        &self,
        name: &Name,
        rtype: RecordType,
        enough: impl Fn(&Delegation) -> Option<E>,
    ) -> Result<Reached<E>, Trouble> {
        let dname = self.engine.store.dname_above(name, self.now.instant);
        if let Some(found) = dname.and_then(|dname| dname::from_dname(name, &dname)) {
            return Ok(Reached::Answer(Arc::new(found)));
        }
        // It is us who want to know this, somewhere above.
        if self.is_on_path(name, rtype) {
            return Err(Trouble::Circle);
        }
        let job = self.on_path(name, rtype)?;
        let Some((zone, forwarder)) = job.forwarder(name, rtype) else {
            return job.walk_to(name, rtype, enough).await;
        };
        match job.ask_forwarder(zone, forwarder, name, rtype).await {
            Err(trouble) if job.is_not_theirs(name, &trouble) => job.find_outside(name, rtype).await,
            heard => heard,
        }
        .map(Reached::Answer)
    }

    /// Goes down from delegation to delegation to an answer.
    pub(super) async fn walk(&self, name: &Name, rtype: RecordType) -> Result<Arc<Found>, Trouble> {
        match self.walk_to(name, rtype, |_| None::<Infallible>).await? {
            Reached::Answer(found) => Ok(found),
        }
    }

    /// Goes down from delegation to delegation, to an answer or to one that is enough.
    async fn walk_to<E>(
        &self,
        name: &Name,
        rtype: RecordType,
        enough: impl Fn(&Delegation) -> Option<E>,
    ) -> Result<Reached<E>, Trouble> {
        let mut delegation = self.start(name, rtype).await?;
        let mut steps = Steps::new(self.engine.options.minimise);
        // What was known of a zone before this question may not be true any more.
        let mut may_be_old = delegation.until.is_some() && !delegation.zone.is_root();
        let mut failed: Option<(Arc<Delegation>, Trouble)> = None;
        if let Some(enough) = enough(&delegation) {
            return Ok(Reached::Enough(enough));
        }
        for _ in 0..labels(name) + MAX_REFERRALS {
            match self.in_zone(&delegation, name, rtype, &mut steps).await {
                Ok(Says::Referral(next)) => {
                    if let Some((_, trouble)) = failed.take_if(|(before, _)| before.leads_as(&next)) {
                        return Err(trouble);
                    }
                    may_be_old = false;
                    self.engine.store.delegate(&next);
                    self.engine.glue.hear(&next, self.now.instant);
                    if let Some(enough) = enough(&next) {
                        return Ok(Reached::Enough(enough));
                    }
                    self.fetch_keys_beside(&next);
                    delegation = next;
                }
                Ok(Says::Answer(found, more)) => {
                    self.keep(name, rtype, &found);
                    for (name, found) in &more {
                        self.keep(name, rtype, found);
                    }
                    return Ok(Reached::Answer(found));
                }
                Ok(Says::Hearsay(found)) => return Ok(Reached::Answer(found)),
                Err(trouble) if trouble.is_final() => return Err(trouble),
                Err(trouble) => {
                    self.engine.store.undelegate(&delegation.zone);
                    // Who says no may be the wrong one; who is silent has taken the time.
                    let says_no = matches!(trouble, Trouble::Refused(_) | Trouble::Lame);
                    if !may_be_old || !says_no {
                        return Err(trouble);
                    }
                    may_be_old = false;
                    failed = Some((delegation, trouble));
                    delegation = self.start(name, rtype).await?;
                }
            }
        }
        Err(Trouble::Limit(Limit::Depth))
    }

    /// Keeps an answer, unless it is one that was found bad.
    pub(super) fn keep(&self, name: &Name, rtype: RecordType, found: &Found) {
        if !self.is_apart() {
            self.engine.store.put(name, rtype, found);
        }
    }

    /// Returns where to begin.
    pub(super) async fn start(&self, name: &Name, rtype: RecordType) -> Result<Arc<Delegation>, Trouble> {
        let from = scrub::place(name, rtype);
        let stub = self.engine.options.stub(&from);
        let nearest = self.engine.store.nearest(&from, self.now.instant);
        match (stub, nearest) {
            (Some(stub), Some(nearest)) if labels(&nearest.zone) > labels(&stub.zone) => Ok(nearest),
            (Some(stub), _) => Ok(stub),
            (None, Some(nearest)) => Ok(nearest),
            (None, None) => self.root().await,
        }
    }

    /// Asks in one zone, with no more of the name than need be.
    async fn in_zone(
        &self,
        delegation: &Delegation,
        name: &Name,
        rtype: RecordType,
        steps: &mut Steps,
    ) -> Result<Says, Trouble> {
        let mut known = labels(&delegation.zone);
        loop {
            let count = steps.next(known, labels(name));
            let whole = count >= labels(name);
            let (part, part_type) =
                if whole { (name.clone(), rtype) } else { (name.trim_to(count), RecordType::A) };
            let zone = delegation.zone.clone();
            let ask = Ask {
                zone,
                name: part.clone(),
                rtype: part_type,
                checking_disabled: false,
                priming: false,
                whole,
            };
            if !whole && self.engine.store.exists(&part, part_type, self.now.instant) {
                known = count;
                continue;
            }
            match self.ask_zone(delegation, &ask, whole).await {
                Ok(Says::Referral(next)) => return Ok(Says::Referral(next)),
                Ok(says) if whole => return Ok(says),
                Ok(Says::Answer(found, _)) => {
                    // A DNAME record answers for everything below.
                    let below = found.answers.iter().any(|record| record.record_type() == RecordType::DNAME);
                    if matches!(found.kind, Kind::NxDomain) || below {
                        // RFC 9156 section 2.3: many who say NXDOMAIN mean it
                        // for this name only, and have names below.
                        steps.give_up();
                    } else if matches!(found.kind, Kind::NoData | Kind::Data) {
                        self.keep(&part, part_type, &found);
                    }
                    known = count;
                }
                Ok(Says::Hearsay(_)) => known = count,
                Err(trouble) if whole || trouble.is_final() => return Err(trouble),
                // Broken for parts of names, perhaps not for the whole.
                Err(_) => steps.give_up(),
            }
        }
    }

    /// Asks the servers of a zone: those first whose addresses are known, and
    /// those last that were no good before.  For parts of names (not `whole`)
    /// nobody is looked up who may know better.
    async fn ask_zone(&self, delegation: &Delegation, ask: &Ask, whole: bool) -> Result<Says, Trouble> {
        let mut worst = Trouble::NoServers;
        let mut tried: Vec<SocketAddr> = Vec::new();
        let mut looking_up = self.looking_up(delegation);
        let mut servers = self.addresses(delegation);
        // Where all are in the zone itself, nobody else can know them.
        if servers.is_empty() && delegation.is_closed() {
            servers = self.ask_above(delegation).await?;
            if servers.is_empty() {
                return Err(worst);
            }
        }
        let mut last = Vec::new();
        let (mut is_last, mut asked_above) = (false, false);
        loop {
            servers.retain(|server| !tried.contains(server));
            tried.extend(&servers);
            if !is_last {
                let now = self.engine.exchange.network.moment();
                let zone = &delegation.zone;
                let is_bad = |server: &SocketAddr| {
                    self.engine.exchange.servers.was_lame(zone, *server, now) || self.is_blamed(zone, *server)
                };
                last.extend(servers.extract_if(.., |server| is_bad(server)));
            }
            if !servers.is_empty() {
                // With others to be found, nobody is waited for as if it were the
                // only one; nor for parts of a name, about which some are silent.
                let alone = is_last || !looking_up.is_promising(self);
                let tries_each = if alone && whole { MAX_TRIES_EACH } else { FEW_TRIES_EACH };
                match self.ask(ask, &servers, tries_each).await {
                    Ok(says) => return Ok(says),
                    Err(trouble) if trouble.is_final() => return Err(trouble),
                    Err(trouble) => worst = trouble,
                }
                if worst.is_silence() && !alone {
                    last.extend(servers);
                }
            }
            if is_last || !whole && worst != Trouble::NoServers {
                return Err(worst);
            }
            // Names in the zone itself are known to those alone who just failed.
            let inside = worst == Trouble::NoServers;
            servers = match looking_up.next(self, inside).await {
                Ok(servers) => servers,
                Err(trouble) if trouble.is_final() => return Err(trouble),
                Err(trouble) => {
                    if worst == Trouble::NoServers {
                        worst = trouble;
                    }
                    let told = if asked_above { Vec::new() } else { self.ask_above(delegation).await? };
                    asked_above = true;
                    if told.is_empty() {
                        is_last = true;
                        tried.clear();
                        std::mem::take(&mut last)
                    } else {
                        told
                    }
                }
            };
        }
    }
}

//----------- Steps ------------------------------------------------------------

/// How much of a name is shown next ([RFC 9156]).
///
/// [RFC 9156]: https://www.rfc-editor.org/rfc/rfc9156
#[derive(Debug)]
struct Steps {
    /// How many queries about parts of the name were made; nothing if it is
    /// shown whole from now on.
    made: Option<usize>,
}

impl Steps {
    /// Returns the beginning.
    fn new(minimise: bool) -> Self {
        Self { made: minimise.then_some(0) }
    }

    /// Shows the whole name from now on.
    fn give_up(&mut self) {
        self.made = None;
    }

    /// Returns how many labels to show, where `known` are settled and there are
    /// `all`.
    fn next(&mut self, known: usize, all: usize) -> usize {
        let Some(made) = &mut self.made else { return all };
        let hidden = all.saturating_sub(known);
        *made += 1;
        if *made > MAX_MINIMISE {
            return all;
        }
        if *made <= ONE_LABEL {
            return (known + 1).min(all);
        }
        // What is hidden is spread over the queries that are left.
        let left = MAX_MINIMISE + 1 - *made;
        (known + hidden.div_ceil(left).max(1)).min(all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_names_are_shown_in_ten_steps() {
        let mut steps = Steps::new(true);
        let mut shown = vec![0];
        while *shown.last().unwrap() < 34 {
            let known = *shown.last().unwrap();
            shown.push(steps.next(known, 34));
        }
        assert_eq!(shown[..5], [0, 1, 2, 3, 4]);
        assert!(shown.len() <= 11, "{shown:?}");
        assert_eq!(Steps::new(false).next(0, 34), 34);
    }
}
