//! Types of the columns of views. Every result is checked against them when it is read: a missing or unreadable cell is an error
//! that names view and column, and no default is used.

use super::release_profile::ViewId;
use super::session::{Row, number, some_text};
use crate::domain::diagnosis::foreign;
use crate::domain::fault::{Cause, Fault};
use crate::domain::scn::Scn;
use crate::domain::time_zone::{ServerTimeZone, TimeError};

#[cfg(test)]
mod tests;

/// The most characters of a cell that a message repeats.
const MAX_SHOWN: usize = 40;

/// Seconds that a past time may lie after the server's clock: the clocks of one cluster do not differ by more.
const CLOCK_TOLERANCE: i64 = 24 * 3_600;

/// The largest UTC offset of a time zone, in seconds.
const MAX_UTC_OFFSET: i64 = 14 * 3_600;

/// The unit of a time column.
#[derive(Debug, Clone, Copy)]
enum TimeUnit {
    /// Nanoseconds since 1970.
    Nanos,
    /// Microseconds since 1970.
    Micros,
    /// A printed time in the server's time zone.
    Printed,
}

/// Columns with times that lie in the past when they are read. `END_SCN` is not one: the end of a piece is planned.
const PAST_COLUMNS: [(&str, TimeUnit); 13] = [
    ("START_SCN", TimeUnit::Nanos),
    ("CHECKPOINT_SCN", TimeUnit::Nanos),
    ("START_REPLAY_SCN", TimeUnit::Nanos),
    ("MIN_RESTORE_SCN", TimeUnit::Nanos),
    ("SNAPSHOT_VERSION", TimeUnit::Micros),
    ("START_REPLAY_LOG_TS", TimeUnit::Micros),
    ("FROZEN_TIMESTAMP", TimeUnit::Micros),
    ("START_TIMESTAMP", TimeUnit::Printed),
    ("END_TIMESTAMP", TimeUnit::Printed),
    ("START_TIME", TimeUnit::Printed),
    ("END_TIME", TimeUnit::Printed),
    ("MIN_FIRST_TIME", TimeUnit::Printed),
    ("MAX_NEXT_TIME", TimeUnit::Printed),
];

/// The type of the values of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ColumnType {
    /// A whole number from 0 on, never NULL.
    Number,
    /// A whole number from 0 on, or NULL.
    NumberOrNull,
    /// A whole number of either sign, never NULL.
    SignedNumber,
    /// A whole number of either sign, or NULL.
    SignedNumberOrNull,
    /// Seconds since 1970 with a fraction, or NULL.
    UnixTimeOrNull,
    /// A valid printed time, or what stands for none: NULL, an empty text, or zero.
    PrintedTime,
    /// A text that is neither NULL nor empty.
    NonEmptyText,
    /// One of these texts, never NULL.
    OneOf(&'static [&'static str]),
    /// One of these texts, or NULL.
    OneOfOrNull(&'static [&'static str]),
    /// Any text, which may be empty, but not NULL.
    TextNotNull,
    /// Any text, or NULL.
    Text,
}

const YES_NO: ColumnType = ColumnType::OneOf(&["YES", "NO", "0", "1"]);

