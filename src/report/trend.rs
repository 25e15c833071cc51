//! Before and since a change of policy: look-ups an hour, lane by lane.

use super::Settings;
use super::lane::Lane;
use super::speaker::Part;
use super::speaker::Turn;
use super::svg::Anchor;
use super::svg::Svg;
use super::svg::as_f64;

/// How high the label of a lane is.
const LABEL: f64 = 17.0;

/// How high a bar is.
const BAR: f64 = 11.0;

/// The gap below the two bars of a lane.
const GAP: f64 = 8.0;

/// Look-ups an hour.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Rate {
    /// That were answered.
    pub(super) reached: f64,
    /// That were prevented.
    pub(super) prevented: f64,
}

/// Returns the look-ups of a lane, an hour.
pub(super) fn rate(part: &Part, lane: Lane) -> Rate {
    let count = part.lanes.get(lane);
    let hours = part.hours.max(0.01);
    Rate { reached: as_f64(count.reached) / hours, prevented: as_f64(count.prevented) / hours }
}

/// Draws two bars for each lane: before above, since below.
pub(super) fn trend(turn: &Turn, settings: &Settings, width: f64) -> Svg {
    let words = settings.lang.words();
    let mut svg = Svg::new(width);
    let all = |part: &Part, lane| {
        let rate = rate(part, lane);
        rate.reached + rate.prevented
    };
    let rates = Lane::ALL.into_iter().flat_map(|lane| [all(&turn.before, lane), all(&turn.since, lane)]);
    let most = rates.fold(0.1, f64::max);
    // Bars leave room for their words.
    let room = width - 66.0;
    let mut y = 0.0;
    for lane in Lane::ALL {
        let (before, since) = (rate(&turn.before, lane), rate(&turn.since, lane));
        if all(&turn.before, lane) + all(&turn.since, lane) <= 0.0 {
            continue;
        }
        svg.text((0.0, y + 13.0), Anchor::Start, "small", words.lane(lane));
        let numbers = words.change(before.reached, since.reached);
        svg.text((width, y + 13.0), Anchor::End, "small faint", &numbers);
        y += LABEL;
        for (head, rate) in [(words.before, before), (words.since, since)] {
            svg.text((0.0, y + 9.5), Anchor::Start, "small faint", head);
            let mut x = 66.0;
            for (number, class, word) in [
                (rate.reached, lane.class().to_owned(), words.reached),
                (rate.prevented, format!("no-{}", lane.class()), words.prevented),
            ] {
                if number > 0.0 {
                    let about = format!(
                        "{head}, {}: {} {}, {word}",
                        words.lane(lane),
                        words.rate(number),
                        words.an_hour
                    );
                    let long = (room * number / most).max(1.5);
                    svg.mark((x, y), (long, BAR), &class, 1.0, &about);
                    x += long + 1.0;
                }
            }
            y += BAR + 2.0;
        }
        y += GAP;
    }
    svg.height = y;
    svg
}
