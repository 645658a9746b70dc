//! The views and inner tables of V2.2 and V3.

mod archive;
mod cluster;
mod sets;

pub(in crate::demo) use cluster::parameters;

use super::{ViewContext, int, text};
use crate::demo::alter::server_error;
use crate::demo::fleet::{Cluster, Job};
use crate::demo::statement::{Row, ServerError, Value};

const LOCALHOST: &str = "127.0.0.1";

/// Returns the rows of a view of V2.2 or V3.
///
/// # Errors
/// Returns 1146 for an unknown view.
pub(super) fn rows(context: &ViewContext<'_>, view: &str) -> Result<Vec<Row>, ServerError> {
    let mut rows = view_rows(context, view)?;
    if TIMESTAMPED_TABLES.contains(&view) {
        // Only the rows of tenants have a time of their own; the others are as old as the cluster.
        let made = context.time(context.cluster.servers.first().map_or(0, |server| server.started));
        for row in &mut rows {
            for name in ["GMT_CREATE", "GMT_MODIFIED"] {
                row.entry(name).or_insert_with(|| made.clone());
            }
        }
    }
    Ok(rows)
}

/// The inner tables with `GMT_CREATE` and `GMT_MODIFIED`.
const TIMESTAMPED_TABLES: [&str; 8] = [
    "__ALL_BACKUP_INFO",
    "__ALL_TENANT_BACKUP_INFO",
    "__ALL_BACKUP_TASK_HISTORY",
    "__ALL_BACKUP_SET_FILES",
    "__ALL_BACKUP_LOG_ARCHIVE_STATUS_V2",
    "__ALL_BACKUP_LOG_ARCHIVE_STATUS_HISTORY",
    "__ALL_FREEZE_INFO",
    "__ALL_TENANT",
];

fn view_rows(context: &ViewContext<'_>, view: &str) -> Result<Vec<Row>, ServerError> {
    Ok(match view {
        "CDB_OB_BACKUP_PROGRESS" => sets::progress(context),
        "CDB_OB_BACKUP_JOB_DETAILS" => sets::job_details(context),
        "CDB_OB_BACKUP_SET_DETAILS" => sets::set_details(context),
        "CDB_OB_BACKUP_SET_FILES" => sets::set_files(context),
        "__ALL_VIRTUAL_BACKUP_TASK" => sets::tasks(context),
        "__ALL_BACKUP_TASK_HISTORY" => sets::task_history(context),
        "__ALL_BACKUP_SET_FILES" => sets::base_set_files(context),
        "__ALL_VIRTUAL_PG_BACKUP_TASK" => sets::partition_groups(context),
        "CDB_OB_BACKUP_ARCHIVELOG" => archive::rounds(context, true),
        "CDB_OB_BACKUP_ARCHIVELOG_SUMMARY" => archive::rounds(context, false),
        "CDB_OB_BACKUP_ARCHIVELOG_PROGRESS" => archive::progress(context),
        "CDB_OB_BACKUP_PIECE_FILES" => archive::pieces(context),
        "__ALL_BACKUP_LOG_ARCHIVE_STATUS_V2" => archive::base_rounds(context, true),
        "__ALL_BACKUP_LOG_ARCHIVE_STATUS_HISTORY" => archive::base_rounds(context, false),
        "CDB_OB_BACKUP_CLEAN_HISTORY" => Vec::new(),
        "__ALL_VIRTUAL_BACKUP_CLEAN_INFO" => cluster::cleanups(context),
        "__ALL_BACKUP_INFO" => cluster::backup_info(context, true),
        "__ALL_VIRTUAL_BACKUP_INFO" | "__ALL_TENANT_BACKUP_INFO" => cluster::backup_info(context, false),
        "__ALL_ROOTSERVICE_EVENT_HISTORY" => cluster::events(context),
        "V$OB_CLUSTER" => cluster::clusters(context),
        "__ALL_SERVER" => cluster::servers(context),
        "__ALL_ZONE" => cluster::zones(context),
        "__ALL_FREEZE_INFO" => cluster::freezes(context),
        "__ALL_TENANT" => cluster::tenants(context),
        "__ALL_VIRTUAL_SYS_VARIABLE" => cluster::variables(context),
        "GV$TENANT" => cluster::gv_tenants(context),
        "__ALL_VIRTUAL_SYS_PARAMETER_STAT" => cluster::parameter_rows(context),
        _ => return Err(server_error(1146, format!("Table 'oceanbase.{}' doesn't exist", view.to_lowercase()))),
    })
}

/// Returns the cluster's job that is in the running views.
fn current_job(cluster: &Cluster) -> Option<&Job> {
    cluster.jobs.iter().find(|job| job.tenant_id == 1 && !job.in_history)
}

/// Formats a size as the views print it.
fn size_text(bytes: i64) -> Value {
    const UNITS: [&str; 4] = ["GB", "TB", "PB", "MB"];
    let (unit, scale) = match bytes {
        bytes if bytes >= 1 << 40 => (UNITS[1], 1_i64 << 40),
        bytes if bytes >= 1 << 30 => (UNITS[0], 1 << 30),
        _ => (UNITS[3], 1 << 20),
    };
    text(format!("{}.{:02}{unit}", bytes / scale, bytes % scale * 100 / scale))
}

/// Returns the value of a column that is 0 or 1.
fn flag(yes: bool) -> Value {
    int(i64::from(yes))
}
