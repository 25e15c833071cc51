//! Who is where, as hooks of DHCP servers tell it: over the control socket and over
//! HTTP.  Kept in the state folder.
//
//  Apart from `identity`, which asks those who have to be asked.

use std::net::IpAddr;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;

use arc_swap::ArcSwapOption;

use super::load::Loaded;
use super::signs::Signs;
use super::state;
use crate::base::Clock;
use crate::base::Now;
use crate::base::Source;
use crate::device::Addresses;
use crate::device::Binding;
use crate::device::Feed;
use crate::device::Recognizer;
use crate::device::addresses::Shown;
use crate::listen::door::Door;
use crate::resolve::Resolver;
use crate::source::identity::pushed;
use crate::source::identity::pushed::Token;
use crate::web::pushes::Listener;
use crate::web::pushes::Refusal;

/// Takes in what is pushed, and keeps it.
pub(super) struct Pushed {
    /// Where it is entered.
    addresses: Arc<Addresses>,
    /// As what.
    feed: Feed,
    /// Who is told what devices call themselves.
    signs: Signs,
    /// The state folder.
    state: PathBuf,
    /// For the time.
    clock: Arc<dyn Clock>,
    /// Whom to believe over HTTP; nobody without.
    token: ArcSwapOption<Token>,
    /// Held while it is written, so that the last word is what stands there.
    writing: Mutex<()>,
}

impl Pushed {
    /// Takes up what was pushed before.
    pub(super) fn new(
        loaded: &Loaded,
        door: &Arc<Door<Resolver>>,
        recognizer: &Arc<Recognizer>,
        folder: &Path,
        clock: &Arc<dyn Clock>,
    ) -> Arc<Self> {
        let feed = Feed { source: Source::Pushed, name: Arc::from("control") };
        let addresses = Arc::clone(door.identify().addresses());
        match pushed::load(folder) {
            Ok(told) => {
                addresses.replace(&feed, &told.bindings, clock.now());
                told.doubt.iter().for_each(|doubt| tracing::warn!("{doubt}"));
            }
            Err(fault) => state::complain(folder, &fault, "addresses that were pushed are not taken up"),
        }
        let signs = Signs::new(recognizer, door);
        let (state, clock) = (folder.to_owned(), Arc::clone(clock));
        let (token, writing) = (ArcSwapOption::new(loaded.push_token.clone()), Mutex::default());
        Arc::new(Self { addresses, feed, signs, state, clock, token, writing })
    }

    /// Believes whoever has this token over HTTP, from now on; nobody without.
    pub(super) fn trust(&self, token: Option<&Arc<Token>>) {
        self.token.store(token.cloned());
    }

    /// Somebody has an address from now on.
    pub(super) fn add(
        &self,
        mac: &str,
        address: IpAddr,
        name: Option<&str>,
        until: Option<i64>,
    ) -> Result<(), Refusal> {
        self.enter(pushed::binding(mac, address, name, until).map_err(Refusal::Senseless)?)
    }

    /// Nobody has an address any more.
    pub(super) fn remove(&self, address: IpAddr) -> Result<(), Refusal> {
        let now = self.clock.now();
        if self.addresses.forget(&self.feed, (address.to_canonical(), 0), now) {
            self.keep(now)
        } else {
            Err(Refusal::Unknown(format!("nobody was pushed who has {address}")))
        }
    }

    /// Returns who is where now, whoever told it.
    pub(super) fn addresses(&self) -> (Vec<Shown>, Now) {
        let now = self.clock.now();
        (self.addresses.all(now), now)
    }

    /// Enters who has an address.
    fn enter(&self, binding: Binding) -> Result<(), Refusal> {
        let now = self.clock.now();
        if let Some(host) = &binding.name {
            self.signs.is_called(binding.mac, host, now.unix);
        }
        self.addresses.hear(&self.feed, [((binding.addr, 0), binding)], now);
        self.keep(now)
    }

    /// Writes down what was pushed.
    fn keep(&self, now: Now) -> Result<(), Refusal> {
        let _writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = pushed::save(&self.state, &self.addresses.of(&self.feed, now));
        kept.map_err(|error| Refusal::NotKept(format!("in effect, and not kept over a restart: {error}")))
    }
}

impl Listener for Pushed {
    fn trusts(&self, token: &[u8]) -> Option<bool> {
        self.token.load().as_ref().map(|own| own.is(token))
    }

    fn has(&self, address: IpAddr, body: &[u8]) -> Result<(), Refusal> {
        let said = pushed::said(address, body, self.clock.now());
        self.enter(said.map_err(Refusal::Senseless)?)
    }

    fn left(&self, address: IpAddr) -> Result<(), Refusal> {
        self.remove(address)
    }
}
