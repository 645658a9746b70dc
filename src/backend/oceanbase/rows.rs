//! Parses rows of views into domain values. A missing column, a NULL or garbage becomes "not known", never a panic.

use jiff::Timestamp;

use super::column_types::{self, needed, result_or_null};
use super::session::{Row, number, some_text, text};
use crate::domain::archive_dest::ArchiveDest;
use crate::domain::destination::Destination;
use crate::domain::diagnosis::{foreign, identifier};
use crate::domain::facts::{JobFacts, TaskFacts};
use crate::domain::fault::Fault;
use crate::domain::progress::Count;
use crate::domain::restorable::{
    BackupSet, FileStatus, Piece, PieceStatus, Round, RoundStatus, SetKind, SetStatus, restores_here,
};
use crate::domain::scn::Scn;
use crate::domain::time_zone::{ServerTimeZone, TimeError};
use crate::domain::version::Version;

#[cfg(test)]
mod tests;

/// Returns the SCN of a column that must have one.
fn required_scn(row: &Row, column: &str) -> Result<Scn, Fault> {
    needed(row, column).map(Scn)
}

/// Returns the SCN of a column; 0 where the set does not have it yet or it is NULL.
fn scn_or_zero(row: &Row, column: &str) -> Scn {
    number(row, column).map_or(Scn(0), Scn)
}

/// Returns a name or state of a view without control characters.
pub fn word(row: &Row, column: &str) -> String {
    identifier(&text(row, column))
}

/// Returns the SCN of a printed time; `None` where none is set (empty, or 1970 while a set is made) or its zone is not known.
pub(super) fn moment(row: &Row, column: &str, zone: &ServerTimeZone) -> Option<Scn> {
    zone.moment(&some_text(row, column)?).ok().map(Scn::from_timestamp)
}

/// Returns `ip:port` of the server of a row.
pub fn server(row: &Row) -> String {
    format!("{}:{}", word(row, "SVR_IP"), word(row, "SVR_PORT"))
}

/// Returns whether a server was started and not stopped; `None` where one of the two was unreadable.
pub fn serving(row: &Row) -> Option<bool> {
    // An ACTIVE server has a start time.
    let started = some_text(row, "START_SERVICE_TIME").and_then(|at| is_time_set(&at));
    let stopped = some_text(row, "STOP_TIME").map_or(Some(false), |at| is_time_set(&at));
    match (started, stopped) {
        (Some(false), _) | (_, Some(true)) => Some(false),
        (Some(true), Some(false)) => Some(true),
        _ => None,
    }
}

/// Returns whether a time is set: V4 prints a time or NULL, the release lines below it a number that is 0 while it is not.
/// `None` where it is neither.
fn is_time_set(at: &str) -> Option<bool> {
    if let Ok(number) = at.trim().parse::<u64>() {
        return Some(number != 0);
    }
    match ServerTimeZone::fixed(0).moment(at) {
        Ok(_) => Some(true),
        Err(TimeError::NotSet) => Some(false),
        Err(TimeError::NotKnown(_)) => None,
    }
}

/// Returns the DESCRIPTION of a job: the marker of an obnow unchanged, other texts cleaned.
fn description(text: &str) -> String {
    let is_run = |run: &str| run.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '/'));
    if text.strip_prefix(JobFacts::MARK).is_some_and(is_run) { text.to_owned() } else { foreign(text) }
}

/// Returns the time of a column that was selected in seconds since 1970, to the microsecond.
pub fn unix_time(row: &Row, column: &str) -> Option<Timestamp> {
    let printed = some_text(row, column)?;
    let (seconds, fraction) = printed.split_once('.').unwrap_or((&printed, ""));
    let micros: i64 = format!("{fraction:0<6}").get(..6)?.parse().ok()?;
    let micros = seconds.parse::<i64>().ok()?.checked_mul(1_000_000)?.checked_add(micros)?;
    // Servers return 0 for an invalid time.
    Timestamp::from_microsecond(micros).ok().filter(|at| at.as_microsecond() > 0)
}

/// Returns `ip:port` from these two columns; `None` where one is missing.
pub fn address_from(row: &Row, ip: &str, port: &str) -> Option<String> {
    let (ip, port) = (word(row, ip), number(row, port)?);
    (!ip.is_empty()).then(|| format!("{ip}:{port}"))
}

