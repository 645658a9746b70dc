//! Rows of V2 and V3 into domain values. Their times are printed in the server's zone, their snapshots are microseconds.

use super::super::rows::{moment, result, word};
use super::super::session::{Row, number, some_text, text};
use crate::domain::destination::Destination;
use crate::domain::diagnosis::clean;
use crate::domain::facts::{JobFacts, Known, TaskFacts, TenantFacts, TenantKind};
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
fn end(row: &Row) -> String {
    let status = word(row, "STATUS");
    match (status.as_str(), result(row)) {
        ("CANCEL", _) | (_, CANCELLED) => "CANCELED".to_owned(),
        ("FINISH", 0) => "COMPLETED".to_owned(),
        (_, 0) => status,
        _ => "FAILED".to_owned(),
    }
}

/// A row of the ended jobs as the set it made; `files` is the word about its files where the line has one.
pub(super) fn set(row: &Row, files: Option<FileStatus>, tenant_level: bool, zone: &ServerTimeZone) -> BackupSet {
    let snapshot = Scn::from_micros(number(row, "SNAPSHOT_VERSION").unwrap_or_default());
    let deleted = number(row, "IS_MARK_DELETED").is_some_and(|mark| mark != 0);
    let ended = moment(row, "END_TIME", zone);
    BackupSet {
        id: number(row, "BACKUP_SET_ID").unwrap_or_default(),
        kind: SetKind::from(word(row, "BACKUP_TYPE")),
        prev_full: number(row, "PREV_FULL_BACKUP_SET_ID").unwrap_or_default(),
        prev_inc: number(row, "PREV_INC_BACKUP_SET_ID").unwrap_or_default(),
        tenant_level,
        status: if end(row) == "COMPLETED" { SetStatus::Success } else { SetStatus::Failed },
        file_status: if deleted { FileStatus::Deleted } else { files.unwrap_or(FileStatus::Available) },
        // Where the server has no such column the log is needed from the snapshot on.
        start_replay: number(row, "START_REPLAY_LOG_TS").map_or(snapshot, Scn::from_micros),
        min_restore: snapshot,
        log_needed_to: Some(ended.unwrap_or_default()),
        plus_archivelog: false,
        encryption_mode: word(row, "ENCRYPTION_MODE"),
        dest_id: 0,
        path: place(&text(row, "BACKUP_DEST")),
        bytes: number(row, "OUTPUT_BYTES").unwrap_or_default(),
        data_version: number(row, "BACKUP_DATA_VERSION").map(|version| version.to_string()),
        cluster_version: None,
        restores_here: Some(true),
        started: moment(row, "START_TIME", zone),
        ended,
    }
}

/// A row of the archive rounds.
pub(super) fn round(row: &Row, zone: &ServerTimeZone) -> Round {
    Round {
        round_id: number(row, "LOG_ARCHIVE_ROUND").unwrap_or_default(),
        dest_id: 0,
        status: RoundStatus::from(word(row, "STATUS")),
        start: moment(row, "MIN_FIRST_TIME", zone).unwrap_or_default(),
        checkpoint: moment(row, "MAX_NEXT_TIME", zone).unwrap_or_default(),
        path: String::new(),
    }
}

/// A part of the running job: of one tenant, or (of sys) of all.
pub(super) fn running(row: &Row) -> JobFacts {
    let count = |done, total| {
        let total = number(row, total).filter(|total| *total > 0)?;
        Some(Count { done: number(row, done).unwrap_or_default().min(total), total })
    };
    let task = TaskFacts {
        phase: word(row, "STATUS"),
        bytes: number(row, "OUTPUT_BYTES").unwrap_or_default(),
        bytes_total: None,
        tablets: count("FINISH_PARTITION_COUNT", "PARTITION_COUNT"),
        blocks: count("FINISH_MACRO_BLOCK_COUNT", "MACRO_BLOCK_COUNT"),
        percent: None,
        log_percent: None,
    };
    JobFacts { status: word(row, "STATUS"), task: Some(task), ..part(row) }
}

/// A part of a job that has ended, from its history row.
pub(super) fn ended(row: &Row) -> JobFacts {
    JobFacts { status: end(row), ended: some_text(row, "END_TIME").map(|ended| clean(&ended)), ..part(row) }
}

/// The set's id stands for the job's; the part of sys is the parent of the others.
fn part(row: &Row) -> JobFacts {
    let set = number(row, "BACKUP_SET_ID").unwrap_or_default();
    let tenant = number(row, "TENANT_ID").unwrap_or_default();
    JobFacts {
        tenant_id: tenant,
        job_id: set,
        set_id: Some(set),
        initiator_tenant_id: CLUSTER,
        initiator_job_id: (tenant != CLUSTER).then_some(set),
        executors: Vec::new(),
        kind: SetKind::from(word(row, "BACKUP_TYPE")),
        status: String::new(),
        result: result(row),
        comment: String::new(),
        description: String::new(),
        path: place(&text(row, "BACKUP_DEST")),
        started: word(row, "START_TIME"),
        ended: None,
        task: None,
    }
}

/// The job as its state alone shows it, before any part of it is there.
pub(super) fn coming(status: &str, set: u64, kind: SetKind) -> JobFacts {
    JobFacts {
        tenant_id: CLUSTER,
        job_id: set,
        set_id: (set != 0).then_some(set),
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
