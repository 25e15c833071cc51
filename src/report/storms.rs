//! Names that a speaker asks for again and again: a bar for each hour, on a scale
//! that grows tenfold.

use super::Settings;
use super::axis;
use super::span::GROUP;
use super::speaker::Speaker;
use super::speaker::Storm;
use super::svg::Anchor;
use super::svg::SMALL;
use super::svg::Svg;
use super::svg::as_f64;
use super::svg::fit;
use super::svg::logarithm;

/// How high the two lines above the bars are.
const LABEL: f64 = 36.0;

/// How high the highest bar is.
const BAR: f64 = 34.0;

/// The gap below it.
const GAP: f64 = 8.0;

/// Draws them.
pub(super) fn storms(speaker: &Speaker, settings: &Settings, width: f64) -> Svg {
    let words = settings.lang.words();
    let mut svg = Svg::new(width);
    let bottom = axis::TOP + as_f64(speaker.storms.len() as u64) * (LABEL + BAR + GAP);
    axis::behind(&mut svg, bottom, settings);
    let groups = || speaker.storms.iter().flat_map(|storm| &storm.groups);
    let most = groups().map(|count| count.all()).max().unwrap_or(0);
    let mut y = axis::TOP;
    for storm in &speaker.storms {
        svg.text((2.0, y + 13.0), Anchor::Start, "small", &fit(&storm.name, SMALL, width - 4.0));
        svg.text(
            (2.0, y + 28.0),
            Anchor::Start,
            "small faint",
            &words.storm(storm.again, peak(storm), &settings.span),
        );
        y += LABEL + BAR;
        bars(&mut svg, y, storm, most, settings);
        svg.line(y + 0.5);
        y += GAP;
    }
    axis::below(&mut svg, bottom, settings);
    svg
}

/// Draws the bars of a name, which stand on `y`.
fn bars(svg: &mut Svg, y: f64, storm: &Storm, most: u64, settings: &Settings) {
    let (span, words) = (&settings.span, settings.lang.words());
    let group = svg.width / as_f64(storm.groups.len() as u64);
    for (nth, count) in storm.groups.iter().enumerate().filter(|(_, count)| count.all() > 0) {
        let height = (BAR * logarithm(count.all()) / logarithm(most).max(0.1)).max(3.0);
        let prevented = height * as_f64(count.prevented) / as_f64(count.all());
        let x = as_f64(nth as u64) * group + 0.5;
        let about = format!("{}: {}", words.moment(&span.begin(nth * GROUP)), words.counted(*count));
        if count.prevented > 0 {
            let class = format!("no-{}", storm.lane.class());
            svg.mark((x, y - prevented), (group - 1.5, prevented), &class, 1.0, &about);
        }
        if count.reached > 0 {
            svg.mark((x, y - height), (group - 1.5, height - prevented), storm.lane.class(), 1.0, &about);
        }
    }
}

/// Returns the most queries of an hour.
pub(super) fn peak(storm: &Storm) -> u64 {
    storm.groups.iter().map(|count| count.all()).max().unwrap_or(0)
}
