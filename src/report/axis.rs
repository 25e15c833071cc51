//! What pictures along the time share: nights, hours, and where there is no log.

use super::Settings;
use super::svg::Anchor;
use super::svg::Svg;

/// The room above for the word "night".
pub(super) const TOP: f64 = 16.0;

/// The room below for the hours.
const BOTTOM: f64 = 18.0;

/// Draws what lies behind everything else, down to `bottom`.
pub(super) fn behind(svg: &mut Svg, bottom: f64, settings: &Settings) {
    let (span, words) = (&settings.span, settings.lang.words());
    let width = svg.width;
    let begins = settings.begins.map_or(1.0, |begins| span.place(begins)) * width;
    for (begin, end) in span.nights() {
        let (begin, end) = (begin * width, end * width);
        svg.rect((begin, 0.0), (end - begin, bottom), "night");
        let middle = f64::midpoint(begin, end);
        if span.is_a_day() && end - begin > 60.0 && middle - 30.0 > begins {
            svg.text((middle, 12.0), Anchor::Middle, "small faint", words.night);
        }
    }
    if begins > 2.0 {
        svg.rect((0.0, 0.0), (begins, bottom), "nothing");
        if begins > 90.0 {
            svg.text((2.0, 12.0), Anchor::Start, "small faint on", words.no_log);
        }
    }
}

/// Writes hours or dates below the picture.
pub(super) fn below(svg: &mut Svg, bottom: f64, settings: &Settings) {
    let words = settings.lang.words();
    for (place, label) in settings.span.ticks(|day| words.date(day)) {
        let x = place * svg.width;
        svg.upright(x.clamp(0.5, svg.width - 0.5), (bottom, bottom + 4.0), "line");
        let anchor = match x {
            x if x < 14.0 => Anchor::Start,
            x if x > svg.width - 14.0 => Anchor::End,
            _ => Anchor::Middle,
        };
        svg.text((x, bottom + 15.0), anchor, "small faint", &label);
    }
    svg.height = bottom + BOTTOM;
}
