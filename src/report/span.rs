//! [`Span`]: the time a report is about, cut into slots, with its nights.
//
//  Pictures go from its beginning to its end, so that a night lies where it was,
//  and not at both ends of a calendar day.

use std::time::Duration;

use jiff::Timestamp;
use jiff::ToSpan;
use jiff::ZonedDateTime;
use jiff::civil::Time;
use jiff::tz::TimeZone;

/// How long a slot may be, in seconds.
const SLOTS: [i64; 7] = [900, 1_800, 3_600, 7_200, 10_800, 21_600, 43_200];

/// Most slots, but for the group that `from` and the end are in.
const MOST: i64 = 96;

/// Slots in a group: an hour of a day's report.
pub(super) const GROUP: usize = 4;

/// Most dates along a picture.
const DATES: i64 = 8;

/// The time a report is about.
#[derive(Clone, Debug)]
pub struct Span {
    /// Its beginning, in seconds since 1970: a full hour for a day.
    start: i64,
    /// Its end.
    until: i64,
    /// How long a slot is, in seconds.
    slot: i64,
    /// Where the house is: a night is one there.
    zone: TimeZone,
}

impl Span {
    /// Returns the time of `seconds` before `until`, which is in seconds since
    /// 1970; of at least an hour and at most 48 days.
    pub fn new(until: i64, seconds: i64, zone: TimeZone) -> Self {
        let seconds = seconds.clamp(3_600, MOST * 43_200);
        // Years that a calendar has, whatever the clock says.
        let until = until.clamp(0, 200_000_000_000);
        let slot = SLOTS.into_iter().find(|slot| seconds <= slot * MOST).unwrap_or(43_200);
        let from = until.saturating_sub(seconds);
        // Groups begin at full hours of the house.
        let ahead = i64::from(zone.to_offset(moment(from)).seconds());
        let group = slot * to_i64(GROUP);
        let start = (from.saturating_add(ahead)).div_euclid(group) * group - ahead;
        Self { start, until, slot, zone }
    }

    /// Returns its beginning, in seconds since 1970.
    pub fn start(&self) -> i64 {
        self.start
    }

    /// Returns its end.
    pub(super) fn until(&self) -> i64 {
        self.until
    }

    /// Returns whether it is so short that there is a time of day for each slot.
    pub(super) fn is_a_day(&self) -> bool {
        self.slot <= 1_800
    }

    /// Returns the number of its slots.
    pub(super) fn slots(&self) -> usize {
        let group = self.slot * to_i64(GROUP);
        usize::try_from((self.until - self.start).div_euclid(group) + 1).unwrap_or(1) * GROUP
    }

    /// Returns how long a group of slots is.
    pub(super) fn group(&self) -> Duration {
        Duration::from_secs(self.slot.unsigned_abs() * GROUP as u64)
    }

    /// Returns the slot that a moment is in.
    pub(super) fn slot(&self, unix: i64) -> Option<usize> {
        let slot = usize::try_from((unix - self.start).div_euclid(self.slot)).ok()?;
        Some(slot).filter(|slot| *slot < self.slots() && unix <= self.until)
    }

    /// Returns when a slot begins, as date and time there.
    pub(super) fn begin(&self, slot: usize) -> ZonedDateTime {
        self.zoned(self.start + to_i64(slot) * self.slot)
    }

    /// Returns a moment as date and time there.
    pub(super) fn zoned(&self, unix: i64) -> ZonedDateTime {
        moment(unix).to_zoned_datetime(self.zone.clone())
    }

    /// Returns where a moment is, from 0 for the beginning to 1 for the end of the
    /// last slot.
    pub(super) fn place(&self, unix: i64) -> f64 {
        let part = |seconds: i64| f64::from(i32::try_from(seconds).unwrap_or(i32::MAX));
        (part(unix - self.start) / part(self.slot * to_i64(self.slots()))).clamp(0.0, 1.0)
    }

    /// Returns whether a moment is at night: from 10 pm to 6 am.
    pub(super) fn is_night(&self, unix: i64) -> bool {
        !(6..22).contains(&self.zoned(unix).hour())
    }

    /// Returns how many hours by day, to a quarter, are between two moments of it.
    pub(super) fn day_hours(&self, from: i64, to: i64) -> f64 {
        let quarters = (from..to).step_by(900).filter(|unix| !self.is_night(*unix)).count();
        f64::from(u32::try_from(quarters).unwrap_or(u32::MAX)) / 4.0
    }

    /// Returns its nights, by the places where they begin and end; none where
    /// slots are too long to show them.
    pub(super) fn nights(&self) -> Vec<(f64, f64)> {
        if self.slot > 10_800 {
            return Vec::new();
        }
        let night = |evening: &ZonedDateTime| {
            let begin = evening.with().time(Time::constant(22, 0, 0, 0)).build().ok()?;
            let end =
                begin.checked_add(1.day()).ok()?.with().time(Time::constant(6, 0, 0, 0)).build().ok()?;
            Some((self.place(begin.timestamp().as_second()), self.place(end.timestamp().as_second())))
        };
        let days = self.days(self.start - 86_400, 1);
        days.iter().filter_map(night).filter(|(begin, end)| begin < end).collect()
    }

