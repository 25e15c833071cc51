//! The sheet: all pictures in one, that stands alone.

use super::Settings;
use super::facts::Facts;
use super::flow::flow;
use super::house::house;
use super::lane::Lane;
use super::speaker::Speaker;
use super::storms::storms;
use super::stripe::stripe;
use super::style::STYLE;
use super::style::hatches;
use super::svg::Anchor;
use super::svg::SMALL;
use super::svg::Svg;
use super::svg::WIDE;
use super::svg::fit;
use super::svg::width;
use super::trend::trend;
use super::words::Words;

/// So many speakers are shown one by one.
const SPEAKERS: usize = 6;

/// The margin around.
const MARGIN: f64 = 24.0;

/// Text that is to be read.
const TEXT: f64 = 13.0;

/// Makes it.
pub(super) fn svg(facts: &Facts, settings: &Settings) -> String {
    let words = settings.lang.words();
    let mut all = Svg::new(WIDE);
    all.height = 24.0;
    all.text((0.0, 24.0), Anchor::Start, "title", words.title);
    all.height += 4.0;
    all.paragraph("faint", TEXT, &words.span(&settings.span));
    for note in words.notes(facts, settings) {
        all.paragraph("faint", TEXT, &note);
    }
    if !facts.speakers.is_empty() {
        all.height += 6.0;
        all.paragraph("", TEXT, &words.sum(facts));
        key(&mut all, words);
        of_house(&mut all, facts, settings);
    }
    let shown = if facts.speakers.len() > SPEAKERS { &[] } else { &facts.speakers[..] };
    for speaker in shown {
        of_speaker(&mut all, speaker, settings);
    }
    limits(&mut all, words);
    let mut framed = Svg::new(WIDE + 2.0 * MARGIN);
    framed.rect((0.0, 0.0), (framed.width, all.height + 2.0 * MARGIN), "paper");
    framed.below(&all, MARGIN, MARGIN);
    framed.height += MARGIN;
    framed.finish(words.title, &words.sum(facts), &format!("<style>{STYLE}</style>{}", hatches()))
}

/// Draws what there is of the whole house.
fn of_house(all: &mut Svg, facts: &Facts, settings: &Settings) {
    let words = settings.lang.words();
    if facts.speakers.len() > 1 {
        headed(all, words.house, words.house_about, &house(&facts.speakers, settings, WIDE));
    }
    headed(all, words.flow, words.flow_about, &flow(&facts.flows, settings, WIDE));
    if facts.speakers.len() > SPEAKERS {
        all.height += 10.0;
        all.paragraph("faint", TEXT, words.one_by_one);
    }
}

/// Draws what colours and hatches mean.
fn key(all: &mut Svg, words: &Words) {
    let lanes = Lane::ALL.map(|lane| (lane.class(), words.lane(lane)));
    all.height += 18.0;
    let mut x = 0.0;
    for (class, word) in lanes.into_iter().chain([("no-tracking", words.prevented)]) {
        let long = 16.0 + width(word, SMALL);
        if x + long > all.width {
            all.height += 18.0;
            x = 0.0;
        }
        all.rect((x, all.height - 10.0), (11.0, 11.0), class);
        all.text((x + 16.0, all.height), Anchor::Start, "small faint", word);
        x += long + 14.0;
    }
}

/// Draws what there is of a speaker.
fn of_speaker(all: &mut Svg, speaker: &Speaker, settings: &Settings) {
    let words = settings.lang.words();
    all.height += 30.0;
    all.line(all.height);
    all.height += 28.0;
    let name = fit(words.device(&speaker.name), 22.0, WIDE);
    all.text((0.0, all.height), Anchor::Start, "title", &name);
    all.height += 4.0;
    all.paragraph("", TEXT, &words.of_speaker(speaker));
    let picture = stripe(speaker, settings, WIDE);
    headed(all, words.stripe(&settings.span), words.stripe_about, &picture);
    if let Some(turn) = &speaker.turn {
        let about = words.trend_about(&settings.span.zoned(turn.unix));
        headed(all, words.trend, &about, &trend(turn, settings, WIDE));
    }
    if !speaker.storms.is_empty() {
        headed(all, words.storms, words.storms_about, &storms(speaker, settings, WIDE));
    }
}

/// Draws what DNS can't stop.
fn limits(all: &mut Svg, words: &Words) {
    let mut inside = Svg::new(WIDE - 32.0);
    inside.height = 20.0;
    inside.text((0.0, 20.0), Anchor::Start, "head", words.limits);
    for (what, why) in words.limits_list {
        inside.height += 5.0;
        inside.paragraph("", TEXT, &format!("{what} {why}"));
    }
    all.height += 30.0;
    let size = (WIDE, inside.height + 24.0);
    all.rect((0.0, all.height), size, "card");
    all.rect((0.0, all.height), (4.0, size.1), "tracking");
    all.below(&inside, 18.0, 8.0);
    all.height += 22.0;
    all.paragraph("faint", SMALL, words.footer);
}

/// Adds a picture with its heading.
fn headed(all: &mut Svg, title: &str, about: &str, picture: &Svg) {
    all.height += 32.0;
    all.text((0.0, all.height), Anchor::Start, "head", title);
    all.height += 2.0;
    all.paragraph("faint", SMALL, about);
    all.below(picture, 0.0, 10.0);
}
