//! [`Engine`] and [`Job`]: what all questions share, and what belongs to one.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;

use hickory_proto::rr::Name;
use hickory_proto::rr::RecordType;

use super::ask::Outstanding;
use super::found::labels;
use super::glue::Glue;
use super::good::Good;
use super::key;
use super::options::Options;
use super::proven::Proven;
use super::store::Delegation;
use super::store::Store;
use super::trusted::Trusted;
use crate::base::Now;
use crate::resolve::exchange::Exchange;
use crate::resolve::exchange::budget::Budget;
use crate::resolve::exchange::budget::MAX_DEPTH;
use crate::resolve::exchange::budget::WALL_CLOCK;
use crate::resolve::exchange::trouble::Trouble;
use crate::resolve::forward::Forwarder;
use crate::resolve::rootkeys::RootKeys;
use crate::resolve::stats::Limit;
use crate::resolve::zones::Zones;

/// How long a question may be worked on that others are asked about: a single
/// server may be slow, and keys are asked for one after the other.  Its asker
/// has given up by then, and the next one profits.
const FORWARD_CLOCK: Duration = Duration::from_secs(10);

//----------- Engine -----------------------------------------------------------

/// What all questions share.
pub(super) struct Engine {
    /// How servers are asked, and what is known of them.
    pub(super) exchange: Arc<Exchange>,
    /// Resolvers that know a zone which others do not.
    pub(super) inside: Option<(Name, Forwarder)>,
    /// Resolvers that know zones into which aliases may lead from outside.
    pub(super) beside: Arc<Zones<(Name, Forwarder)>>,
    /// Resolvers that are asked about all else, in place of the zones' own servers.
    pub(super) outside: Option<Arc<Forwarder>>,
    /// What the household wants.
    pub(super) options: Options,
    /// The keys of the root, where they are followed.
    pub(super) root_keys: Arc<RootKeys>,
    /// What was found out.
    pub(super) store: Store,
    /// What zones above have told of name servers.
    pub(super) glue: Glue,
    /// What zones have said does not exist.
    pub(super) proven: Proven,
    /// Which zones are trusted.
    pub(super) trusted: Trusted,
    /// Signatures that were found to be good.
    pub(super) good: Arc<Good>,
    /// Questions that are out.
    pub(super) outstanding: Outstanding,
}

impl Engine {
    /// Returns all resolvers that are asked.
    pub(super) fn forwarders(&self) -> impl Iterator<Item = &Forwarder> {
        self.inside.iter().map(|(_, forwarder)| forwarder).chain(self.outside.as_deref())
    }

    /// Returns the zone nearest to a name that others know, at it or above.
    pub(super) fn beside(&self, name: &Name) -> Option<&(Name, Forwarder)> {
        let nearest = key::nearest(&self.beside, name)?;
        let is_nearer = |stub: Arc<Delegation>| labels(&stub.zone) > labels(&nearest.0);
        (!self.options.stub(name).is_some_and(is_nearer)).then_some(nearest)
    }

    /// Returns whether the household has set the servers of a zone that a name is in, and
    /// that is not the one that this is for, or is below it.
    pub(super) fn has_nearer(&self, name: &Name) -> bool {
        let own = self.inside.as_ref().map(|(zone, _)| zone).filter(|zone| zone.zone_of(name)).map(labels);
        let beside = key::nearest(&self.beside, name).map(|(zone, _)| labels(zone));
        let stub = self.options.stub(name).map(|stub| labels(&stub.zone));
        beside.max(stub).is_some_and(|nearest| own.is_none_or(|own| nearest > own))
    }

    /// Returns whether other resolvers are asked.
    pub(super) fn forwards(&self) -> bool {
        self.forwarders().next().is_some()
    }

    /// Returns whether it is us who see to it that signatures are good.
    fn is_strict(&self) -> bool {
        self.options.dnssec && !self.options.believes_all()
    }
}

//----------- Job --------------------------------------------------------------