    /// Returns what stands along a picture, and where: hours of a day, or dates.
    pub(super) fn ticks(&self, date: impl Fn(&ZonedDateTime) -> String) -> Vec<(f64, String)> {
        let place = |moment: &ZonedDateTime| self.place(moment.timestamp().as_second());
        let last = self.until + self.slot;
        if self.is_a_day() {
            let hours = (self.start..=last).step_by(3_600).map(|unix| self.zoned(unix));
            let every = if self.slot <= 900 { 3 } else { 6 };
            let shown = hours.filter(|hour| hour.hour() % every == 0);
            return shown.map(|hour| (place(&hour), format!("{:02}", hour.hour()))).collect();
        }
        let step = (self.until - self.start).div_euclid(86_400).div_euclid(DATES) + 1;
        let days = self.days(self.start + 86_399, step);
        days.iter().map(|day| (place(day), date(day))).collect()
    }

    /// Returns the beginnings of days from that of `from` on.
    fn days(&self, from: i64, step: i64) -> Vec<ZonedDateTime> {
        let mut days = Vec::new();
        let mut day = self.zoned(from).start_of_day().ok();
        while let Some(present) = day.filter(|day| day.timestamp().as_second() <= self.until) {
            day = present.checked_add(step.days()).ok();
            days.push(present);
        }
        days
    }
}

/// Returns a moment.
fn moment(unix: i64) -> Timestamp {
    Timestamp::from_second(unix).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// Returns a small number with a sign.
fn to_i64(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 25 November 2026, 15:37 in Berlin.
    const NOW: i64 = 1_795_617_420;

    fn berlin() -> TimeZone {
        // As a rule, since there may be no zone files.
        TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap()
    }

    #[test]
    fn a_day_begins_at_a_full_hour_and_has_a_night_in_it() {
        let span = Span::new(NOW, 86_400, berlin());
        assert_eq!(span.zoned(NOW).datetime().to_string(), "2026-11-25T15:37:00");
        assert_eq!((span.zoned(span.start()).hour(), span.zoned(span.start()).minute()), (15, 0));
        assert_eq!(span.slots(), 100);
        assert_eq!((span.slot(span.start()), span.slot(NOW)), (Some(0), Some(98)));
        assert_eq!((span.slot(span.start() - 1), span.slot(NOW + 1)), (None, None));
        let nights = span.nights();
        assert_eq!(nights.len(), 1);
        assert!((nights[0].0 - 7.0 / 25.0).abs() < 1e-9 && (nights[0].1 - 15.0 / 25.0).abs() < 1e-9);
        let ticks = span.ticks(|_| unreachable!());
        assert_eq!(
            ticks.iter().map(|(_, hour)| hour).collect::<Vec<_>>(),
            ["15", "18", "21", "00", "03", "06", "09", "12", "15"]
        );
        assert!(span.is_night(NOW + 8 * 3_600) && !span.is_night(NOW));
        // From 3:37 pm to 10 pm, and from 6 am to 3:37 pm.
        assert!((span.day_hours(NOW - 86_400, NOW) - 16.0).abs() < 1e-9);
    }

    #[test]
    fn longer_times_have_longer_slots_and_dates() {
        for (days, slots) in [(2, 100), (7, 88), (30, 64), (10_000, 100)] {
            let span = Span::new(NOW, days * 86_400, berlin());
            assert_eq!(span.slots(), slots, "{days}");
            assert!(span.slot(NOW).is_some());
            assert!(span.ticks(|day| day.date().to_string()).len() <= 9);
        }
        let week = Span::new(NOW, 7 * 86_400, berlin());
        assert_eq!(week.nights().len(), 7);
        assert_eq!(week.ticks(|day| day.day().to_string())[0].1, "19");
    }

    #[test]
    fn a_clock_that_changes_leaves_nights_where_they_are() {
        // 25 October 2026, when the clock went back; at noon.
        let span = Span::new(1_792_926_000, 86_400, berlin());
        let [(begin, end)] = span.nights()[..] else { panic!("{:?}", span.nights()) };
        // From 10 pm to 6 am there are nine hours.
        assert!(((end - begin) * 25.0 - 9.0).abs() < 1e-9);
    }

    #[test]
    fn any_moment_has_a_span() {
        for until in [i64::MIN, -1, 0, i64::MAX] {
            let span = Span::new(until, i64::MAX, TimeZone::UTC);
            let _ = (span.ticks(ToString::to_string), span.nights(), span.slots(), span.place(0));
        }
    }
}
