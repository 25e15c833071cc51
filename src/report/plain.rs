//! The report as text.

use std::fmt::Write;

use super::Settings;
use super::facts::Facts;
use super::lane::Lane;
use super::lane::Lanes;
use super::span::GROUP;
use super::speaker::Speaker;
use super::svg::plain;
use super::tables;
use super::tables::Table;

/// How wide running text is.
const WIDTH: usize = 78;

/// How wide a column may be.
const COLUMN: usize = 36;

/// Writes it.
pub(super) fn text(facts: &Facts, settings: &Settings) -> String {
    let words = settings.lang.words();
    let mut out = format!("{}\n{}\n", words.title, words.span(&settings.span));
    for note in words.notes(facts, settings) {
        out.push('\n');
        wrapped(&mut out, "", &note);
    }
    if !facts.speakers.is_empty() {
        out.push('\n');
        wrapped(&mut out, "", &words.sum(facts));
        wrapped(&mut out, "", &words.signs(&settings.span));
        for speaker in &facts.speakers {
            of_speaker(&mut out, speaker, settings);
        }
        let _ = writeln!(out, "\n{}", words.flow);
        aligned(&mut out, &tables::flow(facts, settings));
    }
    let _ = writeln!(out, "\n{}", words.limits);
    for (what, why) in words.limits_list {
        wrapped(&mut out, "  ", &format!("{what} {why}"));
    }
    out.push('\n');
    wrapped(&mut out, "", words.footer);
    // Names are written by strangers, and this is for a terminal.
    out.chars().map(|c| if c == '\n' { c } else { plain(c) }).collect()
}

/// Writes what there is of a speaker.
fn of_speaker(out: &mut String, speaker: &Speaker, settings: &Settings) {
    let words = settings.lang.words();
    let _ = writeln!(out, "\n{}\n  {}", words.device(&speaker.name), words.of_speaker(speaker));
    let groups: Vec<Lanes> = speaker.slots.chunks(GROUP).map(|slots| slots.iter().copied().sum()).collect();
    let begin = words.moment(&settings.span.begin(0));
    let end = words.moment(&settings.span.zoned(settings.span.until()));
    let gap = (groups.len() + 2).saturating_sub(begin.chars().count() + end.chars().count()).max(1);
    let _ = writeln!(out, "  {:<28}{begin}{}{end}", "", " ".repeat(gap));
    for lane in Lane::ALL {
        let signs = groups.iter().map(|lanes| match lanes.get(lane) {
            count if count.prevented > 0 => 'x',
            count if count.reached > 0 => '#',
            _ => '.',
        });
        let signs: String = signs.collect();
        let sum = words.counted(speaker.lanes().get(lane));
        let _ = writeln!(out, "  {:<26}  {signs}  {sum}", words.lane(lane));
    }
    if let Some(turn) = &speaker.turn {
        let _ = writeln!(out, "\n  {}", words.trend);
        wrapped(out, "  ", &words.trend_about(&settings.span.zoned(turn.unix)));
        aligned(out, &tables::trend(turn, settings));
    }
    if !speaker.storms.is_empty() {
        let _ = writeln!(out, "\n  {}", words.storms);
        aligned(out, &tables::storms(speaker, settings));
    }
}

/// Writes a table; numbers to the right.
fn aligned(out: &mut String, table: &Table) {
    let lines: Vec<_> = std::iter::once(&table.heads).chain(&table.lines).collect();
    let wide = |nth: usize| {
        let cells = lines.iter().filter_map(|line| line.get(nth));
        cells.map(|cell| cut(cell).chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..table.heads.len()).map(wide).collect();
    for line in lines {
        let mut text = String::new();
        for ((nth, cell), width) in line.iter().enumerate().zip(&widths) {
            let cell = cut(cell);
            let _ = if table.counts(nth) {
                write!(text, "  {cell:>width$}")
            } else {
                write!(text, "  {cell:<width$}")
            };
        }
        let _ = writeln!(out, "{}", text.trim_end());
    }
}

/// Returns a text of at most [`COLUMN`] characters; of a longer one the middle is
/// left out.
fn cut(text: &str) -> String {
    let count = text.chars().count();
    if count <= COLUMN {
        return text.to_owned();
    }
    let half = (COLUMN - 1) / 2;
    let head = text.chars().take(half);
    head.chain(['…']).chain(text.chars().skip(count - half)).collect()
}

/// Writes running text in lines.
fn wrapped(out: &mut String, indent: &str, text: &str) {
    let mut long = 0;
    for word in text.split(' ') {
        let length = word.chars().count();
        if long > 0 && long + 1 + length > WIDTH {
            out.push('\n');
            long = 0;
        }
        let before = if long == 0 { indent } else { " " };
        out.extend([before, word]);
        long += before.chars().count() + length;
    }
    out.push('\n');
}