/// Work on one question, and on whatever has to be known for it.
#[derive(Clone)]
pub(super) struct Job {
    /// What all questions share.
    pub(super) engine: Arc<Engine>,
    /// How much work is left, and how much time.
    pub(super) budget: Arc<Budget>,
    /// When the question arrived.
    pub(super) now: Now,
    /// What has to be known for what, from here up to the question.
    path: Option<Arc<Path>>,
    /// Servers whose data was bad, by zone.
    blamed: Arc<Mutex<Vec<(Name, SocketAddr)>>>,
    /// Why those who were asked last have not answered, unless they have.
    unanswered: Arc<Mutex<Option<Trouble>>>,
    /// Whether signatures will be checked.
    pub(super) checked: bool,
    /// CD, as resolvers are told: nobody shall check for us what we check
    /// ourselves, or what the client does.
    pub(super) checking_disabled: bool,
    /// Whether the answer is known and wanted anew.
    pub(super) renews: bool,
}

/// A step on the path to the question.
struct Path {
    /// What is to be known.
    name: Name,
    /// Its type.
    rtype: RecordType,
    /// What for.
    above: Option<Arc<Self>>,
    /// How many steps it is to the question.
    depth: usize,
}

impl Job {
    /// Begins work on a question.
    pub(super) fn new(engine: &Arc<Engine>, now: Now, checking_disabled: bool) -> Self {
        let clock = if engine.forwards() { FORWARD_CLOCK } else { WALL_CLOCK };
        Self {
            engine: Arc::clone(engine),
            budget: Arc::new(Budget::lasting(clock)),
            now,
            path: None,
            blamed: Arc::default(),
            unanswered: Arc::default(),
            checked: engine.options.dnssec && !checking_disabled,
            checking_disabled: engine.is_strict() || checking_disabled,
            renews: false,
        }
    }

    /// Returns whether what is found is not to be kept for others: it was checked
    /// by nobody, where other resolvers are relied on to check.
    pub(super) fn is_apart(&self) -> bool {
        self.engine.forwards() && !self.engine.is_strict() && self.checking_disabled
    }

    /// Returns whether a name and type is being found out for our own sake.
    pub(super) fn is_on_path(&self, name: &Name, rtype: RecordType) -> bool {
        let mut step = self.path.as_ref();
        while let Some(here) = step {
            if here.rtype == rtype && here.name == *name {
                return true;
            }
            step = here.above.as_ref();
        }
        false
    }

    /// Returns the job of finding out a name and type for this one.
    pub(super) fn on_path(&self, name: &Name, rtype: RecordType) -> Result<Self, Trouble> {
        let depth = self.path.as_ref().map_or(0, |path| path.depth + 1);
        if depth > MAX_DEPTH {
            return Err(Trouble::Limit(Limit::Depth));
        }
        let path = Path { name: name.clone(), rtype, above: self.path.clone(), depth };
        Ok(Self { path: Some(Arc::new(path)), ..self.clone() })
    }

    /// Notes that a server's data was bad, so that others are asked first.
    pub(super) fn blame(&self, zone: &Name, server: SocketAddr) {
        self.blamed.lock().unwrap_or_else(PoisonError::into_inner).push((zone.clone(), server));
    }

    /// Returns the servers of a zone whose data was bad.
    pub(super) fn blamed(&self, zone: &Name) -> Vec<SocketAddr> {
        let blamed = self.blamed.lock().unwrap_or_else(PoisonError::into_inner);
        blamed.iter().filter(|(of, _)| of == zone).map(|(_, server)| *server).collect()
    }

    /// Notes what came of asking: an answer, or trouble.
    pub(super) fn heard(&self, trouble: Option<&Trouble>) {
        *self.unanswered.lock().unwrap_or_else(PoisonError::into_inner) = trouble.cloned();
    }

    /// Returns why the question has no answer, where `trouble` is what ended work
    /// on it: if time was up because nobody answered, that is why.
    pub(super) fn reason(&self, trouble: Trouble) -> Trouble {
        let mut unanswered = self.unanswered.lock().unwrap_or_else(PoisonError::into_inner);
        if trouble == Trouble::Limit(Limit::Time) { unanswered.take().unwrap_or(trouble) } else { trouble }
    }

    /// Returns whether a server's data was bad.
    pub(super) fn is_blamed(&self, zone: &Name, server: SocketAddr) -> bool {
        let blamed = self.blamed.lock().unwrap_or_else(PoisonError::into_inner);
        blamed.iter().any(|(of, who)| *who == server && of == zone)
    }
}
