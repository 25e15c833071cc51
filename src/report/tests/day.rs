//! Days that are made up, the same each time.

use super::HOUSEHOLD;
use super::NOW;
use crate::querylog::Row;

/// A day in the making.
pub(super) struct Day {
    rows: Vec<Row>,
    /// A generator of numbers.
    state: u64,
}

/// Who asks what, and whether that is blocked.
#[derive(Clone, Copy)]
struct Asking<'a>(&'a str, &'a str, &'a str, bool);

impl Day {
    /// Two speakers: one was only watched at first and keeps asking since, the
    /// other has always been under a policy.
    pub(super) fn usual() -> Vec<Row> {
        let mut day = Self { rows: Vec::new(), state: 42 };
        let echo = |name, purpose, blocked| Asking("kitchen", name, purpose, blocked);
        for hours in [(24, 17), (9, 0)] {
            day.ask(echo("avs-alexa-14-eu.amazon.com", "voice", false), hours, 900);
            day.ask(echo("api.amazonalexa.com", "voice", false), hours, 1_500);
            day.ask(echo("audio-sp-ak.spotify.com", "media", false), hours, 2_400);
        }
        day.ask(echo("ntp-fireos.com", "time", false), (24, 0), 3_600);
        day.ask(echo("softwareupdates.amazon.com", "update", false), (13, 12), 900);
        day.ask(echo("d3p8zr0ffa9t17.cloudfront.net", "unknown", false), (24, 0), 9_000);
        day.ask(echo("device-metrics-us.amazon.com", "analytics", false), (24, 15), 900);
        day.again(echo("device-metrics-us.amazon.com", "analytics", true), (15, 0), 400);
        day.ask(echo("aax-eu.amazon-adsystem.com", "advertising", false), (24, 15), 5_000);
        day.ask(echo("aax-eu.amazon-adsystem.com", "advertising", true), (15, 0), 4_000);
        let sonos = |name, purpose, blocked| Asking("living-room", name, purpose, blocked);
        let connection = "conn-i-0a1b2c3d.eu-west-1.lechmere.prod.ws.sonos.com";
        day.ask(sonos(connection, "push", false), (24, 0), 5_400);
        day.ask(sonos("opml.radiotime.com", "media", false), (20, 16), 700);
        day.ask(sonos("opml.radiotime.com", "media", false), (5, 1), 700);
        day.ask(sonos("0.sonostime.pool.ntp.org", "time", false), (24, 0), 7_200);
        day.ask(sonos("msmetrics.ws.sonos.com", "analytics", true), (24, 0), 1_800);
        day.ask(sonos("crashes.sonos.com", "diagnostics", true), (10, 9), 1_200);
        day.ask(sonos("printer.local", "unknown", false), (3, 2), 900);
        day.ask(Asking(HOUSEHOLD, "www.example.com", "unknown", false), (24, 0), 900);
        day.rows
    }

    /// Forty speakers with long names that never rest.
    pub(super) fn full() -> Vec<Row> {
        let mut day = Self { rows: Vec::new(), state: 42 };
        for nth in 0..40 {
            let device = format!("a-speaker-with-a-long-name-no-{nth:02}");
            let long = format!("{}.company-with-a-long-name-{nth}.example.com", "x".repeat(60));
            day.ask(Asking(&device, "avs-alexa-14-eu.amazon.com", "voice", false), (24, 0), 300 + nth * 100);
            day.ask(Asking(&device, &long, "media", false), (24, 0), 900);
            day.again(
                Asking(&device, &format!("metrics.company-{nth}.com"), "analytics", true),
                (24, 0),
                400,
            );
            day.ask(
                Asking(&device, &format!("ads.company-{}.com", nth / 2), "advertising", true),
                (24, 0),
                2_000,
            );
            for purpose in crate::catalog::Purpose::all() {
                let name = format!("{purpose}.amazon.com");
                day.ask(Asking(&device, &name, purpose.as_str(), false), (24, 0), 20_000);
            }
        }
        day.rows
    }

    /// Adds queries between so many hours ago and so many, about every `every`
    /// seconds.
    fn ask(&mut self, asking: Asking<'_>, hours: (i64, i64), every: i64) {
        self.add(asking, hours, every, false);
    }

    /// Adds queries that ask again for what was blocked.
    fn again(&mut self, asking: Asking<'_>, hours: (i64, i64), every: i64) {
        self.add(asking, hours, every, true);
    }

    /// Adds queries.
    fn add(&mut self, asking: Asking<'_>, (from, to): (i64, i64), every: i64, again: bool) {
        let Asking(device, name, purpose, blocked) = asking;
        let mut unix = NOW - from * 3_600 + self.below(every);
        while unix < NOW - to * 3_600 {
            let times = if again { 1 + u32::try_from(self.below(3)).unwrap() } else { 1 };
            self.rows.push(Row {
                unix,
                device: device.to_owned(),
                family: if device == HOUSEHOLD { String::new() } else { "made-up".to_owned() },
                name: name.to_owned(),
                origin: if name == "printer.local" { "local".to_owned() } else { String::new() },
                qtype: 1,
                purpose: purpose.to_owned(),
                blocked,
                times,
                again: if again { times } else { 0 },
                ..Row::default()
            });
            unix += every / 2 + self.below(every);
        }
    }

    /// Returns a number below another.
    fn below(&mut self, end: i64) -> i64 {
        self.state =
            self.state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        i64::try_from(self.state >> 33).unwrap() % end
    }
}