/// Parses a row of the view of backup sets of a cluster of this version.
///
/// # Errors
/// A number is missing or unreadable.
pub fn set(row: &Row, version: &Version, zone: &ServerTimeZone) -> Result<BackupSet, Fault> {
    let data_version = some_text(row, "TENANT_COMPATIBLE").map(|version| identifier(&version));
    Ok(BackupSet {
        id: needed(row, "BACKUP_SET_ID")?,
        kind: SetKind::from(word(row, "BACKUP_TYPE")),
        prev_full: needed(row, "PREV_FULL_BACKUP_SET_ID")?,
        prev_inc: needed(row, "PREV_INC_BACKUP_SET_ID")?,
        tenant_level: false,
        status: SetStatus::from(word(row, "STATUS")),
        file_status: FileStatus::from(word(row, "FILE_STATUS")),
        start_replay: scn_or_zero(row, "START_REPLAY_SCN"),
        min_restore: scn_or_zero(row, "MIN_RESTORE_SCN"),
        log_needed_to: None,
        plus_archivelog: text(row, "PLUS_ARCHIVELOG").eq_ignore_ascii_case("ON"),
        encryption_mode: word(row, "ENCRYPTION_MODE"),
        dest_id: needed(row, "DEST_ID")?,
        path: word(row, "PATH"),
        bytes: number(row, "OUTPUT_BYTES"),
        cluster_version: some_text(row, "CLUSTER_VERSION").map(|version| identifier(&version)),
        restores_here: restores_here(data_version.as_deref(), version),
        data_version,
        started: moment(row, "START_TIMESTAMP", zone),
        ended: moment(row, "END_TIMESTAMP", zone),
    })
}

/// Parses a row of the view of archive rounds.
///
/// # Errors
/// A number is missing or unreadable.
pub fn round(row: &Row) -> Result<Round, Fault> {
    Ok(Round {
        round_id: needed(row, "ROUND_ID")?,
        dest_id: needed(row, "DEST_ID")?,
        status: RoundStatus::from(word(row, "STATUS")),
        start: required_scn(row, "START_SCN")?,
        checkpoint: required_scn(row, "CHECKPOINT_SCN")?,
        path: word(row, "PATH"),
    })
}

/// Parses a row of the view of archive pieces.
///
/// # Errors
/// A number is missing or unreadable.
pub fn piece(row: &Row) -> Result<Piece, Fault> {
    Ok(Piece {
        dest_id: needed(row, "DEST_ID")?,
        round_id: needed(row, "ROUND_ID")?,
        piece_id: needed(row, "PIECE_ID")?,
        status: PieceStatus::from(word(row, "STATUS")),
        file_status: FileStatus::from(word(row, "FILE_STATUS")),
        start: required_scn(row, "START_SCN")?,
        end: number(row, "END_SCN").map(Scn).filter(|end| *end != Scn::MAX && end.0 != 0),
        checkpoint: required_scn(row, "CHECKPOINT_SCN")?,
    })
}

/// Parses a row of the views of running or ended jobs.
///
/// # Errors
/// A number is missing or unreadable.
pub fn job(row: &Row) -> Result<JobFacts, Fault> {
    let known = |column| number(row, column).filter(|value| *value != 0);
    Ok(JobFacts {
        tenant_id: needed(row, "TENANT_ID")?,
        job_id: needed(row, "JOB_ID")?,
        set_id: known("BACKUP_SET_ID"),
        initiator_tenant_id: needed(row, "INITIATOR_TENANT_ID")?,
        initiator_job_id: known("INITIATOR_JOB_ID"),
        executors: executors(&text(row, "EXECUTOR_TENANT_ID")),
        kind: SetKind::from(word(row, "BACKUP_TYPE")),
        status: word(row, "STATUS"),
        result: column_types::result(row)?,
        comment: foreign(&text(row, "COMMENT")),
        description: description(&text(row, "DESCRIPTION")),
        path: word(row, "PATH"),
        started: word(row, "START_TIMESTAMP"),
        ended: some_text(row, "END_TIMESTAMP").map(|ended| identifier(&ended)),
        task: None,
    })
}

/// Parses the tenants of a job; empty where one is unreadable: then it may be for any tenant.
fn executors(ids: &str) -> Vec<u64> {
    let ids = ids.split([',', ' ']).filter(|id| !id.is_empty());
    ids.map(str::parse).collect::<Result<_, _>>().unwrap_or_default()
}

