//! A point in the log: a system change number, which is nanoseconds since 1970.

use jiff::Timestamp;
use jiff::tz::Offset;
use serde::{Deserialize, Serialize};

#[cfg(test)]
mod tests;

/// A system change number: nanoseconds since 1970-01-01T00:00:00Z.
///
/// Serialised as a number. V4.2.5 docs, `CDB_OB_BACKUP_SET_FILES`: the SCN columns are unsigned 64-bit. V2 and V3 count
/// microseconds instead; [`Scn::from_micros`] reads those.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Scn(pub u64);

impl Scn {
    /// What a view shows where no end is known yet.
    pub const MAX: Self = Self(u64::MAX);

    /// From microseconds since 1970, the unit of the V2 and V3 tables; stops at [`Scn::MAX`].
    #[must_use]
    pub const fn from_micros(micros: u64) -> Self {
        Self(micros.saturating_mul(1_000))
    }

    /// A moment of a clock as a point in the log; moments before 1970 are 0.
    #[must_use]
    pub fn from_timestamp(at: Timestamp) -> Self {
        Self(u64::try_from(at.as_nanosecond()).unwrap_or_default())
    }

    /// Nanoseconds since 1970.
    #[must_use]
    pub const fn nanos(self) -> u64 {
        self.0
    }

    /// Whole seconds from an earlier point to this one; 0 when it is not earlier.
    #[must_use]
    pub const fn seconds_since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0) / 1_000_000_000
    }

    /// RFC 3339 in UTC, as JSON shows times: `2026-11-19T19:31:40Z`, with a fraction where there is one.
    #[must_use]
    pub fn to_rfc3339(self) -> String {
        self.timestamp().to_string()
    }

    /// RFC 3339 at a fixed distance from UTC, in seconds to the east: `2026-11-20T03:31:40+08:00`.
    ///
    /// A distance no zone on earth has (beyond 25:59:59) is read as UTC.
    #[must_use]
    pub fn to_rfc3339_at(self, utc_offset_seconds: i32) -> String {
        self.timestamp().display_with_offset(offset(utc_offset_seconds)).to_string()
    }

    /// The date, the time to the second, and the zone as a person reads them: `2026-11-20 03:31:40 +08:00`.
    #[must_use]
    pub fn to_local(self, utc_offset_seconds: i32) -> String {
        let (date, time) = self.date_and_time(utc_offset_seconds);
        format!("{date} {time} {}", zone(utc_offset_seconds))
    }

    /// Every SCN is within the years a timestamp can hold: 64 bits of nanoseconds end in 2554.
    fn timestamp(self) -> Timestamp {
        Timestamp::from_nanosecond(i128::from(self.0)).unwrap_or_default()
    }

    fn date_and_time(self, utc_offset_seconds: i32) -> (String, String) {
        let local = offset(utc_offset_seconds).to_datetime(self.timestamp());
        (local.date().to_string(), local.strftime("%H:%M:%S").to_string())
    }
}

/// Two points as a person reads a window: `2026-11-20 03:31:40 to 03:31:55 +08:00`, the date repeated only where it differs.
#[must_use]
pub fn span_text(from: Scn, to: Scn, utc_offset_seconds: i32) -> String {
    let (from_date, from_time) = from.date_and_time(utc_offset_seconds);
    let (to_date, to_time) = to.date_and_time(utc_offset_seconds);
    let zone = zone(utc_offset_seconds);
    if from_date == to_date {
        format!("{from_date} {from_time} to {to_time} {zone}")
    } else {
        format!("{from_date} {from_time} to {to_date} {to_time} {zone}")
    }
}

fn offset(seconds: i32) -> Offset {
    Offset::from_seconds(seconds).unwrap_or(Offset::UTC)
}

fn zone(seconds: i32) -> String {
    let seconds = offset(seconds).seconds();
    let sign = if seconds < 0 { '-' } else { '+' };
    let minutes = seconds.unsigned_abs() / 60;
    format!("{sign}{:02}:{:02}", minutes / 60, minutes % 60)
}
