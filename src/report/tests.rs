//! What a report says of a day that is made up, and of a house with too little or
//! too much in it.  With `UPDATE=1` the pictures of `deploy/report` are drawn
//! anew, with `SHOW=FOLDER` all cases are written there; then look at them.

mod day;

use std::env;
use std::fs;
use std::path::Path;

use jiff::tz::TimeZone;
use proptest::prelude::*;

use super::*;
use day::Day;

/// 25 November 2026, 15:37 in Berlin.
const NOW: i64 = 1_795_617_420;

/// The name of what is no speaker.
const HOUSEHOLD: &str = "household";

/// All forms of a report.
const FORMATS: [(Format, &str); 3] = [(Format::Html, "html"), (Format::Svg, "svg"), (Format::Text, "txt")];

/// Both languages.
const LANGS: [(Lang, &str); 2] = [(Lang::En, "en"), (Lang::De, "de")];

/// Returns settings for so many days.
fn settings(lang: Lang, days: i64) -> Settings {
    // As a rule, since there may be no files of zones.
    let zone = TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap();
    let span = Span::new(NOW, days * 86_400, zone);
    Settings { begins: Some(span.start()), span, lang }
}

/// Returns all reports of rows, in both languages.
fn reports(case: &str, rows: &[Row], days: i64, begins: Option<i64>) -> Vec<String> {
    let mut reports = Vec::new();
    for (lang, code) in LANGS {
        let settings = Settings { begins, ..settings(lang, days) };
        for (format, end) in FORMATS {
            let made = report(rows, &settings, format);
            if format != Format::Text {
                assert_is_markup(&made);
            }
            if let Some(folder) = env::var_os("SHOW") {
                fs::write(Path::new(&folder).join(format!("{case}.{code}.{end}")), &made).unwrap();
            }
            reports.push(made);
        }
    }
    reports
}

/// Fails unless every element that begins ends, in order.
fn assert_is_markup(text: &str) {
    let mut open: Vec<&str> = Vec::new();
    let style = |text: &str| text.starts_with("style>");
    for part in text.split('<').skip(1) {
        let (tag, _) = part.split_once('>').expect("tags end");
        let name = tag.split([' ', '\n']).next().unwrap();
        if let Some(name) = name.strip_prefix('/') {
            assert_eq!(open.pop(), Some(name), "in {part}");
        } else if !tag.ends_with('/') && !matches!(name, "!doctype" | "meta") {
            open.push(name);
        }
        assert!(style(part) || !tag.contains("url("), "{tag}");
    }
    assert_eq!(open, [""; 0]);
}

#[test]
fn a_day_looks_like_its_pictures() {
    for (lang, code) in LANGS {
        for (format, end) in [(Format::Svg, "svg"), (Format::Text, "txt")] {
            let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("deploy/report/day.{code}.{end}"));
            let made = report(&Day::usual(), &settings(lang, 1), format);
            if env::var_os("UPDATE").is_some() {
                fs::write(&path, &made).unwrap();
            }
            let drawn = fs::read_to_string(&path).unwrap_or_default();
            assert!(made == drawn, "{} differs; UPDATE=1, then look at it", path.display());
        }
    }
    reports("day", &Day::usual(), 1, None);
}

#[test]
fn the_page_says_what_the_rows_say() {
    let reports = reports("day", &Day::usual(), 1, Some(0));
    let [page, _, text, ..] = &reports[..] else { unreachable!() };
    for said in [
        "2 speakers talked to 5 companies. Look-ups prevented:",
        "One device is not shown here",
        "stays at home",
        "Before and since",
        "Names that it keeps asking for",
        "device-metrics-us.amazon.com",
        "What DNS cannot stop",
        "Voice recordings",
        "second, old phone",
    ] {
        assert!(page.contains(said) && text.replace('\n', " ").contains(said), "{said}");
    }
    // Each picture has a table, and each is there for wide screens and for phones.
    assert_eq!(page.matches("<table>").count(), page.matches("class=\"picture wide\"").count());
    assert_eq!(page.matches("class=\"picture narrow\"").count(), 2 + 3 + 1);
    for made in &reports {
        let low = made.to_lowercase();
        assert!(!low.contains("mb ") && low.matches("megab").count() == 0, "no report speaks of octets");
        assert!(
            !low.contains("http://") || low.matches("http://").count() == low.matches("w3.org/2000").count()
        );
    }
}

