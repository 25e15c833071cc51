//! The page: one file without anything from elsewhere, with each picture for wide
//! screens and for phones, and its table.

use std::fmt::Write;

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
use super::svg::Escaped;
use super::svg::NARROW;
use super::svg::Svg;
use super::svg::WIDE;
use super::tables;
use super::tables::Table;
use super::trend::trend;
use super::words::Words;

/// So many speakers are shown unfolded.
const OPEN: usize = 3;

/// The level of headings that are about the whole house.
const OF_HOUSE: u8 = 2;

/// The level of headings below the name of a speaker.
const OF_SPEAKER: u8 = 3;

/// What the page looks like around its pictures.
const PAGE_STYLE: &str = "\
body{margin:0;background:var(--paper);color:var(--ink);\
font:16px/1.5 system-ui,-apple-system,'Segoe UI','DejaVu Sans',sans-serif}\
main{max-width:760px;margin:0 auto;padding:20px 16px 48px}\
h1{font-size:1.7rem;line-height:1.2;margin:0 0 .2em}h2{font-size:1.35rem;line-height:1.25;margin:2em 0 .3em;\
overflow-wrap:anywhere}h3{font-size:1.05rem;margin:1.6em 0 .2em}p{margin:.3em 0 .8em}\
.faint{color:var(--faint)}.sum{font-size:1.15rem}.about{color:var(--faint);font-size:.92rem;max-width:66ch}\
.picture svg{display:block;width:100%;height:auto}.narrow{display:none}\
@media(max-width:640px){.wide{display:none}.narrow{display:block}h1{font-size:1.45rem}}\
.key{display:flex;flex-wrap:wrap;gap:4px 18px;font-size:.85rem;color:var(--faint);margin:.6em 0;padding:0;\
list-style:none}.key li{display:flex;align-items:center;gap:6px}.key svg{width:14px;height:14px}\
details{margin:.5em 0 1em}summary{cursor:pointer;color:var(--faint);font-size:.9rem}\
details.speaker>summary{padding:.35em 0;border-bottom:1px solid var(--line)}\
details.speaker>summary h2{display:inline;font-size:1.1rem;color:var(--ink)}\
details.speaker>summary span{display:block}\
.table{overflow-x:auto}.table:focus-visible{outline:2px solid var(--function)}table{border-collapse:separate;border-spacing:0;font-size:.85rem;margin:.6em 0;width:100%}\
caption{text-align:left;font-weight:600;padding:.2em 0}\
caption span{display:inline-block;position:sticky;left:0;max-width:calc(100vw - 32px)}td{white-space:nowrap}\
th,td{border-bottom:1px solid var(--line);padding:3px 12px 3px 0;text-align:left;vertical-align:top}thead th{vertical-align:bottom}\
th{font-weight:500}tbody th{overflow-wrap:anywhere;min-width:8.5em;position:sticky;left:0;\
background:var(--paper)}\
.count{text-align:right;font-variant-numeric:tabular-nums}.count:last-child{padding-right:0}\
aside{background:var(--card);border-left:4px solid var(--tracking);border-radius:6px;\
padding:2px 18px 10px;margin:2.4em 0 1.6em}aside h2{margin-top:.8em}dt{font-weight:600}dd{margin:0 0 .7em}\
footer{color:var(--faint);font-size:.85rem}code{font-size:.9em}";

/// Makes the page.
pub(super) fn html(facts: &Facts, settings: &Settings) -> String {
    let words = settings.lang.words();
    let title = Escaped(words.title);
    let mut out = format!(
        "<!doctype html>\n<html lang=\"{}\"><head><meta charset=\"utf-8\">\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <meta name=\"color-scheme\" content=\"light dark\"><title>{title}</title>\
         <style>{STYLE}{PAGE_STYLE}</style></head><body>\
         <svg width=\"0\" height=\"0\" style=\"position:absolute\" aria-hidden=\"true\">{}</svg>\
         <main><h1>{title}</h1>\n<p class=\"faint\">{}</p>\n",
        words.code,
        hatches(),
        Escaped(&words.span(&settings.span)),
    );
    for note in words.notes(facts, settings) {
        let _ = writeln!(out, "<p class=\"about\">{}</p>", Escaped(&note));
    }
    if !facts.speakers.is_empty() {
        let _ = writeln!(out, "<p class=\"sum\">{}</p>", Escaped(&words.sum(facts)));
        of_house(&mut out, facts, settings);
        for speaker in &facts.speakers {
            of_speaker(&mut out, speaker, facts.speakers.len() <= OPEN, settings);
        }
    }
    let _ = write!(out, "<aside><h2>{}</h2><dl>", Escaped(words.limits));
    for (what, why) in words.limits_list {
        let _ = write!(out, "<dt>{}</dt><dd>{}</dd>", Escaped(what), Escaped(why));
    }
    let _ = writeln!(out, "</dl></aside>\n<footer>{}</footer></main></body></html>", Escaped(words.footer));
    out
}

