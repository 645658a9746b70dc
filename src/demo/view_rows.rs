//! The rows of the views, made from the fleet when they are read. Columns that are left out are NULL. The columns and views of
//! each line are in `assets/demo/views.yaml`.

mod archive;
mod backup;
mod cluster;
pub(in crate::demo) mod legacy;
#[cfg(test)]
mod tests;

use super::alter::server_error;
use super::clock::{self, Micros};
use super::fault_injection::ClusterFaults;
use super::fleet::{Cluster, Fleet};
use super::release_line::Generation;
use super::statement::{Row, ServerError, Value};
use super::view_definitions::views_of;

/// The session that reads a view, and the state it reads.
#[derive(Debug, Clone)]
pub struct ViewContext<'a> {
    /// The fleet, advanced to the present.
    pub fleet: &'a Fleet,
    /// The cluster of the session.
    pub cluster: &'a Cluster,
    /// The tenant of the session; 1 is sys and sees every tenant.
    pub tenant_id: i64,
    /// The session's time zone.
    pub zone: &'a str,
}

impl ViewContext<'_> {
    fn faults(&self) -> ClusterFaults<'_> {
        ClusterFaults { all: &self.fleet.faults, cluster: &self.cluster.name }
    }

    fn time(&self, moment: Micros) -> Value {
        Value::Text(clock::format_time(moment, self.zone))
    }

    fn time_or_null(&self, moment: Option<Micros>) -> Value {
        moment.map_or(Value::Null, |moment| self.time(moment))
    }
}

fn text(value: impl Into<String>) -> Value {
    Value::Text(value.into())
}

fn int(value: impl Into<i128>) -> Value {
    Value::Integer(value.into())
}

/// Converts a count into a value.
fn count(value: usize) -> Value {
    Value::Integer(i128::try_from(value).unwrap_or_default())
}

fn scn(moment: Option<Micros>) -> Value {
    Value::Integer(moment.map_or(0, clock::scn))
}

fn on_off(on: bool) -> Value {
    text(if on { "ON" } else { "OFF" })
}

fn yes_no(yes: bool) -> Value {
    text(if yes { "YES" } else { "NO" })
}

fn row<const N: usize>(columns: [(&'static str, Value); N]) -> Row {
    columns.into_iter().collect()
}

/// Returns the rows of a view, in its `CDB_` or `DBA_` form, with the columns of the line.
///
/// # Errors
/// Returns 1146 for an unknown view, 1105 for a line without views.
pub fn rows(context: &ViewContext<'_>, view: &str) -> Result<Vec<Row>, ServerError> {
    let line = context.cluster.line;
    let (mut rows, newest) = match line.generation {
        Generation::Legacy => (legacy::rows(context, view)?, "3.2.4"),
        Generation::V4 => (v4_rows(context, view)?, "4.3.5"),
    };
    // Rows are made for the newest line; an older one lacks some columns. A column that neither has is a bug, and stays.
    if let Some((own, full)) = views_of(line.key)?.get(view).zip(views_of(newest)?.get(view)) {
        let later = |name: &str| full.column(name).is_some() && own.column(name).is_none();
        for row in &mut rows {
            row.retain(|name, _| !later(name));
        }
    }
    Ok(rows)
}

fn v4_rows(context: &ViewContext<'_>, view: &str) -> Result<Vec<Row>, ServerError> {
    let (own, subject) = match view.strip_prefix("DBA_OB_") {
        Some(subject) => (true, subject),
        None => (false, view.strip_prefix("CDB_OB_").unwrap_or(view)),
    };
    let mut rows = match subject {
        "BACKUP_JOBS" => backup::jobs(context, false),
        "BACKUP_JOB_HISTORY" => backup::jobs(context, true),
        "BACKUP_TASKS" => backup::tasks(context, false),
        "BACKUP_TASK_HISTORY" => backup::tasks(context, true),
        "BACKUP_SET_FILES" => backup::sets(context),
        "BACKUP_PARAMETER" => backup::parameters(context),
        "BACKUP_STORAGE_INFO" => backup::storage_info(context),
        "BACKUP_DELETE_POLICY" => backup::delete_policies(context),
        "BACKUP_DELETE_JOBS" | "BACKUP_STORAGE_INFO_HISTORY" | "BACKUP_DELETE_JOB_HISTORY" => Vec::new(),
        "ARCHIVE_DEST" => archive::destinations(context),
        "ARCHIVELOG" => archive::rounds(context, true),
        "ARCHIVELOG_SUMMARY" => archive::rounds(context, false),
        "ARCHIVELOG_PIECE_FILES" => archive::pieces(context),
        "LS_LOG_ARCHIVE_PROGRESS" => archive::log_streams(context),
        "MAJOR_COMPACTION" => cluster::compaction(context),
        _ => return shared_rows(context, view),
    };
    // In a tenant every view shows that tenant; from sys the DBA_ form shows sys.
    if own || context.tenant_id != 1 {
        let id = int(context.tenant_id);
        rows.retain(|row| row.get("TENANT_ID") == Some(&id));
    }
    if own && subject != "BACKUP_STORAGE_INFO" {
        for row in &mut rows {
            row.remove("TENANT_ID");
        }
    }
    Ok(rows)
}

fn shared_rows(context: &ViewContext<'_>, view: &str) -> Result<Vec<Row>, ServerError> {
    Ok(match view {
        "__ALL_VIRTUAL_BACKUP_SCHEDULE_TASK" => backup::scheduled_tasks(context),
        "DBA_OB_TENANTS" => cluster::tenants(context),
        "DBA_OB_SERVERS" => cluster::servers(context),
        "DBA_OB_ZONES" => cluster::zones(context),
        "DBA_OB_ROOTSERVICE_EVENT_HISTORY" => cluster::events(context),
        "DBA_OB_TENANT_JOBS" => cluster::tenant_jobs(context),
        "GV$OB_PARAMETERS" => cluster::parameters(context),
        "GV$OB_PROCESSLIST" => cluster::processes(context),
        "INFORMATION_SCHEMA.TABLES" => Vec::new(),
        _ => return Err(server_error(1146, format!("Table 'oceanbase.{}' doesn't exist", view.to_lowercase()))),
    })
}

pub use cluster::{parameter_values, version_texts};