/// Returns the type of a view's column; `None` where it is not listed here.
pub(super) fn kind(view: ViewId, column: &str) -> Option<ColumnType> {
    if matches!(view, ViewId::Zones | ViewId::ScheduleTasks) {
        // Name and value columns with values of many types, and columns that are only shown.
        return Some(ColumnType::Text);
    }
    Some(match (view, column) {
        // A parameter of the cluster has no tenant.
        (ViewId::Parameters, "TENANT_ID")
        // A parent job has no set of its own.
        | (ViewId::Jobs | ViewId::JobHistory, "BACKUP_SET_ID") => ColumnType::NumberOrNull,
        (ViewId::Tasks, "RESULT") => ColumnType::SignedNumberOrNull,
        (_, "TENANT_ID" | "BACKUP_SET_ID" | "DEST_ID" | "DEST_NO" | "ROUND_ID" | "PIECE_ID" | "JOB_ID" | "TASK_ID" | "LS_ID"
            | "ID" | "BS_KEY" | "COPY_ID" | "PREV_FULL_BACKUP_SET_ID" | "PREV_INC_BACKUP_SET_ID" | "INITIATOR_TENANT_ID"
            | "INITIATOR_JOB_ID" | "LOG_ARCHIVE_ROUND" | "CLUSTER_ID" | "SVR_PORT" | "START_SCN" | "CHECKPOINT_SCN" | "SNAPSHOT_VERSION"
            | "FROZEN_VERSION" | "FROZEN_TIMESTAMP") => ColumnType::Number,
        (_, "START_REPLAY_SCN" | "MIN_RESTORE_SCN" | "END_SCN" | "INPUT_BYTES" | "OUTPUT_BYTES" | "TABLET_COUNT"
            | "FINISH_TABLET_COUNT" | "MACRO_BLOCK_COUNT" | "FINISH_MACRO_BLOCK_COUNT" | "PARTITION_COUNT"
            | "FINISH_PARTITION_COUNT" | "START_REPLAY_LOG_TS" | "BACKUP_DATA_VERSION" | "IS_MARK_DELETED"
            | "PRIMARY_CLUSTER_ID" | "PROXY_SESSID" | "RS_SVR_PORT") => {
            ColumnType::NumberOrNull
        }
        (_, "RESULT") => ColumnType::SignedNumber,
        (ViewId::Tenants, "CREATE_TIME" | "GMT_CREATE") => ColumnType::UnixTimeOrNull,
        (_, "IN_RECYCLEBIN" | "READ_ONLY" | "WITH_ROOTSERVER") => YES_NO,
        (ViewId::Variables, "VALUE") => ColumnType::OneOfOrNull(&["0", "1", "2", "LTS", "GTS", "HA_GTS"]),
        (_, "START_TIMESTAMP" | "END_TIMESTAMP" | "START_TIME" | "END_TIME" | "MIN_FIRST_TIME" | "MAX_NEXT_TIME") => {
            ColumnType::PrintedTime
        }
        (_, "LOG_MODE") => ColumnType::OneOfOrNull(&["ARCHIVELOG", "NOARCHIVELOG"]),
        (_, "TENANT_TYPE") => ColumnType::OneOf(&["SYS", "USER", "META"]),
        (_, "PLUS_ARCHIVELOG") => ColumnType::OneOf(&["ON", "OFF"]),
        // Between two cleanups the row of V2 and V3 has no type.
        (ViewId::DeleteJobs, "STATUS")
        | (_, "TYPE" | "COMPATIBILITY_MODE" | "SVR_IP" | "ZONE" | "BUILD_VERSION") => ColumnType::TextNotNull,
        (_, "BACKUP_LEVEL") => ColumnType::OneOf(&["CLUSTER", "TENANT"]),
        (_, "STATUS" | "FILE_STATUS" | "BACKUP_TYPE" | "CLUSTER_ROLE" | "NAME" | "TENANT_NAME" | "JOB_TYPE" | "JOB_STATUS") => ColumnType::NonEmptyText,
        (_, "VALUE" | "STOP_TIME" | "START_SERVICE_TIME" | "TIMESTAMP" | "GMT_CREATE" | "PATH" | "BACKUP_DEST" | "DESTINATION" | "COMMENT"
            | "DESCRIPTION" | "ENCRYPTION_MODE" | "TENANT_COMPATIBLE" | "CLUSTER_VERSION" | "COMPATIBLE" | "TENANT_ROLE"
            | "EXECUTOR_TENANT_ID" | "JOB_LEVEL" | "RECOVERY_WINDOW" | "POLICY_NAME" | "DATA_PROGRESS" | "LOG_PROGRESS" | "MODULE"
            | "EVENT" | "NAME1" | "NAME2" | "NAME3" | "NAME4" | "NAME5" | "NAME6" | "VALUE1" | "VALUE2" | "VALUE3" | "VALUE4"
            | "VALUE5" | "VALUE6" | "EXTRA_INFO" | "RS_SVR_IP" | "USER" | "CLUSTER_NAME" | "CLUSTER_STATUS" | "TRACE_ID"
            | "INFO") => ColumnType::Text,
        _ => return None,
    })
}

/// A cell whose value does not have the type of its column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct UnreadableCell {
    /// The column.
    pub column: String,
    /// What is wrong with the value, as text.
    pub says: String,
}

impl UnreadableCell {
    /// Returns the fault of a parameter that is missing or has an invalid value.
    pub(super) fn parameter(name: &str) -> Fault {
        Fault::new(
            Cause::Server,
            format!("The parameter {name} cannot be read."),
            "It is not listed, or its value is none that it can have; nothing is put in its place.",
            format!("Look at it as root@sys: parameters like {name}; check what answers at that endpoint."),
        )
    }

    /// Returns the fault that names the view.
    pub(super) fn fault(&self, view: &str) -> Fault {
        Fault::new(
            Cause::Server,
            format!("oceanbase.{view} cannot be read."),
            format!("Its column {} {}, and nothing is put in its place.", self.column, self.says),
            "Check what answers at that endpoint, and that every server runs the version that it names; then try again.",
        )
    }
}

