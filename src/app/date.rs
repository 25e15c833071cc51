//! The date from one start to the next, in the file `clock` of the state
//! folder: a machine without a battery begins in the past, and can know it.

use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::state;
use crate::base::Clock;
use crate::listen::door::Door;
use crate::resolve::Resolver;

/// The name of the file.
const NAME: &str = "clock";

/// When this version was made, in seconds since 1970: 25 November 2026.  No clock
/// is right that shows less.
const MADE: i64 = 1_795_564_800;

/// How long a number may be, in octets.
const MAX_NUMBER: usize = 20;

/// How often it is looked whether the clock was set, while it has to be.
const LOOK: Duration = Duration::from_secs(5);

/// How often it is looked whether it is right still.
const GLANCE: Duration = Duration::from_mins(1);

/// How often the date is written down.
const HOUR: Duration = Duration::from_hours(1);

/// Tells a resolver when it is at least, and says if the clock shows less.
pub(super) fn load(state: &Path, resolver: &Resolver, clock: &dyn Clock) {
    let earliest = read(state).map_or(MADE, |last| last.max(MADE));
    resolver.set_earliest(earliest);
    let now = clock.now();
    if resolver.is_behind(now) {
        tracing::warn!(
            days = earliest.saturating_sub(now.unix) / 86_400,
            "the clock is behind, as on machines without a battery: until it is set, names of time \
            servers resolve although their signatures look wrong, and other signed names may fail"
        );
    }
}

/// Reads when it was last.
fn read(state: &Path) -> Option<i64> {
    let octets = state::read(&state.join(NAME), MAX_NUMBER).ok()?;
    String::from_utf8(octets).ok()?.trim().parse().ok()
}

/// Writes the date down, for ever; and says when the clock was set, or is ahead.
pub(super) async fn keep(state: PathBuf, door: Arc<Door<Resolver>>, clock: Arc<dyn Clock>) {
    let mut wrong = door.home().resolver.is_clock_wrong(clock.now());
    let (mut passed, mut written) = (Duration::ZERO, false);
    loop {
        let pause = if wrong { LOOK } else { GLANCE };
        tokio::time::sleep(pause).await;
        passed += pause;
        let (now, resolver) = (clock.now(), Arc::clone(&door.home().resolver));
        if passed >= HOUR {
            // Who lives with a date for an hour means it, wherever the other is from.
            if !resolver.is_ahead() {
                resolver.set_earliest(now.unix.max(MADE));
            }
            (passed, written) = (Duration::ZERO, false);
        }
        if resolver.is_ahead() || !written {
            resolver.look_at_clock(now).await;
        }
        let still = resolver.is_clock_wrong(now);
        match (wrong, still) {
            (true, false) => {
                tracing::info!("the clock can be right now: all signatures are checked again");
                // What was taken for forged was not.
                resolver.network_changed();
            }
            (false, true) => tracing::warn!(
                "the clock is ahead, or somebody shows us an Internet that is long gone: by it, the root's \
                 signatures have expired; until it is set, names of time servers resolve, and other signed \
                 names fail"
            ),
            _ => {}
        }
        if (wrong && !still) || !written {
            let state = state.clone();
            // A thread that may wait for the disk; nothing rests on its success.
            let _ = tokio::task::spawn_blocking(move || save(&state, now.unix, still)).await;
            written = true;
        }
        wrong = still;
    }
}

/// Writes the date down, unless it cannot be right.
pub(super) fn save(state: &Path, unix: i64, wrong: bool) {
    if wrong {
        return;
    }
    if let Err(error) = state::replace(state, NAME, unix.to_string().as_bytes()) {
        tracing::debug!(%error, "the date can't be kept");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::time::ManualClock;
    use crate::resolve::Settings;
    use std::fs;

    #[test]
    fn the_date_survives_a_start_in_the_past() {
        let state = std::env::temp_dir().join(format!("sordino-date-{}", std::process::id()));
        fs::create_dir_all(&state).unwrap();
        let behind = |unix| {
            let (resolver, clock) = (Resolver::new(&Settings::default()).unwrap(), ManualClock::at(unix));
            load(&state, &resolver, &clock);
            resolver.is_behind(clock.now())
        };
        assert!(behind(0) && behind(MADE - 1) && !behind(MADE));
        save(&state, MADE + 100, false);
        assert!(behind(MADE + 99) && !behind(MADE + 100));
        save(&state, 7, true);
        assert!(behind(MADE + 99));
        for nonsense in ["", "tomorrow", "99999999999999999999999", "-5"] {
            fs::write(state.join(NAME), nonsense).unwrap();
            assert!(behind(MADE - 1) && !behind(MADE), "{nonsense}");
        }
        fs::remove_dir_all(&state).unwrap();
    }
}
