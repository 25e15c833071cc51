//! `until = 2027-03-31`: to the end of that day where the house is.

use jiff::civil;
use jiff::tz::TimeZone;
use toml::value::Datetime;

/// Returns the last second that a date stands for, in seconds since 1970: of a
/// date its last, in the time zone of this machine; of a moment itself.
pub(super) fn last_second(date: &Datetime) -> Result<i64, String> {
    if let Ok(moment) = date.to_string().parse::<jiff::Timestamp>() {
        return Ok(moment.as_second());
    }
    let text = date.to_string();
    let say = "not a date; write one like 2027-03-31, without quotes";
    let local = match (date.date.is_some(), date.time.is_some()) {
        (true, true) => text.parse::<civil::DateTime>().map_err(|_| say)?,
        (true, false) => text.parse::<civil::Date>().map_err(|_| say)?.at(23, 59, 59, 0),
        (false, _) => return Err(say.to_owned()),
    };
    // Only the last days of the year 9999 are beyond what can be told: forever.
    let zoned = local.to_zoned_datetime(TimeZone::system());
    Ok(zoned.map_or(i64::MAX, |zoned| zoned.timestamp().as_second()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_itself_and_a_day_lasts_to_its_end() {
        let second = |text: &str| last_second(&text.parse().unwrap());
        assert_eq!(second("2027-03-31T12:00:00Z"), Ok(1_806_494_400));
        assert_eq!(second("2027-03-31"), second("2027-03-31T23:59:59"));
        assert!(second("12:00:00").is_err());
        assert!(second("9999-12-31").is_ok_and(|last| last >= 253_402_127_999));
    }
}
