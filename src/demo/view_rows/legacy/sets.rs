//! Backup sets and their tasks: a row for each tenant, and one with `TENANT_ID` 1 for the cluster.

use super::super::{ViewContext, int, row, text};
use super::{LOCALHOST, current_job, flag, size_text};
use crate::demo::clock::{self, Micros, SECOND};
use crate::demo::fleet::{BackupSet, Job, JobStatus, Tenant};
use crate::demo::release_line::Feature;
use crate::demo::simulation;
use crate::demo::statement::{Row, Value};

/// A macro block is 2 MB; what is written is compressed to about a third.
const BLOCK: i64 = 2 * 1024 * 1024;

/// How many partition groups are shown for each tenant.
const PARTITION_GROUPS: i64 = 3;

/// One tenant's part of a set, or with sys the set of the cluster.
#[derive(Clone, Copy)]
struct TenantSet<'a> {
    tenant: &'a Tenant,
    set: &'a BackupSet,
    /// The job that writes it, with its index; `None` for a set from before the scenario.
    job: Option<(usize, &'a Job)>,
    /// The set is still being written, though this part may be complete.
    running: bool,
}

fn tenant_sets<'a>(context: &'a ViewContext<'_>) -> impl Iterator<Item = TenantSet<'a>> {
    let cluster = context.cluster;
    let now = current_job(cluster).map(|job| job.set_id);
    let all = cluster.tenants.iter().flat_map(|tenant| tenant.sets.iter().map(move |set| (tenant, set)));
    all.map(move |(tenant, set)| {
        let mut jobs = cluster.jobs.iter().enumerate();
        let job = jobs.find(|(_, job)| job.tenant_id == tenant.id && job.set_id == set.id);
        TenantSet { tenant, set, job, running: now == Some(set.id) }
    })
    .filter(|part| !is_hidden(context, part))
}

fn is_hidden(context: &ViewContext<'_>, part: &TenantSet<'_>) -> bool {
    let Some((_, job)) = part.job else { return false };
    let mut concerned = job.executors.iter().filter_map(|id| context.cluster.tenant_by_id(*id));
    concerned.any(|tenant| context.faults().hides_jobs(&tenant.name, !part.running))
}

/// The partitions and blocks of a part, all and finished; sys has the sum.
#[derive(Default)]
struct Counters {
    partitions: i64,
    finished_partitions: i64,
    blocks: i64,
    finished_blocks: i64,
}

fn counters(context: &ViewContext<'_>, part: &TenantSet<'_>) -> Counters {
    if part.tenant.id == 1 {
        let rows_of = |other: &TenantSet<'_>| other.tenant.id != 1 && other.set.id == part.set.id;
        return tenant_sets(context).filter(rows_of).map(|other| counters(context, &other)).fold(
            Counters::default(),
            |sum, one| Counters {
                partitions: sum.partitions + one.partitions,
                finished_partitions: sum.finished_partitions + one.finished_partitions,
                blocks: sum.blocks + one.blocks,
                finished_blocks: sum.finished_blocks + one.finished_blocks,
            },
        );
    }
    let partitions = 200 + part.tenant.megabytes / 20;
    match part.job.filter(|_| part.set.end.is_none()) {
        Some((index, _)) => {
            let progress = simulation::progress(context.cluster, index);
            Counters {
                partitions,
                finished_partitions: progress.finished_tablets,
                blocks: progress.blocks,
                finished_blocks: progress.finished_blocks,
            }
        }
        None => Counters {
            partitions,
            finished_partitions: partitions * part.set.finished_blocks / part.set.blocks.max(1),
            blocks: part.set.blocks,
            finished_blocks: part.set.finished_blocks,
        },
    }
}

fn backup_type(set: &BackupSet) -> Value {
    text(if set.incremental { "I" } else { "D" })
}

