//! Backup jobs, tasks, sets and destinations.

use crate::demo::clock;
use crate::demo::fault_injection;
use crate::demo::fleet::{BackupSet, Job, JobStatus, RegisteredDest, Tenant};
use crate::demo::release_line::PhaseWork;
use crate::demo::simulation::{self, Progress};
use crate::demo::statement::{Row, Value};

use super::{ViewContext, int, on_off, row, scn, text};

/// A macro block is 2 MB; what is written is compressed to about a third.
const BLOCK: i64 = 2 * 1024 * 1024;

fn backup_type(incremental: bool) -> Value {
    text(if incremental { "INC" } else { "FULL" })
}

fn encryption(context: &ViewContext<'_>, tenant_id: i64, encrypted: bool) -> Value {
    let lost =
        context.cluster.tenant_by_id(tenant_id).is_some_and(|tenant| context.faults().hides_encryption(&tenant.name));
    text(if encrypted && !lost { "PASSWORD" } else { "NONE" })
}

/// Returns the jobs of the running views, or of the history views.
fn listed_jobs<'a>(context: &'a ViewContext<'_>, history: bool) -> impl Iterator<Item = (usize, &'a Job)> {
    let hidden = move |job: &Job| {
        let mut concerned = job.executors.iter().filter_map(|id| context.cluster.tenant_by_id(*id));
        concerned.any(|tenant| context.faults().hides_jobs(&tenant.name, history))
    };
    context.cluster.jobs.iter().enumerate().filter(move |(_, job)| job.in_history == history && !hidden(job))
}

pub(super) fn jobs(context: &ViewContext<'_>, history: bool) -> Vec<Row> {
    let to_row = |(_, job): (usize, &Job)| {
        let executors = job.executors.iter().map(i64::to_string).collect::<Vec<_>>().join(",");
        row([
            ("TENANT_ID", int(job.tenant_id)),
            ("JOB_ID", int(job.id)),
            ("INCARNATION", int(1)),
            ("BACKUP_SET_ID", int(job.set_id)),
            ("INITIATOR_TENANT_ID", int(job.initiator_tenant_id)),
            ("INITIATOR_JOB_ID", int(job.initiator_job_id)),
            ("EXECUTOR_TENANT_ID", text(executors)),
            ("PLUS_ARCHIVELOG", on_off(job.plus_archivelog)),
            ("BACKUP_TYPE", backup_type(job.incremental)),
            ("JOB_LEVEL", text(if job.tenant_id == 1 { "CLUSTER" } else { "USER_TENANT" })),
            ("ENCRYPTION_MODE", encryption(context, job.tenant_id, job.encrypted)),
            ("PASSWD", text("")),
            ("START_TIMESTAMP", context.time(job.start)),
            ("END_TIMESTAMP", context.time_or_null(job.end)),
            ("STATUS", text(job.status.as_str())),
            ("RESULT", int(job.result)),
            ("COMMENT", text(&*job.comment)),
            ("DESCRIPTION", text(&*job.description)),
            ("PATH", text(&*job.path)),
        ])
    };
    listed_jobs(context, history).map(to_row).collect()
}

pub(super) fn tasks(context: &ViewContext<'_>, history: bool) -> Vec<Row> {
    let to_row = |(index, job): (usize, &Job)| {
        let tenant = context.cluster.tenant_by_id(job.tenant_id)?;
        let set = tenant.sets.iter().find(|set| set.id == job.set_id)?;
        let progress = simulation::progress(context.cluster, index);
        let status =
            if job.status == JobStatus::Doing { context.cluster.line.phases[job.phase].0 } else { job.status.as_str() };
        let mut columns = row([
            ("TENANT_ID", int(job.tenant_id)),
            ("TASK_ID", int(job.set_id)),
            ("JOB_ID", int(job.id)),
            ("INCARNATION", int(1)),
            ("BACKUP_SET_ID", int(job.set_id)),
            ("START_TIMESTAMP", context.time(job.start)),
            ("END_TIMESTAMP", context.time_or_null(job.end)),
            ("STATUS", text(status)),
            ("START_SCN", scn(Some(set.start_replay))),
            ("END_SCN", scn(set.min_restore)),
            ("USER_LS_START_SCN", scn(Some(job.start))),
            ("ENCRYPTION_MODE", encryption(context, job.tenant_id, job.encrypted)),
            ("PASSWD", text("")),
            ("PATH", text(&*job.path)),
        ]);
        let (result, comment) = held_task_error(context, job).unwrap_or_else(|| (job.result, job.comment.clone()));
        columns.extend(row([("RESULT", int(result)), ("COMMENT", text(comment))]));
        columns.extend(counters(set, &progress));
        if !history {
            columns.insert("DATA_PROGRESS", text(percent(progress.finished_blocks, progress.blocks)));
            let (finished, all) = log_files(context, index, job);
            columns.extend(row([
                ("LOG_FILE_COUNT", int(all)),
                ("FINISH_LOG_FILE_COUNT", int(finished)),
                ("LOG_PROGRESS", text(percent(finished, all))),
            ]));
        }
        Some(columns)
    };
    listed_jobs(context, history).filter(|(_, job)| job.tenant_id != 1).filter_map(to_row).collect()
}

