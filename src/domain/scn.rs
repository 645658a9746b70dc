//! A point in the log: a system change number (SCN), in nanoseconds since 1970.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::time_zone::ServerTimeZone;

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
    /// The value that a view shows where no end is known yet.
    pub const MAX: Self = Self(u64::MAX);

    /// Converts microseconds since 1970, the unit of the V2 and V3 tables; saturates at [`Scn::MAX`].
    #[must_use]
    pub const fn from_micros(micros: u64) -> Self {
        Self(micros.saturating_mul(1_000))
    }

    /// Converts a moment of a clock; moments before 1970 become 0.
    #[must_use]
    pub fn from_timestamp(at: Timestamp) -> Self {
        Self(u64::try_from(at.as_nanosecond()).unwrap_or_default())
    }

    /// Returns the nanoseconds since 1970.
    #[must_use]
    pub const fn nanos(self) -> u64 {
        self.0
    }

    /// Returns the full seconds from an earlier point to this one; 0 where the other point is not earlier.
    #[must_use]
    pub const fn seconds_since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0) / 1_000_000_000
    }

    /// Formats it as RFC 3339 in UTC, as JSON shows times: `2026-11-19T19:31:40Z`, with a fraction where there is one.
    #[must_use]
    pub fn to_rfc3339(self) -> String {
        self.timestamp().to_string()
    }

    /// Formats it to the second, with the zone's offset at that moment, as screens show times: `2026-11-20 03:31:40 +08:00`.
    #[must_use]
    pub fn to_local(self, zone: &ServerTimeZone) -> String {
        let (date, time, offset) = zone.parts(self.timestamp());
        format!("{date} {time} {offset}")
    }

    /// Returns the moment. Every SCN fits: 64 bits of nanoseconds end in 2554, within the range of a timestamp.
    #[must_use]
    pub fn timestamp(self) -> Timestamp {
        Timestamp::from_nanosecond(i128::from(self.0)).unwrap_or_default()
    }
}

/// Formats a window for a screen: `2026-11-20 03:31:40 to 03:31:55 +08:00`; the second date and the first offset appear only
/// where they differ.
#[must_use]
pub fn span_text(from: Scn, to: Scn, zone: &ServerTimeZone) -> String {
    let (from_date, from_time, from_offset) = zone.parts(from.timestamp());
    let (to_date, to_time, to_offset) = zone.parts(to.timestamp());
    let to_date = if from_date == to_date { String::new() } else { format!("{to_date} ") };
    let from_offset = if from_offset == to_offset { String::new() } else { format!(" {from_offset}") };
    format!("{from_date} {from_time}{from_offset} to {to_date}{to_time} {to_offset}")
}