/// The docs of V2.2 print it in another case than the source does.
fn encryption(context: &ViewContext<'_>, part: &TenantSet<'_>) -> Value {
    let lost = context.faults().hides_encryption(&part.tenant.name);
    let old = !context.cluster.line.has(Feature::SinceV3);
    text(match (part.set.encrypted && !lost, old) {
        (true, false) => "PASSWORD",
        (true, true) => "Password",
        (false, false) => "NONE",
        (false, true) => "None",
    })
}

/// Returns `RUNNING`, or how the set ended.
fn set_state(set: &BackupSet) -> Value {
    text(match (set.end, set.result) {
        (None, _) => "RUNNING",
        (Some(_), 0) => "COMPLETED",
        _ => "FAILED",
    })
}

/// Returns the end time; 0 of what has not ended.
fn end_time(context: &ViewContext<'_>, set: &BackupSet) -> Value {
    context.time(set.end.unwrap_or(0))
}

/// Returns the columns for volume, rate and duration that several views share. A view with fewer of them drops the others.
fn volume_columns(part: &TenantSet<'_>, counters: &Counters, now: Micros) -> Row {
    let input = counters.finished_blocks * BLOCK;
    let output = input / 3;
    let until = part.set.end.unwrap_or(now);
    let seconds = ((until - part.set.start) / SECOND).max(1);
    let ratio = if output == 0 { Value::Null } else { text("3.00") };
    let elapsed = part.set.end.map_or(-part.set.start / SECOND, |end| (end - part.set.start) / SECOND);
    let time_taken = match part.set.end {
        Some(end) => {
            let micros = end - part.set.start;
            let whole_seconds = micros / SECOND;
            format!(
                "{:02}:{:02}:{:02}.{:06}",
                whole_seconds / 3600,
                whole_seconds / 60 % 60,
                whole_seconds % 60,
                micros % SECOND
            )
        }
        // The least that fits the type.
        None => "-838:59:59.000000".to_owned(),
    };
    row([
        ("INPUT_BYTES", int(input)),
        ("OUTPUT_BYTES", int(output)),
        ("OUTPUT_RATE_BYTES", text(format!("{}.0000", output / seconds))),
        ("INPUT_BYTES_PER_SEC", text(format!("{}.0000", input / seconds))),
        ("OUTPUT_BYTES_PER_SEC", text(format!("{}.0000", output / seconds))),
        ("COMPRESSION_RATIO", ratio),
        ("INPUT_BYTES_DISPLAY", size_text(input)),
        ("OUTPUT_BYTES_DISPLAY", size_text(output)),
        ("OUTPUT_RATE_BYTES_DISPLAY", text(rate(output / seconds))),
        ("INPUT_BYTES_PER_SEC_DISPLAY", text(rate(input / seconds))),
        ("OUTPUT_BYTES_PER_SEC_DISPLAY", text(rate(output / seconds))),
        ("ELAPSED_SECONDES", text(elapsed.to_string())),
        ("TIME_TAKEN_DISPLAY", text(time_taken)),
    ])
}

fn rate(bytes: i64) -> String {
    match size_text(bytes) {
        Value::Text(size) => format!("{size}/S"),
        Value::Null | Value::Integer(_) => String::new(),
    }
}

/// Returns a row with the named columns only.
fn keep_columns(mut row: Row, names: &[&str]) -> Row {
    row.retain(|name, _| names.contains(name));
    row
}

