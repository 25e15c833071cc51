//! [`Connections`]: how many there may be, and how long one may be silent.
//!
//! Nobody is locked out by those who came first: where there is no room, the
//! connection that is needed least makes room: one without a query in hand before
//! one with; of the address that has most; one that never had a query before one
//! that had; and the one that has been silent for longest.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::future::Future;
use std::net::IpAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::time::Duration;
use std::time::Instant;

use tokio::sync::Notify;

use crate::base::Clock;

/// Most connections at once: some for each device of a large house.
const MOST: usize = 256;

/// Most of them from one address.
const MOST_OF_ONE: usize = 16;

/// The part of our file descriptors that connections may take; the rest is for
/// asking others.
const PART_OF_DESCRIPTORS: usize = 4;

/// How long a client may take for its first query, TLS and all.
const FIRST_QUERY: Duration = Duration::from_secs(3);

/// How long a connection may be silent after that: no whole query and no answer
/// taken.  Longer than it takes to answer anything.
pub(super) const IDLE: Duration = Duration::from_secs(10);

//----------- Connections ------------------------------------------------------

/// The connections that are open.
pub(super) struct Connections {
    /// Those, by numbers of their own.
    open: Mutex<Open>,
    /// How many there may be.
    most: usize,
    /// Who tells for how long they have been silent.
    clock: Arc<dyn Clock>,
}

/// Connections that are open.
#[derive(Default)]
struct Open {
    /// Those, by numbers of their own.
    connections: HashMap<u64, Arc<State>>,
    /// The next number.
    next: u64,
}

/// What is known of a connection.
struct State {
    /// Who is at the other end.
    address: IpAddr,
    /// What was last heard and said.
    progress: Mutex<Progress>,
    /// Told when it has to make room.
    leave: Notify,
}

/// How far a connection got.
#[derive(Clone, Copy)]
struct Progress {
    /// When a whole query last came or an answer left; or when it was opened.
    at: Instant,
    /// Whether there was a whole query yet.
    proven: bool,
    /// Queries in hand.
    in_hand: usize,
}

impl Connections {
    /// Returns no connections, of which there may be so many that they take no
    /// more than their part of `descriptors`.
    pub(super) fn new(clock: Arc<dyn Clock>, descriptors: usize) -> Arc<Self> {
        let most = MOST.min(descriptors / PART_OF_DESCRIPTORS).max(1);
        Arc::new(Self { open: Mutex::default(), most, clock })
    }

    /// Takes in a connection.  None if its client has enough of them, all with
    /// queries in hand.  A client that `speaks_for_many` may have them all.
    pub(super) fn take(self: &Arc<Self>, address: IpAddr, speaks_for_many: bool) -> Option<Connection> {
        let mut open = self.lock();
        let of_same = open.connections.values().filter(|state| state.address == address).count();
        if of_same >= MOST_OF_ONE && !speaks_for_many {
            let (number, progress) = open.least_needed(|state| state.address == address)?;
            if progress.in_hand > 0 {
                return None;
            }
            open.send_away(number);
        } else if open.connections.len() >= self.most {
            let (number, _) = open.least_needed(|_| true)?;
            open.send_away(number);
        }
        let progress = Progress { at: self.clock.now().instant, proven: false, in_hand: 0 };
        let state = Arc::new(State { address, progress: Mutex::new(progress), leave: Notify::new() });
        open.next += 1;
        let number = open.next;
        open.connections.insert(number, Arc::clone(&state));
        Some(Connection { all: Arc::clone(self), number, state })
    }

    /// Closes the connection that is needed least.
    pub(super) fn make_room(&self) {
        let mut open = self.lock();
        if let Some((number, _)) = open.least_needed(|_| true) {
            open.send_away(number);
        }
    }

