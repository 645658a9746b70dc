//! Time in the embedded fleet: the wall clock in microseconds, and OceanBase's formats for times and durations.

use jiff::Timestamp;
use jiff::tz::{Offset, TimeZone};

/// Microseconds: a point in time since 1970-01-01 UTC, or a duration.
pub type Micros = i64;

/// One second.
pub const SECOND: Micros = 1_000_000;

/// Returns the present time. The fleet reads the clock only here.
#[must_use]
#[allow(clippy::disallowed_methods, reason = "the fleet lives by the wall clock, read here only")]
pub fn now() -> Micros {
    Timestamp::now().as_microsecond()
}

/// Returns the system change number (SCN) of a time: nanoseconds since 1970.
#[must_use]
pub fn scn(moment: Micros) -> i128 {
    i128::from(moment) * 1000
}

/// Formats a time as `timestamp(6)` in a session's time zone (`+08:00`, `SYSTEM` or a name of the tz database).
#[must_use]
pub fn format_time(moment: Micros, zone: &str) -> String {
    let at = Timestamp::from_microsecond(moment).unwrap_or_default();
    at.to_zoned(time_zone(zone)).strftime("%Y-%m-%d %H:%M:%S%.6f").to_string()
}

/// Parses a time that is written in a session's time zone; `None` if it is not a time.
#[must_use]
pub fn parse_time(text: &str, zone: &str) -> Option<Micros> {
    let time: jiff::civil::DateTime = text.trim().parse().ok()?;
    Some(time.to_zoned(time_zone(zone)).ok()?.timestamp().as_microsecond())
}

/// Parses a time zone; an unknown one is OceanBase's default, +08:00.
fn time_zone(name: &str) -> TimeZone {
    let offset = |hours: &str, minutes: &str, sign: i32| {
        let seconds = hours.parse::<i32>().ok()? * 3600 + minutes.parse::<i32>().ok()? * 60;
        Offset::from_seconds(sign * seconds).ok()
    };
    let (sign, rest) = match name.split_at_checked(1) {
        Some(("+", rest)) => (1, rest),
        Some(("-", rest)) => (-1, rest),
        _ => (0, name),
    };
    let fixed = rest.split_once(':').filter(|_| sign != 0).and_then(|(hours, minutes)| offset(hours, minutes, sign));
    match fixed {
        Some(offset) => TimeZone::fixed(offset),
        None => TimeZone::get(name).unwrap_or_else(|_| TimeZone::fixed(Offset::constant(8))),
    }
}

/// Parses a duration as OceanBase's parameters and the scenarios write it: `500ms`, `4s`, `2m`, `3h`, `1d`.
#[must_use]
pub fn parse_duration(text: &str) -> Option<Micros> {
    let digits = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = text.split_at(digits);
    let unit = match unit {
        "us" => 1,
        "ms" => 1000,
        "s" => SECOND,
        "m" => 60 * SECOND,
        "h" => 3600 * SECOND,
        "d" => 86_400 * SECOND,
        _ => return None,
    };
    number.parse::<Micros>().ok()?.checked_mul(unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_printed_in_the_zone_of_the_session() {
        let moment = 1_763_600_000_123_456;
        assert_eq!(format_time(moment, "+00:00"), "2025-11-20 00:53:20.123456");
        assert_eq!(format_time(moment, "+08:00"), "2025-11-20 08:53:20.123456");
        assert_eq!(format_time(moment, "SYSTEM"), "2025-11-20 08:53:20.123456");
        assert_eq!(format_time(moment, "-05:30"), "2025-11-19 19:23:20.123456");
    }

    #[test]
    fn lengths_have_units() {
        assert_eq!(parse_duration("4s"), Some(4 * SECOND));
        assert_eq!(parse_duration("1d"), Some(86_400 * SECOND));
        assert_eq!(parse_duration("250ms"), Some(250_000));
        assert_eq!(parse_duration("4"), None);
        assert_eq!(parse_duration("4 parsecs"), None);
    }
}