pub(super) fn progress(context: &ViewContext<'_>) -> Vec<Row> {
    let to_row = |part: TenantSet<'_>| {
        let counted = counters(context, &part);
        let mut columns = row([
            ("INCARNATION", int(1)),
            ("BS_KEY", int(part.set.id)),
            ("BACKUP_TYPE", backup_type(part.set)),
            ("TENANT_ID", int(part.tenant.id)),
            ("PARTITION_COUNT", int(counted.partitions)),
            ("FINISH_PARTITION_COUNT", int(counted.finished_partitions)),
            ("MACRO_BLOCK_COUNT", int(counted.blocks)),
            ("FINISH_MACRO_BLOCK_COUNT", int(counted.finished_blocks)),
            ("START_TIME", context.time(part.set.start)),
            ("COMPLETION_TIME", end_time(context, part.set)),
            ("STATUS", set_state(part.set)),
        ]);
        columns
            .extend(keep_columns(volume_columns(&part, &counted, context.fleet.now), &["INPUT_BYTES", "OUTPUT_BYTES"]));
        columns
    };
    tenant_sets(context).filter(|part| part.running).map(to_row).collect()
}

/// Returns the columns `START_REPLAY_LOG_TS` and `DATE`.
fn replay_columns(context: &ViewContext<'_>, set: &BackupSet) -> Row {
    let date = clock::format_time(set.start, context.zone).get(..10).unwrap_or_default().replace('-', "");
    row([("START_REPLAY_LOG_TS", int(set.start_replay)), ("DATE", int(date.parse::<i64>().unwrap_or_default()))])
}

pub(super) fn job_details(context: &ViewContext<'_>) -> Vec<Row> {
    const FIGURES: &[&str] = &[
        "INPUT_BYTES",
        "OUTPUT_BYTES",
        "ELAPSED_SECONDES",
        "COMPRESSION_RATIO",
        "INPUT_BYTES_PER_SEC",
        "OUTPUT_BYTES_PER_SEC",
        "INPUT_BYTES_DISPLAY",
        "OUTPUT_BYTES_DISPLAY",
        "INPUT_BYTES_PER_SEC_DISPLAY",
        "OUTPUT_BYTES_PER_SEC_DISPLAY",
        "TIME_TAKEN_DISPLAY",
    ];
    let to_row = |part: TenantSet<'_>| {
        let mut columns = row([
            ("INCARNATION", int(1)),
            ("TENANT_ID", int(part.tenant.id)),
            ("BS_KEY", int(part.set.id)),
            ("BACKUP_TYPE", backup_type(part.set)),
            ("ENCRYPTION_MODE", encryption(context, &part)),
            ("START_TIME", context.time(part.set.start)),
            ("END_TIME", end_time(context, part.set)),
            ("OUTPUT_DEVICE_TYPE", device(part.set)),
            ("STATUS", set_state(part.set)),
        ]);
        columns.extend(keep_columns(volume_columns(&part, &counters(context, &part), context.fleet.now), FIGURES));
        columns.extend(replay_columns(context, part.set));
        columns
    };
    tenant_sets(context).filter(|part| part.running).map(to_row).collect()
}

fn device(set: &BackupSet) -> Value {
    text(set.path.split("://").next().unwrap_or_default().to_uppercase())
}

const SET_FIGURES: &[&str] = &[
    "ELAPSED_SECONDES",
    "OUTPUT_BYTES",
    "OUTPUT_RATE_BYTES",
    "COMPRESSION_RATIO",
    "OUTPUT_BYTES_DISPLAY",
    "OUTPUT_RATE_BYTES_DISPLAY",
    "TIME_TAKEN_DISPLAY",
];

/// Returns the columns that both views of sets have.
fn set_columns(context: &ViewContext<'_>, part: &TenantSet<'_>) -> Row {
    let mut columns = row([
        ("INCARNATION", int(1)),
        ("TENANT_ID", int(part.tenant.id)),
        ("BS_KEY", int(part.set.id)),
        ("BACKUP_TYPE", backup_type(part.set)),
        ("ENCRYPTION_MODE", encryption(context, part)),
        ("START_TIME", context.time(part.set.start)),
        ("COMPLETION_TIME", end_time(context, part.set)),
        ("KEEP", text("NO")),
        ("KEEP_UNTIL", text("")),
        ("COMPRESSED", text("NO")),
    ]);
    columns.extend(keep_columns(volume_columns(part, &counters(context, part), context.fleet.now), SET_FIGURES));
    columns
}