    /// Locks what no fault leaves half done.
    fn lock(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Open {
    /// Returns which of some connections is needed least.
    fn least_needed(&self, of: impl Fn(&State) -> bool) -> Option<(u64, Progress)> {
        let mut of_address: HashMap<IpAddr, usize> = HashMap::new();
        for state in self.connections.values() {
            *of_address.entry(state.address).or_default() += 1;
        }
        let some = self.connections.iter().filter(|(_, state)| of(state));
        let need = |(_, state): &(&u64, &Arc<State>)| {
            let Progress { at, proven, in_hand } = state.progress();
            (in_hand > 0, Reverse(of_address.get(&state.address).copied()), proven, at)
        };
        some.min_by_key(need).map(|(number, state)| (*number, state.progress()))
    }

    /// Tells a connection to make room.
    fn send_away(&mut self, number: u64) {
        if let Some(state) = self.connections.remove(&number) {
            state.leave.notify_one();
        }
    }
}

impl State {
    /// Returns how far it got.
    fn progress(&self) -> Progress {
        *self.lock()
    }

    /// Returns when it will have been silent for too long.
    fn deadline(&self) -> Instant {
        let Progress { at, proven, .. } = self.progress();
        at + if proven { IDLE } else { FIRST_QUERY }
    }

    /// Locks what no fault leaves half done.
    fn lock(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

//----------- Connection -------------------------------------------------------

/// A connection that was taken in; it counts until this is dropped.
pub(super) struct Connection {
    /// Where it counts.
    all: Arc<Connections>,
    /// Its number there.
    number: u64,
    /// What is known of it.
    state: Arc<State>,
}

impl Connection {
    /// Carries a connection on until it ends, has been silent for too long, or
    /// has to make room.
    pub(super) async fn attend(&self, work: impl Future<Output = ()>) {
        let mut work = pin!(work);
        let mut leave = pin!(self.state.leave.notified());
        loop {
            let left = self.state.deadline().saturating_duration_since(self.all.clock.now().instant);
            if left.is_zero() {
                return;
            }
            tokio::select! {
                () = &mut work => return,
                () = &mut leave => return,
                () = tokio::time::sleep(left) => {}
            }
        }
    }

    /// Takes note of a whole query.
    pub(super) fn asked(&self) {
        let mut progress = self.state.lock();
        *progress =
            Progress { at: self.all.clock.now().instant, proven: true, in_hand: progress.in_hand + 1 };
    }

    /// Takes note that a query is not in hand any more.
    pub(super) fn answered(&self) {
        let mut progress = self.state.lock();
        progress.at = self.all.clock.now().instant;
        progress.in_hand = progress.in_hand.saturating_sub(1);
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.all.lock().connections.remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::time::ManualClock;
    use futures_util::FutureExt;
    use std::future::pending;

    struct Fixture {
        clock: Arc<ManualClock>,
        all: Arc<Connections>,
    }

    impl Fixture {
        fn new(descriptors: usize) -> Self {
            let clock = Arc::new(ManualClock::at(0));
            Self { all: Connections::new(Arc::clone(&clock) as Arc<dyn Clock>, descriptors), clock }
        }

        fn take(&self, nth: usize) -> Connection {
            self.clock.advance(Duration::from_millis(1));
            let address = IpAddr::from([192, 0, 2, u8::try_from(nth).unwrap()]);
            self.all.take(address, false).unwrap()
        }
    }

    /// Whether a connection was told to make room.
    fn is_told(connection: &Connection) -> bool {
        connection.attend(pending()).now_or_never().is_some()
    }

    #[tokio::test]
    async fn who_said_nothing_yet_makes_room_before_who_is_idle_and_that_before_who_waits() {
        let house = Fixture::new(16);
        let (waits, idle, fresh) = (house.take(1), house.take(2), house.take(3));
        waits.asked();
        idle.asked();
        idle.answered();
        let mut held = vec![house.take(4)];
        held.push(house.take(5));
        assert!(is_told(&fresh) && !is_told(&waits) && !is_told(&idle));
        for nth in 6..8 {
            held.last().unwrap().asked();
            held.push(house.take(nth));
        }
        assert!(is_told(&held[0]), "silent for longest");
        assert_eq!(house.all.lock().connections.len(), 4);
        assert!(!is_told(&waits), "its client waits for an answer");
    }

    #[tokio::test]
    async fn who_has_several_makes_room_before_who_has_one() {
        let house = Fixture::new(16);
        let one = house.take(1);
        let several = [house.take(2), house.take(2), house.take(2)];
        for connection in &several {
            connection.asked();
            connection.answered();
        }
        let _more = (house.take(3), house.take(4));
        assert!(!is_told(&one), "though it said nothing yet");
        assert_eq!(several.iter().filter(|connection| is_told(connection)).count(), 2);
    }

    #[tokio::test]
    async fn one_address_has_its_own_bound_and_shoves_nobody_else() {
        let house = Fixture::new(4 * MOST);
        let other = house.take(9);
        let first = house.take(1);
        let many: Vec<_> = (0..MOST_OF_ONE).map(|_| house.take(1)).collect();
        assert!(is_told(&first) && !is_told(&other));
        many.iter().for_each(Connection::asked);
        let address = many[0].state.address;
        assert!(house.all.take(address, false).is_none(), "all of its connections wait for answers");
        assert!(house.all.take(address, true).is_some(), "a proxy may have more");
    }

    #[test]
    fn connections_leave_descriptors_for_asking() {
        for (descriptors, most) in [(64, 16), (1024, 256), (1 << 20, 256), (0, 1)] {
            assert_eq!(Fixture::new(descriptors).all.most, most, "{descriptors}");
        }
    }

    #[tokio::test]
    async fn who_is_silent_for_too_long_has_to_go_and_a_half_query_is_silence() {
        let house = Fixture::new(1024);
        let (silent, active) = (house.take(1), house.take(2));
        active.asked();
        house.clock.advance(FIRST_QUERY);
        assert!(is_told(&silent) && !is_told(&active));
        active.answered();
        house.clock.advance(FIRST_QUERY);
        assert!(!is_told(&active));
        house.clock.advance(IDLE);
        assert!(is_told(&active));
        drop((silent, active));
        assert!(house.all.lock().connections.is_empty());
    }
}
