//! The day of a speaker, quarter by quarter: a stripe for each lane, with the
//! night behind them.

use super::Settings;
use super::axis;
use super::lane::Count;
use super::lane::Lane;
use super::speaker::Speaker;
use super::svg::Anchor;
use super::svg::Svg;
use super::svg::as_f64;
use super::svg::logarithm;

/// How high the label of a lane is.
const LABEL: f64 = 17.0;

/// How high a stripe is.
const STRIPE: f64 = 20.0;

/// The gap below it.
const GAP: f64 = 7.0;

/// Draws it.
pub(super) fn stripe(speaker: &Speaker, settings: &Settings, width: f64) -> Svg {
    let words = settings.lang.words();
    let mut svg = Svg::new(width);
    let lanes = speaker.lanes();
    let shown = Lane::ALL.into_iter().filter(|lane| *lane != Lane::Unknown || lanes.get(*lane).all() > 0);
    let shown: Vec<_> = shown.collect();
    let bottom = axis::TOP + as_f64(shown.len() as u64) * (LABEL + STRIPE + GAP);
    axis::behind(&mut svg, bottom, settings);
    let counts = || speaker.slots.iter().flat_map(|slot| Lane::ALL.map(|lane| slot.get(lane).all()));
    let most = counts().max().unwrap_or(0);
    let mut y = axis::TOP;
    for lane in shown {
        svg.text((2.0, y + 13.0), Anchor::Start, "small", words.lane(lane));
        let sum = words.counted(lanes.get(lane));
        svg.text((width - 2.0, y + 13.0), Anchor::End, "small faint", &sum);
        y += LABEL;
        for (nth, slot) in speaker.slots.iter().enumerate() {
            mark(&mut svg, (nth, y), lane, slot.get(lane), most, settings);
        }
        svg.line(y + STRIPE + 0.5);
        y += STRIPE + GAP;
    }
    axis::below(&mut svg, bottom, settings);
    svg
}

/// Draws a slot: what was answered above, what was prevented below.
fn mark(svg: &mut Svg, (nth, y): (usize, f64), lane: Lane, count: Count, most: u64, settings: &Settings) {
    if count.all() == 0 {
        return;
    }
    let (span, words) = (&settings.span, settings.lang.words());
    let slot = svg.width / as_f64(span.slots() as u64);
    let x = as_f64(nth as u64) * slot;
    let share = as_f64(count.prevented) / as_f64(count.all());
    // Neither part is too thin to be seen.
    let prevented = match (count.reached, count.prevented) {
        (0, _) => STRIPE,
        (_, 0) => 0.0,
        _ => (STRIPE * share).clamp(5.0, STRIPE - 5.0),
    };
    let opacity = 0.5 + 0.5 * logarithm(count.all()) / logarithm(most).max(0.1);
    let about = format!("{}, {}: {}", words.moment(&span.begin(nth)), words.lane(lane), words.counted(count));
    let width = (slot - 0.7).max(1.0);
    if count.reached > 0 {
        svg.mark((x, y), (width, STRIPE - prevented), lane.class(), opacity, &about);
    }
    if count.prevented > 0 {
        let class = format!("no-{}", lane.class());
        svg.mark((x, y + STRIPE - prevented), (width, prevented), &class, 1.0, &about);
    }
}