pub(super) fn set_details(context: &ViewContext<'_>) -> Vec<Row> {
    let to_row = |part: TenantSet<'_>| {
        let mut columns = set_columns(context, &part);
        columns.insert("DEVICE_TYPE", device(part.set));
        columns.insert("STATUS", set_state(part.set));
        columns.insert("COPY_ID", text("0"));
        columns.extend(replay_columns(context, part.set));
        columns.insert("BACKUP_LEVEL", text(if part.set.legacy.of_tenants { "TENANT" } else { "CLUSTER" }));
        columns
    };
    tenant_sets(context).filter(|part| !part.running).map(to_row).collect()
}

pub(super) fn set_files(context: &ViewContext<'_>) -> Vec<Row> {
    let to_row = |part: TenantSet<'_>| {
        let mut columns = set_columns(context, &part);
        columns.extend(row([
            ("COPY_ID", int(0)),
            ("STATUS", text(&*part.set.status)),
            ("FILE_STATUS", text(&*part.set.file_status)),
        ]));
        columns
    };
    tenant_sets(context).map(to_row).collect()
}

/// Returns the columns of the inner tables of tasks.
fn task_columns(context: &ViewContext<'_>, part: &TenantSet<'_>) -> Row {
    let (set, cluster) = (part.set, context.cluster);
    let counted = counters(context, part);
    let parent = part.tenant.sets.iter().find(|other| other.id == set.prev_inc);
    let input = counted.finished_blocks * BLOCK;
    let mut columns = row([
        ("TENANT_ID", int(part.tenant.id)),
        ("INCARNATION", int(1)),
        ("BACKUP_SET_ID", int(set.id)),
        ("BACKUP_TYPE", backup_type(set)),
        ("DEVICE_TYPE", device(set)),
        ("SNAPSHOT_VERSION", int(set.min_restore.unwrap_or(0))),
        ("PREV_FULL_BACKUP_SET_ID", int(set.prev_full)),
        ("PREV_INC_BACKUP_SET_ID", int(set.prev_inc)),
        ("PREV_BACKUP_DATA_VERSION", int(parent.map_or(0, |set| set.legacy.data_version))),
        ("PG_COUNT", int(counted.partitions)),
        ("MACRO_BLOCK_COUNT", int(counted.blocks)),
        ("FINISH_PG_COUNT", int(counted.finished_partitions)),
        ("FINISH_MACRO_BLOCK_COUNT", int(counted.finished_blocks)),
        ("INPUT_BYTES", int(input)),
        ("OUTPUT_BYTES", int(input / 3)),
        ("START_TIME", context.time(set.start)),
        ("END_TIME", end_time(context, set)),
        ("COMPATIBLE", int(4)),
        ("CLUSTER_VERSION", int(version_number(&cluster.version))),
        ("RESULT", int(set.result)),
        ("CLUSTER_ID", int(cluster.id)),
        ("BACKUP_DEST", text(&*set.path)),
        ("BACKUP_DATA_VERSION", int(set.legacy.data_version)),
        ("BACKUP_SCHEMA_VERSION", int(set.start_replay)),
        ("CLUSTER_VERSION_DISPLAY", text(&*cluster.version)),
        ("PARTITION_COUNT", int(counted.partitions)),
        ("FINISH_PARTITION_COUNT", int(counted.finished_partitions)),
        ("ENCRYPTION_MODE", encryption(context, part)),
        ("PASSWD", text(if set.encrypted { "c19c1ac4b5f7d3ddfdbb0a4e9cd2f23a" } else { "" })),
    ]);
    columns.extend(replay_columns(context, set));
    columns
}

/// Returns a version as one number: 16 bits for each part.
fn version_number(version: &str) -> i64 {
    let mut parts = version.split('.').map(|part| part.parse::<i64>().unwrap_or_default());
    let mut next = || parts.next().unwrap_or_default();
    let (major, minor, patch) = (next(), next(), next());
    (major << 32) | (minor << 16) | patch
}

