//! The time zone of a server: the only module in which a printed time becomes a moment, and a moment a printed time.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, Offset, TimeZone};

#[cfg(test)]
mod tests;

/// The time zone in which a server prints the times of a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerTimeZone {
    /// The zone in which moments are shown; where its rules are not known, the offset that was measured.
    shown: TimeZone,
    /// The zone of printed times, or why it is not known.
    printed: Result<TimeZone, String>,
}

/// Why a printed time gives no moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TimeError {
    /// No time is set: the text is empty, or the zero date.
    NotSet,
    /// A time is set, but its moment cannot be known; the reason, as part of a sentence.
    NotKnown(String),
}

impl ServerTimeZone {
    /// Returns a zone with a constant offset, in seconds east of UTC. An offset out of range becomes UTC.
    #[must_use]
    pub fn fixed(seconds: i32) -> Self {
        let zone = TimeZone::fixed(Offset::from_seconds(seconds).unwrap_or(Offset::UTC));
        Self { shown: zone.clone(), printed: Ok(zone) }
    }

    /// Returns the zone that the variables `time_zone` and `system_time_zone` of a connection name, if its offset `at` that
    /// moment is the `measured` one, in seconds east of UTC. Where it is not, printed times give no moments.
    ///
    /// MySQL 5.7 docs, Time Zone Support: `SYSTEM` refers to `system_time_zone`; otherwise it is an offset or a name.
    #[must_use]
    pub fn named(time_zone: &str, system_time_zone: &str, measured: i32, at: Timestamp) -> Self {
        let by_system = time_zone.eq_ignore_ascii_case("SYSTEM");
        let name = if by_system { system_time_zone } else { time_zone };
        let said = if by_system {
            format!("time_zone is SYSTEM, and system_time_zone {name:?}")
        } else {
            format!("time_zone is {name:?}")
        };
        let now = Self::fixed(measured);
        match zone_of(name) {
            Some(zone) if zone.to_offset(at).seconds() == measured => Self { shown: zone.clone(), printed: Ok(zone) },
            Some(_) => {
                let offset = offset_text(Offset::from_seconds(measured).unwrap_or(Offset::UTC));
                Self { printed: Err(format!("{said}, and its present times are of {offset}")), ..now }
            }
            None => Self { printed: Err(format!("{said}, which names no zone that this host knows")), ..now },
        }
    }

    /// Returns the zone for showing moments, of a server that was asked to print its times in UTC and does.
    #[must_use]
    pub fn printing_utc(self) -> Self {
        Self { printed: Ok(TimeZone::UTC), ..self }
    }

    /// Returns why printed times give no moments, as part of a sentence; None where they do.
    #[must_use]
    pub fn unknown(&self) -> Option<&str> {
        self.printed.as_ref().err().map(String::as_str)
    }

    /// Converts a printed `YYYY-MM-DD HH:MM:SS[.ffffff]` to its moment.
    ///
    /// # Errors
    /// No time is set, or its moment cannot be known.
    pub fn moment(&self, printed: &str) -> Result<Timestamp, TimeError> {
        let printed = printed.trim();
        // MySQL's zero date.
        if printed.is_empty() || printed.starts_with("0000-00-00") {
            return Err(TimeError::NotSet);
        }
        let unreadable = || TimeError::NotKnown(format!("{printed:?} is no time"));
        let civil: DateTime = printed.parse().map_err(|_| unreadable())?;
        let zone = match &self.printed {
            Ok(zone) => zone,
            Err(why) => return Err(TimeError::NotKnown(format!("the server's zone is not known: {why}"))),
        };
        let ambiguous = zone.to_ambiguous_timestamp(civil);
        if let AmbiguousOffset::Fold { .. } = ambiguous.offset() {
            let why = format!("{printed} comes twice in the server's zone, where clocks were set back");
            return Err(TimeError::NotKnown(why));
        }
        let at = ambiguous.unambiguous().map_err(|_| unreadable())?;
        // V2 and V3 print the first day of 1970 for a moment that is still to come.
        if at.as_second() <= 86_400 { Err(TimeError::NotSet) } else { Ok(at) }
    }

    /// Returns how many seconds the zone is ahead of UTC at that moment.
    #[must_use]
    pub fn offset_at(&self, at: Timestamp) -> i32 {
        self.shown.to_offset(at).seconds()
    }

    /// Returns the date of a moment, its time to the second, and its offset from UTC: `+08:00`.
    #[must_use]
    pub fn parts(&self, at: Timestamp) -> (String, String, String) {
        let offset = self.shown.to_offset(at);
        let local = offset.to_datetime(at);
        (local.date().to_string(), local.strftime("%H:%M:%S").to_string(), offset_text(offset))
    }
}

/// Returns the zone of an offset (`+08:00`, `-5:30`) or a name (`Asia/Shanghai`, `UTC`).
fn zone_of(name: &str) -> Option<TimeZone> {
    let name = name.trim();
    let (sign, rest) = match name.split_at_checked(1)? {
        ("+", rest) => (1, rest),
        ("-", rest) => (-1, rest),
        // Abbreviations such as CST stand for several zones, and EST for one without summer time: only unambiguous names are
        // accepted.
        _ if name.eq_ignore_ascii_case("UTC") || name.eq_ignore_ascii_case("GMT") => return Some(TimeZone::UTC),
        _ => return TimeZone::get(name).ok().filter(|_| name.contains('/')),
    };
    let (hours, minutes) = rest.split_once(':')?;
    let (hours, minutes) = (hours.parse::<u8>().ok()?, minutes.parse::<u8>().ok().filter(|minutes| *minutes < 60)?);
    let seconds = sign * (i32::from(hours) * 3_600 + i32::from(minutes) * 60);
    Offset::from_seconds(seconds).ok().map(TimeZone::fixed)
}

fn offset_text(offset: Offset) -> String {
    let seconds = offset.seconds();
    let sign = if seconds < 0 { '-' } else { '+' };
    let minutes = seconds.unsigned_abs() / 60;
    format!("{sign}{:02}:{:02}", minutes / 60, minutes % 60)
}
