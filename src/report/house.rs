//! All speakers below each other: for each hour a bar, which is as high as there
//! were look-ups (on a scale that grows tenfold) and parted by what for.

use super::Settings;
use super::axis;
use super::lane::Count;
use super::lane::Lane;
use super::lane::Lanes;
use super::span::GROUP;
use super::speaker::Speaker;
use super::svg;
use super::svg::Anchor;
use super::svg::SMALL;
use super::svg::Svg;
use super::svg::as_f64;
use super::svg::fit;
use super::svg::logarithm;

/// How high the label of a speaker is.
const LABEL: f64 = 17.0;

/// How high the highest bar is.
const BAR: f64 = 26.0;

/// The gap below it.
const GAP: f64 = 8.0;

/// Draws them.
pub(super) fn house(speakers: &[Speaker], settings: &Settings, width: f64) -> Svg {
    let words = settings.lang.words();
    let mut svg = Svg::new(width);
    let bottom = axis::TOP + as_f64(speakers.len() as u64) * (LABEL + BAR + GAP);
    axis::behind(&mut svg, bottom, settings);
    let groups = |speaker: &Speaker| -> Vec<Lanes> {
        speaker.slots.chunks(GROUP).map(|slots| slots.iter().copied().sum()).collect()
    };
    let most = speakers.iter().flat_map(groups).map(|lanes| lanes.total().all()).max().unwrap_or(0);
    let mut y = axis::TOP;
    for speaker in speakers {
        let sum = words.counted(speaker.lanes().total());
        let room = width - 8.0 - svg::width(&sum, SMALL);
        let name = fit(words.device(&speaker.name), SMALL, room);
        svg.text((2.0, y + 13.0), Anchor::Start, "small", &name);
        svg.text((width - 2.0, y + 13.0), Anchor::End, "small faint", &sum);
        y += LABEL + BAR;
        for (nth, lanes) in groups(speaker).iter().enumerate() {
            bar(&mut svg, (nth, y), lanes, most, settings);
        }
        svg.line(y + 0.5);
        y += GAP;
    }
    axis::below(&mut svg, bottom, settings);
    svg
}

/// Draws a bar that stands on `y`.
fn bar(svg: &mut Svg, (nth, y): (usize, f64), lanes: &Lanes, most: u64, settings: &Settings) {
    let total = lanes.total().all();
    if total == 0 {
        return;
    }
    let (span, words) = (&settings.span, settings.lang.words());
    let group = svg.width / as_f64((span.slots() / GROUP) as u64);
    let height = (BAR * logarithm(total) / logarithm(most).max(0.1)).max(4.0);
    let x = as_f64(nth as u64) * group;
    let mut top = y;
    for lane in Lane::ALL {
        let Count { reached, prevented } = lanes.get(lane);
        for (number, class) in
            [(reached, lane.class().to_owned()), (prevented, format!("no-{}", lane.class()))]
        {
            if number == 0 {
                continue;
            }
            let part = height * as_f64(number) / as_f64(total);
            top -= part;
            let about = format!(
                "{}, {}: {}",
                words.moment(&span.begin(nth * GROUP)),
                words.lane(lane),
                words.counted(lanes.get(lane))
            );
            svg.mark((x + 0.5, top), (group - 1.5, part.max(0.8)), &class, 1.0, &about);
        }
    }
}
