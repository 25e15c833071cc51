//! Writing `/metrics` for 256 devices: what a scrape costs, every 15 seconds.

use std::sync::Arc;
use std::time::Duration;

use sordino::app::load;
use sordino::app::load::Options;
use sordino::base::Clock;
use sordino::base::time::ManualClock;
use sordino::catalog::Purpose;
use sordino::device::Device;
use sordino::observe::Observer;
use sordino::observe::metrics::Metrics;
use sordino::pipeline::Mark;
use sordino::pipeline::Retry;
use sordino::pipeline::Witness;
use sordino::policy::Ground;
use sordino::query::Transport;
use sordino::querylog;
use sordino::querylog::Askers;
use sordino::querylog::QueryLog;
use sordino::resolve::Origin;
use sordino::resolve::Resolver;
use sordino::resolve::Settings;

use super::case::Case;

/// Speakers in a very large house.
const DEVICES: u8 = 255;

/// Returns a scrape of a house whose speakers asked for so many purposes, each
/// on so many grounds.
fn scrape(purposes: usize, grounds: usize) -> impl FnMut() {
    let metrics = Arc::new(Metrics::new().unwrap());
    let clock: Arc<dyn Clock> = Arc::new(ManualClock::at(1_010));
    let nowhere = std::env::temp_dir().join("sordino-scrape");
    let askers = Arc::clone(&metrics) as Arc<dyn Askers>;
    let log = QueryLog::start(&nowhere, askers, Arc::clone(&clock), || ()).unwrap();
    log.set(querylog::Settings::default()).unwrap();
    let observer =
        Observer::start(Arc::clone(&metrics), Arc::default(), Arc::default(), &log, Arc::clone(&clock))
            .unwrap();
    let loaded = load::load(&Options::default()).unwrap();
    // Two threads of the fast path.
    let tallies = [observer.tally(), observer.tally()];
    let speaker = loaded.house.devices.named("trial-echo", &loaded.house.catalog).unwrap();
    for number in 0..DEVICES {
        let device = Device { name: Arc::from(format!("speaker-{number}")), ..speaker.clone() };
        let page = observer.page(&device, &loaded.house);
        for purpose in Purpose::all().take(purposes) {
            for ground in 0..grounds {
                for (tally, blocked) in tallies.iter().zip([false, true]) {
                    let mark = Mark {
                        page,
                        logged: true,
                        purpose,
                        ground: u8::try_from(ground).unwrap(),
                        blocked,
                        held_back: false,
                        retry: Retry::No,
                        origin: Origin::Cache,
                        rcode: 0,
                        transport: Transport::Udp,
                    };
                    tally.served(&mark, 1_000, Duration::from_micros(40));
                }
            }
        }
    }
    let resolver = Resolver::new(&Settings::default()).unwrap();
    let now = ManualClock::at(1_010).now();
    move || {
        std::hint::black_box(metrics.render(&resolver.stats(), &[], &log.facts(), now));
    }
}

/// All cases.
pub(crate) fn cases() -> Vec<Case> {
    vec![
        Case::new("255 speakers, as they are", || scrape(8, 2)),
        Case::new("255 speakers that ask for everything on every ground", || scrape(20, Ground::WORDS.len())),
    ]
}