/// Checks the rows of a result against the types of their columns. `columns` are the selected ones.
///
/// # Errors
/// The first cell that is missing or does not have the type of its column.
pub(super) fn check(view: ViewId, columns: &[&str], rows: &[Row]) -> Result<(), UnreadableCell> {
    for row in rows {
        for column in columns {
            let says = if row.has(column) {
                kind(view, column).and_then(|kind| kind.mismatch(row.get(column).as_deref()))
            } else {
                Some("is not in its answer".to_owned())
            };
            if let Some(says) = says {
                return Err(UnreadableCell { column: (*column).to_owned(), says });
            }
        }
    }
    Ok(())
}

/// Checks that no past time of a result lies after the server's clock.
///
/// # Errors
/// The first cell whose time does, by more than the tolerance.
pub(super) fn check_not_future(rows: &[Row], now: Scn) -> Result<(), UnreadableCell> {
    let latest = now.timestamp().as_second().saturating_add(CLOCK_TOLERANCE);
    for row in rows {
        for (column, unit) in PAST_COLUMNS {
            let second = match unit {
                TimeUnit::Nanos => number(row, column).map(|scn| Scn(scn).timestamp().as_second()),
                TimeUnit::Micros => number(row, column).map(|micros| Scn::from_micros(micros).timestamp().as_second()),
                TimeUnit::Printed => some_text(row, column)
                    .and_then(|printed| ServerTimeZone::fixed(0).moment(&printed).ok())
                    .map(|at| at.as_second().saturating_sub(MAX_UTC_OFFSET)),
            };
            if second.is_some_and(|second| second > latest) {
                let cell = shortened(&some_text(row, column).unwrap_or_default());
                let says = format!("says \"{cell}\", which is later than the server's clock");
                return Err(UnreadableCell { column: column.to_owned(), says });
            }
        }
    }
    Ok(())
}

/// Returns a cell shortened and cleaned for a message.
fn shortened(text: &str) -> String {
    foreign(text).chars().take(MAX_SHOWN).collect()
}

/// Returns the number of a column that must have one.
///
/// # Errors
/// The column is missing, or has no number.
pub(super) fn needed(row: &Row, column: &str) -> Result<u64, Fault> {
    number(row, column).ok_or_else(|| missing_cell(column))
}

/// Returns RESULT without its sign: the server stores it negative, the manual prints it positive.
///
/// # Errors
/// The column is missing, or has no number.
pub(super) fn result(row: &Row) -> Result<u64, Fault> {
    result_or_null(row).ok_or_else(|| missing_cell("RESULT"))
}

/// Returns RESULT without its sign; `None` where it is NULL.
pub(super) fn result_or_null(row: &Row) -> Option<u64> {
    some_text(row, "RESULT")?.trim().parse::<i64>().ok().map(i64::unsigned_abs)
}

/// Returns whether a column means yes: YES on V4, 1 on the release lines below it.
pub(super) fn is_on(row: &Row, column: &str) -> bool {
    some_text(row, column).is_some_and(|word| word != "0" && !word.eq_ignore_ascii_case("NO"))
}

fn missing_cell(column: &str) -> Fault {
    Fault::new(
        Cause::Server,
        "A row of a view cannot be read.",
        format!("Its column {column} is not there, or is no number; nothing is put in its place."),
        "Check what answers at that endpoint; then try again.",
    )
}

impl ColumnType {
    /// Returns what is wrong with a cell of this type; `None` where nothing is.
    fn mismatch(self, cell: Option<&str>) -> Option<String> {
        let nullable = matches!(
            self,
            Self::NumberOrNull
                | Self::SignedNumberOrNull
                | Self::UnixTimeOrNull
                | Self::PrintedTime
                | Self::OneOfOrNull(_)
                | Self::Text
        );
        let Some(text) = cell else { return (!nullable).then(|| "is NULL".to_owned()) };
        let text = text.trim();
        let wanted = match self {
            Self::Number | Self::NumberOrNull => text.parse::<u64>().is_err().then_some("no whole number"),
            Self::SignedNumber | Self::SignedNumberOrNull => text.parse::<i64>().is_err().then_some("no whole number"),
            Self::UnixTimeOrNull => {
                let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
                let (seconds, fraction) = text.split_once('.').unwrap_or((text, "0"));
                let is_time = digits(seconds) && digits(fraction) && seconds.parse::<u32>().is_ok();
                (!is_time).then_some("no time")
            }
            Self::PrintedTime => {
                matches!(ServerTimeZone::fixed(0).moment(text), Err(TimeError::NotKnown(_))).then_some("no time")
            }
            Self::OneOf(words) | Self::OneOfOrNull(words) => {
                (!words.iter().any(|word| word.eq_ignore_ascii_case(text))).then_some("no word of it")
            }
            Self::NonEmptyText => return text.is_empty().then(|| "is empty".to_owned()),
            Self::Text | Self::TextNotNull => None,
        };
        wanted.map(|wanted| format!("says \"{}\", which is {wanted}", shortened(text)))
    }
}
