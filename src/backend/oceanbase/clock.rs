//! The server's clock and time zone, which turn the times that a connection prints into timestamps.

use jiff::Timestamp;

use super::OceanBase;
use super::session::{Session, text};
use crate::domain::fault::{Cause, Fault};
use crate::domain::stall::ServerClock;
use crate::domain::time_zone::ServerTimeZone;

/// The largest distance of a zone from UTC that is accepted, in seconds.
const MAX_OFFSET: i32 = 24 * 3_600;

/// One reading of a server's clock.
struct ClockReading {
    /// `time_zone` of the connection.
    time_zone: String,
    /// The zone that `SYSTEM` stands for on the server.
    system_time_zone: String,
    /// Seconds that its printed times are ahead of UTC now.
    offset: i32,
    /// Its time in UTC.
    at: Timestamp,
    /// Milliseconds that it is ahead of this host's clock.
    ahead_ms: i64,
}

impl OceanBase {
    /// Reads the server's clock. The zone is read once for each connection, and does not change while that is open.
    ///
    /// # Errors
    /// No answer, or one that is no time.
    pub(super) async fn read_clock(&mut self) -> Result<ServerClock, Fault> {
        let known = self.clock.take();
        let session = self.session()?;
        let reading = read(session).await?;
        let time_zone = match known {
            Some(clock) => clock.time_zone,
            None => read_time_zone(session, &reading).await?,
        };
        let clock = ServerClock { time_zone, ahead_ms: reading.ahead_ms };
        self.clock = Some(clock.clone());
        Ok(clock)
    }

    /// Returns the zone in which the server prints times on the open connection.
    ///
    /// # Errors
    /// As [`OceanBase::read_clock`].
    pub(in crate::backend) async fn time_zone(&mut self) -> Result<ServerTimeZone, Fault> {
        match &self.clock {
            Some(clock) => Ok(clock.time_zone.clone()),
            None => Ok(self.read_clock().await?.time_zone),
        }
    }

    /// Returns the seconds that the server's times are ahead of UTC now.
    ///
    /// # Errors
    /// As [`OceanBase::read_clock`].
    pub(in crate::backend) async fn utc_offset(&mut self) -> Result<i32, Fault> {
        Ok(self.time_zone().await?.offset_at(super::now()))
    }
}

/// Determines the zone of a connection. Where its variables do not name one, the server is asked to print this connection's
/// times in UTC.
async fn read_time_zone(session: &mut Session, reading: &ClockReading) -> Result<ServerTimeZone, Fault> {
    let zone = ServerTimeZone::named(&reading.time_zone, &reading.system_time_zone, reading.offset, reading.at);
    if zone.unknown().is_none() {
        return Ok(zone);
    }
    match session.rows("SET SESSION time_zone = '+00:00'").await {
        Ok(_) if read(session).await?.offset == 0 => Ok(zone.printing_utc()),
        Ok(_) => Ok(zone),
        Err(failure) if failure.answered => Ok(zone),
        Err(failure) => Err(failure.fault),
    }
}

async fn read(session: &mut Session) -> Result<ClockReading, Fault> {
    let before = super::now();
    let sql = "SELECT NOW(6) AS LOCAL, UTC_TIMESTAMP(6) AS UTC, @@time_zone AS ZONE, @@system_time_zone AS SYSTEM_ZONE";
    let rows = session.rows(sql).await.map_err(|failure| failure.fault)?;
    let after = super::now();
    let row = rows.first().cloned().unwrap_or_default();
    let utc = ServerTimeZone::fixed(0);
    let (local, at) = (utc.moment(&text(&row, "LOCAL")), utc.moment(&text(&row, "UTC")));
    let (Ok(at), Some(offset)) = (&at, local.ok().zip(at.as_ref().ok()).and_then(|(local, at)| offset(local, *at)))
    else {
        // Without it every time that is shown would be in an invented zone.
        return Err(Fault::new(
            Cause::Server,
            format!("The clock of {} cannot be read.", session.endpoint),
            "It answers NOW(6) and UTC_TIMESTAMP(6) with something that is no time.",
            "Check what answers at that endpoint.",
        ));
    };
    let here = i64::midpoint(before.as_millisecond(), after.as_millisecond());
    Ok(ClockReading {
        time_zone: text(&row, "ZONE"),
        system_time_zone: text(&row, "SYSTEM_ZONE"),
        offset,
        at: *at,
        ahead_ms: at.as_millisecond() - here,
    })
}

/// Returns the seconds that a local time is ahead of UTC; `None` where it is further than any zone.
fn offset(local: Timestamp, utc: Timestamp) -> Option<i32> {
    // Zones are whole minutes; the two values are taken a moment apart.
    let minutes = (local.as_millisecond() - utc.as_millisecond() + 30_000).div_euclid(60_000);
    i32::try_from(minutes * 60).ok().filter(|seconds| seconds.abs() <= MAX_OFFSET)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn impossible_utc_offset_is_none() {
        let at = |seconds| Timestamp::from_second(seconds).unwrap_or_default();
        let (day, zone) = (86_400, 28_800);
        assert_eq!(offset(at(day + zone), at(day)), Some(28_800));
        assert_eq!(offset(at(day), at(day + 3 * 3_600)), Some(-10_800));
        assert_eq!(offset(at(3 * day), at(day)), None);
        assert_eq!(offset(Timestamp::MAX, at(day)), None);
    }
}
