//! Durations and sizes as people write them: `"10s"`, `"7d"`, `"64 MiB"`.

use std::time::Duration;

/// The units of time, with their seconds; a month is no unit.
const SECONDS: [(&str, u64); 5] = [("s", 1), ("m", 60), ("h", 3_600), ("d", 86_400), ("w", 604_800)];

/// The units of size, with their octets.
const OCTETS: [(&str, u64); 7] = [
    ("B", 1),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("kB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
];

/// Reads a duration: a whole number and one of `ms`, `s`, `m`, `h`, `d`, `w`.
pub fn duration(text: &str) -> Result<Duration, &'static str> {
    let say = "not a duration; write a number and ms, s, m, h, d or w, like \"10s\" or \"7d\"";
    let (number, unit) = split(text).ok_or(say)?;
    if unit == "ms" {
        return Ok(Duration::from_millis(number));
    }
    let seconds = scale(number, unit, &SECONDS).ok_or(say)?;
    Ok(Duration::from_secs(seconds))
}

/// Reads a size in octets: a whole number and one of `B`, `KiB`, `MiB`, `GiB`,
/// `kB`, `MB`, `GB`.
pub fn size(text: &str) -> Result<u64, &'static str> {
    let say = "not a size; write a number and B, KiB, MiB or GiB, like \"32 MiB\"";
    let (number, unit) = split(text).ok_or(say)?;
    scale(number, unit, &OCTETS).ok_or(say)
}

/// Writes a duration as [`duration`] reads it, in the largest unit that is exact.
pub fn show_duration(time: Duration) -> String {
    let seconds = time.as_secs();
    if time.subsec_millis() > 0 {
        return format!("{}ms", time.as_millis());
    }
    let (unit, factor) = SECONDS
        .iter()
        .rev()
        .find(|(_, factor)| seconds > 0 && seconds.is_multiple_of(*factor))
        .unwrap_or(&SECONDS[0]);
    format!("{}{unit}", seconds / factor)
}

/// Splits `64 MiB` into its number and its unit.
fn split(text: &str) -> Option<(u64, &str)> {
    let text = text.trim();
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    Some((number.parse().ok()?, unit.trim_start()))
}

/// Multiplies `number` by the factor of `unit`.
fn scale(number: u64, unit: &str, units: &[(&str, u64)]) -> Option<u64> {
    let (_, factor) = units.iter().find(|(name, _)| *name == unit)?;
    number.checked_mul(*factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_write_durations_and_sizes() {
        assert_eq!(duration("10s"), Ok(Duration::from_secs(10)));
        assert_eq!(duration("7d"), Ok(Duration::from_hours(7 * 24)));
        assert_eq!(duration("30ms"), Ok(Duration::from_millis(30)));
        assert_eq!(size("64 MiB"), Ok(67_108_864));
        assert_eq!(size("0B"), Ok(0));
        for text in ["", "10", "s", "-1s", "1.5h", "99999999999999999999s", "18446744073709551615w", "10 S"] {
            assert!(duration(text).is_err(), "{text}");
        }
        for text in ["64", "MiB", "64 mib", "99999999999999999 GiB"] {
            assert!(size(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_duration_is_shown_in_its_largest_exact_unit() {
        for text in ["0s", "90s", "1m", "36h", "1d", "2w", "30ms"] {
            assert_eq!(show_duration(duration(text).unwrap()), text);
        }
    }
}
