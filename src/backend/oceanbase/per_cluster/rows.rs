//! Parses rows of V2 and V3 into domain values. Times are printed in the server's zone, snapshots are in microseconds.

use super::super::column_types::{needed, result};
use super::super::rows::{moment, word};
use super::super::session::{Row, number, some_text, text};
use crate::domain::destination::Destination;
use crate::domain::diagnosis::identifier;
use crate::domain::facts::{JobFacts, Known, TaskFacts, TenantFacts, TenantKind};
use crate::domain::fault::Fault;
use crate::domain::progress::Count;
use crate::domain::restorable::{BackupSet, FileStatus, Round, RoundStatus, SetKind, SetStatus};
use crate::domain::scn::Scn;
use crate::domain::time_zone::ServerTimeZone;

/// RESULT of a cancelled job (V3.1.5 source, `ob_errno.def`: `OB_CANCELED`).
const CANCELLED_RESULT: u64 = 4072;

/// The tenant id of rows for the whole cluster: sys.
pub(super) const CLUSTER: u64 = 1;

/// Returns the kind of a tenant by its id; 2 to 1000 are internal tenants.
pub(super) fn kind(id: u64) -> TenantKind {
    match id {
        CLUSTER => TenantKind::Sys,
        0..=1_000 => TenantKind::Meta,
        _ => TenantKind::User,
    }
}

/// The variable with the timestamp service of a tenant.
pub(super) const TIMESTAMP_SERVICE: &str = "ob_timestamp_service";

/// Returns the user tenants that do not use GTS by the variable; `NotChecked` where a value is missing or unknown.
pub(super) fn without_gts(variables: &[Row], tenants: &[TenantFacts]) -> Known<Vec<String>> {
    let mut without = Vec::new();
    for tenant in tenants.iter().filter(|tenant| tenant.kind == TenantKind::User && !tenant.in_recycle_bin) {
        let own = variables.iter().find(|row| number(row, "TENANT_ID") == Some(tenant.id));
        let value = own.map(|row| word(row, "VALUE")).unwrap_or_default();
        match value.as_str() {
            "1" | "2" | "GTS" | "HA_GTS" => {}
            "0" | "LTS" => without.push(tenant.name.clone()),
            _ => {
                return Known::NotChecked(format!(
                    "{} does not say whether it uses GTS: {TIMESTAMP_SERVICE} is \"{value}\"",
                    tenant.name
                ));
            }
        }
    }
    Known::Known(without)
}

/// Returns a destination of a table with its host and without keys.
pub(super) fn place(text: &str) -> String {
    Destination::parse_server(text).map_or_else(|_| String::new(), |destination| destination.path_text())
}

/// Returns the final status of a part of a job. Only `FINISH` without an error is a success; an unknown status is returned as it
/// is and is not an end.
fn end_status(row: &Row) -> Result<String, Fault> {
    let status = word(row, "STATUS");
    Ok(match (status.as_str(), result(row)?) {
        ("CANCEL", _) | (_, CANCELLED_RESULT) => "CANCELED".to_owned(),
        ("FINISH", 0) => "COMPLETED".to_owned(),
        (_, 0) => status,
        _ => "FAILED".to_owned(),
    })
}

/// 2010-01-01 in microseconds since 1970: no server made a backup before that.
const EARLIEST_BACKUP_MICROS: u64 = 1_262_304_000_000_000;

/// Returns the SCN of microseconds since 1970; 0, which means none, where they are before the first backup.
fn bound(micros: u64) -> Scn {
    Scn::from_micros(if micros < EARLIEST_BACKUP_MICROS { 0 } else { micros })
}