/// Returns RESULT and COMMENT of a task; 0 where the result is not set yet.
pub fn trouble(row: &Row) -> (u64, String) {
    (result_or_null(row).unwrap_or(0), foreign(&text(row, "COMMENT")))
}

/// Returns whether a row of the view of tasks belongs to the job.
pub fn is_task_of(row: &Row, job: &JobFacts) -> bool {
    number(row, "JOB_ID") == Some(job.job_id) && number(row, "TENANT_ID") == Some(job.tenant_id)
}

/// Parses a row of the view of tasks.
pub fn task(row: &Row) -> TaskFacts {
    let count = |done, total| {
        let total = number(row, total).filter(|total| *total > 0)?;
        Some(Count { done: number(row, done)?, total })
    };
    let phase = word(row, "STATUS");
    // The view shows 0 before the log phase, and always for a set without log.
    let log_percent = percent(row, "LOG_PROGRESS").filter(|_| phase.contains("BACKUP_LOG"));
    TaskFacts {
        phase,
        bytes: number(row, "OUTPUT_BYTES"),
        bytes_total: None,
        tablets: count("FINISH_TABLET_COUNT", "TABLET_COUNT"),
        blocks: count("FINISH_MACRO_BLOCK_COUNT", "MACRO_BLOCK_COUNT"),
        percent: percent(row, "DATA_PROGRESS"),
        log_percent,
    }
}

fn percent(row: &Row, column: &str) -> Option<f64> {
    let percent: f64 = some_text(row, column)?.trim().parse().ok()?;
    (0.0..=100.0).contains(&percent).then_some(percent)
}

/// Parses `data_backup_dest` of one tenant from its rows of the view of backup parameters; `None` where it is not set.
///
/// # Errors
/// Its value cannot be parsed.
pub fn data_destination(rows: &[Row]) -> Result<Option<Destination>, String> {
    let row = rows.iter().find(|row| text(row, "NAME").eq_ignore_ascii_case("data_backup_dest"));
    let Some(value) = row.and_then(|row| some_text(row, "VALUE")) else { return Ok(None) };
    Destination::parse_server(&value).map(Some).map_err(|_| "its data_backup_dest".to_owned())
}

/// Parses `log_archive_dest` of one tenant from its key-and-value rows, and whether its state is DEFER.
///
/// # Errors
/// One of the values cannot be parsed.
pub fn parse_archive_destination(rows: &[Row]) -> Result<(Option<ArchiveDest>, bool), String> {
    let pairs: Vec<(String, String)> = rows
        .iter()
        .filter(|row| number(row, "DEST_NO") == Some(0))
        .map(|row| (text(row, "NAME"), text(row, "VALUE")))
        .collect();
    let state = pairs.iter().find(|(name, _)| name.eq_ignore_ascii_case("state")).map(|(_, value)| value.as_str());
    let deferred = match state {
        Some(state) if state.eq_ignore_ascii_case("DEFER") => true,
        // Before a destination is set there is no row for it.
        None => false,
        // The second is how V4.0 writes it (its source, `ob_backup_struct.cpp`).
        Some(state) if ["ENABLE", "ENBALE"].iter().any(|word| state.eq_ignore_ascii_case(word)) => false,
        Some(_) => return Err("the state of its log_archive_dest".to_owned()),
    };
    let parts = pairs.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let destination = ArchiveDest::from_rows(parts).map_err(|_| "its log_archive_dest".to_owned())?;
    Ok((destination, deferred))
}

/// Returns a running cleanup as text.
pub fn cleanup(row: &Row) -> String {
    format!("cleanup job {} ({}) is {}", word(row, "JOB_ID"), word(row, "TYPE"), word(row, "STATUS"))
}

/// Parses a duration as parameters print it (`120s`, `2m`, `100ms`, `1h`) into whole seconds.
pub fn seconds(text: &str) -> Option<u64> {
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let value: u64 = text[..digits].parse().ok()?;
    match text[digits..].to_ascii_lowercase().as_str() {
        "ms" => Some(value / 1_000),
        "s" | "" => Some(value),
        "m" => value.checked_mul(60),
        "h" => value.checked_mul(3_600),
        "d" => value.checked_mul(86_400),
        _ => None,
    }
}