/// Writes what there is of the whole house.
fn of_house(out: &mut String, facts: &Facts, settings: &Settings) {
    let words = settings.lang.words();
    key(out, words);
    if facts.speakers.len() > 1 {
        let picture = |width| house(&facts.speakers, settings, width);
        let table = tables::house(facts, settings);
        section(out, (OF_HOUSE, words.house, words.house_about), picture, &table, words);
    }
    let picture = |width| flow(&facts.flows, settings, width);
    let table = tables::flow(facts, settings);
    section(out, (OF_HOUSE, words.flow, words.flow_about), picture, &table, words);
}

/// Writes what colours and hatches mean.
fn key(out: &mut String, words: &Words) {
    out.push_str("<ul class=\"key\">");
    let mut item = |class: &str, word: &str| {
        let _ = write!(
            out,
            "<li><svg viewBox=\"0 0 14 14\" aria-hidden=\"true\"><rect width=\"14\" height=\"14\" rx=\"2\" \
             class=\"{class}\"/></svg>{}</li>",
            Escaped(word)
        );
    };
    for lane in Lane::ALL {
        item(lane.class(), words.lane(lane));
    }
    item("no-tracking", words.prevented);
    out.push_str("</ul>");
}

/// Writes what there is of a speaker.
fn of_speaker(out: &mut String, speaker: &Speaker, open: bool, settings: &Settings) {
    let words = settings.lang.words();
    let (name, sum) = (words.device(&speaker.name), words.of_speaker(speaker));
    let _ = if open {
        write!(out, "\n<section><h2>{}</h2><p>{}</p>", Escaped(name), Escaped(&sum))
    } else {
        let (name, sum) = (Escaped(name), Escaped(&sum));
        write!(out, "\n<details class=\"speaker\"><summary><h2>{name}</h2><span>{sum}</span></summary>")
    };
    let (title, about) = (words.stripe(&settings.span), words.stripe_about);
    let picture = |width| stripe(speaker, settings, width);
    section(out, (OF_SPEAKER, title, about), picture, &tables::day(speaker, settings), words);
    if let Some(turn) = &speaker.turn {
        let about = words.trend_about(&settings.span.zoned(turn.unix));
        let picture = |width| trend(turn, settings, width);
        section(out, (OF_SPEAKER, words.trend, &about), picture, &tables::trend(turn, settings), words);
    } else {
        remark(out, OF_SPEAKER, words.trend, words.trend_none);
    }
    if speaker.storms.is_empty() {
        remark(out, OF_SPEAKER, words.storms, words.storms_none);
    } else {
        let picture = |width| storms(speaker, settings, width);
        let table = tables::storms(speaker, settings);
        section(out, (OF_SPEAKER, words.storms, words.storms_about), picture, &table, words);
    }
    out.push_str(if open { "</section>" } else { "</details>" });
}

/// Writes a heading below which there is no picture.
fn remark(out: &mut String, level: u8, title: &str, about: &str) {
    let title = Escaped(title);
    let _ = write!(out, "<h{level}>{title}</h{level}><p class=\"about\">{}</p>", Escaped(about));
}

/// Writes a picture, as it is for both widths, with its table.
fn section(
    out: &mut String,
    (level, title, about): (u8, &str, &str),
    picture: impl Fn(f64) -> Svg,
    table: &Table,
    words: &Words,
) {
    remark(out, level, title, about);
    for (class, width) in [("wide", WIDE), ("narrow", NARROW)] {
        let picture = picture(width).finish(title, about, "");
        let _ = write!(out, "<div class=\"picture {class}\">{picture}</div>");
    }
    let _ = writeln!(out, "<details><summary>{}</summary>{}</details>", Escaped(words.table), table.html());
}
