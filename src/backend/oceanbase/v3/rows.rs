//! Rows of V2 and V3 into domain values. Their times are printed in the server's zone, their snapshots are microseconds.

use super::super::cells::{needed, result};
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

/// RESULT of what was cancelled (V3.1.5 source, `ob_errno.def`: `OB_CANCELED`).
const CANCELLED: u64 = 4072;

/// The cluster as a row names it: whatever is of all tenants is of sys.
pub(super) const CLUSTER: u64 = 1;

/// What a tenant of this id is; 2 to 1000 are the servers' own.
pub(super) fn kind(id: u64) -> TenantKind {
    match id {
        CLUSTER => TenantKind::Sys,
        0..=1_000 => TenantKind::Meta,
        _ => TenantKind::User,
    }
}

/// The variable that says where a tenant takes its timestamps from.
pub(super) const TIMESTAMP_SERVICE: &str = "ob_timestamp_service";

/// The user tenants of which the variable says that they do not use GTS. Where it does not say, nobody knows.
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

/// A destination as a table has it, with its host and without the keys behind it.
pub(super) fn place(text: &str) -> String {
    Destination::parse_server(text).map_or_else(|_| String::new(), |destination| destination.path_text())
}

/// What became of the part of a job that a row is about. Only `FINISH` without an error is a success; a word nobody knows
/// stays as it is, and nothing has ended by it.
fn end(row: &Row) -> Result<String, Fault> {
    let status = word(row, "STATUS");
    Ok(match (status.as_str(), result(row)?) {
        ("CANCEL", _) | (_, CANCELLED) => "CANCELED".to_owned(),
        ("FINISH", 0) => "COMPLETED".to_owned(),
        (_, 0) => status,
        _ => "FAILED".to_owned(),
    })
}

/// 2010-01-01 in microseconds since 1970: no server has made a backup before.
const FIRST: u64 = 1_262_304_000_000_000;

/// A bound of a set from its microseconds since 1970; 0, which is none, where they are no moment at which there was a backup.
fn bound(micros: u64) -> Scn {
    Scn::from_micros(if micros < FIRST { 0 } else { micros })
}

/// A row of the ended jobs as the set it made; `files` is the word about its files where the line has one.
///
/// # Errors
/// A number of it was not read.
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
        status: if end(row)? == "COMPLETED" { SetStatus::Success } else { SetStatus::Failed },
        file_status: files,
        // Where the server has no such column the log is needed from the snapshot on.
        start_replay: number(row, "START_REPLAY_LOG_TS").map_or(snapshot, bound),
        min_restore: snapshot,
        // 0 where it was not read: nothing is a window then.
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

/// A row of the archive rounds. A point that it does not have yet is 0.
///
/// # Errors
/// A number of it was not read.
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

/// A part of the running job: of one tenant, or (of sys) of all.
///
/// # Errors
/// A number of it was not read.
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
    Ok(JobFacts { status: word(row, "STATUS"), task: Some(task), ..part(row)? })
}

/// A part of a job that has ended, from its history row.
///
/// # Errors
/// A number of it was not read.
pub(super) fn ended(row: &Row) -> Result<JobFacts, Fault> {
    let ended = some_text(row, "END_TIME").map(|ended| identifier(&ended));
    Ok(JobFacts { status: end(row)?, ended, ..part(row)? })
}

/// The set's id stands for the job's; the part of sys is the parent of the others.
fn part(row: &Row) -> Result<JobFacts, Fault> {
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

/// The job as its state alone shows it, before any part of it is there.
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