/// Parses a row of the ended jobs into the set it made; `files` is the status of its files where the release line has one.
///
/// # Errors
/// A number is missing or unreadable.
pub(super) fn set(
    row: &Row,
    files: Option<FileStatus>,
    tenant_level: bool,
    zone: &ServerTimeZone,
) -> Result<BackupSet, Fault> {
    let snapshot = bound(needed(row, "SNAPSHOT_VERSION")?);
    let files = match (number(row, "IS_MARK_DELETED"), files) {
        (Some(0), None) => FileStatus::Available,
        (Some(0) | None, Some(files)) => files,
        (Some(_), _) => FileStatus::Deleted,
        (None, None) => FileStatus::Other("not known".to_owned()),
    };
    let ended = moment(row, "END_TIME", zone);
    Ok(BackupSet {
        id: needed(row, "BACKUP_SET_ID")?,
        kind: SetKind::from(word(row, "BACKUP_TYPE")),
        prev_full: needed(row, "PREV_FULL_BACKUP_SET_ID")?,
        prev_inc: needed(row, "PREV_INC_BACKUP_SET_ID")?,
        tenant_level,
        status: if end_status(row)? == "COMPLETED" { SetStatus::Success } else { SetStatus::Failed },
        file_status: files,
        // Where the server has no such column the log is needed from the snapshot on.
        start_replay: number(row, "START_REPLAY_LOG_TS").map_or(snapshot, bound),
        min_restore: snapshot,
        // 0 where it is unreadable: then there is no restore window.
        log_needed_to: Some(ended.unwrap_or(Scn(0))),
        plus_archivelog: false,
        encryption_mode: word(row, "ENCRYPTION_MODE"),
        dest_id: 0,
        path: place(&text(row, "BACKUP_DEST")),
        bytes: number(row, "OUTPUT_BYTES"),
        data_version: number(row, "BACKUP_DATA_VERSION").map(|version| version.to_string()),
        cluster_version: None,
        restores_here: Some(true),
        started: moment(row, "START_TIME", zone),
        ended,
    })
}

/// Parses a row of the archive rounds. A position that it does not have yet is 0.
///
/// # Errors
/// A number is missing or unreadable.
pub(super) fn round(row: &Row, zone: &ServerTimeZone) -> Result<Round, Fault> {
    Ok(Round {
        round_id: needed(row, "LOG_ARCHIVE_ROUND")?,
        dest_id: 0,
        status: RoundStatus::from(word(row, "STATUS")),
        start: moment(row, "MIN_FIRST_TIME", zone).unwrap_or_default(),
        checkpoint: moment(row, "MAX_NEXT_TIME", zone).unwrap_or_default(),
        path: String::new(),
    })
}

/// Parses a part of the running job: of one tenant, or of sys for all.
///
/// # Errors
/// A number is missing or unreadable.
pub(super) fn running(row: &Row) -> Result<JobFacts, Fault> {
    let count = |done, total| {
        let total = number(row, total).filter(|total| *total > 0)?;
        Some(Count { done: number(row, done)?.min(total), total })
    };
    let task = TaskFacts {
        phase: word(row, "STATUS"),
        bytes: number(row, "OUTPUT_BYTES"),
        bytes_total: None,
        tablets: count("FINISH_PARTITION_COUNT", "PARTITION_COUNT"),
        blocks: count("FINISH_MACRO_BLOCK_COUNT", "MACRO_BLOCK_COUNT"),
        percent: None,
        log_percent: None,
    };
    Ok(JobFacts { status: word(row, "STATUS"), task: Some(task), ..parse_part(row)? })
}

/// Parses the history row of an ended part.
///
/// # Errors
/// A number is missing or unreadable.
pub(super) fn ended(row: &Row) -> Result<JobFacts, Fault> {
    let ended = some_text(row, "END_TIME").map(|ended| identifier(&ended));
    Ok(JobFacts { status: end_status(row)?, ended, ..parse_part(row)? })
}

/// Parses the common columns. The set id is used as the job id; the part of sys is the parent of the others.
fn parse_part(row: &Row) -> Result<JobFacts, Fault> {
    let set = needed(row, "BACKUP_SET_ID")?;
    let tenant = needed(row, "TENANT_ID")?;
    Ok(JobFacts {
        tenant_id: tenant,
        job_id: set,
        set_id: Some(set),
        initiator_tenant_id: CLUSTER,
        initiator_job_id: (tenant != CLUSTER).then_some(set),
        executors: Vec::new(),
        kind: SetKind::from(word(row, "BACKUP_TYPE")),
        status: String::new(),
        result: result(row)?,
        comment: String::new(),
        description: String::new(),
        path: place(&text(row, "BACKUP_DEST")),
        started: word(row, "START_TIME"),
        ended: None,
        task: None,
    })
}

/// Returns the job from its state alone, before any part of it exists.
pub(super) fn coming(status: &str, set: Option<u64>, kind: SetKind) -> JobFacts {
    JobFacts {
        tenant_id: CLUSTER,
        // A job of no known set yet.
        job_id: set.unwrap_or(0),
        set_id: set,
        initiator_tenant_id: CLUSTER,
        initiator_job_id: None,
        executors: Vec::new(),
        kind,
        status: status.to_owned(),
        result: 0,
        comment: String::new(),
        description: String::new(),
        path: String::new(),
        started: String::new(),
        ended: None,
        task: None,
    }
}
