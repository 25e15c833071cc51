//! All words of the report, in English and German: here what is made of them,
//! in files of their own what they are.

mod de;
mod en;

use jiff::ZonedDateTime;

use super::Settings;
use super::facts::Apart;
use super::facts::Facts;
use super::lane::Count;
use super::lane::Lane;
use super::span::Span;
use super::speaker::Speaker;
use crate::base::units;
use crate::catalog::Purpose;

/// A language.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Lang {
    /// English.
    #[default]
    En,
    /// German.
    De,
}

impl Lang {
    /// Returns the words of a language.
    pub(super) fn words(self) -> &'static Words {
        match self {
            Self::En => &en::WORDS,
            Self::De => &de::WORDS,
        }
    }
}

/// One of a thing, and several: "1 speaker", "{} speakers".
type Number = (&'static str, &'static str);

/// The words in one language.  `{}` is where something is put in.
#[derive(Debug)]
pub(super) struct Words {
    pub(super) code: &'static str,
    pub(super) title: &'static str,
    pub(super) footer: &'static str,
    pub(super) table: &'static str,
    // What is said when something is missing.
    nothing: &'static str,
    switched_on: &'static str,
    begins: &'static str,
    nobody: &'static str,
    no_client: &'static str,
    left_out: Number,
    pub(super) no_log: &'static str,
    pub(super) one_by_one: &'static str,
    // What is counted.
    speakers: Number,
    companies: Number,
    talked: &'static str,
    sum: &'static str,
    guarded: Number,
    pub(super) lookups: Number,
    pub(super) reached: &'static str,
    pub(super) prevented: &'static str,
    of_speaker: &'static str,
    pub(super) at_night: &'static str,
    pub(super) night: &'static str,
    lanes: [&'static str; 5],
    /// In the order of [`Purpose::all`].
    purposes: [&'static str; 21],
    pub(super) speaker: &'static str,
    pub(super) company: &'static str,
    pub(super) purpose: &'static str,
    other_speakers: &'static str,
    other_companies: &'static str,
    at_home: &'static str,
    pub(super) name: &'static str,
    pub(super) time: &'static str,
    // The pictures.
    pub(super) house: &'static str,
    pub(super) house_about: &'static str,
    pub(super) flow: &'static str,
    pub(super) flow_about: &'static str,
    stripe_day: &'static str,
    stripe_long: &'static str,
    pub(super) stripe_about: &'static str,
    signs: &'static str,
    pub(super) trend: &'static str,
    trend_about: &'static str,
    pub(super) trend_none: &'static str,
    pub(super) before: &'static str,
    pub(super) since: &'static str,
    pub(super) an_hour: &'static str,
    change: &'static str,
    pub(super) storms: &'static str,
    pub(super) storms_about: &'static str,
    pub(super) storms_none: &'static str,
    storm: &'static str,
    pub(super) again: &'static str,
    peak: &'static str,
    // What DNS can't do.
    pub(super) limits: &'static str,
    pub(super) limits_list: [(&'static str, &'static str); 4],
    // How numbers and dates are written.
    thousands: &'static str,
    decimal: &'static str,
    date: &'static str,
    moment: &'static str,
    full: &'static str,
}

impl Words {
    /// Returns the name of a lane.
    pub(super) fn lane(&self, lane: Lane) -> &'static str {
        self.lanes.get(lane as usize).copied().unwrap_or_default()
    }

    /// Returns the name of a purpose.
    pub(super) fn purpose(&self, purpose: Purpose) -> &'static str {
        self.purposes.get(purpose.nth()).copied().unwrap_or_default()
    }

