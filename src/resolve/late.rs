//! [`Late`]: the name servers that have not answered lately.
//
//  The recursor does rank its servers, but counts a negative answer as a
//  failure too, and so comes back to the dead one again and again.

use std::net::IpAddr;
use std::time::Duration;
use std::time::Instant;

use quick_cache::sync::Cache;

use super::context;
use super::exchange::Trouble;

/// How long a name server is waited for: unbound's and BIND's first time-outs
/// are 0.4 and 0.8 s, and the recursor does not try the same one again.
const PATIENCE: Duration = Duration::from_secs(1);

/// And how long one that has not answered lately.
const LITTLE_PATIENCE: Duration = Duration::from_millis(400);

/// How long ago lately is.
const LATELY: Duration = Duration::from_mins(1);

/// The name servers that have not answered lately, and since when.
pub(super) struct Late(Cache<IpAddr, Instant>);

impl Default for Late {
    fn default() -> Self {
        Self(Cache::new(1_024))
    }
}

impl Late {
    /// Returns how long to wait for a server.
    pub(super) fn patience(&self, server: IpAddr) -> Duration {
        let now = context::now().instant;
        let late = self.0.get(&server).is_some_and(|then| now.saturating_duration_since(then) < LATELY);
        if late { LITTLE_PATIENCE } else { PATIENCE }
    }

    /// Notes how a server has answered.
    pub(super) fn note<T>(&self, server: IpAddr, result: &Result<T, Trouble>) {
        match result {
            Ok(_) => {
                self.0.remove(&server);
            }
            Err(Trouble::Timeout) => self.0.insert(server, context::now().instant),
            Err(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Clock;
    use crate::base::time::ManualClock;

    #[tokio::test]
    async fn a_server_is_late_for_a_minute_or_until_it_answers() {
        let (late, clock) = (Late::default(), ManualClock::at(0));
        let [a, b] = [1, 2].map(|last| IpAddr::from([192, 0, 2, last]));
        context::with(clock.now(), async {
            late.note(a, &Err::<(), _>(Trouble::Timeout));
            late.note(b, &Err::<(), _>(Trouble::Nonsense));
            assert_eq!((late.patience(a), late.patience(b)), (LITTLE_PATIENCE, PATIENCE));
        })
        .await;
        clock.advance(LATELY);
        context::with(clock.now(), async {
            assert_eq!(late.patience(a), PATIENCE);
            late.note(a, &Err::<(), _>(Trouble::Timeout));
            assert_eq!(late.patience(a), LITTLE_PATIENCE);
            late.note(a, &Ok(()));
            assert_eq!(late.patience(a), PATIENCE);
        })
        .await;
    }
}