#[test]
fn whoever_hears_the_page_finds_the_way_by_its_headings() {
    for rows in [Day::usual(), Day::full(), Vec::new()] {
        for page in reports("headings", &rows, 1, None).iter().filter(|made| made.starts_with("<!")) {
            let heads =
                page.match_indices("<h").filter_map(|(at, _)| page[at + 2..].chars().next()?.to_digit(10));
            let levels: Vec<_> = heads.collect();
            assert_eq!(levels.iter().filter(|level| **level == 1).count(), 1);
            assert!(levels.windows(2).all(|pair| pair[1] <= pair[0] + 1), "{levels:?}");
            // A picture has a name, and what it shows; nothing hangs on seeing it.
            assert_eq!(page.matches("role=\"img\"><title>").count(), page.matches("role=\"img\"").count());
            assert_eq!(
                page.matches("<svg").count(),
                page.matches("role=\"img\"").count() + page.matches("aria-hidden=\"true\"").count()
            );
        }
    }
}

#[test]
fn without_a_log_a_report_says_what_to_switch_on() {
    for made in reports("empty", &[], 1, None) {
        let made = made.replace("&quot;", "\"");
        assert!(made.contains("store = \"disk\""), "{made}");
        assert!(made.contains("Voice recordings") || made.contains("Sprachaufnahmen"));
    }
}

#[test]
fn a_log_that_began_later_says_so() {
    let one = |row: &Row| row.device == "living-room" && row.unix > NOW - 8 * 3_600;
    let rows: Vec<_> = Day::usual().into_iter().filter(one).collect();
    let reports = reports("late", &rows, 1, Some(NOW - 8 * 3_600));
    assert!(reports[2].contains("The query log begins on 2026-11-25 07:37"), "{}", reports[2]);
    assert!(reports[0].contains("class=\"nothing\"") && reports[0].contains(">no log<"));
}

#[test]
fn a_full_house_is_one_page() {
    let reports = reports("full", &Day::full(), 1, None);
    let [page, sheet, text, ..] = &reports[..] else { unreachable!() };
    assert!(page.len() < 8 << 20, "{}", page.len());
    assert_eq!(page.matches("<details class=\"speaker\">").count(), 40);
    assert!(sheet.contains("28 other speakers") && sheet.contains("--device NAME"));
    let long = text.lines().map(|line| line.chars().count()).max();
    assert!(long < Some(160), "{long:?}");
}

#[test]
fn a_week_has_dates() {
    let back =
        |days: i64| Day::usual().into_iter().map(move |row| Row { unix: row.unix - days * 86_400, ..row });
    let rows: Vec<_> = (0..7).flat_map(back).collect();
    let reports = reports("week", &rows, 7, None);
    assert!(reports[1].contains(">Nov 19<") && reports[4].contains(">19.11.<"));
}

#[test]
fn without_devices_all_are_one() {
    let nobody = |row| Row { device: String::new(), family: String::new(), ..row };
    let rows: Vec<_> = Day::usual().into_iter().map(nobody).collect();
    let reports = reports("nobody", &rows, 1, None);
    let text = reports[2].replace('\n', " ");
    assert!(text.contains("level = \"no-client\"") && text.contains("1 speaker talked"), "{text}");
}

#[test]
fn where_there_is_no_speaker_everybody_is_shown() {
    let rows: Vec<_> = Day::usual().into_iter().filter(|row| row.device == HOUSEHOLD).collect();
    assert!(reports("household", &rows, 1, None)[2].contains("\nhousehold\n"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn hostile_rows_are_text(
        device in "\\PC{0,40}|.{0,40}|<script>x</script>",
        name in "\\PC{0,80}|.{0,80}|\"/><image href=\"http://x/\"/>|\u{1b}\\]0;x\u{7}",
        purpose in "voice|analytics|.{0,9}",
        unix in prop::num::i64::ANY,
        ago in 0..100_000_i64,
        times in prop::num::u32::ANY,
        blocked in prop::bool::ANY,
        days in 0..200_i64,
    ) {
        let row = Row { device, name, purpose, blocked, times, again: times, ..Row::default() };
        let rows = [Row { unix, ..row.clone() }, Row { unix: NOW - ago, ..row.clone() }, Row { unix: NOW, ..row }];
        for made in reports("hostile", &rows, days, Some(unix)) {
            let is_markup = made.starts_with('<');
            prop_assert!(!is_markup || !made.contains("<script") && !made.contains("<image"));
            prop_assert!(!made.chars().any(|c| c.is_control() && c != '\n'));
        }
    }
}