/// Returns the log files, finished and all: there are some only in the phase of the log.
fn log_files(context: &ViewContext<'_>, index: usize, job: &Job) -> (i64, i64) {
    const FILES: i64 = 40;
    let (_, _, work) = context.cluster.line.phases[job.phase];
    if work != PhaseWork::Log || !job.plus_archivelog {
        return (0, 0);
    }
    (FILES * simulation::phase_permille(context.cluster, index) / 1000, FILES)
}

/// Returns the RPC address of the server that executes a running task: the faulty one, or the last.
fn worker_address(context: &ViewContext<'_>, job: &Job) -> Option<String> {
    let tenant = context.cluster.tenant_by_id(job.tenant_id)?;
    let held = context
        .faults()
        .held_task_error(&tenant.name, context.cluster.line.phases[job.phase].0)
        .and_then(|(server, ..)| server);
    let servers = &context.cluster.servers;
    let server = held.and_then(|index| servers.get(index)).or(servers.last())?;
    Some(format!("127.0.0.1:{}", server.svr_port))
}

/// Returns the code and the COMMENT that a running task shows while it is held.
fn held_task_error(context: &ViewContext<'_>, job: &Job) -> Option<(i64, String)> {
    let tenant = context.cluster.tenant_by_id(job.tenant_id).filter(|_| job.status == JobStatus::Doing)?;
    let (_, code, words) = context.faults().held_task_error(&tenant.name, context.cluster.line.phases[job.phase].0)?;
    let trace_id = format!("YB427F000001-{:016X}-0-0", job.start);
    Some((code, fault_injection::job_comment(&worker_address(context, job)?, code, words, &trace_id)))
}

/// Returns the running tasks that the root service has scheduled on servers.
pub(super) fn scheduled_tasks(context: &ViewContext<'_>) -> Vec<Row> {
    let root = context.cluster.servers.first().map_or(2882, |server| server.svr_port);
    let to_row = |(_, job): (usize, &Job)| {
        Some(row([
            ("TENANT_ID", int(job.tenant_id)),
            ("SVR_IP", text("127.0.0.1")),
            ("SVR_PORT", int(root)),
            ("JOB_ID", int(job.id)),
            ("TASK_ID", int(job.set_id)),
            ("LS_ID", int(1001)),
            ("TYPE", int(0)),
            ("TRACE_ID", text(format!("YB427F000001-{:016X}-0-0", job.start))),
            ("DESTINATION", text(worker_address(context, job)?)),
            ("IS_SCHEDULE", text("True")),
            ("GENERATE_TS", int(job.start)),
            ("SCHEDULE_TS", int(job.start)),
            ("EXECUTOR_TS", int(job.start)),
        ]))
    };
    let works = |job: &Job| job.tenant_id != 1 && job.status == JobStatus::Doing;
    listed_jobs(context, false).filter(|(_, job)| works(job)).filter_map(to_row).collect()
}

fn counters(set: &BackupSet, progress: &Progress) -> Row {
    let bytes = progress.finished_blocks * BLOCK;
    row([
        ("INPUT_BYTES", int(bytes)),
        ("OUTPUT_BYTES", int(bytes / 3)),
        // A server knows the rate only when all is done.
        ("OUTPUT_RATE_BYTES", text(set.end.map_or_else(|| "0.0000".to_owned(), |end| rate(set, end)))),
        ("EXTRA_META_BYTES", int(progress.finished_tablets * 4096)),
        ("TABLET_COUNT", int(progress.tablets)),
        ("FINISH_TABLET_COUNT", int(progress.finished_tablets)),
        ("MACRO_BLOCK_COUNT", int(progress.blocks)),
        ("FINISH_MACRO_BLOCK_COUNT", int(progress.finished_blocks)),
        ("FILE_COUNT", int(progress.finished_blocks / 64)),
        ("META_TURN_ID", int(1)),
        ("DATA_TURN_ID", int(1)),
        ("MINOR_TURN_ID", int(1)),
        ("MAJOR_TURN_ID", int(1)),
    ])
}

fn rate(set: &BackupSet, end: clock::Micros) -> String {
    let seconds = ((end - set.start) / clock::SECOND).max(1);
    format!("{}.0000", set.finished_blocks * BLOCK / 3 / seconds)
}

/// Returns a percentage as the views define it: 0 of nothing, 99.99 where more is finished than there is.
fn percent(finished: i64, all: i64) -> String {
    match (finished, all) {
        (_, 0) => "0.00".to_owned(),
        (finished, all) if finished > all => "99.99".to_owned(),
        (finished, all) => {
            let hundredths = finished * 10_000 / all;
            format!("{}.{:02}", hundredths / 100, hundredths % 100)
        }
    }
}