    /// Returns a device's name, or a word for none.
    pub(super) fn device<'a>(&self, name: &'a str) -> &'a str
    where
        Self: 'a,
    {
        if name.is_empty() { self.nobody } else { name }
    }

    /// Returns the name of a speaker or company, or a word for many.
    pub(super) fn apart(&self, who: &Apart, is_speaker: bool) -> String {
        match who {
            Apart::One(name) if is_speaker => self.device(name).to_owned(),
            Apart::One(name) if name.is_empty() => self.at_home.to_owned(),
            Apart::One(name) => name.clone(),
            Apart::Others(number) => {
                let word = if is_speaker { self.other_speakers } else { self.other_companies };
                fill(word, &[&number.to_string()])
            }
        }
    }

    /// Says what the report is about, in time.
    pub(super) fn span(&self, span: &Span) -> String {
        let show = |unix| span.zoned(unix).strftime(self.full).to_string();
        format!("{} – {}", show(span.start()), show(span.until()))
    }

    /// Says what is missing, and what to do about it.
    pub(super) fn notes(&self, facts: &Facts, settings: &Settings) -> Vec<String> {
        let span = &settings.span;
        let show = |unix| span.zoned(unix).strftime(self.full).to_string();
        let mut notes = Vec::new();
        if let Some(begins) = settings.begins.filter(|begins| *begins > span.start() + 3_600) {
            notes.push(fill(self.begins, &[&show(begins)]));
        }
        if facts.speakers.is_empty() {
            notes.extend([self.nothing.to_owned(), self.switched_on.to_owned()]);
        }
        if facts.speakers.iter().any(|speaker| speaker.name.is_empty()) {
            notes.push(self.no_client.to_owned());
        }
        if facts.left_out > 0 {
            notes.push(self.several(self.left_out, facts.left_out as u64));
        }
        notes
    }

    /// Returns the sentence that sums everything up.
    pub(super) fn sum(&self, facts: &Facts) -> String {
        let total = facts.lanes.total();
        let (speakers, companies) = (facts.speakers.len() as u64, facts.companies as u64);
        let talked = fill(
            self.talked,
            &[&self.several(self.speakers, speakers), &self.several(self.companies, companies)],
        );
        let numbers = [total.prevented, total.all(), facts.night.all()].map(|number| self.number(number));
        let [prevented, all, night] = &numbers;
        let mut sum = format!("{talked} {}", fill(self.sum, &[prevented, all, night]));
        if facts.guarded > 0 {
            sum.push(' ');
            sum.push_str(&self.several(self.guarded, facts.guarded));
        }
        sum
    }

    /// Says of a speaker how much it asked.
    pub(super) fn of_speaker(&self, speaker: &Speaker) -> String {
        let total = speaker.lanes().total();
        let all = self.several(self.lookups, total.all());
        fill(self.of_speaker, &[&all, &self.counted(total), &self.number(speaker.night.all())])
    }

    /// Writes look-ups.
    pub(super) fn counted(&self, count: Count) -> String {
        let reached = || format!("{} {}", self.number(count.reached), self.reached);
        let prevented = || format!("{} {}", self.number(count.prevented), self.prevented);
        match (count.reached, count.prevented) {
            (0, 0) => "–".to_owned(),
            (_, 0) => reached(),
            (0, _) => prevented(),
            _ => format!("{}, {}", reached(), prevented()),
        }
    }

    /// Returns the heading of the picture of a speaker's time.
    pub(super) fn stripe(&self, span: &Span) -> &'static str {
        if span.is_a_day() { self.stripe_day } else { self.stripe_long }
    }

    /// Says what the comparison shows.
    pub(super) fn trend_about(&self, turn: &ZonedDateTime) -> String {
        fill(self.trend_about, &[&turn.strftime(self.full).to_string()])
    }

    /// Says from what a rate went to what.
    pub(super) fn change(&self, before: f64, since: f64) -> String {
        fill(self.change, &[&self.rate(before), &self.rate(since)])
    }

    /// Says how often a name was asked for again, and how often in an hour or so.
    pub(super) fn storm(&self, again: u64, peak: u64, span: &Span) -> String {
        fill(self.storm, &[&self.number(again), &self.number(peak), &units::show_duration(span.group())])
    }

    /// Returns the head for the most look-ups in an hour or so.
    pub(super) fn peak(&self, span: &Span) -> String {
        fill(self.peak, &[&units::show_duration(span.group())])
    }

    /// Says what signs in a text mean.
    pub(super) fn signs(&self, span: &Span) -> String {
        fill(self.signs, &[&units::show_duration(span.group())])
    }

    /// Writes a day.
    pub(super) fn date(&self, day: &ZonedDateTime) -> String {
        day.strftime(self.date).to_string()
    }

    /// Writes a moment of the report.
    pub(super) fn moment(&self, moment: &ZonedDateTime) -> String {
        moment.strftime(self.moment).to_string()
    }

    /// Writes a number as people do.
    pub(super) fn number(&self, number: u64) -> String {
        let digits = number.to_string();
        let mut shown = String::new();
        for (nth, digit) in digits.chars().enumerate() {
            // Four digits are read as they are.
            if nth > 0 && digits.len() > 4 && (digits.len() - nth).is_multiple_of(3) {
                shown.push_str(self.thousands);
            }
            shown.push(digit);
        }
        shown
    }

    /// Writes a rate with one decimal.
    pub(super) fn rate(&self, rate: f64) -> String {
        format!("{rate:.1}").replace('.', self.decimal)
    }

    /// Writes how many there are of a thing.
    fn several(&self, (one, many): Number, number: u64) -> String {
        if number == 1 { one.to_owned() } else { fill(many, &[&self.number(number)]) }
    }
}

/// Puts values where `{}` is.
fn fill(text: &str, values: &[&str]) -> String {
    let mut parts = text.split("{}");
    let mut filled = parts.next().unwrap_or_default().to_owned();
    for (nth, part) in parts.enumerate() {
        filled.push_str(values.get(nth).copied().unwrap_or_default());
        filled.push_str(part);
    }
    filled
}
