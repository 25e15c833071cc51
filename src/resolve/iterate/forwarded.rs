//! Answers of other resolvers, in place of those of the zones' own servers.
//!
//! They end in the same [`Found`] and are judged alike: whoever forwards asks
//! for keys and DS records too, and believes no more.

use std::pin::pin;
use std::sync::Arc;

use hickory_proto::rr::Name;
use hickory_proto::rr::RecordType;

use super::ask::Ask;
use super::found::Found;
use super::heard::Asked;
use super::heard::Says;
use super::job::Job;
use super::scrub;
use crate::resolve::exchange::Query;
use crate::resolve::exchange::trouble::Trouble;
use crate::resolve::forward;
use crate::resolve::forward::Forwarder;

impl Job {
    /// Returns who is asked about a name and type, if not the zones' own servers,
    /// and the zone that they speak for: the root, if that is everything.
    pub(super) fn forwarder(&self, name: &Name, rtype: RecordType) -> Option<(Name, &Forwarder)> {
        let engine = &self.engine;
        let place = scrub::place(name, rtype);
        // What links a zone to others is for others to say.
        let is_link = matches!(rtype, RecordType::DS | RecordType::DNSKEY);
        if let Some((zone, forwarder)) = &engine.inside
            && (!is_link || zone.zone_of(&place))
            && !engine.has_nearer(&place)
        {
            return Some((Name::root(), forwarder));
        }
        if let Some((zone, forwarder)) = engine.beside(&place) {
            return Some((zone.clone(), forwarder));
        }
        self.outside(&place)
    }

    /// Returns who is asked about what is outside of zones, if somebody is.
    fn outside(&self, place: &Name) -> Option<(Name, &Forwarder)> {
        let outside = self.engine.outside.as_deref().filter(|_| self.engine.options.stub(place).is_none());
        outside.map(|forwarder| (Name::root(), forwarder))
    }

    /// Finds what an alias has led to out of the zone that this is for, where its
    /// servers have nothing to say about that.
    pub(super) async fn find_outside(&self, name: &Name, rtype: RecordType) -> Result<Arc<Found>, Trouble> {
        match self.outside(&scrub::place(name, rtype)) {
            Some((zone, forwarder)) => self.ask_forwarder(zone, forwarder, name, rtype).await,
            None => self.walk(name, rtype).await,
        }
    }

    /// Returns whether servers that know a zone have said no about a name that is
    /// not in it.
    pub(super) fn is_not_theirs(&self, name: &Name, trouble: &Trouble) -> bool {
        self.is_outside(name) && matches!(trouble, Trouble::Refused(_) | Trouble::Lame)
    }

    /// Returns whether a name is neither in the zone that this is for nor in another
    /// one whose servers are set.
    fn is_outside(&self, name: &Name) -> bool {
        let inside = self.engine.inside.as_ref();
        inside.is_some_and(|(zone, _)| !zone.zone_of(name)) && !self.engine.has_nearer(name)
    }

    /// Asks other resolvers.
    pub(super) async fn ask_forwarder(
        &self,
        zone: Name,
        forwarder: &Forwarder,
        name: &Name,
        rtype: RecordType,
    ) -> Result<Arc<Found>, Trouble> {
        let ask = Ask {
            zone,
            name: name.clone(),
            rtype,
            checking_disabled: self.checking_disabled,
            priming: false,
            whole: true,
        };
        match self.once(&ask, pin!(self.forwarded(forwarder, &ask))).await? {
            Says::Answer(found, more) => {
                self.keep(name, rtype, &found);
                // Where an alias leads into a zone whose servers are set, they have the word.
                let is_theirs = |name: &Name| ask.zone.is_root() && self.engine.has_nearer(name);
                for (name, found) in more.iter().filter(|(name, _)| !is_theirs(name)) {
                    self.keep(name, rtype, found);
                }
                Ok(found)
            }
            Says::Hearsay(found) => Ok(found),
            Says::Referral(_) => Err(Trouble::Lame),
        }
    }

    /// Asks the servers, and hears what they say.
    async fn forwarded(&self, forwarder: &Forwarder, ask: &Ask) -> Result<Says, Trouble> {
        let Ask { zone, name, rtype, checking_disabled, .. } = ask;
        let query = Query {
            name: name.clone(),
            rtype: *rtype,
            recursion_desired: true,
            checking_disabled: *checking_disabled,
            patience: forward::PATIENCE,
        };
        let (budget, blamed) = (Arc::clone(&self.budget), self.blamed(zone));
        let (server, reply) = forwarder.ask(&forward::Ask { query, budget, blamed }).await?;
        // Who asks nobody knows nothing of what is outside of its zone.
        if self.is_outside(name) && !reply.metadata.recursion_available && reply.answers.is_empty() {
            return Err(Trouble::Lame);
        }
        let asked = Asked { zone, name, rtype: *rtype, server, now: self.now.instant };
        if zone.is_root()
            && let Some(told) = scrub::told_by_resolver(&asked, &reply)
            && self.engine.options.stub(&told.zone).is_none()
            && !self.engine.options.believes_all()
        {
            self.engine.store.delegate(&Arc::new(told));
        }
        scrub::hear_resolver(&asked, reply)
    }
}
