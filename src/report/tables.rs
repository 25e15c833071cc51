//! What pictures show, as tables: for whoever can't see them or wants numbers.

use std::fmt::Write;

use super::Settings;
use super::facts::Facts;
use super::lane::Count;
use super::lane::Lane;
use super::lane::Lanes;
use super::span::GROUP;
use super::speaker::Speaker;
use super::speaker::Turn;
use super::storms;
use super::svg::Escaped;
use super::trend;

/// A table.
pub(super) struct Table {
    /// What it is called.
    caption: String,
    /// The heads of its columns.
    pub(super) heads: Vec<String>,
    /// Its lines; the first cell is the head of the line.
    pub(super) lines: Vec<Vec<String>>,
}

impl Table {
    /// Returns whether there are numbers in a column.
    pub(super) fn counts(&self, nth: usize) -> bool {
        let number = |cell: &String| cell.starts_with(|c: char| c.is_ascii_digit() || c == '–');
        nth > 0 && self.lines.iter().filter_map(|line| line.get(nth)).all(number)
    }

    /// Writes it as HTML: in a part of its own, which can be moved sideways with keys
    /// where the screen is too narrow.
    pub(super) fn html(&self) -> String {
        let caption = Escaped(&self.caption);
        let mut out = format!(
            "<div class=\"table\" role=\"region\" tabindex=\"0\" aria-label=\"{caption}\"><table>\
             <caption><span>{caption}</span></caption><thead><tr>"
        );
        let class = |nth| if self.counts(nth) { " class=\"count\"" } else { "" };
        for (nth, head) in self.heads.iter().enumerate() {
            let _ = write!(out, "<th scope=\"col\"{}>{}</th>", class(nth), Escaped(head));
        }
        out.push_str("</tr></thead><tbody>");
        for line in &self.lines {
            out.push_str("<tr>");
            for (nth, cell) in line.iter().enumerate() {
                let _ = if nth == 0 {
                    write!(out, "<th scope=\"row\">{}</th>", Escaped(cell))
                } else {
                    write!(out, "<td{}>{}</td>", class(nth), Escaped(cell))
                };
            }
            out.push_str("</tr>");
        }
        out.push_str("</tbody></table></div>");
        out
    }
}

/// All speakers.
pub(super) fn house(facts: &Facts, settings: &Settings) -> Table {
    let words = settings.lang.words();
    let lines = facts.speakers.iter().map(|speaker| {
        let total = speaker.lanes().total();
        let numbers = [total.reached, total.prevented, speaker.night.all()];
        line(words.device(&speaker.name), numbers.map(|number| words.number(number)))
    });
    Table {
        caption: words.house.to_owned(),
        heads: heads([words.speaker, words.reached, words.prevented, words.at_night]),
        lines: lines.collect(),
    }
}

/// The day of a speaker, hour by hour.
pub(super) fn day(speaker: &Speaker, settings: &Settings) -> Table {
    let words = settings.lang.words();
    let lines = speaker.slots.chunks(GROUP).enumerate().map(|(nth, slots)| {
        let lanes: Lanes = slots.iter().copied().sum();
        let cells = Lane::ALL.map(|lane| match lanes.get(lane) {
            Count { reached: 0, prevented: 0 } => "–".to_owned(),
            Count { reached, prevented: 0 } => words.number(reached),
            count => words.counted(count),
        });
        line(&words.moment(&settings.span.begin(nth * GROUP)), cells)
    });
    let mut heads = heads([words.time]);
    heads.extend(Lane::ALL.map(|lane| words.lane(lane).to_owned()));
    Table {
        caption: format!("{}: {}", words.device(&speaker.name), words.stripe(&settings.span)),
        heads,
        lines: lines.collect(),
    }
}

/// Who talks to whom, and what about.
pub(super) fn flow(facts: &Facts, settings: &Settings) -> Table {
    let words = settings.lang.words();
    let lines = facts.flows.iter().map(|((who, whom, purpose), count)| {
        let rest = [
            words.apart(whom, false),
            words.purpose(*purpose).to_owned(),
            words.number(count.reached),
            words.number(count.prevented),
        ];
        line(&words.apart(who, true), rest)
    });
    Table {
        caption: words.flow.to_owned(),
        heads: heads([words.speaker, words.company, words.purpose, words.reached, words.prevented]),
        lines: lines.collect(),
    }
}

/// Before and since.
pub(super) fn trend(turn: &Turn, settings: &Settings) -> Table {
    let words = settings.lang.words();
    let lines = Lane::ALL.into_iter().map(|lane| {
        let (before, since) = (trend::rate(&turn.before, lane), trend::rate(&turn.since, lane));
        let numbers = [before.reached, before.prevented, since.reached, since.prevented];
        line(words.lane(lane), numbers.map(|number| words.rate(number)))
    });
    let head = |when: &str, what: &str| format!("{when}, {what}");
    Table {
        caption: format!("{}: {}", words.trend, words.an_hour),
        heads: vec![
            words.purpose.to_owned(),
            head(words.before, words.reached),
            head(words.before, words.prevented),
            head(words.since, words.reached),
            head(words.since, words.prevented),
        ],
        lines: lines.collect(),
    }
}

/// Names that are asked for again and again.
pub(super) fn storms(speaker: &Speaker, settings: &Settings) -> Table {
    let words = settings.lang.words();
    let lines = speaker.storms.iter().map(|storm| {
        let total: Count = storm.groups.iter().copied().sum();
        let numbers = [total.reached, total.prevented, storm.again, storms::peak(storm)];
        line(&storm.name, numbers.map(|number| words.number(number)))
    });
    Table {
        caption: words.storms.to_owned(),
        heads: heads([words.name, words.reached, words.prevented, words.again, &words.peak(&settings.span)]),
        lines: lines.collect(),
    }
}

/// Makes a line.
fn line<const N: usize>(head: &str, cells: [String; N]) -> Vec<String> {
    std::iter::once(head.to_owned()).chain(cells).collect()
}

/// Makes heads.
fn heads<const N: usize>(words: [&str; N]) -> Vec<String> {
    words.map(str::to_owned).to_vec()
}