pub(super) fn tasks(context: &ViewContext<'_>) -> Vec<Row> {
    let to_row = |part: TenantSet<'_>| {
        let mut columns = task_columns(context, &part);
        columns.insert("STATUS", text(part.job.map_or("FINISH", |(_, job)| task_state(context, job))));
        columns
    };
    tenant_sets(context).filter(|part| part.running).map(to_row).collect()
}

fn task_state(context: &ViewContext<'_>, job: &Job) -> &'static str {
    match job.status {
        JobStatus::Canceling => "CANCEL",
        status if status.has_ended() => "FINISH",
        _ if job.tenant_id == 1 => "DOING",
        _ => context.cluster.line.phases[job.phase].0,
    }
}

pub(super) fn task_history(context: &ViewContext<'_>) -> Vec<Row> {
    let to_row = |part: TenantSet<'_>| {
        let mut columns = task_columns(context, &part);
        columns.extend(row([("STATUS", text("FINISH")), ("IS_MARK_DELETED", flag(false))]));
        columns
    };
    tenant_sets(context).filter(|part| !part.running).map(to_row).collect()
}

pub(super) fn base_set_files(context: &ViewContext<'_>) -> Vec<Row> {
    let to_row = |part: TenantSet<'_>| {
        let mut columns = task_columns(context, &part);
        columns.remove("DEVICE_TYPE");
        columns.extend(row([
            ("COPY_ID", int(0)),
            ("START_TIME", int(part.set.start)),
            ("END_TIME", int(part.set.end.unwrap_or(0))),
            ("STATUS", text(&*part.set.status)),
            ("FILE_STATUS", text(&*part.set.file_status)),
        ]));
        columns
    };
    tenant_sets(context).map(to_row).collect()
}

/// Returns some partition groups of every tenant that is being backed up. The error of a held task is shown here with its server.
pub(super) fn partition_groups(context: &ViewContext<'_>) -> Vec<Row> {
    let rows_of = |part: TenantSet<'_>| {
        let Some((_, job)) = part.job.filter(|(_, job)| job.status == JobStatus::Doing) else { return Vec::new() };
        let (phase, ..) = context.cluster.line.phases[job.phase];
        let held_error = context.faults().held_task_error(&part.tenant.name, phase);
        let to_row = |group: i64| {
            let error_here = held_error.filter(|_| group == PARTITION_GROUPS);
            let index = error_here.and_then(|(server, ..)| server).unwrap_or(context.cluster.servers.len() - 1);
            let server = context.cluster.servers.get(index).or(context.cluster.servers.last());
            row([
                ("TENANT_ID", int(part.tenant.id)),
                ("TABLE_ID", int((part.tenant.id << 40) | (50_000 + group))),
                ("PARTITION_ID", int(0)),
                ("INCARNATION", int(1)),
                ("BACKUP_SET_ID", int(part.set.id)),
                ("RETRY_COUNT", int(i64::from(error_here.is_some()) * 7)),
                ("REPLICA_ROLE", int(2)),
                ("REPLICA_TYPE", int(0)),
                ("SVR_IP", text(LOCALHOST)),
                ("SVR_PORT", server.map_or(Value::Null, |server| int(server.svr_port))),
                ("STATUS", text(if phase == "GENERATE" { "PENDING" } else { "DOING" })),
                ("TASK_ID", int(group)),
                ("RESULT", int(error_here.map_or(0, |(_, code, _)| code))),
                ("TRACE_ID", text(format!("YB427F000001-{:016X}", job.start))),
            ])
        };
        (1..=PARTITION_GROUPS).map(to_row).collect()
    };
    tenant_sets(context).filter(|part| part.running && part.tenant.id != 1).flat_map(rows_of).collect()
}