pub(super) fn sets(context: &ViewContext<'_>) -> Vec<Row> {
    let to_row = |tenant: &Tenant, set: &BackupSet| {
        let job = || context.cluster.jobs.iter().position(|job| job.tenant_id == tenant.id && job.set_id == set.id);
        let running =
            if set.end.is_none() { job().map(|job| simulation::progress(context.cluster, job)) } else { None };
        let tablets = 200 + tenant.megabytes / 20;
        let ended =
            Progress { tablets, finished_tablets: tablets, blocks: set.blocks, finished_blocks: set.finished_blocks };
        let seconds = set.end.map_or(0, |end| (end - set.start) / clock::SECOND);
        let mut columns = row([
            ("TENANT_ID", int(tenant.id)),
            ("BACKUP_SET_ID", int(set.id)),
            ("DEST_ID", int(set.dest_id)),
            ("INCARNATION", int(1)),
            ("BACKUP_TYPE", backup_type(set.incremental)),
            ("PREV_FULL_BACKUP_SET_ID", int(set.prev_full)),
            ("PREV_INC_BACKUP_SET_ID", int(set.prev_inc)),
            ("START_TIMESTAMP", context.time(set.start)),
            ("END_TIMESTAMP", context.time_or_null(set.end)),
            ("STATUS", text(&*set.status)),
            ("FILE_STATUS", text(&*set.file_status)),
            ("ELAPSED_SECONDES", text(seconds.to_string())),
            ("PLUS_ARCHIVELOG", on_off(set.plus_archivelog)),
            ("START_REPLAY_SCN", scn(Some(set.start_replay))),
            ("START_REPLAY_SCN_DISPLAY", context.time(set.start_replay)),
            ("MIN_RESTORE_SCN", scn(set.min_restore)),
            ("MIN_RESTORE_SCN_DISPLAY", context.time_or_null(set.min_restore)),
            ("RESULT", int(set.result)),
            ("COMMENT", text(&*set.comment)),
            ("ENCRYPTION_MODE", encryption(context, tenant.id, set.encrypted)),
            ("PASSWD", text("")),
            ("TENANT_COMPATIBLE", text(&*set.compatible)),
            ("BACKUP_COMPATIBLE", int(4)),
            ("PATH", text(&*set.path)),
            ("CLUSTER_VERSION", text(&*context.cluster.version)),
            ("CONSISTENT_SCN", scn(set.min_restore)),
        ]);
        columns.extend(counters(set, &running.unwrap_or(ended)));
        columns
    };
    let all = context.cluster.tenants.iter().flat_map(|tenant| tenant.sets.iter().map(move |set| (tenant, set)));
    all.map(|(tenant, set)| to_row(tenant, set)).collect()
}

pub(super) fn parameters(context: &ViewContext<'_>) -> Vec<Row> {
    let to_row = |tenant: &Tenant| {
        let dest = tenant.data_dest.as_ref()?;
        Some(row([
            ("TENANT_ID", int(tenant.id)),
            ("NAME", text("data_backup_dest")),
            ("VALUE", text(dest.masked_uri())),
        ]))
    };
    context.cluster.tenants.iter().filter_map(to_row).collect()
}

/// Returns every destination that a tenant has or had.
pub(super) fn storage_info(context: &ViewContext<'_>) -> Vec<Row> {
    let to_row = |tenant: &Tenant, RegisteredDest { dest_type, dest }: &RegisteredDest| {
        let access =
            dest.extension.split('&').filter(|pair| pair.starts_with("access_id=") || pair.starts_with("encrypt_key="));
        row([
            ("TENANT_ID", int(tenant.id)),
            ("PATH", text(&*dest.path)),
            ("ENDPOINT", text(dest.endpoint())),
            ("DEST_ID", int(dest.dest_id)),
            ("DEST_TYPE", text(&**dest_type)),
            ("AUTHORIZATION", text(access.collect::<Vec<_>>().join("&"))),
            ("EXTENSION", text("")),
            ("CHECK_FILE_NAME", text(format!("{}_connect_file.obbak", tenant.name))),
            ("LAST_CHECK_TIMESTAMP", context.time(dest.checked)),
            ("MAX_IOPS", int(0)),
            ("MAX_BANDWIDTH", int(0)),
            ("MAX_BANDWIDTH_DISPLAY", text("UNLIMITED")),
        ])
    };
    let all = context
        .cluster
        .tenants
        .iter()
        .flat_map(|tenant| tenant.registered_dests.iter().map(move |known| (tenant, known)));
    all.map(|(tenant, known)| to_row(tenant, known)).collect()
}

pub(super) fn delete_policies(context: &ViewContext<'_>) -> Vec<Row> {
    let to_row = |tenant: &Tenant| {
        let window = tenant.recovery_window.as_ref()?;
        Some(row([
            ("TENANT_ID", int(tenant.id)),
            ("POLICY_NAME", text("default")),
            ("RECOVERY_WINDOW", text(&**window)),
        ]))
    };
    context.cluster.tenants.iter().filter_map(to_row).collect()
}
